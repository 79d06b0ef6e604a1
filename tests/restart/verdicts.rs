//! What follows from an end: every policy, every way to end, essential or not, and fatal or not.

use ifrit::grouper::{Capacity, Dynamic, MemberState, Ordered, Parallel, Reason};
use ifrit::restart::{Backoff, Budget, Restart, Restarter};
use ifrit::testing::{Call, FakeRunner, Waiting};
use ifrit::{Error, error::Cause, prelude::*};

use crate::kit::*;

/// How the run of a member ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Ok,
    Err,
    Panic,
    Fatal,
    /// An error that the policy does not hold to be worth a restart.
    Unworthy,
}

const ENDS: [End; 5] = [End::Ok, End::Err, End::Panic, End::Fatal, End::Unworthy];

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Again,
    /// It stays down, and the group runs on.
    Completed,
    /// It ends the group, with the run's own exit.
    GroupEnds,
    /// It ends the group although it was Ok.
    Unasked,
}

fn ends(call: &Call, end: End) {
    match end {
        End::Ok => call.ends(How::Ok),
        End::Err => call.fails(),
        End::Panic => call.ends(How::Panic),
        End::Fatal => call.trigger_exit(Err(ifrit::fatal("no license"))),
        End::Unworthy => call.trigger_exit(Err("unworthy".into())),
    }
}

fn is_worth_it(error: &Error) -> bool {
    error.to_string() != "unworthy"
}

fn policy(restart: Restart) -> Restart {
    restart.backoff(Backoff::none()).only_if(is_worth_it)
}

#[test]
fn each_policy_and_each_end_are_followed_by_what_the_table_says() {
    use Then::{Again, Completed, GroupEnds, Unasked};
    // Ok, an error, a panic, a fatal error, an error that is not worth it: of a plain member, and of an essential one.
    let table = [
        (
            None,
            [GroupEnds, GroupEnds, GroupEnds, GroupEnds, GroupEnds],
            [Unasked, GroupEnds, GroupEnds, GroupEnds, GroupEnds],
        ),
        (
            Some(Restart::permanent()),
            [Again, Again, Again, GroupEnds, GroupEnds],
            [Again, Again, Again, GroupEnds, GroupEnds],
        ),
        (
            Some(Restart::transient()),
            [Completed, Again, Again, GroupEnds, GroupEnds],
            [Unasked, Again, Again, GroupEnds, GroupEnds],
        ),
        (
            Some(Restart::temporary()),
            [Completed, Completed, Completed, GroupEnds, Completed],
            [Unasked, GroupEnds, GroupEnds, GroupEnds, GroupEnds],
        ),
    ];
    for (restart, plain, essential) in table {
        for (then, is_essential) in [(plain, false), (essential, true)] {
            for (end, then) in ENDS.into_iter().zip(then) {
                let what = format!("{restart:?}, essential: {is_essential}, {end:?}");
                follows(restart.map(policy), is_essential, end, then, &what);
            }
        }
    }
}

fn follows(restart: Option<Restart>, is_essential: bool, end: End, then: Then, what: &str) {
    let fakes @ [a, _] = &fakes();
    let mut first = Member::new("a", a.clone());
    if let Some(restart) = restart {
        first = first.restart(restart);
    }
    if is_essential {
        first = first.essential();
    }
    let second = Member::new("b", fakes[1].clone());
    let (running, [a1, b1]) = Running::up(Parallel::new([first, second]), fakes);
    let process = running.process_of("a");
    ends(&a1, end);
    let own = process.expect_exit();
    assert_eq!(own.is_ok(), end == End::Ok, "{what}: the run's own exit");
    match then {
        Then::Again => {
            let a2 = up(a);
            let last = running.member("a").last_exit.unwrap();
            assert_eq!(last.is_ok(), end == End::Ok, "{what}");
            running.process.signal(Signal::TERMINATE);
            told(&a2, Signal::TERMINATE);
            told(&b1, Signal::TERMINATE);
            running.process.expect_exit().unwrap();
        }
        Then::Completed => {
            assert_eq!(running.state("a"), MemberState::Completed, "{what}");
            let exit = running.stop(&[&b1]);
            assert_eq!(exit.is_ok(), end == End::Ok, "{what}");
        }
        Then::GroupEnds | Then::Unasked => {
            told(&b1, Signal::INTERRUPT);
            let exit = running.process.expect_exit();
            if end == End::Ok && then == Then::GroupEnds {
                return exit.unwrap();
            }
            let trace = trace_of(exit);
            let initiator = trace.initiator().unwrap();
            assert_eq!(initiator.name, "a", "{what}");
            let is_unasked = matches!(initiator.exit, Err(Error::EndedUnasked { .. }));
            assert_eq!(is_unasked, then == Then::Unasked, "{what}");
        }
    }
    assert_eq!(a.calls(), 1 + usize::from(then == Then::Again), "{what}");
}

