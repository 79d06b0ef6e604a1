//! A tree as data; [`TreeNode`] says in which shape.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::Tree;
use super::node::TreeNode;

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tree = serializer.serialize_struct("Tree", 1)?;
        tree.serialize_field("roots", &self.roots)?;
        tree.end()
    }
}

impl Serialize for TreeNode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.pending.iter().map(ToString::to_string);
        let mut node = serializer.serialize_struct("TreeNode", 14)?;
        node.serialize_field("id", &self.id.map(|id| id.0))?;
        node.serialize_field("name", &self.name)?;
        node.serialize_field("kind", &self.kind)?;
        node.serialize_field("status", &self.status.to_string())?;
        node.serialize_field("status_for", &self.status_for.as_secs_f64())?;
        node.serialize_field("uptime", &self.uptime.map(|time| time.as_secs_f64()))?;
        node.serialize_field("restarts", &self.restarts)?;
        node.serialize_field("next_try", &self.next_try.map(|time| time.as_secs_f64()))?;
        node.serialize_field("last_error", &self.last_error.as_deref())?;
        node.serialize_field("note", &self.note.as_deref())?;
        node.serialize_field(
            "stalled_for",
            &self.stalled_for.map(|time| time.as_secs_f64()),
        )?;
        node.serialize_field("pending", &names.collect::<Vec<_>>())?;
        node.serialize_field("os_thread_id", &self.os_thread_id)?;
        node.serialize_field("children", &self.children)?;
        node.end()
    }
}
