//! The example `watch`, run for real.

use std::process::{Command, Stdio};

use crate::program::program;

#[test]
fn it_shows_each_crash_and_ends_when_the_group_gives_up() {
    let output = Command::new(program("watch"))
        .output()
        .expect("the program");
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8_lossy(&output.stdout);
    // Without the times, which are its own.
    let lines = printed.lines().filter_map(|line| line.split_once(' '));
    let lines: Vec<_> = lines.map(|(_, line)| line).collect();
    assert_eq!(lines[0], "app: started");
    let count = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
    assert_eq!(count("app/worker: started"), 4);
    assert_eq!(count("app/worker: note: working on batch"), 4);
    for (attempt, delay) in [(1, 100), (2, 200), (3, 400)] {
        let restart =
            format!("app/worker: restarts in {delay} ms (attempt {attempt} of 3): connection lost");
        assert_eq!(count(&restart), 1, "{printed}");
    }
    assert_eq!(count("app: stops: worker ended"), 1, "{printed}");
    assert_eq!(count("app/db: told SIGINT"), 1, "{printed}");
    assert!(
        lines.last().unwrap().starts_with("app: exited after"),
        "{printed}"
    );
}

#[test]
fn a_closed_standard_output_ends_it() {
    let mut child = Command::new(program("watch"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    drop(child.stdout.take());
    assert!(child.wait().expect("a status").success());
}
