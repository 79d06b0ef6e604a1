//! A scene, played by the model and by the real tree.

use std::fmt::Write;
use std::time::{Duration, Instant};

use ifrit::testing::{PATIENCE, Waiting};
use ifrit::{Exit, Signal};

use super::real::Real;
use super::scene::{Drawn, Event, Node, ROOT, Scene};
use super::world::{Move, Time, World};
use crate::kit::{How, SECOND};

struct Drive {
    /// All that agree with what has been seen so far. More than one, where threads may take turns as they like and it
    /// cannot yet be seen how they did.
    worlds: Vec<World>,
    real: Real,
    /// What has happened.
    story: String,
    /// How long the real tree may take to look like the model's.
    patience: Duration,
}

/// In how many orders in a row a world is looked at without anything new before that counts as all there is.
const THOROUGH: usize = 200;
const FEW: usize = 10;
/// How long the real tree may take before the model is asked for more.
const LITTLE: Duration = Duration::from_secs(10);
/// Between two looks at the real tree.
const SHORT: Duration = Duration::from_micros(20);
const LONG: Duration = Duration::from_millis(5);

/// All that can come of these.
fn outcomes(worlds: &[World], orders: usize) -> Vec<World> {
    let mut outcomes: Vec<World> = Vec::new();
    for outcome in worlds.iter().flat_map(|world| world.outcomes(orders)) {
        if !outcomes.contains(&outcome) {
            outcomes.push(outcome);
        }
    }
    outcomes
}

type Played = Result<(), String>;

/// Lets it all happen. The error tells what did, and where the real tree does not do what the model says.
pub(super) fn play(scene: &Scene, patience: Duration) -> Played {
    let mut drive = Drive::new(&scene.root, &scene.root, patience);
    let played = drive.all_of(scene);
    played.map_err(|why| {
        let root = Drawn(ROOT.to_owned(), &scene.root);
        let story = &drive.story;
        format!("{root}\n  what happened:{story}\n  {why}")
    })
}

/// Whether the model sees that the real tree is another one.
pub(super) fn tells_apart(scene: &Scene, real: &Node) -> bool {
    Drive::new(&scene.root, real, SECOND).all_of(scene).is_err()
}

/// What the events have told of a scene, the exit of the root, and how it went.
pub(super) fn heard(scene: &Scene) -> (Real, Exit, Vec<World>) {
    let mut drive = Drive::new(&scene.root, &scene.root, PATIENCE);
    drive.all_of(scene).unwrap();
    let exit = drive.real.process.expect_exit();
    (drive.real, exit, drive.worlds)
}

impl Drive {
    fn new(model: &Node, real: &Node, patience: Duration) -> Self {
        Drive {
            worlds: World::new(model).outcomes(THOROUGH),
            real: Real::new(&World::new(real)),
            story: String::new(),
            patience,
        }
    }

    fn all_of(&mut self, scene: &Scene) -> Played {
        self.agree(self.patience)?;
        if scene.up {
            while let Some(ready) = self.model().resolve(&Event::Ready(0)) {
                self.happens(ready)?;
            }
        }
        for event in &scene.events {
            if self.is_over() {
                break;
            }
            match event {
                Event::Passes(seconds) => {
                    self.passes_until(self.model().now + *seconds * SECOND)?
                }
                Event::UntilDue => {
                    if let Some(due) = self.next_due() {
                        self.passes_until(due)?;
                    }
                }
                event => {
                    if let Some(resolved) = self.model().resolve(event) {
                        self.happens(resolved)?;
                    }
                }
            }
        }
        self.end()
    }

    fn model(&self) -> &World {
        &self.worlds[0]
    }

    fn is_over(&self) -> bool {
        self.model().nodes[0].process.exit.is_some()
    }

    fn next_due(&self) -> Option<Time> {
        self.worlds.iter().filter_map(World::next_due).min()
    }

    fn happens(&mut self, made: Move) -> Played {
        let _ = write!(self.story, "\n    {}", self.model().tells(&made));
        for world in &mut self.worlds {
            world.make(&made);
        }
        self.real.next_move();
        self.real.make(&made, &self.worlds[0]);
        self.follow()
    }

