//! Acceptors that run again.

use std::time::Duration;

use ifrit::net::Acceptor;
use ifrit::prelude::*;
use ifrit::restart::{Backoff, Budget, Restart, Restarter};
use ifrit::testing::PATIENCE;

use crate::clients::{Server, echo};
use crate::kit::{in_child, until};

#[test]
fn a_restarter_brings_it_back_on_the_same_port() {
    // Of this address no other test takes a port.
    let free = std::net::TcpListener::bind("127.0.77.1:0").unwrap();
    let port = free.local_addr().unwrap();
    drop(free);
    let acceptor = Acceptor::tcp(port, echo);
    let handle = acceptor.handle();
    let (fail, failing) = ifrit::crossbeam_channel::unbounded::<()>();
    // Something beside it that fails takes it down and brings it up again.
    let flaky = ifrit::run_fn(move |signals, ready| {
        ready.notify();
        ifrit::crossbeam_channel::select! {
            recv(signals) -> _ => Ok(()),
            recv(failing) -> _ => Err("no luck".into()),
        }
    });
    let group = Ordered::new(Members::new().add("web", acceptor).add("flaky", flaky));
    // A child that another test starts has the listener until it runs its own program: it may take more than one attempt.
    let restarter = Restarter::on_error(group)
        .backoff(Backoff::constant(Duration::from_millis(5)))
        .budget(Budget::new(1_000, Duration::from_secs(60)));
    let process = ifrit::invoke(restarter).started().unwrap();
    let address = handle.address().unwrap();
    let server = Server { process, handle };
    let restarts = || ifrit::tree().get(server.process.id()).unwrap().restarts;
    for _ in 0..3 {
        let before = restarts();
        let mut client = server.connect();
        assert_eq!(client.ask("hello"), "hello");
        fail.send(()).unwrap();
        assert!(client.is_closed());
        until("up again", || {
            restarts() > before && server.handle.address().is_some()
        });
        assert_eq!(server.handle.address().as_ref(), Some(&address));
        assert_eq!(server.connect().ask("again"), "again");
    }
    assert_eq!(server.handle.counts().accepted, 6);
    server.stop().unwrap();
}

#[test]
fn a_port_that_is_taken_at_first_is_had_when_it_is_free() {
    // In a program that starts no others, which would have the listener for a moment.
    in_child(|| {
        let taken = std::net::TcpListener::bind("127.0.77.2:0").unwrap();
        let acceptor = Acceptor::tcp(taken.local_addr().unwrap(), echo);
        let handle = acceptor.handle();
        let clock = ifrit::testing::ManualClock::new();
        let restart = Restart::permanent().from_the_start();
        let group = Ordered::new([Member::new("web", acceptor).restart(restart)]);
        let group = Process::builder().clock(clock.clock()).background(group);
        clock.wait_for_timers(1); // until it is tried again
        drop(taken);
        clock.advance_to_next();
        group.wait_ready_timeout(PATIENCE).unwrap().unwrap();
        assert!(handle.address().is_some());
        group.signal(Signal::TERMINATE);
        group.join().unwrap();
    });
}
