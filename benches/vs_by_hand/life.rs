//! One life: a thread is started and says that it is ready, is told to stop, and its exit is received. The end of the
//! thread itself, a moment later, is not counted, on neither side.
//!
//! The floor is one thread, a stop channel and a channel of events (`by_hand::Worker`).

use ifrit::{Process, Signal};

use crate::by_hand::{self, Worker};
use crate::compare::{Figure, Stopwatch, compare};

const LIVES: u32 = 20;

pub(crate) fn measure() {
    let figure = Figure {
        name: "one life: invoke, signal, wait".to_owned(),
        times: LIVES,
        bound: 1.10,
    };
    let floor = || {
        let mut watch = Stopwatch::start();
        for _ in 0..LIVES {
            let worker = Worker::start("life".to_owned(), by_hand::idle);
            worker.stop();
            worker.wait().expect("it ends well");
        }
        [watch.lap()]
    };
    let ours = || {
        let mut watch = Stopwatch::start();
        for _ in 0..LIVES {
            let process = Process::builder().name("life").invoke(idle());
            process.signal(Signal::INTERRUPT);
            let exit = process.wait().recv().expect("an exit");
            exit.expect("it ends well");
        }
        [watch.lap()]
    };
    compare(801, &[figure], floor, ours);
}

/// A runner that works as much as the floor's workers do.
pub(crate) fn idle() -> impl ifrit::Runner + 'static {
    ifrit::run_fn(|signals, ready| {
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    })
}
