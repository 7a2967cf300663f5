//! The subjects of a measurement, and how they are started.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{go::Go, process::Process, python::Package, stub::Cloud};

pub(crate) const POLICY: &str = r#"{"flow_log": {"project": "flowlog-{account}-{region}", "log_store": "vpc"}}"#;

/// The sizes of what is delivered, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sizes {
    pub(crate) binary: Option<f64>,
    pub(crate) zip: f64,
}

impl Sizes {
    fn of(binary: &Path) -> io::Result<Self> {
        let bytes = fs::read(binary)?;
        let zip = packaging::archive::of_bootstrap(&bytes).map_err(io::Error::other)?;
        Ok(Self { binary: Some(bytes.len() as f64), zip: zip.len() as f64 })
    }
}

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
    /// The same function in Go.
    Go(&'a Go),
    /// The same function in Python.
    Python(&'a Package),
}

impl Subject<'_> {
    /// The sizes of the binary, if there is one, and of the ZIP file, in bytes.
    pub(crate) fn sizes(&self) -> io::Result<Sizes> {
        match &self.kind {
            Kind::Ours(binary) | Kind::Baseline(binary) => Sizes::of(binary),
            Kind::Go(go) => Sizes::of(&go.binary),
            Kind::Python(package) => Ok(Sizes { binary: None, zip: package.zip_bytes as f64 }),
        }
    }

    /// The divisor for its number of jobs: a slow subject gets fewer.
    pub(crate) const fn share(&self) -> usize {
        match self.kind {
            Kind::Ours(_) | Kind::Baseline(_) | Kind::Go(_) => 1,
            Kind::Python(_) => 10,
        }
    }

    /// Starts the subject. It listens some time later.
    pub(crate) fn start(&self) -> io::Result<Process> {
        let (mut command, port_variable) = self.command();
        Process::start(&mut command, port_variable)
    }

    /// The command that starts the subject, and the environment variable for its port.
    pub(crate) fn command(&self) -> (Command, &'static str) {
        match &self.kind {
            Kind::Ours(binary) => {
                let mut command = function(binary, self.cloud);
                command.env("FLOWKEEPER_POLICY", POLICY);
                (command, "FC_CUSTOM_LISTEN_PORT")
            }
            Kind::Baseline(binary) => {
                let mut command = in_no_environment(Command::new(binary));
                command.env("BASELINE_CLOUD", self.cloud.address.to_string());
                command.envs(self.cloud.root.iter().map(|root| ("BASELINE_ROOT", root)));
                (command, "BASELINE_PORT")
            }
            Kind::Go(go) => {
                let mut command = in_no_environment(Command::new(&go.binary));
                command.env("CLOUD", self.cloud.address.to_string());
                (command, "FC_SERVER_PORT")
            }
            Kind::Python(package) => {
                let mut command = in_no_environment(Command::new(&package.interpreter));
                command.arg(&package.program).env("CLOUD", self.cloud.address.to_string());
                (command, "FC_SERVER_PORT")
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
