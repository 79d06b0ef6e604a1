//! How many connections there may be.

use std::io::Read;

use ifrit::grouper::Capacity;
use ifrit::net::WhenFull;

use crate::clients::{Server, echo, local, slow_echo};

#[test]
fn one_for_which_there_is_no_room_waits_until_another_has_ended() {
    let server = Server::start(local(echo).capacity(Capacity::at_most(2)));
    let mut first = server.connect();
    let mut second = server.connect();
    assert_eq!((first.ask("1"), second.ask("2")), ("1".into(), "2".into()));
    let mut third = server.connect();
    third.say("3");
    assert_eq!(first.ask("still"), "still");
    assert_eq!(server.handle.counts().accepted, 2);
    drop(second);
    assert_eq!(third.hear(), "3");
    let note = ifrit::tree()
        .get(server.process.id())
        .unwrap()
        .note
        .clone()
        .unwrap();
    assert!(
        note.ends_with("at most 2 connections, and all are there: others wait"),
        "{note}"
    );
    server.stop().unwrap();
}

#[test]
fn one_for_which_there_is_no_room_is_told_so_and_closed() {
    let (acceptor, slowness) = slow_echo();
    let acceptor = acceptor
        .capacity(Capacity::at_most(1))
        .when_full(WhenFull::Refuse(b"busy".to_vec()));
    let server = Server::start(acceptor);
    let mut first = server.connect();
    first.say("1");
    slowness.until_begun();
    for _ in 0..3 {
        let mut heard = String::new();
        server.connect().reader.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "busy");
    }
    slowness.let_go.send(()).unwrap();
    assert_eq!(first.hear(), "1");
    drop(first);
    server.until_open(0);
    drop(slowness.let_go);
    assert_eq!(server.connect().ask("2"), "2");
    let counts = server.handle.counts();
    assert_eq!((counts.accepted, counts.refused), (2, 3));
    server.stop().unwrap();
}

#[test]
fn at_the_cap_it_goes_from_full_to_free_and_back_again_without_losing_any() {
    let server = Server::start(local(echo).capacity(Capacity::at_most(3)));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for n in 0..50 {
                    assert_eq!(server.connect().ask(&n.to_string()), n.to_string());
                }
            });
        }
    });
    server.until_open(0);
    assert_eq!(server.handle.counts().accepted, 400);
    server.stop().unwrap();
}
