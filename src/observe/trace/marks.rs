//! What is drawn.

use std::collections::HashMap;

use super::causes::Arrow;
use super::json::Fields;

/// One thing that is drawn.
pub(super) struct Mark {
    /// In nanoseconds, since the first event.
    pub(super) at: u64,
    pub(super) order: usize,
    pub(super) track: usize,
    pub(super) shape: Shape,
}

pub(super) enum Shape {
    Begin {
        name: String,
        kind: &'static str,
        args: Fields,
    },
    /// Of the slice that was begun last on its track.
    End { args: Fields },
    Instant {
        name: String,
        kind: &'static str,
        args: Fields,
    },
    /// So many events are missing.
    Gap { missed: u64 },
    /// An arrow begins here, in the slice that began then.
    Out { arrow: Arrowhead, inside: Moment },
    /// It ends here.
    In { arrow: Arrowhead, inside: Moment },
}

/// One end of an arrow.
#[derive(Clone, Copy)]
pub(super) struct Arrowhead {
    pub(super) number: usize,
    pub(super) name: &'static str,
}

/// A time, and the place of the event that was then.
pub(super) type Moment = (u64, usize);

/// The arrows at each event.
pub(super) struct Arrows {
    pub(super) out_of: HashMap<usize, Vec<Arrowhead>>,
    pub(super) into: HashMap<usize, Vec<Arrowhead>>,
}

impl Arrows {
    pub(super) fn of(all: Vec<Arrow>) -> Self {
        let (mut out_of, mut into) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for (number, Arrow { name, from, to }) in all.into_iter().enumerate() {
            let arrow = Arrowhead { number, name };
            out_of.entry(from).or_default().push(arrow);
            into.entry(to).or_default().push(arrow);
        }
        Arrows { out_of, into }
    }
}
