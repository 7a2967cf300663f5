//! Options for the template and its functions, shared by every subcommand that runs them.

use std::{
    collections::BTreeMap,
    error::Error,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use local_cloud::{CredentialsIn, Functions, Layer, Options, RegionName, functions, template};

use super::InvalidArgument;

/// The template and its functions.
#[derive(Args)]
pub(super) struct Stack {
    /// Region of the functions, and of calls that do not name one.
    #[arg(long, default_value = "cn-hangzhou", value_parser = region)]
    region: String,
    /// The ROS template [default: template.yml in this folder or a parent].
    #[arg(long)]
    template: Option<PathBuf>,
    /// Set a parameter of the template; can be repeated.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = |text: &str| pair(text, "NAME=VALUE"))]
    parameters: Vec<(String, String)>,
    /// Deny an action to a role, such as CreateFlowLogRole=vpc:CreateFlowLog; can be repeated.
    #[arg(long = "deny", value_name = "ROLE=ACTION", value_parser = |text: &str| pair(text, "ROLE=ACTION"))]
    denied: Vec<(String, String)>,
    /// A policy for every function that replaces the template's.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// What the template's layers hold: a ZIP file or a folder.
    #[arg(long, value_name = "FILE")]
    layer: Option<PathBuf>,
    /// The folder for the buckets that functions mount [default: a temporary one].
    #[arg(long, value_name = "FOLDER")]
    buckets: Option<PathBuf>,
    /// Set an environment variable for every function; can be repeated.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = |text: &str| pair(text, "NAME=VALUE"))]
    environment: Vec<(String, String)>,
    /// Pass functions their credentials in headers instead of the environment.
    #[arg(long)]
    credentials_in_headers: bool,
}

/// Splits a text at the equals sign.
pub(super) fn pair(text: &str, form: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not of the form {form}"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Accepts a region, unless its name is a typo.
pub(super) fn region(text: &str) -> Result<String, String> {
    match RegionName::of(text) {
        RegionName::Wrong(problem) => Err(problem),
        RegionName::Known | RegionName::Unknown(_) => Ok(text.to_owned()),
    }
}

impl Stack {
    /// Warns about an unknown region, which may be right.
    fn warn(&self) -> io::Result<()> {
        match RegionName::of(&self.region) {
            RegionName::Unknown(warning) => {
                writeln!(io::stderr(), "local-cloud: warning: {warning}; it exists here because you named it")
            }
            _ => Ok(()),
        }
    }

    /// Builds the functions, unless a folder contains their binaries.
    pub(super) async fn build(&self, functions_dir: Option<&Path>) -> Result<Functions, Box<dyn Error>> {
        Ok(Functions::Built(match functions_dir {
            Some(folder) => std::path::absolute(folder)?,
            None => functions::build_of(&self.template_path(), &self.parameters()).await?,
        }))
    }

    /// Returns the workspace that contains the functions.
    pub(super) fn workspace(&self) -> PathBuf {
        functions::workspace_of(&self.template_path())
    }

    /// Returns the options of a cloud with these functions. Everything else has its default.
    pub(super) fn options(&self, functions: Functions) -> Result<Options, Box<dyn Error>> {
        self.warn()?;
        let unreadable = |path: &Path, error| InvalidArgument(format!("cannot read {}: {error}", path.display()));
        let policy = self.policy.as_ref();
        let policy = policy.map(|path| std::fs::read_to_string(path).map_err(|error| unreadable(path, error)));
        let layer = self.layer.as_ref().map(|path| {
            if path.is_dir() {
                return Ok(Layer::Folder(path.clone()));
            }
            std::fs::read(path).map(Layer::Zip).map_err(|error| unreadable(path, error))
        });
        Ok(Options {
            region: self.region.clone(),
            functions,
            template: Some(self.template_path()),
            parameters: self.parameters(),
            denied: self.denied.clone(),
            policy: policy.transpose()?,
            layer: layer.transpose()?,
            buckets: self.buckets.as_deref().map(std::path::absolute).transpose()?,
            environment: self.environment.iter().cloned().collect(),
            credentials: if self.credentials_in_headers { CredentialsIn::Headers } else { CredentialsIn::Environment },
            ..Options::default()
        })
    }

    fn template_path(&self) -> PathBuf {
        self.template.clone().unwrap_or_else(template::default_path)
    }

    fn parameters(&self) -> BTreeMap<String, String> {
        self.parameters.iter().cloned().collect()
    }
}
