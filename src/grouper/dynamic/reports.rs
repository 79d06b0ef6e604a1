//! Hearing of members, on their own threads.

use super::events::{Entrance, ExitEvent};
use super::options::Ends;
use super::shared::Shared;
use super::state::{Living, Phase, State};
use crate::error::{Cause, Error, MemberExit, NotRestarted};
use crate::id::ProcessId;
use crate::id_map::take_out;
use crate::observe::{Outcome, Why};
use crate::process::{Exited, Leftover, News, Parent, Process, Report, line_of};
use crate::restart::Asks;
use crate::sync::Arc;

impl Parent for Shared {
    fn hear(&self, report: Report) -> Leftover {
        let mut state = self.state.lock();
        match report.news {
            News::Ready => self.entered(&state, report.id),
            News::EndedLate { .. } => {
                state.release_this_thread();
                self.place_free(&mut state);
                Leftover::new(take_out(&mut state.given_up, &report.id))
            }
            News::Exited(ref exited) => {
                let exit = &exited.exit;
                let Some(mut living) = take_out(&mut state.living, &report.id) else {
                    return Leftover::default();
                };
                if let Some(watcher) = &mut living.watcher {
                    watcher.hear(exit);
                }
                take_out(&mut state.names, &*living.core.name);
                if exited.given_up {
                    let core = Arc::clone(&living.core);
                    state.given_up.insert(report.id, core);
                } else {
                    if living.core.runs_on_this_thread() {
                        state.release_this_thread();
                    }
                    self.place_free(&mut state);
                }
                let event = ExitEvent {
                    name: String::from(&*living.core.name),
                    id: report.id,
                    exit: exit.clone(),
                };
                let event = self.exits.lock().publish(event);
                if let Phase::Stopping { running, .. } = &state.phase {
                    let index = living.slot;
                    let engine = running.engine.upgrade();
                    let report = engine.map(|engine| engine.hear(Report { index, ..report }));
                    Leftover::new((event, report, living))
                } else {
                    let record = self.ended(&mut state, &living, exited);
                    Leftover::new((event, record, living))
                }
            }
        }
    }
}

impl Shared {
    fn entered(&self, state: &State, id: ProcessId) -> Leftover {
        let Some(living) = state.living.get(&id) else {
            return Leftover::default();
        };
        let entrance = Entrance {
            name: String::from(&*living.core.name),
            process: Process::from_core(Arc::clone(&living.core)),
        };
        Leftover::new(self.entrances.lock().publish(entrance))
    }

    /// A member's thread is about to be done with it, or has not started.
    fn place_free(&self, state: &mut State) {
        state.threads -= 1;
        if !state.must_wait() {
            state.waiting.tell_of_a_place();
        }
        self.changed.notify_one();
    }

    /// A member's end in a group that is not stopping. Returns what has fallen out of the history.
    fn ended(&self, state: &mut State, living: &Living, exited: &Exited) -> Option<MemberExit> {
        let is_unasked = living.options.essential && exited.exit.is_ok();
        let (exit, line) = match is_unasked {
            true => {
                let unasked = Err(Error::EndedUnasked {
                    name: String::from(&*living.core.name),
                });
                let line = line_of(&unasked); // it is an error of ours, and asks none of a user's
                (unasked, line)
            }
            false => (exited.exit.clone(), exited.findings.line.clone()),
        };
        let stops = living.options.essential
            || exit.as_ref().is_err_and(Error::is_fatal)
            || living.options.asks(&exit, true) != Asks::Nothing
                && match state.options.ends {
                    Some(Ends::Any) => true,
                    Some(Ends::Errors) => exit.is_err(),
                    None => false,
                };
        let failed = exit.is_err();
        let not_restarted = match &exit {
            Err(error) if error.is_fatal() => Some(NotRestarted::Fatal),
            Err(Error::RestartBudget { .. }) => Some(NotRestarted::TooOften),
            _ => None,
        };
        let not_restarted = not_restarted.filter(|_| stops);
        let record = || MemberExit {
            name: String::from(&*living.core.name),
            id: living.core.id,
            exit,
            cause: if stops {
                Cause::Initiator
            } else {
                Cause::Completed
            },
            time_to_stop: None,
            not_restarted,
        };
        let room = state.options.history;
        let fallen = state.history.push(failed, room, record);
        if stops {
            let core = &living.core;
            let why = Why::member(&core.name, core.id, Outcome::new(line), not_restarted);
            state.begin_stopping(Some(why));
            self.changed.notify_all();
        }
        if stops || (matches!(state.phase, Phase::Closed(_)) && state.living.is_empty()) {
            let _ = self.nudge.try_send(());
        }
        fallen
    }
}
