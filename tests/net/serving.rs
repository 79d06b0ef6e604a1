//! What an acceptor does for a connection.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use ifrit::crossbeam_channel::bounded;
use ifrit::net::{Acceptor, Listener};
use ifrit::prelude::*;
use ifrit::testing::PATIENCE;
use rustix::net::sockopt;

use crate::clients::{Server, echo, local};

#[test]
fn it_is_ready_when_it_listens_and_then_its_address_is_known() {
    let acceptor = local(echo);
    let handle = acceptor.handle();
    assert_eq!(handle.address(), None);
    let server = Server::start(acceptor);
    assert_ne!(server.address().port(), 0);
    assert_eq!(server.connect().ask("hello"), "hello");
    server.stop().unwrap();
    assert_eq!(handle.address(), None);
}

#[test]
fn each_connection_has_a_thread_and_a_number() {
    let (sender, numbers) = bounded(3);
    let server = Server::start(local(move |stream, connection| {
        sender
            .send((connection.number(), connection.peer().clone()))
            .unwrap();
        assert_eq!(stream.local()?, connection.local()?);
        echo(stream, connection)
    }));
    let mut clients = [server.connect(), server.connect(), server.connect()];
    for (n, client) in clients.iter_mut().enumerate().rev() {
        assert_eq!(client.ask(&n.to_string()), n.to_string()); // none waits for another
    }
    let mut seen: Vec<_> = (0..3)
        .map(|_| numbers.recv_timeout(PATIENCE).unwrap())
        .collect();
    seen.sort_by_key(|(number, _)| *number);
    assert_eq!(
        seen.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    for client in &clients {
        let address = client.reader.get_ref().local_addr().unwrap();
        assert!(seen.iter().any(|(_, peer)| peer.tcp() == Some(address)));
    }
    assert_eq!(server.handle.counts().open, 3);
    drop(clients);
    server.until_open(0);
    assert_eq!(server.handle.counts().accepted, 3);
    server.stop().unwrap();
}

#[test]
fn a_handler_runs_in_the_process_of_its_acceptor() {
    let (sender, ids) = bounded(1);
    let server = Server::start(local(move |_, _| {
        ifrit::process::note("a handler speaks");
        sender.send(ifrit::current().map(|process| process.id()))?;
        Ok(())
    }));
    let client = server.connect();
    assert_eq!(ids.recv_timeout(PATIENCE), Ok(Some(server.process.id())));
    drop(client);
    server.until_open(0);
    let note = ifrit::tree()
        .get(server.process.id())
        .unwrap()
        .note
        .clone()
        .unwrap();
    assert_eq!(&*note, "0 connections, 1 so far; a handler speaks");
    server.stop().unwrap();
}

#[test]
fn the_tree_shows_how_many_there_are() {
    let server = Server::start(local(echo));
    let note = || ifrit::tree().get(server.process.id()).unwrap().note.clone();
    assert_eq!(note().as_deref(), Some("0 connections, 0 so far"));
    let mut client = server.connect();
    client.ask("here");
    assert_eq!(note().as_deref(), Some("1 connection, 1 so far"));
    server.stop().unwrap();
}

#[test]
fn tcp_options_reach_each_connection() {
    let (sender, seen) = bounded(1);
    let look = move |stream: ifrit::net::Stream, _: &ifrit::net::Connection| {
        let silence = sockopt::socket_keepalive(&stream)?.then(|| sockopt::tcp_keepidle(&stream));
        sender.send((
            sockopt::tcp_nodelay(&stream)?,
            silence.transpose()?.map(|d| d.as_secs()),
        ))?;
        Ok(())
    };
    for (acceptor, expected) in [
        (local(look.clone()), (true, Some(180))),
        (
            local(look.clone()).nodelay(false).keep_alive(None),
            (false, None),
        ),
        (
            local(look.clone()).keep_alive(Some(std::time::Duration::from_secs(7))),
            (true, Some(7)),
        ),
    ] {
        let server = Server::start(acceptor);
        let _client = server.connect();
        assert_eq!(seen.recv_timeout(PATIENCE), Ok(expected));
        server.stop().unwrap();
    }
}

#[test]
fn a_listener_that_exists_is_taken_as_it_is_and_stays_open() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let early = TcpStream::connect(address).unwrap(); // it waits
    let mut acceptor = Acceptor::on(Listener::from(listener), echo);
    for _ in 0..2 {
        let (signals, inbox) = ifrit::crossbeam_channel::unbounded();
        let (ready, is_ready) = ifrit::ready_channel();
        std::thread::scope(|scope| {
            let run = scope.spawn(|| {
                acceptor
                    .run(inbox, ready)
                    .map_err(|error| error.to_string())
            });
            let _ = is_ready.recv_timeout(PATIENCE);
            let mut client = TcpStream::connect(address).unwrap();
            client.write_all(b"x\n").unwrap();
            let mut heard = [0; 2];
            client.read_exact(&mut heard).unwrap();
            signals.send(Signal::TERMINATE).unwrap();
            run.join().unwrap().unwrap();
        });
    }
    drop(early);
    drop(acceptor);
    crate::clients::until_refused(address);
}

