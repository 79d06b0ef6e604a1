//! The process: signals, readiness, the exit, waits and giving up against each other.

use std::convert::Infallible;
use std::io;
use std::sync::Mutex;

use super::*;
use crate::error::{Error, Result};
use crate::process::{
    Launch, Leftover, Life, Link, News, Parent, Process, Report, Request, background, drop_runner,
    launch,
};
use crate::ready::ReadySender;
use crate::runner::{Runner, run_fn, run_once, until_stop};
use crate::signal::Signal;
use crate::sync::channel::{Receiver, Sender, TryRecvError, bounded};

fn fired(latch: &Receiver<Infallible>) -> bool {
    latch.try_recv() == Err(TryRecvError::Disconnected)
}

/// Runs until it is told. Its destructor, which asks for the tree, says when it is gone.
struct Told {
    gone: Flag,
}

impl Runner for Told {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        ready.notify();
        until_stop(&signals);
        Ok(())
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let _ = crate::tree(); // invariant 2: it needs the locks
        self.gone.raise();
    }
}

/// One waits with a channel, one for the latch, one joins; and one, who lets go of its handle at once, stops it.
fn waited_for() {
    let gone = Flag::default();
    let process = background(Told { gone: gone.clone() });
    let (one, gone_first) = (process.clone(), gone.clone());
    go(move || {
        let wait = one.wait();
        assert!(wait.recv().expect("invariant 1: the exit comes").is_ok());
        assert!(
            one.try_exit().is_some(),
            "invariant 1: stored before wait fires"
        );
        assert!(gone_first.is_up(), "invariant 1: the runner goes first");
        assert!(wait.recv().is_err(), "invariant 1: published once");
    });
    let other = process.clone();
    go(move || {
        assert!(other.exited().recv().is_err());
        assert!(
            other.try_exit().is_some(),
            "invariant 1: stored before exited fires"
        );
        assert!(fired(other.ready()), "invariant 1: ready comes before exit");
    });
    let stopper = process.clone();
    go(move || stopper.signal(Signal::INTERRUPT));
    assert!(process.join().is_ok());
    assert!(gone.is_up(), "invariant 1: the runner goes first");
}

/// The runner gives away what it was given, and returns: readiness is said, and signals are read, by somebody else.
fn leaked() {
    let (give, given) = bounded(1);
    let process = background(run_once(move |signals, ready| {
        let _ = give.send((signals, ready));
        Ok(())
    }));
    let signalled = process.clone();
    go(move || {
        signalled.signal(Signal::HANGUP);
        signalled.signal(Signal::INTERRUPT);
    });
    let observed = process.clone();
    let (tell, told) = bounded::<()>(0);
    go(move || {
        let Ok((signals, ready)) = given.recv() else {
            return;
        };
        ready.notify();
        assert!(signals.iter().count() <= 2); // invariant 4: they end with the process
        drop(tell);
    });
    assert!(process.exited().recv().is_err());
    let ready = process.is_ready();
    let _ = told.recv();
    assert_eq!(
        ready,
        observed.is_ready(),
        "invariant 1: never ready after the exit"
    );
    assert_eq!(ready, fired(observed.ready()), "invariant 1: one truth");
    assert!(process.join().is_ok(), "invariant 4");
}

/// What a group would hear of its member.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Heard {
    Ready,
    Exited { given_up: bool },
    EndedLate,
}

#[derive(Default)]
struct Family(Mutex<Vec<Heard>>);

impl Parent for Family {
    fn hear(&self, report: Report) -> Leftover {
        self.0.lock().unwrap().push(match report.news {
            News::Ready => Heard::Ready,
            News::Exited { given_up, .. } => Heard::Exited { given_up },
            News::EndedLate { .. } => Heard::EndedLate,
        });
        Leftover::new(report.news)
    }
}

/// A thread of which one can see that it has ended.
struct Watched(Sender<Infallible>);

impl Launch<'static> for Watched {
    fn launch(
        self,
        life: Life<'static>,
        _stack_size: Option<usize>,
    ) -> std::result::Result<(), (io::Error, Life<'static>)> {
        let Watched(running) = self;
        go(move || {
            life.live();
            drop(running);
        });
        Ok(())
    }
}

/// Somebody gives the process up while it becomes ready and returns; another one waits.
fn given_up() {
    let family = Arc::new(Family::default());
    let parent = Arc::downgrade(&family) as _;
    let request = Request::default();
    let core = request.core("model", Some(Link { parent, index: 0 }));
    let runner = Box::new(run_fn(|_, ready| {
        ready.notify();
        Ok(())
    }));
    let (running, ended) = bounded(0);
    launch(
        Life::new(&core, runner, drop_runner),
        None,
        Watched(running),
    );
    let process = Process::from_core(Arc::clone(&core));
    let (say, said) = bounded(1);
    go(move || {
        let exit = process.wait().recv().expect("invariant 1: the exit comes");
        let _ = say.send(exit.is_err());
    });
    let given_up = core.give_up();
    assert_eq!(
        said.recv(),
        Ok(given_up),
        "invariant 1: everybody sees the same exit"
    );
    assert!(ended.recv().is_err());
    let exit = core.exit().expect("invariant 1: stored");
    assert_eq!(exit.is_err(), given_up, "invariant 1: stored once");
    let mut expected = vec![Heard::Exited { given_up }];
    if core.is_ready() {
        expected.insert(0, Heard::Ready);
    }
    if given_up {
        expected.push(Heard::EndedLate);
    }
    let heard = family.0.lock().unwrap();
    assert_eq!(*heard, expected, "invariant 1: each once, and in order");
}

