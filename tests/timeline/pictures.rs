use std::time::Duration;

use ifrit::grouper::{Capacity, Dynamic, Member, Members, Ordered, Parallel};
use ifrit::observe::{Timeline, What, timeline};
use ifrit::restart::{Backoff, Restart, Restarter};
use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{Process, Signal, process, run_fn};

use super::rules::{Trace, read};
use super::{calm, idle, named, timeline_of};

fn trace_of(process: &Process) -> Trace {
    read(&timeline_of(process))
}

#[test]
fn a_life_is_a_slice_with_its_stages_in_it() {
    let _guard = calm();
    let app = named("app").invoke(idle());
    app.note("on its way");
    app.signal(Signal::USER1);
    app.signal(Signal::TERMINATE);
    app.expect_exit().unwrap();
    let trace = trace_of(&app);
    assert_eq!(trace.titles(), ["app"]);
    assert_eq!(trace.names("app", 0), ["app"]);
    assert_eq!(trace.names("app", 1), ["starting", "ready", "stopping"]);
    let told = ["note: on its way", "told SIGUSR1", "told SIGTERM"];
    assert_eq!(trace.instants_of("app"), told);
    let life = trace.slice("app", "app");
    assert_eq!(life.details["exit"], "ok");
    assert_eq!(life.details["cause"], "stopped");
    assert_eq!(life.details["process"], app.id().to_string());
}

#[test]
fn times_are_those_of_the_clock_of_the_process() {
    let _guard = calm();
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let app = named("app").clock(clock.clock()).background(fake.clone());
    let call = fake.wait_for_call();
    clock.advance(Duration::from_nanos(2_000_001));
    call.trigger_ready();
    app.expect_ready();
    clock.advance(Duration::from_secs(3));
    call.trigger_exit(Err("no disk".into()));
    app.expect_exit().unwrap_err();
    let trace = trace_of(&app);
    let span = |name| {
        let slice = trace.slice("app", name);
        (slice.begin, slice.end)
    };
    assert_eq!(span("starting"), (0.0, 2_000.001));
    assert_eq!(span("ready"), (2_000.001, 3_002_000.001));
    assert_eq!(span("app"), (0.0, 3_002_000.001));
    assert_eq!(trace.instants_of("app"), ["exited after 3 s: no disk"]);
}

#[test]
fn the_end_of_a_member_leads_to_the_stop_of_its_group_and_of_each_other() {
    let _guard = calm();
    let fake = FakeRunner::new();
    let inner = Parallel::new(Members::new().add("x", idle()));
    let members = Members::new().add("db", idle()).add("web", inner);
    let app = named("app").background(Ordered::new(members.add("job", fake.clone())));
    let call = fake.wait_for_call();
    call.trigger_ready();
    app.expect_ready();
    call.trigger_exit(Err("no disk".into()));
    app.expect_exit().unwrap_err();
    let trace = trace_of(&app);
    let stops = "its end stops the others";
    assert!(trace.has_arrow(stops, ("app/job", "ready"), ("app", "stopping")));
    for member in ["app/db", "app/web"] {
        assert!(trace.has_arrow("stop", ("app", "stopping"), (member, "stopping")));
    }
    assert!(trace.has_arrow("stop", ("app/web", "stopping"), ("app/web/x", "stopping")));
    assert_eq!(trace.arrows.len(), 4);
}

