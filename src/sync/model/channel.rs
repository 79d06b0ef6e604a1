//! Channels: what the crate uses of crossbeam-channel, with its errors.
//!
//! Nothing is sent on a channel of capacity 0 here: those are there for their disconnection alone.

use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvError, RecvTimeoutError, SendError, TrySendError};

pub(crate) use super::select::Select;
pub(crate) use crossbeam_channel::TryRecvError;

use super::fault::{Fault, is_seeded};
use super::select::{Source, wait_for_any};
use super::time;
use super::wait::{Waiters, choose, point, wait_for};

pub(super) struct Channel<T> {
    state: Mutex<State<T>>,
    /// A message has come, or the last sender has gone.
    arrivals: Waiters,
    /// A message has been taken, or the last receiver has gone.
    departures: Waiters,
}

struct State<T> {
    queue: VecDeque<T>,
    capacity: Option<usize>,
    senders: usize,
    receivers: usize,
    /// What comes at a time.
    alarm: Option<(Instant, T)>,
}

impl<T> Channel<T> {
    fn new(capacity: Option<usize>, senders: usize, alarm: Option<(Instant, T)>) -> Arc<Self> {
        Arc::new(Channel {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                capacity,
                senders,
                receivers: 1,
                alarm,
            }),
            arrivals: Waiters::default(),
            departures: Waiters::default(),
        })
    }

    fn with<R>(&self, work: impl FnOnce(&mut State<T>) -> R) -> R {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, message: T) -> Result<(), TrySendError<T>> {
        self.with(|state| {
            assert_ne!(
                state.capacity,
                Some(0),
                "a channel without room for messages"
            );
            if state.receivers == 0 {
                return Err(TrySendError::Disconnected(message));
            }
            if state.capacity.is_some_and(|most| state.queue.len() >= most) {
                return Err(TrySendError::Full(message));
            }
            state.queue.push_back(message);
            Ok(())
        })?;
        self.arrivals.wake();
        Ok(())
    }

    fn take(&self) -> Result<T, TryRecvError> {
        let message = self.with(|state| {
            if let Some((_, message)) = state.alarm.take_if(|(at, _)| *at <= time::now()) {
                return Ok(message);
            }
            state.queue.pop_front().ok_or(match state.senders {
                0 => TryRecvError::Disconnected,
                _ => TryRecvError::Empty,
            })
        })?;
        self.departures.wake();
        Ok(message)
    }
}

impl<T> Source for Channel<T> {
    fn is_ready(&self) -> bool {
        self.with(|state| {
            let rings = |(at, _): &(Instant, T)| *at <= time::now();
            !state.queue.is_empty() || state.senders == 0 || state.alarm.as_ref().is_some_and(rings)
        })
    }

    fn arrivals(&self) -> &Waiters {
        &self.arrivals
    }

    fn alarm(&self) -> Option<Instant> {
        self.with(|state| state.alarm.as_ref().map(|(at, _)| *at))
    }
}

pub(crate) struct Sender<T>(Arc<Channel<T>>);

#[allow(unreachable_pub)] // as the one it stands for, it is part of what is public
pub struct Receiver<T>(pub(super) Arc<Channel<T>>);

pub(crate) fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    pair(None)
}

pub(crate) fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    pair(Some(capacity))
}

fn pair<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    let channel = Channel::new(capacity, 1, None);
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

/// As if a sender were kept and never used.
pub(crate) fn never<T>() -> Receiver<T> {
    Receiver(Channel::new(None, 1, None))
}

pub(crate) fn at(instant: Instant) -> Receiver<Instant> {
    Receiver(Channel::new(None, 1, Some((instant, instant))))
}

impl<T> Sender<T> {
    #[track_caller]
    pub(crate) fn send(&self, message: T) -> Result<(), SendError<T>> {
        let forgotten = is_seeded(Fault::Forgotten, Location::caller());
        point();
        if forgotten {
            return Ok(());
        }
        let mut message = message;
        loop {
            match self.0.put(message) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(message)) => return Err(SendError(message)),
                Err(TrySendError::Full(unsent)) => message = unsent,
            }
            wait_for(&[&self.0.departures]);
        }
    }

    #[track_caller]
    pub(crate) fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let forgotten = is_seeded(Fault::Forgotten, Location::caller());
        point();
        if forgotten {
            return Ok(());
        }
        self.0.put(message)
    }

    #[track_caller]
    pub(crate) fn len(&self) -> usize {
        let stale = is_seeded(Fault::Stale, Location::caller()) && choose(2) == 1;
        point();
        self.0.with(|state| state.queue.len() + usize::from(stale))
    }
}

impl<T> Receiver<T> {
    #[track_caller]
    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        let stale = is_seeded(Fault::Stale, Location::caller()) && choose(2) == 1;
        point();
        if stale {
            return Err(TryRecvError::Empty);
        }
        self.0.take()
    }

    pub(crate) fn recv(&self) -> Result<T, RecvError> {
        point();
        loop {
            match self.0.take() {
                Ok(message) => return Ok(message),
                Err(TryRecvError::Disconnected) => return Err(RecvError),
                Err(TryRecvError::Empty) => wait_for_any(&[&*self.0]),
            };
        }
    }

    pub(crate) fn recv_timeout(&self, patience: Duration) -> Result<T, RecvTimeoutError> {
        let alarm = at(time::now() + patience);
        point();
        match wait_for_any(&[&*self.0, &*alarm.0]) {
            0 => self.0.take().map_err(|_| RecvTimeoutError::Disconnected),
            _ => Err(RecvTimeoutError::Timeout),
        }
    }

    #[track_caller]
    pub(crate) fn try_iter(&self) -> impl Iterator<Item = T> {
        let stale = is_seeded(Fault::Stale, Location::caller()) && choose(2) == 1;
        std::iter::from_fn(move || {
            point();
            self.0.take().ok().filter(|_| !stale)
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.recv().ok())
    }

    #[track_caller]
    pub(crate) fn len(&self) -> usize {
        let stale = is_seeded(Fault::Stale, Location::caller()) && choose(2) == 1;
        point();
        match stale {
            true => 0,
            false => self.0.with(|state| state.queue.len()),
        }
    }

    #[track_caller]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn same_channel(&self, other: &Receiver<T>) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = Messages<T>;

    fn into_iter(self) -> Messages<T> {
        Messages(self)
    }
}

#[allow(unreachable_pub)]
#[derive(Debug)]
pub struct Messages<T>(Receiver<T>);

impl<T> Iterator for Messages<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.with(|state| state.senders += 1);
        Sender(Arc::clone(&self.0))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.0.with(|state| state.receivers += 1);
        Receiver(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.0.with(|state| state.senders == 1) {
            point();
        }
        self.0.with(|state| state.senders -= 1);
        self.0.arrivals.wake();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if self
            .0
            .with(|state| state.receivers == 1 && state.senders > 0)
        {
            point();
        }
        let _unread = self.0.with(|state| {
            state.receivers -= 1;
            match state.receivers {
                0 => std::mem::take(&mut state.queue),
                _ => VecDeque::new(),
            }
        });
        self.0.departures.wake();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receiver")
    }
}
