//! Where the examples are.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use ifrit::{Signal, sigmon::Sigmon};

/// Far longer than anything here takes, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program of an example. `cargo test` builds them all, into a folder next to that of this binary; a single test
/// binary asked for by name comes without them.
pub(crate) fn program(example: &str) -> PathBuf {
    program_with(example, &[])
}

/// The same of an example that needs these features.
pub(crate) fn program_with(example: &str, features: &[&str]) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    inherit_no_ignored_signal();
    let this = env::current_exe().expect("the path of this binary");
    let profile = this.ancestors().nth(2).expect("target/<profile>/deps");
    let program = profile.join("examples").join(example);
    if !program.exists() {
        let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
        let mut build = Command::new(cargo);
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        build.args(["build", "--package", "ifrit", "--example", example]);
        for feature in features {
            build.args(["--features", feature]);
        }
        build.arg("--target-dir");
        build.arg(profile.parent().expect("target"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo").success());
    }
    program
}

/// Lets the programs that are started from here ignore nothing. They would inherit what this one ignores, which is INT when
/// a shell has started it in the background. A signal that has a handler is not inherited so, and that of a sigmon stays
/// when the sigmon has returned.
fn inherit_no_ignored_signal() {
    let signals = [Signal::HANGUP, Signal::INTERRUPT, Signal::TERMINATE];
    let nothing = Sigmon::new(ifrit::run_fn(|_, _| Ok(()))).only(signals);
    ifrit::background(nothing).join().expect("handlers");
}
