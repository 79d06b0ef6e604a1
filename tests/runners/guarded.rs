//! A gate with a runner behind it, which is over before the lease can end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ifrit::observe::{Event, Events};
use ifrit::runners::{Claim, Gate, Guarded, Lease, LeaseTooShort, Lost};
use ifrit::testing::{Call, FakeRunner, Harness, ManualClock, Waiting};
use ifrit::{Error, prelude::*};

use crate::kit::*;
use crate::leases::*;

const STOP: Duration = Duration::from_secs(20);
const MOMENT: Duration = Duration::from_nanos(1);

/// A gate by hand with a fake behind it, which holds its lease.
fn by_hand_with(fake: &FakeRunner) -> (Process, Hand, Call) {
    let (lease, hand) = by_hand();
    let behind = fake.clone();
    let process = ifrit::background(Gate::new(lease).guard(move |_| behind.clone()));
    hand.expect(&["acquire"]);
    hand.act(Do::Give(7));
    let call = fake.wait_for_call();
    hand.expect(&["keep 7"]);
    (process, hand, call)
}

/// One behind a row that is renewed on a clock moved by hand.
struct Scene {
    clock: ManualClock,
    table: Table,
    process: Process,
    call: Call,
    events: Events<Event>,
}

type Maker = Box<dyn FnMut(u64) -> FakeRunner + Send>;

fn scene(with: impl FnOnce(Guarded<Candidate, Maker>) -> Guarded<Candidate, Maker>) -> Scene {
    let (clock, table, fake) = (ManualClock::new(), Table::default(), FakeRunner::new());
    let behind = fake.clone();
    let make: Maker = Box::new(move |_| behind.clone());
    let gate = Gate::new(Candidate::new("one", &table)).guard(make);
    let process = on(&clock, with(gate));
    let call = up(&fake);
    process.expect_ready();
    let events = process.events();
    Scene {
        clock,
        table,
        process,
        call,
        events,
    }
}

impl Scene {
    /// No renewal succeeds any more. The lease lasts from now on.
    fn down(&self) {
        self.table.lock().unwrap().down = true;
    }

    /// Time passes while the lease is being kept: two timers, of the next renewal and of the end.
    fn pass(&self, time: Duration) {
        pass(&self.clock, 2, time);
    }

    fn lost(&self) -> Lost {
        let error = self.process.expect_exit().unwrap_err();
        error.downcast_ref::<Lost>().expect("a loss").clone()
    }
}

fn noted(events: &Events<Event>, begin: &str) -> String {
    let mut notes = std::iter::repeat_with(|| next_note(events));
    notes.find(|note| note.starts_with(begin)).unwrap()
}

#[test]
fn the_runner_is_made_with_the_token_once_it_is_held_and_ready_is_the_runners() {
    let (lease, hand) = by_hand();
    let (fake, tokens) = (FakeRunner::new(), Arc::new(Mutex::new(Vec::new())));
    let (behind, seen) = (fake.clone(), Arc::clone(&tokens));
    let gate = Gate::new(lease).guard(move |token| {
        seen.lock().unwrap().push(token);
        behind.clone()
    });
    let process = ifrit::background(gate);
    hand.expect(&["acquire"]);
    assert_eq!((fake.calls(), process.is_ready()), (0, false));
    hand.act(Do::Give(7));
    let call = fake.wait_for_call();
    assert_eq!(*tokens.lock().unwrap(), [7]);
    assert!(!process.is_ready());
    call.trigger_ready();
    process.expect_ready();
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    hand.expect(&["keep 7", "kept", "release 7"]);
}

#[test]
fn a_stop_reaches_the_runner_and_the_lease_is_kept_until_that_is_over() {
    for stop in [STOPS.as_slice(), &[Signal::KILL]].concat() {
        let fake = FakeRunner::new();
        let (process, hand, call) = by_hand_with(&fake);
        call.trigger_ready();
        process.expect_ready();
        process.signal(Signal::HANGUP);
        process.signal(stop);
        assert_eq!(call.wait_for_signal(), Signal::HANGUP);
        assert_eq!(call.wait_for_signal(), stop);
        assert_eq!(hand.calls(), [""; 0]);
        call.trigger_exit(Ok(()));
        process.expect_exit().unwrap();
        hand.expect(&["kept", "release 7"]);
    }
}

