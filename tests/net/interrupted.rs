//! An accept that is interrupted.

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use ifrit::net::{Acceptor, InterruptibleListener};
use ifrit::prelude::*;
use ifrit::runners::Actor;
use ifrit::testing::PATIENCE;

use crate::clients::{Server, echo};

fn listener() -> InterruptibleListener {
    InterruptibleListener::new(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap()
}

#[test]
fn it_takes_what_comes_until_it_is_interrupted_and_that_lasts() {
    let listener = listener();
    let address = listener.address().unwrap().tcp().unwrap();
    let interrupter = listener.interrupter();
    let client = thread::spawn(move || TcpStream::connect(address).unwrap().local_addr().unwrap());
    let (_stream, peer) = listener.accept().unwrap().unwrap();
    assert_eq!(peer.tcp(), client.join().ok());
    let other = thread::spawn(move || interrupter.interrupt());
    assert!(listener.accept().unwrap().is_none());
    other.join().unwrap();
    let _waiting = TcpStream::connect(address).unwrap();
    assert!(listener.accept().unwrap().is_none());
}

#[test]
fn an_interrupt_that_comes_first_is_not_lost() {
    let path = std::env::temp_dir().join(format!("ifrit-interrupted-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = InterruptibleListener::new(UnixListener::bind(&path).unwrap()).unwrap();
    listener.interrupter().interrupt();
    listener.interrupter().clone().interrupt();
    let _waiting = UnixStream::connect(&path).unwrap();
    assert!(listener.accept().unwrap().is_none());
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn an_actor_around_an_accept_loop_stops_and_others_that_share_the_socket_go_on() {
    let shared = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = shared.local_addr().unwrap();
    let own = shared.try_clone().unwrap();
    let actor = Actor::with(move |stopping, ready| {
        let listener = InterruptibleListener::new(own.try_clone()?)?;
        let _interrupting = stopping.interrupt(listener.interrupter());
        ready.notify();
        while let Some((stream, _)) = listener.accept()? {
            drop(stream);
        }
        Ok(())
    });
    let actor = ifrit::invoke(actor).started().unwrap();
    drop(TcpStream::connect(address).unwrap());
    actor.signal(Signal::TERMINATE);
    actor.join_timeout(PATIENCE).unwrap().unwrap();
    let server = Server::start(Acceptor::on(shared, echo));
    assert_eq!(server.connect().ask("still"), "still");
    server.stop().unwrap();
}
