//! An item that the API returned, and that cannot be read.

use std::fmt;

/// An item of a list that exists but could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableItem {
    /// The item's id, if at least that could be read.
    pub id: Option<String>,
    /// The item's path in the response, for example `NetworkInterfaceSets[3]`.
    pub place: String,
    /// What is wrong with the item.
    pub reason: String,
}

impl fmt::Display for UnreadableItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "{} ({id}) cannot be read: {}", self.place, self.reason),
            None => write!(f, "{} cannot be read: {}", self.place, self.reason),
        }
    }
}
