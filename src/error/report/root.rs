//! What began it all, and the way there.

use std::time::Duration;

use super::path::Path;
use crate::error::{Error, ExitTrace, MemberExit};

/// What began it all, as far as it is known.
pub(super) struct Root<'e> {
    pub(super) error: &'e Error,
    /// The members it lies in.
    pub(super) path: Path<'e>,
    pub(super) members: Vec<Step<'e>>,
    /// The budgets that were used up on the way, from the outermost in, and where.
    pub(super) spent: Vec<(Path<'e>, &'e Error)>,
}

/// A member on the way, the group in which it is, and its path.
pub(super) struct Step<'e> {
    pub(super) member: &'e MemberExit,
    pub(super) trace: &'e ExitTrace,
    pub(super) path: Path<'e>,
}

/// Whether what a group returned once its start had taken too long is that a member's start had, by the same limit.
fn is_because_of_a_member(source: &Error, limit: Duration) -> bool {
    let Error::Group(trace) = source else {
        return false;
    };
    let member = trace.failures().next();
    let error = member.and_then(|member| member.exit.as_ref().err());
    matches!(error, Some(Error::StartTimeout { after, .. }) if *after == limit)
}

impl<'e> Root<'e> {
    pub(super) fn of(error: &'e Error) -> Self {
        let mut root = Root {
            error,
            path: Path::default(),
            members: Vec::new(),
            spent: Vec::new(),
        };
        while let Some(inner) = root.step() {
            root.error = inner;
        }
        root
    }

    fn step(&mut self) -> Option<&'e Error> {
        match self.error {
            Error::Group(trace) => {
                // As in `is_because_of_a_member`, where nothing was begun by a member.
                let initiator = trace.initiator().filter(|member| member.exit.is_err());
                let member = initiator.or_else(|| trace.failures().next())?;
                self.path.push(&member.name);
                self.members.push(Step {
                    member,
                    trace,
                    path: self.path.clone(),
                });
                member.exit.as_ref().err()
            }
            Error::RestartBudget {
                source: Some(source),
                ..
            } => {
                self.spent.push((self.path.clone(), self.error));
                Some(source)
            }
            // The limit of a group and of the member that kept it from being ready: it is said once, of the member.
            Error::StartTimeout {
                after,
                source: Some(source),
                ..
            } if is_because_of_a_member(source, *after) => Some(source),
            Error::Runner(failure) => failure.ours(),
            _ => None,
        }
    }

    /// The member itself.
    pub(super) fn member(&self) -> Option<&'e MemberExit> {
        self.members.last().map(|step| step.member)
    }

    /// Whether it is this member, or lies below it.
    pub(super) fn is_in(&self, member: &MemberExit) -> bool {
        self.members
            .iter()
            .any(|step| std::ptr::eq(step.member, member))
    }
}
