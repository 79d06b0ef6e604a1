//! How an acceptor ends, in each phase of its connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ifrit::crossbeam_channel::{Sender, bounded, unbounded};
use ifrit::grouper::Capacity;
use ifrit::net::NotDrained;
use ifrit::prelude::*;
use ifrit::testing::{ManualClock, PATIENCE};

use crate::clients::{Client, Server, echo, local, slow_echo, stress};

fn not_drained(exit: ifrit::Exit) -> NotDrained {
    let error = exit.unwrap_err();
    error
        .downcast_ref::<NotDrained>()
        .expect("connections were cut")
        .clone()
}

#[test]
fn a_stop_that_is_there_before_it_starts_is_heard() {
    let mut acceptor = local(echo);
    let (signals, inbox) = unbounded();
    signals.send(Signal::TERMINATE).unwrap();
    acceptor.run(inbox, ifrit::ready_channel().0).unwrap();
}

#[test]
fn a_stop_while_nothing_comes_in() {
    let server = Server::start(local(echo));
    let address = server.address();
    server.stop().unwrap();
    crate::clients::until_refused(address);
}

#[test]
fn idle_connections_end_at_once_and_well() {
    let server = Server::start(local(echo));
    let mut clients: Vec<_> = (0..10).map(|_| server.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.ask("hello"), "hello");
    }
    let mut fresh = server.connect(); // has never said a word
    server.until_open(11);
    server.stop().unwrap();
    assert!(clients.iter_mut().all(Client::is_closed));
    assert!(fresh.is_closed());
}

#[test]
fn a_request_is_finished_and_no_other_begins() {
    let (acceptor, slowness) = slow_echo();
    let server = Server::start(acceptor);
    let mut client = server.connect();
    client.say("one");
    slowness.until_begun();
    client.say("two"); // waits behind the first
    server.process.signal(Signal::TERMINATE);
    crate::kit::until("closed", || server.handle.address().is_none());
    slowness.let_go.send(()).unwrap();
    assert_eq!(client.hear(), "one");
    assert!(client.is_closed());
    server.exit().unwrap();
}

#[test]
fn a_request_whose_beginning_is_there_is_read_to_its_end_during_a_stop() {
    let (sender, begun) = bounded(1);
    let server = Server::start(local(move |stream, connection| {
        let mut reader = BufReader::new(&stream);
        while connection.next_request(&mut reader)? {
            sender.send(())?;
            let mut all = [0; 10];
            reader.read_exact(&mut all)?;
            (&stream).write_all(&all)?;
        }
        Ok(())
    }));
    let mut client = server.connect();
    let socket = client.reader.get_mut();
    socket.write_all(b"hello").unwrap();
    begun.recv_timeout(PATIENCE).unwrap();
    server.process.signal(Signal::TERMINATE);
    crate::kit::until("closed", || server.handle.address().is_none());
    socket.write_all(b"world").unwrap();
    let mut answer = [0; 10];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"helloworld");
    server.exit().unwrap();
}

#[test]
fn without_a_limit_it_waits_and_further_stops_do_not_cut() {
    let (acceptor, slowness) = slow_echo();
    let server = Server::start(acceptor);
    let mut client = server.connect();
    client.say("one");
    slowness.until_begun();
    for signal in [
        Signal::TERMINATE,
        Signal::INTERRUPT,
        Signal::TERMINATE,
        Signal::HANGUP,
    ] {
        server.process.signal(signal);
    }
    crate::kit::until("heard", || {
        let tree = ifrit::tree();
        tree.get(server.process.id())
            .is_none_or(|node| node.pending.is_empty())
    });
    assert!(server.process.try_exit().is_none());
    drop(slowness.let_go);
    assert_eq!(client.hear(), "one");
    server.exit().unwrap();
}

