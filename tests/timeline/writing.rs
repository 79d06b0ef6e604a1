use std::fs::File;
use std::io::{self, ErrorKind, Write};

use ifrit::Signal;
use ifrit::observe::Timeline;
use ifrit::testing::Waiting;

use super::rules::check;
use super::{calm, idle, named, timeline_of};

/// Of more than one piece.
fn long() -> Timeline {
    let _guard = calm();
    let process = named("noisy").invoke(idle());
    for n in 0..300 {
        process.note(format_args!("{n} {}", "x".repeat(400)));
    }
    process.signal(Signal::INTERRUPT);
    process.expect_exit().unwrap();
    timeline_of(&process)
}

/// Takes so many bytes and no more.
struct Full(Vec<u8>, usize);

impl Write for Full {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let room = self.1 - self.0.len();
        if room == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        let taken = piece.len().min(room);
        self.0.extend(&piece[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let error = long().write_to(full).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
}

#[test]
fn a_writer_that_is_full_somewhere_gets_no_whole_trace_and_an_error() {
    let timeline = long();
    let whole = timeline.to_string();
    check(&whole).map(drop).unwrap();
    assert!(whole.len() > 2 * 64 * 1024);
    for room in [0, 1, 1_000, 64 * 1024, 100_000, whole.len() - 2] {
        let mut full = Full(Vec::new(), room);
        let error = timeline.write_to(&mut full).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert!(whole.as_bytes().starts_with(&full.0) && full.0.len() == room);
        assert!(check(&String::from_utf8(full.0).unwrap()).is_err());
    }
    let mut enough = Full(Vec::new(), whole.len());
    timeline.write_to(&mut enough).unwrap();
    assert_eq!(enough.0, whole.as_bytes());
}

#[test]
fn what_a_writer_keeps_back_and_loses_is_an_error() {
    struct Loses;

    impl Write for Loses {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            Ok(piece.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(ErrorKind::BrokenPipe.into())
        }
    }

    let error = Timeline::default().write_to(Loses).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}
