//! A plan as a tree of text.

use std::fmt::{self, Write};

use super::Plan;
use crate::draw::{self, Draw, Escaped};

impl Draw for Plan {
    fn line(&self, f: &mut dyn Write) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{}: ", Escaped(name))?;
        }
        write!(f, "{}", Escaped(&self.kind))?;
        if !self.notes.is_empty() {
            write!(f, " ({})", Escaped(&self.notes.join(", ")))?;
        }
        Ok(())
    }

    fn parts(&self) -> &[Self] {
        &self.parts
    }
}

/// A line for each, as a tree; and a line for each mistake.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        draw::draw(self, f)?;
        for mistake in self.mistakes() {
            write!(f, "\nmistake: {mistake}")?;
        }
        Ok(())
    }
}
