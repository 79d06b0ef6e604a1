//! The exit, and what comes before it: readiness and signals; waits for it; giving up.

use std::io;
use std::sync::Mutex;

use super::*;
use crate::process::{
    Awaited, Launch, Leftover, Life, Link, News, Parent, Report, Request, drop_runner, launch,
    spawn_member,
};
use crate::sync::Weak;
use crate::sync::channel::{Sender, bounded};

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

/// The runner gives away what it was given, and returns: readiness is said, and signals are read, on another thread.
fn leaked() {
    let (give, given) = bounded(1);
    let process = background(run_once(move |signals, ready| {
        on_its_own();
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
struct Family {
    heard: Mutex<Vec<Heard>>,
    /// It drops what it hears at once, where a lock is held.
    careless: bool,
}

impl Parent for Family {
    fn hear(&self, report: Report) -> Leftover {
        self.heard.lock().unwrap().push(match report.news {
            News::Ready => Heard::Ready,
            News::Exited(ref exited) => Heard::Exited {
                given_up: exited.given_up,
            },
            News::EndedLate { .. } => Heard::EndedLate,
        });
        if self.careless {
            drop(report);
            return Leftover::default();
        }
        Leftover::new(report.news)
    }
}

fn link_to(parent: Weak<dyn Parent>) -> Link {
    Link {
        parent,
        index: 0,
        rank: 0,
        is_held: true,
        awaited: Awaited::ToBeReady,
        only_if: Some(|_| {
            on_its_own(); // foreign code, under no lock
            true
        }),
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

/// One thread gives the process up while it becomes ready and returns; another one waits.
fn given_up() {
    let family = Arc::new(Family::default());
    let parent = Arc::downgrade(&family) as _;
    let request = Request::default();
    let runner = Box::new(run_fn(|_, ready| {
        on_its_own();
        ready.notify();
        Ok(())
    }));
    let core = request.core(&*runner, Some(link_to(parent)));
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
    let heard = family.heard.lock().unwrap();
    assert_eq!(*heard, expected, "invariant 1: each once, and in order");
}

/// The runner goes home with the exit, to a group that does not want it.
fn sent_home(careless: bool) {
    let family = Arc::new(Family {
        careless,
        ..Family::default()
    });
    let parent = Arc::downgrade(&family) as _;
    let gone = Flag::default();
    let runner = Box::new(Told { gone: gone.clone() });
    let core = spawn_member(&Request::default(), runner, link_to(parent));
    let process = Process::from_core(core);
    process.signal(Signal::INTERRUPT);
    assert!(process.join().is_ok());
    let heard = family.heard.lock().unwrap();
    let expected = [Heard::Ready, Heard::Exited { given_up: false }];
    assert_eq!(*heard, expected, "invariant 1: each once, and in order");
}

/// An error whose destructor asks for the tree.
#[derive(Debug)]
struct Nosy;

impl std::fmt::Display for Nosy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        on_its_own();
        f.write_str("nosy")
    }
}

impl std::error::Error for Nosy {}

impl Drop for Nosy {
    fn drop(&mut self) {
        on_its_own();
        let _ = crate::tree(); // invariant 2: it needs the locks
    }
}

/// A member fails, and the predicate of its policy panics: that takes the place of the error.
fn judged_in_vain() {
    let family = Arc::new(Family::default());
    let link = Link {
        only_if: Some(|_| panic!("cannot tell")),
        ..link_to(Arc::downgrade(&family) as _)
    };
    let runner = Box::new(run_fn(|_, _| Err(Nosy.into())));
    let core = spawn_member(&Request::default(), runner, link);
    let exit = Process::from_core(core).join();
    assert!(matches!(exit, Err(Error::Panicked(_))));
}

#[test]
fn an_error_that_a_panic_of_its_predicate_replaces_is_dropped_under_no_lock() {
    check("process, judged in vain", Schedules::Some, judged_in_vain);
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
fn what_is_leaked_does_no_harm() {
    check("process, leaked", Schedules::Interrupting(1), leaked);
    check("process, leaked", Schedules::Some, leaked);
}

#[test]
fn an_exit_is_published_once_also_when_given_up() {
    check("process, given up", Schedules::Interrupting(3), given_up);
    check("process, given up", Schedules::Some, given_up);
}

#[test]
fn a_runner_that_goes_home_is_dropped_under_no_lock() {
    check("process, sent home", Schedules::Interrupting(3), || {
        sent_home(false)
    });
    check("process, sent home", Schedules::Some, || sent_home(false));
}

/// Invariant 2, broken in the model itself.
#[test]
fn a_runner_that_is_dropped_under_a_lock_is_found() {
    fails("invariant 2", Schedules::Some, || sent_home(true));
}

#[test]
fn ready_that_is_not_one_step_is_found() {
    let place = "fn ready(&self) > self.state.lock()";
    let broken = (Fault::Torn, "src/process/core/life.rs", place);
    finds("invariant 1", broken, Schedules::Some, leaked);
}

#[test]
fn an_exit_that_is_not_one_step_is_found() {
    let place = "fn look_at( > let state = self.state.lock()";
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
fn an_exit_that_is_not_notified_of_is_found() {
    let place = "fn publish( > self.changed.notify_all()";
    let broken = (Fault::Forgotten, "src/process/core/life.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, waited_for);
}