#[test]
fn a_restarter_follows_the_same_table() {
    for (restart, again) in [
        (Restart::permanent(), [true, true, true, false, false]),
        (Restart::transient(), [false, true, true, false, false]),
        (Restart::temporary(), [false; 5]),
    ] {
        for (end, again) in ENDS.into_iter().zip(again) {
            let fake = FakeRunner::new();
            let process = ifrit::background(Restarter::with(fake.clone(), policy(restart)));
            ends(&fake.wait_for_call(), end);
            if again {
                let call = fake.wait_for_call();
                process.signal(Signal::TERMINATE);
                told(&call, Signal::TERMINATE);
                process.expect_exit().unwrap();
            } else {
                assert_eq!(process.expect_exit().is_ok(), end == End::Ok);
                assert_eq!(fake.calls(), 1, "{restart:?} {end:?}");
            }
        }
    }
}

#[test]
fn no_load_function_is_asked_about_a_fatal_error() {
    let fatal = ifrit::run_fn(|_, _| Err(ifrit::fatal("no license")));
    let process = ifrit::background(Restarter::new(fatal, |_, _| panic!("it was asked")));
    assert_eq!(process.expect_exit().unwrap_err().to_string(), "no license");
}

#[test]
fn a_fatal_answer_to_a_round_ends_the_group() {
    let fakes = fakes();
    let group = Parallel::new(members(&fakes, permanent()));
    let group = group.strategy(ifrit::grouper::Strategy::OneForAll);
    let (running, [a1, b1]) = Running::up(group, &fakes);
    a1.fails();
    assert_eq!(b1.wait_for_signal(), Signal::INTERRUPT);
    b1.trigger_exit(Err(ifrit::fatal("no license")));
    let trace = running.trace();
    assert_eq!(trace.initiator().unwrap().name, "b");
    assert_eq!(trace.healed[0].name, "a");
    assert_eq!(calls(&fakes), [1, 1]);
}

#[test]
fn a_fatal_error_of_a_nested_group_ends_the_groups_around_it() {
    let leaf = ifrit::run_fn(|_, _| Err(ifrit::fatal("no license")));
    let inner = Ordered::new([Member::new("leaf", leaf)]);
    let inner =
        Member::new("inner", Restarter::always(inner)).restart(permanent().from_the_start());
    let exit = ifrit::background(Ordered::new([inner])).expect_exit();
    assert!(exit.unwrap_err().is_fatal());
}

#[test]
fn fatal_and_unasked_ends_stop_a_dynamic_group_that_no_end_stops() {
    type Make = fn(Member) -> Member;
    let cases: [(Make, ifrit::Result); 2] = [
        (|member| member, Err(ifrit::fatal("no license"))),
        (|member| member.essential(), Ok(())),
    ];
    for (make, end) in cases {
        let group = Dynamic::new(Capacity::unlimited());
        let client = group.client();
        let group = ifrit::invoke(group);
        let fake = FakeRunner::new();
        client.insert(make(Member::new("a", fake.clone()))).unwrap();
        fake.wait_for_call().trigger_exit(end);
        let trace = trace_of(group.expect_exit());
        assert_eq!(trace.initiator().unwrap().name, "a");
    }
}

#[test]
fn an_essential_member_that_ends_before_its_turn_in_a_stop_has_ended_unasked() {
    let fakes @ [a, b] = &fakes();
    let group = Ordered::new([
        Member::new("a", a.clone()).essential(),
        Member::new("b", b.clone()),
    ]);
    let (running, [a1, b1]) = Running::up(group, fakes);
    running.process.signal(Signal::TERMINATE);
    assert_eq!(b1.wait_for_signal(), Signal::TERMINATE);
    running.ends("a", &a1, How::Ok);
    b1.ends(How::Ok);
    let trace = running.trace();
    let end = trace.get("a").unwrap();
    assert!(matches!(end.exit, Err(Error::EndedUnasked { .. })));
    assert_eq!(end.cause, Cause::Independent);
}

