//! A dynamic group as a member of another group.

use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{
    Error, Process, Signal,
    error::Cause,
    grouper::{Ends, Member, Ordered},
};

use crate::kit::{SECOND, done, failing, idle, insert_fake, start, trace, unlimited};

#[test]
fn in_an_ordered_group_it_is_ready_in_its_turn_and_stopped_in_its_turn() {
    let (db, web) = (FakeRunner::new(), FakeRunner::new());
    let jobs = unlimited();
    let client = jobs.client();
    let app = Ordered::new([
        Member::new("db", db.clone()),
        Member::new("jobs", jobs),
        Member::new("web", web.clone()),
    ]);
    let app = ifrit::background(app);
    let db = db.wait_for_call();
    let refused = client.try_insert(idle("early")).unwrap_err();
    assert_eq!(refused.reason(), ifrit::grouper::Reason::NotRunning);
    db.trigger_ready();
    let web = web.wait_for_call();
    web.trigger_ready();
    app.expect_ready();
    let (_job, job) = insert_fake(&client, "job");

    app.signal(Signal::TERMINATE);
    assert_eq!(web.wait_for_signal(), Signal::TERMINATE);
    client
        .insert(done("while web stops"))
        .unwrap()
        .expect_exit()
        .unwrap();
    assert!(job.signals().is_empty());
    web.trigger_exit(Ok(()));
    assert_eq!(job.wait_for_signal(), Signal::TERMINATE);
    assert!(db.signals().is_empty());
    job.trigger_exit(Ok(()));
    assert_eq!(db.wait_for_signal(), Signal::TERMINATE);
    db.trigger_exit(Ok(()));
    app.expect_exit().unwrap();
}

#[test]
fn its_failure_is_found_in_the_trace_of_the_outer_group() {
    let jobs = unlimited().stop_on_exit(Ends::Errors);
    let client = jobs.client();
    let app = Ordered::new([Member::new("jobs", jobs), idle("web")]);
    let app = ifrit::invoke(app);
    client.insert(failing("job", "broken")).unwrap();
    let outer = trace(app.expect_exit());
    assert_eq!(outer.initiator().unwrap().name, "jobs");
    assert_eq!(outer.get("web").unwrap().cause, Cause::Consequence);
    let inner = trace(outer.get("jobs").unwrap().exit.clone());
    assert_eq!(inner.initiator().unwrap().name, "job");
    assert!(
        outer
            .to_string()
            .starts_with("jobs: (job: broken [initiator]) [initiator]")
    );
}

#[test]
fn a_notification_passes_through_to_its_members() {
    let jobs = unlimited();
    let client = jobs.client();
    let app = ifrit::invoke(Ordered::new([Member::new("jobs", jobs)]));
    let (_job, job) = insert_fake(&client, "job");
    app.signal(Signal::USER1);
    assert_eq!(job.wait_for_signal(), Signal::USER1);
    job.trigger_exit(Ok(()));
    client.close();
    app.expect_exit().unwrap();
}

#[test]
fn groups_can_be_inserted() {
    let (client, group) = start(unlimited());
    let inner = unlimited();
    let inner_client = inner.client();
    client
        .insert(Member::new("inner", inner))
        .unwrap()
        .expect_ready();
    let (job, call) = insert_fake(&inner_client, "job");
    group.signal(Signal::QUIT);
    assert_eq!(call.wait_for_signal(), Signal::QUIT);
    call.trigger_exit(Ok(()));
    job.expect_exit().unwrap();
    group.expect_exit().unwrap();
}

#[test]
fn time_shrinks_on_the_way_down_so_that_the_innermost_says_who_is_stuck() {
    let clock = ManualClock::new();
    let jobs = unlimited();
    let client = jobs.client();
    let app = Ordered::new([Member::new("jobs", jobs)]).stop_within(100 * SECOND);
    let app = Process::builder()
        .clock(clock.clock())
        .kill_grace(2 * SECOND)
        .invoke(app);
    let (_deaf, deaf) = insert_fake(&client, "deaf");
    app.signal(Signal::TERMINATE);
    assert_eq!(deaf.wait_for_signal(), Signal::TERMINATE);
    clock.wait_for_timers(2);
    // 100 s, less 2 s that the outer group keeps back, less 2 s that the inner one does.
    assert_eq!(clock.advance_to_next(), 96 * SECOND);
    assert_eq!(deaf.wait_for_signal(), Signal::KILL);
    clock.wait_for_timers(2);
    clock.advance(2 * SECOND);
    let error = app.expect_exit().unwrap_err();
    let names: Vec<_> = error.stuck().iter().map(|stuck| &*stuck.name).collect();
    assert_eq!(names, ["deaf"]);
    assert!(matches!(error, Error::Group(_)));
    deaf.trigger_exit(Ok(()));
}
