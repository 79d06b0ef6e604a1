//! Runners that keep the contract, and runners that break it in every way there is.

use std::convert::Infallible;
use std::fmt;
use std::panic::panic_any;
use std::sync::atomic::{AtomicU64, Ordering};

use ifrit::crossbeam_channel::{Receiver, Sender};
use ifrit::{
    ReadySender, Result, Runner, Signal,
    grouper::{Members, Parallel},
    run_fn, until_stop,
};

use crate::dice::Dice;

/// How many runs there have been of the runners here.
pub(crate) static LIVES: AtomicU64 = AtomicU64::new(0);

/// What every panic here says.
pub(crate) const TOLD: &str = "as told";

/// What happens in a run.
#[derive(Clone, Copy, Debug)]
enum Deed {
    EndsAtOnce,
    /// Told to stop.
    Waits,
    /// At any signal.
    EndsAtASignal,
    HearsOnlyKill,
    /// Until the scene is over.
    HearsNothing,
    LeaksReady,
    DropsSignals,
    StartsOthers,
    LeavesAnOrphan,
    SignalsItself,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Ok,
    Error,
    Panic,
    /// With an error whose destructor panics.
    Bomb,
}

#[derive(Debug)]
struct Bomb;

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bomb")
    }
}

impl std::error::Error for Bomb {}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_any(TOLD);
    }
}

/// What a scene lends to its runners.
#[derive(Clone)]
pub(crate) struct Stage {
    /// Disconnected when the scene is over.
    pub(crate) over: Receiver<Infallible>,
    /// Where leaked ready senders go.
    pub(crate) leaks: Sender<ReadySender>,
}

pub(crate) struct Leaf {
    stage: Stage,
    deeds: Vec<(Deed, End)>,
    runs: usize,
}

impl Leaf {
    /// A runner with a few deeds, one for each of its runs, and then from the first again.
    pub(crate) fn new(dice: &mut Dice, stage: &Stage) -> Self {
        let deed = |dice: &mut Dice| match dice.roll(24) {
            0..4 => Deed::EndsAtOnce,
            4..14 => Deed::Waits,
            14..16 => Deed::EndsAtASignal,
            16 => Deed::HearsOnlyKill,
            17 => Deed::HearsNothing,
            18 => Deed::LeaksReady,
            19 => Deed::DropsSignals,
            20 => Deed::StartsOthers,
            21 => Deed::LeavesAnOrphan,
            _ => Deed::SignalsItself,
        };
        let end = |dice: &mut Dice| match dice.roll(16) {
            0..9 => End::Ok,
            9..13 => End::Error,
            13..15 => End::Panic,
            _ => End::Bomb,
        };
        let deeds = (0..=dice.roll(3)).map(|_| (deed(dice), end(dice)));
        Leaf {
            deeds: deeds.collect(),
            stage: stage.clone(),
            runs: 0,
        }
    }
}

impl Runner for Leaf {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result {
        LIVES.fetch_add(1, Ordering::Relaxed);
        let (deed, end) = self.deeds[self.runs % self.deeds.len()];
        self.runs += 1;
        self.act(deed, signals, ready);
        match end {
            End::Ok => Ok(()),
            End::Error => Err("failed, as told".into()),
            End::Panic => panic_any(TOLD),
            End::Bomb => Err(Bomb.into()),
        }
    }
}

impl Leaf {
    fn act(&self, deed: Deed, signals: Receiver<Signal>, ready: ReadySender) {
        match deed {
            Deed::EndsAtOnce => {}
            Deed::Waits => {
                ready.notify();
                until_stop(&signals);
            }
            Deed::EndsAtASignal => {
                ready.notify();
                let _ = signals.recv();
            }
            Deed::HearsOnlyKill => {
                ready.notify();
                signals.iter().find(|signal| *signal == Signal::KILL);
            }
            Deed::HearsNothing => {
                ready.notify();
                let _ = self.stage.over.recv();
            }
            Deed::LeaksReady => {
                let _ = self.stage.leaks.send(ready);
                until_stop(&signals);
            }
            Deed::DropsSignals => {
                drop(signals);
                ready.notify();
            }
            Deed::StartsOthers => {
                let others = Members::new().add("one", simple()).add("two", simple());
                let others = ifrit::invoke(Parallel::new(others));
                ready.notify();
                until_stop(&signals);
                others.signal(Signal::TERMINATE);
                let _ = others.join();
            }
            Deed::LeavesAnOrphan => {
                let orphan = ifrit::background(simple());
                orphan.signal(Signal::TERMINATE);
                ready.notify();
            }
            Deed::SignalsItself => {
                ready.notify();
                let me = ifrit::current().expect("a thread of ours");
                for signal in [Signal::HANGUP, Signal::USER1, Signal::TERMINATE] {
                    me.signal(signal);
                }
                until_stop(&signals);
            }
        }
    }
}

fn simple() -> impl Runner {
    run_fn(|signals, ready| {
        LIVES.fetch_add(1, Ordering::Relaxed);
        ready.notify();
        until_stop(&signals);
        Ok(())
    })
}
