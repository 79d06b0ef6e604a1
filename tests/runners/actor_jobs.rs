//! What users of synchronous services cannot stop: an actor stops each, as far as the standard library has such things.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use ifrit::prelude::*;
use ifrit::runners::{Actor, Stopping};
use ifrit::testing::{PATIENCE, Waiting};

use crate::kit::*;

#[test]
fn a_blocked_accept_is_left_with_a_connection_of_ones_own() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = Actor::new(
        move |stopping: &Stopping, ready: ReadySender| {
            ready.notify();
            loop {
                let (mut socket, _) = listener.accept()?;
                if stopping.has_begun() {
                    return Ok(());
                }
                socket.write_all(b"hello")?;
            }
        },
        move |_| {
            TcpStream::connect(address)?;
            Ok(())
        },
    );
    let process = ifrit::invoke(server);
    let mut text = String::new();
    let mut client = TcpStream::connect(address).unwrap();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    process.interrupt().unwrap();
}

#[test]
fn a_blocked_read_of_a_tcp_socket_is_left_in_each_run_anew() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let mut subscriber = Actor::with(move |stopping: &Stopping, ready: ReadySender| {
        let mut socket = TcpStream::connect(address)?;
        let _interrupting = stopping.interrupt(socket.try_clone()?);
        ready.notify();
        while socket.read(&mut [0; 64])? > 0 {}
        Ok(())
    });
    for _ in 0..3 {
        ifrit::scope(|scope| {
            let process = scope.invoke(&mut subscriber).started().unwrap();
            let _silent = server.accept().unwrap();
            process.interrupt().unwrap();
        });
    }
}

#[test]
fn a_blocked_read_of_a_unix_socket_is_left() {
    let (mut here, _there) = UnixStream::pair().unwrap();
    let other = here.try_clone().unwrap();
    let process = ifrit::invoke(Actor::new(
        move |_: &Stopping, ready: ReadySender| {
            ready.notify();
            here.read_exact(&mut [0])?;
            Ok(())
        },
        other,
    ));
    process.interrupt().unwrap();
}

#[test]
fn a_blocked_write_to_a_reader_that_does_not_read_is_left() {
    let (mut here, _there) = UnixStream::pair().unwrap();
    let other = here.try_clone().unwrap();
    let process = ifrit::invoke(Actor::new(
        move |_: &Stopping, ready: ReadySender| {
            ready.notify();
            loop {
                here.write_all(&[0; 4096])?;
            }
        },
        other,
    ));
    process.interrupt().unwrap();
}

#[test]
fn a_socket_whose_other_end_is_gone_is_interrupted_without_a_complaint() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let (wake, woken) = ifrit::crossbeam_channel::bounded::<()>(1);
    let process = ifrit::invoke(Actor::new(
        move |stopping: &Stopping, ready: ReadySender| {
            let socket = TcpStream::connect(address)?;
            drop(server.accept()?);
            let _ = (&socket).read(&mut [0]);
            socket.shutdown(std::net::Shutdown::Both).ok();
            let _interrupting = stopping.interrupt(socket);
            ready.notify();
            woken.recv()?;
            Ok(())
        },
        move |_| Ok(wake.send(())?),
    ));
    let id = process.id();
    process.interrupt().unwrap();
    let noted = ifrit::tree().get(id).and_then(|node| node.note.clone());
    assert_eq!(noted, None);
}

#[test]
fn a_silent_peer_is_noticed_by_a_read_that_has_a_time_out() {
    let (here, _there) = UnixStream::pair().unwrap();
    here.set_read_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let (enough, is_enough) = ifrit::crossbeam_channel::bounded(1);
    let process = ifrit::invoke(Actor::with(move |stopping, ready| {
        ready.notify();
        while !stopping.has_begun() {
            let error = (&here).read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
            if counted.fetch_add(1, Ordering::Relaxed) == 2 {
                enough.send(())?;
            }
        }
        Ok(())
    }));
    is_enough.recv_timeout(PATIENCE).unwrap();
    process.interrupt().unwrap();
}

