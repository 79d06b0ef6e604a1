use std::cell::RefCell;
use std::time::Duration;

use ifrit::grouper::{Member, Members, Ordered, Parallel};
use ifrit::observe::{CriticalChain, Timeline};
use ifrit::restart::{Backoff, Restart, Restarter};
use ifrit::testing::{Call, FakeRunner, ManualClock, PATIENCE, Waiting};
use ifrit::{BoxError, Process, Runner, Signal, run_fn};

use super::{calm, named, timeline_of};

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A tree whose clock is moved by hand.
struct Scene {
    clock: ManualClock,
    app: Process,
}

impl Scene {
    fn of(runner: impl Runner + 'static) -> Self {
        let clock = ManualClock::new();
        let app = named("app").clock(clock.clock()).background(runner);
        Scene { clock, app }
    }

    /// The next run of a runner becomes ready after so long.
    fn ready_after(&self, fake: &FakeRunner, n: u64) -> Call {
        let call = fake.wait_for_call();
        self.clock.advance(seconds(n));
        call.trigger_ready();
        call
    }

    /// The next run of a runner ends well after so long.
    fn ends_after(&self, fake: &FakeRunner, n: u64) {
        let call = fake.wait_for_call();
        self.clock.advance(seconds(n));
        call.trigger_exit(Ok(()));
    }

    /// The path, begin, end and share of each link, in seconds.
    #[track_caller]
    fn expect(&self, links: &[(&str, u64, u64, u64)]) -> CriticalChain {
        self.app.expect_ready();
        let chain = self.app.critical_chain().unwrap();
        let start = chain.links[0].started;
        let since = |at: std::time::Instant| (at - start).as_secs_f64();
        let found: Vec<_> = chain
            .links
            .iter()
            .map(|link| {
                let ready = link.ready.expect("all are ready");
                let share = link.share.as_secs_f64();
                (
                    link.path.to_string(),
                    since(link.started),
                    since(ready),
                    share,
                )
            })
            .collect();
        let expected: Vec<_> = links
            .iter()
            .map(|(path, from, to, share)| {
                ((*path).to_owned(), *from as f64, *to as f64, *share as f64)
            })
            .collect();
        assert_eq!(found, expected, "{chain}");
        let shares: Duration = chain.links.iter().map(|link| link.share).sum();
        assert_eq!(shares, chain.took);
        assert!(chain.is_complete);
        chain
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.app.signal(Signal::KILL);
        FAKES.with_borrow_mut(|fakes| fakes.drain(..).for_each(|fake| fake.ensure_exit()));
        let _ = self.app.exited().recv_timeout(PATIENCE); // its events belong to this test
    }
}

thread_local! {
    /// Those of the test that runs here, which are to end with it.
    static FAKES: RefCell<Vec<FakeRunner>> = const { RefCell::new(Vec::new()) };
}

fn fakes<const N: usize>() -> [FakeRunner; N] {
    std::array::from_fn(|_| {
        let fake = FakeRunner::new();
        FAKES.with_borrow_mut(|fakes| fakes.push(fake.clone()));
        fake
    })
}

#[test]
fn an_ordered_group_waits_for_each_of_its_members() {
    let _guard = calm();
    let [db, cache, web] = fakes();
    let members = Members::new()
        .add("db", db.clone())
        .add("cache", cache.clone());
    let scene = Scene::of(Ordered::new(members.add("web", web.clone())));
    scene.ready_after(&db, 3);
    scene.ready_after(&cache, 0);
    scene.ready_after(&web, 2);
    // What took no time is left out.
    scene.expect(&[("app", 0, 5, 0), ("app/db", 0, 3, 3), ("app/web", 3, 5, 2)]);
}

#[test]
fn a_parallel_group_waits_for_the_last_of_its_members() {
    let _guard = calm();
    let [a, b, c] = fakes();
    let members = Members::new().add("a", a.clone()).add("b", b.clone());
    let scene = Scene::of(Parallel::new(members.add("c", c.clone())));
    let _b = b.wait_for_call();
    let _c = c.wait_for_call();
    scene.ready_after(&a, 1);
    scene.clock.advance(seconds(2));
    _c.trigger_ready();
    scene.clock.advance(seconds(2));
    _b.trigger_ready();
    scene.expect(&[("app", 0, 5, 0), ("app/b", 0, 5, 5)]);
}

#[test]
fn a_parallel_group_with_a_member_that_is_ready_at_once_waits_for_the_other() {
    let _guard = calm();
    for _ in 0..20 {
        let [slow] = fakes();
        let quick = ifrit::testing::signal_recorder().0;
        let members = Members::new().add("quick", quick).add("slow", slow.clone());
        let scene = Scene::of(Parallel::new(members));
        let slow = slow.wait_for_call();
        scene.app.find("quick").unwrap().expect_ready();
        scene.clock.advance(seconds(4));
        slow.trigger_ready();
        scene.expect(&[("app", 0, 4, 0), ("app/slow", 0, 4, 4)]);
    }
}

