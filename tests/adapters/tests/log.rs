//! The adapter for `log`, under `env_logger`. Each test has a program of its own, since a program has one logger.

#[path = "../../kit/mod.rs"]
mod kit;
mod support;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use env_logger::{Builder, Target};
use ifrit::observe::InstallError;
use ifrit::observe::log::install;
use ifrit::testing::PATIENCE;
use kit::in_child;
use log::LevelFilter;
use support::{Gate, ROOM, Written, job, named, restarted, waited_long};

fn logger(level: LevelFilter, to: impl Write + Send + 'static) {
    Builder::new()
        .filter_level(level)
        .format_timestamp(None)
        .target(Target::Pipe(Box::new(to)))
        .init();
}

fn written(level: LevelFilter) -> Written {
    let written = Written::default();
    logger(level, written.clone());
    written
}

/// Without what takes a different time each run.
fn without_times(line: &str) -> String {
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let is_unit = |word: &str| matches!(word.trim_end_matches(':'), "ms" | "s" | "min");
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        match (word.split_once("_ms="), words.last_mut()) {
            (Some((key, _)), _) => words.push(format!("{key}_ms=..")),
            (None, Some(last)) if is_unit(word) && is_number(last) => *last = "..".to_owned(),
            (None, _) => words.push(word.to_owned()),
        }
    }
    words.join(" ")
}

#[test]
fn an_operator_reads_a_line_for_each_event_and_the_rest_in_pairs() {
    in_child(|| {
        let written = written(LevelFilter::Debug);
        let log = install().unwrap();
        restarted();
        assert!(log.flush(PATIENCE));
        let lines: Vec<_> = written
            .lines()
            .iter()
            .map(|line| without_times(line))
            .collect();
        for line in [
            "[INFO  ifrit] app/web: started event=started path=app/web id=2",
            "[INFO  ifrit] app/web: ready after .. event=ready path=app/web id=2 ready_after_ms=..",
            "[ERROR ifrit] app/web: exited after .. connection refused event=exited path=app/web id=2 took_ms=.. error=connection refused cause=independent",
            "[WARN  ifrit] app/web: restarts in .. (attempt 1 of 5): connection refused event=restarting path=app/web id=2 attempt=1 of=5 delay_ms=.. error=connection refused",
            "[DEBUG ifrit] app/web: note: serving event=note path=app/web id=3 note=serving",
            "[INFO  ifrit] app: stops: told SIGTERM event=stopping path=app id=1 why=signal signal=SIGTERM",
            "[DEBUG ifrit] app/web: told SIGTERM event=told a signal path=app/web id=3 signal=SIGTERM",
            "[INFO  ifrit] app/web: exited after .. ok event=exited path=app/web id=3 took_ms=.. cause=stopped",
        ] {
            let found = lines.iter().filter(|found| *found == line).count();
            assert_eq!(found, 1, "{line} in {lines:#?}");
        }
    });
}

#[test]
fn a_long_wait_is_a_warning_that_says_for_what() {
    in_child(|| {
        let written = written(LevelFilter::Warn);
        let log = install().unwrap();
        waited_long();
        assert!(log.flush(PATIENCE));
        let lines = written.lines();
        let lines: Vec<_> = lines.iter().map(|line| without_times(line)).collect();
        assert_eq!(
            lines,
            [
                "[WARN  ifrit] main: still waiting for main/db event=still waiting path=main id=1 waited_ms=.. limit_in_ms=.. for_whom=main/db"
            ]
        );
    });
}

#[test]
fn what_the_logger_does_not_want_is_not_told() {
    in_child(|| {
        let written = written(LevelFilter::Warn);
        let log = install().unwrap();
        restarted();
        drop(log); // which waits for what is on its way
        let lines = written.lines();
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert!(lines[0].starts_with("[ERROR") && lines[1].starts_with("[WARN"));
    });
}

