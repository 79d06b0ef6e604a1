//! Longer texts: for those who come from somewhere else, and for those who want to know what they can rely on.

#[doc = include_str!("docs/from_otp.md")]
pub mod from_otp {}

#[doc = include_str!("docs/guarantees.md")]
pub mod guarantees {}
