//! What dynamic groups promise, one behaviour a test.
//!
//! `IFRIT_STRESS` lengthens the tests that race threads against each other: it is a factor, 1 unless set.

mod kit;
#[path = "../kit/mod.rs"]
mod whole;

// Coming in.
mod capacity;
mod insert;
mod names;
mod refused;
mod spawn_failure;
mod unless;
mod waiting;

// What can be seen from outside.
mod client;
mod events;
mod freed;
mod list;
mod listeners;

// Going out.
mod bombs;
mod deadlines;
mod ends;
mod history;
mod race;
mod signals;
mod stop;

// Runs and threads.
mod nested;
mod rerun;
mod restarts;
mod reuse;

// Everything at once, in any order.
mod model;

// What is built upon it.
mod batch;
mod batch_stop;
