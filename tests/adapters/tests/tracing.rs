//! The adapter for `tracing`, under the subscribers of `tracing-subscriber`. Each test has a program of its own, since a
//! program has one subscriber.

#[path = "../../kit/mod.rs"]
mod kit;
mod support;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ifrit::grouper::{Capacity, Dynamic};
use ifrit::observe::InstallError;
use ifrit::observe::tracing::install;
use ifrit::prelude::*;
use ifrit::testing::{Harness, PATIENCE};
use kit::in_child;
use support::{Gate, ROOM, Written, given_up, idle, job, named, restarted, stalled, waited_long};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// The usual subscriber, without the time.
fn written(level: LevelFilter) -> Written {
    let written = Written::default();
    let to = written.clone();
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .without_time()
        .with_writer(move || to.clone())
        .init();
    written
}

/// Says something of its own when it is ready.
fn listening() -> impl Runner {
    ifrit::run_fn(|signals, ready| {
        tracing::warn!(target: "web", port = 8080, "listening");
        ready.notify();
        ifrit::until_stop(&signals);
        Ok(())
    })
}

fn starts_and_stops(runner: impl Runner + 'static) {
    let app = Ordered::new(Members::new().add("web", runner));
    let app = named("app").invoke(app).started().unwrap();
    app.signal(Signal::TERMINATE);
    app.join().unwrap();
}

#[test]
fn what_a_runner_says_carries_its_path_and_those_above() {
    in_child(|| {
        let written = written(LevelFilter::WARN); // the span is there although it is no warning
        let _tracing = install().unwrap();
        starts_and_stops(listening());
        let line =
            "WARN process{path=app id=1}:process{path=app/web id=2}: web: listening port=8080";
        assert_eq!(written.lines(), [line]);
    });
}

#[test]
fn what_is_said_in_the_destructor_of_a_runner_or_on_the_way_out_carries_the_path_too() {
    struct Says;
    impl Drop for Says {
        fn drop(&mut self) {
            tracing::warn!(target: "web", "dropped");
        }
    }
    in_child(|| {
        let written = written(LevelFilter::WARN);
        let _tracing = install().unwrap();
        let says = Says;
        let job = ifrit::run_once(move |_, _| {
            let _returned = Says;
            drop(says);
            Ok(())
        });
        named("job").background(job).join().unwrap();
        let unused = Says;
        let unused = ifrit::run_fn(move |_, _| {
            let _ = &unused;
            Ok(())
        });
        named("unused").background(unused).join().unwrap();
        let line = |path, id| format!("WARN process{{path={path} id={id}}}: web: dropped");
        let lines = [line("job", 1), line("job", 1), line("unused", 2)];
        assert_eq!(written.lines(), lines);
    });
}

#[test]
fn a_long_wait_is_a_warning_that_says_for_what() {
    in_child(|| {
        let written = written(LevelFilter::WARN);
        let tracing = install().unwrap();
        waited_long();
        assert!(tracing.flush(PATIENCE));
        let lines = written.lines();
        let [line] = lines.as_slice() else {
            panic!("{lines:#?}");
        };
        let (text, rest) = line.split_once(" waited_ms=").expect("a time");
        let (waited, limit) = rest.split_once(" limit_in_ms=").expect("a limit");
        assert_eq!(
            text,
            "WARN process{path=main id=1}: ifrit: still waiting path=main id=1 for_whom=main/db"
        );
        let [limit, waited] = [limit, waited].map(|ms| ms.parse::<u64>().unwrap());
        assert!((54_000..=55_100).contains(&limit), "{line}");
        assert!((4_500..6_000).contains(&waited), "{line}");
    });
}

