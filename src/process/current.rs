//! What runs on a thread: its process, the host of what is driven by hand there, and signals that were not read.

use std::cell::RefCell;
use std::mem;
use std::time::Instant;

use super::core::Core;
use crate::observe::What;
use crate::on_drop::OnDrop;
use crate::signal::Signal;
use crate::sync::channel::Receiver;
use crate::sync::{Arc, thread_local};

/// Of so many channels the signals are kept that were not read.
const CHANNELS: usize = 8;

struct Here {
    process: Option<Arc<Core>>,
    /// Where a wrapper is driven by hand: the host made for that.
    by_hand: Option<Arc<Core>>,
    /// What was taken out of a channel for a wrapper that is driven by hand, and was not read.
    unread: Vec<(Receiver<Signal>, Vec<Signal>)>,
}

impl Here {
    const fn outside() -> Self {
        Here {
            process: None,
            by_hand: None,
            unread: Vec::new(),
        }
    }
}

thread_local! {
    static HERE: RefCell<Here> = const { RefCell::new(Here::outside()) };
}

/// The process whose thread this is.
pub(crate) fn current_core() -> Option<Arc<Core>> {
    HERE.try_with(|here| here.borrow().process.clone())
        .ok()
        .flatten()
}

/// Says something of the process whose thread this is; nothing on a thread of no process.
pub(crate) fn say_here(what: impl FnOnce() -> What) {
    if let Some(core) = current_core() {
        core.say(|_| what());
    }
}

/// The same at a time that has just been read.
pub(crate) fn say_here_at(now: Instant, what: impl FnOnce() -> What) {
    if let Some(core) = current_core() {
        core.say_at(now, what());
    }
}

/// Where what runs on this thread gets its clock, its limits and its signals from.
pub(crate) fn current_host() -> Option<Arc<Core>> {
    HERE.try_with(|here| {
        let here = here.borrow();
        here.by_hand.as_ref().or(here.process.as_ref()).cloned()
    })
    .ok()
    .flatten()
}

/// Makes `host` the host of this thread for as long as `work` takes.
pub(super) fn as_host<T>(host: &Arc<Core>, work: impl FnOnce() -> T) -> T {
    let mut before = set_host(Some(Arc::clone(host)));
    let _restore = OnDrop(|| drop(set_host(before.take())));
    work()
}

fn set_host(host: Option<Arc<Core>>) -> Option<Arc<Core>> {
    HERE.with(|here| mem::replace(&mut here.borrow_mut().by_hand, host))
}

/// Makes `core` the current process of this thread for as long as `work` takes.
pub(crate) fn as_current<T>(core: &Arc<Core>, work: impl FnOnce() -> T) -> T {
    struct Restore(Here);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = mem::replace(&mut self.0, Here::outside());
            // Dropped outside of the cell: what goes with it may ask for the current process.
            let _gone = HERE.with(|here| here.replace(before));
        }
    }
    let here = Here {
        process: Some(Arc::clone(core)),
        ..Here::outside()
    };
    let _restore = Restore(HERE.with(|cell| cell.replace(here)));
    work()
}

/// Keeps what was taken out of `signals` and not read, for the next that reads them here by hand. Of channels without
/// end, the newest are kept.
pub(super) fn keep_unread(signals: Receiver<Signal>, unread: Vec<Signal>) {
    if unread.is_empty() {
        return;
    }
    let _gone = HERE.with(|here| {
        let all = &mut here.borrow_mut().unread;
        all.push((signals, unread));
        (all.len() > CHANNELS).then(|| all.remove(0))
    });
}

/// What was taken out of `signals` before and not read, in order.
pub(super) fn take_unread(signals: &Receiver<Signal>) -> Vec<Signal> {
    let unread = HERE.with(|here| {
        let all = &mut here.borrow_mut().unread;
        let of_these = all.extract_if(.., |(channel, _)| channel.same_channel(signals));
        of_these.collect::<Vec<_>>()
    });
    unread.into_iter().flat_map(|(_, unread)| unread).collect()
}
