//! What the tree shows of members: those that wait for their start, those that are down, and those that have come back.

use std::time::Duration;

use ifrit::grouper::{Capacity, Dynamic, Ordered, Parallel, Strategy};
use ifrit::process::Status;
use ifrit::restart::{Backoff, Restart, Restarter};
use ifrit::testing::{Call, FakeRunner, ManualClock, Waiting};
use ifrit::tree::TreeNode;
use ifrit::{Process, prelude::*};

use crate::kit::*;

const DELAY: Duration = Duration::from_secs(5);

fn later() -> Restart {
    Restart::permanent().backoff(Backoff::constant(DELAY))
}

fn node(process: &Process) -> TreeNode {
    let tree = ifrit::tree();
    tree.get(process.id()).expect("it lives").clone()
}

/// The tree as text, without the numbers of processes and threads.
fn text(process: &Process) -> String {
    let text = node(process).to_string();
    let words = text.split_inclusive(' ');
    let words = words.filter(|word| !word.starts_with('#'));
    words.collect()
}

fn statuses(process: &Process) -> Vec<(String, Status)> {
    let children = node(process).children.into_iter();
    children.map(|child| (child.name, child.status)).collect()
}

fn named(list: &[(&str, Status)]) -> Vec<(String, Status)> {
    let list = list
        .iter()
        .map(|(name, status)| ((*name).to_owned(), *status));
    list.collect()
}

#[test]
fn members_that_wait_or_are_down_are_in_the_tree_with_all_that_is_known_of_them() {
    let fakes @ [a, b] = &fakes();
    let running = Running::new(Ordered::new(members(fakes, later().from_the_start())));
    let app = &running.process;
    let a1 = a.wait_for_call();
    running.clock.advance(SECOND);
    assert_eq!(
        text(app),
        "app starting for 1 s, ordered group\n├─ a starting for 1 s\n└─ b waiting for 1 s, not started yet"
    );
    running.fails("a", &a1);
    running.clock.advance(2 * SECOND);
    assert_eq!(
        text(app),
        "app restarting for 2 s, ordered group\n\
         ├─ a down for 2 s, restarted once, next try in 3 s, last error: broken\n\
         └─ b waiting for 3 s, not started yet"
    );
    let [down, waiting] = &node(app).children[..] else {
        panic!("{}", node(app))
    };
    assert_eq!((down.id, down.status), (None, Status::Down));
    assert_eq!(
        (down.status_for, down.next_try),
        (2 * SECOND, Some(3 * SECOND))
    );
    assert_eq!(
        (down.restarts, down.last_error.as_deref()),
        (1, Some("broken"))
    );
    assert_eq!(
        (down.uptime, down.thread, down.os_thread_id),
        (None, None, None)
    );
    assert_eq!((down.cpu_time(), down.kernel_state()), (None, None));
    assert_eq!((waiting.id, waiting.status), (None, Status::Waiting));
    assert_eq!((waiting.next_try, waiting.restarts), (None, 0));

    running.clock.advance(3 * SECOND);
    let calls = all_up(fakes);
    app.expect_ready();
    running.clock.advance(60 * SECOND);
    assert_eq!(
        text(app),
        "app ready for 1 min, ordered group\n\
         ├─ a ready for 1 min, restarted once, last error: broken\n\
         └─ b ready for 1 min"
    );
    let [a2, b1] = &calls;
    running.stop(&[b1, a2]).unwrap();
    assert!(ifrit::tree().get(app.id()).is_none());
    assert_eq!(b.calls(), 1);
}

#[test]
fn in_a_round_those_held_back_are_down_and_then_wait_in_their_order() {
    use Status::{Down, Ready, Starting, Stopping, Waiting};
    let fakes @ [a, b, c] = &fakes();
    let group = Ordered::new(members(fakes, later())).strategy(Strategy::OneForAll);
    let (running, [a1, b1, c1]) = Running::up(group, fakes);
    let app = &running.process;
    running.fails("b", &b1);
    assert_eq!(c1.wait_for_signal(), Signal::INTERRUPT);
    let expected = [("a", Ready), ("b", Down), ("c", Stopping)];
    assert_eq!(statuses(app), named(&expected));
    running.ends("c", &c1, How::Ok);
    running.ends("a", &a1, How::Ok);
    assert_eq!(
        statuses(app),
        named(&[("a", Down), ("b", Down), ("c", Down)])
    );
    for down in &node(app).children {
        assert_eq!(down.next_try, Some(DELAY), "{down}");
    }
    running.clock.advance(DELAY);
    let a2 = a.wait_for_call();
    running.members();
    let expected = [("a", Starting), ("b", Waiting), ("c", Waiting)];
    assert_eq!(statuses(app), named(&expected));
    a2.trigger_ready();
    let (b2, c2) = (up(b), up(c));
    running.members();
    assert_eq!(
        statuses(app),
        named(&[("a", Ready), ("b", Ready), ("c", Ready)])
    );
    assert_eq!(node(app).children[1].restarts, 1);
    running.stop(&[&c2, &b2, &a2]).unwrap();
}

