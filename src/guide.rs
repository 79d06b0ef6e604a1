//! Longer texts: what is promised, what is not, how that is checked, how it works, what has changed, and the way here
//! from OTP.

#[doc = include_str!("docs/guarantees.md")]
pub mod guarantees {}

#[doc = include_str!("docs/limitations.md")]
pub mod limitations {}

#[doc = include_str!("docs/verification.md")]
pub mod verification {}

#[doc = include_str!("docs/architecture.md")]
pub mod architecture {}

#[doc = include_str!("docs/changelog.md")]
pub mod changelog {}

#[doc = include_str!("docs/from_otp.md")]
pub mod from_otp {}
