//! The buckets that functions mount: each is a folder here.
//!
//! A process cannot have a `/mnt` of its own here. Variables of the template that begin with the folder of a mount begin
//! with that of its bucket instead.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{error::Error, ros::function::Function};

/// The folder of the buckets.
pub(crate) enum Buckets {
    /// Nobody mounts one.
    None,
    /// Removed when the cloud ends.
    Temporary(TempDir),
    /// Kept.
    Given(PathBuf),
}

impl Buckets {
    /// Makes the folder of each bucket that a function mounts, below `given` or else in a temporary folder.
    pub(crate) fn of(functions: &[Function], given: Option<&Path>) -> Result<Self, Error> {
        let mounts: Vec<_> = functions.iter().flat_map(|function| &function.mounts).collect();
        let make = || -> io::Result<Self> {
            let buckets = match given {
                _ if mounts.is_empty() => return Ok(Self::None),
                Some(given) => Self::Given(given.to_owned()),
                None => Self::Temporary(tempfile::Builder::new().prefix("local-cloud-buckets-").tempdir()?),
            };
            for mount in mounts {
                fs::create_dir_all(buckets.folder().join(&mount.bucket).join(&mount.path))?;
            }
            Ok(buckets)
        };
        make().map_err(|error| Error::Buckets(error.to_string()))
    }

    /// Returns the folder of a bucket.
    pub(crate) fn bucket(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    fn folder(&self) -> &Path {
        match self {
            Self::None => Path::new(""),
            Self::Temporary(folder) => folder.path(),
            Self::Given(folder) => folder,
        }
    }

    /// Returns the value of a variable of a function, with the folder of a bucket in place of where it is mounted.
    pub(crate) fn mounted(&self, function: &Function, value: &str) -> String {
        let found = function.mounts.iter().find_map(|mount| {
            let rest = value.strip_prefix(&mount.folder)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((mount, rest.trim_start_matches('/')))
        });
        let Some((mount, rest)) = found else { return value.to_owned() };
        self.bucket(&mount.bucket).join(&mount.path).join(rest).to_string_lossy().trim_end_matches('/').to_owned()
    }
}
