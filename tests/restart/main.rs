//! What is restarted, when, by whom, and what ends it; one behaviour a test. All time is moved by hand.

mod kit;

// One runner, again and again.
mod backoff;
mod budget;
mod by_hand;
mod restarter;
mod restarter_frames;
mod restarter_stop;

// Members of groups.
mod edges;
mod escalation;
mod last_exits;
mod otp;
mod policies;
mod rounds;
mod significant;
mod start_limit;
mod strategies;
mod tree;
mod verdicts;

// Looking after them.
mod admin;
mod admin_members;
mod admin_phases;
mod admin_stress;
mod waits;

// Everything at random, against a model.
mod model;
