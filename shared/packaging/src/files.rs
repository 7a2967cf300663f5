//! Reads and writes files, with errors that name them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A file or folder that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be {attempted}", path.display())]
pub struct Error {
    /// Which file or folder.
    pub path: PathBuf,
    /// What was attempted.
    pub attempted: &'static str,
    /// The system's error.
    pub source: io::Error,
}

fn failed(path: &Path, attempted: &'static str) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error { path, attempted, source }
}

/// Reads a file.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(failed(path, "read"))
}

/// Writes a file.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes).map_err(failed(path, "written"))
}

/// Writes a file, in a folder that may not exist yet.
///
/// # Errors
/// The folder cannot be made, or the file cannot be written.
pub fn write_in_new_folder(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed(folder, "made"))?;
    }
    write(path, bytes)
}

/// Removes a file, if there is one.
///
/// # Errors
/// It cannot be removed.
pub fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path, "removed")(error)),
        _ => Ok(()),
    }
}

/// Returns the names in a folder, sorted.
///
/// # Errors
/// It cannot be listed.
pub fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(failed(folder, "listed"))?;
    let mut names: Vec<_> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// Makes a folder, and removes the files of an earlier run from it: those whose name `is_earlier` accepts.
///
/// # Errors
/// The folder cannot be made, or a file cannot be removed.
pub fn without_earlier(folder: &Path, is_earlier: impl Fn(&str) -> bool) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(failed(folder, "made"))?;
    for name in names(folder)?.iter().filter(|name| is_earlier(name)) {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(failed(&path, "removed"))?;
    }
    Ok(())
}
