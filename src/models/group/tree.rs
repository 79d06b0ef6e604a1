//! The tree, looked at while a group starts its members, restarts one and stops: each member is in it once, in order.

use super::*;
use crate::grouper::{Group, Order};
use crate::process::Status;
use crate::restart::{Backoff, Restart};

/// What the tree shows of the members of a group, if it shows the group.
fn members(group: &str) -> Option<Vec<(String, Status)>> {
    let tree = crate::tree();
    let group = tree.find(|node| node.name == group)?;
    let members = group.children.iter();
    Some(
        members
            .map(|node| (node.name.clone(), node.status))
            .collect(),
    )
}

/// Looks at its group while it runs: the next one is still to be started. It fails the first time.
struct Looks(usize);

impl Runner for Looks {
    fn run(&mut self, signals: Receiver<Signal>, ready: ReadySender) -> Result<()> {
        on_its_own();
        let seen = members("group").unwrap_or_default();
        let next = ("next".to_owned(), Status::Waiting);
        let names: Vec<_> = seen.iter().map(|(name, _)| &**name).collect();
        require(names == ["looks", "next"], "each member is there once");
        require(seen.contains(&next), "the next one is waiting");
        self.0 += 1;
        if self.0 == 1 {
            return Err("broken".into());
        }
        ready.notify();
        until_stop(&signals);
        Ok(())
    }
}

fn looked_at<O: Order>() {
    let next = Worker::new("next", Habit::Idle, &Log::default());
    let restart = Restart::permanent().from_the_start();
    let members_of_it = [
        Member::new("looks", Looks(0)).restart(restart.backoff(Backoff::constant(SECOND))),
        next.member(),
    ];
    let group = Group::<O>::new(members_of_it);
    let group = crate::Process::builder().name("group").background(group);
    go(|| {
        for _ in 0..3 {
            // At any step: a member may be missing for a moment, and none is there twice or out of order.
            let seen = members("group").unwrap_or_default();
            let names: Vec<_> = seen.iter().map(|(name, _)| &**name).collect();
            let in_order = names.is_sorted_by(|one, next| one < next);
            require(in_order, "no member is there twice");
        }
    });
    if group.wait_ready().is_ok() {
        let seen = members("group").unwrap_or_default();
        let up = [("looks", Status::Ready), ("next", Status::Ready)];
        let up = up.map(|(name, status)| (name.to_owned(), status));
        require(seen == up, "when all are up, the tree shows that");
    }
    group.signal(Signal::TERMINATE);
    let _ = group.join();
}

#[test]
fn the_tree_has_each_member_once_at_any_step() {
    let model = looked_at::<crate::grouper::order::Stack>;
    check("group, looked at", Schedules::Some, model);
}

#[test]
fn a_group_that_does_not_let_its_members_wait_is_found() {
    let model = looked_at::<crate::grouper::order::Together>;
    fails("each member is there once", Schedules::Some, model);
}
