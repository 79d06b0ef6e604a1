//! What happens when something fails that never should: threads, files and memory that are not to be had, foreign code
//! that panics where no caller expects it, clocks that jump.

#[path = "../kit/mod.rs"]
mod kit;
mod refusal;

// The system says no.
mod descriptors;
mod memory;
mod nth_thread;
mod refused;

// Foreign code panics.
mod bombs;
mod destructors;
mod payloads;
mod phases;

// Foreign code looks on.
mod observers;

// Time jumps.
mod clocks;
