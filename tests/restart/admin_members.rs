//! Members that come to a group that runs, and members that go.

use ifrit::grouper::{Ordered, Reason};
use ifrit::prelude::*;
use ifrit::restart::{Backoff, Restart};
use ifrit::testing::{Call, FakeRunner, Harness, Waiting, signal_recorder};

use crate::kit::*;

fn remove(running: &Running, name: &str, call: &Call) -> Member {
    std::thread::scope(|scope| {
        scope.spawn(|| told(call, Signal::INTERRUPT));
        running.admin.remove(name).unwrap()
    })
}

fn two() -> (Running, [FakeRunner; 2], [Call; 2]) {
    let fakes = fakes();
    let (running, calls) = Running::up(Ordered::new(members(&fakes, permanent())), &fakes);
    (running, fakes, calls)
}

#[test]
fn a_removed_member_comes_back_and_its_runner_still_works() {
    let (running, [a, _], [a1, b1]) = two();
    let member = remove(&running, "a", &a1);
    assert_eq!(member.name(), "a");
    assert_eq!(running.members().len(), 1);
    // Added again, it is the last.
    let process = running.admin.add(member).unwrap();
    let a2 = up(&a);
    process.expect_ready();
    a2.fails(); // with its policy
    let a3 = up(&a);
    running.stop(&[&a3, &b1]).unwrap();
}

#[test]
fn a_removed_member_may_be_run_by_another_group() {
    let (running, [a, _], [a1, b1]) = two();
    let member = remove(&running, "a", &a1);
    running.stop(&[&b1]).unwrap();
    let other = ifrit::background(Ordered::new([member]));
    let a2 = up(&a);
    other.expect_ready();
    other.signal(Signal::TERMINATE);
    told(&a2, Signal::TERMINATE);
    other.expect_exit().unwrap();
}

#[test]
fn a_group_from_which_all_are_removed_waits_for_its_stop() {
    let (running, _, [a1, b1]) = two();
    drop(remove(&running, "a", &a1));
    drop(remove(&running, "b", &b1));
    assert_eq!(running.admin.count().unwrap().members, 0);
    running.stop(&[]).unwrap();
}

#[test]
fn an_added_member_is_the_last_and_is_supervised() {
    let (running, _, [a1, b1]) = two();
    let c = FakeRunner::new();
    let process = running
        .admin
        .add(Member::new("c", c.clone()).restart(permanent()))
        .unwrap();
    assert_eq!(process.name(), "c");
    let c1 = up(&c);
    process.expect_ready();
    c1.fails();
    let c2 = up(&c);
    let names: Vec<_> = running.members().into_iter().map(|m| m.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    running.stop(&[&c2, &b1, &a1]).unwrap();
}

#[test]
fn places_are_taken_again() {
    let (running, _, [a1, b1]) = two();
    for n in 0..100 {
        let name = format!("extra {n}");
        running
            .admin
            .add(Member::new(&*name, signal_recorder().0))
            .unwrap();
        assert_eq!(running.admin.remove(&name).unwrap().name(), name);
    }
    assert_eq!(running.members().len(), 2);
    running.stop(&[&b1, &a1]).unwrap();
}

#[test]
fn added_members_stay_for_the_next_run() {
    let [a, b] = fakes();
    let mut group = Ordered::new([Member::new("a", a.clone())]);
    let admin = group.admin();
    for run in 0..2 {
        ifrit::scope(|scope| {
            let process = Process::builder().background_scoped(scope, &mut group);
            let a1 = up(&a);
            if run == 0 {
                process.expect_ready();
                admin.add(Member::new("b", b.clone())).unwrap();
            }
            let b1 = up(&b);
            process.signal(Signal::TERMINATE);
            told(&b1, Signal::TERMINATE);
            told(&a1, Signal::TERMINATE);
            process.expect_exit().unwrap();
        });
    }
}

#[test]
fn a_member_that_is_refused_comes_back_with_the_reason() {
    let (running, _, [a1, b1]) = two();
    let refusal = |member: Member| {
        let error = running.admin.add(member).unwrap_err();
        let reason = error.reason();
        let mut runner_of = Ordered::new([error.into_member().unwrap()]);
        (reason, Harness::new().run(&mut runner_of).exit.is_ok())
    };
    let new = |name: &str| Member::new(name, signal_recorder().0);
    assert_eq!(refusal(new("a")), (Reason::DuplicateName, true));
    assert_eq!(refusal(new("")).0, Reason::EmptyName);
    let zero = new("c").stop_within(std::time::Duration::ZERO);
    assert_eq!(refusal(zero).0, Reason::ZeroDeadline("stop_within"));
    let invalid = Restart::permanent().backoff(Backoff::none().jitter(2.0));
    assert_eq!(refusal(new("c").restart(invalid)).0, Reason::InvalidBackoff);
    running.stop(&[&b1, &a1]).unwrap();
}
