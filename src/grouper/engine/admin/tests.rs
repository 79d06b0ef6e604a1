//! What only shows when an addition is known to have arrived while its caller still waits.

use super::*;
use crate::grouper::Ordered;
use crate::signal::Signal;
use crate::testing::{FakeRunner, PATIENCE, Waiting};

type Answer = Receiver<Result<Process, Refusal>>;

impl Admin {
    /// As `add`, without waiting. Whatever is asked after it is answered after it was heard.
    fn begin_to_add(&self, name: &str, fake: &FakeRunner) -> Answer {
        let (reply, answer) = bounded(1);
        let addition = Addition {
            member: Member::new(name, fake.clone()),
            unready: Vec::new(),
            reply,
        };
        assert!(self.0.send(Command::Add(Box::new(addition))).is_ok());
        answer
    }
}

fn fakes<const N: usize>() -> [FakeRunner; N] {
    std::array::from_fn(|_| FakeRunner::new())
}

/// A group of "a", "b" and "c" that is still starting "a".
fn starting([a, b, c]: &[FakeRunner; 3]) -> (Process, Admin) {
    let members = [("a", a), ("b", b), ("c", c)];
    let group = Ordered::new(members.map(|(name, fake)| Member::new(name, fake.clone())));
    let admin = group.admin();
    (crate::background(group), admin)
}

fn stop(process: &Process, fakes: &[&FakeRunner]) {
    process.signal(Signal::TERMINATE);
    fakes.iter().for_each(|fake| fake.ensure_exit());
    process.expect_exit().unwrap();
}

#[test]
fn an_added_member_does_not_take_the_turn_of_a_removed_one() {
    let (fakes, new) = (fakes(), FakeRunner::new());
    let [a, _, c] = &fakes;
    let (process, admin) = starting(&fakes);
    let first = a.wait_for_call();
    drop(admin.remove("b").unwrap());
    let answer = admin.begin_to_add("new", &new);
    assert_eq!(admin.list().unwrap().len(), 3);

    first.trigger_ready();
    let third = c.wait_for_call();
    assert_eq!(new.calls(), 0);
    third.trigger_ready();
    new.wait_for_call().trigger_ready();
    answer
        .recv_timeout(PATIENCE)
        .unwrap()
        .unwrap()
        .expect_ready();
    process.expect_ready();
    stop(&process, &[a, c, &new]);
}

#[test]
fn a_member_whose_addition_waits_cannot_be_sent_away() {
    let (fakes, new) = (fakes(), FakeRunner::new());
    let (process, admin) = starting(&fakes);
    let first = fakes[0].wait_for_call();
    let answer = admin.begin_to_add("new", &new);
    assert_eq!(admin.remove("new").unwrap_err().reason(), Reason::Running);
    assert_eq!(
        admin.terminate("new").unwrap_err().reason(),
        Reason::Running
    );

    process.signal(Signal::TERMINATE);
    assert_eq!(first.wait_for_signal(), Signal::TERMINATE);
    let refused = answer.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert_eq!(refused.reason(), Reason::Closed);
    assert_eq!(refused.into_member().unwrap().name(), "new");
    first.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
    assert_eq!(new.calls(), 0);
}
