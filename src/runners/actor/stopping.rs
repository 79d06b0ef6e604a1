//! The stop of one run, as the code that blocks sees it: [`Stopping`].
//!
//! Invariants:
//! 1. What is registered before the stop is called by the one that hears the stop; what is registered after it is called
//!    at once, by the one that registers it. Which of the two is decided under the lock, so none is missed.
//! 2. No interrupter is called or dropped under the lock. One that is being called belongs to the caller meanwhile, and
//!    goes back to its place if that is still there.
//! 3. Nothing is called any more once the run has ended, but what was being called then.

use std::fmt;
use std::mem;

use super::interrupt::Interrupt;
use crate::error::{Error, Exit, catch};
use crate::process::Process;
use crate::signal::{self, Signal};
use crate::sync::channel::Receiver;
use crate::sync::{Arc, Mutex, MutexGuard};

/// Whether an [`Actor`](super::Actor) has been told to stop, and what is to be interrupted then: given to the code that
/// blocks, for one run.
///
/// ```
/// use ifrit::{prelude::*, runners::Actor};
/// use std::io::Read;
/// use std::net::{TcpListener, TcpStream};
///
/// let server = TcpListener::bind("127.0.0.1:0")?;
/// let address = server.local_addr()?;
/// let client = Actor::with(move |stopping, ready| {
///     let mut socket = TcpStream::connect(address)?; // a new one in each run
///     let _interrupting = stopping.interrupt(socket.try_clone()?);
///     ready.notify();
///     let mut text = String::new();
///     while !stopping.has_begun() && socket.read_to_string(&mut text)? > 0 {}
///     Ok(())
/// });
/// let client = ifrit::invoke(client).started()?;
/// client.signal(Signal::TERMINATE);
/// assert!(client.join().is_ok());
/// # Ok::<(), ifrit::BoxError>(())
/// ```
pub struct Stopping(Arc<Shared>);

struct Shared {
    /// Where it is noted what could not be interrupted.
    process: Option<Process>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The stop signal that has come: KILL, or else the first.
    told: Option<Signal>,
    ended: bool,
    next: u64,
    places: Vec<Place>,
    /// What went wrong first when something was called.
    panicked: Option<Error>,
}

struct Place {
    key: u64,
    /// `None` while it is being called.
    interrupt: Option<Box<dyn Interrupt>>,
}

impl Stopping {
    pub(super) fn new(process: Option<Process>) -> Self {
        let state = Mutex::default();
        Stopping(Arc::new(Shared { process, state }))
    }

    /// Whether a stop signal has come. Never blocks.
    pub fn has_begun(&self) -> bool {
        self.0.state.lock().told.is_some()
    }

    /// From now on, until the run ends or what this returns is dropped, a stop calls `interrupt` as well; once for the
    /// first stop signal, and again for KILL if that comes later.
    ///
    /// If a stop has begun already, it is called at once, on the thread of the caller. Otherwise it is called on the
    /// second thread of the [`Actor`](super::Actor), after what the actor was made with, and in the order in which they
    /// were registered. Never blocks, unless `interrupt` does. A panic of `interrupt` is an exit of the actor.
    pub fn interrupt(&self, interrupt: impl Interrupt + 'static) -> Interrupting {
        let mut interrupt: Box<dyn Interrupt> = Box::new(interrupt);
        let mut state = self.0.state.lock();
        let key = state.next;
        state.next += 1;
        let mut told = state.told;
        let place = Place {
            key,
            interrupt: None,
        };
        state.places.push(place);
        while let Some(signal) = told {
            // Invariant 1
            drop(state);
            self.0.call(&mut *interrupt, signal);
            state = self.0.state.lock();
            // KILL may have come meanwhile, and did not find it in its place.
            told = state.told.filter(|now| *now != signal);
        }
        self.0.put_back(state, key, interrupt);
        Interrupting {
            shared: Arc::clone(&self.0),
            key,
        }
    }

    /// Takes the next signal, if there is one; for a stop, `first` is called and then what was registered. Says whether
    /// the run goes on; where it does not, nothing was taken.
    pub(super) fn hear(&self, signals: &mut Receiver<Signal>, first: &mut impl Interrupt) -> bool {
        let mut state = self.0.state.lock();
        if state.ended {
            return false; // Invariant 3
        }
        let Some(signal) = signal::try_next(signals).filter(|signal| signal.is_stop()) else {
            return true;
        };
        if state.told.is_some() && (signal != Signal::KILL || state.told == Some(Signal::KILL)) {
            return true; // it has been interrupted
        }
        state.told = Some(signal);
        let keys: Vec<_> = state.places.iter().map(|place| place.key).collect();
        drop(state);
        self.0.call(first, signal);
        for key in keys {
            let mut state = self.0.state.lock();
            if state.ended {
                return false; // Invariant 3
            }
            let place = state.places.iter_mut().find(|place| place.key == key);
            let Some(mut interrupt) = place.and_then(|place| place.interrupt.take()) else {
                continue;
            };
            drop(state);
            self.0.call(&mut *interrupt, signal);
            self.0.put_back(self.0.state.lock(), key, interrupt);
        }
        true
    }

    /// The code that blocks has returned. Says whether a stop had begun before.
    pub(super) fn end(&self) -> bool {
        let mut state = self.0.state.lock();
        state.ended = true;
        let places = mem::take(&mut state.places);
        let told = state.told.is_some();
        drop(state);
        drop(places); // Invariant 2
        told
    }

    /// A panic of what was called, if there was one.
    pub(super) fn panicked(&self) -> Exit {
        self.0.state.lock().panicked.take().map_or(Ok(()), Err)
    }
}

impl Shared {
    fn call(&self, interrupt: &mut (impl Interrupt + ?Sized), signal: Signal) {
        match catch(|| interrupt.interrupt(signal)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.note(format_args!("could not be interrupted: {error}")),
            Err(panic) => {
                self.note(format_args!("could not be interrupted: {panic}"));
                let mut state = self.state.lock();
                let again = match state.panicked {
                    None => state.panicked.replace(panic),
                    Some(_) => Some(panic),
                };
                drop(state);
                drop(again);
            }
        }
    }

    fn note(&self, text: fmt::Arguments<'_>) {
        if let Some(process) = &self.process {
            process.note(text);
        }
    }

    fn put_back(&self, mut state: MutexGuard<'_, State>, key: u64, interrupt: Box<dyn Interrupt>) {
        let place = state.places.iter_mut().find(|place| place.key == key);
        let gone = match place {
            Some(place) => place.interrupt.replace(interrupt),
            None => Some(interrupt),
        };
        drop(state);
        drop(gone); // Invariant 2
    }
}

impl fmt::Debug for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.0.state.lock().told;
        f.debug_struct("Stopping").field("told", &told).finish()
    }
}

/// What is interrupted by a stop, until this is dropped; see [`Stopping::interrupt`].
///
/// To drop it does not wait for a call that has begun.
#[must_use = "nothing is interrupted any more once this is dropped"]
pub struct Interrupting {
    shared: Arc<Shared>,
    key: u64,
}

impl Drop for Interrupting {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        let place = state.places.iter().position(|place| place.key == self.key);
        let place = place.map(|place| state.places.remove(place));
        drop(state);
        drop(place); // Invariant 2
    }
}

impl fmt::Debug for Interrupting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupting")
    }
}
