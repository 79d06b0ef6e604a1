//! The example `timeline`, run for real.

use std::env;
use std::fs;
use std::process::{Command, Output};

use crate::program::program;

fn run(file: &str) -> (Output, String) {
    let output = Command::new(program("timeline")).arg(file).output();
    let output = output.expect("the program");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, printed)
}

#[test]
fn it_writes_a_trace_and_says_who_made_the_start_slow() {
    let file = format!("ifrit-timeline-test-{}.json", std::process::id());
    let file = env::temp_dir().join(file).display().to_string();
    let (output, printed) = run(&file);
    let trace = fs::read_to_string(&file).expect("the trace");
    fs::remove_file(&file).expect("it was there");
    assert!(output.status.success(), "{output:?}");
    assert!(printed.starts_with("app was ready after "), "{printed}");
    assert!(printed.contains("  app/db\n"), "{printed}");
    let upstream = "  app/web/upstream (restarted once; connection refused)\n";
    assert!(printed.contains(upstream), "{printed}");
    assert!(!printed.contains("app/web/cache"), "{printed}");
    assert!(printed.ends_with(&format!("wrote {file}\n")), "{printed}");

    let is_there = |text: &str| assert!(trace.contains(text), "no {text} in {trace}");
    is_there(r#""name":"thread_name","pid":1,"tid":5,"args":{"name":"app/web/upstream"}"#);
    is_there(r#""name":"restarting""#);
    is_there("connection lost");
    is_there(r#""name":"stopping""#);
    assert!(trace.starts_with('{') && trace.ends_with("]}\n"));
}

#[test]
fn a_full_disk_is_said_and_fails_the_program() {
    let (output, printed) = run("/dev/full");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(printed, "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.starts_with("/dev/full: No space left on device"),
        "{said}"
    );
}
