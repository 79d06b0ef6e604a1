//! Layers: wrappers that change what the runner inside them hears, or tell it what those around them do not hear.
//!
//! Invariants:
//! 1. A signal passes the layers from the outside in, under the lock. Each may put another one in its place, swallow it,
//!    or hold back a stop for a while. What a layer tells of its own passes only those inside it.
//! 2. What is asked inside (whether a stop was asked for, when it is over) counts what the layers have told. A layer is
//!    entered and left on the thread that runs what is inside, so what asks there stands inside of all the layers there
//!    are; and once a layer is left, nothing is left of what it told.
//! 3. When a layer is left, what came to it and was not read goes to the mailbox around it, as it came, and so does a stop
//!    that is held back. A notification that was told inside does, too. A stop that the layer has told, or has made of
//!    a notification, does not: it would end what stands around it.
//! 4. A timer of a layer finds out under the lock whether the layer is still there.

use std::mem;
use std::time::{Duration, Instant};

use super::{Core, Limit, State};
use crate::clock::Timer;
use crate::limit::Deadline;
use crate::mailbox::Mailbox;
use crate::signal::Signal;
use crate::sync::channel::Receiver;
use crate::sync::{Arc, MutexGuard};

#[derive(Default)]
pub(super) struct Layers {
    next: u64,
    /// Outermost first.
    stack: Vec<Layer>,
}

struct Layer {
    key: u64,
    hook: Hook,
    /// What has come to it, a bit for each number: all stop signals, and the notifications since nothing was pending.
    came: u64,
    /// The stop signal that has come through, or was told here: KILL, or else the latest.
    told: Option<Signal>,
    /// The latest one before KILL.
    told_before_kill: Option<Signal>,
    /// When a stop that was told here is over.
    end: Option<Limit>,
    timers: Vec<Timer>,
}

/// What a layer does to signals that pass it.
pub(crate) enum Hook {
    /// Nothing.
    Pass,
    /// Each becomes what the table has for it.
    Map(Arc<Table>),
    /// Each is heard here as well.
    Tap(Mailbox),
    /// A stop waits so long; something else is told in its place at first. KILL does not wait, and nothing after it.
    Hold {
        delay: Duration,
        first: Option<Signal>,
        held: Held,
    },
}

