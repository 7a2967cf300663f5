//! ZIP files. Pure: bytes in, bytes out.

use std::io::{Cursor, Write as _};

use zip::{CompressionMethod, DateTime, System, ZipWriter, result::ZipResult, write::SimpleFileOptions};

use crate::entry::Entry;

/// The only entry of a function's ZIP file. Function Compute starts it in a custom runtime, as `/code/bootstrap`.
pub const ENTRY: &str = "bootstrap";

/// The only entry of a policy's layer. Function Compute unpacks a layer below `/opt`, where `template.yml` says that the
/// policy is.
pub const POLICY: &str = "policy.yml";

/// Creates the ZIP file of a function, with one executable entry.
///
/// # Errors
/// The binary has more than 4 GiB, which the format cannot hold.
pub fn of_bootstrap(binary: &[u8]) -> ZipResult<Vec<u8>> {
    of(&[Entry::program(ENTRY, binary)])
}

/// Creates the ZIP file of a layer that holds a policy.
///
/// # Errors
/// The policy has more than 4 GiB, which the format cannot hold.
pub fn of_policy(text: &str) -> ZipResult<Vec<u8>> {
    of(&[Entry::file(POLICY, text.as_bytes())])
}

/// Creates a ZIP file of these entries, in this order.
///
/// Modes count only if the file says that it was made on Unix. The date is fixed and the compressor is written in Rust,
/// so that the same entries give the same file whenever and wherever it is made.
///
/// # Errors
/// An entry has more than 4 GiB, which the format cannot hold, or two have the same path.
pub fn of(entries: &[Entry<'_>]) -> ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .system(System::Unix)
        .last_modified_time(DateTime::DEFAULT)
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        zip.start_file(&entry.path, options.unix_permissions(entry.mode))?;
        zip.write_all(&entry.bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use zip::ZipArchive;

    use super::*;

    #[test]
    fn the_same_binary_twice_gives_the_same_bytes() {
        let binary: Vec<u8> = (0..200_000_u32).flat_map(|number| (number / 3).to_le_bytes()).collect();
        assert_eq!(of_bootstrap(&binary).unwrap(), of_bootstrap(&binary).unwrap());
    }

    #[test]
    fn its_bytes_are_those_of_every_other_day_and_machine() {
        let zip = of_bootstrap(b"flowkeeper flowkeeper flowkeeper").unwrap();
        let hexadecimal: String = zip.iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = concat!(
            // The entry: made on Unix, deflated, 1980-01-01, its checksum, sizes, name and bytes.
            "504b0304140000000800000021003ae9ed99100000002000000009000000626f6f747374726170",
            "4bcbc92fcf4e4d2d482d5248c3c60400",
            // The central directory, with the mode 0100755.
            "504b01021403140000000800000021003ae9ed991000000020000000090000000000000000000000ed8100000000626f6f747374726170",
            "504b0506000000000100010037000000370000000000",
        );
        assert_eq!(hexadecimal, expected);
    }

    #[test]
    fn it_holds_the_binary_as_an_executable_at_the_root_and_nothing_else() {
        let zip = of_bootstrap(b"a binary").unwrap();
        let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
        assert_eq!(archive.len(), 1);
        let mut entry = archive.by_index(0).unwrap();
        assert_eq!(entry.name().unwrap(), "bootstrap");
        assert_eq!(entry.unix_mode(), Some(0o100_755));
        assert_eq!(entry.system(), System::Unix);
        assert_eq!(entry.compression(), CompressionMethod::Deflated);
        assert_eq!(entry.last_modified().map(|date| date.to_string()).as_deref(), Some("1980-01-01 00:00:00"));
        let mut binary = Vec::new();
        entry.read_to_end(&mut binary).unwrap();
        assert_eq!(binary, b"a binary");
    }
}
