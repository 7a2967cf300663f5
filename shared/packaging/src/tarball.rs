//! Archives in tar format, compressed with gzip. Pure: bytes in, bytes out.

use std::io::{Result, Write as _};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::entry::Entry;

/// The date of every entry, in seconds since 1970: 1980-01-01, as in the ZIP files, whose format begins there.
pub const MODIFIED: u64 = 315_532_800;

/// Creates an archive of these entries, in this order.
///
/// # Errors
/// A path is not one that an archive can hold.
pub fn tar(entries: &[Entry<'_>]) -> Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(entry.mode);
        header.set_mtime(MODIFIED);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(entry.bytes.len() as u64);
        archive.append_data(&mut header, &entry.path, &*entry.bytes)?;
    }
    archive.into_inner()
}

/// Compresses bytes. The header of the result has no date and no name, and the compressor is written in Rust, so that it
/// is the same whenever and wherever it is made.
///
/// # Errors
/// None that is known: the bytes are written into memory.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    compressed.write_all(bytes)?;
    compressed.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn an_archive_says_nothing_of_the_machine_or_the_time_that_made_it() {
        let archive = tar(&[Entry::program("a/b", b"program".as_slice()), Entry::file("c", b"".as_slice())]).unwrap();
        let mut read = tar::Archive::new(archive.as_slice());
        let seen: Vec<_> = read
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                let header = entry.header();
                assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
                assert_eq!((header.username().unwrap(), header.groupname().unwrap()), (Some(""), Some("")));
                assert_eq!(header.mtime().unwrap(), MODIFIED);
                (entry.path().unwrap().display().to_string(), header.mode().unwrap(), text)
            })
            .collect();
        assert_eq!(seen, [("a/b".into(), 0o755, "program".into()), ("c".into(), 0o644, String::new())]);
    }

    #[test]
    fn compressed_bytes_are_those_of_every_other_day_and_machine() {
        let hexadecimal: String =
            gzip(b"flowkeeper flowkeeper flowkeeper").unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        // No name, the date 0, the best compression, no system; then as in a ZIP file, the checksum and the length.
        assert_eq!(hexadecimal, "1f8b08000000000002ff4bcbc92fcf4e4d2d482d5248c3c604003ae9ed9920000000");
    }

    #[test]
    fn a_path_that_leads_out_of_the_archive_is_refused() {
        assert!(tar(&[Entry::file("../a", b"".as_slice())]).is_err());
    }
}
