//! What makes a call return that blocks: [`Interrupt`].

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

use crate::error::Result;
use crate::signal::Signal;

/// Makes a call return that blocks on another thread.
///
/// It may come before that call has begun to block, or after it has returned: what it does must last, as a socket that
/// was shut down stays so. It must not block for long itself: the run does not end before it has returned.
///
/// Ready-made:
///
/// - a closure `FnMut(Signal) -> Result<()>`;
/// - a [`TcpStream`] or [`UnixStream`], a clone of the one that is read or written: it is shut down in both directions, so
///   that a blocked read returns that all was read, and a blocked write an error. One that is not connected any more is
///   no error;
/// - [`NoInterrupt`], for code that looks at [`Stopping::has_begun`](super::Stopping::has_begun) often enough, such
///   as between reads with a time-out.
///
/// Listeners have one with the feature `net`. Of the standard library, a listener that is shut down would be so for every
/// process that shares it.
///
/// ```
/// use ifrit::runners::Interrupt;
/// use ifrit::Signal;
/// use std::io::Read;
/// use std::os::unix::net::UnixStream;
///
/// let (mut here, _there) = UnixStream::pair()?;
/// let mut interrupt = here.try_clone()?;
/// std::thread::spawn(move || interrupt.interrupt(Signal::TERMINATE).unwrap());
/// assert_eq!(here.read(&mut [0])?, 0); // it would have blocked for ever
/// # Ok::<(), ifrit::BoxError>(())
/// ```
pub trait Interrupt: Send {
    /// Makes the call return. `signal` is the stop signal that has come; for [`Signal::KILL`] nothing need be finished.
    ///
    /// # Errors
    ///
    /// It could not be done. The process [notes](crate::process::note) the error, and goes on to wait for the call.
    fn interrupt(&mut self, signal: Signal) -> Result<()>;
}

impl<F: FnMut(Signal) -> Result<()> + Send> Interrupt for F {
    fn interrupt(&mut self, signal: Signal) -> Result<()> {
        self(signal)
    }
}

/// Interrupts nothing; see [`Actor::with`](super::Actor::with).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NoInterrupt;

impl Interrupt for NoInterrupt {
    fn interrupt(&mut self, _signal: Signal) -> Result<()> {
        Ok(())
    }
}

impl Interrupt for TcpStream {
    fn interrupt(&mut self, _signal: Signal) -> Result<()> {
        shut_down(self.shutdown(Shutdown::Both))
    }
}

impl Interrupt for UnixStream {
    fn interrupt(&mut self, _signal: Signal) -> Result<()> {
        shut_down(self.shutdown(Shutdown::Both))
    }
}

/// Where the other end has gone, what blocks returns without us.
fn shut_down(done: io::Result<()>) -> Result<()> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::NotConnected => Err(error.into()),
        _ => Ok(()),
    }
}
