//! The words a runner is told: [`Signal`], and reading one from text.

mod parse;
pub(crate) mod word;

pub use parse::ParseSignalError;

pub(crate) use word::Signal;
