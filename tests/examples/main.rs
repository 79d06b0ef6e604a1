//! The examples that are programs to be used, run for real: started, talked to, stopped with signals.

mod program;

mod batch;
mod service;
mod settings;
mod signals;
mod timeline;
mod watch;
