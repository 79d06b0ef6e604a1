//! The page of the guarantees keeps its word: what it names exists. And what must not be in the sources is not there.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository.
fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn page() -> String {
    read(at("src/docs/guarantees.md"))
}

/// The tests that a text names, as file and function.
fn named(text: &str) -> Vec<(&str, &str)> {
    let code = text.split('`').skip(1).step_by(2);
    code.filter_map(|code| code.split_once("::"))
        .filter(|(file, _)| file.ends_with(".rs"))
        .collect()
}

/// Whether this function stands in this source, as a test.
fn is_test(source: &str, function: &str) -> bool {
    let declaration = format!("fn {function}(");
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(n, line)| {
        let attributes = lines[..n]
            .iter()
            .rev()
            .take_while(|line| line.starts_with('#'));
        line.starts_with(&declaration) && attributes.into_iter().any(|line| *line == "#[test]")
    })
}

#[test]
fn every_test_that_the_page_names_exists() {
    let page = page();
    let named = named(&page);
    assert!(!named.is_empty());
    let missing: Vec<_> = named
        .into_iter()
        .filter(|(file, function)| !is_test(&read(at("tests").join(file)), function))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_promise_and_every_case_has_a_test_or_says_that_it_has_none() {
    let page = page();
    let (promises, rest) = page.split_once("# How it is checked").unwrap();
    let (_, cases) = rest.split_once("# The cases").unwrap();
    let promises: Vec<_> = promises.split("\n## ").skip(1).collect();
    let rows: Vec<_> = cases
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|--"))
        .filter(|line| !line.ends_with(" Pinned by |")) // a heading
        .collect();
    assert!(!promises.is_empty() && !rows.is_empty());
    for text in promises.into_iter().chain(rows) {
        let absent = text.ends_with(" not there yet |");
        assert_eq!(named(text).is_empty(), absent, "{text}");
    }
}

#[test]
fn a_test_that_is_not_there_would_be_found() {
    let source = "#[test]\nfn here() {}\n\nfn helper() {}\n// fn gone() {}\n";
    let tests = ["here", "her", "helper", "gone"].map(|function| is_test(source, function));
    assert_eq!(tests, [true, false, false, false]);
    assert_eq!(named("`a.rs::b`, `c`, `Error::Spawn`"), [("a.rs", "b")]);
}

/// All sources of the library.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The library has none of these words in it.
#[track_caller]
fn never_says(words: &[&str]) {
    let mut files = Vec::new();
    sources(&at("src"), &mut files);
    assert!(!files.is_empty());
    for file in files {
        let source = read(&file);
        for word in words {
            assert!(!source.contains(word), "{word} in {}", file.display());
        }
    }
}

#[test]
fn the_library_never_ends_the_program() {
    never_says(&[
        "process::exit",
        "process::abort",
        "libc::exit",
        "libc::_exit",
        "low_level::exit",
        "low_level::abort",
    ]);
}

#[test]
fn the_library_never_asks_for_the_time_of_day() {
    never_says(&["SystemTime::", "UNIX_EPOCH", "ClockId::Realtime"]);
}

/// The programs in a folder: its files, and its folders that have a `main.rs`.
fn programs(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(at(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let programs = paths.filter(|path| {
        path.join("main.rs").exists() || path.extension().is_some_and(|end| end == "rs")
    });
    programs
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_test_and_every_bench_is_named_in_a_manifest() {
    let system = read(at("tests/system/Cargo.toml"));
    let tests = read(at("Cargo.toml")) + &system;
    for (folder, manifests) in [
        ("tests", tests),
        ("benches", read(at("benches/Cargo.toml"))),
    ] {
        let programs = programs(folder);
        assert!(programs.len() > 2, "{programs:?}");
        for name in programs {
            let named = manifests.contains(&format!("\nname = \"{name}\"\n"));
            assert!(
                named,
                "{folder}/{name} belongs to no package, so it is never run"
            );
        }
    }
}
