//! Bugs that are put in on purpose, to see that a model finds them.
//!
//! A bug is a line of the crate and what goes wrong there. It is put in here, at the door, so that the crate itself has
//! nothing of it. What may go wrong without being a bug, such as the start of a thread, is put in here too.

use std::cell::RefCell;
use std::panic::Location;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A message, a notification or a wait for a channel, which does not happen.
    Forgotten,
    /// What is done under the lock is not one step: the lock is given up and taken again before each change.
    Torn,
    /// The lock is given up some steps too late.
    Kept,
    /// The channel may be seen as it was before the last change of its other side: a message that has come is not there
    /// yet, one that was taken is still there.
    Stale,
    /// The system may have no thread to give. The crate must bear that.
    Refused,
}

struct Seed {
    fault: Fault,
    file: &'static str,
    line: u32,
}

std::thread_local! {
    static SEEDS: RefCell<Vec<Seed>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn is_seeded(fault: Fault, at: &Location<'_>) -> bool {
    let is_here =
        |seed: &Seed| seed.fault == fault && seed.line == at.line() && seed.file == at.file();
    SEEDS.with_borrow(|seeds| seeds.iter().any(is_here))
}

/// Puts in a bug while `work` runs, beside those that are there, in a line of `file`: the first that has the last part of `place`, after one that has
/// the part before it. The parts are parted by ` > `.
pub(crate) fn with<T>(
    fault: Fault,
    file: &'static str,
    place: &str,
    work: impl FnOnce() -> T,
) -> T {
    struct Remove;
    impl Drop for Remove {
        fn drop(&mut self) {
            SEEDS.with_borrow_mut(Vec::pop);
        }
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = std::fs::read_to_string(&path).expect("a source of this crate");
    let mut lines = (1..).zip(source.lines());
    let mut line = 0;
    for part in place.split(" > ") {
        let found = lines.find(|(_, text)| text.contains(part));
        line = found.map_or_else(|| panic!("no {part:?} in {file}"), |(line, _)| line);
    }
    SEEDS.with_borrow_mut(|seeds| seeds.push(Seed { fault, file, line }));
    let _remove = Remove;
    work()
}