/// A stop with a time limit, of a runner that listens to KILL only; the time may come at any step.
fn stopped_in_time() {
    let process = background(run_fn(|signals: Receiver<Signal>, _| {
        for signal in signals.iter() {
            if signal == Signal::KILL {
                let early = sync::elapsed() < SECOND;
                assert!(!early, "invariant 6: KILL comes when the time is over");
                return Err("killed".into());
            }
        }
        Ok(())
    }));
    match process.stop(Signal::TERMINATE, SECOND) {
        Err(Error::StopTimeout { stuck, .. }) => {
            assert!(
                sync::elapsed() >= 2 * SECOND,
                "invariant 6: a grace after KILL"
            );
            assert_eq!(stuck.id, process.id());
        }
        Err(error) => assert_eq!(error.to_string(), "killed"),
        Ok(()) => panic!("it does not listen to TERM"),
    }
    assert_eq!(process.join().unwrap_err().to_string(), "killed");
}

/// A start with a time limit: the process says ready at about the time when it is over.
fn started_in_time() {
    let process = Process::builder().start_timeout(SECOND).background(run_fn(
        |signals: Receiver<Signal>, ready: ReadySender| {
            ready.notify();
            until_stop(&signals);
            Ok(())
        },
    ));
    let ready = process.wait_ready();
    assert_eq!(ready.is_ok(), process.is_ready(), "invariant 1: one truth");
    if ready.is_ok() {
        process.signal(Signal::INTERRUPT);
        assert!(process.join().is_ok());
    } else {
        assert!(
            sync::elapsed() >= SECOND,
            "invariant 6: not before its time"
        );
        assert!(matches!(process.join(), Err(Error::StartTimeout { .. })));
    }
}

/// Threads that may not start.
fn refused() {
    let gone = Flag::default();
    let process = background(Told { gone: gone.clone() });
    let stopper = process.clone();
    go(move || stopper.signal(Signal::INTERRUPT));
    match process.join() {
        Err(Error::Spawn { .. }) => {
            assert!(gone.is_up(), "invariant 5: the runner is not leaked");
            assert!(
                crate::tree().roots.is_empty(),
                "invariant 5: nothing is left"
            );
        }
        exit => assert!(exit.is_ok(), "invariant 5"),
    }
}

/// One runner panics, and its destructor too, while another goes about its work.
fn panicking() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                std::panic::resume_unwind(Box::new("in the destructor"));
            }
        }
    }
    let bomb = Bomb;
    let bad = background(run_fn(move |_, _| {
        let _ = &bomb;
        std::panic::resume_unwind(Box::new("in the run"))
    }));
    let good = background(Told {
        gone: Flag::default(),
    });
    let stopper = good.clone();
    go(move || stopper.signal(Signal::INTERRUPT));
    assert!(matches!(bad.join(), Err(Error::Panicked(_))), "invariant 4");
    assert!(good.join().is_ok(), "invariant 4: only itself");
}

#[test]
fn an_exit_reaches_everyone_who_waits() {
    check(
        "process, waited for",
        Schedules::Interrupting(1),
        waited_for,
    );
    check("process, waited for", Schedules::Some, waited_for);
}

#[test]
fn what_is_leaked_harms_nobody() {
    check("process, leaked", Schedules::Interrupting(1), leaked);
    check("process, leaked", Schedules::Some, leaked);
}

#[test]
fn an_exit_is_published_once_also_when_given_up() {
    check("process, given up", Schedules::Interrupting(1), given_up);
    check("process, given up", Schedules::Some, given_up);
}

#[test]
fn a_stop_and_a_start_end_in_time() {
    check("process, stopped in time", Schedules::Some, stopped_in_time);
    check("process, started in time", Schedules::Some, started_in_time);
}

#[test]
fn a_thread_that_does_not_start_is_an_exit() {
    let place = "pub(crate) fn start< > .spawn(work)";
    fault::with(Fault::Refused, "src/process/threads.rs", place, || {
        check("process, refused", Schedules::Interrupting(2), refused);
    });
}

#[test]
fn a_panic_harms_only_its_own_process() {
    check("process, panicking", Schedules::Some, panicking);
}

#[test]
fn ready_that_is_not_one_step_is_found() {
    let place = "fn ready(&self) > self.state.lock()";
    let broken = (Fault::Torn, "src/process/core/life.rs", place);
    finds("invariant 1", broken, Schedules::Some, leaked);
}

#[test]
fn an_exit_that_is_not_one_step_is_found() {
    let place = "fn finish( > self.state.lock()";
    let broken = (Fault::Torn, "src/process/core/life.rs", place);
    finds("invariant 1", broken, Schedules::Some, given_up);
}

#[test]
fn a_wait_that_is_not_registered_in_one_step_is_found() {
    let place = "fn register_waiter( > self.state.lock()";
    let broken = (Fault::Torn, "src/process/core/waiting.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, waited_for);
}

#[test]
fn an_exit_of_which_nobody_is_notified_is_found() {
    let place = "fn publish( > self.changed.notify_all()";
    let broken = (Fault::Forgotten, "src/process/core/life.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, waited_for);
}
