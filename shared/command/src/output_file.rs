//! Files that are written whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

/// Writes a file that only its owner can read. A file of that name is replaced in one step, or left as it is; a device
/// or a pipe is written to. A link is replaced and not followed, but for those of the machine, such as `/dev/stdout`: they
/// stay, and lead to devices and pipes alone.
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
    if is_link_of_the_machine(path) {
        return Err(io::Error::other("it leads to a file that is open already; name that file, or another one"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file can be read by its owner alone, and is removed if it cannot be finished.
    let file = tempfile::Builder::new().prefix(".flowkeeper-").tempfile_in(folder).map_err(|error| cause(&error))?;
    fill(file.as_file())?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Whether this is a link that others need as it is. Root could replace `/dev/stdout` for good.
fn is_link_of_the_machine(path: &Path) -> bool {
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    is_link && folder.is_some_and(|folder| ["/dev", "/proc"].iter().any(|system| folder.starts_with(system)))
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
    #[cfg(target_os = "linux")]
    #[test]
    fn a_link_is_replaced_and_what_it_leads_to_is_not_but_a_link_of_the_machine_stays() {
        use std::os::{fd::AsRawFd as _, unix::fs::symlink};

        let folder = tempfile::tempdir().unwrap();
        let [own, others] = ["plan.json", "others.json"].map(|name| folder.path().join(name));
        fs::write(&others, "of others").unwrap();
        symlink(&others, &own).unwrap();
        write(&own, |to| to.write_all(b"a plan")).unwrap();
        assert_eq!([&own, &others].map(|path| fs::read_to_string(path).unwrap()), ["a plan", "of others"]);
        let open = File::open(&others).unwrap();
        let link = format!("/proc/self/fd/{}", open.as_raw_fd());
        let error = write(Path::new(&link), |to| to.write_all(b"a plan")).unwrap_err();
        assert!(error.to_string().starts_with("it leads to a file that is open already"), "{error}");
        assert_eq!(fs::read_to_string(&others).unwrap(), "of others");
    }
}
