//! Inserting unless a stop is pending, and waiting for room with a channel.

use ifrit::crossbeam_channel::{Receiver, TryRecvError, bounded, never, select, unbounded};
use ifrit::testing::Waiting;
use ifrit::{
    Process, Signal,
    grouper::{DynamicClient, Member, Reason},
    restart::Restarter,
    run_fn, run_once,
};

use crate::kit::{
    at_most, both, done, elsewhere, fake, idle, insert_fake, recv, start, stress, unlimited,
};

/// Why an insert was refused, if it was, and the signals that could still be read then.
type Outcome = (Option<Reason>, Vec<Signal>);

/// A runner that inserts `name`, and says why that was refused, if it was; then it returns what it can still read.
fn inserter(client: &DynamicClient, name: &'static str) -> (Process, Receiver<Outcome>) {
    let client = client.clone();
    let (say, said) = bounded(1);
    let process = ifrit::invoke(run_once(move |signals: Receiver<Signal>, ready| {
        ready.notify();
        let refused = client.insert_unless(&signals, done(name)).err();
        let reason = refused.map(|refused| {
            let reason = refused.reason();
            assert_eq!(refused.into_member().unwrap().name(), name);
            reason
        });
        say.send((reason, signals.try_iter().collect()))?;
        Ok(())
    }));
    (process, said)
}

#[test]
fn where_there_is_room_it_enters() {
    for group in both(|| at_most(1)) {
        let (client, group) = start(group);
        let (process, said) = inserter(&client, "a");
        assert_eq!(recv(&said), (None, vec![]));
        process.expect_exit().unwrap();
        client.close();
        group.expect_exit().unwrap();
    }
}

#[test]
fn a_full_group_is_waited_for() {
    for group in both(|| at_most(1)) {
        let (client, _group) = start(group);
        let (_first, call) = insert_fake(&client, "first");
        let (process, said) = inserter(&client, "a");
        call.trigger_exit(Ok(()));
        assert_eq!(recv(&said), (None, vec![]));
        process.expect_exit().unwrap();
    }
}

#[test]
fn a_group_that_does_not_run_yet_is_waited_for() {
    let group = unlimited();
    let (_process, said) = inserter(&group.client(), "a");
    let (_client, _group) = start(group);
    assert_eq!(recv(&said), (None, vec![]));
}

#[test]
fn a_stop_of_the_caller_ends_the_wait_and_is_still_there_to_be_read() {
    let (client, _group) = start(at_most(1));
    let (_first, call) = insert_fake(&client, "first");
    for signal in [Signal::INTERRUPT, Signal::TERMINATE, Signal::KILL] {
        let (process, said) = inserter(&client, "a");
        process.signal(signal);
        assert_eq!(recv(&said), (Some(Reason::StopPending), vec![signal]));
        process.expect_exit().unwrap();
    }
    call.trigger_exit(Ok(()));
}

#[test]
fn a_notification_to_the_caller_ends_nothing_and_is_still_there_to_be_read() {
    let (client, _group) = start(at_most(1));
    let (_first, call) = insert_fake(&client, "first");
    let (process, said) = inserter(&client, "a");
    process.signal(Signal::HANGUP);
    process.signal(Signal::USER1);
    assert_eq!(said.try_recv(), Err(TryRecvError::Empty));
    call.trigger_exit(Ok(()));
    let expected = (None, vec![Signal::HANGUP, Signal::USER1]);
    assert_eq!(recv(&said), expected);
}

#[test]
fn once_the_caller_was_told_it_inserts_nothing_even_where_there_is_room() {
    let (client, _group) = start(unlimited());
    let (reads, has_read) = bounded(1);
    let runner = run_once(move |signals: Receiver<Signal>, ready| {
        ready.notify();
        reads.send(ifrit::until_stop(&signals))?; // it has read the signal
        let refused = client.insert_unless(&signals, done("late")).unwrap_err();
        assert_eq!(refused.reason(), Reason::StopPending);
        Ok(())
    });
    let process = ifrit::invoke(runner);
    process.signal(Signal::TERMINATE);
    assert_eq!(recv(&has_read), Signal::TERMINATE);
    process.expect_exit().unwrap();
}

#[test]
fn below_a_wrapper_the_signals_are_those_of_the_process_all_the_same() {
    let (client, _group) = start(at_most(1));
    let (_first, call) = insert_fake(&client, "first");
    let (say, said) = bounded(1);
    let inner = run_fn(move |signals: Receiver<Signal>, ready| {
        ready.notify();
        let refused = client.insert_unless(&signals, done("a")).unwrap_err();
        say.send((refused.reason(), signals.try_iter().collect::<Vec<_>>()))?;
        Ok(())
    });
    let process = ifrit::invoke(Restarter::always(inner));
    process.signal(Signal::USER1);
    assert!(said.is_empty());
    process.signal(Signal::TERMINATE);
    let signals = vec![Signal::USER1, Signal::TERMINATE];
    assert_eq!(recv(&said), (Reason::StopPending, signals));
    process.expect_exit().unwrap();
    call.trigger_exit(Ok(()));
}

#[test]
fn another_channel_ends_the_wait_with_whatever_comes_and_keeps_it() {
    let (client, _group) = start(at_most(1));
    let (_first, call) = insert_fake(&client, "first");
    for signal in [Signal::USER1, Signal::TERMINATE] {
        let (sender, signals) = unbounded();
        let waiting = elsewhere({
            let (client, signals) = (client.clone(), signals.clone());
            move || client.insert_unless(&signals, idle("a")).unwrap_err()
        });
        sender.send(signal).unwrap();
        assert_eq!(waiting.outcome().reason(), Reason::StopPending);
        assert_eq!(signals.try_recv(), Ok(signal));
    }
    call.trigger_exit(Ok(()));
}

