//! The same function in Go, on the standard library: built as it would be delivered, where there is a Go.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::python::run;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/go");

/// The function in Go.
#[derive(Debug, Clone)]
pub(crate) struct Go {
    pub(crate) binary: PathBuf,
    /// The version of Go, as in `go1.19.8`.
    pub(crate) version: String,
}

/// Builds the function below `target`; `None` if there is no Go.
pub(crate) fn build(target: &Path) -> io::Result<Option<Go>> {
    let Some(version) = version()? else { return Ok(None) };
    let binary = target.join("go").join("create-flow-log");
    // Static, without the tables that only debuggers read, and without the paths of this machine.
    let flags = ["build", "-trimpath", "-ldflags", "-s -w", "-o"];
    run(Command::new("go").args(flags).arg(&binary).arg(".").current_dir(SOURCES).env("CGO_ENABLED", "0"))?;
    Ok(Some(Go { binary, version }))
}

/// Returns the version of Go; `None` if there is none.
pub(crate) fn version() -> io::Result<Option<String>> {
    match run(Command::new("go").args(["env", "GOVERSION"])) {
        Ok(version) => Ok(Some(version)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
