//! The shape in which a tree is serialised, which programs rely on.

use std::time::Duration;

use ifrit::grouper::Ordered;
use ifrit::restart::{Backoff, Restart};
use ifrit::testing::{FakeRunner, ManualClock, Waiting};
use ifrit::{Process, prelude::*};
use serde_json::{Value, json};

const KEYS: [&str; 14] = [
    "id",
    "name",
    "kind",
    "status",
    "status_for",
    "uptime",
    "restarts",
    "next_try",
    "last_error",
    "note",
    "stalled_for",
    "pending",
    "os_thread_id",
    "children",
];

#[test]
fn a_tree_has_the_documented_shape() {
    let (clock, fakes) = (ManualClock::new(), [FakeRunner::new(), FakeRunner::new()]);
    let later = Restart::permanent().backoff(Backoff::constant(Duration::from_secs(5)));
    let group = Ordered::new([
        Member::new("a", fakes[0].clone()),
        Member::new("b", fakes[1].clone()).restart(later),
    ]);
    let admin = group.admin();
    let app = Process::builder()
        .name("app")
        .clock(clock.clock())
        .background(group);
    let [a, b] = fakes.each_ref().map(|fake| {
        let call = fake.wait_for_call();
        call.trigger_ready();
        call
    });
    app.expect_ready();
    app.note("offset 42");
    let down = admin.list().unwrap()[1].process.clone().unwrap();
    b.trigger_exit(Err("no\ndisk".into()));
    assert!(down.expect_exit().is_err());
    admin.list().unwrap(); // it has heard of it by now
    app.signal(Signal::HANGUP);
    admin.list().unwrap();
    clock.advance(Duration::from_millis(1_500));

    let tree = ifrit::tree();
    let node = serde_json::to_value(tree.get(app.id()).unwrap()).unwrap();
    let whole = serde_json::to_value(&tree).unwrap();
    assert_eq!(whole, json!({ "roots": [node] }));
    let text = serde_json::to_string(tree.get(app.id()).unwrap()).unwrap();
    let places = KEYS.map(|key| text.find(&format!("\"{key}\":")).unwrap());
    assert!(places[..13].is_sorted(), "{text}");

    let mut app_node = node.clone();
    let children = app_node["children"].take();
    let id = app_node["id"].take();
    let text = id.as_u64().map(|id| format!("#{id}"));
    assert_eq!(text, Some(app.id().to_string()));
    app_node["os_thread_id"].take();
    assert_eq!(
        app_node,
        json!({
            "id": null, "name": "app", "kind": "ordered group", "status": "restarting", "status_for": 1.5,
            "uptime": 1.5, "restarts": 0, "next_try": null, "last_error": null, "note": "offset 42", "stalled_for": null,
            "pending": [],
            "os_thread_id": null, "children": null,
        })
    );
    assert_eq!(children[0]["status"], "ready");
    assert_eq!(children[0]["pending"], json!(["SIGHUP"]));
    assert_eq!(
        children[1],
        json!({
            "id": null, "name": "b", "kind": null, "status": "down", "status_for": 1.5, "uptime": null, "restarts": 1,
            "next_try": 3.5, "last_error": "no\\ndisk", "note": null, "stalled_for": null, "pending": [],
            "os_thread_id": null,
            "children": [],
        })
    );
    let keys = |value: &Value| value.as_object().unwrap().len();
    assert_eq!((keys(&node), keys(&children[1])), (KEYS.len(), KEYS.len()));
    app.signal(Signal::TERMINATE);
    a.trigger_exit(Ok(()));
    app.expect_exit().unwrap();
}