#[test]
fn it_can_be_driven_by_hand_with_signals_of_any_channel() {
    let mut acceptor = local(echo);
    let (signals, inbox) = ifrit::crossbeam_channel::unbounded();
    signals.send(Signal::HANGUP).unwrap(); // a notification stops nothing
    signals.send(Signal::QUIT).unwrap();
    acceptor.run(inbox, ifrit::ready_channel().0).unwrap();
    // So does a channel that is disconnected.
    let (signals, inbox) = ifrit::crossbeam_channel::unbounded();
    drop(signals);
    acceptor.run(inbox, ifrit::ready_channel().0).unwrap();
}

#[test]
fn a_server_costs_one_thread_and_one_for_each_connection() {
    crate::kit::in_child(|| {
        let server = Server::start_as(Process::builder().name("lone"), local(echo));
        assert_eq!(crate::kit::threads_named("lone"), 1);
        let mut clients = [server.connect(), server.connect()];
        for client in &mut clients {
            client.ask("here");
        }
        crate::kit::until("three", || crate::kit::threads_named("lone") == 3);
        server.stop().unwrap();
        crate::kit::until("none", || crate::kit::threads_named("lone") == 0);
    });
}

#[test]
fn clients_that_others_have_written_are_served() {
    let server = Server::start(local(|mut stream, _| {
        let mut request = [0; 1024];
        let _ = stream.read(&mut request)?;
        stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")?;
        Ok(())
    }));
    let address = server.address();
    let url = format!("http://{address}/");
    let script = format!(
        "import urllib.request; print(urllib.request.urlopen('{url}').read().decode(), end='')"
    );
    for client in [vec!["curl", "-s", &*url], vec!["python3", "-c", &*script]] {
        let output = Command::new(client[0]).args(&client[1..]).output();
        match output {
            Ok(output) => assert_eq!(
                String::from_utf8_lossy(&output.stdout),
                "hello",
                "{output:?}"
            ),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        }
    }
    server.stop().unwrap();
}

#[test]
fn its_plan_says_where_it_listens_and_how_long_its_stop_may_take() {
    let acceptor = Acceptor::tcp("127.0.0.1:80", echo)
        .capacity(ifrit::grouper::Capacity::at_most(7))
        .stop_within(std::time::Duration::from_secs(5));
    let plan = acceptor.plan();
    let text = "acceptor (127.0.0.1:80, at most 7, stop 5s)";
    assert_eq!(plan.to_string(), text);
    let group = Ordered::new([Member::new("web", acceptor)]).plan();
    assert_eq!(
        group.worst_case_stop(),
        Some(std::time::Duration::from_secs(5))
    );
    assert_eq!(local(echo).plan().worst_case_stop(), None);
}

#[test]
fn notifications_under_load_disturb_no_request() {
    let server = Server::start(local(echo));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for n in 0..200 {
                        let mut client = server.connect();
                        assert_eq!(client.ask(&n.to_string()), n.to_string());
                    }
                })
            })
            .collect();
        while clients.iter().any(|client| !client.is_finished()) {
            server.process.signal(Signal::HANGUP);
            server.process.signal(Signal::USER1);
            std::thread::yield_now();
        }
    });
    server.until_open(0);
    let counts = server.handle.counts();
    assert_eq!((counts.accepted, counts.failed), (800, 0));
    server.stop().unwrap();
}

#[test]
fn what_it_shows_in_the_tree_goes_with_its_run() {
    let mut acceptor = local(echo);
    let (sender, over) = bounded(1);
    let (release, released) = bounded::<()>(0);
    let process = ifrit::invoke(ifrit::run_fn(move |signals, ready| {
        acceptor.run(signals, ready)?;
        sender.send(())?;
        let _ = released.recv();
        Ok(())
    }));
    let note = || ifrit::tree().get(process.id()).unwrap().note.clone();
    assert!(note().is_some());
    process.signal(Signal::TERMINATE);
    over.recv_timeout(PATIENCE).unwrap();
    assert_eq!(note(), None);
    drop(release);
    process.join().unwrap();
}
