//! A run that accepts connections, until it is told to stop.

use std::io::{self, Write};
use std::time::Duration;

use super::address::Address;
use super::connection::Line;
use super::error::AcceptError;
use super::handling::{Handling, Shared};
use super::listener::Trouble;
use super::options::{Options, WhenFull};
use super::source::Open;
use super::stream::Stream;
use super::table::Awaited;
use super::tally::one_more;
use super::wake::{Wake, Woken};
use crate::clock::Clock;
use crate::process::{Pool, note};
use crate::signal::{self, Signal};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::channel::{Receiver, Select};

/// How long to wait before what was scarce is tried again, if no connection ends meanwhile: at first, and at last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

pub(super) struct Serving<'a> {
    pub(super) options: &'a Options,
    pub(super) open: Open,
    pub(super) wake: Arc<Wake>,
    pub(super) signals: Receiver<Signal>,
    pub(super) nudges: Receiver<()>,
    pub(super) shared: Arc<Shared>,
    pub(super) pool: Pool<Handling>,
    pub(super) clock: Clock,
    /// One for which there was no thread.
    pub(super) unstarted: Option<Handling>,
    pub(super) pause: Option<Duration>,
    /// How many connections had ended before the last attempt to take one in.
    pub(super) ends_before: u64,
    /// How often it was full, and how often something was scarce.
    pub(super) fills: AtomicU64,
    pub(super) lacks: AtomicU64,
}

/// Why no more connections are taken in.
pub(super) enum Ended {
    Told(Signal),
    Failed(AcceptError),
}

/// What comes after an attempt to take a connection in.
enum Next {
    /// Another one.
    Another,
    /// To look whether there are signals, and to wait.
    Wait,
    /// To wait for a connection to end, or a pause.
    WaitForMeans,
}

impl Serving<'_> {
    /// Closes the listener, unless it is kept, and lets the threads end that are free.
    pub(super) fn close(mut self) -> Receiver<()> {
        if let Some(Handling { line, shared }) = self.unstarted.take() {
            shared.table.leave(line);
        }
        self.nudges
    }

    pub(super) fn accept(&mut self) -> Ended {
        loop {
            if let Some(stop) = self.next_stop() {
                return Ended::Told(stop);
            }
            let is_full = self.is_full();
            if let Some(handling) = self.unstarted.take()
                && !self.start(handling)
            {
                self.wait_for_means();
                continue;
            }
            if is_full && self.options.when_full == WhenFull::Wait {
                self.wait_for_room();
                continue;
            }
            let next = self
                .wake
                .wait_for(&*self.open.listener)
                .and_then(|woken| match woken {
                    Woken::ByTheSocket => self.accept_what_is_there(),
                    Woken::ByACall => self.wake.hear().map(|()| Next::Wait),
                });
            match next {
                Ok(Next::WaitForMeans) => self.wait_for_means(),
                Ok(_) => {}
                Err(source) => {
                    return Ended::Failed(AcceptError {
                        address: self.open.address.to_string(),
                        source,
                    });
                }
            }
        }
    }

    fn next_stop(&mut self) -> Option<Signal> {
        while let Some(signal) = signal::try_next(&mut self.signals) {
            if signal.is_stop() {
                return Some(signal);
            }
        }
        None
    }

    /// Whether there is room for no more, now that another attempt begins.
    fn is_full(&mut self) -> bool {
        let look = self.shared.table.look();
        self.ends_before = look.ends;
        !self.options.capacity.has_room_beside(look.open)
    }

    fn accept_what_is_there(&mut self) -> io::Result<Next> {
        loop {
            match self.accept_one()? {
                Next::Another if !self.wake.is_called() => {}
                Next::Another => return Ok(Next::Wait),
                next => return Ok(next),
            }
        }
    }

    fn accept_one(&mut self) -> io::Result<Next> {
        let is_full = self.is_full();
        if is_full && self.options.when_full == WhenFull::Wait {
            return Ok(Next::Wait);
        }
        match self.open.listener.accept() {
            Ok((stream, peer)) => {
                self.pause = None;
                if is_full {
                    self.refuse(&stream, &peer);
                    return Ok(Next::Another);
                }
                let handling = self.take_in(stream, peer);
                match self.start(handling) {
                    true => Ok(Next::Another),
                    false => Ok(Next::WaitForMeans),
                }
            }
            Err(error) => match Trouble::of(&error) {
                Trouble::NothingThere => Ok(Next::Wait),
                Trouble::OneConnection => Ok(Next::Another),
                Trouble::Scarcity => {
                    self.say_lack(&error);
                    Ok(Next::WaitForMeans)
                }
                Trouble::TheListener => Err(error),
            },
        }
    }

    fn take_in(&self, stream: Stream, peer: Address) -> Handling {
        let number = self.shared.tally.accepted.fetch_add(1, Ordering::Relaxed) + 1;
        let line = Line::new(number, peer, stream, &self.shared.table.stop);
        self.shared.table.enter(&line);
        Handling {
            line,
            shared: Arc::clone(&self.shared),
        }
    }

    /// Whether there was a thread for it; otherwise it is kept.
    fn start(&mut self, handling: Handling) -> bool {
        match self.pool.launch(handling, self.options.stack_size) {
            Ok(()) => true,
            Err((error, handling)) => {
                self.say_lack(&error);
                self.unstarted = Some(handling);
                false
            }
        }
    }

    fn refuse(&self, stream: &Stream, peer: &Address) {
        if let WhenFull::Refuse(bytes) = &self.options.when_full
            && stream.set_nonblocking(true).is_ok()
        {
            let _ = (&*stream).write(bytes);
        }
        if let Some(many) = one_more(&self.shared.tally.refused) {
            let capacity = self.options.capacity;
            note(format_args!(
                "refused {peer}: {capacity} connections, and all are there ({many} refused so far)"
            ));
        }
    }

    fn say_lack(&self, error: &io::Error) {
        if let Some(many) = one_more(&self.lacks) {
            note(format_args!(
                "takes no more connections until one has ended: {error} (time {many})"
            ));
        }
    }

    /// Waits for the end of a connection.
    fn wait_for_room(&mut self) {
        if one_more(&self.fills).is_some() {
            let capacity = self.options.capacity;
            note(format_args!(
                "{capacity} connections, and all are there: others wait"
            ));
        }
        let table = &self.shared.table;
        let open = table.wait_for(Awaited::AnEnd).open;
        if !self.options.capacity.has_room_beside(open) {
            self.sleep(None);
        }
    }

    /// Waits for the end of a connection, for so long at most.
    fn wait_for_means(&mut self) {
        let ends = self.shared.table.wait_for(Awaited::AnEnd).ends;
        if ends != self.ends_before {
            return; // one has ended since the attempt
        }
        let (first, longest) = PAUSES;
        let pause = self.pause.map_or(first, |pause| (pause * 2).min(longest));
        self.pause = Some(pause);
        self.sleep(Some(pause));
    }

    /// Until there is a signal or a nudge, or for so long.
    fn sleep(&self, limit: Option<Duration>) {
        let alarm = limit.map(|limit| self.clock.after(limit));
        let mut select = Select::new();
        select.recv(&self.signals);
        let nudged = select.recv(&self.nudges);
        if let Some(alarm) = &alarm {
            select.recv(alarm);
        }
        if select.ready() == nudged {
            let _ = self.nudges.try_recv();
        }
    }
}