#[test]
fn the_lease_is_released_only_when_the_runner_was_dropped() {
    struct Last(Arc<Mutex<Vec<String>>>);
    impl Runner for Last {
        fn run(&mut self, _: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
            ready.notify();
            Ok(())
        }
    }
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.lock().unwrap().push("dropped".to_owned());
        }
    }
    struct Seal(Arc<Mutex<Vec<String>>>);
    impl Lease for Seal {
        type Token = ();
        fn acquire(&mut self, _: &Claim<'_>) -> ifrit::Result<Option<()>> {
            Ok(Some(()))
        }
        fn release(&mut self, (): ()) -> ifrit::Result<()> {
            self.0.lock().unwrap().push("released".to_owned());
            Ok(())
        }
    }
    let log = Arc::default();
    let behind = Arc::clone(&log);
    let gate = Gate::new(Seal(Arc::clone(&log))).guard(move |()| Last(Arc::clone(&behind)));
    ifrit::background(gate).expect_exit().unwrap();
    assert_eq!(*log.lock().unwrap(), ["dropped", "released"]);
}

#[test]
fn a_stop_while_it_waits_is_ok_and_nothing_was_started() {
    for stop in [STOPS.as_slice(), &[Signal::KILL]].concat() {
        let ((lease, hand), fake) = (by_hand(), FakeRunner::new());
        let behind = fake.clone();
        let process = ifrit::background(Gate::new(lease).guard(move |_| behind.clone()));
        hand.expect(&["acquire"]);
        process.signal(stop);
        process.expect_exit().unwrap();
        assert_eq!((fake.calls(), process.is_ready()), (0, false));
        assert_eq!(hand.calls(), [""; 0]);
    }
}

#[test]
fn a_runner_whose_lease_is_not_renewed_is_told_in_time_and_is_over_before_the_end() {
    let scene = scene(|gate| gate.stop_within(STOP).kill_grace(SECOND * 2));
    scene.down();
    scene.pass(LASTS - STOP - SECOND);
    scene.clock.wait_for_timers(2);
    scene.clock.advance(SECOND - MOMENT);
    assert_eq!(unread(&scene.call), []);
    scene.clock.advance(MOMENT);
    assert_eq!(unread(&scene.call), [Signal::INTERRUPT]);
    assert_eq!(
        noted(&scene.events, "lost"),
        "lost the row: not renewed in time"
    );
    scene.clock.advance(STOP - SECOND * 2 - MOMENT);
    assert_eq!(unread(&scene.call), []);
    scene.clock.advance(MOMENT);
    assert_eq!(unread(&scene.call), [Signal::KILL]);
    scene.call.trigger_exit(Err("cut off".into()));
    let lost = scene.lost();
    assert!(lost.why.is_none());
    assert_eq!(
        lost.to_string(),
        "lost the row, which was not renewed in time (what was behind it ended with: cut off)"
    );
}

#[test]
fn a_runner_that_does_not_return_is_given_up_at_the_end_of_the_lease_and_not_before() {
    let scene = scene(|gate| gate.stop_within(STOP));
    let end = scene.table.lock().unwrap().holder.unwrap().1;
    scene.down();
    scene.pass(LASTS - MOMENT);
    assert!(scene.process.try_exit().is_none());
    scene.clock.advance(MOMENT);
    assert_eq!(scene.clock.now(), end);
    let error = scene.process.expect_exit().unwrap_err();
    let Error::Abandoned(stuck) = &error else {
        panic!("{error}")
    };
    assert!(stuck[0].was_killed());
    assert_eq!(stuck[0].limit(), Some(STOP));
    scene.call.trigger_exit(Ok(()));
}

#[test]
fn a_margin_comes_before_the_end_and_on_top_of_the_stop() {
    let (clock, table, fake) = (ManualClock::new(), Table::default(), FakeRunner::new());
    let behind = fake.clone();
    let gate = Gate::new(Candidate::new("one", &table)).ends_ahead(SECOND * 5);
    let gate = gate.guard(move |_| behind.clone()).stop_within(STOP);
    let process = on(&clock, gate);
    let call = up(&fake);
    process.expect_ready();
    table.lock().unwrap().down = true;
    pass(&clock, 2, LASTS - STOP - SECOND * 5);
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    clock.advance(STOP);
    assert!(matches!(process.expect_exit(), Err(Error::Abandoned(_))));
    call.trigger_exit(Ok(()));
}

