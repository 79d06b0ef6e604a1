//! The members of a group, as a list.

use std::collections::HashSet;

use super::member::Member;
use crate::error::Error;
use crate::runner::Runner;

/// A list of members, built by chaining. Groups take an array, a `Vec` or any iterator of [`Member`] as well.
///
/// ```
/// use ifrit::prelude::*;
///
/// let idle = || ifrit::run_fn(|signals, ready| {
///     ready.notify();
///     ifrit::until_stop(&signals);
///     Ok(())
/// });
/// let members = Members::new().add("db", idle()).add("web", idle());
/// let group = ifrit::grouper::Parallel::new(members);
/// ```
#[derive(Debug, Default)]
pub struct Members(Vec<Member>);

impl Members {
    /// No members yet.
    pub fn new() -> Self {
        Members::default()
    }

    /// Adds a runner under a name.
    #[must_use]
    pub fn add(self, name: impl Into<String>, runner: impl Runner + 'static) -> Self {
        self.member(Member::new(name, runner))
    }

    /// Adds a member with options.
    #[must_use]
    pub fn member(mut self, member: Member) -> Self {
        self.0.push(member);
        self
    }

    /// Whether a group of these members would run: that no name is empty or given twice, and that no option makes no
    /// sense. A group checks the same when it runs.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyNames`], [`Error::DuplicateNames`], [`Error::ZeroDeadline`], or another error of the first member
    /// that is refused.
    ///
    /// ```
    /// use ifrit::{Error, prelude::*, testing::never_ready};
    ///
    /// let members = Members::new().add("web", never_ready()).add("web", never_ready());
    /// assert!(matches!(members.validate(), Err(Error::DuplicateNames(names)) if names == ["web"]));
    /// ```
    pub fn validate(&self) -> Result<(), Error> {
        check_names(self.0.iter().map(Member::name))?;
        self.0
            .iter()
            .try_for_each(|member| member.options.check(&member.name))
    }
}

impl IntoIterator for Members {
    type Item = Member;
    type IntoIter = std::vec::IntoIter<Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Member> for Members {
    fn from_iter<I: IntoIterator<Item = Member>>(members: I) -> Self {
        Members(members.into_iter().collect())
    }
}

impl Extend<Member> for Members {
    fn extend<I: IntoIterator<Item = Member>>(&mut self, members: I) {
        self.0.extend(members);
    }
}

impl From<Vec<Member>> for Members {
    fn from(members: Vec<Member>) -> Self {
        Members(members)
    }
}

impl<const N: usize> From<[Member; N]> for Members {
    fn from(members: [Member; N]) -> Self {
        Members(members.into())
    }
}

/// Checks the names of a whole group: none empty, none twice.
pub(super) fn check_names<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Result<(), Error> {
    let empty = names
        .clone()
        .enumerate()
        .filter(|(_, name)| name.is_empty());
    let positions: Vec<usize> = empty.map(|(position, _)| position).collect();
    if !positions.is_empty() {
        return Err(Error::EmptyNames { positions });
    }
    let mut seen = HashSet::new();
    let repeats: Vec<String> = names
        .filter(|name| !seen.insert(*name))
        .map(str::to_owned)
        .collect();
    if !repeats.is_empty() {
        return Err(Error::DuplicateNames(repeats));
    }
    Ok(())
}
