//! What a runner is going to do, before it does it: [`Plan`], and what is wrong with it: [`Mistake`].

mod again;
mod mermaid;
mod mistake;
mod start;
mod stop;
mod text;
pub(crate) mod value;

pub use again::Again;
pub use mistake::Mistake;
pub(crate) use value::{OfMember, Plan, Runs, Steps, short_type_name};
