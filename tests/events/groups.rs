use std::time::Duration;

use ifrit::grouper::{AutoShutdown, Batch, Capacity, Dynamic, Ends, Job};
use ifrit::grouper::{Member, Members, Ordered, Parallel, Strategy};
use ifrit::observe::{Event, Events, What};
use ifrit::restart::{Backoff, Budget, Restart, Restarter};
use ifrit::testing::{FakeRunner, Waiting, signal_recorder};
use ifrit::{Process, Signal, run_fn, run_once};

use super::{calm, line, named, said};

fn idle() -> impl ifrit::Runner {
    signal_recorder().0
}

fn at_once() -> Backoff {
    Backoff::none()
}

/// What was said from the first line on that begins so.
fn from<'l>(said: &'l [String], begins: &str) -> &'l [String] {
    let place = said.iter().position(|line| line.starts_with(begins));
    &said[place.unwrap_or_else(|| panic!("no {begins:?} in {said:#?}"))..]
}

fn stoppings(said: &[String]) -> usize {
    said.iter().filter(|line| line.contains(": stops")).count()
}

/// Starts it, and listens from before its members start.
fn listened(runner: impl ifrit::Runner + 'static) -> (Process, Events<Event>) {
    let app = named("app").background(runner);
    let events = app.events();
    (app, events)
}

#[test]
fn a_group_that_is_told_to_stop_says_so_before_its_members_are_told() {
    let _guard = calm();
    let (app, events) = listened(Ordered::new(
        Members::new().add("a", idle()).add("b", idle()),
    ));
    app.expect_ready();
    app.signal(Signal::TERMINATE);
    app.expect_exit().unwrap();
    let said = said(&events);
    let stop = [
        "app: told SIGTERM",
        "app: stops: told SIGTERM",
        "app/b: told SIGTERM",
        "app/b: ok [stopped]",
        "app/a: told SIGTERM",
        "app/a: ok [stopped]",
        "app: ok [stopped]",
    ];
    assert_eq!(from(&said, "app: told"), stop);
}

#[test]
fn a_group_that_a_member_stops_says_which_and_how_that_ended() {
    let _guard = calm();
    let fake = FakeRunner::new();
    let members = Members::new().add("db", idle()).add("web", fake.clone());
    let (app, events) = listened(Ordered::new(members));
    let call = fake.wait_for_call();
    call.trigger_ready();
    app.expect_ready();
    let web = app.find("web").unwrap().id();
    call.trigger_exit(Err("port\ntaken".into()));
    app.expect_exit().unwrap_err();
    let all: Vec<_> = events.try_iter().collect();
    let why = all.iter().find_map(|event| match &event.what {
        What::Stopping { why } => Some((event.id, why.clone())),
        _ => None,
    });
    let (group, why) = why.unwrap();
    assert_eq!(group, app.id());
    match why {
        ifrit::observe::Why::Member { name, id, exit, .. } => {
            assert_eq!((&*name, id), ("web", web));
            assert_eq!(exit.error(), Some(r"port\ntaken"));
        }
        other => panic!("{other}"),
    }
    let said: Vec<_> = all.iter().map(line).collect();
    let stop = [
        r"app/web: port\ntaken [independent]",
        r"app: stops: web ended: port\ntaken",
        "app/db: told SIGINT",
        "app/db: ok [stopped]",
    ];
    assert_eq!(from(&said, "app/web: port")[..4], stop);
    assert_eq!(stoppings(&said), 1);
}

#[test]
fn a_group_whose_members_have_all_completed_does_not_stop() {
    let _guard = calm();
    let once = Member::new("once", run_fn(|_, _| Ok(()))).one_shot();
    let (app, events) = listened(Parallel::new([once]));
    app.expect_exit().unwrap();
    assert_eq!(stoppings(&said(&events)), 0);
}

#[test]
fn an_automatic_shutdown_is_a_reason_to_stop() {
    let _guard = calm();
    let fake = FakeRunner::new();
    let work = Member::new("work", fake.clone())
        .restart(Restart::transient())
        .significant();
    let group = Ordered::new([work, Member::new("log", idle())]);
    let (app, events) = listened(group.auto_shutdown(AutoShutdown::Any));
    let call = fake.wait_for_call();
    call.trigger_ready();
    app.expect_ready();
    call.trigger_exit(Ok(()));
    app.expect_exit().unwrap();
    let said = said(&events);
    assert!(said.contains(&"app: stops: its significant members have ended".to_owned()));
}