#[test]
fn a_group_in_a_group_has_its_own_chain() {
    let _guard = calm();
    let [db, listener, pool, last] = fakes();
    let inner = Members::new()
        .add("listener", listener.clone())
        .add("pool", pool.clone());
    let members = Members::new()
        .add("db", db.clone())
        .add("web", Parallel::new(inner));
    let scene = Scene::of(Ordered::new(members.add("last", last.clone())));
    scene.ready_after(&db, 1);
    let pool = pool.wait_for_call();
    scene.ready_after(&listener, 2);
    scene.clock.advance(seconds(3));
    pool.trigger_ready();
    scene.ready_after(&last, 1);
    let chain = scene.expect(&[
        ("app", 0, 7, 0),
        ("app/db", 0, 1, 1),
        ("app/web", 1, 6, 0),
        ("app/web/pool", 1, 6, 5),
        ("app/last", 6, 7, 1),
    ]);
    let depths: Vec<_> = chain.links.iter().map(|link| link.depth).collect();
    assert_eq!(depths, [0, 1, 1, 2, 1]);
}

#[test]
fn a_one_shot_member_is_waited_for_until_it_has_ended() {
    let _guard = calm();
    let [migrate, web] = fakes();
    let once = Member::new("migrate", migrate.clone()).one_shot();
    let scene = Scene::of(Ordered::new([once, Member::new("web", web.clone())]));
    scene.ends_after(&migrate, 4);
    scene.ready_after(&web, 2);
    scene.expect(&[
        ("app", 0, 6, 0),
        ("app/migrate", 0, 4, 4),
        ("app/web", 4, 6, 2),
    ]);

    let [migrate, web] = fakes();
    let once = Member::new("migrate", migrate.clone()).one_shot();
    let scene = Scene::of(Parallel::new([once, Member::new("web", web.clone())]));
    let call = web.wait_for_call();
    scene.clock.advance(seconds(2));
    call.trigger_ready();
    scene.app.find("web").unwrap().expect_ready();
    scene.ends_after(&migrate, 3);
    scene.expect(&[("app", 0, 5, 0), ("app/migrate", 0, 5, 5)]);
}

#[test]
fn a_one_shot_member_that_says_ready_is_waited_for_until_then() {
    let _guard = calm();
    let [migrate, web] = fakes();
    let once = Member::new("migrate", migrate.clone()).one_shot();
    let scene = Scene::of(Ordered::new([once, Member::new("web", web.clone())]));
    let once = scene.ready_after(&migrate, 1);
    let call = web.wait_for_call();
    scene.clock.advance(seconds(3));
    let migrate = scene.app.find("migrate").unwrap();
    once.trigger_exit(Ok(()));
    migrate.expect_exit().unwrap();
    scene.clock.advance(seconds(2));
    call.trigger_ready();
    scene.expect(&[
        ("app", 0, 6, 0),
        ("app/migrate", 0, 1, 1),
        ("app/web", 1, 6, 5),
    ]);
}

fn again(delay: u64) -> Restart {
    let backoff = Backoff::constant(seconds(delay));
    Restart::permanent().backoff(backoff).from_the_start()
}

#[test]
fn the_restarts_of_a_start_are_part_of_what_the_member_took() {
    let _guard = calm();
    let [db, web] = fakes();
    let member = Member::new("db", db.clone()).restart(again(2));
    let scene = Scene::of(Ordered::new([member, Member::new("web", web.clone())]));
    let fails = ["first", "second"];
    for error in fails {
        let call = db.wait_for_call();
        scene.clock.advance(seconds(1));
        call.trigger_exit(Err(error.into()));
        scene.clock.wait_for_timers(1);
        scene.clock.advance(seconds(2));
    }
    scene.ready_after(&db, 1);
    scene.ready_after(&web, 1);
    let chain = scene.expect(&[("app", 0, 8, 0), ("app/db", 0, 7, 7), ("app/web", 7, 8, 1)]);
    assert_eq!(chain.links[1].restarts, 2);
    let last = chain.links[1].last_exit.as_ref().unwrap();
    assert_eq!(last.error(), Some("second"));
    assert!(
        chain
            .to_string()
            .contains("app/db (restarted 2 times, at last after: second)")
    );
}

