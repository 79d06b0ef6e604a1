//! Reading the settings again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, Sender, TryRecvError, select, unbounded};
use ifrit::grouper::{Capacity, Dynamic, Member, Members, Ordered, Parallel};
use ifrit::process::{Reloads, reloads};
use ifrit::restart::{Backoff, Restarter};
use ifrit::testing::{PATIENCE, Waiting};
use ifrit::{Error, Process, Runner, Signal, background, invoke, run_fn};

const MOMENT: Duration = Duration::from_millis(1);

/// Takes part, and does this with each reload.
fn takes_part(
    mut reload: impl FnMut(&mut Reloads) -> ifrit::Result + Send + 'static,
) -> impl Runner {
    run_fn(move |signals, ready| {
        let mut reloads = reloads();
        ready.notify();
        loop {
            select! {
                recv(signals) -> signal => match signal {
                    Ok(signal) if !signal.is_stop() => {}
                    _ => return Ok(()),
                },
                recv(reloads) -> _ => reload(&mut reloads)?,
            }
        }
    })
}

fn reloads_well() -> impl Runner {
    takes_part(|reloads| {
        drop(reloads.begin());
        Ok(())
    })
}

/// Says when it has begun, and waits until it may go on.
fn steps() -> (impl Runner, Receiver<()>, Sender<()>) {
    let (begun, has_begun) = unbounded();
    let (go, may_go) = unbounded::<()>();
    let runner = takes_part(move |reloads| {
        let _reloading = reloads.begin();
        begun.send(())?;
        may_go.recv()?;
        Ok(())
    });
    (runner, has_begun, go)
}

/// Waits for a reload on a thread of its own.
fn reload_of(process: &Process) -> thread::JoinHandle<Result<usize, Error>> {
    let process = process.clone();
    thread::spawn(move || process.reload(PATIENCE))
}

