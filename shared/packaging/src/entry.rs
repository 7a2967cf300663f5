//! A file in an archive.

use std::borrow::Cow;

/// A file in an archive. Its owner is root and its date is fixed, so that an archive depends on nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The path in the archive, with `/` between its parts.
    pub path: String,
    /// The permissions, such as `0o755`.
    pub mode: u32,
    /// What the file holds.
    pub bytes: Cow<'a, [u8]>,
}

impl<'a> Entry<'a> {
    /// Creates a file that anybody may read.
    pub fn file(path: impl Into<String>, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { path: path.into(), mode: 0o644, bytes: bytes.into() }
    }

    /// Creates a program that anybody may run.
    pub fn program(path: impl Into<String>, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { path: path.into(), mode: 0o755, bytes: bytes.into() }
    }
}
