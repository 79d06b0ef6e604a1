//! A runner that is given up while what it has started keeps it.

use std::time::Duration;

use ifrit::grouper::{Batch, Capacity, Member, Parallel};
use ifrit::testing::{FakeRunner, Waiting};
use ifrit::{Process, Runner, Signal, run_fn, scope};

const MOMENT: Duration = Duration::from_millis(10);

/// Stops a group with this member, which is given up; the names of those that are stuck, and the member.
fn given_up(member: impl Runner + 'static, below: &FakeRunner) -> Vec<String> {
    let member = Member::new("member", member).stop_within(MOMENT);
    let group = Parallel::new([member]).kill_grace(MOMENT);
    let group = Process::builder().name("group").background(group);
    let call = below.wait_for_call();
    group.signal(Signal::TERMINATE);
    let error = group.expect_exit().unwrap_err();
    call.trigger_exit(Ok(()));
    let stuck = error.stuck().into_iter();
    stuck.map(|stuck| stuck.name.clone()).collect()
}

#[test]
fn the_error_of_a_leaf_that_is_given_up_names_who_lives_in_its_scope() {
    let deaf = FakeRunner::new();
    let child = deaf.clone();
    let member = run_fn(move |_, ready| {
        ready.notify();
        scope(|scope| {
            let gone = Process::builder().name("gone");
            let gone = gone.background_scoped(scope, run_fn(|_, _| Ok(())));
            gone.join()?;
            let builder = Process::builder().name("child");
            let child = builder.background_scoped(scope, child.clone());
            Ok(child.join()?)
        })
    });
    assert_eq!(given_up(member, &deaf), ["member", "child"]);
}

#[test]
fn the_error_of_a_leaf_that_is_given_up_names_the_jobs_of_its_batch() {
    let deaf = FakeRunner::new();
    let job = deaf.clone();
    let member = run_fn(move |_, ready| {
        ready.notify();
        let mut job = job.clone();
        let job = move |signals| job.run(signals, ifrit::ready_channel().0);
        let _ = Batch::new(Capacity::at_most(1)).run([job]);
        Ok(())
    });
    let names = given_up(member, &deaf);
    assert_eq!(names.first().map(String::as_str), Some("member"));
    assert!(names.len() >= 3, "the pool and the job: {names:?}");
}

#[test]
fn the_error_of_a_leaf_that_is_given_up_names_it_alone_when_what_it_had_started_is_gone() {
    let deaf = FakeRunner::new();
    let mut runs_on = deaf.clone();
    let member = run_fn(move |signals, ready| {
        scope(|scope| scope.background(run_fn(|_, _| Ok(()))).join())?;
        runs_on.run(signals, ready)
    });
    assert_eq!(given_up(member, &deaf), ["member"]);
}
