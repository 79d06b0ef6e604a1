//! The operating system's signals: they come when a model raises them.

use std::collections::BTreeMap;
use std::io;
use std::panic::Location;

use super::fault::{Fault, is_seeded};
use super::{Mutex, statics};
use crate::sync::Arc;

statics! {
    static RECEIVE: Mutex<Option<fn(i32)>> = Mutex::new(None);
    static ACTED_AS_BEFORE: Mutex<bool> = Mutex::new(false);
    static HANDLERS: Mutex<BTreeMap<i32, Handler>> = Mutex::new(BTreeMap::new());
}

/// Calls back for every signal that is raised.
pub(crate) struct OsSignals;

#[derive(Clone)]
pub(crate) struct Handler {
    idle: Arc<Mutex<bool>>,
}

impl OsSignals {
    pub(crate) fn start(receive: fn(i32)) -> io::Result<Self> {
        *RECEIVE.lock() = Some(receive);
        Ok(OsSignals)
    }

    pub(crate) fn was_ignored(&self, _raw: i32) -> bool {
        false
    }

    pub(crate) fn install(&self, raw: i32) -> io::Result<Handler> {
        let idle = Arc::new(Mutex::new(true));
        let handler = Handler { idle };
        HANDLERS.lock().insert(raw, handler.clone());
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
pub(crate) enum Action {
    /// What it does with every program that handles nothing.
    Default,
    Handled,
}

/// A signal comes; on the thread that receives them, which is this one.
pub(crate) fn raise(raw: i32) -> Action {
    let handler = HANDLERS.lock().get(&raw).cloned();
    if handler.is_none_or(|handler| *handler.idle.lock()) {
        return Action::Default;
    }
    *ACTED_AS_BEFORE.lock() = false;
    let receive = *RECEIVE.lock();
    receive.expect("started before a handler is installed")(raw);
    match *ACTED_AS_BEFORE.lock() {
        true => Action::Default,
        false => Action::Handled,
    }
}
