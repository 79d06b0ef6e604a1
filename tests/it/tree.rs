//! What the tree says of each process, and when the kernel is asked.

use std::fs::File;
use std::time::{Duration, Instant};

use ifrit::process::note;
use ifrit::testing::{FakeRunner, ManualClock, PATIENCE, Waiting};
use ifrit::tree::TreeNode;
use ifrit::{Process, Signal};

use crate::support::on;

fn node(process: &Process) -> TreeNode {
    ifrit::tree().get(process.id()).expect("alive").clone()
}

#[test]
fn names_and_notes_stand_on_one_line_and_are_bounded_in_the_text() {
    let fake = FakeRunner::new();
    let name = "we\nb\u{1b}[31m\u{2028}";
    let process = Process::builder().name(name).background(fake.clone());
    let call = fake.wait_for_call();
    process.note("ä\u{1b}".repeat(1_000_000));
    let node = node(&process);
    assert_eq!(node.name, name);
    let text = node.to_string();
    assert!(text.starts_with(r"we\nb\u{1b}[31m\u{2028} #"), "{text}");
    assert_eq!(text.lines().count(), 1);
    assert!(!text.contains(char::is_control));
    assert!(text.len() < 3_000, "{}", text.len());

    let long = "x".repeat(1_000_000);
    let other = FakeRunner::new();
    let named = Process::builder()
        .name(long.clone())
        .background(other.clone());
    assert_eq!(self::node(&named).name, long);
    assert!(self::node(&named).to_string().len() < 3_000);
    other.wait_for_call().trigger_exit(Ok(()));
    call.trigger_exit(Ok(()));
    named.expect_exit().unwrap();
    process.expect_exit().unwrap();
}

#[test]
fn the_state_lasts_from_the_step_that_led_to_it() {
    let (clock, fake) = (ManualClock::new(), FakeRunner::new());
    let process = on(&clock, fake.clone());
    let call = fake.wait_for_call();
    let second = Duration::from_secs(1);
    let seen = || {
        let node = node(&process);
        let seconds = |time: Duration| time.as_secs();
        let age = node.uptime.map(seconds);
        (node.status.to_string(), seconds(node.status_for), age)
    };
    clock.advance(2 * second);
    assert_eq!(seen(), ("starting".to_owned(), 2, Some(2)));
    call.trigger_ready();
    process.expect_ready();
    clock.advance(3 * second);
    assert_eq!(seen(), ("ready".to_owned(), 3, Some(5)));
    process.signal(Signal::USER1); // a notification changes nothing
    process.signal(Signal::TERMINATE);
    clock.advance(4 * second);
    process.signal(Signal::QUIT); // nor does a further stop signal
    assert_eq!(seen(), ("stopping".to_owned(), 4, Some(9)));
    assert!(
        node(&process)
            .to_string()
            .contains("stopping for 4 s (up 9 s), signals not read: SIGUSR1")
    );
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn the_kernel_says_how_long_a_thread_has_run_and_what_it_does() {
    let (asks, asked) = ifrit::crossbeam_channel::bounded::<()>(0);
    let busy = ifrit::run_fn(move |_, ready| {
        let mut sum = 0_u64;
        for n in 0..2_000_000_u64 {
            sum = std::hint::black_box(sum.wrapping_add(n));
        }
        note(sum);
        ready.notify();
        let _ = asked.recv();
        Ok(())
    });
    let process = ifrit::invoke(busy);
    let node = node(&process);
    assert!(node.os_thread_id.is_some());
    assert!(
        node.cpu_time().is_some_and(|time| !time.is_zero()),
        "{node}"
    );
    assert!(node.kernel_state().is_some(), "{node}");
    drop(asks);
    process.expect_exit().unwrap();
    // The thread itself ends a moment after its exit is seen, of which nothing else tells.
    let own = format!("/proc/self/task/{}", node.os_thread_id.unwrap());
    let begun = Instant::now();
    while std::fs::exists(&own).unwrap() && begun.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    assert_eq!((node.cpu_time(), node.kernel_state()), (None, None));
}

#[test]
fn what_is_no_terminal_gets_no_colours() {
    let fake = FakeRunner::new();
    let process = ifrit::background(fake.clone());
    let call = fake.wait_for_call();
    let file = File::open("/dev/null").unwrap();
    let tree = ifrit::tree();
    let node = tree.get(process.id()).unwrap();
    assert_eq!(node.for_terminal(&file).to_string(), node.to_string());
    assert_eq!(tree.for_terminal(&file).to_string(), tree.to_string());
    call.trigger_exit(Ok(()));
    process.expect_exit().unwrap();
}