#[test]
fn kill_cuts_what_is_in_a_request_and_says_so() {
    let (begun_sender, begun) = bounded(1);
    let server = Server::start(local(move |mut stream, _| {
        begun_sender.send(())?;
        stream.read_to_end(&mut Vec::new())?; // in a request, as it has not said otherwise
        Ok(())
    }));
    let mut busy = server.connect();
    begun.recv_timeout(PATIENCE).unwrap();
    server.process.signal(Signal::TERMINATE);
    crate::kit::until("closed", || server.handle.address().is_none());
    server.process.signal(Signal::KILL);
    let error = not_drained(server.exit());
    assert_eq!((error.connections, error.cut), (1, 1));
    assert!(error.stuck.is_empty());
    assert_eq!(error.limit, None);
    assert!(busy.is_closed());
}

/// Says when it is about to be waited for.
struct Tells<R>(R, Sender<()>);

impl<R: BufRead> BufRead for Tells<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        let _ = self.1.send(());
        self.0.fill_buf()
    }

    fn consume(&mut self, read: usize) {
        self.0.consume(read);
    }
}

impl<R: Read> Read for Tells<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

#[test]
fn kill_at_once_cuts_idle_ones_too_which_is_no_loss() {
    let (sender, idle) = unbounded();
    let server = Server::start(local(move |stream, connection| {
        let mut reader = Tells(BufReader::new(&stream), sender.clone());
        assert!(!connection.next_request(&mut reader)?);
        Ok(())
    }));
    let mut clients: Vec<_> = (0..5).map(|_| server.connect()).collect();
    for _ in 0..5 {
        idle.recv_timeout(PATIENCE).unwrap();
    }
    server.process.signal(Signal::KILL);
    server.exit().unwrap();
    assert!(clients.iter_mut().all(Client::is_closed));
}

#[test]
fn at_its_limit_it_cuts_and_names_the_limit() {
    let clock = ManualClock::new();
    let (begun_sender, begun) = bounded(2);
    let acceptor = local(move |mut stream, _| {
        begun_sender.send(())?;
        stream.read_to_end(&mut Vec::new())?;
        Ok(())
    });
    let acceptor = acceptor.stop_within(Duration::from_secs(10));
    let server = Server::start_as(Process::builder().clock(clock.clock()), acceptor);
    let mut clients = [server.connect(), server.connect()];
    for _ in 0..2 {
        begun.recv_timeout(PATIENCE).unwrap();
    }
    server.process.signal(Signal::TERMINATE);
    clock.wait_for_timers(1);
    clock.advance(Duration::from_millis(8_999));
    assert!(server.process.try_exit().is_none());
    clock.advance(Duration::from_millis(1)); // the grace of 1 s is left
    let error = not_drained(server.exit());
    assert_eq!((error.connections, error.cut), (2, 2));
    assert_eq!(error.limit, Some(Duration::from_secs(10)));
    assert!(clients.iter_mut().all(Client::is_closed));
}

#[test]
fn a_handler_that_does_not_return_is_named_and_the_end_is_in_time() {
    let clock = ManualClock::new();
    let (begun_sender, begun) = bounded(1);
    let (_release, released) = bounded::<()>(0);
    let acceptor = local(move |_, _| {
        begun_sender.send(())?;
        let _ = released.recv();
        Ok(())
    });
    let acceptor = acceptor.stop_within(Duration::from_secs(10));
    let server = Server::start_as(Process::builder().clock(clock.clock()), acceptor);
    let client = server.connect();
    begun.recv_timeout(PATIENCE).unwrap();
    server.process.signal(Signal::TERMINATE);
    clock.wait_for_timers(1);
    clock.advance_to_next();
    clock.wait_for_timers(1);
    clock.advance_to_next();
    let error = not_drained(server.exit());
    assert_eq!((error.connections, error.cut, error.stuck.len()), (1, 1, 1));
    let stuck = &error.stuck[0];
    assert_eq!(stuck.number, 1);
    assert_eq!(stuck.peer.tcp(), client.reader.get_ref().local_addr().ok());
    assert!(stuck.os_thread_id.is_some());
}

