//! A member whose thread does not start. It takes a limit on the whole program, so it happens in a child.

use ifrit::crossbeam_channel::bounded;
use ifrit::testing::Waiting;
use ifrit::{
    Error, Signal,
    grouper::{Dynamic, Member},
    run_once,
};

use crate::kit::{at_most, done, idle, start, trace};
use crate::whole::{MB, in_child_with_stacks, with_room_for};

/// Much more than is free once the limit is set, and more than the C library keeps of the stacks of ended threads.
const STACK: u64 = 256 * MB;

#[test]
fn a_thread_that_does_not_start_is_the_exit_of_its_process() {
    in_child_with_stacks(STACK, || fails_to_start(at_most(2)));
}

#[test]
fn a_thread_to_be_used_again_that_does_not_start_is_the_exit_of_its_process() {
    in_child_with_stacks(STACK, || fails_to_start(at_most(2).reuse_threads()));
}

fn fails_to_start(group: Dynamic) {
    let (client, group) = start(group);
    let (entrances, exits) = (client.entrances(), client.exits());
    let (dropped, is_dropped) = bounded::<()>(0);
    let runner = run_once(move |_, ready| {
        let _dropped = dropped;
        ready.notify();
        Ok(())
    });
    let process = with_room_for(STACK / 4, || {
        client.insert(Member::new("a", runner)).unwrap()
    });
    assert!(client.get("a").is_none());
    assert!(matches!(process.expect_exit(), Err(Error::Spawn { name, .. }) if name == "a"));
    assert!(!process.is_ready());
    assert!(is_dropped.try_recv().unwrap_err().is_disconnected());
    assert_eq!(exits.try_recv().unwrap().name, "a");
    assert!(entrances.is_empty());

    // Nothing is left of it: not its name, and not its place.
    client.insert(done("a")).unwrap().expect_exit().unwrap();
    client.insert(idle("b")).unwrap().expect_ready();
    group.signal(Signal::INTERRUPT);
    assert_eq!(trace(group.expect_exit()).failures().count(), 1);
}
