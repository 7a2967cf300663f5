//! The package for npm, with the binary in it. Pure: bytes in, bytes out.

use std::{collections::BTreeMap, io::Result};

use serde::Serialize;

use crate::{
    command::contents::{Contents, NAME, README, SUMMARY},
    entry::Entry,
    tarball::{gzip, tar},
};

/// The folder that npm expects around the files.
const FOLDER: &str = "package";

#[derive(Serialize)]
struct Manifest<'a> {
    name: &'a str,
    version: &'a str,
    description: &'a str,
    license: &'a str,
    bin: BTreeMap<&'a str, String>,
    os: [&'a str; 1],
    cpu: [&'a str; 1],
}

/// Returns the package's name, which is the one that `npm pack` would choose, and bytes.
///
/// # Errors
/// None that is known: the archive is written into memory.
pub fn of(contents: &Contents) -> Result<(String, Vec<u8>)> {
    let path = format!("bin/{NAME}");
    let manifest = Manifest {
        name: NAME,
        version: &contents.version,
        description: SUMMARY,
        license: &contents.license,
        // npm links to the program itself: no script in JavaScript has to start it.
        bin: BTreeMap::from([(NAME, path.clone())]),
        os: ["linux"],
        cpu: ["x64"],
    };
    let mut entries = vec![
        Entry::file(format!("{FOLDER}/package.json"), serde_json::to_vec_pretty(&manifest)?),
        contents.program(format!("{FOLDER}/{path}")),
        Entry::file(format!("{FOLDER}/README.md"), README.as_bytes()),
    ];
    entries.extend(contents.licenses(FOLDER));
    Ok((format!("{NAME}-{}.tgz", contents.version), gzip(&tar(&entries)?)?))
}
