//! Finds the crates that a binary contains, and reads their licenses.

use std::{collections::BTreeSet, path::Path};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::{files, third_party::Work};

/// How the names of files begin that must go with a binary, in capitals.
const MUST_GO_ALONG: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// Why the licenses are not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `cargo metadata` failed.
    #[error("cargo cannot say which crates {0} contains")]
    Metadata(String, #[source] cargo_metadata::Error),
    /// The workspace has no such crate.
    #[error("the workspace has no crate {0}")]
    NoCrate(String),
    /// A license cannot be read.
    #[error(transparent)]
    File(#[from] files::Error),
    /// A crate has no license file, so that a package cannot fulfill its license.
    #[error("{0} comes without the text of its license {1}: do without it, or ask its authors to add the text")]
    NoText(String, String),
}

/// Returns the crates of others that the binary of `crate_name` contains on `target`, with the texts of their licenses.
///
/// Features are those that the whole workspace turns on, so there may be a few crates too many and never too few.
///
/// # Errors
/// Cargo failed, or a crate comes without the text of its license.
pub fn works(manifest: &Path, crate_name: &str, target: &str) -> Result<Vec<Work>, Error> {
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .features(CargoOpt::AllFeatures)
        .other_options(["--locked", "--filter-platform", target].map(str::to_owned))
        .exec()
        .map_err(|source| Error::Metadata(crate_name.to_owned(), source))?;
    let root = metadata.workspace_packages().into_iter().find(|package| package.name == crate_name);
    let root = root.ok_or_else(|| Error::NoCrate(crate_name.to_owned()))?;
    let mut works = Vec::new();
    for id in linked(&metadata, &root.id) {
        let package = &metadata[&id];
        // What has no source is of this workspace.
        if package.source.is_none() {
            continue;
        }
        let name = format!("{} {}", package.name, package.version);
        let license = package.license.clone().unwrap_or_default();
        let folder = package.manifest_path.parent().map(|folder| folder.as_std_path().to_owned()).unwrap_or_default();
        let mut texts = Vec::new();
        for file in files::names(&folder)? {
            let path = folder.join(&file);
            if MUST_GO_ALONG.iter().any(|start| file.to_uppercase().starts_with(start)) && path.is_file() {
                texts.push(String::from_utf8_lossy(&files::read(&path)?).replace("\r\n", "\n"));
            }
        }
        if texts.is_empty() {
            return Err(Error::NoText(name, license));
        }
        works.push(Work { name, license, texts });
    }
    Ok(works)
}

/// Returns the crates that end up in a binary: build scripts, procedural macros and tests do not.
fn linked(metadata: &Metadata, root: &PackageId) -> BTreeSet<PackageId> {
    let nodes = metadata.resolve.as_ref().map(|resolve| resolve.nodes.as_slice()).unwrap_or_default();
    let mut found = BTreeSet::new();
    let mut next = vec![root.clone()];
    while let Some(id) = next.pop() {
        let is_macro = metadata[&id].targets.iter().any(cargo_metadata::Target::is_proc_macro);
        if is_macro || !found.insert(id.clone()) {
            continue;
        }
        let dependencies = nodes.iter().filter(|node| node.id == id).flat_map(|node| &node.deps);
        let normal = dependencies
            .filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
        next.extend(normal.map(|dependency| dependency.pkg.clone()));
    }
    found
}
