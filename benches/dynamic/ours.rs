//! The job, done by a dynamic group.

use ifrit::{
    grouper::{Batch, Capacity, Dynamic, Member},
    run_fn,
};

use crate::{AT_A_TIME, Load};

/// One after the other: each is inserted when the one before has exited.
pub(crate) fn in_turn(load: &Load) {
    let group = Dynamic::new(Capacity::at_most(AT_A_TIME))
        .history(0)
        .reuse_threads();
    let client = group.client();
    let group = ifrit::invoke(group);
    let insert = |name| {
        let member = Member::new(name, run_fn(|_, _| Ok(())));
        let process = client.insert(member).expect("it takes members");
        process.join().expect("it does not fail");
    };
    load.insert(insert, || 0);
    client.close();
    group.join().expect("no member failed");
}

pub(crate) fn group(load: &Load, reuse_threads: bool) {
    let mut group = Dynamic::new(Capacity::at_most(AT_A_TIME))
        .event_buffer(1_024)
        .history(0);
    if reuse_threads {
        group = group.reuse_threads();
    }
    let client = group.client();
    let exits = client.exits();
    let group = ifrit::invoke(group);
    let insert = |name| {
        let member = Member::new(name, run_fn(|_, _| Ok(())));
        client.insert(member).expect("it takes members");
    };
    let drain = || exits.try_iter().filter(|event| event.exit.is_ok()).count() as u64;
    let counted = load.insert(insert, drain);
    client.close();
    group.join().expect("no member failed");
    assert_eq!(counted + drain() + exits.missed(), load.members());
}

/// Members that are ready at once and do nothing, so many at a time, on threads that are used again.
pub(crate) fn members(members: u32, at_a_time: usize) {
    let group = Dynamic::new(Capacity::at_most(at_a_time))
        .history(0)
        .reuse_threads();
    let client = group.client();
    let group = ifrit::invoke(group);
    for n in 0..members {
        let runner = run_fn(|_, ready| {
            ready.notify();
            Ok(())
        });
        let member = Member::new(n.to_string(), runner);
        client.insert(member).expect("it takes members");
    }
    client.close();
    group.join().expect("no member failed");
}

/// The same as jobs of a batch.
pub(crate) fn batch(jobs: u32, at_a_time: usize) {
    let jobs = (0..jobs).map(|n| move |_signals| Ok(n));
    let results = Batch::new(Capacity::at_most(at_a_time)).run(jobs);
    assert!(results.iter().all(|result| result.is_ok()));
}
