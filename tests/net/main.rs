//! Servers on plain sockets, with real clients.

mod clients;
#[path = "../kit/mod.rs"]
mod kit;

// What it does for a connection.
mod serving;
// How many there may be, and what is scarce.
mod capacity;
mod descriptors;
// How it ends.
mod failures;
mod stopping;
// Where it listens.
mod again;
mod handed;
mod interrupted;
mod unix;
// The example.
mod examples;
// Many, and bad ones.
mod hostile;
mod many;