#[test]
fn what_happened_before_is_not_told() {
    in_child(|| {
        let written = written(LevelFilter::Trace);
        named("before").background(job()).join().unwrap();
        let log = install().unwrap();
        named("after").background(job()).join().unwrap();
        drop(log);
        named("then").background(job()).join().unwrap();
        let lines = written.lines();
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert!(
            lines.iter().all(|line| line.contains(" after: ")),
            "{lines:#?}"
        );
        kit::until("ended", || kit::threads_named("ifrit-log") == 0);
    });
}

#[test]
fn a_second_install_is_refused_and_one_after_the_first_is_not() {
    in_child(|| {
        let written = written(LevelFilter::Info);
        let log = install().unwrap();
        let refused = install().unwrap_err();
        assert!(matches!(refused, InstallError::AlreadyInstalled { .. }));
        assert_eq!(
            refused.to_string(),
            "the adapter for log is installed already"
        );
        drop(log);
        let log = install().unwrap();
        named("job").background(job()).join().unwrap();
        assert!(log.flush(PATIENCE));
        assert_eq!(written.lines().len(), 2); // once each
    });
}

#[test]
fn without_a_thread_it_is_not_installed_and_can_be_later() {
    in_child(|| {
        let refused = kit::with_room_for(0, install).unwrap_err();
        assert!(matches!(refused, InstallError::Spawn { .. }));
        let text = refused.to_string();
        assert!(
            text.starts_with("no thread for the adapter for log: "),
            "{text}"
        );
        assert!(install().is_ok());
    });
}

struct Blocks(Gate, Written);

impl Write for Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.pass();
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_logger_that_blocks_holds_up_no_process_and_is_told_how_much_it_has_missed() {
    in_child(|| {
        let (gate, open) = Gate::closed();
        let written = Written::default();
        logger(LevelFilter::Info, Blocks(gate, written.clone()));
        let log = install().unwrap();
        for _ in 0..ROOM {
            named("job").background(job()).join().unwrap();
        }
        assert!(!log.flush(Duration::from_millis(1)));
        drop(open);
        assert!(log.flush(PATIENCE));
        named("last").background(job()).join().unwrap();
        assert!(log.flush(PATIENCE));

        let lines = written.lines();
        assert!(
            lines.last().unwrap().contains("last: exited"),
            "{:?}",
            lines.last()
        );
        let missed = lines.iter().filter_map(|line| {
            let number = line
                .strip_prefix("[WARN  ifrit] ")?
                .split_once(" events were missed")?
                .0;
            Some(number.parse::<usize>().unwrap())
        });
        let missed: Vec<_> = missed.collect();
        assert!(missed.iter().sum::<usize>() >= ROOM / 2, "{missed:?}");
        let told = lines.len() - missed.len();
        assert_eq!(told + missed.iter().sum::<usize>(), 2 * (ROOM + 1));
    });
}

#[test]
fn the_end_of_the_program_waits_a_second_at_most_for_a_logger_that_blocks() {
    in_child(|| {
        let (gate, _open) = Gate::closed();
        logger(LevelFilter::Info, Blocks(gate, Written::default()));
        let log = install().unwrap();
        named("job").background(job()).join().unwrap();
        let begun = Instant::now();
        drop(log);
        let took = begun.elapsed();
        assert!(
            took >= Duration::from_secs(1) && took < PATIENCE,
            "{took:?}"
        );
    });
}

#[test]
fn a_logger_that_panics_harms_no_process_and_is_told_the_rest() {
    struct Logger(Written);
    impl log::Log for Logger {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &log::Record<'_>) {
            writeln!(self.0.clone(), "{}", record.args()).unwrap();
            assert_ne!(self.0.lines().len(), 1, "the first line");
        }

        fn flush(&self) {}
    }
    in_child(|| {
        let written = Written::default();
        log::set_boxed_logger(Box::new(Logger(written.clone()))).unwrap();
        log::set_max_level(LevelFilter::Info);
        let log = install().unwrap();
        named("job").background(job()).join().unwrap();
        drop(log);
        assert_eq!(written.lines().len(), 2);
    });
}
