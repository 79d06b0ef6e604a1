//! Clients that are slow, silent, or gone.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use ifrit::crossbeam_channel::unbounded;
use ifrit::net::{Acceptor, Connection, NotDrained, Stream};
use ifrit::testing::{ManualClock, PATIENCE};
use ifrit::{Process, Signal};
use rustix::net::sockopt::set_socket_linger;

use crate::clients::{Server, echo, local};

/// Closes it with a reset.
fn reset(socket: TcpStream) {
    set_socket_linger(&socket, Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_reset_in_each_phase_ends_that_connection_and_no_other() {
    let server = Server::start(local(echo));
    let mut witness = server.connect();
    witness.ask("here");
    let connect = || TcpStream::connect(server.address()).unwrap();
    reset(connect()); // before anything, perhaps before it is accepted
    let idle = server.connect();
    reset(idle.reader.into_inner());
    let mut half = connect(); // in a request
    half.write_all(b"half a li").unwrap();
    reset(half);
    let mut answered = connect(); // with an answer that is not read
    answered.write_all(b"line\n").unwrap();
    reset(answered);
    let half_closed = connect(); // half a line, and then no more
    (&half_closed).write_all(b"half").unwrap();
    half_closed.shutdown(Shutdown::Write).unwrap();
    let mut heard = String::new();
    (&half_closed).read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "half");
    drop(half_closed);
    assert_eq!(witness.ask("still"), "still");
    server.until_open(1);
    drop(witness);
    server.stop().unwrap();
}

#[test]
fn resets_without_end_do_not_end_it() {
    let server = Server::start(local(echo));
    for _ in 0..500 {
        reset(TcpStream::connect(server.address()).unwrap());
    }
    assert_eq!(server.connect().ask("well"), "well");
    server.until_open(0);
    server.stop().unwrap();
}

/// With a limit for its stop, which is over when the clock is moved to it.
fn with_a_limit(acceptor: Acceptor) -> (ManualClock, Server) {
    let clock = ManualClock::new();
    let builder = Process::builder().clock(clock.clock());
    let acceptor = acceptor.stop_within(Duration::from_secs(10));
    (clock, Server::start_as(builder, acceptor))
}

#[test]
fn a_client_that_sends_a_byte_at_a_time_is_cut_at_the_limit() {
    let (sender, begun) = unbounded();
    let handler = move |stream: Stream, connection: &Connection| {
        let mut reader = BufReader::new(&stream);
        while connection.next_request(&mut reader)? {
            sender.send(())?;
            reader.read_line(&mut String::new())?;
        }
        Ok(())
    };
    let (clock, server) = with_a_limit(local(handler));
    let mut client = server.connect();
    client.reader.get_mut().write_all(b"x").unwrap();
    begun.recv_timeout(PATIENCE).unwrap();
    server.process.signal(Signal::TERMINATE);
    clock.wait_for_timers(1);
    for _ in 0..10 {
        client.reader.get_mut().write_all(b"x").unwrap();
    }
    clock.advance_to_next();
    while client.reader.get_mut().write_all(b"x").is_ok() {
        std::thread::park_timeout(Duration::from_millis(1)); // the pace of the client
    }
    let error = server.exit().unwrap_err();
    assert_eq!(error.downcast_ref::<NotDrained>().unwrap().cut, 1);
}

#[test]
fn a_client_that_does_not_read_is_cut_at_the_limit() {
    let (sender, begun) = unbounded();
    let handler = move |mut stream: Stream, _: &Connection| {
        sender.send(())?;
        loop {
            stream.write_all(&[0; 65_536])?;
        }
    };
    let (clock, server) = with_a_limit(local(handler));
    let _client = server.connect();
    begun.recv_timeout(PATIENCE).unwrap();
    server.process.signal(Signal::TERMINATE);
    clock.wait_for_timers(1);
    clock.advance_to_next();
    let error = server.exit().unwrap_err();
    let error = error.downcast_ref::<NotDrained>().unwrap();
    assert_eq!((error.cut, error.stuck.len()), (1, 0));
}

#[test]
fn a_time_out_of_the_stream_ends_a_silent_client() {
    let server = Server::start(local(|stream, connection| {
        stream.set_read_timeout(Some(Duration::from_millis(5)))?;
        echo(stream, connection)
    }));
    let mut client = server.connect();
    assert!(client.is_closed());
    crate::kit::until("counted", || server.handle.counts().failed == 1);
    server.stop().unwrap();
}