impl Hook {
    /// Holds back a stop for `delay`; `first` is told in its place at first.
    pub(crate) fn hold(delay: Duration, first: Option<Signal>) -> Self {
        let held = Held::default();
        Hook::Hold { delay, first, held }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Held {
    #[default]
    Nothing,
    This(Signal),
    /// The time is over, or KILL has come.
    Over,
}

/// What becomes of each signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table([Option<Signal>; 64]);

impl Default for Table {
    fn default() -> Self {
        Table(std::array::from_fn(|n| {
            i32::try_from(n + 1).ok().and_then(Signal::from_raw)
        }))
    }
}

fn all_signals() -> impl Iterator<Item = Signal> {
    (1..=64).filter_map(Signal::from_raw)
}

fn bit(signal: Signal) -> u64 {
    1 << (signal.as_raw() - 1)
}

impl Table {
    fn place(signal: Signal) -> usize {
        usize::try_from(signal.as_raw() - 1).unwrap_or_default() // signals begin at 1
    }

    pub(crate) fn get(&self, signal: Signal) -> Option<Signal> {
        self.0[Table::place(signal)]
    }

    pub(crate) fn set(&mut self, signal: Signal, becomes: Option<Signal>) {
        self.0[Table::place(signal)] = becomes;
    }
}

/// What becomes of a signal on its way in.
pub(super) struct Passed {
    /// What is heard inside.
    pub(super) heard: Option<Signal>,
    /// A layer has begun to hold back a stop, for so long.
    pub(super) holds: Option<(u64, Duration)>,
}

impl State {
    /// Lets a signal through the layers from this one on, and into the mailbox.
    pub(super) fn let_in(&mut self, signal: Signal, from: usize) -> Passed {
        let mut heard = Some(signal);
        let mut holds = None;
        if let Some(layers) = &mut self.layers {
            for layer in layers.stack.iter_mut().skip(from) {
                let Some(signal) = heard else { break };
                heard = layer.pass(signal, &mut holds); // Invariant 1
            }
        }
        if let (Some(mailbox), Some(heard)) = (&mut self.mailbox, heard) {
            mailbox.push(heard);
        }
        Passed { heard, holds }
    }

    /// Where nothing is pending, all notifications that have come were read: they do not go back with those that come now.
    /// Stop signals are kept: one that a layer holds back is pending nowhere.
    pub(super) fn forget_read(&mut self) {
        if let (Some(layers), Some(mailbox)) = (&mut self.layers, &mut self.mailbox)
            && mailbox.pending().is_empty()
        {
            let stops = all_signals().filter(|signal| signal.is_stop());
            let kept = stops.fold(0, |bits, stop| bits | bit(stop));
            for layer in &mut layers.stack {
                layer.came &= kept;
            }
        }
    }

    /// A stop has come, or was told by a layer.
    pub(super) fn told_inside(&self) -> bool {
        self.told() || self.any_layer(|layer| layer.told.is_some())
    }

    /// KILL has come, or was told by a layer.
    pub(super) fn killed_inside(&self) -> bool {
        self.killed() || self.any_layer(|layer| layer.told == Some(Signal::KILL))
    }

    /// The latest stop signal before KILL that has come or was told by a layer.
    pub(super) fn told_inside_before_kill(&self) -> Option<Signal> {
        let layers = self.layers.iter().flat_map(|layers| &layers.stack);
        let told = layers
            .filter_map(|layer| layer.told_before_kill)
            .next_back();
        self.told_before_kill.or(told)
    }

    /// When the stop is over, as far as has been said, also by a layer.
    pub(super) fn stop_end_inside(&self) -> Option<Limit> {
        let layers = self.layers.iter().flat_map(|layers| &layers.stack);
        layers.fold(self.stop_end(), |end, layer| Limit::earlier(end, layer.end))
    }

    fn any_layer(&self, is: impl Fn(&Layer) -> bool) -> bool {
        let layers = self.layers.as_ref();
        layers.is_some_and(|layers| layers.stack.iter().any(is))
    }

    fn place_of(&self, key: u64) -> Option<usize> {
        let stack = &self.layers.as_ref()?.stack;
        stack.iter().position(|layer| layer.key == key)
    }

    fn layer(&mut self, key: u64) -> Option<&mut Layer> {
        let stack = &mut self.layers.as_mut()?.stack;
        stack.iter_mut().find(|layer| layer.key == key)
    }
}

impl Layer {
    fn pass(&mut self, signal: Signal, holds: &mut Option<(u64, Duration)>) -> Option<Signal> {
        self.came |= bit(signal);
        let heard = match &mut self.hook {
            Hook::Pass => Some(signal),
            Hook::Map(table) => table.get(signal),
            Hook::Tap(tap) => {
                tap.push(signal);
                Some(signal)
            }
            Hook::Hold { delay, first, held } if signal.is_stop() => match *held {
                Held::Over => Some(signal),
                _ if signal == Signal::KILL => {
                    *held = Held::Over;
                    Some(signal)
                }
                before => {
                    *held = Held::This(signal);
                    if before == Held::Nothing {
                        *holds = Some((self.key, *delay));
                        return *first;
                    }
                    return None;
                }
            },
            Hook::Hold { .. } => Some(signal),
        };
        if let Some(heard) = heard.filter(|heard| heard.is_stop()) {
            self.was_told(heard);
        }
        heard
    }

    /// What goes to the mailbox around it, of what was not read: Invariant 3.
    fn hands_back(&self, unread: Vec<Signal>) -> Vec<Signal> {
        let came = |signal: &Signal| self.came & bit(*signal) != 0;
        let mut back = Vec::new();
        for signal in unread {
            match &self.hook {
                Hook::Map(table) => {
                    back.extend(all_signals().filter(|from| {
                        came(from)
                            && table.get(*from) == Some(signal)
                            && (from.is_stop() || !signal.is_stop())
                    }));
                }
                _ if came(&signal) => back.push(signal),
                _ => {}
            }
        }
        if let Hook::Hold {
            held: Held::This(signal),
            ..
        } = &self.hook
        {
            back.push(*signal);
        }
        back
    }

    fn was_told(&mut self, signal: Signal) {
        if self.told != Some(Signal::KILL) {
            self.told = Some(signal);
        }
        if signal != Signal::KILL {
            self.told_before_kill = Some(signal);
        }
    }
}

impl Core {
    /// A layer inside of those there are, and the signals that are heard in it: those that are pending pass it now.
    pub(in crate::process) fn enter_layer(self: &Arc<Self>, hook: Hook) -> (u64, Receiver<Signal>) {
        let mut inner = Mailbox::default();
        let signals = inner.receiver();
        let mut state = self.state.lock();
        let layers = state.layers.get_or_insert_default();
        let (key, place) = (layers.next, layers.stack.len());
        layers.next += 1;
        layers.stack.push(Layer {
            key,
            hook,
            came: 0,
            told: None,
            told_before_kill: None,
            end: None,
            timers: Vec::new(),
        });
        let mut outer = state.mailbox.replace(inner);
        let mut pending = Mailbox::default();
        if let Some(outer) = &mut outer {
            pending.take_from(outer);
        }
        state.outer.extend(outer);
        let mut holds = None;
        for signal in pending.pending() {
            holds = holds.or(state.let_in(signal, place).holds);
        }
        drop(state);
        self.hold(holds);
        (key, signals)
    }

    /// Leaves the innermost layer.
    pub(in crate::process) fn leave_layer(&self) {
        let mut state = self.state.lock();
        let layers = state.layers.as_mut();
        let layer = layers.and_then(|layers| layers.stack.pop());
        let inner = state.mailbox.take();
        state.mailbox = state.outer.pop();
        if let (Some(outer), Some(mut inner), Some(layer)) = (&mut state.mailbox, inner, &layer) {
            for signal in layer.hands_back(inner.pending()) {
                outer.push(signal);
            }
        }
        drop(state);
        drop(layer); // its timers, under no lock
    }

    /// Tells what runs inside a layer, and nothing around it; says whether the layer was still there.
    pub(in crate::process) fn tell_inside(
        self: &Arc<Self>,
        key: u64,
        signal: Signal,
        end: Option<Limit>,
    ) -> bool {
        let mut state = self.state.lock();
        state.forget_read();
        let Some(layer) = state.layer(key) else {
            return false; // Invariant 4
        };
        if signal.is_stop() {
            layer.was_told(signal);
            layer.end = Limit::earlier(layer.end, end);
        } else {
            layer.came |= bit(signal); // Invariant 3: it goes on to what is run next
        }
        let place = state.place_of(key).map_or(0, |place| place + 1);
        self.let_in_and_tell(state, signal, place);
        true
    }

    /// Stops what runs inside a layer: this signal now, KILL in time, and giving up the process at the end, unless the
    /// layer is left before. The timer must have been started.
    pub(in crate::process) fn stop_inside(
        self: &Arc<Self>,
        key: u64,
        signal: Signal,
        deadline: Deadline,
    ) {
        if self.tell_inside(key, signal, Some(deadline.end)) {
            self.see_to_end_inside(key, signal != Signal::KILL, deadline);
        }
    }

    /// What was told to stop inside a layer before is over by then: KILL in time, and giving up as `stop_inside` does.
    pub(in crate::process) fn end_stop_inside(self: &Arc<Self>, key: u64, deadline: Deadline) {
        let mut state = self.state.lock();
        let Some(layer) = state.layer(key) else {
            return; // Invariant 4
        };
        layer.end = Limit::earlier(layer.end, Some(deadline.end));
        drop(state);
        self.see_to_end_inside(key, true, deadline);
    }

    fn see_to_end_inside(self: &Arc<Self>, key: u64, kill: bool, deadline: Deadline) {
        if kill {
            self.in_layer(key, deadline.kill_at, move |core| {
                core.tell_inside(key, Signal::KILL, None);
            });
        }
        self.in_layer(key, deadline.end.end, move |core| {
            core.give_up_if(|state| state.place_of(key).is_some()); // Invariant 4
        });
    }

    /// A layer holds back a stop.
    pub(super) fn hold(self: &Arc<Self>, holds: Option<(u64, Duration)>) {
        let Some((key, delay)) = holds else { return };
        // One that is held for longer than time goes waits for KILL.
        if let Some(at) = self.clock.deadline(delay) {
            self.in_layer(key, at, move |core| core.release(key));
        }
    }

    /// Runs `action` at `at`, unless the layer is left before.
    fn in_layer(
        self: &Arc<Self>,
        key: u64,
        at: Instant,
        action: impl FnOnce(&Arc<Core>) + Send + 'static,
    ) {
        let weak = Arc::downgrade(self);
        let run = move || {
            if let Some(core) = weak.upgrade() {
                action(&core);
            }
        };
        let timer = self.clock.schedule(at, Box::new(run));
        let mut state = self.state.lock();
        match state.layer(key) {
            Some(layer) => layer.timers.push(timer),
            None => {
                drop(state);
                drop(timer); // under no lock
            }
        }
    }

    /// The time is over for which a layer has held back a stop.
    fn release(self: &Arc<Self>, key: u64) {
        let mut state = self.state.lock();
        let Some(layer) = state.layer(key) else {
            return; // Invariant 4
        };
        let Hook::Hold { held, .. } = &mut layer.hook else {
            return;
        };
        let Held::This(signal) = mem::replace(held, Held::Over) else {
            return; // KILL has come
        };
        layer.was_told(signal);
        let place = state.place_of(key).map_or(0, |place| place + 1);
        self.let_in_and_tell(state, signal, place);
    }

    /// Lets a signal in that comes from a layer.
    fn let_in_and_tell(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        signal: Signal,
        from: usize,
    ) {
        let passed = state.let_in(signal, from);
        let told = state.told_inside();
        let watchers = told.then(|| state.watchers.take());
        let end = state.stop_end_inside();
        drop(state);
        drop(watchers); // which tells them
        self.changed.notify_all();
        if let Some(heard) = passed.heard {
            self.pass_on(heard, end);
        }
        self.hold(passed.holds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_leaves_every_signal_as_it_is_until_it_is_told_otherwise() {
        let mut table = Table::default();
        let all = || (1..=64).filter_map(Signal::from_raw);
        assert!(all().all(|signal| table.get(signal) == Some(signal)));
        table.set(Signal::HANGUP, None);
        table.set(Signal::USER1, Some(Signal::TERMINATE));
        let changed: Vec<_> = all()
            .filter(|signal| table.get(*signal) != Some(*signal))
            .collect();
        assert_eq!(changed, [Signal::HANGUP, Signal::USER1]);
        assert_eq!(table.get(Signal::USER1), Some(Signal::TERMINATE));
    }
}
