//! The three adapters at the same time.

#[path = "../../kit/mod.rs"]
mod kit;
mod support;

use std::sync::Mutex;

use ifrit::testing::PATIENCE;
use kit::in_child;
use metrics_exporter_prometheus::PrometheusBuilder;
use support::{Written, job, named};

#[test]
fn each_is_told_the_same_and_costs_one_thread() {
    in_child(|| {
        let (traced, logged) = (Written::default(), Written::default());
        let subscriber = tracing_subscriber::fmt()
            .with_writer(Mutex::new(traced.clone()))
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        env_logger::Builder::new()
            .filter_level(log::LevelFilter::Info)
            .target(env_logger::Target::Pipe(Box::new(logged.clone())))
            .init();
        let counted = PrometheusBuilder::new().install_recorder().unwrap();

        let adapters = [
            ifrit::observe::tracing::install().unwrap(),
            ifrit::observe::log::install().unwrap(),
            ifrit::observe::metrics::install().unwrap(),
        ];
        named("job").background(job()).join().unwrap();
        assert!(adapters.iter().all(|adapter| adapter.flush(PATIENCE)));
        assert_eq!((traced.lines().len(), logged.lines().len()), (2, 2));
        let exits = r#"ifrit_process_exits_total{path="job",cause="completed",outcome="ok"} 1"#;
        assert!(counted.render().contains(exits));
        let threads = ["ifrit-tracing", "ifrit-log", "ifrit-metrics"].map(kit::threads_named);
        assert_eq!(threads, [1, 1, 1]);
        drop(adapters);
        let gone = || {
            let threads = ["ifrit-tracing", "ifrit-log", "ifrit-metrics"].map(kit::threads_named);
            threads == [0, 0, 0]
        };
        kit::until("gone", gone);
    });
}
