//! Threads that are used again, so that short members cost no thread start.
//!
//! A worker that has finished takes the next job itself, and a worker that takes a job while more are waiting wakes one
//! more worker. So a burst of short jobs is worked off by the few threads that are awake, and a job never waits for
//! another one to end.
//!
//! Invariants:
//! 1. `spare` is the number of workers that run no member, less the jobs in the queue. A job is queued only while
//!    `spare` is positive, and takes one from it; otherwise it gets a new thread. So there is a worker for each job.
//! 2. While the queue is not empty, some worker is on its way to it: it is searching, or it has just finished.
//! 3. The workers end when the pool is dropped; one that still runs a member then ends after it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};

use crate::process::{Launch, threads};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, Condvar, Mutex, spin_until, statics, thread_local};

/// The group's handle: the workers end when it is dropped.
#[derive(Default)]
pub(super) struct Pool(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    spare: usize,
    /// Workers that are awake and look for a job.
    searching: usize,
    /// The one that has slept for the shortest time is on top.
    parked: Vec<Arc<Worker>>,
    over: bool,
}

struct Job {
    name: Box<str>,
    body: Box<dyn FnOnce() + Send>,
}

#[derive(Default)]
struct Worker {
    awake: Mutex<bool>,
    wake: Condvar,
}

impl Worker {
    fn wake(&self) {
        *self.awake.lock() = true;
        self.wake.notify_one();
    }

    fn sleep(&self) {
        let mut awake = self.awake.lock();
        while !*awake {
            self.wake.wait(&mut awake);
        }
        *awake = false;
    }
}

thread_local! {
    /// The pool whose worker this thread is, until it has been released from its member.
    static BUSY_IN: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
}

/// This thread, if it is a worker, is about to be done with its member.
pub(super) fn release_this_thread() {
    if let Some(pool) = BUSY_IN.with(RefCell::take) {
        pool.state.lock().spare += 1; // 1
    }
}

impl Launch<'static> for &Pool {
    fn launch(
        self,
        name: &str,
        stack_size: Option<usize>,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let mut state = self.0.state.lock();
        if state.spare > 0 {
            state.spare -= 1; // 1
            state.queue.push_back(Job {
                name: name.into(),
                body: Box::new(body),
            });
            let sleeper = state.call_one();
            drop(state);
            sleeper.inspect(|worker| worker.wake());
            return Ok(());
        }
        drop(state);
        let pool = Arc::clone(&self.0);
        threads::start(name, stack_size, move || pool.work(body))
    }
}

impl State {
    /// A worker to wake because of what is in the queue, unless one is on its way. 2
    fn call_one(&mut self) -> Option<Arc<Worker>> {
        if self.searching > 0 || self.queue.is_empty() {
            return None;
        }
        let sleeper = self.parked.pop()?;
        self.searching += 1;
        Some(sleeper)
    }
}

impl Shared {
    fn work(self: &Arc<Self>, first: impl FnOnce()) {
        let worker = Arc::new(Worker::default());
        let mut label = Label::of_this_thread();
        self.run(first);
        while let Some(job) = self.next(&worker) {
            label.set(&job.name);
            self.run(job.body);
        }
    }

    fn run(self: &Arc<Self>, body: impl FnOnce()) {
        BUSY_IN.with(|busy| busy.replace(Some(Arc::clone(self))));
        body(); // it catches whatever is not ours
        release_this_thread();
    }

    fn next(&self, worker: &Arc<Worker>) -> Option<Job> {
        let mut state = self.state.lock();
        state.searching += 1;
        let mut tired = false;
        loop {
            if state.over && state.queue.is_empty() {
                return None; // 3
            }
            if let Some(job) = state.queue.pop_front() {
                state.searching -= 1;
                let sleeper = state.call_one();
                drop(state);
                sleeper.inspect(|worker| worker.wake());
                return Some(job);
            }
            if tired {
                state.searching -= 1;
                state.parked.push(Arc::clone(worker));
                drop(state);
                worker.sleep(); // whoever wakes it has counted it as searching
                state = self.state.lock();
                tired = false;
            } else {
                drop(state);
                spin_until(|| {
                    self.state
                        .try_lock()
                        .is_some_and(|state| !state.queue.is_empty())
                });
                state = self.state.lock();
                tired = true;
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.over = true;
        let sleepers = std::mem::take(&mut state.parked);
        state.searching += sleepers.len();
        drop(state);
        for worker in sleepers {
            worker.wake();
        }
    }
}

/// The name of a thread as the operating system shows it. Linux lets a thread write it to a file; elsewhere a reused
/// thread keeps its first name.
///
/// The file stays open, which makes a short run much cheaper; but descriptors are few, so a thread that would keep one too
/// many opens it anew each time.
struct Label {
    file: Option<File>,
    seat: bool,
}

statics! {
    /// How many files are kept open, in the whole program.
    static KEPT_OPEN: AtomicUsize = AtomicUsize::new(0);
}
const MOST_KEPT_OPEN: usize = 64;

impl Label {
    fn of_this_thread() -> Self {
        let seat = KEPT_OPEN.fetch_add(1, Ordering::Relaxed) < MOST_KEPT_OPEN;
        if !seat {
            KEPT_OPEN.fetch_sub(1, Ordering::Relaxed);
        }
        Label { file: None, seat }
    }

    fn set(&mut self, name: &str) {
        let file = self.file.take().or_else(|| {
            let path = "/proc/thread-self/comm";
            File::options().write(true).open(path).ok()
        });
        if let Some(mut file) = file {
            // Each write sets the whole name; a place to write to (`write_at`) is refused.
            let _ = file.write(name.as_bytes());
            self.file = self.seat.then_some(file);
        }
    }
}

impl Drop for Label {
    fn drop(&mut self) {
        if self.seat {
            KEPT_OPEN.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