    /// Time passes from one thing that is due to the next.
    fn passes_until(&mut self, until: Time) -> Played {
        loop {
            let now = self.model().now;
            let next = self.next_due().map_or(until, |due| due.min(until));
            if let Some(leaf) = self.model().caught_between(next) {
                // It returns just before.
                self.happens(Move::Ends(leaf, How::Ok))?;
                if self.is_over() {
                    return Ok(());
                }
                continue;
            }
            let _ = write!(self.story, "\n    {:?} pass, it is {next:?}", next - now);
            for world in &mut self.worlds {
                world.now = next;
            }
            self.real.next_move();
            self.real.clock.advance(next - now);
            self.follow()?;
            if next == until || self.is_over() {
                return Ok(());
            }
        }
    }

    /// Where many worlds are possible, each is looked at less: some scenes would take minutes else. If that was not enough
    /// to find the one that the real tree has taken, all are looked at thoroughly.
    fn follow(&mut self) -> Played {
        let before = std::mem::take(&mut self.worlds);
        let orders = (THOROUGH / before.len()).max(FEW);
        self.worlds = outcomes(&before, orders);
        let agreed = self.agree(self.patience.min(LITTLE));
        if agreed.is_ok() {
            return agreed;
        }
        if orders < THOROUGH {
            self.worlds = outcomes(&before, THOROUGH);
        }
        self.agree(self.patience)
    }

    /// Waits until the real tree looks like one of the model's.
    ///
    /// No event tells that all of a tree is at rest, so it looks again and again. In between it sleeps, longer each time:
    /// what it waits for needs the core.
    fn agree(&mut self, patience: Duration) -> Played {
        let expected: Vec<_> = self.worlds.iter().map(World::seen).collect();
        let begun = Instant::now();
        let mut pause = SHORT;
        loop {
            let mut seen = self.real.look(&self.worlds[0]);
            if expected.contains(&seen) {
                self.real.pass_through();
                seen = self.real.look(&self.worlds[0]);
                let mut worlds = self.worlds.iter().zip(&expected);
                if worlds.any(|(world, expected)| *expected == seen && self.real.pauses(world)) {
                    let mut agrees = expected.iter().map(|expected| *expected == seen);
                    self.worlds.retain(|_| agrees.next() == Some(true));
                    return Ok(());
                }
            }
            if begun.elapsed() > patience {
                return Err(format!("expected: {expected:?}\n  but: {seen:?}"));
            }
            std::thread::sleep(pause);
            pause = LONG.min(2 * pause);
        }
    }

    /// Stops what still runs, compares the exit of the root, ends what was given up, and compares what the events have told.
    fn end(&mut self) -> Played {
        if !self.is_over() {
            self.happens(Move::Told(Signal::TERMINATE))?;
        }
        while !self.is_over() {
            let world = self.model();
            let told = (0..world.nodes.len()).rfind(|n| world.is_told_leaf(*n));
            if let Some(leaf) = told {
                self.happens(Move::Ends(leaf, How::Ok))?;
            } else if let Some(due) = self.next_due() {
                self.passes_until(due)?;
            } else {
                return Err(format!("no move ends it: {:?}", world.seen()));
            }
        }
        let exit = self.real.process.try_exit();
        let exit = exit.ok_or("the root has no exit")?;
        let exit_in = |world: &World| world.nodes[0].process.exit.clone();
        let exits: Vec<_> = self.worlds.iter().filter_map(exit_in).collect();
        let agrees = |world: &World| exit_in(world).is_some_and(|expected| expected.is(&exit));
        self.worlds.retain(agrees);
        if self.worlds.is_empty() {
            let exit = exit.err().map(|error| error.to_string());
            return Err(format!("expected: {exits:?}\n  but: {exit:?}"));
        }
        while let Some(late) = self.model().resolve(&Event::Ends(0, How::Ok)) {
            self.happens(late)?;
        }
        self.real.heard.listen();
        self.real.heard.check(&exit, &self.worlds)
    }
}