#[test]
fn an_essential_member_whose_first_start_ends_ok_and_is_not_retried_has_ended_unasked() {
    let fakes @ [a] = &fakes();
    let [member] = members(fakes, permanent());
    let process = ifrit::background(Ordered::new([member.essential()]));
    a.wait_for_call().ends(How::Ok);
    let trace = trace_of(process.expect_exit());
    let end = trace.initiator().unwrap();
    assert!(matches!(&end.exit, Err(Error::EndedUnasked { name }) if name == "a"));
}

#[test]
fn a_member_that_is_essential_and_one_shot_is_refused_before_anything_starts() {
    let [fake, other] = fakes();
    let both = || Member::new("both", fake.clone()).essential().one_shot();
    let group = Ordered::new([Member::new("other", other.clone()), both()]);
    let exit = ifrit::background(group).expect_exit();
    assert!(matches!(exit, Err(Error::EssentialOneShot { name }) if name == "both"));
    assert_eq!(calls(&[fake.clone(), other.clone()]), [0, 0]);

    let (running, [call]) = Running::up(
        Ordered::new([Member::new("other", other.clone())]),
        &[other],
    );
    let refused = running.admin.add(both()).unwrap_err();
    assert_eq!(refused.reason(), Reason::EssentialOneShot);
    running.stop(&[&call]).unwrap();

    let refused = Dynamic::new(Capacity::unlimited())
        .client()
        .try_insert(both());
    assert_eq!(refused.unwrap_err().reason(), Reason::EssentialOneShot);
}

#[test]
fn an_end_that_the_policy_allows_is_completed_also_in_a_stop() {
    type Make = fn(Member) -> Member;
    let cases: [(Make, How); 4] = [
        (|member| member.one_shot(), How::Ok),
        (|member| member.restart(transient()), How::Ok),
        (|member| member.restart(Restart::temporary()), How::Ok),
        (|member| member.restart(Restart::temporary()), How::Err),
    ];
    for (make, how) in cases {
        let fakes @ [a, b] = &fakes();
        let group = Ordered::new([
            make(Member::new("a", a.clone())),
            Member::new("b", b.clone()),
        ]);
        let (running, [a1, b1]) = Running::up(group, fakes);
        running.process.signal(Signal::TERMINATE);
        assert_eq!(b1.wait_for_signal(), Signal::TERMINATE);
        running.ends("a", &a1, how);
        b1.fails(); // or there would be no trace
        assert_eq!(running.trace().get("a").unwrap().cause, Cause::Completed);
    }
}

#[test]
fn a_failing_first_start_is_retried_from_the_start_while_the_groups_start_waits() {
    let fakes @ [a, b] = &fakes();
    let restart = Restart::permanent().backoff(Backoff::constant(SECOND));
    let group = Ordered::new(members(fakes, restart.from_the_start()));
    let running = Running::new(group);
    for _ in 0..3 {
        a.wait_for_call().fails();
        running.clock.wait_for_timers(1);
        assert!(!running.process.is_ready());
        assert_eq!(running.state("a"), MemberState::Restarting);
        assert_eq!(running.state("b"), MemberState::Waiting);
        running.clock.advance(SECOND);
    }
    let (a4, b1) = (up(a), up(b));
    running.process.expect_ready();
    assert_eq!(running.member("a").restarts, 3);
    running.stop(&[&b1, &a4]).unwrap();
}

#[test]
fn the_budget_bounds_a_start_that_is_retried() {
    let fakes @ [a] = &fakes();
    let group = Ordered::new(members(fakes, permanent().from_the_start()));
    let process = ifrit::background(group.budget(Budget::new(2, SECOND)));
    for _ in 0..3 {
        a.wait_for_call().fails();
    }
    let trace = trace_of(process.expect_exit());
    assert!(matches!(trace[0].exit, Err(Error::RestartBudget { .. })));
    assert!(!process.is_ready());
}

#[test]
fn a_member_that_can_run_only_once_ends_with_how_that_run_ended() {
    let once = ifrit::run_once(|_, ready: ReadySender| {
        ready.notify();
        Err("real".into())
    });
    let group = Ordered::new([Member::new("once", once).restart(permanent().from_the_start())]);
    let trace = trace_of(ifrit::background(group).expect_exit());
    let end = trace.initiator().unwrap();
    assert_eq!(end.exit.as_ref().unwrap_err().to_string(), "real");

    let once = ifrit::run_once(|_, _| Err("real".into()));
    let restarter = Restarter::on_error(once).backoff(Backoff::none());
    let error = ifrit::background(restarter).expect_exit().unwrap_err();
    assert_eq!(error.to_string(), "real");
}

