//! Errors and runners whose destructors wait for others, where they fall on a thread that others wait for.

use std::cell::RefCell;
use std::error::Error as StdError;
use std::fmt;
use std::thread;
use std::time::Duration;

use ifrit::crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use ifrit::grouper::{Admin, Capacity, Dynamic, Member, MemberState, Parallel, Refusal};
use ifrit::restart::{Backoff, Budget, Restart};
use ifrit::testing::{Call, FakeRunner, ManualClock, PATIENCE, Waiting, never_ready};
use ifrit::{Error, Process, Signal, run_fn, run_once, scope, until_stop};

use crate::kit::in_child;

const MOMENT: Duration = Duration::from_millis(10);
const WINDOW: Duration = Duration::from_secs(10);
const MORE_THAN_A_GROUP_KEEPS: usize = 120;

/// An error whose destructor does this.
struct Does<F: FnMut()>(F);

impl<F: FnMut()> Drop for Does<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<F: FnMut()> fmt::Debug for Does<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Does")
    }
}

impl<F: FnMut()> fmt::Display for Does<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error that does something when it is dropped")
    }
}

impl<F: FnMut()> StdError for Does<F> {}

/// An error whose destructor says that it has begun and waits until it is let go, or until the other end is dropped.
fn blocks(begun: Sender<()>, let_go: Receiver<()>) -> impl StdError + Send + Sync + 'static {
    Does(move || {
        let _ = begun.send(());
        let _ = let_go.recv();
    })
}

fn idle() -> impl ifrit::Runner {
    run_fn(|signals, ready| {
        ready.notify();
        until_stop(&signals);
        Ok(())
    })
}

fn up(fake: &FakeRunner) -> Call {
    let call = fake.wait_for_call();
    call.trigger_ready();
    call
}

/// Lets the member fail so often that its group forgets what has failed it before; returns its next run.
fn forgotten(clock: &ManualClock, fake: &FakeRunner) -> Call {
    for _ in 0..MORE_THAN_A_GROUP_KEEPS {
        let call = up(fake);
        clock.advance(WINDOW); // the budget forgets, too
        call.trigger_exit(Err("next".into()));
    }
    up(fake)
}

/// Begins a group with a member that fails and is restarted at once, under a budget whose window slides.
fn healed(clock: &ManualClock) -> (Process, Admin, FakeRunner) {
    let fake = FakeRunner::new();
    let again = Restart::permanent().backoff(Backoff::none());
    let group = Parallel::new([
        Member::new("healed", fake.clone()).restart(again),
        Member::new("idle", idle()),
        Member::new("spare", idle()).restart(Restart::temporary()),
    ]);
    let group = group.budget(Budget::new(9, WINDOW));
    let admin = group.admin();
    let group = Process::builder().clock(clock.clock()).background(group);
    (group, admin, fake)
}

#[test]
fn a_healed_error_may_ask_its_group_when_it_is_dropped() {
    type Ask = fn(&Admin) -> Result<(), Refusal>;
    let asks: [Ask; 5] = [
        |admin| admin.list().map(drop),
        |admin| admin.restart("spare").map(drop),
        |admin| admin.terminate("spare"),
        |admin| admin.remove("spare").map(drop),
        |admin| admin.add(Member::new("new", idle())).map(drop),
    ];
    for (place, ask) in asks.into_iter().enumerate() {
        let clock = ManualClock::new();
        let (group, admin, fake) = healed(&clock);
        let first = up(&fake);
        group.expect_ready();
        if place == 1 {
            admin.terminate("spare").unwrap(); // or there were nothing to restart
        }
        let (answer, answers) = unbounded();
        let error = Does(move || {
            let _ = answer.send(ask(&admin));
        });
        first.trigger_exit(Err(error.into()));
        let last = forgotten(&clock, &fake);
        let answer = answers.recv_timeout(PATIENCE).expect("it is answered");
        assert!(answer.is_ok(), "{place}: {answer:?}");
        group.signal(Signal::TERMINATE);
        last.trigger_exit(Ok(()));
        group.expect_exit().unwrap();
    }
}

#[test]
fn a_group_goes_on_while_the_destructor_of_a_healed_error_blocks() {
    let clock = ManualClock::new();
    let (group, admin, fake) = healed(&clock);
    let first = up(&fake);
    group.expect_ready();
    let ((begun, begins), (release, let_go)) = (unbounded(), bounded(0));
    first.trigger_exit(Err(blocks(begun, let_go).into()));
    let last = forgotten(&clock, &fake); // restarted all the same
    begins.recv_timeout(PATIENCE).expect("it is dropped");
    let list = admin.list().unwrap();
    assert!(
        list.iter()
            .all(|member| member.state != MemberState::Restarting)
    );
    admin.terminate("idle").unwrap();
    group.signal(Signal::TERMINATE);
    last.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
    drop(release);
}

/// A dynamic group that keeps one exit: that of a member that has failed with this error.
fn remembering(error: impl Into<ifrit::BoxError>) -> (Process, ifrit::grouper::DynamicClient) {
    let error = error.into();
    let group = Dynamic::new(Capacity::unlimited())
        .history(1)
        .event_buffer(1)
        .kill_grace(MOMENT);
    let client = group.client();
    let group = ifrit::invoke(group);
    let fails = Member::new("fails", run_once(|_, _| Err(error)));
    let failed = client.insert(fails).unwrap();
    failed.exited().recv().unwrap_err();
    (group, client)
}

/// A run that returns when the other end is dropped, and is ready or not.
fn deaf(release: Receiver<()>, is_ready: bool) -> impl ifrit::Runner {
    run_fn(move |_, ready| {
        if is_ready {
            ready.notify();
        }
        let _ = release.recv();
        Ok(())
    })
}

