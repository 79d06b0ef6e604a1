//! The plan itself: [`Plan`].

use std::time::Duration;

use super::Again;
use crate::draw::Counted;
use crate::limit::earlier;

/// The shape of a runner: what it is, what it is made of, and what has been set for it.
///
/// [`Runner::plan`](crate::Runner::plan) gives it, before anything has been started. It prints as a tree, with the
/// [mistakes](Plan::mistakes) below; [`mermaid`](Plan::mermaid) draws it. As a value it is for a unit test, which needs no
/// thread:
///
/// ```
/// use ifrit::{Main, prelude::*};
/// use std::time::Duration;
///
/// fn program() -> impl Runner {
///     let idle = || ifrit::run_fn(|signals, ready| {
///         ready.notify();
///         ifrit::until_stop(&signals);
///         Ok(())
///     });
///     let secs = Duration::from_secs;
///     Ordered::new([
///         Member::new("db", idle()).start_within(secs(10)).stop_within(secs(5)),
///         Member::new("web", idle()).start_within(secs(10)).stop_within(secs(15)),
///     ])
/// }
///
/// # /*
/// #[test]
/// # */
/// fn the_program_is_well_planned() {
///     let plan = Main::new(program()).plan();
///     assert_eq!(plan.mistakes(), []);
///     // Kubernetes sends SIGKILL after 30 s.
///     assert!(plan.worst_case_stop().unwrap() < Duration::from_secs(30));
///     assert_eq!(plan.worst_case_start(), Some(Duration::from_secs(20)));
///     let app = &plan.parts()[0];
///     assert_eq!(app.stop_order(), [["web"], ["db"]]);
/// }
/// # the_program_is_well_planned();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    pub(super) name: Option<String>,
    pub(super) kind: String,
    pub(super) notes: Vec<String>,
    pub(super) parts: Vec<Plan>,
    /// What has been set for the runner.
    pub(crate) runner: Box<OfRunner>,
    /// What its group knows of it.
    pub(crate) member: Option<Box<OfMember>>,
}

/// What has been set for a runner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OfRunner {
    pub(crate) runs: Runs,
    pub(crate) start_within: Option<Duration>,
    pub(crate) stop_within: Option<Duration>,
    pub(crate) kill_grace: Option<Duration>,
    pub(crate) again: Option<Again>,
    /// How many restarts are allowed, and within which time.
    pub(crate) budget: Option<(usize, Duration)>,
    /// It can run only once.
    pub(crate) once: bool,
    /// A group that has room for no member.
    pub(crate) has_no_room: bool,
}

/// How a runner runs its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Runs {
    /// In a way that is not known, if it has any.
    #[default]
    ItsOwnWay,
    /// The one it has, on its own thread, and for as long.
    Inline,
    Group {
        start: Steps,
        stop: Steps,
    },
    /// Parts that come while it runs.
    Dynamic,
}

/// In which order a group goes through its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steps {
    Forward,
    Reverse,
    Together,
}

/// What has been set for a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OfMember {
    pub(crate) start_within: Option<Duration>,
    pub(crate) stop_within: Option<Duration>,
    pub(crate) stop_delay: Option<Duration>,
    pub(crate) kill_grace: Option<Duration>,
    pub(crate) again: Option<Again>,
    pub(crate) one_shot: bool,
    pub(crate) essential: bool,
    pub(crate) significant: bool,
}

impl Plan {
    /// A plan of something of this kind, without parts. A runner made of runners adds theirs with
    /// [`part`](Plan::part).
    ///
    /// How it runs its parts is not known, so nothing bounds its start and stop but what stands around it.
    ///
    /// ```
    /// # use ifrit::Plan;
    /// let plan = Plan::new("mirror").part(Plan::new("copy"));
    /// assert_eq!(plan.to_string(), "mirror\n└─ copy");
    /// ```
    pub fn new(kind: impl Into<String>) -> Self {
        Plan {
            name: None,
            kind: kind.into(),
            notes: Vec::new(),
            parts: Vec::new(),
            runner: Box::default(),
            member: None,
        }
    }

    /// A leaf named after the type `R`, without its path and parameters.
    pub(crate) fn of_type<R: ?Sized>() -> Self {
        Plan::new(short_type_name::<R>())
    }