#[test]
fn an_operator_reads_a_line_for_each_event_in_the_span_of_its_process() {
    in_child(|| {
        let written = written(LevelFilter::DEBUG);
        let tracing = install().unwrap();
        restarted();
        assert!(tracing.flush(PATIENCE));
        let lines = written.lines();
        let app = "process{path=app id=1}";
        let first = format!("{app}:process{{path=app/web id=2}}: ifrit:");
        let second = format!("{app}:process{{path=app/web id=3}}: ifrit:");
        for (level, span, rest) in [
            (
                "INFO",
                format!("{app}: ifrit:"),
                "started path=app/web id=2",
            ),
            (
                "INFO",
                first.clone(),
                "ready path=app/web id=2 ready_after_ms=",
            ),
            (
                "ERROR",
                first.clone(),
                "exited path=app/web id=2 cause=independent error=\"connection refused\" took_ms=",
            ),
            (
                "WARN",
                format!("{app}: ifrit:"),
                "restarting path=app/web id=2 attempt=1 of=5 delay_ms=",
            ),
            (
                "DEBUG",
                second.clone(),
                "note path=app/web id=3 note=\"serving\"",
            ),
            (
                "INFO",
                format!("{app}: ifrit:"),
                "stopping path=app id=1 signal=SIGTERM why=\"signal\"",
            ),
            (
                "DEBUG",
                second.clone(),
                "told a signal path=app/web id=3 signal=SIGTERM",
            ),
            (
                "INFO",
                second,
                "exited path=app/web id=3 cause=stopped took_ms=",
            ),
        ] {
            let start = format!("{level} {span} {rest}");
            let found = lines.iter().filter(|line| line.starts_with(&start)).count();
            assert_eq!(found, 1, "{start} in {lines:#?}");
        }
    });
}

#[test]
fn what_stalls_and_what_is_given_up_is_a_warning_and_that_it_is_over_is_not() {
    in_child(|| {
        let written = written(LevelFilter::INFO);
        let tracing = install().unwrap();
        stalled();
        let open = given_up();
        assert!(tracing.flush(PATIENCE));
        drop(open);
        kit::until("ended", || kit::threads_named("deaf") == 0);
        drop(tracing);
        let lines = written.lines();
        let own = |path, id| format!("process{{path={path} id={id}}}: ifrit:");
        let (slow, deaf) = (own("slow", 1), own("deaf", 2));
        for start in [
            format!("WARN {slow} stalled path=slow id=1 silent_ms=10000"),
            format!("INFO {slow} makes progress again path=slow id=1 silent_ms=11000"),
            format!("WARN {deaf} given up path=deaf id=2 signal=SIGKILL cause=abandoned error="),
            format!("INFO {deaf} exited after it was given up path=deaf id=2 took_ms="),
        ] {
            let found = lines.iter().filter(|line| line.starts_with(&start)).count();
            assert_eq!(found, 1, "{start} in {lines:#?}");
        }
    });
}

/// What it was called for, by a subscriber that can be told to wait or to panic.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Account>>);

#[derive(Default)]
struct Account {
    events: Vec<Told>,
    open: BTreeMap<u64, String>,
    opened: usize,
}

struct Told {
    level: Level,
    target: String,
    fields: BTreeMap<&'static str, Value>,
    spans: usize,
}

#[derive(Debug, PartialEq)]
enum Value {
    Number(u64),
    Text(String),
}

struct Fields<'f>(&'f mut BTreeMap<&'static str, Value>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0
            .insert(field.name(), Value::Text(format!("{value:?}")));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name(), Value::Number(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), Value::Text(value.to_owned()));
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Seen {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        let mut account = self.0.lock().unwrap();
        account.opened += 1;
        account
            .open
            .insert(id.into_u64(), format!("{:?}", fields["path"]));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        let told = Told {
            level: *event.metadata().level(),
            target: event.metadata().target().to_owned(),
            fields,
            spans: context.event_scope(event).map_or(0, Iterator::count),
        };
        self.0.lock().unwrap().events.push(told);
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.0.lock().unwrap().open.remove(&id.into_u64());
    }
}

fn seen() -> Seen {
    let seen = Seen::default();
    tracing_subscriber::registry().with(seen.clone()).init();
    seen
}

