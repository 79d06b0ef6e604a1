//! A server that answers each line with itself: `cargo run --example echo --features net`, then `nc 127.0.0.1 7000`.
//! ctrl-c ends it: connections that are idle end at once, a line that has begun is answered.

use std::io::{BufRead, BufReader, Write};

use ifrit::net::{Acceptor, Connection, Stream};

fn main() -> std::process::ExitCode {
    ifrit::main(Acceptor::tcp("127.0.0.1:7000", echo))
}

fn echo(stream: Stream, connection: &Connection) -> ifrit::Result {
    let mut reader = BufReader::new(&stream);
    let mut line = Vec::new();
    while connection.next_request(&mut reader)? {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        (&stream).write_all(&line)?;
    }
    Ok(())
}
