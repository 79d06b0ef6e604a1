//! The floor: the same job, written by hand with `std::thread` and crossbeam channels.
//!
//! Two pools, since there are two opinions of what "the same job" is. Both have names, a bound on how many run at a time,
//! panics that are caught, and exits that come over a channel with the name. `pool` does what a group does for those who use
//! it: each job can be told to stop and waited for by the caller that has inserted it, all that live can be told at once, and no two
//! that live share a name. `lean_pool` can do none of that: a job is a closure that cannot be reached.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use ifrit::crossbeam_channel::{Receiver, Sender, unbounded};

use crate::{AT_A_TIME, Load};

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;
type Caught = Result<Outcome, Box<dyn Any + Send>>;
type Work = Box<dyn FnOnce(&Receiver<i32>) -> Outcome + Send>;

struct Exit {
    _name: String,
    well: bool,
}

/// So many at a time.
#[derive(Default)]
struct Places {
    taken: Mutex<usize>,
    left: Condvar,
}

impl Places {
    fn take(&self) {
        let mut taken = self.taken.lock().expect("no panic under the lock");
        while *taken == AT_A_TIME {
            taken = self.left.wait(taken).expect("no panic under the lock");
        }
        *taken += 1;
    }

    fn leave(&self) {
        *self.taken.lock().expect("no panic under the lock") -= 1;
        self.left.notify_one();
    }
}

/// Workers, as many as jobs may run at a time, all of them fed by one channel.
fn workers<J: Send + 'static>(
    queue: &Receiver<J>,
    run: impl Fn(J) + Clone + Send + 'static,
) -> Vec<thread::JoinHandle<()>> {
    let worker = |_| {
        let (queue, run) = (queue.clone(), run.clone());
        thread::spawn(move || queue.into_iter().for_each(run))
    };
    (0..AT_A_TIME).map(worker).collect()
}

/// The thread bears the name of its job.
fn set_name(name: &str) {
    let name = std::ffi::CString::new(name).expect("no NUL");
    let _ = rustix::thread::set_name(&name);
}

fn drain(exits: &Receiver<Exit>) -> u64 {
    exits.try_iter().filter(|exit| exit.well).count() as u64
}

// The pool that does what a group does.

/// What the inserter of a job and the group share with it.
struct Handle {
    tell: Sender<i32>,
    exit: Mutex<Option<Caught>>,
    exited: Condvar,
}

struct Job {
    name: String,
    work: Work,
    signals: Receiver<i32>,
    handle: Arc<Handle>,
}

#[derive(Default)]
struct Group {
    places: Places,
    living: Mutex<HashMap<String, Arc<Handle>>>,
}

impl Group {
    fn admit(&self, name: String, work: Work) -> Option<Job> {
        self.places.take();
        let (tell, signals) = unbounded();
        let handle = Arc::new(Handle {
            tell,
            exit: Mutex::default(),
            exited: Condvar::new(),
        });
        let mut living = self.living.lock().expect("no panic under the lock");
        if living.contains_key(&name) {
            self.places.leave();
            return None;
        }
        living.insert(name.clone(), Arc::clone(&handle));
        Some(Job {
            name,
            work,
            signals,
            handle,
        })
    }

    fn run(&self, job: Job, exits: &Sender<Exit>) {
        let Job {
            name,
            work,
            signals,
            handle,
        } = job;
        let exit = catch_unwind(AssertUnwindSafe(|| work(&signals)));
        let well = matches!(exit, Ok(Ok(())));
        self.living
            .lock()
            .expect("no panic under the lock")
            .remove(&name);
        self.places.leave();
        *handle.exit.lock().expect("no panic under the lock") = Some(exit);
        handle.exited.notify_all();
        let _ = exits.send(Exit { _name: name, well });
    }

    fn tell_all(&self, signal: i32) {
        for handle in self
            .living
            .lock()
            .expect("no panic under the lock")
            .values()
        {
            let _ = handle.tell.send(signal);
        }
    }
}

/// Each job can be told and waited for.
pub(crate) fn pool(load: &Load) {
    let counted = run_pool(load, |_| {});
    assert_eq!(counted, load.members());
}

/// One after the other: each is inserted when the one before has exited.
pub(crate) fn in_turn(load: &Load) {
    run_pool(load, |handle| {
        let exit = handle.exit.lock().expect("no panic under the lock");
        drop(handle.exited.wait_while(exit, |exit| exit.is_none()));
    });
}

fn run_pool(load: &Load, inserted: impl Fn(&Handle) + Sync) -> u64 {
    let group = Arc::new(Group::default());
    let (jobs, queue) = unbounded::<Job>();
    let (report, exits) = unbounded();
    let workers = {
        let (group, report) = (Arc::clone(&group), report.clone());
        workers(&queue, move |job: Job| {
            set_name(&job.name);
            group.run(job, &report);
        })
    };
    let insert = |name: String| {
        let job = group.admit(name, Box::new(|_| Ok(())));
        let job = job.expect("no name twice");
        let handle = Arc::clone(&job.handle); // with which to tell it, and to wait for it
        jobs.send(job).expect("the workers live");
        inserted(&handle);
    };
    let counted = load.insert(insert, || drain(&exits));
    drop(jobs);
    group.tell_all(15);
    for worker in workers {
        worker.join().expect("it catches panics");
    }
    counted + drain(&exits)
}

// Jobs that cannot be reached.

struct LeanJob {
    name: String,
    work: Box<dyn FnOnce() -> Outcome + Send>,
}

impl LeanJob {
    fn trivial(name: String) -> Self {
        LeanJob {
            name,
            work: Box::new(|| Ok(())),
        }
    }

    fn run(self, places: &Places, exits: &Sender<Exit>) {
        let exit = catch_unwind(AssertUnwindSafe(self.work));
        places.leave();
        let _ = exits.send(Exit {
            _name: self.name,
            well: matches!(exit, Ok(Ok(()))),
        });
    }
}

pub(crate) fn lean_pool(load: &Load) {
    let places = Arc::new(Places::default());
    let (jobs, queue) = unbounded::<LeanJob>();
    let (report, exits) = unbounded();
    let workers = {
        let places = Arc::clone(&places);
        workers(&queue, move |job: LeanJob| {
            set_name(&job.name);
            job.run(&places, &report);
        })
    };
    let insert = |name| {
        places.take();
        let job = LeanJob::trivial(name);
        jobs.send(job).expect("the workers live");
    };
    let counted = load.insert(insert, || drain(&exits));
    drop(jobs);
    for worker in workers {
        worker.join().expect("it catches panics");
    }
    assert_eq!(counted + drain(&exits), load.members());
}

/// A new thread for each job.
pub(crate) fn spawns(load: &Load) {
    let places = Arc::new(Places::default());
    let (report, exits) = unbounded();
    let insert = |name: String| {
        places.take();
        let builder = thread::Builder::new().name(name.clone());
        let (places, report) = (Arc::clone(&places), report.clone());
        let job = LeanJob::trivial(name);
        builder
            .spawn(move || job.run(&places, &report))
            .expect("a thread");
    };
    let mut counted = load.insert(insert, || drain(&exits));
    drop(report);
    counted += exits.iter().filter(|exit| exit.well).count() as u64;
    assert_eq!(counted, load.members());
}
