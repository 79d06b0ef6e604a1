//! The words for signals have the numbers of the operating system.

use ifrit::Signal;
use rustix::process::Signal as Os;

#[test]
fn the_numbers_are_those_of_the_operating_system() {
    let pairs = [
        (Signal::HANGUP, Os::HUP),
        (Signal::INTERRUPT, Os::INT),
        (Signal::QUIT, Os::QUIT),
        (Signal::KILL, Os::KILL),
        (Signal::USER1, Os::USR1),
        (Signal::USER2, Os::USR2),
        (Signal::TERMINATE, Os::TERM),
        (Signal::CHILD, Os::CHILD),
        (Signal::CONTINUE, Os::CONT),
        (Signal::WINDOW_CHANGE, Os::WINCH),
    ];
    for (ours, theirs) in pairs {
        assert_eq!(ours.as_raw(), theirs.as_raw(), "{ours}");
    }
}
