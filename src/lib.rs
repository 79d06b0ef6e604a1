//! Threads that start in order, stay up and stop cleanly.
//!
//! A synchronous service is made of threads: a server, a consumer, a ticker, a connection to a database. They must start
//! in the right order, stay up, and stop cleanly, also when one of them fails, hangs or panics. This crate gives them one
//! contract, [`Runner`], and the parts that follow from it: processes, groups, restarts, the signals of the operating
//! system, and what it takes to test all of that. No runtime, no `async`, no polling.
//!
//! ```
//! use ifrit::prelude::*;
//!
//! fn part() -> impl Runner {
//!     ifrit::run_fn(|signals, ready| {
//!         ready.notify(); // set up; from here on others may rely on it
//!         ifrit::until_stop(&signals); // work
//!         Ok(())
//!     })
//! }
//!
//! let app = Ordered::new(Members::new().add("db", part()).add("web", part()));
//! let app = ifrit::invoke(app).started()?; // db, and when it is ready, web
//! app.signal(Signal::TERMINATE); // web, and when it has exited, db
//! app.join()?;
//! # Ok::<(), ifrit::Error>(())
//! ```
//!
//! A program hands the whole to [`main()`], which adds ctrl-c and SIGTERM, a limit for the stop, a report of what failed,
//! and an exit code. Longer texts are in [`guide`].
//!
//! # Concepts
//!
//! - A [`Runner`] does one piece of work: set up, say ready, work until told to stop, return. It is given its signals as a
//!   channel ([`Receiver`]) and a [`ReadySender`]. What it returns is its exit; a panic is an exit, too. [`run_once`] and
//!   [`run_fn`] make a runner of a closure; [`until_stop`] and [`until_stop_for`] wait for the stop.
//! - A [`Process`] is a runner on a thread of its own, seen from outside: [`ready`](Process::ready),
//!   [`wait`](Process::wait), [`signal`](Process::signal), [`join`](Process::join), [`stop`](Process::stop). [`background`]
//!   starts one and returns at once, [`invoke`] when it is ready or has exited, [`scope`] lets runners borrow;
//!   [`Process::builder`] has the options. [`current`] is the process that code runs in.
//! - A [`Signal`] is a word, numbered as the operating system does. INT, TERM, QUIT and KILL are stop signals
//!   ([`is_stop`](Signal::is_stop)): they begin or escalate a stop, and [`KILL`](Signal::KILL) means "return now, no
//!   draining". All others are notifications and stop nothing.
//! - A **group** is a runner made of runners. [`Ordered`](grouper::Ordered) starts its members one after the other and
//!   stops them in reverse, [`QueueOrdered`](grouper::QueueOrdered) stops them in start order,
//!   [`Parallel`](grouper::Parallel) does both at once. A [`Member`](grouper::Member) has a name and options: one-shot,
//!   limits for start and stop, a restart policy. Without a policy, the end of a member is the end of its group. With a
//!   [`Restart`](restart::Restart), the group starts it again, alone or with others ([`Strategy`](grouper::Strategy)),
//!   until its [`Budget`](restart::Budget) is spent. An [`Admin`](grouper::Admin) lists, terminates, restarts, adds and
//!   removes members while the group runs.
//! - A [`Dynamic`](grouper::Dynamic) group takes its members while it runs, through a
//!   [`DynamicClient`](grouper::DynamicClient). A [`Batch`](grouper::Batch) runs many jobs on one, a few at a time, and
//!   returns the results in the order of the jobs; a [`Job`](grouper::Job) has a name and can be tried again.
//! - A [`Restarter`](restart::Restarter) is a runner that runs another one again when it ends, with a
//!   [`Backoff`](restart::Backoff) and a budget.
//! - [`runners`] has what programs need again and again: an [`Actor`](runners::Actor) interrupts code that blocks and
//!   cannot look at its signals, a [`Ticker`](runners::Ticker) does something at regular intervals, a
//!   [`Gate`](runners::Gate) is ready once it holds a lock or the leadership, a
//!   [`HealthCheck`](runners::HealthCheck) asks whether something is well, [`Retry`](runners::Retry) tries a set-up step until
//!   it succeeds, a [`Closer`](runners::Closer) does something at the stop, [`Noop`](runners::Noop) does nothing. Around one
//!   runner, a [`Timeout`](runners::Timeout) limits its start, its run and its stop, a [`Delay`](runners::Delay) hands a stop
//!   on after a while, [`MapSignals`](runners::MapSignals) lets it hear other signals, [`Hooks`](runners::Hooks) call what
//!   was set for its start, ready, signals and end, a [`Throttle`](runners::Throttle) lets so many run at a time;
//!   [`Serial`](runners::Serial) runs several, one after the other. A [`Proxy`](proxy::Proxy) lets a runner hear what comes
//!   out of a channel, too.
//! - [`Sigmon`](sigmon::Sigmon) is a runner that hands the signals of the operating system to another one.
//! - An [`Exit`] is what a waiter receives; its [`Error`] says all it knows when printed,
//!   [`report`](Error::report) draws it as a tree, [`downcast_ref`](Error::downcast_ref) finds the user's own error in it,
//!   at any depth.
//! - A [`Plan`] shows what is going to run, foretells how long its start and its stop may take, and names mistakes. A
//!   [`Tree`] (of [`tree()`]) shows what runs, what is down and why, and what waits.
//! - What happens to a process is an [`Event`](observe::Event), for those who [listen](observe::events); a process can
//!   [note](process::note) something of itself, and [take part](process::reloads) in [reloads](Process::reload). A [`Timeline`](observe::Timeline) shows the events as a trace, and a
//!   [`CriticalChain`](observe::CriticalChain) who made a start slow.
//! - A [`Clock`](clock::Clock) belongs to a process and its children; [`testing`] has one that is moved by hand, a fake
//!   runner, recorders and a harness.
//!
//! Each of these is a runner, so they nest.
//!
//! # Guarantees
//!
//! In short; [`guide::guarantees`] has them all, and [`guide::verification`] says how each is checked.
//!
//! - An exit is published once, to everyone who waits, whenever they ask: after an error, a panic, or a thread that did not
//!   start. Ready comes before the exit, and never falsely.
//! - Signals arrive in the order in which they were sent, and none is lost; at most one of each number is pending.
//! - [`signal`](Process::signal), [`ready`](Process::ready) and [`wait`](Process::wait) never block, start no thread, and
//!   leave nothing behind when dropped.
//! - A stop ends when every member has exited or was given up: told to stop, told KILL, past its limit, and named with its
//!   thread. Nothing starts in what was told to stop.
//! - Nothing that went wrong is lost: a group ends with the exit of every member and its cause.
//! - What happens is said: each process publishes events in the order of its states. A slow listener holds up nothing.
//! - Never two incarnations of one runner at once.
//! - A tree of N leaves and G groups costs N + G threads. Nothing polls: an idle tree causes no wake-ups.
//! - The library never ends the program.
//!
//! # Limitations
//!
//! The reasons, and some more, are in [`guide::limitations`].
//!
//! - **A thread cannot be killed.** One that ignores its signals is given up and named, and runs on until the program ends.
//! - **A thread outlives its exit by a moment.** The destructors of its thread-locals run after [`join`](Process::join) and
//!   [`wait`](Process::wait) have given the exit.
//! - **A wrapper that runs its child inline cannot return while the child is stuck.** [`Sigmon`](sigmon::Sigmon),
//!   [`Restarter`](restart::Restarter) and the wrappers in [`runners`] are such. The exit of their process is published in time all the same.
//! - **`panic = "abort"`** turns panics into the end of the program.
//! - **Unix only.** Signals are those of Unix; the tests run on Linux.
//! - **The operating system coalesces** equal signals that come close together.
//! - **Every leaf is a thread.** The kernel's usual limits allow about 16,000 in one program; a process beyond is refused
//!   with [`Error::Spawn`].
//! - **A channel from [`ready`](Process::ready) or [`exited`](Process::exited) that never fires** keeps about 200 bytes.
//!
//! # Features
//!
//! None is on by default, and each only adds.
//!
//! - `serde`: a [`Tree`] and its [`TreeNode`](tree::TreeNode)s can be serialised.
//! - `tracing`: `observe::tracing` opens a span for each process, so that what a runner says carries its path, and tells
//!   what happens as events.
//! - `log`: `observe::log` tells what happens as log records.
//! - `metrics`: `observe::metrics` counts what happens.
//! - `cron`: a [`Ticker`](runners::Ticker) that ticks at the times of the day that a cron expression says.
//! - `net`: servers on TCP and Unix sockets, a thread for each connection, which are drained on a stop.
//!
//! The adapters, which are `tracing`, `log` and `metrics`, do nothing until their `install()` is called.
//!
//! The dependencies of the default build are `crossbeam-channel`, `parking_lot` and `signal-hook`. The first is
//! re-exported as `ifrit::crossbeam_channel`, since its channels are part of the interface.
//!
//! # Minimum Rust version
//!
//! 1.88. A higher one comes with a new minor version.
//!
//! # Anatomy of the code
//!
//! The modules lie in layers. A module uses only what lies below it; a test sees to that. The topmost is what a program
//! calls, the lowest is the one door to channels, locks, threads, the time and the signals of the operating system, behind
//! which models put their own.
//!
//! ```text
//! main_fn                                main: the whole program as one runner
//! sigmon   net                           the operating system's signals for a runner; servers on plain sockets
//! runners   proxy                        ready-made runners, and wrappers around one; signals from a channel
//! grouper                                runners made of runners
//! restart   testing                      a runner again; fakes, waits and a clock for tests
//! tree                                   who is whose child
//! process                                a runner on a thread
//! runner                                 the one contract
//! clock   ready   observe                time; saying "ready"; what happened, as a stream
//! error   latch   mailbox   plan         exits; what happens once; signals on their way; what is going to run
//! ancestor   id_map                      where a process stands; what belongs to the numbers of processes
//! id                                     which is meant, while it runs and after
//! signal   draw   on_drop                words: what is told, a tree as text; what is done at an end
//! disposal                               letting go of what users have made, on no thread that others wait for
//! limit                                  when something must be over, and how limits are cut on their way down
//! nesting   unwind   os_thread           how deep a thread is in calls; panics; what the kernel says of a thread
//! spin                                   letting others run a few times, before going to sleep
//! sync                                   the door: channels, locks, threads, time, OS signals
//! ```
//!
//! - `process` is the core. `process::core` keeps the state of one process: its life (started, ready, exited, each a
//!   `latch`), its signals (a `mailbox` and the frames of the runners that run inline), and its stop; all
//!   arithmetic on limits is in `limit`. `process::threads` starts threads and counts them, `process::scope`
//!   ties them to a borrow.
//! - `observe::recorder` keeps the newest events and has the lists of those who listen (`observe::stream`); what a process
//!   says is in `process::core::events`. `observe::trace` makes of events a picture, and the chain of a start; it has no
//!   state. The adapters (features `tracing`, `log`, `metrics`) are listeners with a thread each, `observe::adapter`;
//!   `observe::spans` has the spans that processes run in.
//! - `error::catch` has the panic hook, and turns a panic into an exit.
//! - `grouper::engine` runs every fixed group; order and strategy are values given to it. `engine::judge` decides what an exit
//!   means, with what `restart::again` says of the policy; a restarter asks the latter as well.
//! - `grouper::dynamic` takes members in and runs them; its stop is a run of the same engine. `grouper::batch` runs jobs on a
//!   dynamic group.
//! - `runners` has a file for each of its parts. What its wrappers need of the process they run in, frames and layers, is in
//!   `process::inline`.
//! - `net` (a feature) accepts on the thread of its runner, which sleeps in `poll`; a pipe wakes it when its process is told
//!   something. Handlers run on the reused threads of `process::pool`, as members of dynamic groups can.
//! - `models` (compiled for tests under `cfg(ifrit_shuttle)` only) checks the rows up to `sigmon` one step at a time.
//! - `guide` has no code. [`guide::architecture`] follows an exit and a stop signal through these files.