    /// The same, called something else.
    pub(crate) fn called(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.kind);
        self
    }

    /// Gives it a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds a phrase on what has been set for it.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a part.
    #[must_use]
    pub fn part(mut self, part: Plan) -> Self {
        self.parts.push(part);
        self
    }

    /// Adds a phrase for each limit that has been set.
    pub(crate) fn limits(mut self, limits: &[(&str, Option<Duration>)]) -> Self {
        for (what, limit) in limits {
            if let Some(limit) = limit {
                self.notes.push(format!("{what} {limit:?}"));
            }
        }
        self
    }

    /// Adds a phrase on a budget that is not the one by default.
    pub(crate) fn budgeted(self, budget: (usize, Duration), is_set: bool) -> Self {
        let (restarts, within) = budget;
        let counted = Counted(restarts, "restart");
        let mut plan = match is_set {
            true => self.note(format!("{counted} in {within:?}")),
            false => self,
        };
        plan.runner.budget = Some(budget);
        plan
    }

    /// The member's name, where it is a member.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What it is: the type of a runner, or the kind of a group.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What has been set for it, a phrase each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What it is made of, in start order.
    pub fn parts(&self) -> &[Plan] {
        &self.parts
    }

    /// The member at `path`: names from here down, with a `/` between them. What has no name, such as a restarter's
    /// runner, is passed through.
    ///
    /// ```
    /// use ifrit::prelude::*;
    ///
    /// let pool = Parallel::new(Members::new().add("w1", ifrit::run_fn(|_, _| Ok(()))));
    /// let plan = Ordered::new(Members::new().add("pool", pool)).plan();
    /// assert_eq!(plan.find("pool/w1").unwrap().kind(), "RunFn");
    /// assert!(plan.find("w1").is_none());
    /// ```
    pub fn find(&self, path: &str) -> Option<&Plan> {
        for part in &self.parts {
            let rest = match &part.name {
                None => Some(path),
                Some(name) if name == path => return Some(part),
                Some(name) => path
                    .strip_prefix(&**name)
                    .and_then(|rest| rest.strip_prefix('/')),
            };
            let found = rest.and_then(|rest| part.find(rest));
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// How long it may take to become ready: the least of what has been set for the member and for its runner.
    pub fn start_within(&self) -> Option<Duration> {
        let of_member = self.member.as_ref().and_then(|member| member.start_within);
        earlier(of_member, self.runner.start_within)
    }

    /// How long its stop may take: the least of what has been set for the member and for its runner.
    pub fn stop_within(&self) -> Option<Duration> {
        let of_member = self.member.as_ref().and_then(|member| member.stop_within);
        earlier(of_member, self.runner.stop_within)
    }

    /// How long after its turn it is told to stop.
    pub fn stop_delay(&self) -> Option<Duration> {
        self.member.as_ref()?.stop_delay
    }

    /// How long it has after KILL, where that has been set for the member, or else for its runner.
    pub fn kill_grace(&self) -> Option<Duration> {
        let of_member = self.member.as_ref().and_then(|member| member.kill_grace);
        of_member.or(self.runner.kill_grace)
    }

    /// When it is run again: as a member of its group, or else by itself, as a restarter does.
    pub fn restart(&self) -> Option<&Again> {
        let of_member = self
            .member
            .as_ref()
            .and_then(|member| member.again.as_ref());
        of_member.or(self.runner.again.as_ref())
    }

    /// How many restarts a group or a restarter allows, and within which time.
    pub fn budget(&self) -> Option<(usize, Duration)> {
        self.runner.budget
    }

    /// Whether it is expected to end, and the group goes on then.
    pub fn is_one_shot(&self) -> bool {
        self.member.as_ref().is_some_and(|member| member.one_shot)
    }

    /// Whether its end is a failure, Ok too, unless it was told to.
    pub fn is_essential(&self) -> bool {
        self.member.as_ref().is_some_and(|member| member.essential)
    }

    /// Whether its completion counts for the end of its group.
    pub fn is_significant(&self) -> bool {
        self.member
            .as_ref()
            .is_some_and(|member| member.significant)
    }

    /// The names of its members in the order in which they start: those of one step together, each step when all of the
    /// one before are ready. Empty where it is no group.
    pub fn start_order(&self) -> Vec<Vec<&str>> {
        match self.runner.runs {
            Runs::Group { start, .. } => self.in_steps(start),
            _ => Vec::new(),
        }
    }

    /// The names of its members in the order in which they are stopped: those of one step together, each step when all of
    /// the one before have exited. Empty where it is no group.
    pub fn stop_order(&self) -> Vec<Vec<&str>> {
        match self.runner.runs {
            Runs::Group { stop, .. } => self.in_steps(stop),
            _ => Vec::new(),
        }
    }

    fn in_steps(&self, steps: Steps) -> Vec<Vec<&str>> {
        let names = self
            .parts
            .iter()
            .map(|part| part.name().unwrap_or_default());
        match steps {
            Steps::Together if self.parts.is_empty() => Vec::new(),
            Steps::Together => vec![names.collect()],
            Steps::Forward => names.map(|name| vec![name]).collect(),
            Steps::Reverse => names.rev().map(|name| vec![name]).collect(),
        }
    }
}

/// `a::b::Name<c::D>` as `Name`.
pub(crate) fn short_type_name<T: ?Sized>() -> &'static str {
    let full = std::any::type_name::<T>();
    let path = full.split('<').next().unwrap_or(full);
    path.rsplit("::").next().unwrap_or(path)
}
