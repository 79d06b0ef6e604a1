//! What a runner is going to do, before it does it: [`Plan`].

use std::fmt;

use crate::draw::{self, Draw};

/// The shape of a runner: what it is, and what it is made of.
///
/// [`Runner::plan`](crate::Runner::plan) gives it, before anything has been started. It prints as a tree.
///
/// ```
/// use ifrit::prelude::*;
///
/// let idle = || ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let app = ifrit::grouper::Ordered::new(Members::new().add("db", idle()).add("web", idle()));
/// assert_eq!(app.plan().to_string(), "\
/// ordered group
/// ├─ db: RunFn
/// └─ web: RunFn");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The member's name, where it is a member.
    pub name: Option<String>,
    /// What it is: the type of a runner, or the kind of a group.
    pub kind: String,
    /// What has been set for it, such as its deadlines, one phrase each.
    pub notes: Vec<String>,
    /// What it is made of, in start order.
    pub parts: Vec<Plan>,
}

impl Plan {
    /// A plan of something of this kind, without parts. A runner made of runners adds theirs with
    /// [`part`](Plan::part).
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
        }
    }

    /// A leaf named after the type `R`, without its path and parameters.
    pub(crate) fn of_type<R: ?Sized>() -> Self {
        Plan::new(short_type_name::<R>())
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
}

impl Draw for Plan {
    fn line(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}: ")?;
        }
        f.write_str(&self.kind)?;
        if !self.notes.is_empty() {
            write!(f, " ({})", self.notes.join(", "))?;
        }
        Ok(())
    }

    fn parts(&self) -> &[Self] {
        &self.parts
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        draw::draw(self, f)
    }
}

/// `a::b::Name<c::D>` as `Name`.
pub(crate) fn short_type_name<T: ?Sized>() -> &'static str {
    let full = std::any::type_name::<T>();
    let path = full.split('<').next().unwrap_or(full);
    path.rsplit("::").next().unwrap_or(path)
}