#[test]
fn a_group_that_gives_up_on_a_member_says_so_with_its_last_error() {
    let _guard = calm();
    let broken = || run_fn(|_, _| Err("broken".into()));
    let restart = Restart::permanent().backoff(at_once()).from_the_start();
    let stopping = |group: Ordered| {
        let (app, events) = listened(group);
        app.expect_exit().unwrap_err();
        let said = said(&events);
        from(&said, "app: stops")[0].clone()
    };
    let web = Member::new("web", broken()).restart(restart);
    assert_eq!(
        stopping(Ordered::new([web]).budget(Budget::new(1, Duration::from_secs(60)))),
        "app: stops: web ended: web: more than 1 restart within 60s: broken"
    );
    let restart = restart.backoff(Backoff::constant(Duration::from_secs(60)));
    let web = Member::new("web", broken()).restart(restart);
    assert_eq!(
        stopping(Ordered::new([web]).start_within(Duration::from_millis(20))),
        "app: stops: web ended: web: not ready within 20ms: broken"
    );
}

#[test]
fn a_restart_of_a_member_is_said_of_the_process_that_has_ended() {
    let _guard = calm();
    let fake = FakeRunner::new();
    let restart = Restart::permanent().backoff(Backoff::constant(Duration::from_millis(1)));
    let web = Member::new("web", fake.clone()).restart(restart);
    let group = Ordered::new([web]).budget(Budget::new(3, Duration::from_secs(60)));
    let (app, events) = listened(group);
    let call = fake.wait_for_call();
    call.trigger_ready();
    app.expect_ready();
    let ended = app.find("web").unwrap().id();
    call.trigger_exit(Err("broken".into()));
    let again = fake.wait_for_call();
    app.signal(Signal::KILL);
    assert_eq!(again.wait_for_signal(), Signal::KILL);
    again.trigger_exit(Ok(()));
    app.expect_exit().unwrap();
    let all: Vec<_> = events.try_iter().collect();
    let place = all
        .iter()
        .position(|event| matches!(event.what, What::Restarting { .. }));
    let place = place.unwrap();
    assert_eq!(all[place].id, ended);
    assert_eq!(
        all[place].to_string(),
        "app/web: restarts in 1 ms (attempt 1 of 3): broken"
    );
    assert_eq!(line(&all[place - 1]), "app/web: broken [independent]");
    assert_eq!(line(&all[place + 1]), "app/web: started");
    assert!(all[place + 1].id > ended);
}

#[test]
fn each_member_of_a_round_is_said_to_be_restarted() {
    let _guard = calm();
    let (fails, beside) = (FakeRunner::new(), FakeRunner::new());
    let restart = || Restart::permanent().backoff(at_once());
    let group = Ordered::new([
        Member::new("fails", fails.clone()).restart(restart()),
        Member::new("beside", beside.clone()).restart(restart()),
    ]);
    let (app, events) = listened(group.strategy(Strategy::OneForAll));
    let call = fails.wait_for_call();
    call.trigger_ready();
    let other = beside.wait_for_call();
    other.trigger_ready();
    app.expect_ready();
    call.trigger_exit(Err("broken".into()));
    other.wait_for_signal();
    other.trigger_exit(Ok(()));
    let again = [&fails, &beside].map(|fake| {
        let call = fake.wait_for_call();
        call.trigger_ready();
        call
    });
    app.signal(Signal::KILL);
    for call in again {
        assert_eq!(call.wait_for_signal(), Signal::KILL);
        call.trigger_exit(Ok(()));
    }
    app.expect_exit().unwrap();
    let said = said(&events);
    let restarts: Vec<_> = said
        .iter()
        .filter(|line| line.contains(": restarts "))
        .collect();
    assert_eq!(
        restarts,
        [
            "app/fails: restarts now (attempt 1 of 5): broken",
            "app/beside: restarts now (attempt 1 of 5): ok"
        ]
    );
    assert_eq!(stoppings(&said), 1); // that of the end
}

#[test]
fn a_restarter_says_what_it_does_in_its_own_process() {
    let _guard = calm();
    let mut runs = 0;
    let flaky = run_fn(move |_, _| {
        runs += 1;
        match runs {
            3 => Ok(()),
            _ => Err(format!("run {runs}").into()),
        }
    });
    let (app, events) = listened(Restarter::on_error(flaky).backoff(at_once()));
    app.expect_exit().unwrap();
    let story = [
        "app: started",
        "app: restarts now (attempt 1 of 5): run 1",
        "app: restarts now (attempt 2 of 5): run 2",
        "app: ok [completed]",
    ];
    assert_eq!(said(&events), story);
}

