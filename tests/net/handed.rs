//! Listeners that the environment hands over.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use ifrit::crossbeam_channel::{Receiver, bounded};
use ifrit::net::{Acceptor, Connection, Stream};
use ifrit::prelude::*;
use ifrit::testing::PATIENCE;
use ifrit::{Process, background};

use crate::clients::{Client, Server, connect_unix, echo};

const HANDED: &str = "IFRIT_NET_HANDED";

/// Asks for the end of the run, with each line.
fn ending() -> (
    impl Fn(Stream, &Connection) -> ifrit::Result + Send + Sync,
    Receiver<()>,
) {
    let (sender, asked) = bounded(10);
    let handler = move |stream: Stream, connection: &Connection| {
        let mut reader = BufReader::new(&stream);
        while connection.next_request(&mut reader)? {
            reader.read_line(&mut String::new())?;
            sender.send(())?;
        }
        Ok(())
    };
    (handler, asked)
}

/// The program that is handed two listeners. It runs a server on both, and then once more.
fn child() {
    let (handler, asked) = ending();
    let web = Acceptor::handed_over(0, handler);
    let look = Acceptor::handed_over("look", echo);
    let none = Acceptor::handed_over("other", echo).otherwise("127.0.0.1:0");
    assert!(
        env::var_os("LISTEN_FDS").is_none(),
        "children do not inherit it"
    );
    let error = background(none).join().unwrap_err().to_string();
    let expected = "cannot listen on listener \"other\" of the environment: \
                    those that were handed over are called: web, look";
    assert_eq!(error, expected);
    let error = background(Acceptor::handed_over(7, echo))
        .join()
        .unwrap_err();
    assert!(
        error.to_string().ends_with("only 2 were handed over"),
        "{error}"
    );

    let mut group = Ordered::new(Members::new().add("web", web).add("look", look));
    for _ in 0..2 {
        ifrit::scope(|scope| {
            let group: Process = scope.invoke(&mut group).started().unwrap();
            asked.recv_timeout(PATIENCE).unwrap();
            group.signal(Signal::TERMINATE);
            group.join().unwrap();
        });
    }
}

#[test]
fn they_are_taken_by_place_and_by_name_and_stay_open_between_runs() {
    if env::var_os(HANDED).is_some() {
        return child();
    }
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let path = env::temp_dir().join(format!("ifrit-handed-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let look = UnixListener::bind(&path).unwrap();
    let address = web.local_addr().unwrap();
    // A shell moves them to where they are looked for: the first is its input, the second its output.
    let script = "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:look \
                  exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >&2";
    let mut program = Command::new("sh")
        .args(["-c", script])
        .arg(env::current_exe().unwrap())
        .arg("handed::they_are_taken_by_place_and_by_name_and_stay_open_between_runs")
        .args(["--exact", "--nocapture"])
        .env(HANDED, "1")
        .stdin(Stdio::from(OwnedFd::from(web)))
        .stdout(Stdio::from(OwnedFd::from(look)))
        .spawn()
        .unwrap();
    for round in 0..2 {
        // The second comes when no run takes any, and waits for the next.
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Client::new(socket);
        let answer = connect_unix(&path).ask("hello");
        assert_eq!(answer, "hello", "round {round}");
        client.say("end");
        assert!(client.is_closed());
    }
    assert!(program.wait().unwrap().success());
    assert!(path.exists(), "it is not the server's");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn where_none_are_there_it_says_so_or_takes_the_address_that_it_is_given() {
    let error = background(Acceptor::handed_over(0, echo))
        .join()
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("cannot listen on listener 0 of the environment: none"),
        "{text}"
    );
    let server = Server::start(Acceptor::handed_over("web", echo).otherwise("127.0.0.1:0"));
    assert_eq!(server.connect().ask("hello"), "hello");
    server.stop().unwrap();
}
