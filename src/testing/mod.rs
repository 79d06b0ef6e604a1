//! For the tests of runners: fakes, a recorder, a harness, a clock moved by hand, and waits with one time-out.
//!
//! Nothing here sleeps. What waits, waits for an event, and panics with a message when the [`patience`] is over, as an
//! assertion does. It is meant for tests; a program has no use for it.
//!
//! ```
//! use ifrit::testing::{FakeRunner, Waiting};
//! use ifrit::prelude::*;
//!
//! let (db, web) = (FakeRunner::new(), FakeRunner::new());
//! let group = Ordered::new(Members::new().add("db", db.clone()).add("web", web.clone()));
//! let group = ifrit::background(group);
//!
//! let db_run = db.wait_for_call();
//! assert_eq!(web.calls(), 0); // not before db is ready
//! db_run.trigger_ready();
//! let web_run = web.wait_for_call();
//! web_run.trigger_ready();
//! group.expect_ready();
//!
//! web_run.trigger_exit(Err("broken".into()));
//! assert_eq!(db_run.wait_for_signal(), Signal::INTERRUPT);
//! db_run.trigger_exit(Ok(()));
//! assert!(group.expect_exit().is_err());
//! ```

mod call;
mod clock;
mod fake;
mod harness;
mod runners;
mod waiting;

pub use call::Call;
pub use clock::ManualClock;
pub use fake::FakeRunner;
pub use harness::{Harness, Outcome};
pub use runners::{
    ExitsUnready, NeverReady, Ping, PingEnd, PingRunner, RecordedSignals, SignalRecorder,
    exits_unready, never_ready, ping_runner, signal_recorder,
};
pub use waiting::{PATIENCE, Waiting, patience, with_patience};
