//! The same function in Go, on the standard library: built as it would be delivered, where there is a Go that is new
//! enough.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{binaries::written_alike, python::run};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/go");
/// Names the oldest Go to compare with.
const MODULE: &str = include_str!("../go/go.mod");

/// The function in Go.
#[derive(Debug, Clone)]
pub(crate) struct Go {
    pub(crate) binary: PathBuf,
    /// The version of Go, as in `go1.27.3`.
    pub(crate) version: String,
}

/// Builds the function below `target`. The inner error says why there is none.
pub(crate) fn build(target: &Path) -> io::Result<Result<Go, String>> {
    let version = match version()? {
        Ok(version) => version,
        Err(why) => return Ok(Err(why)),
    };
    let binary = target.join("go").join("create-flow-log");
    // Static, without the tables that only debuggers read, and without the paths of this machine.
    let flags = ["build", "-trimpath", "-ldflags", "-s -w", "-o"];
    run(Command::new("go").args(flags).arg(&binary).arg(".").current_dir(SOURCES).env("CGO_ENABLED", "0"))?;
    Ok(Ok(Go { binary: written_alike(&binary, "go")?, version }))
}

/// Returns the version of Go. The inner error says that there is none, or only one that is too old to compare with.
pub(crate) fn version() -> io::Result<Result<String, String>> {
    match run(Command::new("go").args(["env", "GOVERSION"]).current_dir(SOURCES)) {
        Ok(version) => Ok(new_enough(&version, MODULE)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Err("there is no Go".to_owned())),
        Err(error) => Err(error),
    }
}

/// Returns the version if it is at least the one in this go.mod.
fn new_enough(version: &str, module: &str) -> Result<String, String> {
    let wanted = module.lines().find_map(|line| line.strip_prefix("go ")).unwrap_or_default();
    match (release(version), release(wanted)) {
        (Some(found), Some(least)) if found >= least => Ok(version.to_owned()),
        (Some(_), Some(_)) => Err(format!("{version} is older than Go {wanted}, the oldest to compare with")),
        _ => Err(format!("which of Go {wanted} and {version} is older is not understood")),
    }
}

/// Returns the major and the minor part of a version, such as `go1.27rc1` or `1.26`.
fn release(version: &str) -> Option<(u32, u32)> {
    let (major, rest) = version.trim_start_matches("go").split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_go_that_is_new_enough_is_compared_with() {
        let module = "module create-flow-log\n\ngo 1.26\n";
        for new in ["go1.26", "go1.26.6", "go1.27rc1", "go1.100.1", "go2.0"] {
            assert_eq!(new_enough(new, module), Ok(new.to_owned()));
        }
        for old in ["go1.25.9", "go1.19.8", "go1.3"] {
            let why = format!("{old} is older than Go 1.26, the oldest to compare with");
            assert_eq!(new_enough(old, module), Err(why));
        }
        assert!(new_enough("devel +1234", module).is_err());
        assert!(new_enough("go1.27", "module create-flow-log\n").is_err());
        assert!(release(MODULE.lines().last().unwrap().trim_start_matches("go ")).is_some(), "{MODULE}");
    }
}
