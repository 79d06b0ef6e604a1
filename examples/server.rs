//! A small HTTP server by hand, and a Unix socket to look into it.
//!
//!     cargo run --example server --features net                # listens on 127.0.0.1:8000
//!     cargo run --example server --features net -- 8080 /run/shop.sock
//!
//! Ask it from another terminal: `curl localhost:8000/hello`, `curl localhost:8000/slow` (takes two seconds). What its
//! processes do is told by `nc -U /tmp/ifrit-server.sock`, to its owner only.
//!
//! ctrl-c or SIGTERM ends it. It takes no more connections; those between two requests are closed at once; `/slow` gets its
//! answer, with `Connection: close`; exit code 0. What has not ended after 8 s is cut, and the report counts it; so does a
//! second ctrl-c at once. Under systemd it takes the socket that it is handed over.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;
use std::time::Duration;

use ifrit::grouper::Capacity;
use ifrit::net::{Acceptor, AcceptorHandle, Connection, Stream, WhenFull};
use ifrit::prelude::*;
use ifrit::process::note;

const BUSY: &str =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let port = arguments.next().unwrap_or("8000".to_owned());
    let socket = arguments
        .next()
        .unwrap_or("/tmp/ifrit-server.sock".to_owned());

    let web = Acceptor::handed_over("web", http)
        .otherwise(format_args!("127.0.0.1:{port}"))
        .capacity(Capacity::at_most(200))
        .when_full(WhenFull::Refuse(BUSY.into()))
        .stop_within(Duration::from_secs(8));
    let handle = web.handle();
    let look = Acceptor::unix(socket, look)
        .permissions(0o600)
        .capacity(Capacity::at_most(4));

    let app = Ordered::new(
        Members::new()
            .add("look", look)
            .add("web", web)
            .add("hello", hello(handle)),
    );
    ifrit::main(app)
}

/// Says where the server listens, once it does.
fn hello(web: AcceptorHandle) -> impl Runner {
    ifrit::run_fn(move |signals, ready| {
        if let Some(address) = web.address() {
            println!("listening on http://{address}/");
        }
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    })
}

/// One connection: a request and its answer, again and again.
fn http(stream: Stream, connection: &Connection) -> ifrit::Result {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?; // a silent client does not keep its place for ever
    let mut reader = BufReader::new(&stream);
    while connection.next_request(&mut reader)? {
        let Some((path, mut keep)) = request(&mut reader)? else {
            answer(&stream, "400 Bad Request", "what?\n", false)?;
            break;
        };
        let (status, body) = match &*path {
            "/hello" => ("200 OK", format!("hello, {}\n", connection.peer())),
            "/slow" => {
                note(format_args!("{} asks for /slow", connection.peer()));
                std::thread::sleep(Duration::from_secs(2));
                ("200 OK", "at last\n".to_owned())
            }
            _ => ("404 Not Found", "no such page\n".to_owned()),
        };
        keep &= !connection.is_stopping();
        answer(&stream, status, &body, keep)?;
        if !keep {
            break;
        }
    }
    Ok(())
}

/// The path of the request, and whether the client wants to ask more; `None` if it is not to be understood.
fn request(reader: &mut impl BufRead) -> io::Result<Option<(String, bool)>> {
    let mut head = Vec::new();
    // No more than a request may take, so that a client cannot fill the memory.
    let mut reader = io::Read::take(reader, 16_384);
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Ok(None);
        }
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let path = head
        .strip_prefix("get ")
        .and_then(|rest| rest.split(' ').next());
    let closes = head.contains("\r\nconnection: close\r\n") || head.contains(" http/1.0\r\n");
    Ok(path.map(|path| (path.to_owned(), !closes)))
}

fn answer(mut stream: &Stream, status: &str, body: &str, keep: bool) -> io::Result<()> {
    let length = body.len();
    let connection = if keep { "keep-alive" } else { "close" };
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: {connection}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes())
}

/// Shows the tree of the processes.
fn look(mut stream: Stream, _connection: &Connection) -> ifrit::Result {
    write!(stream, "{}", ifrit::tree())?;
    Ok(())
}