#[test]
fn without_a_budget_all_restarts_count() {
    let _guard = calm();
    let mut runs = 0;
    let endless = run_fn(|_, _| Ok(()));
    let load = move |_: &mut _, _: &ifrit::Exit| {
        runs += 1;
        match runs {
            3 => ifrit::restart::Next::End,
            _ => ifrit::restart::Next::Again,
        }
    };
    let (app, events) = listened(Restarter::new(endless, load));
    app.expect_exit().unwrap();
    let said = said(&events);
    assert!(
        said.contains(&"app: restarts now (attempt 2): ok".to_owned()),
        "{said:?}"
    );
}

#[test]
fn a_dynamic_group_says_what_its_members_do_and_which_end_stops_it() {
    let _guard = calm();
    let group = Dynamic::new(Capacity::unlimited()).stop_on_exit(Ends::Errors);
    let client = group.client();
    let (app, events) = listened(group);
    app.expect_ready();
    client
        .insert(Member::new("idle", idle()))
        .unwrap()
        .expect_ready();
    let failing = Member::new("bad", run_fn(|_, _| Err("no disk".into())));
    client.insert(failing).unwrap().expect_exit().unwrap_err();
    app.expect_exit().unwrap_err();
    let said = said(&events);
    let stop = [
        "app/bad: no disk [independent]",
        "app: stops: bad ended: no disk",
        "app/idle: told SIGINT",
        "app/idle: ok [stopped]",
    ];
    assert_eq!(from(&said, "app/bad: no disk")[..4], stop);
    assert!(said.contains(&"app/idle: ready".to_owned()));
    assert_eq!(stoppings(&said), 1);
}

#[test]
fn a_dynamic_group_that_is_closed_does_not_stop_and_one_that_is_told_does() {
    let _guard = calm();
    for (told, expected) in [(false, 0), (true, 1)] {
        let group = Dynamic::new(Capacity::unlimited());
        let client = group.client();
        let (app, events) = listened(group);
        app.expect_ready();
        match told {
            true => app.signal(Signal::TERMINATE),
            false => client.close(),
        }
        app.expect_exit().unwrap();
        assert_eq!(stoppings(&said(&events)), expected);
    }
}

#[test]
fn a_job_that_is_tried_again_says_so() {
    let _guard = calm();
    let batch = run_once(|_, _| {
        let mut tries = 0;
        let job = Job::new("fetch", move |_| {
            tries += 1;
            match tries {
                1 => Err("refused".into()),
                _ => Ok(tries),
            }
        });
        let retry = Restart::transient().backoff(at_once());
        let results = Batch::new(Capacity::at_most(1))
            .retry(retry)
            .run_jobs([job]);
        assert_eq!(*results[0].as_ref().unwrap(), 2);
        Ok(())
    });
    let (app, events) = listened(batch);
    app.expect_exit().unwrap();
    let said = said(&events);
    let restarts: Vec<_> = said
        .iter()
        .filter(|line| line.contains(": restarts "))
        .collect();
    assert_eq!(restarts.len(), 1, "{said:#?}");
    assert!(
        restarts[0].contains("/fetch: restarts now (attempt 2 of 5)"),
        "{restarts:?}"
    );
}

#[test]
fn a_scope_that_ends_says_that_it_stops_what_still_runs() {
    let _guard = calm();
    let host = run_once(|_, _| {
        ifrit::scope(|scope| {
            let builder = named("inside");
            builder.invoke_scoped(scope, idle());
        });
        ifrit::scope(|_| ());
        Ok(())
    });
    let (app, events) = listened(host);
    app.expect_exit().unwrap();
    let said = said(&events);
    let stop = [
        "app: stops: its scope has ended",
        "app/inside: told SIGINT",
        "app/inside: ok [stopped]",
        "app: ok [completed]",
    ];
    assert_eq!(from(&said, "app: stops"), stop);
}

#[test]
fn a_scope_whose_host_was_told_says_that() {
    let _guard = calm();
    let host = run_once(|_, _| {
        ifrit::scope(|scope| {
            scope.invoke(idle());
            ifrit::current().unwrap().signal(Signal::QUIT);
        });
        Ok(())
    });
    let (app, events) = listened(host);
    app.expect_exit().unwrap();
    assert!(said(&events).contains(&"app: stops: told SIGQUIT".to_owned()));
}
