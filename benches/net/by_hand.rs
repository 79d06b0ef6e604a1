//! The floor: an accept loop with a thread for each connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::Server;

type Open = Arc<Mutex<Vec<TcpStream>>>;

pub(crate) fn echo() -> Server {
    serve(true, |stream| {
        let mut reader = BufReader::new(&stream);
        let mut line = Vec::new();
        while reader
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            if (&stream).write_all(&line).is_err() {
                return;
            }
            line.clear();
        }
    })
}

pub(crate) fn greet() -> Server {
    serve(false, |mut stream| {
        let _ = stream.write_all(b"hello\n");
    })
}

/// What is to be `kept` for the stop are the sockets and the threads.
fn serve(kept: bool, handler: fn(TcpStream)) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    let over = Arc::new(AtomicBool::new(false));
    let open = Open::default();
    let acceptor = {
        let (over, open) = (Arc::clone(&over), Arc::clone(&open));
        thread::spawn(move || {
            let mut threads = Vec::new();
            while let Ok((stream, _)) = listener.accept() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                stream.set_nodelay(true).expect("an option");
                if kept {
                    let copy = stream.try_clone().expect("a file descriptor");
                    open.lock().expect("no panic").push(copy);
                }
                let thread = thread::spawn(move || handler(stream));
                if kept {
                    threads.push(thread);
                }
            }
            threads
        })
    };
    let stop = Box::new(move || {
        over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(address); // which wakes it
        let threads = acceptor.join().expect("no panic");
        for stream in open.lock().expect("no panic").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        for thread in threads {
            thread.join().expect("no panic");
        }
    });
    Server { address, stop }
}
