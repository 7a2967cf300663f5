//! The subjects of a measurement, and how they are started.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{process::Process, python::Package, stub::Cloud};

const POLICY: &str = r#"{"flow_log": {"project": "flowlog-{account}-{region}", "log_store": "vpc"}}"#;

/// A subject of a measurement, and the cloud that it calls.
pub(crate) struct Subject<'a> {
    pub(crate) kind: Kind<'a>,
    pub(crate) cloud: &'a Cloud,
}

/// The kind of a subject.
pub(crate) enum Kind<'a> {
    /// `create-flow-log`.
    Ours(PathBuf),
    /// `baseline`.
    Baseline(PathBuf),
    /// The same function in Python.
    Python(&'a Package),
}

impl Subject<'_> {
    /// The size of the binary, or of the package, in bytes.
    pub(crate) fn size(&self) -> io::Result<u64> {
        match &self.kind {
            Kind::Ours(binary) | Kind::Baseline(binary) => Ok(fs::metadata(binary)?.len()),
            Kind::Python(package) => Ok(package.zip_bytes),
        }
    }

    /// The divisor for its number of jobs: a slow subject gets fewer.
    pub(crate) const fn share(&self) -> usize {
        match self.kind {
            Kind::Ours(_) | Kind::Baseline(_) => 1,
            Kind::Python(_) => 10,
        }
    }

    /// Starts the subject. It listens some time later.
    pub(crate) fn start(&self) -> io::Result<Process> {
        match &self.kind {
            Kind::Ours(binary) => {
                Process::start(function(binary, self.cloud).env("FLOWKEEPER_POLICY", POLICY), "FC_CUSTOM_LISTEN_PORT")
            }
            Kind::Baseline(binary) => {
                let mut command = in_no_environment(Command::new(binary));
                command.env("BASELINE_CLOUD", self.cloud.address.to_string());
                command.envs(self.cloud.root.iter().map(|root| ("BASELINE_ROOT", root)));
                Process::start(&mut command, "BASELINE_PORT")
            }
            Kind::Python(package) => {
                let mut command = in_no_environment(Command::new(&package.interpreter));
                command.arg(&package.program).env("CLOUD", self.cloud.address.to_string());
                Process::start(&mut command, "FC_SERVER_PORT")
            }
        }
    }
}

/// The command that starts one of Flowkeeper's functions, without a policy.
pub(crate) fn function(binary: &Path, cloud: &Cloud) -> Command {
    let mut command = in_no_environment(Command::new(binary));
    let scheme = if cloud.root.is_some() { "https" } else { "http" };
    command.env("FLOWKEEPER_ENDPOINT", format!("{scheme}://{}", cloud.address));
    command.envs(cloud.root.iter().map(|root| ("FLOWKEEPER_EXTRA_ROOT_FILE", root)));
    command
}

fn in_no_environment(mut command: Command) -> Command {
    command.env_clear();
    command
}
