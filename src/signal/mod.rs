//! What a runner is told: [`Signal`], reading one from text, and reading the next one from a channel.

mod parse;
mod receive;
pub(crate) mod word;

pub use parse::ParseSignalError;

pub(crate) use receive::{next, try_next};
pub(crate) use word::Signal;