#[test]
fn a_renewal_in_time_moves_the_end() {
    let scene = scene(|gate| gate.stop_within(STOP));
    scene.down();
    scene.pass(LASTS - STOP - SECOND * 15);
    scene.table.lock().unwrap().down = false;
    scene.pass(LASTS * 3);
    assert_eq!(unread(&scene.call), []);
    assert!(scene.process.try_exit().is_none());
    scene.call.trigger_exit(Ok(()));
    scene.process.expect_exit().unwrap();
    assert!(scene.table.lock().unwrap().holder.is_none()); // released
}

#[test]
fn a_renewal_that_comes_too_late_changes_nothing() {
    let scene = scene(|gate| gate.stop_within(STOP));
    scene.down();
    scene.pass(LASTS - STOP);
    assert_eq!(scene.call.wait_for_signal(), Signal::INTERRUPT);
    scene.table.lock().unwrap().down = false;
    let renewals = scene.table.lock().unwrap().renewals;
    // The next renewal, KILL, and the end.
    pass(&scene.clock, 3, EVERY);
    assert!(scene.table.lock().unwrap().renewals > renewals);
    scene.call.trigger_exit(Ok(()));
    assert!(scene.lost().why.is_none());
}

#[test]
fn a_lease_that_is_lost_for_certain_stops_the_runner_at_once() {
    let scene = scene(|gate| gate.stop_within(STOP));
    scene.table.lock().unwrap().epoch = 9;
    scene.pass(EVERY);
    assert_eq!(scene.call.wait_for_signal(), Signal::INTERRUPT);
    scene.clock.advance(STOP - MOMENT);
    assert!(scene.process.try_exit().is_none());
    scene.call.trigger_exit(Ok(()));
    let lost = scene.lost();
    assert_eq!(lost.why.unwrap().to_string(), "epoch 9 has begun");
}

#[test]
fn one_that_was_told_to_stop_before_the_loss_goes_on_with_that_until_the_end_comes() {
    let scene = scene(|gate| gate.kill_grace(SECOND)); // which is told two seconds before
    scene.down();
    scene.pass(LASTS - SECOND * 3);
    scene.process.signal(Signal::TERMINATE);
    assert_eq!(unread(&scene.call), [Signal::TERMINATE]);
    scene.pass(SECOND);
    assert_eq!(
        noted(&scene.events, "lost"),
        "lost the row: not renewed in time"
    );
    assert_eq!(unread(&scene.call), []);
    scene.clock.advance(SECOND * 2 - MOMENT);
    assert_eq!(unread(&scene.call), [Signal::KILL]);
    assert!(scene.process.try_exit().is_none());
    scene.clock.advance(MOMENT);
    assert!(matches!(
        scene.process.expect_exit(),
        Err(Error::Abandoned(_))
    ));
    scene.call.trigger_exit(Ok(()));
}

#[test]
fn a_loss_that_comes_without_a_time_stops_the_runner_within_its_limit() {
    let fake = FakeRunner::new();
    let (process, hand, call) = by_hand_with(&fake);
    call.trigger_ready();
    process.expect_ready();
    hand.act(Do::Fail("the session was closed"));
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    call.trigger_exit(Err("half done".into()));
    let error = process.expect_exit().unwrap_err();
    assert_eq!(
        error.to_string(),
        "lost the seal (what was behind it ended with: half done): the session was closed"
    );
    hand.expect(&["kept", "release 7"]); // nothing works any more
}

#[test]
fn a_loss_before_ready_makes_ready_worth_nothing() {
    let fake = FakeRunner::new();
    let (process, hand, call) = by_hand_with(&fake);
    hand.act(Do::Fail("the session was closed"));
    call.wait_for_signal();
    call.trigger_ready();
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap_err();
    assert!(!process.is_ready());
}

#[test]
fn an_end_of_the_runner_is_its_own_and_releases_the_lease() {
    for panics in [false, true] {
        let fake = FakeRunner::new();
        let (process, hand, call) = by_hand_with(&fake);
        match panics {
            false => call.trigger_exit(Err("no disk".into())),
            true => call.trigger_panic("no disk"),
        }
        let error = process.expect_exit().unwrap_err();
        assert_eq!(matches!(error, Error::Panicked(_)), panics);
        assert!(error.to_string().contains("no disk"), "{error}");
        hand.expect(&["kept", "release 7"]);
    }
}

