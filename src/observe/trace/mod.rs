//! Events of a while, put together: as a trace to look at, and as the answer to who made a start slow.

mod causes;
mod chain;
mod format;
mod gap;
mod json;
mod lives;
mod marks;
mod pen;
mod picture;
mod recording;
mod search;
mod time;
mod timeline;
mod tracks;

pub use chain::{ChainLink, CriticalChain};
pub use recording::{Recording, record};
pub use timeline::{Timeline, timeline};
