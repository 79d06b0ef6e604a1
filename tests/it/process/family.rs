//! Who stands above a process and who below: parents, roots, paths.

use std::collections::HashSet;
use std::time::Duration;

use ifrit::crossbeam_channel::bounded;
use ifrit::grouper::{Capacity, Dynamic, Member, Members, Ordered, Parallel};
use ifrit::process::Status;
use ifrit::testing::{FakeRunner, PATIENCE, Waiting, never_ready};
use ifrit::tree::TreeNode;
use ifrit::{Process, Signal, background, current, run_fn, run_once};

use crate::support::{by_hand, running};

/// app[web[listener]], of which the listener is a fake.
fn app() -> (Process, ifrit::testing::Call) {
    let listener = FakeRunner::new();
    let web = Parallel::new(Members::new().add("listener", listener.clone()));
    let app = Ordered::new(Members::new().add("web", web));
    let app = Process::builder().name("app").background(app);
    let call = listener.wait_for_call();
    call.trigger_ready();
    app.expect_ready();
    (app, call)
}

#[test]
fn a_process_knows_who_stands_above_it() {
    let (app, call) = app();
    let listener = app.find("web/listener").unwrap();
    let web = app.find("web").unwrap();
    assert_eq!(listener.parent(), Some(web.clone()));
    assert_eq!(web.parent(), Some(app.clone()));
    assert_eq!(app.parent(), None);
    for process in [&app, &web, &listener] {
        assert_eq!(process.root(), app);
    }
    assert_eq!(listener.path(), "app/web/listener");
    assert_eq!(web.path(), "app/web");
    assert_eq!(app.path(), "app");
    call.trigger_exit(Ok(()));
    app.expect_exit().unwrap();
}

#[test]
fn a_process_is_found_by_the_path_below_another_while_it_lives() {
    let (app, call) = app();
    let web = app.find("web").unwrap();
    let listener = web.find("listener").unwrap();
    assert_eq!(app.find("web/listener"), Some(listener.clone()));
    for path in [
        "",
        "/",
        "app",
        "listener",
        "web/",
        "/web",
        "web/listener/",
        "web//listener",
    ] {
        assert_eq!(app.find(path), None, "{path:?}");
    }
    assert_eq!(listener.find("listener"), None);
    call.trigger_exit(Ok(()));
    app.expect_exit().unwrap();
    assert_eq!(app.find("web/listener"), None, "it has exited");
    assert_eq!(listener.path(), "app/web/listener", "and keeps its path");
}

/// Starts a process that starts another and returns; the other one.
fn orphan() -> (Process, Process, ifrit::testing::Call) {
    let fake = FakeRunner::new();
    let (give, given) = bounded(1);
    let child = fake.clone();
    let parent = run_once(move |_, _| {
        let child = Process::builder().name("child").background(child);
        assert_eq!(child.parent(), current());
        assert_eq!(child.root(), current().unwrap());
        Ok(give.send(child)?)
    });
    let parent = Process::builder().name("parent").background(parent);
    parent.expect_exit().unwrap();
    let child = given.recv_timeout(PATIENCE).unwrap();
    (parent, child, fake.wait_for_call())
}

#[test]
fn a_parent_is_none_after_its_end_and_the_path_stays() {
    let (parent, child, call) = orphan();
    assert_eq!(child.parent(), None);
    assert_eq!(child.root(), child, "no living process is above it");
    assert_eq!(child.path(), "parent/child");
    assert_eq!(parent.find("child"), Some(child.clone()));
    call.trigger_exit(Ok(()));
    child.expect_exit().unwrap();
    assert_eq!(child.path(), "parent/child");
}

#[test]
fn slashes_in_names_are_escaped_in_paths() {
    let fake = FakeRunner::new();
    let group = Parallel::new(Members::new().add("a/b 100%", fake.clone()));
    let group = Process::builder().name("x/y").background(group);
    let call = fake.wait_for_call();
    let member = group.find("a%2Fb 100%25").unwrap();
    assert_eq!(member.name(), "a/b 100%");
    assert_eq!(member.path(), "x%2Fy/a%2Fb 100%25");
    assert_eq!(group.find("a/b 100%"), None);
    call.trigger_exit(Ok(()));
    group.expect_exit().unwrap();
}