#[test]
fn numbers_are_told_as_numbers_and_what_an_event_does_not_have_is_left_out() {
    in_child(|| {
        let seen = seen();
        let tracing = install().unwrap();
        restarted();
        drop(tracing); // which waits for what is on its way
        let account = seen.0.lock().unwrap();
        let restart = Value::Text("restarting".to_owned());
        let mut restarts = account
            .events
            .iter()
            .filter(|told| told.fields["message"] == restart);
        let told = restarts.next().unwrap();
        assert_eq!((told.level, &*told.target), (Level::WARN, "ifrit"));
        let names: Vec<_> = told.fields.keys().copied().collect();
        assert_eq!(
            names,
            [
                "attempt", "delay_ms", "error", "id", "message", "of", "path"
            ]
        );
        assert_eq!(told.fields["attempt"], Value::Number(1));
        assert_eq!(told.fields["of"], Value::Number(5));
        assert!(matches!(told.fields["delay_ms"], Value::Number(_)));
        assert_eq!(told.fields["id"], Value::Number(2));
        assert_eq!(told.fields["path"], Value::Text("app/web".to_owned()));
        assert_eq!(
            told.fields["error"],
            Value::Text("connection refused".to_owned())
        );
        assert!(restarts.next().is_none());
    });
}

#[test]
fn a_span_is_closed_once_the_exit_has_been_told() {
    in_child(|| {
        let seen = seen();
        let tracing = install().unwrap();
        starts_and_stops(idle());
        assert!(tracing.flush(PATIENCE));
        let account = seen.0.lock().unwrap();
        assert_eq!(
            (account.opened, account.open.len()),
            (2, 0),
            "{:?}",
            account.open
        );
        let exits = account
            .events
            .iter()
            .filter(|told| told.fields.contains_key("cause"));
        assert_eq!(exits.map(|told| told.spans).collect::<Vec<_>>(), [2, 1]);
    });
}

#[test]
fn the_jobs_of_a_thread_that_is_used_again_have_a_span_each() {
    in_child(|| {
        let written = written(LevelFilter::WARN);
        let _tracing = install().unwrap();
        let group = Dynamic::new(Capacity::at_most(1)).reuse_threads();
        let client = group.client();
        let group = named("jobs").invoke(group);
        for name in ["a", "b"] {
            let job = ifrit::run_once(|_, _| {
                tracing::warn!(target: "job", "runs");
                Ok(())
            });
            client
                .insert(Member::new(name, job))
                .unwrap()
                .join()
                .unwrap();
        }
        client.close();
        group.join().unwrap();
        let line = |name, id| {
            format!("WARN process{{path=jobs id=1}}:process{{path=jobs/{name} id={id}}}: job: runs")
        };
        assert_eq!(written.lines(), [line("a", 2), line("b", 3)]);
    });
}

#[test]
fn a_runner_driven_by_hand_stays_in_the_spans_of_its_caller() {
    in_child(|| {
        let written = written(LevelFilter::WARN);
        let _tracing = install().unwrap();
        let _mine = tracing::error_span!("mine").entered();
        let mut says = ifrit::run_fn(|_, _| {
            tracing::warn!(target: "job", "runs");
            Ok(())
        });
        drop(Harness::new().run(&mut says));
        assert_eq!(written.lines(), ["WARN mine: job: runs"]);
    });
}

#[test]
fn without_an_install_nothing_is_told_and_nothing_opened() {
    in_child(|| {
        let written = written(LevelFilter::TRACE);
        starts_and_stops(listening());
        assert_eq!(written.lines(), ["WARN web: listening port=8080"]);
        assert_eq!(kit::threads_named("ifrit-tracing"), 0);
    });
}

#[test]
fn a_second_install_is_refused_and_the_first_stays() {
    in_child(|| {
        let written = written(LevelFilter::INFO);
        let tracing = install().unwrap();
        let refused = install().unwrap_err();
        assert!(matches!(refused, InstallError::AlreadyInstalled { .. }));
        assert_eq!(
            refused.to_string(),
            "the adapter for tracing is installed already"
        );
        named("job").background(job()).join().unwrap();
        assert!(tracing.flush(PATIENCE));
        assert_eq!(written.lines().len(), 2, "{:?}", written.lines()); // once each
    });
}

