//! Why a list cannot be read to its end.

use std::fmt;

/// Why a list cannot be read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The list changes faster than it can be read.
    Unstable,
    /// The list shows fewer items than it claims to have.
    Short { seen: usize, total: u32 },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unstable => f.write_str("the list changes faster than it can be read"),
            Self::Short { seen, total } => write!(f, "the list shows {seen} of the {total} items that it says it has"),
        }
    }
}