fn failed(outcome: Result<usize, Error>) -> Vec<(String, Option<String>)> {
    let Err(Error::NotReloaded { failed, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    failed.into_iter().map(|one| (one.path, one.why)).collect()
}

fn stops(process: &Process) {
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn all_that_hear_the_process_reload_and_are_counted() {
    let dynamic = Dynamic::new(Capacity::unlimited());
    let client = dynamic.client();
    let scoped = run_fn(|signals, ready| {
        ifrit::scope(|s| {
            let inner = s.background(reloads_well());
            inner.wait_ready()?;
            ready.notify();
            ifrit::until_stop(&signals);
            Ok(())
        })
    });
    let app = invoke(Ordered::new(
        Members::new()
            .add("leaf", reloads_well())
            .add("again", Restarter::always(reloads_well()))
            .add("group", Parallel::new([Member::new("in", reloads_well())]))
            .add("scoped", scoped)
            .add("dynamic", dynamic)
            .add("takes no part", ifrit::testing::signal_recorder().0),
    ));
    app.expect_ready();
    let inserted = client.insert(Member::new("late", reloads_well())).unwrap();
    inserted.expect_ready();
    assert_eq!(app.reload(PATIENCE).unwrap(), 5);
    assert_eq!(app.find("group").unwrap().reload(PATIENCE).unwrap(), 1);
    stops(&app);
}

#[test]
fn where_none_takes_part_a_hup_is_sent_all_the_same() {
    let (runner, signals) = ifrit::testing::signal_recorder();
    let process = invoke(runner);
    assert_eq!(process.reload(PATIENCE).unwrap(), 0);
    assert_eq!(signals.wait_for(1), [Signal::HANGUP]);
    stops(&process);
    assert_eq!(process.reload(PATIENCE).unwrap(), 0);
}

#[test]
fn what_was_started_below_and_belongs_to_no_group_hears_nothing_and_is_not_waited_for() {
    let (give, inner) = unbounded();
    let process = invoke(run_fn(move |signals, ready| {
        let inner = invoke(run_fn(|signals, ready| {
            let _never_read = reloads();
            ready.notify();
            ifrit::until_stop(&signals);
            Ok(())
        }));
        give.send(inner)?;
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    }));
    assert_eq!(process.reload(PATIENCE).unwrap(), 0);
    stops(&process);
    stops(&inner.recv_timeout(PATIENCE).unwrap());
}

#[test]
fn a_hup_makes_a_reload_due_once_however_many_come_before_it_begins() {
    let (say, said) = unbounded();
    let (go, may_go) = unbounded::<()>();
    let process = invoke(run_fn(move |signals, ready| {
        let mut reloads = reloads();
        say.send(reloads.is_due())?;
        ready.notify();
        may_go.recv()?;
        say.send(reloads.is_due() && !reloads.is_empty())?;
        let reloading = reloads.begin();
        drop(reloading);
        say.send(reloads.is_due() || !reloads.is_empty())?;
        ifrit::until_stop(&signals);
        Ok(())
    }));
    process.signal(Signal::HANGUP);
    process.signal(Signal::HANGUP);
    go.send(()).unwrap();
    let said: Vec<bool> = said.iter().take(3).collect();
    assert_eq!(said, [false, true, false]);
    stops(&process);
}

#[test]
fn a_reload_that_had_begun_before_the_call_is_not_enough() {
    let (runner, begun, go) = steps();
    let process = invoke(runner);
    process.signal(Signal::HANGUP);
    begun.recv_timeout(PATIENCE).unwrap();
    let waits = reload_of(&process);
    // The call has sent its HUP once another reload is due; the first one ends now.
    go.send(()).unwrap();
    begun.recv_timeout(PATIENCE).unwrap();
    assert!(!waits.is_finished());
    go.send(()).unwrap();
    assert_eq!(waits.join().unwrap().unwrap(), 1);
    stops(&process);
}

#[test]
fn one_that_is_not_done_in_time_is_named_and_goes_on() {
    let (runner, begun, go) = steps();
    let app = invoke(Parallel::new(Members::new().add("slow", runner)));
    assert_eq!(
        failed(app.reload(MOMENT)),
        [(format!("{}/slow", app.path()), None)]
    );
    begun.recv_timeout(PATIENCE).unwrap();
    go.send(()).unwrap();
    stops(&app);
}

#[test]
fn one_that_fails_says_why_and_lives() {
    let mut first = true;
    let broken = takes_part(move |reloads| {
        let reloading = reloads.begin();
        if std::mem::take(&mut first) {
            reloading.fail("line 3:\nno such level");
        }
        Ok(())
    });
    let app = Process::builder()
        .name("app")
        .invoke(Parallel::new([Member::new("log", broken)]));
    let outcome = app.reload(PATIENCE);
    let error = outcome.clone().unwrap_err().to_string();
    assert_eq!(
        error,
        format!(r"not reloaded within {PATIENCE:?}: app/log (line 3:\nno such level)")
    );
    let why = r"line 3:\nno such level".to_owned();
    assert_eq!(failed(outcome), [("app/log".to_owned(), Some(why))]);
    let tree = ifrit::tree();
    let node = &tree.get(app.id()).unwrap().children[0];
    let note = node.note.as_deref();
    assert_eq!(note, Some(r"not reloaded: line 3:\nno such level"));
    assert_eq!(app.reload(PATIENCE).unwrap(), 1);
    let tree = ifrit::tree();
    let node = &tree.get(app.id()).unwrap().children[0];
    assert_eq!(node.note.as_deref(), Some("reloaded"));
    stops(&app);
}

#[test]
fn a_panic_in_a_reload_is_a_failure_of_it() {
    let panics = takes_part(|reloads| {
        let reload = || {
            let _reloading = reloads.begin();
            std::panic::resume_unwind(Box::new("no"));
        };
        assert!(catch_unwind(AssertUnwindSafe(reload)).is_err());
        Ok(())
    });
    let process = invoke(panics);
    let failed = failed(process.reload(PATIENCE));
    assert_eq!(failed[0].1.as_deref(), Some("it panicked"));
    stops(&process);
}

#[test]
fn one_that_stops_ends_or_restarts_meanwhile_is_not_waited_for() {
    let ends = takes_part(|_| Err("it ends".into()));
    assert_eq!(invoke(ends).reload(PATIENCE).unwrap(), 0);

    let mut runs = 0;
    let restarts = run_fn(move |signals, ready| {
        runs += 1;
        let reloads = reloads();
        ready.notify();
        if runs == 1 {
            reloads.recv()?;
            std::mem::forget(reloads);
            return Err("again".into());
        }
        ifrit::until_stop(&signals);
        Ok(())
    });
    let process = invoke(Restarter::always(restarts).backoff(Backoff::none()));
    assert_eq!(process.reload(PATIENCE).unwrap(), 0);
    stops(&process);

    let (runner, begun, go) = steps();
    let process = invoke(runner);
    let waits = reload_of(&process);
    begun.recv_timeout(PATIENCE).unwrap();
    process.signal(Signal::TERMINATE);
    assert_eq!(waits.join().unwrap().unwrap(), 0);
    assert_eq!(process.reload(PATIENCE).unwrap(), 0);
    go.send(()).unwrap();
    process.expect_exit().unwrap();
}

#[test]
fn one_that_takes_part_no_more_is_not_waited_for() {
    let process = invoke(run_fn(|signals, ready| {
        drop(reloads());
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    }));
    assert_eq!(process.reload(PATIENCE).unwrap(), 0);
    stops(&process);
}

#[test]
fn one_that_waits_for_its_own_reload_is_refused() {
    let process = background(run_fn(|signals, _| {
        let _reloads = reloads();
        let me = ifrit::current().expect("a process");
        let refused = me.reload(PATIENCE);
        assert!(matches!(refused, Err(Error::WouldDeadlock { .. })));
        assert_eq!(signals.try_recv(), Err(TryRecvError::Empty));
        Ok(())
    }));
    process.expect_exit().unwrap();
}

#[test]
fn on_a_thread_of_no_process_nothing_is_ever_due() {
    let mut reloads = reloads();
    assert!(!reloads.is_due() && reloads.is_empty());
    reloads.begin().fail("which nothing hears");
}

#[test]
fn a_thousand_members_reload_in_one_round() {
    let members = (0..1_000).map(|n| {
        let small = 64 * 1024;
        Member::new(format!("m{n}"), reloads_well()).stack_size(small)
    });
    let app = invoke(Parallel::new(members));
    app.expect_ready();
    assert_eq!(app.reload(PATIENCE).unwrap(), 1_000);
    stops(&app);
}
