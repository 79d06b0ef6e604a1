//! Real signals of the operating system, sent to a child: a copy of this test binary that runs the one test again.
//!
//! Each test holds both sides: what the child runs, and what is done to it from outside; see [`kit`]. Nothing sleeps:
//! the child says how far it is, and the one time-out is generous.

mod kit;

// The words for them.
mod numbers;
// What sigmon hears, and what it hands on.
mod hearing;
// What the second and the third signal do, and the deadline.
mod forcing;
// What is left when sigmon has returned.
mod restoring;
mod voice;
// Where sigmon can stand: side by side, by hand, inside a group, again.
mod placing;
// A whole program: exit codes and the report.
mod program;
