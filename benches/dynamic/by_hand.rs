//! The floor: the same job, written by hand with `std::thread` and crossbeam channels.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use ifrit::crossbeam_channel::{Receiver, Sender, unbounded};

use crate::{AT_A_TIME, Load};

type Work = Box<dyn FnOnce() -> Result<(), Box<dyn std::error::Error + Send + Sync>> + Send>;

struct Job {
    name: String,
    work: Work,
}

struct Exit {
    _name: String,
    exit: Result<Result<(), Box<dyn std::error::Error + Send + Sync>>, Box<dyn Any + Send>>,
}

/// So many at a time.
#[derive(Default)]
struct Places {
    taken: Mutex<usize>,
    left: Condvar,
}

impl Places {
    fn take(&self) {
        let mut taken = self.taken.lock().expect("nobody panics here");
        while *taken == AT_A_TIME {
            taken = self.left.wait(taken).expect("nobody panics here");
        }
        *taken += 1;
    }

    fn leave(&self) {
        *self.taken.lock().expect("nobody panics here") -= 1;
        self.left.notify_one();
    }
}

impl Job {
    fn run(self, places: &Places, exits: &Sender<Exit>) {
        let exit = catch_unwind(AssertUnwindSafe(self.work));
        places.leave();
        let _ = exits.send(Exit {
            _name: self.name,
            exit,
        });
    }
}

fn trivial(name: String) -> Job {
    Job {
        name,
        work: Box::new(|| Ok(())),
    }
}

fn drain(exits: &Receiver<Exit>) -> u64 {
    exits
        .try_iter()
        .filter(|exit| matches!(exit.exit, Ok(Ok(()))))
        .count() as u64
}

/// A pool: as many workers as may run at a time, all of them fed by one channel.
pub(crate) fn pool(load: &Load) {
    let places = Arc::new(Places::default());
    let (jobs, queue) = unbounded::<Job>();
    let (report, exits) = unbounded();
    let workers: Vec<_> = (0..AT_A_TIME)
        .map(|_| {
            let (queue, places, report) = (queue.clone(), Arc::clone(&places), report.clone());
            thread::spawn(move || {
                for job in queue {
                    set_name(&job.name);
                    job.run(&places, &report);
                }
            })
        })
        .collect();
    drop(report);
    let insert = |name| {
        places.take();
        jobs.send(trivial(name)).expect("the workers live");
    };
    let counted = load.insert(insert, || drain(&exits));
    drop(jobs);
    for worker in workers {
        worker.join().expect("it catches panics");
    }
    assert_eq!(counted + drain(&exits), load.members());
}

/// The thread bears the name of its job.
fn set_name(name: &str) {
    let name = std::ffi::CString::new(name).expect("no NUL");
    let _ = rustix::thread::set_name(&name);
}

/// A new thread for each job.
pub(crate) fn spawns(load: &Load) {
    let places = Arc::new(Places::default());
    let (report, exits) = unbounded();
    let insert = |name: String| {
        places.take();
        let builder = thread::Builder::new().name(name.clone());
        let (places, report) = (Arc::clone(&places), report.clone());
        let job = trivial(name);
        builder
            .spawn(move || job.run(&places, &report))
            .expect("a thread");
    };
    let mut counted = load.insert(insert, || drain(&exits));
    drop(report);
    counted += exits
        .iter()
        .filter(|exit| matches!(exit.exit, Ok(Ok(()))))
        .count() as u64;
    assert_eq!(counted, load.members());
}
