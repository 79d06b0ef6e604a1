//! The example `settings`, run for real.

use std::process::Command;

use crate::program::program;

#[test]
fn a_change_is_taken_up_and_a_broken_file_is_refused() {
    let output = Command::new(program("settings"))
        .output()
        .expect("the program");
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8_lossy(&output.stdout);
    let mut lines: Vec<_> = printed.lines().collect();
    // The two parts read at the same time.
    for (first, last) in [(2, 4), (5, 7), (8, 10)] {
        lines[first..last].sort_unstable();
    }
    let why = "invalid digit found in string";
    let refused = format!("not reloaded within 10s: app/store ({why}), app/web ({why})");
    let [store, web] = ["store", "web"].map(|part| format!("{part}: level 2 stays: {why}"));
    let expected = [
        "store: level 1",
        "web: level 1",
        "store: level 1, from now on 2",
        "web: level 1, from now on 2",
        "2 parts have the new settings",
        &store,
        &web,
        &refused,
        "store: level 2, from now on 3",
        "web: level 2, from now on 3",
        "2 parts have the new settings",
    ];
    assert_eq!(lines, expected, "{printed}");
}
