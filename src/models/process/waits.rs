//! Processes that wait for each other: of the waits that make a circle, one is refused, and so all of them end.

use super::*;
use crate::sync::channel::bounded;

/// Each joins the next, and the last the first.
fn joined_in_a_circle(number: usize) {
    let (give, take): (Vec<_>, Vec<_>) = (0..number).map(|_| bounded::<Process>(1)).unzip();
    let (say, said) = bounded(number);
    let processes: Vec<_> = take
        .into_iter()
        .map(|next| {
            let say = say.clone();
            background(run_once(move |_, _| {
                on_its_own();
                let next = next.recv()?;
                let refused = matches!(next.join(), Err(Error::WouldDeadlock { .. }));
                let _ = say.send(refused);
                Ok(())
            }))
        })
        .collect();
    for (n, give) in give.iter().enumerate() {
        let _ = give.send(processes[(n + 1) % number].clone());
    }
    for process in processes {
        assert!(process.join().is_ok());
    }
    drop(say);
    let refused = said.iter().filter(|refused| *refused).count();
    assert_eq!(
        refused, 1,
        "waits 1: the last wait of a circle, and no other"
    );
}

fn two() {
    joined_in_a_circle(2);
}

fn three() {
    joined_in_a_circle(3);
}

#[test]
fn of_waits_in_a_circle_one_is_refused() {
    check("two that join each other", Schedules::Some, two);
    check("three that join each other", Schedules::Some, three);
}

#[test]
fn a_wait_that_is_not_looked_at_and_registered_in_one_step_is_found() {
    let place = "fn begin( > WAITS.lock()";
    let broken = (Fault::Torn, "src/process/waits.rs", place);
    finds(DEADLOCK, broken, Schedules::Some, two);
}
