//! What the crate promises, one behaviour a test, in the order of its layers: see "Anatomy of the code" in
//! `src/lib.rs`.

// What tests share.
mod support;

// The words, and what a run leaves.
mod debug;
mod exit;
mod signal;

// Time, and "ready".
mod clock;
mod ready;

// A runner on a thread.
mod process;
mod scope;
mod signals;

// For the tests of others.
mod testing;

// Runners made of runners.
mod abandoned;
mod budgets;
mod causes;
mod deadlines;
mod depth;
mod members;
mod misbehaving;
mod nested;
mod one_shot;
mod ordered;
mod parallel;
mod plan_and_tree;
mod planned;
mod queue_ordered;
mod report;
mod rerun;
mod start_limits;
mod stop_delays;
mod stopping;
mod termination;
mod trace;
mod tree;

// The operating system's signals for a runner.
mod sigmon;
