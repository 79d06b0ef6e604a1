//! What a group that stops does with the signals that come meanwhile.

use ifrit::crossbeam_channel::{bounded, unbounded};
use ifrit::grouper::order::{Queue, Stack, Together};
use ifrit::testing::{PATIENCE, Waiting, signal_recorder};
use ifrit::{
    Signal,
    grouper::{Group, Member, Members, Order, Ordered, Parallel, QueueOrdered},
};

use crate::support::{MARK, by_hand, end, fakes, heard, mark, on_every_kind, running, up};

const INT: Signal = Signal::INTERRUPT;
const TERM: Signal = Signal::TERMINATE;
const KILL: Signal = Signal::KILL;
const USR1: Signal = Signal::USER1;

#[test]
fn a_notification_reaches_every_live_member_and_stops_nobody() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let (group, [a, b, c]) = running(Group::<O>::new(members), &fakes);
        group.signal(Signal::HANGUP);
        group.signal(USR1);
        mark(&group);
        for call in [&a, &b, &c] {
            assert_eq!(heard(call), [Signal::HANGUP, USR1]);
        }
        // It has not given up watching: an exit is still seen.
        b.trigger_exit(Ok(()));
        for call in [a, c] {
            call.trigger_exit(Ok(()));
        }
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn a_crash_after_a_notification_stops_the_others() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let (group, [a, b]) = running(Group::<O>::new(members), &fakes);
        group.signal(USR1);
        assert_eq!(b.wait_for_signal(), USR1);
        a.trigger_exit(Err("broken".into()));
        assert_eq!(b.wait_for_signal(), INT);
        b.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_err());
    }
    on_every_kind!(check);
}

