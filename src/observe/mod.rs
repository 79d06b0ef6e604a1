//! What happens, as a stream: [`Events`].

mod stream;

pub use stream::Events;

pub(crate) use stream::{Hub, listen};
