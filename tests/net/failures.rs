//! Handlers, addresses and listeners that fail.

use std::net::TcpListener;

use ifrit::grouper::Capacity;
use ifrit::net::{AcceptError, Acceptor, ListenError};
use ifrit::{Error, background};

use crate::clients::{Server, echo, local};

#[test]
fn a_handler_that_panics_or_fails_harms_its_connection_only() {
    let server = Server::start(local(|stream, connection| match connection.number() {
        1 => panic!("out of luck"),
        2 => Err("no disk".into()),
        _ => echo(stream, connection),
    }));
    let mut clients: Vec<_> = Vec::new();
    for n in 0..3 {
        clients.push(server.connect());
        crate::kit::until("taken", || server.handle.counts().accepted > n);
    }
    assert!(clients[0].is_closed() && clients[1].is_closed());
    assert_eq!(clients[2].ask("well"), "well");
    assert_eq!(server.handle.counts().failed, 2);
    let note = ifrit::tree()
        .get(server.process.id())
        .unwrap()
        .note
        .clone()
        .unwrap();
    assert!(
        note.starts_with("1 connection, 3 so far, 2 failed; connection "),
        "{note}"
    );
    server.stop().unwrap();
}

#[test]
fn failures_are_noted_ever_more_seldom() {
    let server = Server::start(local(|_, _| Err("no disk".into())));
    let events = server.process.events();
    for n in 1..=20 {
        assert!(server.connect().is_closed());
        crate::kit::until("counted", || server.handle.counts().failed == n);
    }
    server.stop().unwrap();
    let notes = events
        .try_iter()
        .filter(|event| matches!(event.what, ifrit::observe::What::Note(_)));
    assert_eq!(notes.count(), 5); // 1, 2, 4, 8, 16
}

#[test]
fn an_address_that_cannot_be_had_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = background(Acceptor::tcp(address, echo)).join().unwrap_err();
    let listen: &ListenError = error.downcast_ref().unwrap();
    assert_eq!(listen.source.kind(), std::io::ErrorKind::AddrInUse);
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot listen on {address}: Address")),
        "{text}"
    );
    let error = background(Acceptor::tcp("8080", echo)).join().unwrap_err();
    assert!(
        error.to_string().starts_with("cannot listen on 8080: "),
        "{error}"
    );
}

#[test]
fn what_makes_no_sense_is_refused_before_it_listens() {
    let none = local(echo).capacity(Capacity::at_most(0));
    assert!(matches!(background(none).join(), Err(Error::ZeroCapacity)));
    let none = local(echo).stop_within(std::time::Duration::ZERO);
    assert!(matches!(
        background(none).join(),
        Err(Error::ZeroDeadline { .. })
    ));
}

#[test]
fn a_listener_that_breaks_ends_it_and_its_connections_are_drained() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let same = listener.try_clone().unwrap();
    let server = Server::start(Acceptor::on(listener, echo));
    let mut client = server.connect();
    client.ask("hello");
    rustix::net::shutdown(&same, rustix::net::Shutdown::Both).unwrap();
    let error = server.exit().unwrap_err();
    assert!(error.downcast_ref::<AcceptError>().is_some(), "{error}");
    assert!(client.is_closed());
}

#[test]
fn a_listener_that_breaks_is_said_before_its_connections_are_drained() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let same = listener.try_clone().unwrap();
    let (end, ends) = ifrit::crossbeam_channel::bounded::<()>(0);
    let server = Server::start(Acceptor::on(listener, move |_, _| {
        let _ = ends.recv(); // a request that takes as long as the test
        Ok(())
    }));
    let events = server.process.events();
    let _client = server.connect();
    crate::kit::until("taken", || server.handle.counts().open == 1);
    rustix::net::shutdown(&same, rustix::net::Shutdown::Both).unwrap();
    crate::kit::until("said", || {
        events.try_iter().any(|event| {
            matches!(&event.what, ifrit::observe::What::Note(note) if note.contains("cannot accept"))
        })
    });
    drop(end);
    assert!(server.exit().is_err());
}