#[test]
fn a_group_around_it_hears_which_handler_is_stuck_before_it_gives_up() {
    let clock = ManualClock::new();
    let (begun_sender, begun) = bounded(1);
    let (_release, released) = bounded::<()>(0);
    let acceptor = local(move |_, _| {
        begun_sender.send(())?;
        let _ = released.recv();
        Ok(())
    });
    let handle = acceptor.handle();
    let group = Ordered::new([Member::new("web", acceptor).kill_grace(Duration::from_secs(10))]);
    let group = Process::builder().clock(clock.clock()).invoke(group);
    let _client = TcpStream::connect(handle.address().unwrap().tcp().unwrap()).unwrap();
    begun.recv_timeout(PATIENCE).unwrap();
    group.signal(Signal::KILL);
    clock.wait_for_timers(2); // that of the group, and that of the acceptor
    clock.advance(Duration::from_secs(9));
    let error = group.join_timeout(PATIENCE).unwrap().unwrap_err();
    let not_drained = error.downcast_ref::<NotDrained>();
    assert_eq!(not_drained.unwrap().stuck.len(), 1, "{error}");
}

#[test]
fn a_group_with_a_limit_hears_which_handler_is_stuck_too() {
    let clock = ManualClock::new();
    let (begun_sender, begun) = bounded(1);
    let (_release, released) = bounded::<()>(0);
    let acceptor = local(move |_, _| {
        begun_sender.send(())?;
        let _ = released.recv();
        Ok(())
    });
    let handle = acceptor.handle();
    let web = Member::new("web", acceptor).stop_within(Duration::from_secs(3));
    let group = Process::builder().clock(clock.clock());
    let group = group.invoke(Ordered::new([web]));
    let _client = TcpStream::connect(handle.address().unwrap().tcp().unwrap()).unwrap();
    begun.recv_timeout(PATIENCE).unwrap();
    group.signal(Signal::TERMINATE);
    clock.wait_for_timers(1);
    clock.advance_to_next(); // KILL
    clock.wait_for_timers(2); // that of the group, and that of the acceptor
    clock.advance_to_next();
    let error = group.join_timeout(PATIENCE).unwrap().unwrap_err();
    let not_drained = error.downcast_ref::<NotDrained>();
    assert_eq!(not_drained.unwrap().stuck.len(), 1, "{error}");
}

#[test]
fn a_handler_can_see_and_select_on_the_stop_and_on_the_cut() {
    let (sender, events) = unbounded();
    let server = Server::start(local(move |_, connection| {
        sender.send(connection.is_stopping().to_string())?;
        let _ = connection.stopping().recv();
        sender.send(connection.is_stopping().to_string())?;
        let _ = connection.killed().recv();
        sender.send("killed".to_owned())?;
        Ok(())
    }));
    let _client = server.connect();
    let hear = || events.recv_timeout(PATIENCE).unwrap();
    assert_eq!(hear(), "false");
    server.process.signal(Signal::TERMINATE);
    assert_eq!(hear(), "true");
    server.process.signal(Signal::KILL);
    assert_eq!(hear(), "killed");
    assert_eq!(not_drained(server.exit()).cut, 1);
}

#[test]
fn what_reads_in_idle_is_woken_by_a_stop() {
    let (sender, begun) = bounded(1);
    let server = Server::start(local(move |mut stream, connection| {
        sender.send(())?;
        let read = connection.idle(|| stream.read(&mut [0]))?;
        assert_eq!(read, 0);
        Ok(())
    }));
    let mut client = server.connect();
    begun.recv_timeout(PATIENCE).unwrap();
    server.stop().unwrap();
    assert!(client.is_closed());
    assert_eq!(server.handle.counts().failed, 0);
}

#[test]
fn a_stop_at_the_cap_ends_it_and_those_that_wait_are_turned_away() {
    let (acceptor, slowness) = slow_echo();
    let server = Server::start(acceptor.capacity(Capacity::at_most(1)));
    let mut first = server.connect();
    first.say("one");
    slowness.until_begun();
    let mut waiting = server.connect();
    server.process.signal(Signal::TERMINATE);
    crate::kit::until("closed", || server.handle.address().is_none());
    drop(slowness.let_go);
    assert_eq!(first.hear(), "one");
    server.exit().unwrap();
    assert!(waiting.is_closed());
    assert_eq!(server.handle.counts().accepted, 1);
}

