//! Waking a thread that waits for a socket.
//!
//! Invariants:
//! 1. To wake never blocks: there is at most one byte in the pipe, which has room for it.
//! 2. No call is lost: it is there until `hear`, and one that comes after that has returned leaves a byte anew.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::limit::Limit;
use crate::process::Overhear;
use crate::signal::Signal;
use crate::sync::atomic::{AtomicBool, Ordering};

/// A pipe, and whether there is a byte in it, or is going to be.
#[derive(Debug)]
pub(super) struct Wake {
    reader: PipeReader,
    writer: PipeWriter,
    called: AtomicBool,
}

/// What a wait was ended by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    ByTheSocket,
    ByACall,
}

impl Wake {
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Wake {
            reader,
            writer,
            called: AtomicBool::new(false),
        })
    }

    /// Wakes the thread that waits, or the next one that is going to.
    pub(super) fn call(&self) {
        if !self.called.swap(true, Ordering::SeqCst) {
            let _ = (&self.writer).write(&[0]); // invariant 1; it cannot fail: the other end is here
        }
    }

    /// Whether there is a call that has not been heard.
    pub(super) fn is_called(&self) -> bool {
        self.called.load(Ordering::Relaxed)
    }

    /// Takes note of a call, which is over with that. To be called after a wait has told of one.
    pub(super) fn hear(&self) -> io::Result<()> {
        (&self.reader).read_exact(&mut [0])?;
        self.called.store(false, Ordering::SeqCst); // what was told before is looked for after this
        Ok(())
    }

    /// Blocks until something comes in on `socket`, or until there is a call, which comes first. The call stays.
    pub(super) fn wait_for(&self, socket: impl AsFd) -> io::Result<Woken> {
        let mut both = [
            PollFd::new(&self.reader, PollFlags::IN),
            PollFd::new(&socket, PollFlags::IN),
        ];
        loop {
            match poll(&mut both, None) {
                Ok(_) if !both[0].revents().is_empty() => return Ok(Woken::ByACall),
                Ok(_) => return Ok(Woken::ByTheSocket),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Overhear for Wake {
    fn overhear(&self, _signal: Signal, _end: Option<Limit>) {
        self.call();
    }
}
