//! The same with an acceptor.

use std::io::{BufRead, BufReader, Write};

use ifrit::Signal;
use ifrit::grouper::Capacity;
use ifrit::net::{Acceptor, Connection, Stream};

use crate::Server;

pub(crate) fn echo() -> Server {
    serve(|stream, connection| {
        let mut reader = BufReader::new(&stream);
        let mut line = Vec::new();
        while connection.next_request(&mut reader)? {
            reader.read_until(b'\n', &mut line)?;
            (&stream).write_all(&line)?;
            line.clear();
        }
        Ok(())
    })
}

pub(crate) fn greet() -> Server {
    serve(|mut stream, _| Ok(stream.write_all(b"hello\n")?))
}

fn serve<H>(handler: H) -> Server
where
    H: Fn(Stream, &Connection) -> ifrit::Result + Send + Sync + 'static,
{
    let acceptor = Acceptor::tcp("127.0.0.1:0", handler).capacity(Capacity::unlimited());
    let handle = acceptor.handle();
    let process = ifrit::invoke(acceptor).started().expect("a port");
    let address = handle.address().expect("it is ready");
    let stop = Box::new(move || {
        process.signal(Signal::TERMINATE);
        process.join().expect("all were idle");
    });
    Server {
        address: address.tcp().expect("it is TCP"),
        stop,
    }
}
