//! The file of a Unix socket: taken over where it is left from a dead program, and taken away at the end.
//!
//! Invariants:
//! 1. A file that is no socket, or a socket that something listens on, is never removed.
//! 2. Of several programs that use this crate one at a time has the path: it holds a lock on the file `<path>.lock`, from
//!    before it looks at the path until it has taken its own file away. That lock ends with the program, however it ends.
//! 3. Nothing can connect before the permissions are set: the socket does not listen until then.
//! 4. At the end the file is removed only if it is still ours. Its number belongs to no other file as long as our socket is
//!    open, which is until after that.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, chmodat, flock, fstat, openat};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, connect, listen, socket};

/// The kernel cuts it to what it allows.
const BACKLOG: i32 = 4_096;

/// Keeps the path while it lives; the socket outlives it.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// The device and the number of the file.
    place: (u64, u64),
    _lock: Lock,
}

/// Listens on `path`, with these permissions if some are asked for.
pub(super) fn listen_on(path: &Path, mode: Option<u32>) -> io::Result<(UnixListener, SocketFile)> {
    let lock = Lock::take(path)?; // invariant 2
    make_way(path)?;
    let socket = new_socket()?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    let place = place_of(path);
    let ready = place.and_then(|place| {
        if let Some(mode) = mode {
            chmodat(
                CWD,
                path,
                Mode::from_raw_mode(mode as _),
                rustix::fs::AtFlags::empty(),
            )?;
        }
        listen(&socket, BACKLOG)?; // invariant 3
        Ok(place)
    });
    let place = ready.inspect_err(|_| {
        let _ = fs::remove_file(path); // it has just been made here
    })?;
    let file = SocketFile {
        path: path.to_owned(),
        place,
        _lock: lock,
    };
    Ok((socket.into(), file))
}

fn new_socket() -> io::Result<OwnedFd> {
    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    Ok(socket)
}

fn place_of(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// Removes what a dead program has left.
fn make_way(path: &Path) -> io::Result<()> {
    let file = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    if !file.file_type().is_socket() {
        let why = "a file that is no socket stands there, and is left alone";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why)); // invariant 1
    }
    match probe(path) {
        Ok(()) | Err(Errno::AGAIN) => {
            let why = "another program listens there";
            Err(io::Error::new(io::ErrorKind::AddrInUse, why)) // invariant 1
        }
        Err(Errno::CONNREFUSED) => match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        },
        Err(Errno::NOENT) => Ok(()),
        Err(error) => {
            let why = format!("whether another program listens there cannot be told: {error}");
            Err(io::Error::new(io::ErrorKind::AddrInUse, why))
        }
    }
}

/// Connects, and lets go at once. Never blocks: where the queue of the listener is full, that is an answer too.
fn probe(path: &Path) -> Result<(), Errno> {
    let socket = new_socket().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    connect(&socket, &SocketAddrUnix::new(path)?)
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Invariant 4
        if place_of(&self.path).is_ok_and(|place| place == self.place) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The lock of a path, and its file, which is removed with it.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    _file: OwnedFd,
}

impl Lock {
    fn take(socket: &Path) -> io::Result<Self> {
        let mut path = OsString::from(socket);
        path.push(".lock");
        let path = PathBuf::from(path);
        loop {
            let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            let file = openat(CWD, &path, flags, Mode::RUSR | Mode::WUSR)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::AGAIN) => {
                    let why = "another program listens there, or is about to: it holds the lock beside it";
                    return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
                }
                locked => locked?,
            }
            // The one that held it before may have removed it since it was opened here.
            let ours = fstat(&file)?;
            let is_there = place_of(&path)
                .is_ok_and(|(dev, ino)| (dev, ino) == (ours.st_dev as u64, ours.st_ino as u64));
            if is_there {
                return Ok(Lock { path, _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path); // while it is held
    }
}
