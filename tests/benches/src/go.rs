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
    match run(Command::new("go").args(["env", "GOVERSION"])) {
        Ok(version) => Ok(new_enough(version)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Err("there is no Go".to_owned())),
        Err(error) => Err(error),
    }
}

/// Returns the version if it is at least the one in go.mod. Go 1.21 and later check this themselves.
fn new_enough(version: String) -> Result<String, String> {
    let wanted = MODULE.lines().find_map(|line| line.strip_prefix("go ")).unwrap_or_default();
    let minor = |version: &str| {
        let rest = version.split('.').nth(1)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok()
    };
    if minor(&version) >= minor(wanted) {
        Ok(version)
    } else {
        Err(format!("{version} is older than Go {wanted}, the oldest that is still supported"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_go_that_is_no_longer_supported_is_not_compared_with() {
        for new in ["go1.26", "go1.26.6", "go1.27rc1", "go1.100.1"] {
            assert_eq!(new_enough(new.to_owned()), Ok(new.to_owned()), "{new}");
        }
        let why = new_enough("go1.19.8".to_owned()).unwrap_err();
        assert_eq!(why, "go1.19.8 is older than Go 1.26, the oldest that is still supported");
    }
}
