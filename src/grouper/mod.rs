//! Groups: runners made of runners.

mod batch;
mod dynamic;
mod engine;
mod fixed;
mod member;
mod time;

pub use crate::error::{Cause, ExitTrace, MemberExit};
pub use batch::{Batch, Progress};
pub use dynamic::{
    Capacity, Dynamic, DynamicClient, Ends, Entrance, Events, ExitEvent, InsertError, Refusal,
};
pub use fixed::{Group, Order, Ordered, Parallel, QueueOrdered, order};
pub use member::{Member, Members};
