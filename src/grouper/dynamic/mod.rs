//! Groups whose members come while they run: [`Dynamic`].

mod admission;
mod capacity;
mod client;
mod events;
mod group;
mod history;
mod options;
mod reports;
mod shared;
mod state;
mod unless;
mod vacancy;
mod watcher;

pub use capacity::Capacity;
pub use client::DynamicClient;
pub use events::{Entrance, ExitEvent};
pub use group::Dynamic;
pub use options::Ends;
pub use vacancy::Vacancy;

pub(super) use watcher::Watcher;
