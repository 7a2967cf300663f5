//! Builds the binaries as they are delivered: static, with the release profile.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use packaging::build::{FLAGS, LAYOUT};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the binary `name` of the package `package` in a separate target directory, and returns its path.
pub(crate) fn build(package: &str, name: &str) -> io::Result<PathBuf> {
    written_alike(&build_as("--bin", package, name)?.join(name), name)
}

/// Builds the example `name` of the package `package`, as [`build`] does a binary.
pub(crate) fn build_example(package: &str, name: &str) -> io::Result<PathBuf> {
    written_alike(&build_as("--example", package, name)?.join("examples").join(name), name)
}

/// Builds something of a package, and returns the folder of all that is built.
fn build_as(kind: &str, package: &str, name: &str) -> io::Result<PathBuf> {
    let target_dir = target_dir()?;
    // The cargo that runs this program; the flags apply to this build only.
    let status = Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .args(["build", "--quiet", "--release", "--locked", "--target", TARGET, "--package", package, kind, name])
        .args([OsStr::new("--target-dir"), target_dir.as_os_str()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_ENCODED_RUSTFLAGS", [&FLAGS[..], &LAYOUT].concat().join("\u{1f}"))
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("{package} cannot be built: cargo ended with {status}")));
    }
    Ok(target_dir.join(TARGET).join("release"))
}

/// Writes a binary anew, as the file `name` of a folder below [`target_dir`], and returns its path.
///
/// How much of a program the kernel maps at once depends on how its file was written: the same bytes can differ by
/// 200 KiB in resident memory. Linkers, Go and cargo write in ways of their own. Written anew, all are written alike, in
/// one piece.
pub(crate) fn written_alike(binary: &Path, name: &str) -> io::Result<PathBuf> {
    let folder = target_dir()?.join("measured");
    fs::create_dir_all(&folder)?;
    let copy = folder.join(name);
    // A program that still runs cannot be written over.
    match fs::remove_file(&copy) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::write(&copy, fs::read(binary)?)?;
    fs::set_permissions(&copy, fs::metadata(binary)?.permissions())?;
    Ok(copy)
}

/// The folder for everything that this program creates.
pub(crate) fn target_dir() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    // The program is target/release/benches.
    let target = program.parent().and_then(Path::parent);
    target
        .map(|target| target.join("benches"))
        .ok_or_else(|| io::Error::other("this program is in no target directory"))
}
