//! Groups: runners made of runners.
//!
//! [`Ordered`], [`QueueOrdered`] and [`Parallel`] differ in the order in which their [`Member`]s start and stop; what
//! they have in common stands at [`Group`]. How the members ended is told by an [`ExitTrace`](crate::error::ExitTrace). A [`Dynamic`] group takes
//! its members while it runs, and a [`Batch`] runs jobs on one.

mod batch;
mod dynamic;
mod engine;
mod fixed;
mod member;
mod members;
mod refusal;

pub use batch::{Batch, Job, Progress};
pub use dynamic::{Capacity, Dynamic, DynamicClient, Ends, Entrance, ExitEvent, Vacancy};
pub use engine::{Admin, AutoShutdown, Counts, MemberState, MemberStatus, Strategy};
pub use fixed::{Group, Order, Ordered, Parallel, QueueOrdered, order};
pub use member::Member;
pub use members::Members;
pub use refusal::{Reason, Refusal};

pub use crate::process::last_exit::LastExit;