#[test]
fn a_restarted_member_stays_on_its_track_and_an_arrow_leads_to_its_restart() {
    let _guard = calm();
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let backoff = Backoff::constant(Duration::from_secs(2));
    let member = Member::new("web", fake.clone()).restart(Restart::permanent().backoff(backoff));
    let app = named("app").clock(clock.clock());
    let app = app.background(Ordered::new([member]));
    let call = fake.wait_for_call();
    call.trigger_ready();
    app.expect_ready();
    clock.advance(Duration::from_secs(1));
    call.trigger_exit(Err("connection lost".into()));
    clock.wait_for_timers(1);
    clock.advance(Duration::from_secs(2));
    let again = fake.wait_for_call();
    again.trigger_ready();
    again.trigger_exit(Ok(()));
    clock.wait_for_timers(1);
    clock.advance(Duration::from_secs(1));
    app.signal(Signal::INTERRUPT);
    app.expect_exit().unwrap();
    let trace = trace_of(&app);
    assert_eq!(trace.titles(), ["app", "app/web"]);
    // The second pause is over with its time at the latest, though no start follows.
    let lives = ["web", "restarting", "web", "restarting"];
    assert_eq!(trace.names("app/web", 0), lives);
    let pause = trace.slice("app/web", "restarting");
    assert_eq!((pause.begin, pause.end), (1e6, 3e6));
    assert!(pause.details["what"].contains("connection lost"));
    assert!(trace.has_arrow("restart", ("app/web", "ready"), ("app/web", "starting")));
}

#[test]
fn a_run_inside_of_a_process_that_is_restarted_is_a_pause_in_its_life() {
    let _guard = calm();
    let fake = FakeRunner::new();
    let again = Restarter::with(fake.clone(), Restart::permanent().backoff(Backoff::none()));
    let app = named("app").background(again);
    let call = fake.wait_for_call();
    call.trigger_ready();
    app.expect_ready();
    call.trigger_exit(Err("lost".into()));
    let call = fake.wait_for_call();
    app.signal(Signal::INTERRUPT);
    call.trigger_exit(Ok(()));
    app.expect_exit().unwrap();
    let trace = trace_of(&app);
    assert_eq!(trace.names("app", 0), ["app"]);
    assert_eq!(trace.names("app", 2), ["restarting"]);
}

#[test]
fn a_process_that_was_given_up_is_there_until_its_thread_has_ended() {
    let _guard = calm();
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let app = named("deaf").clock(clock.clock());
    let app = app
        .stop_within(Duration::from_secs(10))
        .background(fake.clone());
    let call = fake.wait_for_call();
    call.trigger_ready();
    app.expect_ready();
    app.signal(Signal::TERMINATE);
    clock.wait_for_timers(1);
    clock.advance(Duration::from_secs(10));
    app.expect_exit().unwrap_err();
    let trace = trace_of(&app);
    let life = trace.slice("deaf", "deaf");
    assert_eq!(life.details["exit"], "given up; its thread still runs");
    assert_eq!(
        trace.names("deaf", 1),
        ["starting", "ready", "stopping", "given up"]
    );

    clock.advance(Duration::from_secs(5));
    let mut events = app.events();
    call.trigger_exit(Ok(()));
    assert!(events.any(|event| matches!(event.what, What::ExitedLate { .. })));
    let trace = trace_of(&app);
    let life = trace.slice("deaf", "deaf");
    assert_eq!(life.details["exit"], "ok, after it was given up");
    let given_up = trace.slice("deaf", "given up");
    assert_eq!((given_up.begin, given_up.end), (10e6, 15e6));
}

#[test]
fn what_runs_at_the_end_ends_with_the_trace_and_what_began_before_begins_with_it() {
    let _guard = calm();
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let app = named("app").clock(clock.clock()).background(fake.clone());
    let call = fake.wait_for_call();
    clock.advance(Duration::from_secs(4));
    call.trigger_ready();
    app.expect_ready();
    clock.advance(Duration::from_secs(1));
    app.note("still here");
    let all = timeline_of(&app);
    let life = read(&all).slice("app", "app").clone();
    assert_eq!((life.begin, life.end), (0.0, 5e6));
    assert_eq!(life.details["exit"], "none yet");
    // Without the first event, the second tells when it has started.
    let later: Timeline = all.events()[1..].iter().cloned().collect();
    let life = read(&later).slice("app", "app").clone();
    assert_eq!((life.begin, life.end), (0.0, 1e6));
    assert_eq!(life.details["started"], "4.0s before this trace");
    // And the last one alone does not.
    let last: Timeline = all.events()[2..].iter().cloned().collect();
    let last = read(&last);
    assert_eq!(last.names("app", 1), ["running"]);
    assert_eq!(
        last.slice("app", "app").details["started"],
        "where events are missing"
    );
    // The whole program's ends now.
    let now = read(&timeline());
    assert!(now.titles().contains(&"app"));
    call.trigger_exit(Ok(()));
    app.expect_exit().unwrap();
}