/// A queue of a library that knows nothing of signals.
#[derive(Default)]
struct Queue {
    jobs: Mutex<(VecDeque<u32>, bool)>,
    changed: Condvar,
}

impl Queue {
    fn next(&self) -> Option<u32> {
        let mut jobs = self.jobs.lock().unwrap();
        loop {
            if let Some(job) = jobs.0.pop_front() {
                return Some(job);
            }
            if jobs.1 {
                return None;
            }
            jobs = self.changed.wait(jobs).unwrap();
        }
    }

    fn push(&self, job: u32) {
        self.jobs.lock().unwrap().0.push_back(job);
        self.changed.notify_one();
    }

    fn close(&self) {
        self.jobs.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

#[test]
fn jobs_in_flight_are_finished_and_no_more_are_taken() {
    let queue = Arc::new(Queue::default());
    (0..100).for_each(|job| queue.push(job));
    let done = Arc::new(Mutex::new(Vec::new()));
    let (worker, closer, log) = (Arc::clone(&queue), Arc::clone(&queue), Arc::clone(&done));
    let process = ifrit::invoke(Actor::new(
        move |_, ready| {
            ready.notify();
            while let Some(job) = worker.next() {
                log.lock().unwrap().push(job);
            }
            Ok(())
        },
        move |_| {
            closer.close();
            Ok(())
        },
    ));
    process.interrupt().unwrap();
    assert_eq!(*done.lock().unwrap(), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_schedule_that_sleeps_is_woken() {
    let sleeper = Arc::new(Queue::default());
    let wakes = Arc::clone(&sleeper);
    let process = ifrit::invoke(Actor::new(
        move |_, ready| {
            ready.notify();
            let jobs = sleeper.jobs.lock().unwrap();
            let day = Duration::from_secs(86_400);
            let _ = sleeper
                .changed
                .wait_timeout_while(jobs, day, |jobs| !jobs.1)
                .unwrap();
            Ok(())
        },
        move |_| {
            wakes.close();
            Ok(())
        },
    ));
    process.interrupt().unwrap();
}

#[test]
fn a_child_that_writes_nothing_is_killed_and_its_pipe_read_to_the_end() {
    let actor = Actor::with(|stopping: &Stopping, ready: ReadySender| {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().expect("it is piped");
        let child = Arc::new(Mutex::new(child));
        let killed = Arc::clone(&child);
        let _interrupting = stopping.interrupt(move |_| Ok(killed.lock().unwrap().kill()?));
        ready.notify();
        for line in BufReader::new(output).lines() {
            line?;
        }
        child.lock().unwrap().wait()?;
        Ok(())
    });
    ifrit::invoke(actor).started().unwrap().interrupt().unwrap();
}

#[test]
fn a_panic_in_the_blocking_code_is_seen_at_once_and_ends_the_service() {
    let (wake, woken) = ifrit::crossbeam_channel::bounded::<()>(1);
    let reads = Actor::with(|_, ready| {
        ready.notify();
        panic!("a row without a key")
    });
    let serves = Actor::new(
        move |_: &Stopping, ready: ReadySender| {
            ready.notify();
            woken.recv()?;
            Ok(())
        },
        move |_| Ok(wake.send(())?),
    );
    let group = Parallel::new(Members::new().add("serves", serves).add("reads", reads));
    let error = ifrit::background(group).expect_exit().unwrap_err();
    assert!(error.to_string().contains("a row without a key"), "{error}");
}

#[test]
fn stops_that_race_with_the_start_are_all_heard() {
    for _ in 0..stress(200) {
        let (mut here, _there) = UnixStream::pair().unwrap();
        let other = here.try_clone().unwrap();
        let process = ifrit::background(Actor::new(
            move |_: &Stopping, _| {
                let _ = here.read(&mut [0])?;
                Ok(())
            },
            other,
        ));
        process.signal(Signal::TERMINATE);
        process.expect_exit().unwrap();
    }
}