#[test]
fn a_panic_of_what_makes_the_runner_is_the_exit_and_releases_the_lease() {
    let (lease, hand) = by_hand();
    let make = |_| -> FakeRunner { panic!("no runner") };
    let process = ifrit::background(Gate::new(lease).guard(make));
    hand.act(Do::Give(7));
    let error = process.expect_exit().unwrap_err();
    assert!(matches!(&error, Error::Panicked(_)), "{error}");
    hand.expect(&["acquire", "keep 7", "kept", "release 7"]);
}

#[test]
fn a_panic_while_it_is_kept_stops_the_runner_and_is_the_exit() {
    let fake = FakeRunner::new();
    let (process, hand, call) = by_hand_with(&fake);
    hand.act(Do::Panic("no memory"));
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    call.trigger_exit(Ok(()));
    let error = process.expect_exit().unwrap_err();
    assert!(matches!(&error, Error::Panicked(_)), "{error}");
    hand.expect(&["release 7"]);
}

#[test]
fn one_that_keeps_nothing_any_more_is_lost() {
    let fake = FakeRunner::new();
    let (process, hand, call) = by_hand_with(&fake);
    hand.act(Do::Return);
    assert_eq!(call.wait_for_signal(), Signal::INTERRUPT);
    call.trigger_exit(Ok(()));
    let error = process.expect_exit().unwrap_err();
    assert!(error.downcast_ref::<Lost>().is_some(), "{error}");
}

#[test]
fn an_error_of_the_release_is_the_exit_or_is_noted() {
    let fake = FakeRunner::new();
    let (process, hand, call) = by_hand_with(&fake);
    *hand.bad_release.lock().unwrap() = Some(Do::Fail("cannot reach it"));
    call.trigger_exit(Ok(()));
    let error = process.expect_exit().unwrap_err();
    assert_eq!(error.to_string(), "cannot reach it");

    let (process, hand, call) = by_hand_with(&fake);
    let events = process.events();
    *hand.bad_release.lock().unwrap() = Some(Do::Fail("cannot reach it"));
    call.trigger_exit(Err("no disk".into()));
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "no disk");
    assert_eq!(
        noted(&events, "the seal"),
        "the seal could not be released: cannot reach it"
    );
}

#[test]
fn a_restarter_waits_for_the_lease_again_and_makes_a_new_runner() {
    let ((lease, hand), fake) = (by_hand(), FakeRunner::new());
    let behind = fake.clone();
    let gate = Gate::new(lease).guard(move |_| behind.clone());
    let process = ifrit::background(again(gate));
    hand.act(Do::Give(1));
    let first = up(&fake);
    process.expect_ready();
    hand.expect(&["acquire", "keep 1"]);
    hand.act(Do::Fail("the session was closed"));
    first.wait_for_signal();
    first.trigger_exit(Ok(()));
    hand.expect(&["kept", "release 1", "acquire"]);
    hand.act(Do::Give(2));
    let second = up(&fake);
    assert_eq!(unread(&second), []); // it hears nothing of the stop of the first
    process.signal(Signal::TERMINATE);
    assert_eq!(second.wait_for_signal(), Signal::TERMINATE);
    second.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    hand.expect(&["keep 2", "kept", "release 2"]);
}

#[test]
fn a_fatal_error_after_a_loss_is_the_exit() {
    let ((lease, hand), fake) = (by_hand(), FakeRunner::new());
    let behind = fake.clone();
    let process = ifrit::background(again(Gate::new(lease).guard(move |_| behind.clone())));
    hand.act(Do::Give(1));
    let call = up(&fake);
    hand.act(Do::Fail("the session was closed"));
    call.wait_for_signal();
    call.trigger_exit(Err(ifrit::fatal("the data is damaged")));
    let error = process.expect_exit().unwrap_err();
    assert_eq!(error.to_string(), "the data is damaged");
    assert!(error.is_fatal());
}