#[test]
fn the_limits_of_others_hold_while_the_destructor_of_an_old_error_blocks() {
    let ((begun, begins), (release, let_go)) = (unbounded(), bounded(0));
    let (group, client) = remembering(blocks(begun, let_go));
    // Given up at its start limit, on the thread of all time limits: its exit pushes out the first.
    let (free, freed) = bounded(0);
    let late = Member::new("late", deaf(freed.clone(), false)).start_within(MOMENT);
    let late = client.insert(late).unwrap();
    assert!(matches!(
        late.expect_exit(),
        Err(Error::StartTimeout { stuck: Some(_), .. })
    ));
    begins.recv_timeout(PATIENCE).expect("it is dropped");

    let builder = Process::builder().start_within(MOMENT);
    let other = builder.background(never_ready());
    assert!(matches!(
        other.expect_exit(),
        Err(Error::StartTimeout { .. })
    ));
    let stopped = ifrit::Process::builder()
        .kill_grace(MOMENT)
        .invoke(deaf(freed, true));
    assert!(matches!(
        stopped.stop(Signal::TERMINATE, MOMENT),
        Err(Error::StopTimeout { .. })
    ));
    drop(free);
    client.close();
    assert!(group.expect_exit().is_err());
    drop(release);
}

#[test]
fn a_clock_moved_by_hand_moves_on_while_the_destructor_of_an_old_error_blocks() {
    let clock = ManualClock::new();
    let ((begun, begins), (release, let_go)) = (unbounded(), bounded(0));
    let group = Dynamic::new(Capacity::unlimited())
        .history(1)
        .event_buffer(1);
    let client = group.client();
    let group = Process::builder().clock(clock.clock()).invoke(group);
    let error = blocks(begun, let_go);
    let fails = Member::new("fails", run_once(|_, _| Err(error.into())));
    client.insert(fails).unwrap().exited().recv().unwrap_err();
    let (free, freed) = bounded(0);
    let late = Member::new("late", deaf(freed, false)).start_within(WINDOW);
    let late = client.insert(late).unwrap();
    clock.advance(10 * WINDOW); // on this thread, which comes back
    assert!(late.expect_exit().is_err());
    begins.recv_timeout(PATIENCE).expect("it is dropped");
    drop((free, release));
    client.close();
    assert!(group.expect_exit().is_err());
}

#[test]
fn a_member_starts_and_ends_while_the_destructor_of_the_one_before_blocks() {
    for reuse in [false, true] {
        let ((begun, begins), (release, let_go)) = (unbounded(), bounded(0));
        let group = Dynamic::new(Capacity::at_most(1))
            .history(0)
            .event_buffer(1);
        let group = if reuse { group.reuse_threads() } else { group };
        let client = group.client();
        let group = ifrit::invoke(group);
        let error = blocks(begun, let_go);
        let fails = run_once(|_, _| Err(error.into()));
        drop(client.insert(Member::new("fails", fails)).unwrap());
        for name in ["a", "b", "c"] {
            let member = client.insert(Member::new(name, run_fn(|_, _| Ok(()))));
            member.unwrap().expect_exit().unwrap();
        }
        begins.recv_timeout(PATIENCE).expect("it is dropped");
        drop(release);
        client.close();
        assert!(group.expect_exit().is_err());
    }
}

#[test]
fn what_falls_where_others_wait_is_dropped_on_a_thread_that_is_there_for_it() {
    let (dropped, drops) = unbounded();
    let error = Does(move || {
        let thread = std::thread::current();
        let _ = dropped.send((
            thread.name().map(str::to_owned),
            ifrit::current().map(|process| process.id()),
        ));
        panic!("and this harms no later one");
    });
    let clock = ManualClock::new();
    let (group, _admin, fake) = healed(&clock);
    let first = up(&fake);
    group.expect_ready();
    first.trigger_exit(Err(error.into()));
    let second = up(&fake);
    group.signal(Signal::TERMINATE);
    second.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
    let (thread, process) = drops.recv_timeout(PATIENCE).expect("it is dropped");
    assert_eq!(thread.as_deref(), Some("ifrit-disposal"));
    assert_eq!(process, None);
}

#[test]
fn what_falls_on_a_thread_of_the_program_is_dropped_there_at_once() {
    let (dropped, drops) = unbounded();
    let error = Does(move || {
        let _ = dropped.send(std::thread::current().id());
    });
    let exit = Error::Runner(ifrit::BoxError::from(error).into());
    let other = exit.clone();
    drop(exit);
    assert!(drops.is_empty());
    drop(other);
    assert_eq!(drops.try_recv(), Ok(std::thread::current().id()));
}

type DoesAny = Does<Box<dyn FnMut()>>;

thread_local! {
    static LAST: RefCell<Option<DoesAny>> = const { RefCell::new(None) };
}

#[test]
fn a_signal_sent_while_the_storage_of_a_thread_goes_reaches_what_runs_in_a_scope() {
    in_child(|| {
        let fake = FakeRunner::new();
        let child = fake.clone();
        let host = ifrit::background(run_once(move |signals, _| {
            scope(|scope| {
                scope.background(child);
                until_stop(&signals)
            });
            Ok(())
        }));
        let call = fake.wait_for_call();
        let teller = host.clone();
        let ends = thread::spawn(move || {
            let tells = teller.clone();
            let last = move || tells.signal(Signal::USER2);
            // What is first used first goes last.
            LAST.set(Some(Does(Box::new(last))));
            teller.signal(Signal::USER1);
        });
        for signal in [Signal::USER1, Signal::USER2] {
            assert_eq!(call.wait_for_signal(), signal);
        }
        ends.join().unwrap();
        host.signal(Signal::TERMINATE);
        call.trigger_exit(Ok(()));
        host.expect_exit().unwrap();
    });
}
