//! There is no memory for the stack of another thread, whatever it is for.

use ifrit::crossbeam_channel::never;
use ifrit::grouper::{Batch, Capacity};
use ifrit::restart::{Next, Restarter};
use ifrit::testing::{Waiting, signal_recorder};
use ifrit::{Error, Exit, Process, Receiver, Runner, Signal, run_fn, sigmon::Sigmon};

use crate::kit::{MB, in_child_with_stacks, with_room_for};

const STACK: u64 = 256 * MB;

fn is_refused(exit: &Exit) -> bool {
    matches!(exit, Err(Error::Spawn { .. }))
}

/// On a thread that asks for a small stack itself.
fn on_a_small_stack(runner: impl Runner + 'static) -> Process {
    let small = Process::builder().stack_size(MB as usize);
    small.background(runner)
}

#[test]
fn every_thread_that_finds_no_memory_is_an_exit_that_says_so() {
    in_child_with_stacks(STACK, || {
        let in_scope = || ifrit::scope(|scope| scope.background(noop()).expect_exit());
        let with_signals = || {
            let process = on_a_small_stack(Sigmon::new(signal_recorder().0));
            process.signal(Signal::TERMINATE);
            process.expect_exit()
        };
        let by_hand = || {
            let driven =
                run_fn(|_, ready| Restarter::new(noop(), |_, _| Next::End).run(never(), ready));
            on_a_small_stack(driven).expect_exit()
        };
        let batch = || {
            let jobs = (0..3).map(|n| move |_: Receiver<Signal>| Ok(n));
            Batch::new(Capacity::at_most(1)).run(jobs)
        };
        with_room_for(STACK / 4, || {
            for exit in [in_scope(), with_signals(), by_hand()] {
                assert!(is_refused(&exit), "{exit:?}");
            }
            let results = batch();
            // No other job is made.
            assert!(
                matches!(results[..], [Err(Error::Spawn { .. })]),
                "{results:?}"
            );
        });
        assert!(ifrit::tree().roots.is_empty());
        for exit in [in_scope(), with_signals(), by_hand()] {
            exit.unwrap();
        }
        assert_eq!(batch().into_iter().map(Result::unwrap).sum::<i32>(), 3);
    });
}

fn noop() -> impl Runner {
    run_fn(|_, _| Ok(()))
}