#[test]
fn a_notification_while_starting_reaches_those_started_and_the_start_goes_on() {
    fn check<O: Order>() {
        let ([a, b], members) = fakes();
        let group = ifrit::background(Group::<O>::new(members));
        let a = a.wait_for_call();
        group.signal(USR1);
        assert_eq!(a.wait_for_signal(), USR1);
        a.trigger_ready();
        let [b] = up(&[b]);
        group.expect_ready();
        a.trigger_exit(Ok(()));
        b.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

/// `stop_order`: in which order the members a, b and c are told, as places.
fn every_member_hears_both<O: Order>(stop_order: [usize; 3]) {
    let (fakes, members) = fakes::<3>();
    let (group, calls) = running(Group::<O>::new(members), &fakes);
    group.signal(INT);
    group.signal(USR1);
    for place in stop_order {
        let call = &calls[place];
        let mut both = [call.wait_for_signal(), call.wait_for_signal()];
        both.sort();
        assert_eq!(both, [INT, USR1]);
        end(call, Ok(()));
    }
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_notification_while_stopping_comes_in_addition_to_the_stop_signal() {
    every_member_hears_both::<Stack>([2, 1, 0]);
    every_member_hears_both::<Queue>([0, 1, 2]);
    every_member_hears_both::<Together>([0, 1, 2]);
}

/// `stop_order`: as above, of a group that stops one member at a time.
fn the_latest_is_heard<O: Order>(stop_order: [usize; 3]) {
    let (fakes, members) = fakes::<3>();
    let (group, calls) = running(Group::<O>::new(members), &fakes);
    let [first, second, third] = stop_order.map(|place| &calls[place]);
    group.signal(INT);
    group.signal(TERM);
    mark(&group);
    assert_eq!(heard(first), [INT, TERM]);
    assert_eq!(heard(second), []);
    end(first, Ok(()));
    assert_eq!(second.wait_for_signal(), TERM); // and never INT
    group.signal(Signal::QUIT);
    mark(&group);
    assert_eq!(heard(second), [Signal::QUIT]);
    end(second, Ok(()));
    // To the third, the second mark may come by itself.
    let mut signals = std::iter::from_fn(|| Some(third.wait_for_signal()));
    let told = signals.find(|signal| *signal != MARK);
    assert_eq!(told, Some(Signal::QUIT));
    end(third, Ok(()));
    assert!(group.expect_exit().is_ok());
}

#[test]
fn a_further_stop_signal_goes_to_those_told_and_replaces_that_of_those_to_come() {
    the_latest_is_heard::<Stack>([2, 1, 0]);
    the_latest_is_heard::<Queue>([0, 1, 2]);
}

#[test]
fn a_repeated_stop_signal_is_heard_again_by_those_told() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let (group, [a]) = running(Group::<O>::new(members), &fakes);
        for _ in 0..3 {
            group.signal(INT);
            assert_eq!(a.wait_for_signal(), INT);
        }
        a.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn kill_goes_to_all_at_once_out_of_order() {
    fn check<O: Order>() {
        let (fakes, members) = fakes::<3>();
        let (group, calls) = running(Group::<O>::new(members), &fakes);
        group.signal(KILL);
        mark(&group);
        for call in &calls {
            assert_eq!(heard(call), [KILL]);
        }
        for call in &calls {
            end(call, Ok(()));
        }
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn kill_during_a_stop_goes_to_all_at_once() {
    fn check<O: Order>() {
        let (fakes, members) = fakes::<3>();
        let (group, calls) = running(Group::<O>::new(members), &fakes);
        group.signal(INT);
        group.signal(TERM);
        group.signal(KILL);
        mark(&group);
        for call in &calls {
            let heard = heard(call);
            // Those whose turn had come have heard all, the others only this.
            assert!(
                heard == [INT, TERM, KILL] || heard == [KILL],
                "heard {heard:?}"
            );
        }
        for call in &calls {
            end(call, Ok(()));
        }
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn kill_while_starting_reaches_those_started() {
    fn check<O: Order>() {
        let ([a, b], members) = fakes();
        let group = ifrit::background(Group::<O>::new(members));
        let a = a.wait_for_call();
        b.ensure_exit(); // it may or may not have been started
        group.signal(KILL);
        mark(&group);
        assert!(heard(&a).ends_with(&[KILL]));
        a.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
        assert!(!group.is_ready());
    }
    on_every_kind!(check);
}

#[test]
fn a_member_that_reads_fast_hears_kill_once() {
    // The last is told first, and has read that long before the group is through with the others.
    let (sender, report) = bounded(1);
    let listener = ifrit::run_fn(move |signals, ready| {
        ready.notify();
        let heard = signals.iter().take_while(|signal| *signal != USR1);
        Ok(sender.send(heard.collect::<Vec<_>>())?)
    });
    let others = (0..200).map(|n| Member::new(n.to_string(), signal_recorder().0));
    let mut members: Members = others.collect();
    members.extend([Member::new("listener", listener)]);
    let group = ifrit::background(Ordered::new(members));
    group.expect_ready();
    group.signal(KILL);
    group.signal(USR1);
    assert_eq!(report.recv_timeout(PATIENCE).unwrap(), [KILL]);
    assert!(group.expect_exit().is_ok());
}

#[test]
fn signals_whose_sender_is_gone_count_as_a_stop() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let (sender, signals) = unbounded();
        let group = by_hand(Group::<O>::new(members), signals);
        let [a] = up(&fakes);
        group.expect_ready();
        drop(sender);
        assert_eq!(a.wait_for_signal(), INT);
        a.trigger_exit(Ok(()));
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn an_empty_group_is_ready_at_once_and_waits_for_a_stop() {
    fn check<O: Order>() {
        let (sender, signals) = bounded(0);
        let group = by_hand(Group::<O>::new([]), signals);
        group.expect_ready();
        // Only the group takes the second, so it was still there after the first.
        sender.send_timeout(USR1, PATIENCE).unwrap();
        sender.send_timeout(TERM, PATIENCE).unwrap();
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn a_million_signals_to_a_group_leave_it_in_order() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let (group, [deaf, reader]) = running(Group::<O>::new(members), &fakes);
        let notifications = [USR1, Signal::HANGUP, Signal::CHILD, Signal::WINDOW_CHANGE];
        for n in 0..1_000_000 {
            group.signal(notifications[n % notifications.len()]);
        }
        mark(&group);
        // All has come to both by now; the one that did not read has kept one of each.
        heard(&reader);
        assert_eq!(heard(&deaf).len(), notifications.len());
        group.signal(KILL);
        for call in [deaf, reader] {
            assert_eq!(call.wait_for_signal(), KILL);
            call.trigger_exit(Ok(()));
        }
        assert!(group.expect_exit().is_ok());
    }
    on_every_kind!(check);
}

#[test]
fn a_signal_to_a_group_that_has_exited_is_harmless() {
    for group in [
        ifrit::background(Ordered::new([])),
        ifrit::background(QueueOrdered::new([])),
        ifrit::background(Parallel::new([])),
    ] {
        group.signal(INT);
        assert!(group.expect_exit().is_ok());
        group.signal(KILL);
        assert!(group.expect_exit().is_ok());
    }
}
