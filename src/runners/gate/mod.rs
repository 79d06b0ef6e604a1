//! A runner that holds something, and ends when that is lost: [`Gate`].

// The files import downward only: `guarded` stands highest, then `alone`, `lease`, `claim`, `lost`, and lowest `term`.

mod alone;
mod claim;
mod guarded;
mod lease;
mod lost;
mod term;

pub use alone::Gate;
pub use claim::Claim;
pub use guarded::Guarded;
pub use lease::Lease;
pub use lost::{LeaseTooShort, Lost};