#[test]
fn a_group_behind_it_is_stopped_member_by_member_before_the_end() {
    let (clock, table) = (ManualClock::new(), Table::default());
    let (db, web) = (FakeRunner::new(), FakeRunner::new());
    let (behind_db, behind_web) = (db.clone(), web.clone());
    let gate = Gate::new(Candidate::new("one", &table)).guard(move |_| {
        let members = Members::new()
            .add("db", behind_db.clone())
            .add("web", behind_web.clone());
        Ordered::new(members)
    });
    let process = on(&clock, gate.stop_within(STOP));
    let db = up(&db);
    let web = up(&web);
    process.expect_ready();
    table.lock().unwrap().down = true;
    pass(&clock, 2, LASTS - STOP);
    assert!(web.wait_for_signal().is_stop());
    assert_eq!(unread(&db), []);
    web.trigger_exit(Ok(()));
    assert!(db.wait_for_signal().is_stop());
    db.trigger_exit(Ok(()));
    let error = process.expect_exit().unwrap_err();
    assert!(error.downcast_ref::<Lost>().is_some(), "{error}");
    assert!(table.lock().unwrap().holder.is_none());
}

#[test]
fn a_lease_is_not_released_where_a_thread_is_left_that_may_work_still() {
    let (clock, table) = (ManualClock::new(), Table::default());
    let fake = FakeRunner::new();
    let behind = fake.clone();
    let gate = Gate::new(Candidate::new("one", &table)).guard(move |_| {
        let deaf = Member::new("deaf", behind.clone()).stop_within(SECOND);
        Ordered::new(Members::new().member(deaf))
    });
    let process = on(&clock, gate);
    let deaf = up(&fake);
    process.expect_ready();
    process.signal(Signal::TERMINATE);
    deaf.wait_for_signal();
    for _ in 0..2 {
        clock.wait_for_timers(3); // of the group, of the next renewal, and of the end of the lease
        clock.advance(SECOND / 10 * 9);
    }
    let error = process.expect_exit().unwrap_err();
    assert_eq!(error.stuck().len(), 1);
    assert!(table.lock().unwrap().holder.is_some());
    deaf.trigger_exit(Ok(()));
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let (lease, hand) = by_hand();
    let gate = Gate::new(lease).guard(|_| FakeRunner::new());
    let process = ifrit::background(gate.stop_within(Duration::ZERO));
    let error = process.expect_exit().unwrap_err();
    assert!(matches!(&error, Error::ZeroDeadline { .. }), "{error}");
    assert_eq!(hand.calls(), [""; 0]);

    for stop in [LASTS, LASTS * 2, Duration::MAX] {
        let (clock, table) = (ManualClock::new(), Table::default());
        let gate = Gate::new(Candidate::new("one", &table)).guard(|_| FakeRunner::new());
        let process = on(&clock, gate.stop_within(stop));
        let error = process.expect_exit().unwrap_err();
        let short: &LeaseTooShort = error.downcast_ref().expect("refused");
        assert_eq!((short.lasts, short.needed), (LASTS, stop));
        assert!(table.lock().unwrap().holder.is_none());
    }
}

#[test]
fn driven_by_hand_it_does_the_same() {
    let ((lease, hand), fake) = (by_hand(), FakeRunner::new());
    hand.act(Do::Give(7));
    fake.returns(Err("no disk".into()));
    let behind = fake.clone();
    let mut gate = Gate::new(lease).guard(move |_| behind.clone());
    let (signals, ready) = (
        ifrit::crossbeam_channel::unbounded(),
        ifrit::ready_channel(),
    );
    let error = gate.run(signals.1, ready.0).unwrap_err();
    assert_eq!(error.to_string(), "no disk");
    hand.expect(&["acquire", "keep 7", "kept", "release 7"]);

    let outcome = Harness::new().signal(Signal::TERMINATE).run(&mut gate);
    outcome.exit.unwrap();
    assert!(!outcome.ready);
    assert_eq!(fake.calls(), 1);
}

#[test]
fn its_plan_shows_what_it_makes_and_how_long_that_may_take_to_stop() {
    let (lease, _hand) = by_hand();
    let gate = Gate::new(lease)
        .guard(|_| FakeRunner::new())
        .stop_within(STOP);
    let plan = gate.plan();
    assert_eq!((plan.kind(), plan.stop_within()), ("gate", Some(STOP)));
    assert!(plan.notes().iter().any(|note| note == "the seal"));
    assert_eq!(plan.parts().len(), 1);
    assert_eq!(plan.parts()[0].notes(), ["made once it is held"]);
}
