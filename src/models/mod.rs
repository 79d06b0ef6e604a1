//! Models: the core under every order of its steps, or under thousands of them.
//!
//! A model is a small program of a few threads that uses one mechanism, and says what must hold. It is run over and
//! over, each time in another order. What stands for threads, locks, channels and the time is in `sync::model`.
//!
//! Run them with `RUSTFLAGS="--cfg ifrit_shuttle" cargo test --profile models --lib --target-dir target/shuttle models::`.
//! `IFRIT_SCHEDULES` is how many random orders a model is run in, twice over; `SHUTTLE_RANDOM_SEED` makes them others.
//!
//! That a model can fail is a test, too, for each of them: `finds` breaks one line of the crate and sees to it that the
//! model says so; `fails` does so where the model itself is what is broken.

mod batch;
mod clock;
mod costs;
mod disposal;
mod dynamic;
mod events;
mod group;
mod latch;
mod layers;
mod mailbox;
mod process;
mod restarter;
mod schedule;
mod signals;

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::sync::fault::{self, Fault};
use crate::sync::thread::Builder;
use crate::sync::{self, Arc};
use schedule::{Exhaustive, Watchful};

/// How a model is run.
#[derive(Clone, Copy)]
enum Schedules {
    /// All there are.
    Every,
    /// All in which so many threads at most are made to wait while they could go on.
    Interrupting(usize),
    /// Some, chosen at random in two ways: each step alike, and with few changes of who comes first.
    Some,
    /// Eight times as many, to find a bug that shows in few of them.
    Many,
    /// A hundredth of them, of a model that has many steps.
    Few,
}

/// So deep lie the bugs that the second way is made to find.
const DEPTH: usize = 3;
const SEED: u64 = 2026;

/// Runs the model; prints how often.
fn check(name: &str, schedules: Schedules, model: fn()) {
    let count = explore(schedules, FailurePersistence::Print, model);
    eprintln!("{name}: {count} schedules");
}

fn explore(schedules: Schedules, persistence: FailurePersistence, model: fn()) -> usize {
    let run = |scheduler: Box<dyn Scheduler + Send>| {
        let scheduler = Watchful(scheduler);
        let mut config = Config::new();
        config.stack_size = 512 * 1024;
        config.max_steps = MaxSteps::FailAfter(50_000);
        config.silence_warnings = true;
        config.failure_persistence = persistence.clone();
        Runner::new(scheduler, config).run(move || {
            sync::begin();
            model();
        })
    };
    VIOLATED.set(None);
    match schedules {
        Schedules::Every => run(Box::new(Exhaustive::new(usize::MAX))),
        Schedules::Interrupting(most) => run(Box::new(Exhaustive::new(most))),
        Schedules::Some | Schedules::Many | Schedules::Few => {
            let count = std::env::var("IFRIT_SCHEDULES").map_or(3_000_usize, |count| {
                count.parse().expect("IFRIT_SCHEDULES is a number")
            });
            let count = match schedules {
                Schedules::Few => count.div_ceil(100),
                Schedules::Many => count * 8,
                _ => count,
            };
            run(Box::new(RandomScheduler::new_from_seed(SEED, count)))
                + run(Box::new(PctScheduler::new_from_seed(SEED, DEPTH, count)))
        }
    }
}

/// What is done to a line of the crate: how, in which file, and where in it.
type Broken = (Fault, &'static str, &'static str);

/// Several models find this.
const SIGNAL_NOT_SENT: Broken = (
    Fault::Forgotten,
    "src/mailbox.rs",
    "fn push( > sender.send(signal)",
);

/// Breaks a line of the crate, and sees to it that the model fails, saying `why`.
fn finds(
    why: &str,
    (fault, file, line): (Fault, &'static str, &str),
    schedules: Schedules,
    model: fn(),
) {
    finds_any(&[why], (fault, file, line), schedules, model);
}

/// The same, where it may be found in several ways.
fn finds_any(
    whys: &[&str],
    (fault, file, line): (Fault, &'static str, &str),
    schedules: Schedules,
    model: fn(),
) {
    eprintln!("{fault:?} at {line:?}");
    fault::with(fault, file, line, || fails_any(whys, schedules, model));
}

/// Runs what checks a model, and what finds a bug in it, while the system may have no thread to give.
fn short_of_threads(work: impl FnOnce()) {
    let place = "pub(crate) fn start< > .spawn(work)";
    fault::with(Fault::Refused, "src/process/threads.rs", place, work);
}

/// Sees to it that the model fails, saying `why`.
fn fails(why: &str, schedules: Schedules, model: fn()) {
    fails_any(&[why], schedules, model);
}

fn fails_any(whys: &[&str], schedules: Schedules, model: fn()) {
    let explore = || explore(schedules, FailurePersistence::None, model);
    match catch_unwind(AssertUnwindSafe(explore)) {
        Ok(count) => panic!("{whys:?} is not found in {count} schedules"),
        Err(payload) => {
            let violated = VIOLATED.take();
            let said = violated.map_or_else(|| text(&*payload), str::to_owned);
            let as_expected = whys.iter().any(|why| said.contains(why));
            assert!(as_expected, "found as {said:?} and not as {whys:?}");
        }
    }
}

/// For those whose panics the crate catches: the model fails when the execution is over, which is soon.
fn require(holds: bool, what: &'static str) {
    if !holds && VIOLATED.get().is_none() {
        VIOLATED.set(Some(what));
    }
}

/// What every piece of the user's code asserts in a model.
fn on_its_own() {
    require(sync::locks_held() == 0, "invariant 2: called under a lock");
}

std::thread_local! {
    static VIOLATED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// What the scheduler says when all wait for each other.
const DEADLOCK: &str = "deadlock";

fn text(payload: &(dyn Any + Send)) -> String {
    let literal = payload.downcast_ref::<&str>().map(ToString::to_string);
    let owned = || payload.downcast_ref::<String>().cloned();
    literal.or_else(owned).unwrap_or_default()
}

/// Starts a thread of the model.
fn go(body: impl FnOnce() + Send + 'static) {
    drop(Builder::new().spawn(body));
}

/// Whether something has happened. To look costs no step.
#[derive(Clone, Default)]
struct Flag(Arc<AtomicBool>);

impl Flag {
    fn raise(&self) {
        self.0.store(true, SeqCst);
    }

    fn is_up(&self) -> bool {
        self.0.load(SeqCst)
    }
}

/// How often something has happened, or how many there are. To look costs no step.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    /// The number before.
    fn up(&self) -> usize {
        self.0.fetch_add(1, SeqCst)
    }

    fn down(&self) {
        self.0.fetch_sub(1, SeqCst);
    }

    fn get(&self) -> usize {
        self.0.load(SeqCst)
    }
}

const SECOND: Duration = Duration::from_secs(1);