#[test]
fn another_channel_that_is_disconnected_counts_as_a_stop() {
    let (client, _group) = start(unlimited());
    let (sender, signals) = unbounded();
    drop(sender);
    let refused = client.insert_unless(&signals, idle("a")).unwrap_err();
    assert_eq!(refused.reason(), Reason::StopPending);
    assert_eq!(refused.name(), "a");
}

#[test]
fn other_reasons_refuse_as_ever() {
    let (client, group) = start(at_most(1));
    let (_first, call) = insert_fake(&client, "same");
    let reason = |name| {
        let refused = client.insert_unless(&never(), idle(name)).unwrap_err();
        refused.reason()
    };
    assert_eq!(reason(""), Reason::EmptyName);
    assert_eq!(reason("same"), Reason::DuplicateName);
    let waiting = elsewhere({
        let client = client.clone();
        move || client.insert_unless(&never(), idle("late")).unwrap_err()
    });
    client.close();
    assert_eq!(waiting.outcome().reason(), Reason::Closed);
    assert_eq!(reason("later"), Reason::Closed);
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
}

#[test]
fn of_many_who_wait_those_who_are_told_leave_and_all_others_enter() {
    const CALLERS: usize = 8;
    for _ in 0..5 * stress() {
        for group in both(|| at_most(1)) {
            let (client, group) = start(group);
            let (_first, call) = insert_fake(&client, "first");
            let names = ["0", "1", "2", "3", "4", "5", "6", "7"];
            let callers = names.map(|name| inserter(&client, name));
            call.trigger_exit(Ok(()));
            for (process, _) in &callers[..CALLERS / 2] {
                process.signal(Signal::INTERRUPT);
            }
            for (n, (process, said)) in callers.iter().enumerate() {
                let (reason, _) = recv(said);
                let told = n < CALLERS / 2;
                assert!(reason.is_none() || (told && reason == Some(Reason::StopPending)));
                process.expect_exit().unwrap();
            }
            client.close();
            group.expect_exit().unwrap();
        }
    }
}

#[test]
fn a_vacancy_fires_once_where_there_is_room() {
    let (client, _group) = start(at_most(1));
    let vacancy = client.vacancy();
    assert_eq!(vacancy.try_recv(), Ok(()));
    assert_eq!(vacancy.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn a_vacancy_fires_when_a_member_has_gone_and_reserves_nothing() {
    for group in both(|| at_most(1)) {
        let (client, _group) = start(group);
        let (_first, call) = insert_fake(&client, "first");
        let vacancies = [client.vacancy(), client.vacancy()];
        for vacancy in &vacancies {
            assert_eq!(vacancy.try_recv(), Err(TryRecvError::Empty));
        }
        call.trigger_exit(Ok(()));
        recv(&vacancies[0]);
        let (member, fake) = fake("second");
        client.insert(member).unwrap();
        recv(&vacancies[1]); // it was told, and comes too late
        let refused = client.try_insert(idle("third")).unwrap_err();
        assert_eq!(refused.reason(), Reason::Full);
        fake.wait_for_call().trigger_exit(Ok(()));
    }
}

#[test]
fn a_vacancy_fires_when_the_group_takes_no_more_members() {
    let (client, group) = start(at_most(1));
    let (_first, call) = insert_fake(&client, "first");
    let vacancy = client.vacancy();
    client.close();
    recv(&vacancy);
    recv(&client.vacancy());
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
    recv(&client.vacancy());
}

#[test]
fn a_vacancy_fires_when_the_group_begins_to_run_or_is_dropped() {
    let group = unlimited();
    let client = group.client();
    let vacancy = client.vacancy();
    assert_eq!(vacancy.try_recv(), Err(TryRecvError::Empty));
    let (_client, _group) = start(group);
    recv(&vacancy);

    let group = unlimited();
    let vacancy = group.client().vacancy();
    drop(group);
    recv(&vacancy);
}

#[test]
fn a_clone_of_a_vacancy_fires_by_itself() {
    let (client, _group) = start(at_most(1));
    let (_first, call) = insert_fake(&client, "first");
    let vacancy = client.vacancy();
    let clone = vacancy.clone();
    call.trigger_exit(Ok(()));
    recv(&vacancy);
    drop(vacancy);
    recv(&clone);
    recv(&clone.clone());
}

#[test]
fn a_vacancy_that_was_dropped_keeps_no_place_from_those_who_wait() {
    let (client, group) = start(at_most(1));
    let (_first, call) = insert_fake(&client, "first");
    let (process, said) = inserter(&client, "a");
    for _ in 0..1_000 {
        drop(client.vacancy());
    }
    call.trigger_exit(Ok(()));
    assert_eq!(recv(&said), (None, vec![]));
    process.expect_exit().unwrap();
    client.close();
    group.expect_exit().unwrap();
}

#[test]
fn a_vacancy_can_be_selected_on_beside_other_work() {
    let (client, _group) = start(at_most(1));
    let (_first, call) = insert_fake(&client, "first");
    let (work, works) = unbounded();
    let vacancy = client.vacancy();
    work.send(7).unwrap();
    let first = select! {
        recv(vacancy) -> _ => None,
        recv(works) -> work => work.ok(),
    };
    assert_eq!(first, Some(7));
    call.trigger_exit(Ok(()));
    select! {
        recv(vacancy) -> told => told.unwrap(),
        recv(works) -> _ => unreachable!(),
    }
    client
        .try_insert(Member::new("b", run_fn(|_, _| Ok(()))))
        .unwrap();
}
