//! The archive for people without a package manager. Pure: bytes in, bytes out.

use std::io::Result;

use crate::{
    command::contents::{Contents, NAME, README, TARGET},
    entry::Entry,
    tarball::{gzip, tar},
};

/// Returns the archive's name and bytes. Everything is in one folder, named after the archive.
///
/// # Errors
/// The name of a page or of a completion is no file name.
pub fn of(contents: &Contents) -> Result<(String, Vec<u8>)> {
    let folder = format!("{NAME}-{}-{TARGET}", contents.version);
    let mut entries = vec![
        contents.program(format!("{folder}/{NAME}")),
        Entry::file(format!("{folder}/README.md"), README.as_bytes()),
    ];
    entries.extend(contents.licenses(&folder));
    let named = |below: &str, name: &str| format!("{folder}/{below}/{name}");
    entries.extend(
        contents.completions.iter().map(|(name, text)| Entry::file(named("completions", name), text.as_slice())),
    );
    entries.extend(contents.pages.iter().map(|(name, text)| Entry::file(named("man/man1", name), text.as_slice())));
    Ok((format!("{folder}.tar.gz"), gzip(&tar(&entries)?)?))
}
