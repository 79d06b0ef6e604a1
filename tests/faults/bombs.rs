//! Errors and runners that panic when they are dropped, in every place where they can come to lie.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, Sender, unbounded};
use ifrit::grouper::{Admin, Capacity, Strategy};
use ifrit::restart::{Backoff, Budget, Restart, Restarter};
use ifrit::testing::{PATIENCE, Waiting};
use ifrit::{
    Error, Process, Runner, Signal, background,
    grouper::{Dynamic, Member, Parallel},
    run_fn, until_stop,
};

/// An error whose destructor panics.
#[derive(Debug)]
struct Bomb;

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bomb")
    }
}

impl StdError for Bomb {}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the bomb went off");
    }
}

/// Fails with a bomb so many times and then stays up; says each time that it is up.
fn recovering(mut failures: usize, up: Sender<()>) -> impl Runner {
    run_fn(move |signals, ready| {
        ready.notify();
        if failures > 0 {
            failures -= 1;
            return Err(Bomb.into());
        }
        up.send(())?;
        until_stop(&signals);
        Ok(())
    })
}

/// Fails with a bomb on HUP and when it is told to stop.
fn bomber() -> impl Runner {
    run_fn(|signals, ready| {
        ready.notify();
        let _ = signals.recv();
        Err(Bomb.into())
    })
}

fn steady() -> impl Runner {
    run_fn(|signals, ready| {
        ready.notify();
        until_stop(&signals);
        Ok(())
    })
}

fn at_once(restart: Restart) -> Restart {
    restart.backoff(Backoff::none())
}

fn generous() -> Budget {
    Budget::new(1_000, Duration::from_secs(3_600))
}

fn expect_up(up: &Receiver<()>) {
    up.recv_timeout(PATIENCE).expect("up again");
}

fn stop(process: &Process) {
    process.signal(Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn a_healed_member_leaves_its_errors_to_nobody() {
    for strategy in [
        Strategy::OneForOne,
        Strategy::OneForAll,
        Strategy::RestForOne,
    ] {
        for _ in 0..20 {
            let (sender, up) = unbounded();
            let recovering = Member::new("recovering", recovering(20, sender));
            let members = [
                recovering.restart(at_once(Restart::permanent())),
                Member::new("steady", steady()).restart(at_once(Restart::permanent())),
            ];
            let group = Parallel::new(members).strategy(strategy).budget(generous());
            let group = background(group);
            expect_up(&up);
            stop(&group);
        }
    }
}

#[test]
fn errors_of_those_who_are_stopped_with_others_are_left_to_nobody() {
    for policy in [Restart::permanent, Restart::transient, Restart::temporary] {
        for _ in 0..100 {
            let (sender, up) = unbounded();
            // Told to stop in the round of the other, it fails with a bomb.
            let bomber = Member::new("bomber", bomber()).restart(at_once(policy()));
            let plain = {
                let mut failed = false;
                run_fn(move |signals, ready| {
                    ready.notify();
                    if signals.recv()? == Signal::USER1 && !failed {
                        failed = true;
                        return Err("plain".into());
                    }
                    Ok(())
                })
            };
            let again = {
                run_fn(move |signals, ready| {
                    ready.notify();
                    sender.send(())?;
                    until_stop(&signals);
                    Ok(())
                })
            };
            let restart = at_once(Restart::permanent());
            let members = [
                bomber,
                Member::new("plain", plain).restart(restart),
                Member::new("again", again).restart(restart),
            ];
            let group = Parallel::new(members)
                .strategy(Strategy::OneForAll)
                .budget(generous());
            let admin = group.admin();
            let group = background(group);
            group.expect_ready();
            expect_up(&up);
            process_of(&admin, "plain").signal(Signal::USER1);
            expect_up(&up);
            group.signal(Signal::TERMINATE);
            if let Err(error) = group.expect_exit() {
                assert!(matches!(error, Error::Group(_)), "{error}");
            }
        }
    }
}

fn process_of(admin: &Admin, name: &str) -> Process {
    let list = admin.list().unwrap();
    let status = list.into_iter().find(|status| status.name == name);
    status.and_then(|status| status.process).expect("it lives")
}

#[test]
fn the_error_of_a_member_that_was_terminated_by_hand_is_left_to_nobody() {
    for _ in 0..100 {
        let members = [
            Member::new("bomber", bomber()),
            Member::new("steady", steady()),
        ];
        let group = Parallel::new(members);
        let admin = group.admin();
        let group = background(group);
        group.expect_ready();
        admin.terminate("bomber").unwrap();
        let again = admin.restart("bomber").unwrap();
        again.expect_ready();
        let removed = admin.remove("bomber").unwrap();
        assert_eq!(removed.name(), "bomber");
        drop(again);
        stop(&group);
    }
}

#[test]
fn a_restarter_goes_on_after_errors_that_panic_when_they_are_dropped() {
    for budget in [None, Some(generous())] {
        let (sender, up) = unbounded();
        let mut restarter = Restarter::on_error(recovering(20, sender)).backoff(Backoff::none());
        restarter = restarter.budget(budget.unwrap_or(Budget::new(20, Duration::from_nanos(1))));
        let process = background(restarter);
        expect_up(&up);
        stop(&process);
    }
    let (sender, up) = unbounded();
    let bare = Restarter::new(recovering(20, sender), |_, _| ifrit::restart::Next::Again);
    let process = background(bare);
    expect_up(&up);
    stop(&process);
}

#[test]
fn a_fresh_runner_whose_destructor_panics_is_followed_by_the_next() {
    struct Mine(Bomb, usize);
    impl Runner for Mine {
        fn run(&mut self, signals: Receiver<Signal>, ready: ifrit::ReadySender) -> ifrit::Result {
            let _keeps = &self.0;
            ready.notify();
            if self.1 == 5 {
                until_stop(&signals);
            }
            Ok(())
        }
    }
    let (sender, made) = unbounded();
    let mut count = 0;
    let restarter = Restarter::from_factory(move || {
        count += 1;
        let _ = sender.send(());
        Mine(Bomb, count)
    });
    let process = background(restarter.backoff(Backoff::none()));
    for _ in 0..5 {
        expect_up(&made);
    }
    process.signal(Signal::TERMINATE);
    let error = process.expect_exit().unwrap_err();
    assert!(error.to_string().contains("the bomb went off"), "{error}");
}

#[test]
fn a_dynamic_group_that_is_stopped_forgets_bombs_unharmed() {
    for group in both(|| {
        Dynamic::new(Capacity::unlimited())
            .history(0)
            .event_buffer(1)
    }) {
        let client = group.client();
        let _full = client.exits();
        let mut group = group;
        for _ in 0..20 {
            ifrit::scope(|scope| {
                let process = scope.invoke(&mut group);
                for n in 0..5 {
                    let member = client.insert(Member::new(n.to_string(), bomber()));
                    member.unwrap().expect_ready();
                }
                process.signal(Signal::TERMINATE);
                let error = process.expect_exit().unwrap_err();
                assert!(matches!(error, Error::Group(_)), "{error}");
            });
        }
    }
}

/// With a fresh thread for each member, and with threads that are used again.
fn both(group: impl Fn() -> Dynamic) -> [Dynamic; 2] {
    [group(), group().reuse_threads()]
}
