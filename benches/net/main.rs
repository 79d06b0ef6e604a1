//! What a server of the feature `net` costs over the same written by hand.
//!
//! `cargo bench --features net --bench net` measures everything, `cargo bench --features net --bench net -- echo` only what
//! is named: `echo`, `short`, `stop`.
//!
//! `echo`: one request over each of 64 connections, which stay, from four clients. The floor is an accept loop with a thread
//! for each connection, and nothing else: no stop, no cap, no count. `short`: connections that are opened, greeted and
//! closed, by four clients at once. The floor is a loop that starts a thread for each. `stop`: with 1,000 idle connections,
//! from the signal until every handler has returned. The floor shuts its sockets down one after the other, and joins its
//! threads. The two sides take turns, as in `vs_by_hand`, whose table this is.
//!
//! Nothing here fails: a bound that is missed on a busy machine is a line to look at.

mod by_hand;
mod clients;
#[allow(dead_code)] // the other bench uses all of it
#[path = "../vs_by_hand/compare.rs"]
mod compare;
mod ours;

use std::env;
use std::net::SocketAddr;
use std::time::Duration;

use compare::{Cost, Figure, Placement, Stopwatch, compare_at};

const TURNS: usize = 9;
const REQUESTS: u32 = 20_000;
const SHORT: u32 = 4_000;
const IDLE: usize = 1_000;

/// A server that listens, and how it is ended.
struct Server {
    address: SocketAddr,
    stop: Box<dyn FnOnce()>,
}

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    // `cargo test` runs benches too, without this flag; there is nothing to test here.
    if !args.iter().any(|arg| arg == "--bench") {
        return;
    }
    clients::allow_many_files();
    let subjects: [(&str, fn()); 3] = [("echo", echo), ("short", short), ("stop", stop)];
    let wanted: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    compare::print_header();
    for (name, measure) in subjects {
        if wanted.is_empty() || wanted.iter().any(|wanted| *wanted == name) {
            measure();
        }
    }
}

/// At least 0.95 of its throughput.
fn echo() {
    for placement in [Placement::Pinned, Placement::Free] {
        compare_two(
            placement,
            "a request over one of 64 connections",
            REQUESTS,
            1.0 / 0.95,
            || requests(by_hand::echo()),
            || requests(ours::echo()),
        );
    }
}

fn requests(server: Server) -> Cost {
    let mut connected = clients::connect(server.address, 64);
    connected.ask(640); // until the threads are there
    let mut watch = Stopwatch::start();
    connected.ask(REQUESTS);
    let cost = watch.lap();
    drop(connected);
    (server.stop)();
    cost
}

/// At least 1.2 times as many.
fn short() {
    for placement in [Placement::Pinned, Placement::Free] {
        compare_two(
            placement,
            "a short connection",
            SHORT,
            1.0 / 1.2,
            || greetings(by_hand::greet()),
            || greetings(ours::greet()),
        );
    }
}

fn greetings(server: Server) -> Cost {
    let mut watch = Stopwatch::start();
    clients::come_and_go(server.address, SHORT);
    let cost = watch.lap();
    (server.stop)();
    cost
}

/// Within 100 ms more: twice as long is far below that.
fn stop() {
    compare_two(
        Placement::Free,
        "stop with 1,000 idle connections",
        1,
        2.0,
        || ending(by_hand::echo()),
        || ending(ours::echo()),
    );
}

fn ending(server: Server) -> Cost {
    let mut connected = clients::connect(server.address, IDLE);
    connected.ask(IDLE as u32);
    // They are all back in their reads.
    std::thread::sleep(Duration::from_millis(50));
    let mut watch = Stopwatch::start();
    (server.stop)();
    watch.lap()
}

fn compare_two(
    placement: Placement,
    name: &str,
    times: u32,
    bound: f64,
    mut floor: impl FnMut() -> Cost,
    mut ours: impl FnMut() -> Cost,
) {
    let figure = Figure {
        name: name.to_owned(),
        times,
        bound,
    };
    compare_at(placement, TURNS, &[figure], || [floor()], || [ours()]);
}
