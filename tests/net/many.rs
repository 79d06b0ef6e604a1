//! A thousand at a time, and a flood.

use std::io::{Read, Write};
use std::net::TcpStream;

use ifrit::grouper::Capacity;

use crate::clients::{Client, Server, echo, local, stress};
use crate::kit::in_child;

#[test]
fn a_thousand_connections_are_served_at_a_time_and_end_with_a_stop() {
    in_child(|| {
        let many = 1_000;
        if rustix::process::getrlimit(rustix::process::Resource::Nofile)
            .current
            .is_some_and(|limit| limit < 2_200)
        {
            raise_the_limit();
        }
        let server = Server::start(local(echo).capacity(Capacity::unlimited()));
        let mut clients: Vec<_> = (0..many).map(|_| server.connect()).collect();
        for round in 0..2 {
            for (n, client) in clients.iter_mut().enumerate() {
                let line = format!("{round} {n}");
                assert_eq!(client.ask(&line), line);
            }
        }
        assert_eq!(server.handle.counts().open, many);
        server.stop().unwrap();
        assert!(clients.iter_mut().all(Client::is_closed));
    });
}

fn raise_the_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

#[test]
fn a_flood_of_short_connections_is_worked_off() {
    let many = 4_000 * u64::from(stress());
    let server = Server::start(local(|mut stream, _| {
        stream.write_all(b"x")?;
        Ok(())
    }));
    let address = server.address();
    let clients = 4;
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                for _ in 0..many / clients {
                    let mut heard = Vec::new();
                    // A port may be used up for a moment: so many connections have just ended.
                    let mut socket = loop {
                        match TcpStream::connect(address) {
                            Ok(socket) => break socket,
                            Err(error) => assert_eq!(error.raw_os_error(), Some(99), "{error}"),
                        }
                    };
                    socket.read_to_end(&mut heard).unwrap();
                    assert_eq!(heard, b"x");
                }
            });
        }
    });
    server.until_open(0);
    let counts = server.handle.counts();
    assert_eq!((counts.accepted, counts.failed), (many, 0));
    server.stop().unwrap();
}
