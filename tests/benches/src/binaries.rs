//! Builds the binaries as they are delivered: static, with the release profile.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::Command,
};

use packaging::build::FLAGS;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the binary `name` of the package `package` in a separate target directory, and returns its path.
pub(crate) fn build(package: &str, name: &str) -> io::Result<PathBuf> {
    Ok(build_as("--bin", package, name)?.join(name))
}

/// Builds the example `name` of the package `package`, as [`build`] does a binary.
pub(crate) fn build_example(package: &str, name: &str) -> io::Result<PathBuf> {
    Ok(build_as("--example", package, name)?.join("examples").join(name))
}

/// Builds something of a package, and returns the folder of all that is built.
fn build_as(kind: &str, package: &str, name: &str) -> io::Result<PathBuf> {
    let target_dir = target_dir()?;
    // The cargo that runs this program; the flags apply to this build only.
    let status = Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .args(["build", "--quiet", "--release", "--locked", "--target", TARGET, "--package", package, kind, name])
        .args([OsStr::new("--target-dir"), target_dir.as_os_str()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("{package} cannot be built: cargo ended with {status}")));
    }
    Ok(target_dir.join(TARGET).join("release"))
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
