//! Random trees with random faults, in great number: afterwards the program is what it was before.
//!
//! `IFRIT_SOAK=100 cargo test --release --test soak -- --nocapture` goes on a hundred times as long, which is a million
//! lives and a hundred thousand runs. `IFRIT_SEED` sets the seed, which is printed when something fails.

mod dice;
#[path = "../kit/mod.rs"]
mod kit;
mod leaf;
mod scene;

use std::collections::hash_map::RandomState;
use std::env;
use std::hash::BuildHasher;
use std::panic;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use ifrit::crossbeam_channel::{Receiver, Sender, unbounded};
use ifrit::testing::Waiting;
use ifrit::{ReadySender, Signal, invoke, run_fn, sigmon::Sigmon, until_stop};

use dice::Dice;
use kit::{MB, descriptors, in_child_with, resident, threads, until};
use leaf::{LIVES, TOLD};

/// How much there is at least of each, unless it is to be more.
const RUNS: u64 = 1_000;
const LIVES_AT_LEAST: u64 = 10_000;
/// How many scenes are played at a time, and in how many parts. After the first, the program has all it will keep.
const AT_A_TIME: usize = 4;
const PARTS: u64 = 10;
/// What the allocator may keep of it all.
const ROOM: u64 = 5 * MB;

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// What no runner was told to panic with.
static UNTOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn keep_quiet() {
    panic::set_hook(Box::new(|info| {
        if info.payload().downcast_ref() != Some(&TOLD) {
            eprintln!("{info}");
            UNTOLD.lock().unwrap().push(info.to_string());
        }
    }));
}

/// What the program has.
#[derive(Clone, Copy, Debug)]
struct Account {
    threads: usize,
    descriptors: usize,
    resident: u64,
}

impl Account {
    fn now() -> Self {
        Account {
            threads: threads(),
            descriptors: descriptors(),
            resident: resident(),
        }
    }
}

/// Says which scene it was, if that fails.
struct Number(u64, u64);

impl Drop for Number {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("scene {} with IFRIT_SEED={}", self.0, self.1);
        }
    }
}

/// What ready senders do that were leaked: half of them speak up late.
fn finder(leaks: &Receiver<ReadySender>) {
    for (n, ready) in leaks.iter().enumerate() {
        if n % 2 == 0 {
            ready.notify();
        }
    }
}

/// Plays scenes until there have been as many runs and lives.
fn play_until(runs: u64, lives: u64, seed: u64, leaks: &Sender<ReadySender>) {
    thread::scope(|players| {
        for _ in 0..AT_A_TIME {
            players.spawn(|| {
                while PLAYED.load(Ordering::Relaxed) < runs || LIVES.load(Ordering::Relaxed) < lives
                {
                    let scene = PLAYED.fetch_add(1, Ordering::Relaxed);
                    let _number = Number(scene, seed);
                    scene::play(&mut Dice::new(seed, scene), leaks);
                }
            });
        }
    });
}

static PLAYED: AtomicU64 = AtomicU64::new(0);

#[test]
fn after_a_great_many_lives_the_program_is_what_it_was_before() {
    // How many heaps the allocator has does not depend on the machine then.
    let said = in_child_with(&[("MALLOC_ARENA_MAX", "8")], || {
        live_a_great_many_lives();
    });
    println!("{}", said.unwrap_or_default());
}

fn live_a_great_many_lives() {
    let factor = number("IFRIT_SOAK").unwrap_or(1);
    let seed = number("IFRIT_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let _number = Number(0, seed);
    let alone = threads();
    keep_quiet();
    // There is always a listener for the signals that come, or they would end the program.
    let listening = Sigmon::new(run_fn(|signals, ready| {
        ready.notify();
        until_stop(&signals);
        Ok(())
    }));
    let listening = invoke(listening.only([Signal::HANGUP, Signal::USER1, Signal::USER2]));
    let (leaks, leaked) = unbounded();
    let finder = thread::spawn(move || finder(&leaked));
    let started = Instant::now();
    let mut before = None;
    for part in 1..=PARTS {
        let (runs, lives) = (RUNS * factor, LIVES_AT_LEAST * factor);
        play_until(runs * part / PARTS, lives * part / PARTS, seed, &leaks);
        until("only the listener left", || ifrit::tree().roots.len() == 1);
        let Some(Account { threads: first, .. }) = before else {
            until("few threads", || threads() == alone + SHARED);
            before = Some(Account::now());
            continue;
        };
        until("as few threads as before", || threads() == first);
    }
    let (before, after) = (before.expect("of the first part"), Account::now());
    eprintln!(
        "{} lives in {} runs took {:.1?}: {before:?}, {after:?}",
        LIVES.load(Ordering::Relaxed),
        PLAYED.load(Ordering::Relaxed),
        started.elapsed(),
    );
    assert_eq!(after.descriptors, before.descriptors);
    let grown = after.resident.saturating_sub(before.resident);
    assert!(grown < ROOM, "{grown} bytes");
    assert_eq!(*UNTOLD.lock().unwrap(), Vec::<String>::new());

    listening.signal(Signal::TERMINATE);
    listening.expect_exit().unwrap();
    drop(leaks);
    finder.join().unwrap();
    let roots = ifrit::tree().roots;
    assert!(roots.is_empty(), "{roots:?}");
}

/// The finder's, the listener's, the timer's, that for signals, and that for what is dropped.
const SHARED: usize = 5;
