//! What events say of each process: when it was there, what became of it, and whose child it is.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::id::ProcessId;
use crate::observe::event::{Event, What};
use crate::observe::path::Path;

/// A process, as far as the events know it. What is said of it is told as the place of the event.
pub(super) struct Life<'e> {
    pub(super) id: ProcessId,
    pub(super) path: &'e Path,
    /// The number of the process that has started it.
    pub(super) parent: Option<ProcessId>,
    /// All that is said of it, in order.
    pub(super) events: Vec<usize>,
    pub(super) started: Option<usize>,
    /// When it has started, also where that is known only from a later event.
    pub(super) began: Option<Instant>,
    pub(super) ready: Option<usize>,
    /// Its exit, or that it was given up.
    pub(super) exited: Option<usize>,
    /// The thread of one that was given up has ended.
    pub(super) late: Option<usize>,
}

impl Life<'_> {
    /// How many processes stand above it.
    pub(super) fn depth(&self) -> usize {
        self.path.above().count()
    }

    /// Its last word, if its thread has ended.
    pub(super) fn ended(&self, events: &[Event]) -> Option<usize> {
        let given_up = |place: usize| matches!(events[place].what, What::Abandoned { .. });
        match self.exited {
            Some(place) if given_up(place) => self.late,
            exited => exited,
        }
    }
}

pub(super) struct Lives<'e> {
    /// In the order in which they are spoken of first.
    pub(super) all: Vec<Life<'e>>,
    by_id: HashMap<ProcessId, usize>,
}

impl<'e> Lives<'e> {
    pub(super) fn of(events: &'e [Event]) -> Self {
        let mut lives = Lives {
            all: Vec::new(),
            by_id: HashMap::new(),
        };
        for (place, event) in events.iter().enumerate() {
            lives.hear(place, event);
        }
        lives
    }

    pub(super) fn get(&self, id: ProcessId) -> Option<&Life<'e>> {
        self.place_of(id).map(|place| &self.all[place])
    }

    pub(super) fn place_of(&self, id: ProcessId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// The children of each process, in the order in which they are spoken of first.
    pub(super) fn by_parent(&self) -> HashMap<ProcessId, Vec<usize>> {
        let mut children: HashMap<_, Vec<_>> = HashMap::new();
        for (place, life) in self.all.iter().enumerate() {
            if let Some(parent) = life.parent {
                children.entry(parent).or_default().push(place);
            }
        }
        children
    }

    fn hear(&mut self, place: usize, event: &'e Event) {
        let all = &mut self.all;
        let life = *self.by_id.entry(event.id).or_insert_with(|| {
            all.push(Life {
                id: event.id,
                path: &event.path,
                parent: event.path.above().next(),
                events: Vec::new(),
                started: None,
                began: None,
                ready: None,
                exited: None,
                late: None,
            });
            all.len() - 1
        });
        let life = &mut all[life];
        life.events.push(place);
        let mut aged = |age: Duration| {
            life.began = life.began.or_else(|| event.at.checked_sub(age));
        };
        match event.what {
            What::Started => {
                aged(Duration::ZERO);
                life.started = Some(place);
            }
            What::Ready { after } => {
                aged(after);
                life.ready = Some(place);
            }
            What::Exited { took, .. } | What::Abandoned { took, .. } => {
                aged(took);
                life.exited = Some(place);
            }
            What::ExitedLate { took, .. } => {
                aged(took);
                life.late = Some(place);
            }
            _ => {}
        }
    }
}
