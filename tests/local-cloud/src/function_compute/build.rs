//! Builds the binaries of a template's functions with cargo.

#![expect(clippy::disallowed_methods, reason = "cargo is run in the environment that it was started from")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;
use tokio::{process::Command, sync::OnceCell};

use crate::{
    error::Error,
    ram::accounts::OWN_ACCOUNT,
    ros::template::{Template, default_path},
};

/// Builds the functions of the repository's template once per process. Returns the folder of the binaries.
///
/// Uses cargo's own target directory, profile and progress output, so nothing is rebuilt without need.
pub async fn build() -> Result<PathBuf, Error> {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    BUILT.get_or_try_init(|| async { build_of(&default_path(), &BTreeMap::new()).await }).await.cloned()
}

/// Returns the workspace that contains the template, otherwise this repository.
#[must_use]
pub fn workspace_of(template: &Path) -> PathBuf {
    let template = std::path::absolute(template).unwrap_or_default();
    let found = template.ancestors().skip(1).find(|folder| folder.join("Cargo.toml").is_file());
    found.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), Path::to_owned)
}

/// Builds the functions of another template, with values for its parameters.
pub async fn build_of(template: &Path, parameters: &BTreeMap<String, String>) -> Result<PathBuf, Error> {
    let workspace = workspace_of(template);
    let template = Template::read(template, parameters, OWN_ACCOUNT, "cn-hangzhou")?;
    if template.functions.is_empty() {
        let nothing = || Error::Build("the template creates no function".into());
        return Err(template.absent.first().map_or_else(nothing, Error::from));
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace);
    command.args(["build", "--message-format", "json-render-diagnostics"]);
    // With the variables that `cargo run` and `cargo test` set for this package, ring's build script would rerun.
    let of_package = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_package)) {
        command.env_remove(name);
    }
    for function in &template.functions {
        command.args(["--package", &function.binary, "--bin", &function.binary]);
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).stdout(Stdio::piped()).kill_on_drop(true);
    let output = output.spawn().map_err(|error| Error::Build(error.to_string()))?.wait_with_output().await;
    let output = output.map_err(|error| Error::Build(error.to_string()))?;
    if !output.status.success() {
        return Err(Error::Build(format!("cargo failed with {}", output.status)));
    }
    let messages = output.stdout.split(|byte| *byte == b'\n');
    let mut programs = messages.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let folder = programs.find_map(|message| Path::new(message["executable"].as_str()?).parent().map(Path::to_owned));
    folder.ok_or_else(|| Error::Build("cargo reported no binary".into()))
}