#[test]
fn a_member_that_fails_while_others_start_is_waited_for_again() {
    let _guard = calm();
    let [db, web] = fakes();
    let member = Member::new("db", db.clone()).restart(again(3));
    let scene = Scene::of(Ordered::new([member, Member::new("web", web.clone())]));
    let call = scene.ready_after(&db, 1);
    let web = web.wait_for_call();
    scene.clock.advance(seconds(1));
    call.trigger_exit(Err("lost".into()));
    scene.clock.wait_for_timers(1);
    scene.clock.advance(seconds(1));
    web.trigger_ready();
    scene.clock.advance(seconds(2));
    let chain = match scene.app.is_ready() {
        // The group waits for it: the whole start was spent on it.
        false => {
            scene.ready_after(&db, 2);
            scene.expect(&[("app", 0, 7, 0), ("app/db", 0, 7, 7)])
        }
        true => scene.expect(&[("app", 0, 3, 0), ("app/db", 0, 1, 1), ("app/web", 1, 3, 2)]),
    };
    assert!(chain.links.len() >= 2);
    db.ensure_exit();
}

#[test]
fn what_a_runner_does_itself_is_its_own_share() {
    let _guard = calm();
    let (begin, begins) = ifrit::crossbeam_channel::bounded::<()>(0);
    let [inner] = fakes();
    let host = {
        let inner = inner.clone();
        run_fn(move |signals, ready| {
            begins.recv()?;
            let inner = named("inner").invoke(inner.clone()).started()?;
            begins.recv()?;
            ready.notify();
            ifrit::until_stop(&signals);
            inner.signal(Signal::KILL);
            Ok(())
        })
    };
    let scene = Scene::of(host);
    scene.clock.advance(seconds(1));
    begin.send(()).unwrap();
    scene.ready_after(&inner, 2);
    let inner = scene.app.find("inner").unwrap();
    inner.expect_ready();
    scene.clock.advance(seconds(4));
    begin.send(()).unwrap();
    scene.expect(&[("app", 0, 7, 5), ("app/inner", 1, 3, 2)]);
}

#[test]
fn a_run_that_is_restarted_inside_of_a_process_is_its_own_share() {
    let _guard = calm();
    let [db, web] = fakes();
    let group = Ordered::new(Members::new().add("db", db.clone()).add("web", web.clone()));
    let scene = Scene::of(Restarter::with(group, again(2)));
    let call = scene.ready_after(&db, 1);
    let fails = web.wait_for_call();
    scene.clock.advance(seconds(1));
    fails.trigger_exit(Err("no port".into()));
    call.wait_for_signal();
    call.trigger_exit(Ok(()));
    scene.clock.wait_for_timers(1);
    scene.clock.advance(seconds(2));
    scene.ready_after(&db, 3);
    scene.ready_after(&web, 1);
    let chain = scene.expect(&[("app", 0, 8, 4), ("app/db", 4, 7, 3), ("app/web", 7, 8, 1)]);
    assert_eq!(chain.links[0].restarts, 1);
    assert!(chain.to_string().contains("no port"));
}

#[test]
fn one_that_is_not_ready_yet_shows_for_whom_it_waits() {
    let _guard = calm();
    let [db, web] = fakes();
    let scene = Scene::of(Ordered::new(
        Members::new().add("db", db.clone()).add("web", web.clone()),
    ));
    scene.ready_after(&db, 1);
    let _call = web.wait_for_call();
    scene.clock.advance(seconds(3));
    let chain = scene.app.critical_chain().unwrap();
    let text = "\
app is not ready after 4.00s. What took how long:
  share          from      to
  0.00s   0 %  +0.00s       ?  app
  1.00s  25 %  +0.00s  +1.00s  app/db
  3.00s  75 %  +1.00s       ?  app/web";
    assert_eq!(chain.to_string(), text);
}

#[test]
fn a_start_that_failed_and_one_that_is_not_known_have_no_chain() {
    let _guard = calm();
    let fails = named("fails").background(run_fn(|_, _| Err(BoxError::from("no"))));
    fails.expect_exit().unwrap_err();
    assert!(fails.critical_chain().is_none());
    assert!(Timeline::default().critical_chain(fails.id()).is_none());
}

#[test]
fn a_chain_with_events_missing_says_so() {
    let _guard = calm();
    let [db, web] = fakes();
    let scene = Scene::of(Ordered::new(
        Members::new().add("db", db.clone()).add("web", web.clone()),
    ));
    scene.ready_after(&db, 1);
    scene.ready_after(&web, 1);
    scene.app.expect_ready();
    let all = timeline_of(&scene.app);
    let late: Timeline = all.events()[1..].iter().cloned().collect();
    let chain = late.critical_chain(scene.app.id()).unwrap();
    assert!(!chain.is_complete && chain.links.len() == 3);
    assert_eq!(chain.took, seconds(2));
    let last = chain.to_string();
    assert!(last.ends_with("Some events of that time are missing; there may be more to it."));
}
