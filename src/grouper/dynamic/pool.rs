//! Threads that are used again: one for each member that runs at the same time.
//!
//! Invariants:
//! 1. `free` counts the threads that wait for work or are certain to, and have not been promised any. A job is sent only
//!    after one of them has been taken from that count, so it never waits for another job to end.
//! 2. The threads end when the pool is dropped.

use std::fs::File;
use std::io;
use std::io::{Seek, Write};

use crate::process::{Launch, thread_builder};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::channel::{Receiver, Sender, unbounded};

pub(super) struct Pool {
    jobs: Sender<Job>,
    waiting: Receiver<Job>,
    free: AtomicUsize,
}

struct Job {
    name: Box<str>,
    body: Box<dyn FnOnce() + Send>,
}

impl Default for Pool {
    fn default() -> Self {
        let (jobs, waiting) = unbounded();
        Pool {
            jobs,
            waiting,
            free: AtomicUsize::new(0),
        }
    }
}

impl Pool {
    /// A thread of the pool is about to be done with its member.
    pub(super) fn release(&self) {
        self.free.fetch_add(1, Ordering::SeqCst);
    }

    fn take_free(&self) -> bool {
        let take = |free: usize| free.checked_sub(1);
        self.free
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
            .is_ok()
    }
}

impl Launch<'static> for &Pool {
    fn launch(
        self,
        name: &str,
        stack_size: Option<usize>,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        if self.take_free() {
            let job = Job {
                name: name.into(),
                body: Box::new(body),
            };
            let _ = self.jobs.send(job); // the pool itself holds a receiver
            return Ok(());
        }
        let waiting = self.waiting.clone();
        let spawned = thread_builder(name, stack_size).spawn(move || {
            body();
            let mut label = Label::of_this_thread();
            for job in waiting {
                label.set(&job.name);
                (job.body)();
            }
        });
        spawned.map(drop)
    }
}

/// The name of a thread as the operating system shows it. Linux lets a thread write it to a file; elsewhere a reused
/// thread keeps its first name.
struct Label(Option<File>);

impl Label {
    fn of_this_thread() -> Self {
        Label(File::options().write(true).open("/proc/thread-self/comm").ok())
    }

    fn set(&mut self, name: &str) {
        if let Some(file) = &mut self.0 {
            let _ = file.rewind().and_then(|()| file.write_all(name.as_bytes()));
        }
    }
}
