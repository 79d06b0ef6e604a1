//! Threads that are used again, so that short jobs cost no thread start.
//!
//! A worker that has finished takes the next job itself, and a worker that takes a job while more are waiting wakes one
//! more worker. So a burst of short jobs is worked off by the few threads that are awake, and a job never waits for
//! another one to end. It may have to wait for what a worker drops once the exit of its last job has been heard.
//!
//! Invariants:
//! 1. `spare` is the number of workers that run no job, less the jobs in the queue. A job is queued only while
//!    `spare` is positive, and takes one from it; otherwise it gets a new thread. So there is a worker for each job.
//! 2. While the queue is not empty, some worker is on its way to it: it is searching, or it has just finished.
//! 3. The workers end when the pool is dropped; one that still runs a job then ends after it.
//! 4. Of the workers that find no job at most one stays awake, for a moment; the others go to sleep at once.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;

use super::threads;
use crate::spin::Spin;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Condvar, Mutex, thread_local};

/// What a worker does.
pub(crate) trait Job: Send + 'static {
    /// What its thread is called meanwhile.
    fn name(&self) -> Arc<str>;

    /// Does it. It catches whatever is not ours.
    fn work(self);
}

/// The handle of what has made it: the workers end when it is dropped.
pub(crate) struct Pool<J>(Arc<Shared<J>>);

struct Shared<J> {
    state: Mutex<State<J>>,
    /// Whether there is anything for a worker to find: a job, or the end. A hint, to look without the lock.
    anything: AtomicBool,
    spin: Spin,
}

struct State<J> {
    queue: VecDeque<J>,
    spare: usize,
    /// Workers that are awake and look for a job.
    searching: usize,
    /// The one that has slept for the shortest time is on top.
    parked: Vec<Arc<Worker>>,
    over: bool,
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
    /// The pool whose worker this thread is, until it has been released from its job. It is compared, and not looked into.
    static BUSY_IN: Cell<*const ()> = const { Cell::new(std::ptr::null()) };
}

impl<J: Job> Pool<J> {
    /// Without workers; they come with the jobs.
    pub(crate) fn new() -> Self {
        Pool(Arc::new(Shared {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                spare: 0,
                searching: 0,
                parked: Vec::new(),
                over: false,
            }),
            anything: AtomicBool::default(),
            spin: Spin::for_work(),
        }))
    }

    /// This thread, if it is a worker, is about to be done with its job.
    pub(crate) fn release_this_thread(&self) {
        self.0.release_this_thread();
    }

    /// Gives the job to a worker, an old or a new one; hands it back if no thread is to be had.
    pub(crate) fn launch(&self, job: J, stack_size: Option<usize>) -> Result<(), (io::Error, J)> {
        let mut state = self.0.state.lock();
        if state.spare > 0 {
            state.spare -= 1; // Invariant 1: the job takes one.
            state.queue.push_back(job);
            let sleeper = self.0.call_one(&mut state);
            drop(state);
            sleeper.inspect(|worker| worker.wake());
            return Ok(());
        }
        drop(state);
        let pool = Arc::clone(&self.0);
        let name = job.name();
        let shown = Arc::clone(&name);
        threads::start(&name, stack_size, job, move |job| pool.work(job, shown))
    }
}

impl<J: Job> Shared<J> {
    /// A worker to wake because of what is in the queue, unless one is on its way: invariant 2.
    fn call_one(&self, state: &mut State<J>) -> Option<Arc<Worker>> {
        self.note(state);
        if state.searching > 0 || state.queue.is_empty() {
            return None;
        }
        let sleeper = state.parked.pop()?;
        state.searching += 1;
        Some(sleeper)
    }

    /// A worker's life; `shown` is the name of its thread.
    fn work(&self, first: J, mut shown: Arc<str>) {
        let worker = Arc::new(Worker::default());
        self.run(first);
        while let Some(job) = self.next(&worker) {
            let name = job.name();
            if name != shown {
                threads::rename_this(&name);
                shown = name;
            }
            self.run(job);
        }
    }

    fn run(&self, job: J) {
        BUSY_IN.with(|pool| pool.set(self.place()));
        job.work();
        self.release_this_thread();
    }

    fn release_this_thread(&self) {
        let busy_here = BUSY_IN.with(|pool| {
            let here = std::ptr::eq(pool.get(), self.place());
            if here {
                pool.set(std::ptr::null());
            }
            here
        });
        if busy_here {
            self.state.lock().spare += 1; // Invariant 1: it runs no job any more.
        }
    }

    fn next(&self, worker: &Arc<Worker>) -> Option<J> {
        let mut state = self.state.lock();
        state.searching += 1;
        let mut turns = self.spin.begin();
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.searching -= 1;
                let sleeper = self.call_one(&mut state);
                drop(state);
                sleeper.inspect(|worker| worker.wake());
                return Some(job);
            }
            if state.over {
                return None; // Invariant 3: the pool was dropped.
            }
            if turns.any_left() && state.searching == 1 {
                drop(state);
                while turns.any_left() && !self.anything.load(Ordering::Relaxed) {
                    turns.let_others_run();
                }
            } else {
                state.searching -= 1;
                state.parked.push(Arc::clone(worker)); // Invariant 4: another one is awake.
                drop(state);
                worker.sleep(); // what wakes it has counted it as searching
                turns = self.spin.begin();
            }
            state = self.state.lock();
        }
    }
}

impl<J> Shared<J> {
    /// Where it is, which no other pool is at the same time.
    fn place(&self) -> *const () {
        std::ptr::from_ref(self).cast()
    }

    fn note(&self, state: &State<J>) {
        let anything = state.over || !state.queue.is_empty();
        self.anything.store(anything, Ordering::Relaxed);
    }
}

impl<J> Drop for Pool<J> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.over = true;
        self.0.note(&state);
        let sleepers = std::mem::take(&mut state.parked);
        state.searching += sleepers.len();
        drop(state);
        for worker in sleepers {
            worker.wake();
        }
    }
}
