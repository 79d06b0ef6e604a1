//! What the crate promises, one behaviour a test, in the order of its layers.

// What tests share.
mod support;

// The words.
mod debug;
mod signal;

// One runner on a thread.
mod clock;
mod exit;
mod process;
mod ready;
mod scope;
mod signals;

// Runners made of runners.
mod abandoned;
mod budgets;
mod causes;
mod deadlines;
mod members;
mod misbehaving;
mod nested;
mod one_shot;
mod ordered;
mod parallel;
mod plan_and_tree;
mod queue_ordered;
mod rerun;
mod start_limits;
mod stop_delays;
mod stopping;
mod termination;
mod trace;

// A runner around another.
mod sigmon;

// For the tests of others.
mod testing;
