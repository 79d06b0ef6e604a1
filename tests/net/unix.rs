//! Unix sockets, and what stands in their place.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

use ifrit::background;
use ifrit::net::{Acceptor, Address, ListenError};

use crate::clients::{Server, connect_unix, echo};

/// A folder of its own, that goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ifrit-net-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        Folder(folder)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(&self.0).unwrap().next().is_none()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn refused(path: &Path) -> String {
    let error = background(Acceptor::unix(path, echo)).join().unwrap_err();
    assert!(error.downcast_ref::<ListenError>().is_some());
    let text = error.to_string();
    let begin = format!("cannot listen on {}: ", path.display());
    text.strip_prefix(&begin).expect(&text).to_owned()
}

#[test]
fn it_serves_and_leaves_nothing_behind() {
    let folder = Folder::new("serves");
    let path = folder.socket();
    for _ in 0..2 {
        let server = Server::start(Acceptor::unix(&path, echo));
        assert_eq!(server.handle.address(), Some(Address::Unix(path.clone())));
        assert_eq!(connect_unix(&path).ask("hello"), "hello");
        server.stop().unwrap();
        assert!(folder.is_empty());
    }
}

#[test]
fn a_socket_of_a_dead_program_is_replaced() {
    let folder = Folder::new("stale");
    let path = folder.socket();
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    fs::write(folder.0.join("s.lock"), "").unwrap(); // its lock went with it
    let server = Server::start(Acceptor::unix(&path, echo));
    assert_eq!(connect_unix(&path).ask("hello"), "hello");
    server.stop().unwrap();
    assert!(folder.is_empty());
}

#[test]
fn a_socket_in_use_is_left_alone() {
    let folder = Folder::new("used");
    let path = folder.socket();
    let other = UnixListener::bind(&path).unwrap();
    assert_eq!(refused(&path), "another program listens there");
    other.accept().unwrap(); // the question
    assert_eq!(connect(&path), "heard");
    assert!(path.exists());
    drop(other);
    // One of ours.
    let server = Server::start(Acceptor::unix(&path, echo));
    assert!(refused(&path).starts_with("another program listens there, or is about to"));
    assert_eq!(connect_unix(&path).ask("hello"), "hello");
    server.stop().unwrap();
}

fn connect(path: &Path) -> &'static str {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => "heard",
        Err(_) => "not there",
    }
}

#[test]
fn a_socket_in_use_whose_queue_is_full_is_left_alone() {
    let folder = Folder::new("queue");
    let path = folder.socket();
    let other = rustix::net::socket(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    rustix::net::bind(&other, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&other, 0).unwrap();
    let _waiting = std::os::unix::net::UnixStream::connect(&path).unwrap(); // the one that there is room for
    assert_eq!(refused(&path), "another program listens there");
    assert!(path.exists());
}

#[test]
fn what_is_no_listening_socket_is_left_alone() {
    let folder = Folder::new("file");
    let path = folder.socket();
    fs::write(&path, "precious").unwrap();
    assert!(refused(&path).contains("no socket"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
    // A socket that is of another kind.
    let other = UnixDatagram::bind(&path).unwrap();
    assert!(refused(&path).contains("cannot be told"));
    assert!(path.exists());
    drop(other);
    // A link is a file of its own.
    fs::remove_file(&path).unwrap();
    let target = folder.0.join("target");
    drop(UnixListener::bind(&target).unwrap());
    std::os::unix::fs::symlink(&target, &path).unwrap();
    assert!(refused(&path).contains("no socket"));
    assert!(target.exists());
    assert!(!folder.0.join("s.lock").exists());
}

#[test]
fn what_has_taken_its_place_meanwhile_is_left_alone() {
    let folder = Folder::new("taken");
    let path = folder.socket();
    let server = Server::start(Acceptor::unix(&path, echo));
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    server.stop().unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket());
}

#[test]
fn permissions_are_what_was_asked_for_whatever_the_umask() {
    let folder = Folder::new("mode");
    let path = folder.socket();
    for mode in [0o600, 0o666] {
        let server = Server::start(Acceptor::unix(&path, echo).permissions(mode));
        let found = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode);
        server.stop().unwrap();
    }
}

#[test]
fn of_many_that_start_at_once_one_has_the_path() {
    let folder = Folder::new("race");
    let path = folder.socket();
    for _ in 0..50 {
        drop(UnixListener::bind(&path).unwrap()); // stale
        let all: Vec<_> = (0..4)
            .map(|_| background(Acceptor::unix(&path, echo)))
            .collect();
        let ready: Vec<_> = all.iter().filter(|one| one.wait_ready().is_ok()).collect();
        assert_eq!(ready.len(), 1);
        assert_eq!(connect_unix(&path).ask("hello"), "hello");
        ready[0].signal(ifrit::Signal::TERMINATE);
        for one in &all {
            let _ = one.join();
        }
        assert!(folder.is_empty());
    }
}

#[test]
fn a_path_that_is_too_long_or_nowhere_is_an_error() {
    refused(&PathBuf::from("/nowhere/at/all"));
    let folder = Folder::new("long");
    let long = folder.0.join("x".repeat(200));
    refused(&long);
    assert!(folder.is_empty());
}

#[test]
fn idle_connections_over_a_unix_socket_are_woken_by_a_stop_too() {
    let folder = Folder::new("idle");
    let path = folder.socket();
    let server = Server::start(Acceptor::unix(&path, echo));
    let mut client = connect_unix(&path);
    assert_eq!(client.ask("hello"), "hello");
    server.stop().unwrap();
    assert!(client.is_closed());
}
