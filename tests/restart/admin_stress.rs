//! Many handles at once, against crashes and stops: whatever comes first, everybody is answered.

use ifrit::grouper::{Admin, Ordered, Parallel, Strategy};
use ifrit::testing::{Waiting, signal_recorder};
use ifrit::{prelude::*, process::Status};

use crate::kit::*;

fn crash() -> impl Runner {
    ifrit::run_fn(|_, ready| {
        ready.notify();
        Err("again".into())
    })
}

/// Asks for everything, again and again, until the group runs no more.
fn look_after(admin: &Admin, own: &str) {
    while admin.list().is_ok() {
        if admin
            .add(Member::new(own, signal_recorder().0).restart(permanent()))
            .is_ok()
        {
            let _ = admin.terminate(own);
            let _ = admin.restart(own);
            let _ = admin.remove(own);
        }
        let _ = admin.terminate("hot");
        let _ = admin.restart("hot");
        let _ = admin.count();
    }
}

#[test]
fn concurrent_handles_during_a_stop_never_hang() {
    for strategy in [
        Strategy::OneForOne,
        Strategy::OneForAll,
        Strategy::RestForOne,
    ] {
        for _ in 0..stress(10) {
            let group = Ordered::new([
                Member::new("calm", signal_recorder().0).restart(permanent()),
                Member::new("last", signal_recorder().0).restart(permanent()),
                Member::new("hot", crash()).restart(permanent()),
            ]);
            let running = Running::new(group.strategy(strategy).budget(any_number()));
            running.process.expect_ready();
            std::thread::scope(|scope| {
                for n in 0..3 {
                    let admin = running.admin.clone();
                    scope.spawn(move || look_after(&admin, name(n)));
                }
                let member = Member::new("done", signal_recorder().0);
                running.admin.add(member).unwrap();
                running.process.signal(Signal::TERMINATE);
                let _ = running.process.expect_exit();
            });
            assert_eq!(running.process.status(), Status::Exited);
        }
    }
}

#[test]
fn concurrent_additions_are_all_answered_and_none_is_lost() {
    for _ in 0..stress(10) {
        let running = Running::new(Parallel::new([Member::new("keeper", signal_recorder().0)]));
        running.process.expect_ready();
        let (started, refused): (usize, usize) = std::thread::scope(|scope| {
            let adders: Vec<_> = (0..4)
                .map(|thread| {
                    let admin = &running.admin;
                    scope.spawn(move || {
                        let (mut started, mut refused) = (0, 0);
                        for n in 0..50 {
                            let member = Member::new(format!("{thread}-{n}"), signal_recorder().0);
                            match admin.add(member) {
                                Ok(_) => started += 1,
                                Err(error) => {
                                    assert_eq!(
                                        error.into_member().unwrap().name(),
                                        format!("{thread}-{n}")
                                    );
                                    refused += 1;
                                }
                            }
                        }
                        (started, refused)
                    })
                })
                .collect();
            running.process.signal(Signal::TERMINATE);
            running.process.expect_exit().unwrap();
            let counts = adders.into_iter().map(|adder| adder.join().unwrap());
            counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        });
        assert_eq!(started + refused, 200);
    }
}
