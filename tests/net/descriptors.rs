//! The program may open no more files, or start no more threads.

use std::net::TcpStream;

use crate::clients::{Server, echo, local};
use crate::kit::{in_child, until, with_descriptors};

#[test]
fn it_goes_on_when_file_descriptors_come_back_and_does_not_spin_meanwhile() {
    in_child(|| {
        let server = Server::start(local(echo));
        let mut first = server.connect();
        assert_eq!(first.ask("1"), "1");
        // A client in this program takes one, so there is none for the server.
        let (second, idle_time) = with_descriptors(1, || {
            let second = TcpStream::connect(server.address()).unwrap();
            until("noted", || {
                let tree = ifrit::tree();
                let note = tree.get(server.process.id()).unwrap().note.clone();
                note.is_some_and(|note| note.contains("Too many open files"))
            });
            assert_eq!(server.handle.counts().accepted, 1);
            assert_eq!(first.ask("2"), "2"); // the others are served
            let before = cpu();
            std::thread::park_timeout(std::time::Duration::from_millis(300)); // how much does it do in that time?
            (second, cpu() - before)
        });
        assert!(idle_time < 100, "{idle_time} ms of 300 were worked");
        until("taken", || server.handle.counts().accepted == 2);
        drop((first, second));
        server.stop().unwrap();
    });
}

#[test]
fn the_end_of_a_connection_gives_its_descriptor_to_the_next() {
    in_child(|| {
        // No pause is over on this clock: only the end of the connection counts.
        let clock = ifrit::testing::ManualClock::new();
        let clock = ifrit::Process::builder().clock(clock.clock());
        let server = Server::start_as(clock, local(echo));
        for n in 1..50 {
            let mut first = server.connect();
            assert_eq!(first.ask("1"), "1");
            let second = with_descriptors(1, || {
                let second = TcpStream::connect(server.address()).unwrap();
                if n % 2 == 0 {
                    until("noted", || {
                        let tree = ifrit::tree();
                        let node = tree.get(server.process.id()).unwrap();
                        node.note
                            .as_ref()
                            .is_some_and(|note| note.contains("Too many"))
                    });
                }
                drop(first); // gives back two: that of the client, and that of the server
                until("taken", || server.handle.counts().accepted == 2 * n);
                second
            });
            drop(second);
            server.until_open(0);
        }
        server.stop().unwrap();
    });
}

#[test]
fn a_stop_is_heard_while_there_are_none() {
    in_child(|| {
        let server = Server::start(local(echo));
        with_descriptors(1, || {
            let _second = TcpStream::connect(server.address()).unwrap();
            until("noted", || {
                let tree = ifrit::tree();
                tree.get(server.process.id())
                    .unwrap()
                    .note
                    .clone()
                    .unwrap()
                    .contains("Too many")
            });
            server.stop().unwrap();
        });
    });
}

#[test]
fn where_there_are_none_at_the_start_it_says_so_and_starts_when_there_are() {
    in_child(|| {
        let mut lacked = 0;
        let server = loop {
            let started = with_descriptors(lacked, || ifrit::invoke(local(echo)).started());
            match started {
                Ok(server) => break server,
                Err(error) => assert!(error.to_string().contains("Too many open files"), "{error}"),
            }
            lacked += 1;
        };
        assert_eq!(lacked, 3); // the listener, and two for the pipe
        server.signal(ifrit::Signal::TERMINATE);
        server.join().unwrap();
    });
}

#[test]
fn where_no_thread_starts_the_connection_waits_and_a_stop_is_heard() {
    // More than there is room for in any address space.
    let server = Server::start(local(echo).stack_size(1 << 50));
    let mut client = server.connect();
    until("noted", || {
        let tree = ifrit::tree();
        let note = tree.get(server.process.id()).unwrap().note.clone();
        note.is_some_and(|note| note.contains("takes no more connections"))
    });
    assert_eq!(server.handle.counts().open, 1);
    server.stop().unwrap();
    assert!(client.is_closed());
    assert_eq!(server.handle.counts().open, 0);
}

/// What all threads have worked, in ms.
fn cpu() -> i64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec * 1_000 + used.tv_nsec / 1_000_000
}
