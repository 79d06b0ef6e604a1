//! The pages keep their word: what they name exists, and the layers are as they are drawn. And what must not be in the
//! sources is not there.

use std::collections::BTreeSet;
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

fn page(name: &str) -> String {
    read(at("src/docs").join(name).with_extension("md"))
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
fn every_test_that_a_page_names_exists() {
    let page = page("verification");
    let named = named(&page);
    assert!(!named.is_empty());
    let missing: Vec<_> = named
        .into_iter()
        .filter(|(file, function)| !is_test(&read(at("tests").join(file)), function))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The rows of the tables in a text, without their headings.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter(|line| line.starts_with('|'));
    lines.filter(|line| !line.starts_with("|--") && !line.ends_with(" Pinned by |"))
}

#[test]
fn every_promise_and_every_case_has_a_test_or_says_that_it_has_none() {
    let page = page("verification");
    let (promises, rest) = page.split_once("# The methods").unwrap();
    let (_, cases) = rest.split_once("# The cases").unwrap();
    assert!(rows(promises).count() > 10 && rows(cases).count() > 50);
    for row in rows(promises).chain(rows(cases)) {
        let absent = row.ends_with(" not there yet |");
        assert_eq!(named(row).is_empty(), absent, "{row}");
    }
}

#[test]
fn the_promises_that_are_checked_are_those_that_are_made() {
    let (made, checked) = (page("guarantees"), page("verification"));
    let made: Vec<_> = made
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .collect();
    let (checked, _) = checked.split_once("# The methods").unwrap();
    let checked = rows(checked).map(|row| row.split('|').nth(1).unwrap().trim());
    assert_eq!(checked.collect::<Vec<_>>(), made);
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
fn never_says(words: &[&str], but_in: &[&str]) {
    let mut files = Vec::new();
    sources(&at("src"), &mut files);
    let but_in: Vec<_> = but_in.iter().map(|file| at(file)).collect();
    assert!(!files.is_empty() && but_in.iter().all(|file| files.contains(file)));
    for file in files.into_iter().filter(|file| !but_in.contains(file)) {
        let source = read(&file);
        for word in words {
            assert!(!source.contains(word), "{word} in {}", file.display());
        }
    }
}

/// The rows of the drawing in the documentation of the crate, from the lowest up, each as the names of its modules.
fn layers() -> Vec<Vec<String>> {
    let source = read(at("src/lib.rs"));
    let (_, anatomy) = source.split_once("//! # Anatomy of the code").unwrap();
    let drawing = anatomy.split("//! ```").nth(1).unwrap();
    let rows = drawing.lines().skip(1);
    let rows = rows.map(|line| line.trim_start_matches("//!").trim());
    let mut layers: Vec<Vec<_>> = rows
        .filter(|line| !line.is_empty())
        .map(|line| {
            // What the row is about stands far to the right.
            let (modules, _) = line.split_once("      ").unwrap();
            modules.split_whitespace().map(str::to_owned).collect()
        })
        .collect();
    layers.reverse();
    layers
}

/// A source without its comments and without the tests in it, which may use what they need.
fn without_tests(source: &str) -> String {
    let lines = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let mut lines = lines.peekable();
    let mut code = String::new();
    while let Some(line) = lines.next() {
        if line.starts_with("#[cfg(all(test")
            && lines.peek().is_some_and(|next| next.ends_with('{'))
        {
            break;
        }
        code += line;
        code.push('\n');
    }
    code
}

/// The modules of the crate that these lines use.
fn used(code: &str) -> BTreeSet<String> {
    let paths = code.split("crate::").skip(1);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    paths
        .map(|path| match path.strip_prefix('{') {
            Some(list) => panic!(
                "crate::{{{:?} hides which modules it names",
                list.lines().next()
            ),
            None => path.split(|c| !is_word(c)).next().unwrap().to_owned(),
        })
        .collect()
}

#[test]
fn a_module_uses_only_what_is_drawn_below_it() {
    let layers = layers();
    let row = |name: &str| layers.iter().position(|row| row.iter().any(|m| m == name));
    let mut drawn: Vec<_> = layers.iter().flatten().collect();
    drawn.sort();
    let source = read(at("src/lib.rs"));
    let mods = source.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    let mods: Vec<_> = mods
        .filter(|name| !["guide", "models"].contains(name))
        .collect();
    let rows: Vec<_> = mods.iter().map(|name| row(name)).collect();
    assert!(
        rows.iter().all(Option::is_some),
        "not drawn: {mods:?} {rows:?}"
    );
    assert!(
        rows.is_sorted(),
        "the modules do not stand in the order of the layers"
    );
    assert_eq!(
        drawn.len(),
        mods.len(),
        "drawn: {drawn:?}, declared: {mods:?}"
    );

    for name in mods {
        let mut files = Vec::new();
        let (folder, file) = (
            at("src").join(name),
            at("src").join(name).with_extension("rs"),
        );
        match folder.is_dir() {
            true => sources(&folder, &mut files),
            false => files.push(file),
        }
        for file in files {
            let source = read(&file);
            if file.ends_with("tests.rs") {
                continue;
            }
            let code = without_tests(&source);
            for other in used(&code).into_iter().filter(|other| other != name) {
                let below = row(&other).is_some_and(|other| Some(other) < row(name));
                assert!(
                    below,
                    "{} uses {other}, which is not below it",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn the_library_never_ends_the_program() {
    let words = [
        "process::exit",
        "process::abort",
        "libc::exit",
        "libc::_exit",
        "low_level::exit",
        "low_level::abort",
    ];
    never_says(&words, &[]);
}

#[test]
fn the_library_asks_for_the_time_of_day_for_time_tables_only() {
    let words = [
        "SystemTime::",
        "UNIX_EPOCH",
        "ClockId::Realtime",
        "Utc::now",
        "Local::now",
    ];
    never_says(&words, &["src/sync/time_of_day.rs"]);
    let mut files = Vec::new();
    sources(&at("src"), &mut files);
    let asks = files.into_iter().filter(|file| {
        let source = read(file);
        source.contains("time_of_day()") && !file.starts_with(at("src/clock"))
    });
    let asks: BTreeSet<_> = asks.collect();
    let may = ["src/runners/ticker/table.rs", "src/sync/time_of_day.rs"];
    assert_eq!(asks, may.map(at).into());
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
    let tests = [
        "Cargo.toml",
        "tests/system/Cargo.toml",
        "tests/net/Cargo.toml",
        "tests/timeline/Cargo.toml",
    ];
    let tests = tests.map(|manifest| read(at(manifest))).concat();
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
