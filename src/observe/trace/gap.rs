//! Where events are missing.

/// So many are missing before the one at this place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    pub(super) place: usize,
    pub(super) missed: u64,
}