// The front page of the repository, whose examples are compiled as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

// The modules, from the lowest layer up: see "Anatomy of the code" above.
mod sync;

mod spin;

mod nesting;
mod os_thread;
mod unwind;

mod limit;

mod disposal;

mod draw;
mod on_drop;
pub mod signal;

mod id;

mod ancestor;
mod id_map;

pub mod error;
mod latch;
mod mailbox;
pub mod plan;

pub mod clock;
pub mod observe;
mod ready;

mod runner;

pub mod process;

pub mod tree;

pub mod restart;
pub mod testing;

pub mod grouper;

pub mod proxy;
pub mod runners;

#[cfg(feature = "net")]
pub mod net;
pub mod sigmon;

mod main_fn;

// Beside the layers.
pub mod guide;
#[cfg(all(test, ifrit_shuttle))]
mod models;

pub use crossbeam_channel;
pub use crossbeam_channel::Receiver;
pub use error::exit::{BoxError, Exit, Result};
pub use error::fatal::fatal;
pub use error::kinds::Error;
pub use main_fn::{Main, main};
pub use plan::value::Plan;
pub use process::builder::{background, invoke};
pub use process::handle::{Process, current};
pub use process::scope::{Scope, scope};
pub use process::until::until_stop_for;
pub use ready::{ReadySender, ready_channel};
pub use runner::{BoxRunner, RunFn, RunOnce, Runner, run_fn, run_once, until_stop};
pub use signal::word::Signal;
pub use tree::Tree;
pub use tree::snapshot::tree;

/// What a program that writes runners needs. It has no `Result` in it, which would shadow the standard one.
///
/// ```
/// use ifrit::prelude::*;
///
/// struct Idle;
///
/// impl Runner for Idle {
///     fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> ifrit::Result<()> {
///         ready.notify();
///         ifrit::until_stop(&signals);
///         Ok(())
///     }
/// }
/// ```
pub mod prelude {
    pub use crate::grouper::{Member, Members, Ordered, Parallel, QueueOrdered};
    #[doc(no_inline)]
    pub use crate::{Process, ReadySender, Receiver, Runner, Signal};
}