#[test]
fn two_of_one_path_have_two_tracks() {
    let _guard = calm();
    let host = named("host").invoke(run_fn(|signals, ready| {
        let twins = [(); 2].map(|()| named("twin").invoke(idle()));
        ready.notify();
        ifrit::until_stop(&signals);
        for twin in twins {
            twin.signal(Signal::INTERRUPT);
            twin.join()?;
        }
        Ok(())
    }));
    host.interrupt().unwrap();
    assert_eq!(
        trace_of(&host).titles(),
        ["host", "host/twin", "host/twin (2)"]
    );
}

#[test]
fn tracks_stand_in_the_order_of_the_tree() {
    let _guard = calm();
    let group = |names: [&str; 2]| {
        let members = names
            .into_iter()
            .fold(Members::new(), |all, name| all.add(name, idle()));
        Ordered::new(members)
    };
    let members = Members::new()
        .add("z", group(["d", "c"]))
        .add("a", group(["b", "a"]));
    let app = named("app").invoke(Parallel::new(members.add("m", idle())));
    app.interrupt().unwrap();
    let tree = [
        "app", "app/z", "app/z/d", "app/z/c", "app/a", "app/a/b", "app/a/a", "app/m",
    ];
    assert_eq!(trace_of(&app).titles(), tree);
}

#[test]
fn members_that_come_and_go_under_ever_new_names_share_a_few_tracks() {
    let _guard = calm();
    let group = Dynamic::new(Capacity::at_most(2));
    let client = group.client();
    let app = named("app").invoke(group);
    for n in 0..50 {
        let member = Member::new(format!("connection {n}"), run_fn(|_, _| Ok(())));
        client
            .insert(member)
            .map_err(|refused| refused.to_string())
            .unwrap();
    }
    client.close();
    app.expect_exit().unwrap();
    let trace = trace_of(&app);
    let titles = trace.titles();
    assert!(
        ["app", "app/*"] == titles[..2] && titles.len() <= 4,
        "{titles:?}"
    );
    let lives = trace.slices.iter().filter(|slice| slice.depth == 0);
    assert_eq!(lives.count(), 51);
}

#[test]
fn members_that_are_there_together_have_a_track_each_however_many_they_are() {
    let _guard = calm();
    let names: Vec<_> = (0..40).map(|n| format!("worker {n}")).collect();
    let members = names.iter().map(|name| Member::new(&**name, idle()));
    let app = named("app").invoke(Ordered::new(members));
    app.interrupt().unwrap();
    assert_eq!(trace_of(&app).titles().len(), 41);
}

#[test]
fn whatever_names_and_notes_are_the_trace_is_json() {
    let _guard = calm();
    let bad = "\"quoted\" \\ a/b\nc\t\u{1b}[31m\u{0}\u{2028}\u{9b} ä%";
    let app = named(bad).invoke(run_fn(move |signals, ready| {
        process::note(bad);
        process::note("x\n".repeat(1 << 20));
        ready.notify();
        ifrit::until_stop(&signals);
        Err(bad.into())
    }));
    app.interrupt().unwrap_err();
    let trace = trace_of(&app);
    assert_eq!(trace.titles(), [app.path()]);
    assert!(timeline_of(&app).to_string().len() < 20_000);
}

#[test]
fn an_empty_timeline_is_a_valid_trace() {
    let empty = Timeline::default();
    assert!(read(&empty).tracks.is_empty());
    assert_eq!((empty.events().len(), empty.missed()), (0, 0));
}
