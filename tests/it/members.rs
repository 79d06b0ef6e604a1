//! What a group accepts as its members, and what it does with those it does not.

use std::time::Duration;

use ifrit::testing::{FakeRunner, Waiting, signal_recorder};
use ifrit::{
    Error, Signal,
    grouper::{Group, Member, Members, Order, Ordered, Parallel},
};

use crate::support::{Again, on_every_kind, up};

/// Members of these names which share one runner, so that it counts all their runs.
fn named(names: &[&str], fake: &FakeRunner) -> Members {
    let names = names.iter();
    names.map(|name| Member::new(*name, fake.clone())).collect()
}

/// Runs a group that must be refused, and sees that nothing was started, and that its members say the same before.
fn refused<O: Order>(names: &[&str], change: impl Fn(Member) -> Member) -> Error {
    let fake = FakeRunner::new();
    fake.ensure_exit();
    let members: Members = named(names, &fake).into_iter().map(change).collect();
    let before = members.validate().unwrap_err();
    let process = ifrit::background(Group::<O>::new(members));
    let error = process.expect_exit().unwrap_err();
    assert_eq!(before.to_string(), error.to_string());
    assert_eq!(fake.calls(), 0);
    assert!(!process.is_ready());
    error
}

#[test]
fn every_repeat_of_a_name_is_listed_in_order_and_nothing_starts() {
    fn check<O: Order>() {
        let error = refused::<O>(&["a", "b", "a", "c", "b", "a"], |member| member);
        let Error::DuplicateNames(names) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(names, &["a", "b", "a"]);
        assert_eq!(error.to_string(), "duplicate member names: a, b, a");
    }
    on_every_kind!(check);
}

#[test]
fn members_that_can_be_run_are_valid() {
    let fake = FakeRunner::new();
    named(&[], &fake).validate().unwrap();
    let members = named(&["a", "b"], &fake);
    let one_shot = Member::new("c", fake.clone()).one_shot();
    let limited = Member::new("d", fake.clone()).start_within(Duration::from_secs(1));
    members.member(one_shot).member(limited).validate().unwrap();
    assert_eq!(fake.calls(), 0);
}

#[test]
fn a_name_that_begins_another_is_no_duplicate() {
    fn check<O: Order>() {
        let fake = FakeRunner::new();
        let members = named(&["db", "db2", "d", "DB", " db"], &fake);
        let group = ifrit::background(Group::<O>::new(members));
        let calls = up(&std::array::from_fn::<_, 5, _>(|_| fake.clone()));
        group.expect_ready();
        group.signal(Signal::KILL);
        for call in calls {
            call.trigger_exit(Ok(()));
        }
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn every_empty_name_is_listed_by_its_place_and_nothing_starts() {
    fn check<O: Order>() {
        let error = refused::<O>(&["", "a", "", "a"], |member| member);
        let Error::EmptyNames { positions } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(positions, &[0, 2]);
        assert_eq!(
            error.to_string(),
            "members without a name, at positions: 0, 2"
        );
    }
    on_every_kind!(check);
}

#[test]
fn a_deadline_of_no_length_is_refused_and_nothing_starts() {
    fn check<O: Order>() {
        let zero = Duration::ZERO;
        let of_member = |change: fn(Member) -> Member, expected| {
            let error = refused::<O>(&["a", "b"], |member| match member.name() {
                "b" => change(member),
                _ => member,
            });
            assert_eq!(error.to_string(), expected);
            assert!(matches!(error, Error::ZeroDeadline { .. }));
        };
        of_member(
            |b| b.start_within(Duration::ZERO),
            "b: start_within is zero",
        );
        of_member(|b| b.stop_within(Duration::ZERO), "b: stop_within is zero");

        for (group, option) in [
            (Group::<O>::new([]).start_within(zero), "start_within"),
            (Group::<O>::new([]).stop_within(zero), "stop_within"),
        ] {
            let process = ifrit::background(group);
            let error = process.expect_exit().unwrap_err();
            assert!(matches!(&error, Error::ZeroDeadline { option: o, .. } if *o == option));
            assert!(!process.is_ready());
        }
    }
    on_every_kind!(check);
}

#[test]
fn a_stop_delay_of_no_length_is_no_delay() {
    let (runner, recorded) = signal_recorder();
    let member = Member::new("a", runner).stop_delay(Duration::ZERO);
    let group = ifrit::background(Parallel::new([member]));
    group.expect_ready();
    group.signal(Signal::TERMINATE);
    assert!(group.expect_exit().is_ok());
    assert_eq!(recorded.so_far(), [Signal::TERMINATE]);
}

#[test]
fn a_refused_group_says_the_same_when_it_is_run_again() {
    let fake = FakeRunner::new();
    let group = Again::new(Ordered::new(named(&["a", "a"], &fake)));
    for _ in 0..2 {
        let error = ifrit::background(group.clone()).expect_exit().unwrap_err();
        assert!(matches!(error, Error::DuplicateNames(_)));
    }
    drop(group);
    assert_eq!(fake.calls(), 0);
}

#[test]
fn a_nested_group_that_is_refused_fails_the_start_of_the_outer_one() {
    let fake = FakeRunner::new();
    let inner = Parallel::new(named(&["x", "x"], &fake));
    let outer = Ordered::new(
        Members::new()
            .add("inner", inner)
            .add("after", fake.clone()),
    );
    let error = ifrit::background(outer).expect_exit().unwrap_err();
    let root = error.root_cause();
    assert!(matches!(root, Error::DuplicateNames(names) if names == &["x"]));
    assert_eq!(fake.calls(), 0);
}

#[test]
fn a_group_takes_an_array_a_vec_an_iterator_or_members() {
    let one = || Member::new("one", FakeRunner::new());
    let two = || Member::new("two", FakeRunner::new());
    let mut extended = Members::new();
    extended.extend([one(), two()]);
    let plans = [
        Parallel::new([one(), two()]),
        Parallel::new(vec![one(), two()]),
        Parallel::new([one(), two()].into_iter().filter(|_| true)),
        Parallel::new(Members::new().add("one", FakeRunner::new()).member(two())),
        Parallel::new(Members::from([one(), two()])),
        Parallel::new(Members::from(vec![one(), two()])),
        Parallel::new(extended),
    ]
    .map(|group| ifrit::Runner::plan(&group).to_string());
    let expected = "parallel group\n├─ one: FakeRunner\n└─ two: FakeRunner";
    assert_eq!(plans, [expected; 7]);
}
