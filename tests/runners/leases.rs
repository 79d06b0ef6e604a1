//! Leases for tests: one that is given and taken by hand, and a row of a table that must be renewed.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ifrit::crossbeam_channel::{Receiver, Sender, select, unbounded};
use ifrit::runners::{Claim, Lease};
use ifrit::testing::PATIENCE;

use crate::kit::*;

/// What the hand does to the lease.
pub(crate) enum Do {
    Give(u64),
    Fail(&'static str),
    Fatal(&'static str),
    Panic(&'static str),
    /// The lease says that it waits for this.
    Wait(&'static str),
    /// It returns that there is nothing (more) to hold.
    Return,
    /// It blocks and hears no signal, until something more is done.
    Block,
}

/// The hand that gives the lease; it sees what is called.
pub(crate) struct Hand {
    act: Sender<Do>,
    calls: Receiver<String>,
    pub(crate) bad_release: Arc<Mutex<Option<Do>>>,
}

pub(crate) struct ByHand {
    acts: Receiver<Do>,
    calls: Sender<String>,
    bad_release: Arc<Mutex<Option<Do>>>,
}

pub(crate) fn by_hand() -> (ByHand, Hand) {
    let (act, acts) = unbounded();
    let (call, calls) = unbounded();
    let bad_release = Arc::default();
    let hand = Hand {
        act,
        calls,
        bad_release: Arc::clone(&bad_release),
    };
    let lease = ByHand {
        acts,
        calls: call,
        bad_release,
    };
    (lease, hand)
}

impl Hand {
    pub(crate) fn act(&self, act: Do) {
        self.act.send(act).unwrap();
    }

    /// The next call of the lease.
    #[track_caller]
    pub(crate) fn call(&self) -> String {
        self.calls.recv_timeout(PATIENCE).expect("a call")
    }

    /// Panics unless these are the next calls.
    #[track_caller]
    pub(crate) fn expect(&self, calls: &[&str]) {
        for call in calls {
            assert_eq!(self.call(), *call);
        }
    }

    /// The calls that nothing has looked at.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.try_iter().collect()
    }
}

impl ByHand {
    fn call(&self, call: impl Into<String>) {
        let _ = self.calls.send(call.into());
    }

    /// The next thing done; `None` after a stop.
    fn next(&self, claim: &Claim<'_>) -> Option<Do> {
        loop {
            select! {
                recv(self.acts) -> act => return Some(act.expect("the hand is there")),
                recv(claim.signals()) -> signal => match signal {
                    Ok(signal) if !signal.is_stop() => {}
                    _ => return None,
                },
            }
        }
    }

    fn done(act: Do) -> ifrit::Result<()> {
        match act {
            Do::Fail(why) => Err(why.into()),
            Do::Fatal(why) => Err(ifrit::fatal(why)),
            Do::Panic(why) => panic!("{why}"),
            _ => Ok(()),
        }
    }
}

impl Lease for ByHand {
    type Token = u64;

    fn name(&self) -> String {
        "the seal".to_owned()
    }

    fn acquire(&mut self, claim: &Claim<'_>) -> ifrit::Result<Option<u64>> {
        self.call("acquire");
        loop {
            match self.next(claim) {
                None | Some(Do::Return) => return Ok(None),
                Some(Do::Give(token)) => return Ok(Some(token)),
                Some(Do::Wait(what)) => claim.waits_for(what),
                Some(Do::Block) => match self.acts.recv()? {
                    Do::Give(token) => return Ok(Some(token)),
                    act => ByHand::done(act)?,
                },
                Some(act) => ByHand::done(act)?,
            }
        }
    }

    fn keep(&mut self, token: &u64, claim: &Claim<'_>) -> ifrit::Result<()> {
        self.call(format!("keep {token}"));
        let result = match self.next(claim) {
            None => Ok(()),
            Some(Do::Block) => ByHand::done(self.acts.recv()?),
            Some(act) => ByHand::done(act),
        };
        self.call("kept");
        result
    }

    fn release(&mut self, token: u64) -> ifrit::Result<()> {
        self.call(format!("release {token}"));
        let bad = self.bad_release.lock().unwrap().take();
        bad.map_or(Ok(()), ByHand::done)
    }
}

/// How long the lease of a row lasts, and how often it is renewed.
pub(crate) const LASTS: Duration = Duration::from_secs(60);
pub(crate) const EVERY: Duration = Duration::from_secs(10);

/// A row of a table: who holds it until when, and how often it was held.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) holder: Option<(&'static str, Instant)>,
    pub(crate) epoch: u64,
    pub(crate) renewals: usize,
    /// It cannot be reached.
    pub(crate) down: bool,
}

pub(crate) type Table = Arc<Mutex<Row>>;

/// One that wants the row.
pub(crate) struct Candidate {
    pub(crate) who: &'static str,
    pub(crate) table: Table,
    pub(crate) lasts: Duration,
}

impl Candidate {
    pub(crate) fn new(who: &'static str, table: &Table) -> Self {
        Candidate {
            who,
            table: Arc::clone(table),
            lasts: LASTS,
        }
    }
}

impl Lease for Candidate {
    type Token = u64;

    fn name(&self) -> String {
        "the row".to_owned()
    }

    fn acquire(&mut self, claim: &Claim<'_>) -> ifrit::Result<Option<u64>> {
        loop {
            let before = claim.now();
            {
                let mut row = self.table.lock().unwrap();
                match row.holder {
                    _ if row.down => claim.waits_for("the table"),
                    Some((other, end)) if end > before => claim.waits_for(other),
                    _ => {
                        row.holder = Some((self.who, before + self.lasts));
                        row.epoch += 1;
                        claim.lasts_until(before + self.lasts);
                        return Ok(Some(row.epoch));
                    }
                }
            }
            if !claim.pause(SECOND) {
                return Ok(None);
            }
        }
    }

    fn keep(&mut self, epoch: &u64, claim: &Claim<'_>) -> ifrit::Result<()> {
        while claim.pause(EVERY) {
            let before = claim.now();
            let mut row = self.table.lock().unwrap();
            row.renewals += 1;
            if row.down {
                continue; // the next one may succeed
            }
            if row.epoch != *epoch {
                return Err(format!("epoch {} has begun", row.epoch).into());
            }
            row.holder = Some((self.who, before + self.lasts));
            claim.lasts_until(before + self.lasts);
        }
        Ok(())
    }

    fn release(&mut self, epoch: u64) -> ifrit::Result<()> {
        let mut row = self.table.lock().unwrap();
        if row.epoch == epoch {
            row.holder = None;
        }
        Ok(())
    }
}

/// Moves the clock from time to time on, until so much has passed. What waits for each renewal has begun to.
pub(crate) fn pass(clock: &ifrit::testing::ManualClock, timers: usize, time: Duration) {
    let end = clock.now() + time;
    while clock.now() < end {
        clock.wait_for_timers(timers);
        clock.advance(SECOND.min(end - clock.now()));
    }
}
