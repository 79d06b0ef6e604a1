//! The example `server`, run for real.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use ifrit::testing::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};

#[allow(dead_code)] // the other tests use all of it
#[path = "../examples/program.rs"]
mod program;

/// It is killed when dropped.
struct Example(Child);

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_server_answers_and_lets_a_request_end_when_it_is_told_to_stop() {
    let socket = std::env::temp_dir().join(format!("ifrit-example-{}", std::process::id()));
    let mut server = Example(
        Command::new(program::program_with("server", &["net"]))
            .arg("0")
            .arg(&socket)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut line = String::new();
    let mut stdout = BufReader::new(server.0.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap();
    let address = address.trim_end_matches('/');

    let connect = || {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    };
    let mut kept = connect();
    for _ in 0..2 {
        // Over one connection.
        kept.write_all(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let answer = answer(&kept);
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("keep-alive"),
            "{answer}"
        );
    }
    let mut tree = String::new();
    UnixStream::connect(&socket)
        .unwrap()
        .read_to_string(&mut tree)
        .unwrap();
    assert!(tree.contains("note: 1 connection, 1 so far"), "{tree}");

    let mut slow = connect();
    slow.write_all(b"GET /slow HTTP/1.1\r\n\r\n").unwrap();
    crate::kit::until("begun", || {
        let mut tree = String::new();
        UnixStream::connect(&socket)
            .unwrap()
            .read_to_string(&mut tree)
            .unwrap();
        tree.contains("asks for /slow")
    });
    kill_process(Pid::from_child(&server.0), Signal::TERM).unwrap();
    assert_eq!(kept.read(&mut [0]).unwrap(), 0); // at once: it was idle
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(
        answer.contains("Connection: close") && answer.ends_with("at last\n"),
        "{answer}"
    );
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
    assert!(!socket.exists());
}

/// A head, and a body as long as that says.
fn answer(socket: &TcpStream) -> String {
    let mut reader = BufReader::new(socket);
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut text).unwrap(), 0);
    }
    let length = text.split("Content-Length: ").nth(1).unwrap();
    let length = length.split("\r\n").next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    text + &String::from_utf8(body).unwrap()
}
