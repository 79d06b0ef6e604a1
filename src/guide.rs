//! Longer texts: one page for each reader who comes from somewhere else.

#[doc = include_str!("docs/from_otp.md")]
pub mod from_otp {}
