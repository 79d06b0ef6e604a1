//! One process in a tree: [`TreeNode`].

use std::time::Duration;

use crate::id::ProcessId;
use crate::os_thread;
use crate::process::Status;
use crate::signal::Signal;
use crate::sync::Arc;
use crate::sync::thread::ThreadId;

/// One process in a [`Tree`](crate::Tree), and those it has started; or a member of a group that has no process now.
///
/// Times are by the clock of the process. A snapshot does not look at the kernel: [`cpu_time`](TreeNode::cpu_time) and
/// [`kernel_state`](TreeNode::kernel_state) do when they are called.
///
/// # As data
///
/// With the feature `serde`, a tree is a map with one entry, `roots`, a list of nodes. Each node is a map with these
/// entries, in this order, all of them always there; in JSON:
///
/// ```json
/// {
///   "id": 7,                    // null: it has no process now
///   "name": "web",
///   "kind": "ordered group",    // null: a leaf
///   "status": "ready",          // as `Status` prints
///   "status_for": 12.5,         // seconds
///   "uptime": 3600.0,           // seconds, or null
///   "restarts": 2,
///   "next_try": null,           // seconds until then, or null
///   "last_error": "no disk",    // or null
///   "note": "offset 42",        // or null
///   "stalled_for": null,        // seconds, or null
///   "pending": ["SIGHUP"],      // names of signals
///   "os_thread_id": 4711,       // or null
///   "children": []              // nodes
/// }
/// ```
///
/// Later versions may add entries behind these, and values of `kind` and `status`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TreeNode {
    /// Its number. `None`: a member of a group that has no process now. It is [waiting](Status::Waiting) for its first
    /// start, or [down](Status::Down) between two runs.
    pub id: Option<ProcessId>,
    /// Its name.
    pub name: String,
    /// The kind of group it runs, or `None` for a leaf.
    pub kind: Option<&'static str>,
    /// How far it has come.
    pub status: Status,
    /// How long it has been in that status.
    pub status_for: Duration,
    /// How long ago its process was started. `None` without one.
    pub uptime: Option<Duration>,
    /// How often it was restarted: by its group, in this run of that, and by a [`Restarter`](crate::restart::Restarter)
    /// inside.
    pub restarts: u64,
    /// How long until it is started again, where it waits for that time. A member that waits for others to exit has none.
    pub next_try: Option<Duration>,
    /// How its latest run that is over has failed, in one line of at most 1,000 bytes. `None` if none is over, or that one
    /// ended well.
    pub last_error: Option<Arc<str>>,
    /// What it has [said of itself](crate::process::note) last.
    pub note: Option<Arc<str>>,
    /// How long it has made no progress, where it has [promised](crate::process::beat_within) to say so and did not.
    pub stalled_for: Option<Duration>,
    /// The signals it was told and has not read, the oldest first.
    pub pending: Vec<Signal>,
    /// Its thread, once that has started to run.
    pub thread: Option<ThreadId>,
    /// The number of that thread at the operating system: what `ps -L`, `top -H` and debuggers call it. On Linux.
    pub os_thread_id: Option<u32>,
    /// The processes it has started and which live, among them those that were given up by one which it had started and
    /// which is gone; and members that are waiting or down. In start order; members in the order of their group.
    pub children: Vec<TreeNode>,
}

impl TreeNode {
    /// How long its thread has run on a processor until now, itself alone. Linux only; `None` elsewhere, and once the
    /// thread is gone.
    ///
    /// Reads a file in `/proc` when it is called. Never blocks.
    ///
    /// ```
    /// use ifrit::testing::never_ready;
    ///
    /// let process = ifrit::background(never_ready());
    /// let tree = ifrit::tree();
    /// let node = tree.get(process.id()).unwrap();
    /// if let Some(time) = node.cpu_time() {
    ///     println!("{} has run for {time:?}", node.name);
    /// }
    /// # process.signal(ifrit::Signal::KILL);
    /// ```
    pub fn cpu_time(&self) -> Option<Duration> {
        os_thread::cpu_time(self.os_thread_id?)
    }

    /// What its thread does now, as the kernel says, such as `sleeping in read of file descriptor 7`. Linux only; `None`
    /// elsewhere, and once the thread is gone.
    ///
    /// Reads files in `/proc` when it is called. Never blocks.
    ///
    /// ```
    /// use ifrit::testing::never_ready;
    ///
    /// let process = ifrit::background(never_ready());
    /// if let Some(state) = ifrit::tree().get(process.id()).unwrap().kernel_state() {
    ///     println!("its thread is {state}");
    /// }
    /// # process.signal(ifrit::Signal::KILL);
    /// ```
    pub fn kernel_state(&self) -> Option<String> {
        os_thread::look(self.os_thread_id?)
    }
}
