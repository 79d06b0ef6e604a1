//! As many threads as the kernel has memory mappings for: some 16,000, in 700 MB of the kernel's and the program's
//! memory. It is a program of its own, since nothing else on the machine should have to start a thread meanwhile.

use std::fs;

use ifrit::testing::{Waiting, signal_recorder};
use ifrit::{Error, Process, Signal};

mod kit;

use kit::{in_child, threads, until};

/// What Linux allows by default.
const USUAL_LIMIT: usize = 65_530;
/// More than fit into that.
const VERY_MANY_THREADS: usize = 20_000;

#[test]
fn a_thread_beyond_the_limit_on_mappings_is_an_exit_and_no_abort() {
    in_child(|| {
        let builder = Process::builder().stack_size(16 << 10);
        let mut running = Vec::new();
        let mut refused = None;
        while refused.is_none() && running.len() < VERY_MANY_THREADS {
            let process = builder.clone().background(signal_recorder().0);
            match process.try_exit() {
                Some(exit) => refused = Some(exit),
                None => running.push(process),
            }
        }
        let limit = fs::read_to_string("/proc/sys/vm/max_map_count");
        let limit = limit.map_or(USUAL_LIMIT, |limit| limit.trim().parse().unwrap());
        assert!(refused.is_some() || limit / 4 > VERY_MANY_THREADS);
        if let Some(exit) = refused {
            assert!(matches!(exit, Err(Error::Spawn { .. })), "{exit:?}");
        }
        for process in &running {
            process.signal(Signal::TERMINATE);
        }
        for process in &running {
            process.expect_exit().unwrap();
        }
        until("few threads", || threads() < 50);
        let process = builder.invoke(signal_recorder().0);
        process.signal(Signal::TERMINATE);
        process.expect_exit().unwrap();
    });
}
