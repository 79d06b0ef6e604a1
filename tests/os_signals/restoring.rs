use std::process::ExitCode;

use ifrit::crossbeam_channel::{Sender, bounded};
use ifrit::{
    Main, Process, ReadySender, Receiver, Runner, Signal,
    grouper::{Capacity, Dynamic, Member},
    sigmon::Sigmon,
};

use crate::kit::{
    child, child_ignoring, listener, named_listener, prompt_steps, say, wait_for_parent,
};

const TERM: Signal = Signal::TERMINATE;

#[test]
fn after_it_has_returned_the_signal_kills_again() {
    let mut child = child(|| {
        let code = ifrit::main(listener());
        say("over");
        wait_for_parent();
        code
    });
    child.expect("ready");
    child.signal(TERM);
    child.expect("SIGTERM");
    child.expect("over");
    child.signal(TERM);
    child.expect_death_by(TERM);
}

#[test]
fn after_it_has_panicked_the_signal_kills_again() {
    let mut child = child(|| {
        let code = ifrit::main(ifrit::run_fn(|_, _| panic!("on purpose")));
        say("over");
        wait_for_parent();
        code
    });
    child.expect("over");
    child.signal(TERM);
    child.expect_death_by(TERM);
}

#[test]
fn a_signal_that_was_ignored_is_heard_and_then_ignored_again() {
    let mut child = child_ignoring("TERM HUP", || {
        let sigmon = Sigmon::new(listener()).only([TERM, Signal::HANGUP]);
        let app = Process::builder().background(sigmon);
        app.join().expect("a clean stop");
        say("over");
        wait_for_parent();
        say("alive");
        ExitCode::SUCCESS
    });
    child.expect("ready");
    child.signal(Signal::HANGUP);
    child.expect("SIGHUP");
    child.signal(TERM);
    child.expect("SIGTERM");
    child.expect("over");
    child.signal(TERM);
    child.signal(Signal::HANGUP);
    child.go_on();
    child.expect("alive");
    child.expect_code(0);
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_so_in_the_default_set() {
    let mut child = child_ignoring("INT HUP", || ifrit::main(listener()));
    child.expect("ready");
    child.signal(Signal::INTERRUPT);
    child.signal(Signal::HANGUP);
    child.signal(TERM);
    child.expect("SIGTERM");
    child.expect_code(0);
}

#[test]
fn also_names_a_signal_that_was_ignored_and_it_is_heard() {
    let mut child = child_ignoring("INT HUP", || {
        Main::new(listener())
            .also([Signal::INTERRUPT, Signal::HANGUP])
            .run()
    });
    child.expect("ready");
    child.signal(Signal::HANGUP);
    child.expect("SIGHUP");
    child.signal(Signal::INTERRUPT);
    child.expect("SIGINT");
    child.expect_code(0);
}

#[test]
fn one_that_names_an_ignored_signal_makes_no_other_hear_it_by_default() {
    let mut child = child_ignoring("INT", || {
        let named = Sigmon::new(named_listener("named ")).only([Signal::INTERRUPT]);
        let named = ifrit::invoke(named);
        let default = ifrit::background(Sigmon::new(named_listener("default ")));
        named.join().expect("a clean stop");
        default.join().expect("a clean stop");
        ExitCode::SUCCESS
    });
    child.expect("named ready");
    child.expect("default ready");
    child.signal(Signal::INTERRUPT);
    child.expect("named SIGINT");
    child.signal(TERM);
    child.expect("default SIGTERM");
    child.expect_code(0);
}

#[test]
fn while_one_still_listens_the_signal_does_not_kill() {
    let mut child = child(|| {
        let one = ifrit::background(Sigmon::new(named_listener("one ")));
        let other = ifrit::background(Sigmon::new(named_listener("other ")));
        wait_for_parent();
        one.signal(Signal::INTERRUPT);
        one.join().expect("a clean stop");
        say("one is over");
        other.join().expect("a clean stop");
        say("both are over");
        wait_for_parent();
        ExitCode::SUCCESS
    });
    child.expect_all(["one ready", "other ready"]);
    child.go_on();
    child.expect("one SIGINT");
    child.expect("one is over");
    child.signal(TERM);
    child.expect("other SIGTERM");
    child.expect("both are over");
    child.signal(TERM);
    child.expect_death_by(TERM);
}

#[test]
fn it_listens_again_when_it_runs_again_and_lets_go_again() {
    let mut child = child(|| {
        for _ in 0..3 {
            ifrit::background(Sigmon::new(listener()))
                .join()
                .expect("a clean stop");
        }
        say("over");
        wait_for_parent();
        ExitCode::SUCCESS
    });
    for _ in 0..3 {
        child.expect("ready");
        child.signal(TERM);
        child.expect("SIGTERM");
    }
    child.expect("over");
    child.signal(TERM);
    child.expect_death_by(TERM);
}

/// An error whose destructor takes until its channel is disconnected.
#[derive(Debug, thiserror::Error)]
#[error("one that holds up")]
struct Holds(Receiver<()>);

impl Drop for Holds {
    fn drop(&mut self) {
        say("held");
        let _ = self.0.recv();
    }
}

/// Says what it is told, and returns when it may.
struct Stuck {
    may: Receiver<()>,
    _gone: Sender<()>,
}

impl Runner for Stuck {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
        ready.notify();
        say("ready");
        signals.iter().take(2).for_each(say);
        let _ = self.may.recv();
        Ok(())
    }
}

#[test]
fn an_error_whose_destructor_blocks_holds_up_no_signal() {
    let mut child = child(|| {
        // One at a time, on the same thread, so that nothing is left of the first when the second runs.
        let group = Dynamic::new(Capacity::at_most(1)).reuse_threads();
        let group = group.history(0).event_buffer(1);
        let client = group.client();
        let _group = ifrit::invoke(group);
        let (release, held) = bounded(0);
        let fails = ifrit::run_once(|_, _| Err(Holds(held).into()));
        client.insert(Member::new("fails", fails)).expect("room");
        let (let_go, may) = bounded(0);
        let (_gone, is_gone) = bounded(0);
        let stuck = Sigmon::new(Stuck { may, _gone }).escalate(prompt_steps());
        client.insert(Member::new("stuck", stuck)).expect("room");
        // The third signal gives it up. On the thread for signals, its exit takes the place of the first, which would hold
        // that up.
        wait_for_parent();
        let other = ifrit::background(Sigmon::new(named_listener("other ")));
        other.join().expect("a clean stop");
        drop(let_go);
        let _ = is_gone.recv();
        drop(release);
        ExitCode::SUCCESS
    });
    child.escalate();
    child.expect("held");
    child.go_on();
    child.expect("other ready");
    child.signal(TERM);
    child.expect("other SIGTERM");
    child.expect_code(0);
}
