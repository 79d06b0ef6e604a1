//! This program once more: what is measured of a whole program is measured in a fresh one.

use std::env;
use std::process::Command;

pub(crate) const FLAG: &str = "--child";

/// What the child prints, as a number.
pub(crate) fn ask(what: &str) -> f64 {
    let this = env::current_exe().expect("this program");
    let output = Command::new(this)
        .args([FLAG, what])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    said.trim().parse().unwrap_or_else(|_| {
        panic!(
            "{what} said {said:?}, {}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}