#[test]
fn a_member_that_is_not_to_be_started_is_not_in_the_tree() {
    let fakes @ [_, b, _] = &fakes();
    let (running, [a1, b1, c1]) = Running::up(Parallel::new(members(fakes, later())), fakes);
    let app = &running.process;
    running.fails("a", &a1);
    running.fails("b", &b1);
    assert_eq!(node(app).children.len(), 3);
    running.admin.terminate("a").unwrap();
    assert_eq!(node(app).children.len(), 2);
    running.admin.restart("b").unwrap();
    let b2 = up(b);
    running.fails("b", &b2);
    running.admin.remove("b").unwrap();
    assert_eq!(statuses(app), named(&[("c", Status::Ready)]));
    running.fails("c", &c1);
    assert_eq!(statuses(app), named(&[("c", Status::Down)]));
    app.signal(Signal::TERMINATE); // it is over: no member lives, and none is started
    app.expect_exit().unwrap();
    assert!(ifrit::tree().get(app.id()).is_none());
}

#[test]
fn while_a_group_stops_only_what_lives_is_in_the_tree() {
    let fakes @ [_, _] = &fakes();
    let (running, [a1, b1]) = Running::up(Ordered::new(members(fakes, later())), fakes);
    running.fails("a", &a1);
    running.process.signal(Signal::TERMINATE);
    assert_eq!(b1.wait_for_signal(), Signal::TERMINATE);
    running.clock.advance(3 * SECOND);
    let expected = [("b", Status::Stopping)];
    assert_eq!(statuses(&running.process), named(&expected));
    let [b] = &node(&running.process).children[..] else {
        panic!("only b lives")
    };
    assert_eq!(b.status_for, 3 * SECOND);
    b1.trigger_exit(Ok(()));
    running.process.expect_exit().unwrap();
}

#[test]
fn a_restarter_shows_its_restarts_and_when_it_tries_again() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let restarter = Restarter::always(fake.clone()).backoff(Backoff::constant(DELAY));
    let process = on(&clock, restarter);
    up(&fake).fails();
    clock.wait_for_timers(1);
    clock.advance(2 * SECOND);
    assert_eq!(
        text(&process),
        "app restarting for 2 s, restarted once, next try in 3 s, last error: broken"
    );
    clock.advance(3 * SECOND);
    let second = up(&fake);
    clock.advance(SECOND);
    assert_eq!(
        text(&process),
        "app ready for 1 s (up 6 s), restarted once, last error: broken"
    );
    process.signal(Signal::TERMINATE);
    told(&second, Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn a_member_of_a_dynamic_group_that_is_down_is_its_process_and_restarts_inside() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let group = Dynamic::new(Capacity::unlimited());
    let client = group.client();
    let group = on(&clock, group);
    group.expect_ready();
    let member = client
        .insert(Member::new("a", fake.clone()).restart(later()))
        .unwrap();
    up(&fake).fails();
    clock.wait_for_timers(1);
    let [a] = &node(&group).children[..] else {
        panic!("{}", node(&group))
    };
    assert_eq!((a.id, a.status), (Some(member.id()), Status::Restarting));
    assert_eq!((a.restarts, a.next_try), (1, Some(DELAY)));
    assert_eq!(a.last_error.as_deref(), Some("broken"));
    group.signal(Signal::TERMINATE);
    group.expect_exit().unwrap();
}

fn idle(call: &Call) {
    call.trigger_ready();
}

#[test]
fn signals_that_were_not_read_are_in_the_tree() {
    let fake = FakeRunner::new();
    let process = on(&ManualClock::new(), fake.clone());
    let call = fake.wait_for_call();
    idle(&call);
    for signal in [Signal::HANGUP, Signal::USER1, Signal::HANGUP] {
        process.signal(signal);
    }
    assert_eq!(node(&process).pending, [Signal::HANGUP, Signal::USER1]);
    assert!(text(&process).ends_with("signals not read: SIGHUP SIGUSR1"));
    assert_eq!(call.wait_for_signal(), Signal::HANGUP);
    assert_eq!(node(&process).pending, [Signal::USER1]);
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}