/// Looks at each node, and at what stands below it.
fn each<'t>(node: &'t TreeNode, see: &mut impl FnMut(&'t TreeNode, &'t TreeNode)) {
    for child in &node.children {
        see(node, child);
        each(child, see);
    }
}

#[test]
fn what_is_found_is_what_the_tree_shows() {
    let (app, call) = app();
    let tree = ifrit::tree();
    let top = tree.get(app.id()).unwrap();
    let (mut seen, mut paths) = (0, HashSet::new());
    each(top, &mut |_, node| {
        seen += 1;
        let name = &node.name;
        let path = match name.as_str() {
            "web" => "web".to_owned(),
            _ => format!("web/{name}"),
        };
        let found = app.find(&path).unwrap();
        assert_eq!((Some(found.id()), found.status()), (node.id, node.status));
        assert!(paths.insert(found.path()));
    });
    assert_eq!(seen, 2);
    each(top, &mut |above, node| {
        let found = app.find("web").unwrap();
        let found = if Some(found.id()) == node.id {
            found
        } else {
            found.find(&node.name).unwrap()
        };
        assert_eq!(found.parent().map(|parent| parent.id()), above.id);
    });
    call.trigger_exit(Ok(()));
    app.expect_exit().unwrap();
}

#[test]
fn one_that_was_given_up_is_found_unless_its_successor_lives() {
    let fake = FakeRunner::new();
    let pool = Dynamic::new(Capacity::unlimited()).kill_grace(Duration::from_millis(1));
    let client = pool.client();
    let pool = ifrit::invoke(pool);
    let stuck = Member::new("worker", fake.clone()).start_within(Duration::from_millis(1));
    let stuck = client.insert(stuck).unwrap();
    stuck.expect_exit().unwrap_err();
    assert_eq!(stuck.status(), Status::Abandoned);
    assert_eq!(pool.find("worker"), Some(stuck.clone()));
    let next = client.insert(Member::new("worker", never_ready())).unwrap();
    assert_eq!(pool.find("worker"), Some(next));
    fake.wait_for_call().trigger_exit(Ok(()));
    pool.signal(Signal::INTERRUPT);
    let _ = pool.expect_exit();
}

#[test]
fn a_member_of_a_group_driven_by_hand_stands_below_the_process_around_it() {
    let fake = FakeRunner::new();
    let group = Parallel::new(Members::new().add("member", fake.clone()));
    let (_sender, signals) = ifrit::crossbeam_channel::unbounded();
    let around = by_hand(group, signals);
    let call = fake.wait_for_call();
    let member = around.find("member").unwrap();
    assert_eq!(member.parent(), Some(around.clone()));
    assert_eq!(member.path(), "RunFn/member");
    call.trigger_exit(Ok(()));
    around.expect_exit().unwrap();
}

#[test]
fn a_member_inserted_from_another_process_stands_below_its_group() {
    let pool = Dynamic::new(Capacity::unlimited());
    let client = pool.client();
    let pool = ifrit::invoke(pool);
    let from = client.clone();
    let inserter = background(run_fn(move |_, _| {
        let member = Member::new("member", never_ready());
        let member = from.insert(member).map_err(|refused| refused.to_string())?;
        Err(member.path().into())
    }));
    let path = inserter.expect_exit().unwrap_err().to_string();
    assert_eq!(path, "Dynamic/member");
    pool.signal(Signal::INTERRUPT);
    pool.expect_exit().unwrap();
}

#[test]
#[allow(clippy::mutable_key_type)] // the id alone counts, and it never changes
fn handles_to_one_process_are_equal_and_hash_alike() {
    let fakes = [FakeRunner::new(), FakeRunner::new()];
    let members: Members = [("a", &fakes[0]), ("b", &fakes[1])]
        .into_iter()
        .map(|(name, fake)| Member::new(name, fake.clone()))
        .collect();
    let (group, calls) = running(Parallel::new(members), &fakes);
    let (a, b) = (group.find("a").unwrap(), group.find("b").unwrap());
    assert_ne!(a, b);
    assert_eq!(a, group.find("a").unwrap());
    let set: HashSet<Process> = [a.clone(), b.clone(), a.clone()].into();
    assert_eq!(set.len(), 2);
    assert!(set.contains(&b));
    for call in calls {
        call.trigger_exit(Ok(()));
    }
    group.expect_exit().unwrap();
}