#[test]
fn stops_at_any_moment_leave_no_connection_behind() {
    let rounds = 200 * stress();
    let (sender, receiver) = unbounded::<std::net::SocketAddr>();
    let client = std::thread::spawn(move || {
        for address in receiver {
            while let Ok(socket) = TcpStream::connect(address) {
                let _ = (&socket).write_all(b"hello\n");
                let _ = (&socket).read(&mut [0; 16]);
            }
        }
    });
    for _ in 0..rounds {
        let server = Server::start(local(echo));
        sender.send(server.address()).unwrap();
        crate::kit::until("one", || server.handle.counts().accepted > 0);
        server.stop().unwrap();
        assert_eq!(server.handle.counts().open, 0);
    }
    drop(sender);
    client.join().unwrap();
}

#[test]
fn a_stop_is_heard_in_a_flood() {
    let server = Server::start(local(|_, _| Ok(())).capacity(Capacity::unlimited()));
    let address = server.address();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| while TcpStream::connect(address).is_ok() {});
        }
        crate::kit::until("flooded", || server.handle.counts().accepted > 500);
        server.stop().unwrap(); // and so the clients end, too
    });
}

#[test]
fn what_ends_while_it_is_drained_is_no_loss_however_it_ends() {
    let (sender, begun) = unbounded();
    let server = Server::start(local(move |mut stream, connection| {
        sender.send(())?;
        let read = stream.read_to_end(&mut Vec::new());
        match connection.number() {
            1 => Ok(()),
            2 => Err(read.map(|_| "no disk").unwrap_or("reset").into()),
            _ => panic!("out of luck"),
        }
    }));
    let clients: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for _ in 0..3 {
        begun.recv_timeout(PATIENCE).unwrap();
    }
    server.process.signal(Signal::TERMINATE);
    crate::kit::until("closed", || server.handle.address().is_none());
    drop(clients);
    server.exit().unwrap(); // none was cut
    assert_eq!(server.handle.counts().failed, 2);
}

#[test]
fn one_that_goes_idle_after_the_stop_is_woken_and_what_it_does_then_is_a_request() {
    let (sender, read) = bounded(1);
    let server = Server::start(local(move |mut stream, connection| {
        let _ = connection.stopping().recv();
        let last = connection.idle(|| stream.read(&mut [0]))?;
        sender.send(last)?;
        let _ = connection.killed().recv();
        Ok(())
    }));
    let _client = server.connect();
    server.until_open(1);
    server.process.signal(Signal::TERMINATE);
    assert_eq!(read.recv_timeout(PATIENCE), Ok(0));
    server.process.signal(Signal::KILL);
    assert_eq!(not_drained(server.exit()).cut, 1);
}

/// Finds bytes when it has been woken, as one does whose bytes have come at that moment.
struct Late<'s>(&'s ifrit::net::Stream, Sender<()>);

impl Read for Late<'_> {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        unreachable!("nothing of it is read")
    }
}

impl BufRead for Late<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        let mut stream = self.0;
        let _ = self.1.send(());
        assert_eq!(stream.read(&mut [0])?, 0);
        Ok(b"hello")
    }

    fn consume(&mut self, _: usize) {}
}

#[test]
fn one_that_was_woken_begins_no_request_whatever_it_finds() {
    let (sender, seen) = bounded(1);
    let (idle_sender, idle) = bounded(1);
    let server = Server::start(local(move |stream, connection| {
        let mut reader = Late(&stream, idle_sender.clone());
        sender.send(connection.next_request(&mut reader)?)?;
        Ok(())
    }));
    let _client = server.connect();
    idle.recv_timeout(PATIENCE).unwrap();
    server.stop().unwrap();
    assert_eq!(seen.recv_timeout(PATIENCE), Ok(false));
}
