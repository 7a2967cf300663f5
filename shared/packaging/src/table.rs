//! The tables of packages, for people.

use crate::{Package, command::Artifact};

/// Formats a heading, one line per package, and the directory that they are in.
pub(crate) fn of(packages: &[Package]) -> String {
    let width = packages.iter().map(|package| package.function.len()).max().unwrap_or_default().max("function".len());
    let mut table = format!("{:width$}  {:>12}  {:>9}  SHA-256 of the ZIP\n", "function", "binary bytes", "ZIP bytes");
    for Package { function, binary_bytes, zip_bytes, sha256, .. } in packages {
        table += &format!("{function:width$}  {binary_bytes:>12}  {zip_bytes:>9}  {sha256}\n");
    }
    if let Some(folder) = packages.first().and_then(|package| package.path.parent()) {
        table += &format!("in {}\n", folder.display());
    }
    table
}

/// Formats a heading, one line per package of the command, and the directory that they are in.
pub(crate) fn of_command(artifacts: &[Artifact]) -> String {
    let name = |artifact: &Artifact| artifact.path.file_name().unwrap_or_default().display().to_string();
    let width = artifacts.iter().map(|artifact| name(artifact).len()).max().unwrap_or_default();
    let mut table = format!("{:width$}  {:>9}  SHA-256\n", "package", "bytes");
    for artifact in artifacts {
        table += &format!("{:width$}  {:>9}  {}\n", name(artifact), artifact.bytes, artifact.sha256);
    }
    if let Some(folder) = artifacts.first().and_then(|artifact| artifact.path.parent()) {
        table += &format!("in {}\n", folder.display());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_headings() {
        let package = |function: &str, binary_bytes, zip_bytes| Package {
            function: function.into(),
            path: format!("target/fc/{function}.zip").into(),
            binary_bytes,
            zip_bytes,
            sha256: "0123abcd".into(),
        };
        assert_eq!(
            of(&[package("create-flow-log", 2_734_736, 1_347_739), package("x", 1, 2)]),
            "function         binary bytes  ZIP bytes  SHA-256 of the ZIP\n\
             create-flow-log       2734736    1347739  0123abcd\n\
             x                           1          2  0123abcd\n\
             in target/fc\n"
        );
    }

    #[test]
    fn packages_of_the_command_stand_under_their_headings() {
        let artifact =
            |name: &str, bytes| Artifact { path: format!("target/fc/{name}").into(), bytes, sha256: "0123abcd".into() };
        assert_eq!(
            of_command(&[artifact("flowkeeper-1.tgz", 2_734_736), artifact("flowkeeper-1.whl", 1)]),
            "package               bytes  SHA-256\n\
             flowkeeper-1.tgz    2734736  0123abcd\n\
             flowkeeper-1.whl          1  0123abcd\n\
             in target/fc\n"
        );
    }
}
