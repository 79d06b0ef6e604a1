//! Those who ask.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const CLIENTS: usize = 4;
pub(crate) const LINE: &[u8; 32] = b"a request that is of the usual.\n";

/// Two for each connection: both ends are in this program, and the floor has one more.
pub(crate) fn allow_many_files() {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    let _ = setrlimit(Resource::Nofile, raised);
}

/// Connections that stay.
pub(crate) struct Connected(Vec<Vec<TcpStream>>);

pub(crate) fn connect(address: SocketAddr, many: usize) -> Connected {
    let connect = |_| {
        let socket = TcpStream::connect(address).expect("it listens");
        socket.set_nodelay(true).expect("an option");
        socket
    };
    let each = many / CLIENTS;
    Connected(
        (0..CLIENTS)
            .map(|_| (0..each).map(connect).collect())
            .collect(),
    )
}

impl Connected {
    /// So many requests in all, each over the next connection: those of one client are under way at the same time.
    pub(crate) fn ask(&mut self, requests: u32) {
        let each = requests as usize / CLIENTS;
        thread::scope(|scope| {
            for sockets in &mut self.0 {
                scope.spawn(move || {
                    let mut left = each;
                    while left > 0 {
                        let many = sockets.len().min(left);
                        for socket in &mut sockets[..many] {
                            socket.write_all(LINE).expect("it reads");
                        }
                        for socket in &mut sockets[..many] {
                            let mut answer = [0; LINE.len()];
                            socket.read_exact(&mut answer).expect("it answers");
                        }
                        left -= many;
                    }
                });
            }
        });
    }
}

/// So many connections in all, each of which is greeted and ends.
pub(crate) fn come_and_go(address: SocketAddr, many: u32) {
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(move || {
                let mut heard = Vec::new();
                for _ in 0..many / CLIENTS as u32 {
                    let mut socket = TcpStream::connect(address).expect("it listens");
                    heard.clear();
                    socket.read_to_end(&mut heard).expect("it greets");
                    assert_eq!(heard, b"hello\n");
                }
            });
        }
    });
}
