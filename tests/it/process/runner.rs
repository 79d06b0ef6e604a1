//! The contract of a runner, whatever it is made of.

use ifrit::crossbeam_channel::{bounded, unbounded};
use ifrit::testing::{Harness, Waiting};
use ifrit::{
    BoxRunner, Error, ReadySender, Receiver, Result, Runner, Signal, background, ready_channel,
    run_fn, run_once, until_stop,
};

struct Counts(u32);

impl Runner for Counts {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        ready.notify();
        until_stop(&signals);
        self.0 += 1;
        Ok(())
    }
}

fn run_by_hand(mut runner: impl Runner) -> Result<()> {
    let (sender, signals) = unbounded();
    sender.send(Signal::TERMINATE)?;
    runner.run(signals, ready_channel().0)
}

#[test]
fn a_borrowed_runner_is_a_runner() {
    let mut counts = Counts(0);
    run_by_hand(&mut counts).unwrap();
    run_by_hand(&mut &mut counts).unwrap();
    assert_eq!(counts.0, 2);
    let borrowed = &mut counts;
    assert_eq!(Runner::plan(&borrowed).to_string(), "Counts");
}

#[test]
fn a_boxed_runner_is_a_runner_of_any_type() {
    let mut boxed: BoxRunner = Box::new(Counts(0));
    run_by_hand(&mut boxed).unwrap();
    run_by_hand(&mut *boxed).unwrap();
    run_by_hand(Box::new(boxed)).unwrap();
    let boxed: BoxRunner = Box::new(Counts(0));
    assert_eq!(boxed.plan().to_string(), "Counts");
}

#[test]
fn a_runner_runs_by_hand_without_any_process() {
    let (sender, signals) = unbounded();
    let (ready, is_ready) = ready_channel();
    drop(sender);
    Counts(0).run(signals, ready).unwrap();
    assert!(is_ready.recv().is_err(), "it has said ready");
}

#[test]
fn a_closure_can_be_run_any_number_of_times() {
    let mut runs = 0;
    let mut runner = run_fn(|_, _| {
        runs += 1;
        Ok(())
    });
    for _ in 0..3 {
        Harness::new().run(&mut runner).exit.unwrap();
    }
    assert_eq!(runs, 3);
}

#[test]
fn a_second_run_of_what_can_run_once_is_an_error_and_calls_nothing() {
    let mut calls = 0;
    let mut runner = run_once(|_, _| {
        calls += 1;
        Ok(())
    });
    Harness::new().run(&mut runner).exit.unwrap();
    for _ in 0..2 {
        let exit = Harness::new().run(&mut runner).exit;
        assert!(matches!(exit, Err(Error::AlreadyRan)));
    }
    assert_eq!(calls, 1);
}

#[test]
fn what_can_run_once_has_run_even_if_it_panicked() {
    let mut runner = run_once(|_, _| panic!("out of luck"));
    let exit = Harness::new().run(&mut runner).exit;
    assert!(matches!(exit, Err(Error::Panicked(_))));
    let exit = Harness::new().run(&mut runner).exit;
    assert!(matches!(exit, Err(Error::AlreadyRan)));
}

#[test]
fn what_can_run_once_may_give_away_what_it_holds() {
    let (give, given) = bounded(1);
    let gift = String::from("gift");
    background(run_once(move |_, _| Ok(give.send(gift)?)))
        .expect_exit()
        .unwrap();
    assert_eq!(given.recv().unwrap(), "gift");
}

#[test]
fn a_closure_may_return_any_error_with_the_question_mark() {
    let exit = background(run_fn(|_, _| {
        let _: u8 = "x".parse()?;
        std::fs::read("/nowhere")?;
        Ok(())
    }))
    .expect_exit();
    let error = exit.unwrap_err();
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
}

#[test]
fn a_process_of_a_boxed_runner_is_called_what_is_in_the_box() {
    struct Mirror;
    impl Runner for Mirror {
        fn run(&mut self, _: Receiver<Signal>, _: ReadySender) -> Result<()> {
            let thread = std::thread::current();
            assert_eq!(thread.name(), ifrit::current().as_ref().map(|me| me.name()));
            Ok(())
        }
    }
    let boxed: [BoxRunner; 2] = [Box::new(Mirror), Box::new(Box::new(Mirror))];
    for runner in boxed {
        let process = background(runner);
        assert_eq!(process.name(), "Mirror");
        process.expect_exit().unwrap();
    }
    let mut lent: BoxRunner = Box::new(Mirror);
    ifrit::scope(|scope| {
        let process = scope.background(&mut *lent);
        assert_eq!(process.name(), "Mirror");
        process.expect_exit().unwrap();
    });
    let closure: BoxRunner = Box::new(run_once(|_, _| Ok(())));
    assert_eq!(background(closure).name(), "RunOnce");
}

#[test]
fn a_boxed_runner_whose_plan_panics_starts_all_the_same() {
    struct Shy;
    impl Runner for Shy {
        fn run(&mut self, _: Receiver<Signal>, _: ReadySender) -> Result<()> {
            Ok(())
        }
        fn plan(&self) -> ifrit::Plan {
            panic!("not to be planned")
        }
    }
    let boxed: BoxRunner = Box::new(Shy);
    let process = background(boxed);
    assert_eq!(process.name(), "Box");
    process.expect_exit().unwrap();
}
