//! An accept that can be interrupted, for loops of one's own: [`InterruptibleListener`], [`Interrupter`].

use std::fmt;
use std::io;

use super::address::Address;
use super::listener::{Listener, Trouble};
use super::stream::Stream;
use super::wake::{Wake, Woken};
use crate::error::Result;
use crate::runners::Interrupt;
use crate::signal::Signal;
use crate::sync::Arc;

/// A listener whose [`accept`](InterruptibleListener::accept) returns when it is interrupted from another thread.
///
/// It is for accept loops of one's own, in an [`Actor`](crate::runners::Actor); [`Acceptor`](super::Acceptor) needs none.
/// The socket is not shut down for it, so others that share it go on, and no connection is made to it. It costs a pipe, and
/// no thread.
///
/// ```
/// use ifrit::{net::InterruptibleListener, prelude::*, runners::Actor};
/// use std::net::TcpListener;
///
/// let server = Actor::with(|stopping, ready| {
///     let listener = InterruptibleListener::new(TcpListener::bind("127.0.0.1:0")?)?;
///     let _interrupting = stopping.interrupt(listener.interrupter());
///     ready.notify();
///     while let Some((stream, peer)) = listener.accept()? {
///         println!("{peer} has come, and is sent away");
///         drop(stream);
///     }
///     Ok(())
/// });
/// let server = ifrit::invoke(server).started()?;
/// server.signal(Signal::TERMINATE);
/// server.join()?;
/// # Ok::<(), ifrit::Error>(())
/// ```
#[derive(Debug)]
pub struct InterruptibleListener {
    listener: Listener,
    wake: Arc<Wake>,
}

/// Interrupts an [`InterruptibleListener`], for good. Clones do the same.
#[derive(Clone)]
pub struct Interrupter(Arc<Wake>);

impl InterruptibleListener {
    /// Takes a listener, and makes it non-blocking, which holds for all that share the socket.
    ///
    /// # Errors
    ///
    /// Those of the operating system, such as that there is no file descriptor for the pipe.
    pub fn new(listener: impl Into<Listener>) -> io::Result<Self> {
        let listener = listener.into();
        listener.set_nonblocking()?;
        Ok(InterruptibleListener {
            listener,
            wake: Arc::new(Wake::new()?),
        })
    }

    /// What interrupts it.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter(Arc::clone(&self.wake))
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub fn address(&self) -> io::Result<Address> {
        self.listener.address()
    }

    /// The next connection, and the other end of it; `None` once it was interrupted, also where connections wait.
    ///
    /// Blocks until there is one or the other. A connection that has ended while it waited is passed over.
    ///
    /// # Errors
    ///
    /// Those of the operating system. Where file descriptors or memory are lacking, it is an error each time, at once: a loop
    /// that goes on has to wait first.
    pub fn accept(&self) -> io::Result<Option<(Stream, Address)>> {
        loop {
            if self.wake.wait_for(&self.listener)? == Woken::ByACall {
                return Ok(None);
            }
            match self.listener.accept() {
                Ok(connection) => return Ok(Some(connection)),
                Err(error) => match Trouble::of(&error) {
                    Trouble::NothingThere | Trouble::OneConnection => {}
                    Trouble::Scarcity | Trouble::TheListener => return Err(error),
                },
            }
        }
    }
}

impl Interrupter {
    /// Lets the accept return that blocks, and each one after that. Never blocks.
    pub fn interrupt(&self) {
        self.0.call();
    }
}

impl Interrupt for Interrupter {
    fn interrupt(&mut self, _signal: Signal) -> Result<()> {
        self.0.call();
        Ok(())
    }
}

impl fmt::Debug for Interrupter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupter")
    }
}
