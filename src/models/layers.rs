//! Layers: wrappers that hold back a stop, or make one of something else, while the runner inside ends at any step.
//!
//! A stop is not lost on its way in or out, wherever the end of the layer comes; and what only a layer has told is not
//! heard around it.

use super::*;
use crate::error::Result;
use crate::process::builder::background;
use crate::ready::{ReadySender, ready_channel};
use crate::runner::{Runner, run_fn, until_stop};
use crate::runners::{Delay, MapSignals};
use crate::signal::Signal;
use crate::sync::channel::Receiver;

/// Runs `inner` in a process, and waits for a stop around it then. It must have been sent.
fn around(mut inner: impl Runner + 'static, first: Signal, stop: Signal) {
    let told = Flag::default();
    let sent = told.clone();
    let outer = run_fn(
        move |signals: Receiver<Signal>, _: ReadySender| -> Result<()> {
            on_its_own();
            inner.run(signals.clone(), ready_channel().0)?;
            let heard = until_stop(&signals);
            require(sent.is_up(), "a stop around it that was not sent");
            require(heard == stop, "another stop than was sent");
            Ok(())
        },
    );
    let process = background(outer);
    let sender = process.clone();
    go(move || {
        sender.signal(first);
        told.raise();
        sender.signal(stop);
    });
    assert!(process.join().is_ok());
}

/// Ends with the first signal, while the stop is on its way, held back, or has been let through.
fn held() {
    let ends = run_fn(|signals: Receiver<Signal>, _| {
        on_its_own();
        let _ = signals.recv();
        Ok(())
    });
    around(Delay::new(ends, SECOND), Signal::HANGUP, Signal::TERMINATE);
}

/// Ends with a stop that was made of a notification.
fn mapped() {
    let ends = run_fn(|signals: Receiver<Signal>, _| {
        on_its_own();
        until_stop(&signals);
        Ok(())
    });
    let maps = MapSignals::new(ends).map(Signal::USER1, Signal::TERMINATE);
    around(maps, Signal::USER1, Signal::QUIT);
}

/// Ends without a look at the stop that was made of a notification.
fn unread() {
    let ends = run_fn(|_, _| {
        on_its_own();
        Ok(())
    });
    let maps = MapSignals::new(ends).map(Signal::USER1, Signal::TERMINATE);
    around(maps, Signal::USER1, Signal::QUIT);
}

/// A stop that is held back is let through, or KILL comes before.
fn let_through() {
    let waits = run_fn(|signals: Receiver<Signal>, _| {
        on_its_own();
        until_stop(&signals);
        Ok(())
    });
    let process = background(Delay::new(waits, SECOND));
    let sender = process.clone();
    go(move || sender.signal(Signal::TERMINATE));
    assert!(process.join().is_ok());
}

#[test]
fn a_stop_that_is_held_back_is_heard_inside_or_around() {
    check("layers, held back", Schedules::Interrupting(2), held);
    check("layers, held back", Schedules::Some, held);
    check("layers, let through", Schedules::Some, let_through);
}

#[test]
fn a_stop_that_a_layer_has_made_is_not_heard_around() {
    for (name, model) in [
        ("layers, mapped", mapped as fn()),
        ("layers, unread", unread),
    ] {
        check(name, Schedules::Interrupting(2), model);
        check(name, Schedules::Some, model);
    }
}

#[test]
fn a_layer_that_is_not_left_in_one_step_is_found() {
    let place = "fn leave_layer(&self) > self.state.lock()";
    let broken = (Fault::Torn, "src/process/core/layers.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, held);
}

#[test]
fn a_layer_that_is_not_entered_in_one_step_is_found() {
    let place = "fn enter_layer( > self.state.lock()";
    let broken = (Fault::Torn, "src/process/core/layers.rs", place);
    let whys = ["another stop than was sent", DEADLOCK];
    finds_any(&whys, broken, Schedules::Some, unread);
}
