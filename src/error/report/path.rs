//! Where a member stands, as a report writes it.

use std::fmt;

use crate::draw::{in_a_path, line_of};

/// So many names of a path are written.
const NAMES: usize = 8;
/// The first ones; the others are the last.
const FIRST: usize = 2;
/// So many bytes of a name are written.
const NAME: usize = 200;

/// The names from a group down to a member, the ones in the middle left out where there are many.
#[derive(Clone, Default)]
pub(super) struct Path<'e> {
    names: Vec<&'e str>,
    is_cut: bool,
}

impl<'e> Path<'e> {
    pub(super) fn push(&mut self, name: &'e str) {
        self.names.push(name);
        if self.names.len() > NAMES {
            self.names.remove(FIRST);
            self.is_cut = true;
        }
    }

    pub(super) fn join(&self, name: &'e str) -> Self {
        let mut path = self.clone();
        path.push(name);
        path
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.names.iter().enumerate() {
            if place > 0 {
                f.write_str("/")?;
            }
            if self.is_cut && place == FIRST {
                f.write_str("…/")?;
            }
            in_a_path(&line_of(name, NAME), f)?;
        }
        Ok(())
    }
}
