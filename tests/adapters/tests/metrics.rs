//! The adapter for `metrics`, under the recorder of `metrics-exporter-prometheus`. Each test has a program of its own, since
//! a program has one recorder.

#[path = "../../kit/mod.rs"]
mod kit;
mod support;

use std::sync::Arc;

use ifrit::grouper::{Batch, Capacity, Dynamic};
use ifrit::observe::InstallError;
use ifrit::observe::metrics::install;
use ifrit::prelude::*;
use ifrit::testing::PATIENCE;
use kit::in_child;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use support::{Gate, ROOM, given_up, idle, job, named, restarted, stalled, waited_long};

fn recorder() -> PrometheusHandle {
    PrometheusBuilder::new().install_recorder().unwrap()
}

/// The samples, without the comments.
fn samples(handle: &PrometheusHandle) -> Vec<String> {
    let text = handle.render();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[track_caller]
fn has(handle: &PrometheusHandle, sample: &str) {
    let samples = samples(handle);
    assert!(
        samples.iter().any(|one| one == sample),
        "{sample} in {samples:#?}"
    );
}

#[test]
fn starts_restarts_exits_and_how_long_it_took_to_be_ready_are_counted_by_path() {
    in_child(|| {
        let handle = recorder();
        let metrics = install().unwrap();
        restarted();
        assert!(metrics.flush(PATIENCE));
        for sample in [
            r#"ifrit_process_starts_total{path="app"} 1"#,
            r#"ifrit_process_starts_total{path="app/web"} 2"#,
            r#"ifrit_process_restarts_total{path="app/web"} 1"#,
            r#"ifrit_process_exits_total{path="app",cause="stopped",outcome="ok"} 1"#,
            r#"ifrit_process_exits_total{path="app/web",cause="independent",outcome="error"} 1"#,
            r#"ifrit_process_exits_total{path="app/web",cause="stopped",outcome="ok"} 1"#,
            r#"ifrit_process_ready_seconds_count{path="app"} 1"#,
            r#"ifrit_process_ready_seconds_count{path="app/web"} 2"#,
            "ifrit_processes 0",
            "ifrit_abandoned_threads 0",
        ] {
            has(&handle, sample);
        }
        let text = handle.render();
        for help in [
            "# HELP ifrit_process_restarts_total Runs that ended and were followed by another.",
            "# TYPE ifrit_process_restarts_total counter",
            "# TYPE ifrit_processes gauge",
        ] {
            assert!(text.contains(help), "{help} in {text}");
        }
    });
}

#[test]
fn a_long_wait_counts_as_nothing_but_the_time_until_it_is_ready() {
    in_child(|| {
        let handle = recorder();
        let metrics = install().unwrap();
        waited_long();
        assert!(metrics.flush(PATIENCE));
        has(
            &handle,
            r#"ifrit_process_ready_seconds_count{path="main/db"} 1"#,
        );
        let samples = samples(&handle);
        assert!(
            !samples.iter().any(|sample| sample.contains("wait")),
            "{samples:#?}"
        );
    });
}

#[test]
fn the_gauges_know_of_what_ran_before_and_of_threads_that_were_given_up() {
    in_child(|| {
        let handle = recorder();
        let before = named("before").invoke(idle());
        let metrics = install().unwrap();
        let open = given_up();
        stalled();
        assert!(metrics.flush(PATIENCE));
        has(&handle, "ifrit_processes 1");
        has(&handle, "ifrit_abandoned_threads 1");
        has(
            &handle,
            r#"ifrit_process_exits_total{path="deaf",cause="abandoned",outcome="error"} 1"#,
        );

        has(&handle, r#"ifrit_process_stalls_total{path="slow"} 1"#);

        drop(open);
        before.signal(Signal::TERMINATE);
        before.join().unwrap();
        kit::until("ended", || kit::threads_named("deaf") == 0);
        assert!(metrics.flush(PATIENCE));
        has(&handle, "ifrit_processes 0");
        has(&handle, "ifrit_abandoned_threads 0");
    });
}

#[test]
fn names_that_come_and_go_are_no_labels() {
    in_child(|| {
        let handle = recorder();
        let metrics = install().unwrap();
        let group = Dynamic::new(Capacity::at_most(1));
        let client = group.client();
        let fixed = Ordered::new(Members::new().add("pool", group).add("web", idle()));
        let app = named("app").invoke(fixed).started().unwrap();
        for n in 0..100 {
            let below = Parallel::new(Members::new().add("reader", job()));
            let below = Member::new(format!("request {n}"), below);
            client.insert(below).unwrap().join().unwrap();
        }
        app.signal(Signal::TERMINATE);
        app.join().unwrap();
        let jobs = (0..100).map(|_| |_: Receiver<Signal>| Ok::<_, ifrit::BoxError>(()));
        let batch = ifrit::run_once(move |_, _| {
            let _results = Batch::new(Capacity::at_most(1)).run(jobs);
            Ok(())
        });
        named("batch").background(batch).join().unwrap();
        assert!(metrics.flush(PATIENCE));
        for sample in [
            r#"ifrit_process_starts_total{path="app/pool/*"} 100"#,
            r#"ifrit_process_starts_total{path="app/pool/*/reader"} 100"#,
            r#"ifrit_process_starts_total{path="app/web"} 1"#,
            r#"ifrit_process_starts_total{path="app/pool"} 1"#,
            r#"ifrit_process_starts_total{path="batch/batch/*"} 100"#,
        ] {
            has(&handle, sample);
        }
        assert!(!handle.render().contains("request"));
    });
}

#[test]
fn there_are_a_thousand_paths_at_most() {
    in_child(|| {
        let handle = recorder();
        let metrics = install().unwrap();
        for n in 0..1_100 {
            named(&format!("request {n}"))
                .background(job())
                .join()
                .unwrap();
            assert!(metrics.flush(PATIENCE)); // or some might be missed
        }
        let starts = samples(&handle);
        let starts = starts
            .iter()
            .filter(|one| one.starts_with("ifrit_process_starts_total{"));
        assert_eq!(starts.count(), 1_001);
        has(
            &handle,
            r#"ifrit_process_starts_total{path="(others)"} 100"#,
        );
    });
}

#[test]
fn without_a_recorder_nothing_happens_and_without_an_install_nothing_is_counted() {
    in_child(|| {
        drop(install().unwrap());
        let handle = recorder();
        named("job").background(job()).join().unwrap();
        assert_eq!(samples(&handle), Vec::<String>::new());
    });
}

#[test]
fn a_second_install_is_refused_and_one_after_the_first_is_not() {
    in_child(|| {
        let handle = recorder();
        let metrics = install().unwrap();
        let refused = install().unwrap_err();
        assert!(matches!(refused, InstallError::AlreadyInstalled { .. }));
        assert_eq!(
            refused.to_string(),
            "the adapter for metrics is installed already"
        );
        drop(metrics);
        let _metrics = install().unwrap();
        named("job").background(job()).join().unwrap();
        drop(_metrics);
        has(&handle, r#"ifrit_process_starts_total{path="job"} 1"#);
    });
}

/// That of Prometheus, behind a gate and with panics in between.
struct Difficult {
    inner: PrometheusRecorder,
    gate: Gate,
    panics_at: Option<&'static str>,
}

impl Recorder for Difficult {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        assert!(self.panics_at.is_none(), "describe");
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.gate.pass();
        assert_ne!(Some(key.name()), self.panics_at);
        self.inner.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.inner.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.inner.register_histogram(key, metadata)
    }
}

fn difficult(gate: Gate, panics_at: Option<&'static str>) -> PrometheusHandle {
    let inner = PrometheusBuilder::new().build_recorder();
    let handle = inner.handle();
    let difficult = Difficult {
        inner,
        gate,
        panics_at,
    };
    metrics::set_global_recorder(Arc::new(difficult)).unwrap();
    handle
}

#[test]
fn what_a_slow_recorder_has_missed_is_counted_and_the_gauges_are_right() {
    in_child(|| {
        let (gate, open) = Gate::closed();
        let handle = difficult(gate, None);
        let metrics = install().unwrap();
        for _ in 0..ROOM {
            named("job").background(job()).join().unwrap();
        }
        let runs = named("runs").invoke(idle());
        drop(open);
        assert!(metrics.flush(PATIENCE));
        has(&handle, "ifrit_processes 1");
        let counted = samples(&handle).into_iter().filter_map(|sample| {
            let (name, number) = sample.rsplit_once(' ')?;
            let counts = [
                "starts_total",
                "exits_total",
                "missed_total",
                "ready_seconds_count",
            ];
            let counts = counts.iter().any(|count| name.contains(count));
            counts.then(|| number.parse::<usize>().unwrap())
        });
        assert_eq!(counted.sum::<usize>(), 2 * ROOM + 2);
        runs.signal(Signal::TERMINATE);
        runs.join().unwrap();
    });
}

#[test]
fn a_recorder_that_panics_harms_no_process_and_is_told_the_rest() {
    in_child(|| {
        let (gate, open) = Gate::closed();
        drop(open);
        let handle = difficult(gate, Some("ifrit_process_starts_total"));
        let metrics = install().unwrap();
        named("job").background(job()).join().unwrap();
        drop(metrics);
        has(
            &handle,
            r#"ifrit_process_exits_total{path="job",cause="completed",outcome="ok"} 1"#,
        );
    });
}
