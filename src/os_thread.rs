//! What the kernel says of a thread. It is read from `/proc`, so there is nothing to say but on Linux.

use std::fs;
use std::time::Duration;

/// What the thread with this number does, in a few words; `None` where that is not known.
///
/// It reads three files of the kernel's, none of which waits for the thread.
pub(crate) fn look(os_id: u32) -> Option<String> {
    let read = |file| fs::read_to_string(format!("/proc/self/task/{os_id}/{file}")).ok();
    let mut words = state(&read("stat")?)?.to_owned();
    let call = read("syscall").and_then(|line| system_call(&line));
    let channel = read("wchan").filter(|name| !matches!(name.trim(), "" | "0"));
    let channel = channel.map(|name| name.trim().to_owned());
    match (call, channel) {
        (Some(call), Some(channel)) => words += &format!(" in {call} ({channel})"),
        (Some(place), None) | (None, Some(place)) => words += &format!(" in {place}"),
        (None, None) => {}
    }
    Some(words)
}

/// How long the thread with this number has run on a processor; `None` where that is not known.
pub(crate) fn cpu_time(os_id: u32) -> Option<Duration> {
    let read = |file| fs::read_to_string(format!("/proc/self/task/{os_id}/{file}")).ok();
    // In nanoseconds, where the kernel counts them; in hundredths of a second elsewhere.
    let exactly = read("schedstat").and_then(|line| line.split(' ').next()?.parse().ok());
    let exactly = exactly.filter(|nanos| *nanos > 0).map(Duration::from_nanos);
    exactly.or_else(|| ticks(&read("stat")?))
}

/// The time in the program and in the kernel, from the line that has both.
fn ticks(stat: &str) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut times = after_name.split_whitespace().skip(11);
    let mut next = || times.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (next()? + next()?)))
}

/// The name of the thread stands in brackets, and may have any character in it.
fn state(stat: &str) -> Option<&'static str> {
    let (_, after_name) = stat.rsplit_once(')')?;
    Some(match after_name.trim_start().chars().next()? {
        'R' => "busy on a CPU",
        'S' => "sleeping",
        'D' => "waiting for a device or a disk",
        'T' => "stopped by a signal",
        't' => "stopped by a debugger",
        'Z' | 'X' | 'x' => "ending",
        _ => "in an unknown state",
    })
}

/// The system call in which it waits, with the file descriptor where that is what it waits for.
fn system_call(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let number: u32 = words.next()?.parse().ok()?; // "running", or -1 outside of any
    let (name, takes_descriptor) = match CALLS.iter().find(|(of, ..)| *of == number) {
        Some((_, name, takes_descriptor)) => (*name, *takes_descriptor),
        None => return Some(format!("system call {number}")),
    };
    let first = words.next().and_then(|word| word.strip_prefix("0x"));
    let descriptor = first.and_then(|hex| u64::from_str_radix(hex, 16).ok());
    Some(match descriptor.filter(|_| takes_descriptor) {
        Some(descriptor) => format!("{name} of file descriptor {descriptor}"),
        None => name.to_owned(),
    })
}

/// The calls in which threads wait, and whether the first that they take is a file descriptor.
type Calls = &'static [(u32, &'static str, bool)];

#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
const CALLS: Calls = &[
    (0, "read", true),
    (1, "write", true),
    (7, "poll", false),
    (17, "pread64", true),
    (18, "pwrite64", true),
    (19, "readv", true),
    (20, "writev", true),
    (23, "select", false),
    (34, "pause", false),
    (35, "nanosleep", false),
    (42, "connect", true),
    (43, "accept", true),
    (44, "sendto", true),
    (45, "recvfrom", true),
    (46, "sendmsg", true),
    (47, "recvmsg", true),
    (61, "wait4", false),
    (72, "fcntl", true),
    (73, "flock", true),
    (74, "fsync", true),
    (75, "fdatasync", true),
    (202, "futex", false),
    (230, "clock_nanosleep", false),
    (232, "epoll_wait", true),
    (247, "waitid", false),
    (257, "openat", false),
    (270, "pselect6", false),
    (271, "ppoll", false),
    (281, "epoll_pwait", true),
    (288, "accept4", true),
    (426, "io_uring_enter", true),
];

#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
const CALLS: Calls = &[
    (22, "epoll_pwait", true),
    (25, "fcntl", true),
    (32, "flock", true),
    (56, "openat", false),
    (63, "read", true),
    (64, "write", true),
    (65, "readv", true),
    (66, "writev", true),
    (67, "pread64", true),
    (68, "pwrite64", true),
    (72, "pselect6", false),
    (73, "ppoll", false),
    (82, "fsync", true),
    (83, "fdatasync", true),
    (95, "waitid", false),
    (98, "futex", false),
    (101, "nanosleep", false),
    (115, "clock_nanosleep", false),
    (202, "accept", true),
    (203, "connect", true),
    (206, "sendto", true),
    (207, "recvfrom", true),
    (211, "sendmsg", true),
    (212, "recvmsg", true),
    (242, "accept4", true),
    (260, "wait4", false),
    (426, "io_uring_enter", true),
];

#[cfg(not(any(
    all(target_arch = "x86_64", target_pointer_width = "64"),
    target_arch = "aarch64",
    target_arch = "riscv64"
)))]
const CALLS: Calls = &[];

#[cfg(all(test, not(ifrit_shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn the_state_stands_behind_the_name_whatever_that_is() {
        assert_eq!(state("7 (web) S 1 2"), Some("sleeping"));
        assert_eq!(
            state("7 (a) R (b) D 1 2"),
            Some("waiting for a device or a disk")
        );
        assert_eq!(state("nothing of the kind"), None);
    }

    #[test]
    fn a_thread_that_is_in_no_system_call_is_said_to_be_in_none() {
        assert_eq!(system_call("running\n"), None);
        assert_eq!(system_call("-1 0x7f 0x7f"), None);
        assert_eq!(system_call("9999 0x1"), Some("system call 9999".into()));
    }

    #[test]
    fn ticks_are_counted_behind_the_name_whatever_that_is() {
        let stat = "7 (a) 1 2) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0";
        assert_eq!(ticks(stat), Some(Duration::from_secs(3)));
        assert_eq!(ticks("7 (web) S 1 2"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_that_does_not_exist_is_not_described() {
        assert_eq!(look(u32::MAX), None);
    }

    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn what_a_thread_reads_from_is_named() {
        let call = system_call("0 0x7 0x7ffe 0x400 0x0 0x0 0x0 0x7ffe 0x7f5");
        assert_eq!(call.as_deref(), Some("read of file descriptor 7"));
        assert_eq!(system_call("202 0x7f 0x80").as_deref(), Some("futex"));
    }
}
