//! Detects changed source files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Editors write a file several times when saving. After this long without a change, they are done.
const QUIET: Duration = Duration::from_millis(150);

/// A stream of changes to source files in some folders.
pub(super) struct Changes {
    paths: UnboundedReceiver<PathBuf>,
    /// Watches until it is dropped.
    _watcher: RecommendedWatcher,
}

impl Changes {
    /// Watches these folders from now on.
    pub(super) fn below(folders: &[&Path]) -> notify::Result<Self> {
        let (found, paths) = unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            for path in event.into_iter().filter(is_change).flat_map(|event| event.paths).filter(|path| is_source(path))
            {
                // Fails only if the receiver is gone.
                let _ = found.send(path);
            }
        })?;
        for folder in folders {
            watcher.watch(folder, RecursiveMode::Recursive)?;
        }
        Ok(Self { paths, _watcher: watcher })
    }

    /// Waits for a change, and then until no more follow. Returns the files.
    pub(super) async fn next(&mut self) -> BTreeSet<PathBuf> {
        let mut changed: BTreeSet<PathBuf> = self.paths.recv().await.into_iter().collect();
        while let Ok(Some(path)) = tokio::time::timeout(QUIET, self.paths.recv()).await {
            changed.insert(path);
        }
        changed
    }
}

fn is_change(event: &Event) -> bool {
    matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_))
}

/// Returns whether the build depends on the file. Excludes the temporary files of editors.
fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["rs", "toml"].iter().any(|known| extension == *known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_changes_together_is_told_together_and_what_is_no_source_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        let mut changes = Changes::below(&[folder.path()]).unwrap();
        for file in ["src/.lib.rs.swp", "src/lib.rs", "Cargo.toml", "src/lib.rs"] {
            std::fs::write(folder.path().join(file), "x").unwrap();
        }
        let mut names = async || -> Vec<String> {
            let changed = tokio::time::timeout(Duration::from_secs(5), changes.next()).await.unwrap();
            changed.iter().map(|path| path.file_name().unwrap().display().to_string()).collect()
        };
        assert_eq!(names().await, ["Cargo.toml", "lib.rs"]);
        std::fs::remove_file(folder.path().join("src/lib.rs")).unwrap();
        assert_eq!(names().await, ["lib.rs"]);
    }
}
