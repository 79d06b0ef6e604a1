//! The spans that processes run in.
//!
//! Invariants:
//! 1. The subscriber is foreign: it is called under no lock of ours, on the process's own thread or that of the adapter,
//!    and its panics end with the call.
//! 2. A span is let go of before the one above it, and each in a call of its own: the subscriber closes a span in the
//!    destructor of the last one in it, and a second panic while the first unwinds ends the program.
//! 3. Without the adapter a process pays one atomic load.
//! 4. Of processes that have ended, the spans of `ENDED` are kept at most, until their exits were handed on.

use std::collections::BTreeMap;

use ::tracing::{Level, Span, span};

use super::path::Path;
use crate::id::ProcessId;
use crate::id_map::{ById, take_out};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, LazyLock, Mutex, statics};
use crate::unwind::{attempt, drop_quietly};

const ENDED: usize = 1_024;

statics! {
    static IS_ON: AtomicBool = AtomicBool::new(false);
    static SPANS: LazyLock<Mutex<Spans>> = LazyLock::new(Mutex::default);
}

#[derive(Default)]
struct Spans {
    is_on: bool,
    living: ById<Arc<Opened>>,
    /// What the process says last is handed on after its end.
    ended: BTreeMap<ProcessId, Arc<Opened>>,
}

/// The span of a process. It may fall wherever the subscriber may be called.
pub(super) struct Opened {
    /// Until it falls.
    span: Option<Span>,
    above: Option<Arc<Opened>>,
}

/// Processes that start from now on have a span.
pub(super) fn on() {
    SPANS.lock().is_on = true;
    IS_ON.store(true, Ordering::Release);
}

/// No process that starts from now on has one.
pub(super) fn off() {
    IS_ON.store(false, Ordering::Release);
    SPANS.lock().is_on = false;
    forget_ended();
}

/// This thread is in the span of the process that runs on it, until this is dropped.
#[must_use = "the thread leaves the span when this is dropped"]
pub(crate) struct InSpan(Option<Entered>);

struct Entered {
    id: ProcessId,
    opened: Arc<Opened>,
    /// Or the subscriber has panicked.
    was_told: bool,
}

impl InSpan {
    pub(crate) fn none() -> Self {
        InSpan(None)
    }

    /// Leaves it, as its end does.
    pub(crate) fn leave(self) {}
}

/// Opens a span for the process whose thread this is.
pub(crate) fn enter(id: ProcessId, path: impl FnOnce() -> Path) -> InSpan {
    // Invariant 3
    InSpan(match IS_ON.load(Ordering::Acquire) {
        true => open(id, &path()),
        false => None,
    })
}

fn open(id: ProcessId, path: &Path) -> Option<Entered> {
    let above = nearest(path.above());
    let span = attempt(|| new(id, path, above.as_deref()))?;
    if span.is_disabled() {
        return None; // by the subscriber, or there is none
    }
    let opened = Arc::new(Opened {
        span: Some(span),
        above,
    });
    SPANS.lock().living.insert(id, Arc::clone(&opened));
    let told = attempt(|| opened.with(|id, subscriber| subscriber.enter(id)));
    Some(Entered {
        id,
        opened,
        was_told: told.is_some(),
    })
}

/// At the highest level: whatever of the runner's own events is let through is to carry the path.
fn new(id: ProcessId, path: &Path, above: Option<&Opened>) -> Span {
    let id = id.0;
    match above.and_then(Opened::id) {
        Some(above) => {
            span!(target: "ifrit", parent: above, Level::ERROR, "process", %path, id)
        }
        None => span!(target: "ifrit", Level::ERROR, "process", %path, id),
    }
}

impl Drop for InSpan {
    fn drop(&mut self) {
        let Some(entered) = self.0.take() else {
            return;
        };
        if entered.was_told {
            attempt(|| entered.opened.with(|id, subscriber| subscriber.exit(id)));
        }
        let _gone = SPANS.lock().ends(entered.id);
    }
}

impl Opened {
    pub(super) fn id(&self) -> Option<::tracing::Id> {
        self.span.as_ref().and_then(Span::id)
    }

    fn with(&self, work: impl FnOnce(&::tracing::Id, &::tracing::Dispatch)) {
        if let Some(span) = &self.span {
            span.with_subscriber(|(id, subscriber)| work(id, subscriber));
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // Invariant 2; one after the other, and not each inside the one below: they may stand deeper than a stack is.
        drop_quietly(self.span.take());
        let mut next = self.above.take();
        while let Some(opened) = next {
            next = Arc::into_inner(opened).and_then(|mut opened| {
                drop_quietly(opened.span.take());
                opened.above.take()
            });
        }
    }
}

impl Spans {
    /// Returns what is not kept.
    #[must_use = "to be dropped under no lock"]
    fn ends(&mut self, id: ProcessId) -> Option<Arc<Opened>> {
        let opened = take_out(&mut self.living, &id)?;
        if !self.is_on {
            return Some(opened);
        }
        self.ended.insert(id, opened);
        // Invariant 4
        let oldest = (self.ended.len() > ENDED).then(|| self.ended.pop_first());
        oldest.flatten().map(|(_, opened)| opened)
    }

    fn get(&self, id: ProcessId) -> Option<Arc<Opened>> {
        let opened = self.living.get(&id).or_else(|| self.ended.get(&id));
        opened.map(Arc::clone)
    }
}

/// The span of the first of these that has one.
pub(super) fn nearest(mut ids: impl Iterator<Item = ProcessId>) -> Option<Arc<Opened>> {
    let spans = SPANS.lock();
    ids.find_map(|id| spans.get(id))
}

/// The exit of this process was handed on.
pub(super) fn forget(id: ProcessId) {
    let _gone = SPANS.lock().ended.remove(&id);
}

/// The exits of those that have ended will not be handed on.
pub(super) fn forget_ended() {
    let _gone = std::mem::take(&mut SPANS.lock().ended);
}

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn spans_that_stand_deep_in_each_other_fall_on_a_small_stack() {
        let mut last = None;
        for _ in 0..100_000 {
            let span = Some(Span::none());
            last = Some(Arc::new(Opened { span, above: last }));
        }
        let small = std::thread::Builder::new().stack_size(16 * 1024);
        let fall = small.spawn(move || drop(last)).unwrap();
        fall.join().unwrap();
    }
}
