//! Every group can be run again, and nothing is left over from the run before.

use ifrit::testing::{FakeRunner, Harness, Waiting};
use ifrit::{
    Signal,
    error::Cause,
    grouper::{Group, Member, Members, Order, Ordered, Parallel},
};

use crate::support::{Again, causes, end, fakes, heard, mark, on_every_kind, trace_of, up};

#[test]
fn a_group_that_was_stopped_runs_again_with_fresh_readiness() {
    fn check<O: Order>() {
        let (fakes, members) = fakes::<3>();
        let group = Again::new(Group::<O>::new(members));
        for _ in 0..3 {
            let run = ifrit::background(group.clone());
            let first = fakes[0].wait_for_call();
            mark(&run);
            assert_eq!(heard(&first), []);
            assert!(!run.is_ready()); // not that of the run before
            first.trigger_ready();
            let [second, third] = up(&[fakes[1].clone(), fakes[2].clone()]);
            run.expect_ready();

            // Nor any stop: the members hear of this one when it comes, and not before.
            mark(&run);
            for call in [&first, &second, &third] {
                assert_eq!(heard(call), []);
            }
            run.signal(Signal::KILL);
            for call in [&first, &second, &third] {
                // Where all start at once, the first mark may have come to some of the others as well.
                let mut heard = std::iter::repeat_with(|| call.wait_for_signal());
                let told = heard.find(|signal| *signal != Signal::USER2);
                assert_eq!(told, Some(Signal::KILL));
                end(call, Ok(()));
            }
            assert!(run.expect_exit().is_ok());
        }
    }
    on_every_kind!(check);
}

#[test]
fn no_exit_of_an_earlier_run_is_replayed() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let group = Again::new(Group::<O>::new(members));
        for n in 0..3 {
            let run = ifrit::background(group.clone());
            let [a, b] = up(&fakes);
            run.expect_ready();
            end(&a, Err(format!("run {n}").into()));
            assert_eq!(b.wait_for_signal(), Signal::INTERRUPT);
            b.trigger_exit(Ok(()));
            let trace = trace_of(run.expect_exit());
            let expected = [("a", Cause::Initiator), ("b", Cause::Consequence)];
            assert_eq!(causes(&trace), expected);
            assert_eq!(
                trace[0].exit.as_ref().unwrap_err().to_string(),
                format!("run {n}")
            );
        }
    }
    on_every_kind!(check);
}

#[test]
fn a_group_whose_start_failed_runs_again_from_the_first_member() {
    let ([a, b, c], members) = fakes();
    let group = Again::new(Ordered::new(members));
    let run = ifrit::background(group.clone());
    let [first] = up(std::array::from_ref(&a));
    b.wait_for_call().trigger_exit(Err("no disk".into()));
    assert_eq!(first.wait_for_signal(), Signal::INTERRUPT);
    first.trigger_exit(Ok(()));
    assert!(run.expect_exit().is_err());
    assert_eq!(c.calls(), 0);

    let run = ifrit::background(group);
    let calls = up(&[a, b, c]);
    run.expect_ready();
    for call in calls {
        end(&call, Ok(()));
    }
    assert!(run.expect_exit().is_ok());
}

#[test]
fn a_group_whose_member_panicked_runs_again() {
    fn check<O: Order>() {
        let (fakes, members) = fakes();
        let group = Again::new(Group::<O>::new(members));
        for _ in 0..2 {
            let run = ifrit::background(group.clone());
            let [a] = up(&fakes);
            run.expect_ready();
            a.trigger_panic("again");
            assert!(run.expect_exit().is_err());
        }
    }
    on_every_kind!(check);
}

#[test]
fn one_shot_members_run_in_every_run() {
    let step = FakeRunner::new();
    step.ensure_exit();
    let group = Again::new(Ordered::new([Member::new("step", step.clone()).one_shot()]));
    for runs in 1..4 {
        let run = ifrit::background(group.clone());
        assert!(run.expect_exit().is_ok());
        assert!(run.is_ready());
        assert_eq!(step.calls(), runs);
    }
}

#[test]
fn a_stop_without_a_start_leaves_the_group_as_it_was() {
    let (fakes, members) = fakes();
    let mut group = Parallel::new(members);
    // The signals are disconnected from the beginning: a stop before the start.
    let outcome = Harness::new().run(&mut group);
    assert!(outcome.exit.is_ok() && !outcome.ready);
    assert_eq!(fakes.each_ref().map(FakeRunner::calls), [0, 0]);

    let run = ifrit::background(group);
    let calls = up(&fakes);
    run.expect_ready();
    for call in calls {
        call.trigger_exit(Ok(()));
    }
    assert!(run.expect_exit().is_ok());
}

#[test]
fn a_thousand_runs_of_nested_groups_leave_nothing_behind() {
    let quick = || {
        ifrit::run_fn(|_, ready| {
            ready.notify();
            Ok(())
        })
    };
    let inner = Parallel::new(Members::new().add("x", quick()).add("y", quick()));
    let group = Again::new(Ordered::new(
        Members::new().add("inner", inner).add("a", quick()),
    ));
    for _ in 0..1000 {
        let run = ifrit::background(group.clone());
        assert!(run.expect_exit().is_ok());
    }
}
