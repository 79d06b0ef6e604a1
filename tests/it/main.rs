//! What the crate promises, one behaviour a test, in the order of its layers.

// The words.
mod signal;

// One runner on a thread.
mod clock;
mod exit;
mod process;
mod ready;
mod scope;
mod signals;

// Runners made of runners.
mod deadlines;
mod members;
mod ordered;
mod parallel;
mod plan_and_tree;
mod queue_ordered;
mod rerun;
mod trace;

// For the tests of others.
mod testing;