#[test]
fn taken_off_it_tells_nothing_more_and_can_be_installed_again() {
    in_child(|| {
        let seen = seen();
        let tracing = install().unwrap();
        let before = named("before").invoke(idle());
        drop(tracing);
        named("without").background(job()).join().unwrap();
        kit::until("ended", || kit::threads_named("ifrit-tracing") == 0);
        let opened: Vec<_> = seen.0.lock().unwrap().open.values().cloned().collect();
        assert_eq!(opened, ["Text(\"before\")"]); // it keeps its own

        let tracing = install().unwrap();
        named("after").background(job()).join().unwrap();
        before.signal(Signal::TERMINATE);
        before.join().unwrap();
        drop(tracing);
        let account = seen.0.lock().unwrap();
        assert!(account.open.is_empty(), "{:?}", account.open);
        let told = |path: &str| {
            let path = Value::Text(path.to_owned());
            account
                .events
                .iter()
                .filter(|told| told.fields["path"] == path)
                .count()
        };
        // Started and ready; then the signal and the exit.
        assert_eq!([told("before"), told("without"), told("after")], [4, 0, 2]);
    });
}

/// Panics whatever it is asked.
struct Panics;

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Panics {
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        if tracing::Span::current().is_none() {
            return; // of some it panics when they are entered, left and closed
        }
        panic!("new span");
    }

    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        panic!("event");
    }

    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        panic!("enter");
    }

    fn on_exit(&self, _: &Id, _: Context<'_, S>) {
        panic!("exit");
    }

    fn on_close(&self, _: Id, _: Context<'_, S>) {
        panic!("close");
    }
}

#[test]
fn a_subscriber_that_panics_harms_no_process() {
    in_child(|| {
        tracing_subscriber::registry().with(Panics).init();
        let tracing = install().unwrap();
        starts_and_stops(idle());
        let failed = named("failed").background(ifrit::run_fn(|_, _| Err("its own".into())));
        assert_eq!(failed.join().unwrap_err().to_string(), "its own");
        assert!(tracing.flush(PATIENCE));
    });
}

/// Panics while it is asked whether anything is wanted.
struct PanicsAtOnce;

impl Subscriber for PanicsAtOnce {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        panic!("enabled");
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        panic!("new span");
    }

    fn record(&self, _: &Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        panic!("event");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_subscriber_that_panics_when_it_is_asked_for_its_interest_harms_no_process() {
    in_child(|| {
        tracing::subscriber::set_global_default(PanicsAtOnce).unwrap();
        let tracing = install().unwrap();
        starts_and_stops(idle());
        assert!(tracing.flush(PATIENCE));
    });
}

/// Blocks at each event.
struct Blocks(Gate);

impl<S: Subscriber> Layer<S> for Blocks {
    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        self.0.pass();
    }
}

#[test]
fn a_subscriber_that_blocks_holds_up_no_process_and_the_end_of_the_program_for_a_second_at_most() {
    in_child(|| {
        let (gate, open) = Gate::closed();
        let seen = Seen::default();
        let all = tracing_subscriber::registry()
            .with(Blocks(gate))
            .with(seen.clone());
        all.init();
        let tracing = install().unwrap();
        for _ in 0..ROOM {
            named("job").background(job()).join().unwrap();
        }
        // The exits of most were not told yet. No more spans than these are kept, and that of the event being told.
        let open_spans = seen.0.lock().unwrap().open.len();
        assert!((1_024..=1_025).contains(&open_spans), "{open_spans}");
        assert!(!tracing.flush(Duration::from_millis(1)));
        let begun = Instant::now();
        drop(tracing);
        let took = begun.elapsed();
        assert!(
            took >= Duration::from_secs(1) && took < PATIENCE,
            "{took:?}"
        );

        drop(open);
        kit::until("ended", || kit::threads_named("ifrit-tracing") == 0);
        let account = seen.0.lock().unwrap();
        assert!(account.open.is_empty(), "{:?}", account.open);
        // Each event was told or counted.
        let missed = |told: &Told| match told.fields.get("missed") {
            Some(Value::Number(missed)) => Some(*missed),
            _ => None,
        };
        let missed: Vec<_> = account.events.iter().filter_map(missed).collect();
        let told = account.events.len() - missed.len();
        assert_eq!(told as u64 + missed.iter().sum::<u64>(), 2 * ROOM as u64);
    });
}
