//! What becomes of those whose threads do not start.

use ifrit::grouper::{Batch, Capacity};
use ifrit::testing::Waiting;
use ifrit::{
    Error, Receiver, Signal,
    grouper::{Dynamic, Member},
    run_fn,
};

use crate::kit::{MB, grown_by, in_child, threads, until};
use crate::refusal::{Refuse, refusing};

#[test]
fn a_batch_survives_that_threads_do_not_start() {
    in_child(|| {
        let before = threads();
        let batch = |which| {
            let jobs = (0..4).map(|n| move |_: Receiver<Signal>| Ok(n));
            refusing(which, || Batch::new(Capacity::at_most(2)).run(jobs))
        };
        let (_, most) = batch(Refuse::From(usize::MAX));
        for n in 1..=most {
            for which in [Refuse::Only(n), Refuse::From(n)] {
                let (results, asked_for) = batch(which);
                let refused = |result: &_| matches!(result, Err(Error::Spawn { .. }));
                assert_eq!(results.iter().any(refused), asked_for >= n);
                // Without the group's own thread no other job is made.
                let no_group = matches!(results[..], [Err(Error::Spawn { .. })]);
                assert!(results.len() == 4 || no_group, "each job has its place");
                for (place, result) in results.iter().enumerate() {
                    match result {
                        Ok(value) => assert_eq!(*value, place),
                        Err(Error::Spawn { .. } | Error::NotStarted) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
                until("as few threads as before", || threads() == before);
                assert!(ifrit::tree().roots.is_empty());
            }
        }
    });
}

#[test]
fn a_runner_whose_thread_does_not_start_may_panic_when_it_is_dropped() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the bomb went off");
        }
    }
    let sore = || {
        let bomb = Bomb;
        run_fn(move |_, _| {
            let _keeps = &bomb;
            Ok(())
        })
    };
    in_child(|| {
        let group = Dynamic::new(Capacity::unlimited());
        let client = group.client();
        let group = ifrit::invoke(group);
        refusing(Refuse::From(1), || {
            let alone = ifrit::background(sore());
            let member = client.insert(Member::new("sore", sore())).unwrap();
            for process in [alone, member] {
                let exit = process.expect_exit();
                assert!(matches!(exit, Err(Error::Spawn { .. })), "{exit:?}");
            }
        });
        assert!(client.get("sore").is_none());
        client.close();
        assert!(group.expect_exit().is_err());
    });
}

#[test]
fn a_great_many_threads_that_do_not_start_leave_nothing_behind() {
    in_child(|| {
        let fail = |times: usize| {
            let fail_once = |_| {
                let exit = ifrit::background(run_fn(|_, _| Ok(()))).expect_exit();
                assert!(matches!(exit, Err(Error::Spawn { .. })));
            };
            refusing(Refuse::From(1), || (0..times).for_each(fail_once));
        };
        fail(100);
        let grown = grown_by(|| fail(50_000));
        assert!(grown < 8 * MB, "{grown} bytes");
    });
}
