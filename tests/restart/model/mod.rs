//! Random scenes on trees of groups and restarters, against a model of them.
//!
//! After each event the model says how the tree must look: who runs and how often it was started, who was told what in
//! which order, who is ready, where each member stands, and who was answered what. The test waits until the real tree
//! looks like that, and goes on. At the end the exit of the root is compared: who has exited, in which order, with what
//! and why; and so are the events of the whole tree, with that exit and with what the model has started, restarted and
//! stopped. A failure shrinks to the shortest scene that shows it, and prints that.
//!
//! `IFRIT_STRESS=100 cargo test --test restart model` plays a hundred times as many.

mod apart;
mod build;
mod drive;
mod heard;
mod random;
mod real;
mod scene;
mod seen;
mod world;

use std::cell::Cell;

use ifrit::testing::PATIENCE;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::kit::{SECOND, stress};
use random::Shape;

fn agrees(shape: Shape) {
    let config = Config {
        cases: stress(300) as u32,
        failure_persistence: None,
        max_shrink_iters: 500,
        ..Config::default()
    };
    // Once a scene has failed, those that shorten it get less time: a wrong verdict does no more than keep it longer.
    let patience = Cell::new(PATIENCE);
    let outcome = TestRunner::new(config).run(&random::scene(shape), |scene| {
        drive::play(&scene, patience.get()).map_err(|why| {
            patience.set(SECOND);
            TestCaseError::fail(why)
        })
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn a_group_does_what_the_model_says() {
    agrees(Shape {
        depth: 1,
        restarts: 0.6,
    });
}

#[test]
fn a_group_of_groups_does_what_the_model_says() {
    agrees(Shape {
        depth: 2,
        restarts: 0.4,
    });
}

#[test]
fn a_deep_tree_does_what_the_model_says() {
    agrees(Shape {
        depth: 4,
        restarts: 0.25,
    });
}
