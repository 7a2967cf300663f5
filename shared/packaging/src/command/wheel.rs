//! The wheel for pip, pipx and uvx. Pure: bytes in, bytes out.
//!
//! Not made by maturin: a wheel of a static binary is a ZIP file with three small texts, which the packer of the functions
//! can write. Maturin would be another download and another build of the binary, with flags of its own.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use zip::result::ZipResult;

use crate::{
    archive,
    command::contents::{Contents, NAME, README, SUMMARY},
    entry::Entry,
};

/// Where the wheel installs: a static binary runs beside any C library, and Linux is as old as these two allow.
const PLATFORMS: [&str; 2] = ["manylinux_2_17_x86_64", "musllinux_1_1_x86_64"];

/// Returns the wheel's name and bytes, as the "Binary distribution format" of the Python Packaging Authority describes it.
///
/// # Errors
/// The binary has more than 4 GiB.
pub fn of(contents: &Contents) -> ZipResult<(String, Vec<u8>)> {
    let stem = format!("{NAME}-{}", contents.version);
    let info = format!("{stem}.dist-info");
    let mut entries = vec![contents.program(format!("{stem}.data/scripts/{NAME}"))];
    entries.extend(contents.licenses(&format!("{info}/licenses")));
    entries.push(Entry::file(format!("{info}/METADATA"), metadata(contents).into_bytes()));
    entries.push(Entry::file(format!("{info}/WHEEL"), about_the_wheel().into_bytes()));
    let record_path = format!("{info}/RECORD");
    let record = record(&entries, &record_path);
    entries.push(Entry::file(record_path, record.into_bytes()));
    Ok((format!("{stem}-py3-none-{}.whl", PLATFORMS.join(".")), archive::of(&entries)?))
}

fn metadata(contents: &Contents) -> String {
    let Contents { version, license, .. } = contents;
    format!(
        "Metadata-Version: 2.4\n\
         Name: {NAME}\n\
         Version: {version}\n\
         Summary: {SUMMARY}\n\
         License-Expression: {license}\n\
         License-File: LICENSE\n\
         License-File: THIRD-PARTY.txt\n\
         Classifier: Environment :: Console\n\
         Classifier: Operating System :: POSIX :: Linux\n\
         Classifier: Programming Language :: Rust\n\
         Description-Content-Type: text/markdown\n\
         \n\
         {README}"
    )
}

fn about_the_wheel() -> String {
    let mut text = "Wheel-Version: 1.0\nGenerator: flowkeeper packaging\nRoot-Is-Purelib: false\n".to_owned();
    for platform in PLATFORMS {
        text += &format!("Tag: py3-none-{platform}\n");
    }
    text
}

/// The digest and size of every file but the record itself. No path here has a comma or a quotation mark.
fn record(entries: &[Entry<'_>], own_path: &str) -> String {
    let mut record = String::new();
    for Entry { path, bytes, .. } in entries {
        record += &format!("{path},sha256={},{}\n", URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)), bytes.len());
    }
    record + own_path + ",,\n"
}
