//! Whatever a user holds can be printed while a bug is looked for: it says what it is, and shows nothing of what is inside
//! runners, channels and locks.

use std::fmt::Debug;

use ifrit::testing::{FakeRunner, Harness, ManualClock};
use ifrit::{
    Main, Plan, Process, Signal,
    clock::Clock,
    grouper::{Batch, Capacity, Dynamic, Member, Members, Ordered},
    ready_channel,
    restart::{Restart, Restarter},
    run_fn, run_once,
    sigmon::Sigmon,
};

use crate::support::fakes;

#[track_caller]
fn says(what: impl Debug, expected: &[&str]) {
    let said = format!("{what:?}");
    for word in expected {
        assert!(said.contains(word), "{word:?} is not in {said}");
    }
}

#[test]
fn runners_say_what_they_are() {
    says(run_fn(|_, _| Ok(())), &["RunFn"]);
    says(run_once(|_, _| Ok(())), &["RunOnce"]);
    says(FakeRunner::new(), &["FakeRunner", "calls: 0"]);
    says(
        Restarter::always(FakeRunner::new()),
        &["Restarter", "FakeRunner", "budget"],
    );
    let fresh = Restarter::from_factory(FakeRunner::new);
    says(fresh, &["Restarter", "Fresh", "budget"]);
    says(Sigmon::new(FakeRunner::new()), &["Sigmon", "SIGINT"]);
    says(
        Main::new(FakeRunner::new()).also([Signal::HANGUP]),
        &["Main", "Sigmon", "FakeRunner", "SIGHUP"],
    );
    says(Batch::new(Capacity::at_most(2)), &["Batch", "2"]);
}

#[test]
fn groups_name_their_members() {
    let member = Member::new("db", FakeRunner::new()).restart(Restart::transient());
    says(&member, &["Member", "db"]);
    says(Members::new().add("web", FakeRunner::new()), &["web"]);
    let (_, members) = fakes::<2>();
    let group = Ordered::new(members);
    says(group.admin(), &["Admin"]);
    says(group, &["Group", "\"a\"", "\"b\""]);
    let group = Dynamic::new(Capacity::at_most(3));
    says(group.client(), &["DynamicClient"]);
    says(group.client().exits(), &["Events", "missed: 0"]);
    says(&group, &["Dynamic", "3"]);
    let refused = group
        .client()
        .try_insert(Member::new("job", FakeRunner::new()));
    says(refused.unwrap_err(), &["Refusal", "job", "NotRunning"]);
}

#[test]
fn reloads_say_whether_one_is_due() {
    let mut reloads = ifrit::process::reloads();
    says(&reloads, &["Reloads", "is_due: false"]);
    says(reloads.begin(), &["Reloading"]);
}

#[test]
fn handles_say_whose_they_are() {
    let process = Process::builder()
        .name("db")
        .background(run_fn(|_, _| Ok(())));
    process.join().unwrap();
    says(&process, &["db"]);
    says(process.wait(), &["Wait"]);
    says(ready_channel().0, &["ReadySender"]);
    says(Clock::system(), &["system"]);
    let clock = ManualClock::default();
    says(&clock, &["ManualClock"]);
    says(clock.clock(), &["manual"]);
    says(clock.clock().after(std::time::Duration::MAX), &["Alarm"]);
    let fake = FakeRunner::new();
    let process = ifrit::background(fake.clone());
    let call = fake.wait_for_call();
    says(&call, &["Call"]);
    call.trigger_exit(Ok(()));
    process.join().unwrap();
    ifrit::scope(|scope| says(scope, &["Scope"]));
    says(Harness::new(), &["Harness"]);
    says(Plan::new("leaf"), &["leaf"]);
}
