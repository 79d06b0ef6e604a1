//! What one run of a sigmon does with the signals of the operating system.

use super::escalation::{Counted, Escalation, Step};
use crate::process::Core;
use crate::signal::Signal;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex};

/// What came from the operating system; for one run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    first_stop: Mutex<Option<Signal>>,
    forced: AtomicBool,
}

impl Outcome {
    /// The first stop signal.
    pub(crate) fn first_stop(&self) -> Option<Signal> {
        *self.first_stop.lock()
    }

    /// The first stop signal, if a later one forced the stop.
    pub(crate) fn forced_after(&self) -> Option<Signal> {
        let forced = self.forced.load(Ordering::SeqCst);
        self.first_stop().filter(|_| forced)
    }
}

/// The ear of one run.
pub(super) struct Listener {
    /// What hears the signals.
    pub(super) host: Arc<Core>,
    /// What is given up: the process whose thread this is, or the host, where it was made for a run by hand outside of
    /// any process.
    pub(super) process: Arc<Core>,
    pub(super) escalation: Escalation,
    pub(super) counted: Mutex<Counted>,
    pub(super) outcome: Arc<Outcome>,
}

impl Listener {
    /// What `signal` does; `None` if it does nothing. Counts a step.
    pub(super) fn decide(&self, signal: Signal) -> Option<Step> {
        if !signal.is_stop() {
            return Some(Step::Forward);
        }
        let now = self.host.clock.now();
        self.escalation.next(&mut self.counted.lock(), now)
    }

    /// Remembers what `signal` is about to do, here or in a sigmon inside.
    pub(super) fn record(&self, signal: Signal, step: Step) {
        if signal.is_stop() {
            self.outcome.first_stop.lock().get_or_insert(signal);
        }
        if step != Step::Forward {
            self.outcome.forced.store(true, Ordering::SeqCst);
        }
    }

    /// Does it.
    pub(super) fn act(&self, signal: Signal, step: Step) {
        match step {
            Step::Forward => {
                self.host.signal(signal);
            }
            Step::Kill => {
                self.host.signal(Signal::KILL);
            }
            Step::GiveUp => {
                self.host.signal(Signal::KILL);
                self.process.give_up_at_once();
            }
        }
    }
}
