//! What the tests of all adapters share.

#![allow(dead_code)] // each binary uses a part of it

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, Sender, bounded};
use ifrit::observe::What;
use ifrit::prelude::*;
use ifrit::process::{Builder, beat_within};
use ifrit::restart::{Backoff, Restart};
use ifrit::testing::ManualClock;

/// So many events a listener has room for.
pub(crate) const ROOM: usize = 2_048;

/// What was written.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap();
        let text = String::from_utf8_lossy(&bytes);
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lets nothing through until it is opened, and then everything.
pub(crate) struct Gate(Receiver<()>);

impl Gate {
    /// A closed gate; dropping the other half opens it.
    pub(crate) fn closed() -> (Gate, Sender<()>) {
        let (open, opened) = bounded(0);
        (Gate(opened), open)
    }

    pub(crate) fn pass(&self) {
        let _ = self.0.recv(); // disconnected once it is open
    }
}

pub(crate) fn named(name: &str) -> Builder {
    Process::builder().name(name)
}

pub(crate) fn idle() -> impl Runner {
    ifrit::run_fn(|signals, ready| {
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    })
}

pub(crate) fn job() -> impl Runner {
    ifrit::run_fn(|_, _| Ok(()))
}

/// A program whose `db` is ready after a little more than the 5 s after which that is said, and ends it.
pub(crate) fn waited_long() {
    let slow = ifrit::run_fn(|signals, ready| {
        ifrit::until_stop_for(&signals, Duration::from_millis(5_600));
        ready.notify();
        Ok(())
    });
    let db = Member::new("db", slow).start_within(Duration::from_secs(60));
    let _ = ifrit::main(Ordered::new([db]));
}

/// A process `slow` that stalls after 10 s, is silent for 11 s, makes progress again and ends.
pub(crate) fn stalled() {
    let clock = ManualClock::new();
    let slow = ifrit::run_fn(|signals, ready| {
        beat_within(Duration::from_secs(10));
        ready.notify();
        signals.recv()?;
        beat_within(Duration::from_secs(10));
        Ok(())
    });
    let slow = named("slow").clock(clock.clock()).invoke(slow);
    clock.advance(Duration::from_secs(11));
    assert!(
        slow.events()
            .any(|event| matches!(event.what, What::Stalled { .. }))
    );
    slow.signal(Signal::USER1);
    slow.join().unwrap();
}

/// A process `deaf` that is given up after KILL, and ends all the same when the other half is dropped.
pub(crate) fn given_up() -> Sender<()> {
    let (gate, open) = Gate::closed();
    let deaf = ifrit::run_once(move |_, ready| {
        ready.notify();
        gate.pass();
        Ok(())
    });
    let deaf = named("deaf")
        .stop_within(Duration::from_millis(1))
        .invoke(deaf);
    deaf.signal(Signal::TERMINATE);
    assert!(deaf.join().is_err());
    open
}

/// A member `web` of a group `app`, which fails once when it is ready, is started again, and is then stopped.
pub(crate) fn restarted() {
    let mut runs = 0;
    let web = ifrit::run_fn(move |signals, ready| {
        ready.notify();
        runs += 1;
        if runs == 1 {
            return Err("connection refused".into());
        }
        ifrit::current().expect("a process").note("serving");
        ifrit::until_stop(&signals);
        Ok(())
    });
    let restart = Restart::permanent().backoff(Backoff::constant(Duration::from_millis(2)));
    let web = Member::new("web", web).restart(restart);
    let app = named("app").background(Ordered::new(Members::new().member(web)));
    assert!(
        app.events()
            .any(|event| matches!(event.what, What::Note(_)))
    );
    app.signal(Signal::TERMINATE);
    assert!(app.join().is_ok());
}
