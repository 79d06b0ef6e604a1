//! The operating system, as far as it has to do with signals: they come when a model raises them.

use std::collections::BTreeMap;
use std::io;
use std::panic::Location;

use crate::signal::Signal;
use crate::sync::fault::{Fault, is_seeded};
use crate::sync::{Arc, Mutex, statics};

statics! {
    static RECEIVE: Mutex<Option<fn(Signal)>> = Mutex::new(None);
    static ACTED_AS_BEFORE: Mutex<bool> = Mutex::new(false);
    static HANDLERS: Mutex<BTreeMap<Signal, Handler>> = Mutex::new(BTreeMap::new());
}

/// Calls back for every signal that is raised.
pub(crate) struct System;

#[derive(Clone)]
pub(crate) struct Handler {
    idle: Arc<Mutex<bool>>,
}

impl System {
    pub(crate) fn start(receive: fn(Signal)) -> io::Result<Self> {
        *RECEIVE.lock() = Some(receive);
        Ok(System)
    }

    pub(crate) fn install(&self, signal: Signal) -> io::Result<Handler> {
        let idle = Arc::new(Mutex::new(true));
        let handler = Handler { idle };
        HANDLERS.lock().insert(signal, handler.clone());
        Ok(handler)
    }
}

impl Handler {
    #[track_caller]
    pub(crate) fn set_idle(&self, idle: bool) {
        if !is_seeded(Fault::Forgotten, Location::caller()) {
            *self.idle.lock() = idle;
        }
    }

    #[track_caller]
    pub(crate) fn act_as_before(&self) {
        if !is_seeded(Fault::Forgotten, Location::caller()) {
            *ACTED_AS_BEFORE.lock() = true;
        }
    }
}

/// What became of a signal.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// What it does with every program that handles nothing.
    Default,
    Handled,
}

/// A signal comes; on the thread that receives them, which is this one.
pub(super) fn raise(signal: Signal) -> Action {
    let handler = HANDLERS.lock().get(&signal).cloned();
    if handler.is_none_or(|handler| *handler.idle.lock()) {
        return Action::Default;
    }
    *ACTED_AS_BEFORE.lock() = false;
    let receive = *RECEIVE.lock();
    receive.expect("started before a handler is installed")(signal);
    match *ACTED_AS_BEFORE.lock() {
        true => Action::Default,
        false => Action::Handled,
    }
}