#[test]
fn an_essential_member_that_can_run_only_once_and_ended_ok_ended_unasked() {
    let once = ifrit::run_once(|_, ready: ReadySender| {
        ready.notify();
        Ok(())
    });
    let permanent = permanent().backoff(Backoff::none());
    let group = Ordered::new([Member::new("once", once).restart(permanent).essential()]);
    let trace = trace_of(ifrit::background(group).expect_exit());
    let exit = &trace.initiator().unwrap().exit;
    assert!(
        matches!(exit, Err(Error::EndedUnasked { name }) if name == "once"),
        "{exit:?}"
    );
}

#[test]
fn the_last_exit_of_a_member_that_can_run_only_once_is_that_of_its_run() {
    let once = ifrit::run_once(|_, ready: ReadySender| {
        ready.notify();
        Err("real".into())
    });
    let other = FakeRunner::new();
    let permanent = permanent().backoff(Backoff::none());
    let members = [
        Member::new("other", other.clone()),
        Member::new("once", once).restart(permanent),
    ];
    let group = Ordered::new(members);
    let admin = group.admin();
    let group = ifrit::background(group);
    let other = other.wait_for_call();
    other.trigger_ready();
    assert_eq!(other.wait_for_signal(), Signal::INTERRUPT); // `once` has ended the group, which still runs
    let list = admin.list().unwrap();
    assert_eq!(list[1].last_exit.as_ref().unwrap().to_string(), "real");
    other.trigger_exit(Ok(()));
    assert!(group.expect_exit().is_err());
}

#[test]
fn the_predicate_runs_on_the_thread_of_the_process_that_failed() {
    fn asks_its_own_group(_: &Error) -> bool {
        // On the group's own thread this would wait for the group for ever.
        assert_eq!(ifrit::current().unwrap().name(), "a");
        true
    }
    let fakes @ [a] = &fakes();
    let restart = permanent().only_if(asks_its_own_group);
    let (running, [a1]) = Running::up(Ordered::new(members(fakes, restart)), fakes);
    a1.fails();
    let a2 = up(a);
    running.stop(&[&a2]).unwrap();
}

#[test]
fn a_predicate_that_panics_is_the_exit() {
    fn panics(_: &Error) -> bool {
        panic!("cannot tell")
    }
    let restart = permanent().only_if(panics);
    let fails = || ifrit::run_fn(|_, _| Err("broken".into()));

    let error = ifrit::background(Restarter::with(fails(), restart)).expect_exit();
    assert!(matches!(error, Err(Error::Panicked(panic)) if panic.message() == "cannot tell"));

    let group = Ordered::new([Member::new("a", fails()).restart(restart.from_the_start())]);
    let trace = trace_of(ifrit::background(group).expect_exit());
    assert!(
        matches!(&trace[0].exit, Err(Error::Panicked(panic)) if panic.message() == "cannot tell")
    );
}

#[test]
fn a_start_that_takes_too_long_is_what_the_predicate_is_asked_about() {
    fn is_timeout(error: &Error) -> bool {
        matches!(error, Error::StartTimeout { .. })
    }
    let fakes @ [a] = &fakes();
    let restart = permanent().only_if(is_timeout).from_the_start();
    let [member] = members(fakes, restart);
    let running = Running::new(Ordered::new([member.start_within(5 * SECOND)]));
    let a1 = a.wait_for_call();
    running.clock.wait_for_timers(1);
    running.clock.advance_to_next();
    told(&a1, Signal::INTERRUPT);
    let a2 = up(a);
    running.process.expect_ready();
    running.stop(&[&a2]).unwrap();
}

#[test]
fn a_member_has_the_stack_it_asks_for() {
    // Far more than a thread has by default.
    const BYTES: usize = 64 << 20;
    fn fill(left: usize) -> u8 {
        let room = std::hint::black_box([1u8; 1 << 16]);
        match left {
            0 => room[0],
            _ => room[left % room.len()].max(fill(left - 1)),
        }
    }
    let deep = || {
        let runner = ifrit::run_fn(|_, _| {
            std::hint::black_box(fill(256)); // of 64 KiB each
            Ok(())
        });
        Member::new("deep", runner).stack_size(BYTES).one_shot()
    };
    ifrit::background(Ordered::new([deep()]))
        .expect_exit()
        .unwrap();

    let group = Dynamic::new(Capacity::unlimited()).reuse_threads();
    let client = group.client();
    let group = ifrit::invoke(group);
    client.insert(deep()).unwrap().expect_exit().unwrap();
    client.close();
    group.expect_exit().unwrap();
}
