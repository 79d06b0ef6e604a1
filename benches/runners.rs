//! What the wrappers around one runner cost over the runner alone, and an `Actor` over a closure.
//!
//! `cargo bench --bench runners` prints a table: see `vs_by_hand` for what its columns are. The figures are meant
//! absolutely, as the difference between the two times: at most 1 microsecond for one life inside of a wrapper. All lives
//! are on the thread of one process, whose start and end would hide it. `Actor`, and `Hooks` that are
//! called for signals, start a second thread for each life, and say here what that costs.
//!
//! Nothing here fails: a bound that is missed on a busy machine is a line to look at.

#[path = "vs_by_hand/compare.rs"]
#[allow(dead_code)] // what only the other bench needs
mod compare;

use std::time::Duration;

use compare::{Cost, Figure, Stopwatch};
use ifrit::crossbeam_channel::bounded;
use ifrit::runners::{Actor, Delay, Hooks, MapSignals, Serial, Throttle, Timeout};
use ifrit::{Runner, Signal};

/// Lives in one turn.
const LIVES: u32 = 2_000;
const HOUR: Duration = Duration::from_secs(3_600);

fn main() {
    // `cargo test` runs benches too, without this flag; there is nothing to test here.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    compare::print_header();
    let throttle = Throttle::new(1);
    row("MapSignals", || {
        MapSignals::new(leaf()).map(Signal::USER1, Signal::TERMINATE)
    });
    row("Delay", || Delay::new(leaf(), HOUR));
    row("Timeout of the stop", || {
        Timeout::new(leaf()).stop_within(HOUR)
    });
    row("Timeout of start, run and stop", || {
        Timeout::new(leaf())
            .start_within(HOUR)
            .run_within(HOUR)
            .stop_within(HOUR)
    });
    row("Hooks of start, ready and exit", || {
        let hooks = Hooks::new(leaf()).on_start(|| ()).on_ready(|| ());
        hooks.on_exit(|_| ())
    });
    row("Serial of one step", || Serial::new().step("one", leaf()));
    row("Throttle with room", || throttle.around(leaf()));
    row("Hooks of signals, a thread each", || {
        Hooks::new(leaf()).on_signal(|_| ())
    });
    row("Actor, a thread each", || {
        Actor::with(|_, ready| {
            ready.notify();
            Ok(())
        })
    });
}

/// Says ready, and has ended.
fn leaf() -> impl Runner + 'static {
    ifrit::run_fn(|_, ready| {
        ready.notify();
        Ok(())
    })
}

fn row<R: Runner + 'static>(name: &str, wrapped: impl Fn() -> R) {
    let figure = Figure {
        name: name.to_owned(),
        times: LIVES,
        bound: 10.0, // about 1 microsecond more, where a life alone takes 0.1
    };
    compare::compare(31, &[figure], || [lives(leaf())], || [lives(wrapped())]);
}

/// So many runs, one after the other, in one process.
fn lives(mut runner: impl Runner + 'static) -> Cost {
    let (tell, told) = bounded(1);
    let process = ifrit::background(ifrit::run_once(move |signals, _| {
        let mut watch = Stopwatch::start();
        for _ in 0..LIVES {
            runner.run(signals.clone(), ifrit::ready_channel().0)?;
        }
        Ok(tell.send(watch.lap())?)
    }));
    process.join().expect("it ends well");
    told.recv().expect("what it took")
}
