//! What things cost: watching, the threads of a tree, and the work of a group for each of its members.
//!
//! A step is what others could see: a lock, a message, a notification, a variable, a channel that is looked at. What a
//! thread computes by itself is not counted.

use super::*;
use crate::grouper::{Capacity, Dynamic, DynamicClient, Member, Ordered, Parallel};
use crate::process::Process;
use crate::process::Wait;
use crate::process::builder::background;
use crate::ready::{ReadySender, ready_channel};
use crate::restart::Restarter;
use crate::runner::{Runner, run_fn, until_stop};
use crate::sigmon::Sigmon;
use crate::signal::Signal;
use crate::sync::Cost;
use crate::sync::channel::{Receiver, unbounded};

fn idle() -> impl Runner {
    run_fn(|signals: Receiver<Signal>, ready: ReadySender| {
        on_its_own();
        ready.notify();
        until_stop(&signals);
        Ok(())
    })
}

/// So many steps at most are taken to signal, to begin to wait, to cease to, or to ask.
const FEW: usize = 8;

/// And so many for an event that one listens to.
const EVENT: usize = 16;

fn is_free(cost: Cost, steps: usize) -> bool {
    cost.waits == 0 && cost.threads == 0 && cost.steps <= steps
}

/// Does it, and sees to it that it is free.
fn free<T>(work: impl FnOnce() -> T) -> T {
    let (result, cost) = sync::cost(work);
    assert!(
        is_free(cost, FEW),
        "invariant 3: watching is free, {cost:?}"
    );
    result
}

/// Many watch a process, at any step of its life.
fn watched() {
    let process = background(idle());
    let others: Vec<Wait> = (0..5).map(|_| process.wait()).collect();
    let wait = free(|| process.wait());
    free(|| process.signal(Signal::HANGUP));
    let _ = free(|| process.ready().clone());
    let _ = free(|| process.exited().clone());
    let _ = free(|| process.try_exit());
    let _ = free(|| process.status());
    free(|| drop(wait));
    free(|| process.signal(Signal::TERMINATE));
    drop(others);
    assert!(process.join().is_ok());
}

/// What is not free, though it is taken to be.
fn joined() {
    let process = background(idle());
    process.signal(Signal::TERMINATE);
    let _ = free(|| process.join());
}

fn with_listeners(own: usize, of_another: usize) {
    let [group, another] = [(); 2].map(|()| Dynamic::new(Capacity::at_most(1)).event_buffer(1));
    let (client, another) = (group.client(), another.client());
    let listen = |client: &DynamicClient, number| -> Vec<_> {
        (0..number).map(|_| client.entrances()).collect()
    };
    let _deaf = (listen(&client, own), listen(&another, of_another));
    let group = background(group);
    for name in ["a", "b"] {
        let member = run_fn(|_, ready: ReadySender| {
            let ((), cost) = sync::cost(|| ready.notify());
            let free = is_free(cost, EVENT);
            require(free, "invariant 3: an event is free");
            Ok(())
        });
        let member = client.insert(Member::new(name, member));
        assert!(member.expect("it is open").join().is_ok());
    }
    assert!(free(|| client.get("a")).is_none());
    client.close();
    assert!(group.join().is_ok());
}

/// One listens to a group and does not read, as do many to another one.
fn listened_to() {
    with_listeners(1, 8);
}

/// As many listen to the same group.
fn listened_to_by_many() {
    with_listeners(9, 0);
}

/// A tree of five leaves and three groups, with a wrapper of each kind.
fn tree(leaf: impl Runner + 'static) {
    let dynamic = Dynamic::new(Capacity::unlimited());
    let client = dynamic.client();
    let group = Ordered::new([
        Member::new("leaf", leaf),
        Member::new(
            "parallel",
            Parallel::new([Member::new("a", idle()), Member::new("b", idle())]),
        ),
        Member::new("wrapped", Sigmon::new(Restarter::always(idle()))),
        Member::new("dynamic", dynamic),
    ]);
    let group = background(group);
    let ready = group.wait_ready();
    let member = client.insert(Member::new("c", idle())).expect("it runs");
    group.signal(Signal::TERMINATE);
    assert!(ready.is_ok() && group.join().is_ok() && member.join().is_ok());
    assert_eq!(sync::threads(), 5 + 3, "invariant 7");
}

fn with_wrappers() {
    tree(Restarter::always(idle()));
}

/// A wrapper of the user's own passes on the signals, and what stands inside needs a helper for that.
fn with_a_helper() {
    tree(run_fn(|signals: Receiver<Signal>, ready: ReadySender| {
        let (pass_on, passed_on) = unbounded();
        ready.notify();
        let _ = pass_on.send(until_stop(&signals));
        let mut inner = Restarter::always(idle());
        inner.run(passed_on, ready_channel().0)
    }));
}

/// Runs a group of some members, and of eight times as many. One run of the two may meet with more of what is done for each
/// than the other, but not with twice as much.
fn sizes(cost: fn(usize) -> Cost) {
    let [few, many] = [8, 64].map(|number| cost(number).steps);
    assert!(many <= 16 * few, "invariant 8: {few} steps, and {many}");
}

fn members(number: usize) -> impl Iterator<Item = Member> {
    (0..number).map(|number| Member::new(number.to_string(), idle()))
}

/// A group is run on this thread, and stopped when it is ready.
fn run(mut group: impl Runner) -> Cost {
    let (signals, inbox) = unbounded();
    let (ready, is_ready) = ready_channel();
    go(move || {
        let _ = is_ready.recv();
        let _ = signals.send(Signal::TERMINATE);
    });
    let (exit, cost) = sync::cost(|| group.run(inbox, ready));
    assert!(exit.is_ok());
    cost
}

/// A thread looks at all of them whenever one has ended.
fn all_looked_at(number: usize) -> Cost {
    let processes: Vec<Process> = (0..number).map(|_| background(idle())).collect();
    let (_, cost) = sync::cost(|| {
        for process in &processes {
            process.signal(Signal::TERMINATE);
            let _ = process.join();
            processes
                .iter()
                .filter(|other| other.try_exit().is_some())
                .count();
        }
    });
    cost
}

#[test]
fn watching_is_free() {
    check("costs, watched", Schedules::Interrupting(3), watched);
    check("costs, watched", Schedules::Some, watched);
    check("costs, listened to", Schedules::Some, listened_to);
}

#[test]
fn a_thread_for_each_leaf_and_each_group() {
    check("costs, with wrappers", Schedules::Some, with_wrappers);
}

#[test]
fn the_work_of_a_group_is_linear() {
    check("costs, parallel", Schedules::Few, || {
        sizes(|number| run(Parallel::new(members(number))));
    });
    check("costs, in order", Schedules::Few, || {
        sizes(|number| run(Ordered::new(members(number))));
    });
}

#[test]
fn a_wait_is_found() {
    fails("invariant 3", Schedules::Some, joined);
}

#[test]
fn work_for_each_listener_is_found() {
    fails("invariant 3", Schedules::Some, listened_to_by_many);
}

#[test]
fn a_helper_is_found() {
    fails("invariant 7", Schedules::Some, with_a_helper);
}

#[test]
fn a_look_at_all_for_each_is_found() {
    fails("invariant 8", Schedules::Few, || sizes(all_looked_at));
}
