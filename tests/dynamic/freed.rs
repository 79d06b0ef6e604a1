//! What a group leaves behind: nothing.

use std::fmt;

use ifrit::crossbeam_channel::{Sender, bounded};
use ifrit::testing::{PATIENCE, Waiting};
use ifrit::{grouper::Member, run_once};

use crate::kit::{both, start, unlimited};

/// An error that tells by disconnection when it is gone.
struct Held(#[expect(dead_code, reason = "its end is the news")] Sender<()>);

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("held")
    }
}

impl std::error::Error for Held {}

#[test]
fn a_group_that_is_gone_keeps_none_of_its_events() {
    for group in both(unlimited) {
        let (client, group) = start(group);
        let (held, gone) = bounded(0);
        let member = run_once(move |_, ready| {
            ready.notify();
            Err(Held(held).into())
        });
        let process = client.insert(Member::new("a", member)).unwrap();
        assert!(process.expect_exit().is_err());
        client.close();
        assert!(group.expect_exit().is_err());
        drop((client, group, process));
        assert!(gone.recv_timeout(PATIENCE).unwrap_err().is_disconnected());
    }
}
