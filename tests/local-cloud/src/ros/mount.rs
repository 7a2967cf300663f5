//! Buckets of OSS that functions mount as folders.

use serde_json::Value;

use super::{resolve::Resource, template::TemplateError};

/// Below which folders Function Compute mounts a bucket.
const ROOTS: [&str; 3] = ["/home/", "/mnt/", "/data/"];

/// A bucket that a function mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The name of the bucket.
    pub bucket: String,
    /// The folder in the bucket, without slashes at its ends; empty for the whole bucket.
    pub path: String,
    /// Where the function finds it.
    pub folder: String,
}

/// Returns the buckets that a function mounts.
pub(super) fn mounts_of(resource: &Resource<'_>) -> Result<Vec<Mount>, TemplateError> {
    let points = resource.value("OssMountConfig.MountPoints")?.unwrap_or_default();
    let mount = |point: &Value| {
        let text = |name: &str| point[name].as_str().unwrap_or_default().to_owned();
        let (bucket, path, folder) = (text("BucketName"), text("BucketPath"), text("MountDir"));
        let wrong = |problem: &str| resource.error("OssMountConfig.MountPoints", problem);
        if bucket.is_empty() {
            return Err(wrong("names no bucket"));
        }
        if !ROOTS.iter().any(|root| folder.starts_with(root)) {
            return Err(wrong(&format!("{folder:?} is not below /home, /mnt or /data")));
        }
        Ok(Mount { bucket, path: path.trim_matches('/').to_owned(), folder })
    };
    points.as_array().into_iter().flatten().map(mount).collect()
}
