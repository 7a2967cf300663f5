//! Files that are written whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

/// Writes a file that only its owner can read. A file of that name is replaced in one step, or left as it is; a device
/// or a pipe is written to.
///
/// # Errors
/// Those of `content`, and that nothing can be written there.
pub(crate) fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let fill = |file: &File| {
        let mut buffered = BufWriter::new(file);
        content(&mut buffered)?;
        buffered.flush()
    };
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return fill(&File::options().write(true).open(path)?);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file can be read by its owner alone, and is removed if it cannot be finished.
    let file = tempfile::Builder::new().prefix(".flowkeeper-").tempfile_in(folder).map_err(|error| cause(&error))?;
    fill(file.as_file())?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Returns an error without the name of the temporary file, which means nothing to who named the other one.
pub(crate) fn cause(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let cause = text.split_once(" at path \"").map_or(&*text, |(cause, _)| cause);
    io::Error::new(error.kind(), cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_finished_leaves_the_one_before_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        fs::write(&path, "the one before").unwrap();
        let error = write(&path, |to| {
            to.write_all(b"half of it")?;
            Err(io::Error::other("no room"))
        });
        assert_eq!(error.unwrap_err().to_string(), "no room");
        assert_eq!(fs::read_to_string(&path).unwrap(), "the one before");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = write(&folder.path().join("no/report.html"), |to| to.write_all(b"whole")).unwrap_err();
        assert_eq!(nowhere.to_string(), "No such file or directory (os error 2)", "the temporary file is not named");
        assert_eq!(nowhere.kind(), io::ErrorKind::NotFound);
        write(&path, |to| to.write_all(b"whole")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
    }
}
