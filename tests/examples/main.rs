//! The examples that are programs to be used, run for real: started, talked to, stopped with signals.

mod program;

mod batch;
mod service;
mod settings;
mod signals;
mod timeline;
mod watch;

/// It needs a feature, so it is not compiled where it stands.
#[test]
fn the_server_of_the_front_page_is_the_example_echo() {
    let example = include_str!("../../examples/echo.rs");
    let (_, code) = example.split_once("\n\n").expect("a comment, and code");
    let front_page = include_str!("../../README.md");
    assert!(front_page.contains(code), "{code}");
}
