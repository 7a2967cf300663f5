//! What the tests of the workspace's own rules share: its root, its files, and which file uses which.
//!
//! Only tests may depend on this crate. A file that cannot be read panics.

#![expect(clippy::unwrap_used, reason = "only tests come here")]

mod file_graph;

use std::path::{Path, PathBuf};

pub use file_graph::{Cycle, FileGraph};

/// The root of the workspace.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Folders whose files are not part of the project.
const SKIPPED: [&str; 5] = ["target", "node_modules", ".git", ".venv", ".pytest_cache"];

/// Returns all files in a folder and its subfolders, sorted by path.
///
/// # Panics
/// A folder cannot be read.
#[must_use]
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let is_skipped = path.file_name().is_some_and(|name| SKIPPED.iter().any(|skipped| name == *skipped));
        if path.is_dir() && !is_skipped {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found.sort_unstable();
    found
}
