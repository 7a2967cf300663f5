//! Packages the functions as static binaries in reproducible ZIP files for Function Compute, a large policy as a layer,
//! and the command for people without Rust.
//!
//! [`package_all`] builds every function under `functions/` with cargo, rejects with [`elf::check`] what Function
//! Compute could not start, and writes the ZIP files made by [`archive::of_bootstrap`]. The same source gives the same
//! bytes, so a package can be identified by its SHA-256. [`package_trained`] builds them for what they do instead, which
//! is quicker and gives other bytes each time. [`command::package_command`] does the same for the
//! command. [`layer::of_file`] packs a policy that the functions would accept. Nothing here uploads anything or asks for a
//! key.

pub mod archive;
pub mod build;
pub mod command;
pub mod elf;
pub mod entry;
pub mod files;
pub mod layer;
pub mod linked;
pub mod sha256;
mod table;
pub mod tarball;
pub mod third_party;
pub mod trained;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use self::build::Workspace;

/// The maximum size of a package, in bytes. Keeps the functions small and quick to start.
pub const MAX_PACKAGE_BYTES: usize = 2_690_000;

/// The same for `report-flow-logs`, in bytes. It has the five forms of evidence, and starts once a day.
pub const MAX_REPORT_PACKAGE_BYTES: usize = 3_500_000;

/// The same for trained functions, of what those above allow: code that runs often is larger.
pub const MAX_PERCENT_OF_TRAINED: usize = 125;

/// The maximum size of the package of a function, in bytes.
fn max_bytes(function: &str) -> usize {
    if function == "report-flow-logs" { MAX_REPORT_PACKAGE_BYTES } else { MAX_PACKAGE_BYTES }
}

/// The exit code for a policy that is refused, as that of the functions for invalid settings.
const REFUSED: u8 = 64;

/// A packaged function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The name of the crate, its binary and its ZIP file.
    pub function: String,
    /// The path of the ZIP file.
    pub path: PathBuf,
    /// The size of the binary.
    pub binary_bytes: usize,
    /// The size of the ZIP file.
    pub zip_bytes: usize,
    /// The SHA-256 of the ZIP file, in hexadecimal.
    pub sha256: String,
}

/// Why packaging failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The functions could not be listed or built.
    #[error(transparent)]
    Build(#[from] build::Error),
    /// The functions could not be trained.
    #[error(transparent)]
    Training(#[from] trained::Error),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// The policy is not packed.
    #[error(transparent)]
    Policy(#[from] layer::Refusal),
    /// The binary would not start.
    #[error("{function} is not packaged")]
    Refused {
        /// Which function.
        function: String,
        /// What is wrong with its binary.
        source: elf::Refusal,
    },
    /// The ZIP file could not be created.
    #[error("{function} cannot be compressed")]
    Archive {
        /// Which function.
        function: String,
        /// Why the ZIP file could not be written.
        source: zip::result::ZipError,
    },
    /// The package is larger than [`MAX_PACKAGE_BYTES`], or than [`MAX_REPORT_PACKAGE_BYTES`].
    #[error(
        "the package of {function} has {zip_bytes} bytes, more than {max_bytes}: \
         see with `cargo tree --package {function}` which dependency is new, and do without it or without its default \
         features"
    )]
    TooLarge {
        /// Which function.
        function: String,
        /// The size of the package, in bytes.
        zip_bytes: usize,
        /// How many bytes it may have.
        max_bytes: usize,
    },
}

/// Builds every function under functions/ for Function Compute, and writes each into a ZIP file below fc/ of the target
/// directory.
///
/// Prints a table of the packages with their sizes and SHA-256. The same source gives the same bytes. Uploads nothing, and
/// asks for no key. Cargo's own variables, such as `CARGO_TARGET_DIR`, count.
#[derive(clap::Parser)]
#[command(name = "packaging", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    instead: Option<Instead>,
    /// Build for what the functions do: a job takes a third less processor time
    ///
    /// Builds the functions with counters, has each handle events, sweeps and refusals on this machine, and builds them
    /// again for what was counted. Takes three times as long, and needs an llvm-profdata of rustc's LLVM. The bytes differ
    /// from run to run.
    #[arg(long, conflicts_with = "policy")]
    trained: bool,
    /// Package a policy as a layer instead, for the template's parameter `PolicyLayerObject`; builds nothing
    ///
    /// The ZIP file holds it as policy.yml. A policy that the functions would refuse is refused, with every mistake and
    /// exit code 64.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Where the layer is written [default: layer/policy.zip below the target directory]
    #[arg(long, value_name = "FILE", requires = "policy")]
    out: Option<PathBuf>,
}

/// What to package instead of the functions.
#[derive(clap::Subcommand)]
enum Instead {
    /// Builds the command `flowkeeper`, and packages it for people without Rust
    ///
    /// Writes an archive, a Python wheel, an npm package and an OCI image, each with its SHA-256 beside it, below fc/ of
    /// the target directory.
    Command,
}

/// Runs the program: packages every function, the command or a policy, and prints the result to stdout or an error to
/// stderr. Exits with 2 if the arguments are invalid, and with 64 if the policy is.
#[must_use]
pub fn run() -> ExitCode {
    let Arguments { instead, trained, policy, out } = clap::Parser::parse();
    let packaged = match (&policy, instead) {
        (Some(policy), _) => run_policy(policy, out),
        (None, None) if trained => run_trained(),
        (None, None) => run_functions(),
        (None, Some(Instead::Command)) => run_command(),
    };
    let (said, status) = match &packaged {
        Ok(text) => (std::io::stdout().write_all(text.as_bytes()), ExitCode::SUCCESS),
        Err(error) => (writeln!(std::io::stderr(), "packaging: {}", chain(&**error)), status_of(&**error)),
    };
    said.map_or(ExitCode::FAILURE, |()| status)
}

fn run_functions() -> Result<String, Failure> {
    Ok(table::of(&package_all(&Workspace::here()?)?))
}

fn run_trained() -> Result<String, Failure> {
    // Says what is missing before anything is built.
    let tool = trained::Tool::find()?;
    let packages = package_trained(&Workspace::here()?, &tool)?;
    Ok(format!("{}trained, with {} of LLVM {}\n", table::of(&packages), tool.program.display(), tool.version))
}

fn run_command() -> Result<String, Failure> {
    Ok(table::of_command(&command::package_command(&Workspace::here()?)?))
}

/// Packages a policy. Warnings about it go to stderr. Returns a line that says where its layer is.
fn run_policy(policy: &Path, out: Option<PathBuf>) -> Result<String, Failure> {
    let path = match out {
        Some(out) => out,
        None => Workspace::here()?.target.join("layer/policy.zip"),
    };
    let layer = package_policy(policy, &path)?;
    for line in layer.warnings.lines() {
        writeln!(std::io::stderr(), "packaging: warning: {line}")?;
    }
    Ok(format!("{}: {} bytes, SHA-256 {}\n", path.display(), layer.zip.len(), sha256::hexadecimal(&layer.zip)))
}

/// Returns the exit code of a failure.
fn status_of(failure: &(dyn std::error::Error + 'static)) -> ExitCode {
    let is_of_policy = failure.downcast_ref().is_some_and(|error| matches!(error, Error::Policy(_)));
    if is_of_policy { ExitCode::from(REFUSED) } else { ExitCode::FAILURE }
}

/// Packages a policy as a layer, in the file `out`. An earlier file is removed first, so that it is not uploaded by mistake
/// if this policy is refused.
///
/// # Errors
/// [`Error::Policy`] or [`Error::File`].
pub fn package_policy(policy: &Path, out: &Path) -> Result<layer::Layer, Error> {
    let whole = |path: &Path| std::fs::canonicalize(path).ok();
    if whole(policy).is_some_and(|policy| whole(out) == Some(policy)) {
        return Err(layer::Refusal::Itself(policy.to_owned()).into());
    }
    files::remove(out)?;
    let layer = layer::of_file(policy)?;
    files::write_in_new_folder(out, &layer.zip)?;
    Ok(layer)
}

/// Whatever went wrong, for a person to read.
type Failure = Box<dyn std::error::Error>;

/// Builds and packages every function of a workspace, in `fc/` of the target directory.
///
/// The output of earlier runs is removed first, so that no package of a function that was deleted, or is rejected now,
/// is uploaded by mistake.
///
/// # Errors
/// The first [`Error`] that occurs.
pub fn package_all(workspace: &Workspace) -> Result<Vec<Package>, Error> {
    package_built(workspace, || Ok(workspace.build()?), max_bytes)
}

/// Trains and packages every function of a workspace, in the place of the packages of [`package_all`].
///
/// # Errors
/// The first [`Error`] that occurs.
pub fn package_trained(workspace: &Workspace, tool: &trained::Tool) -> Result<Vec<Package>, Error> {
    let max_bytes = |function: &str| max_bytes(function) * MAX_PERCENT_OF_TRAINED / 100;
    package_built(workspace, || Ok(trained::build_functions(workspace, tool)?), max_bytes)
}

/// Packages binaries. The packages of earlier runs are removed before these are built.
fn package_built(
    workspace: &Workspace,
    build: impl FnOnce() -> Result<Vec<(String, PathBuf)>, Error>,
    max_bytes: impl Fn(&str) -> usize,
) -> Result<Vec<Package>, Error> {
    let folder = workspace.packages();
    files::without_earlier(&folder, |name| name.ends_with(".zip"))?;
    let mut packages = Vec::new();
    for (function, built) in build()? {
        let binary = files::read(&built)?;
        let zip = package(&function, &binary, max_bytes(&function))?;
        let path = folder.join(format!("{function}.zip"));
        files::write(&path, &zip)?;
        let sha256 = sha256::hexadecimal(&zip);
        packages.push(Package { function, path, binary_bytes: binary.len(), zip_bytes: zip.len(), sha256 });
    }
    Ok(packages)
}

/// Creates the ZIP file for a function's binary, if Function Compute can start it and the ZIP file has at most `max_bytes`.
///
/// # Errors
/// [`Error::Refused`], [`Error::Archive`] or [`Error::TooLarge`].
pub fn package(function: &str, binary: &[u8], max_bytes: usize) -> Result<Vec<u8>, Error> {
    elf::check(binary).map_err(|source| Error::Refused { function: function.to_owned(), source })?;
    let zip =
        archive::of_bootstrap(binary).map_err(|source| Error::Archive { function: function.to_owned(), source })?;
    if zip.len() > max_bytes {
        return Err(Error::TooLarge { function: function.to_owned(), zip_bytes: zip.len(), max_bytes });
    }
    Ok(zip)
}

/// Joins an error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line = format!("{line}: {cause}");
        next = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest program that passes the check, followed by `behind`.
    fn program(behind: impl Iterator<Item = u8>) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        (bytes[16], bytes[18], bytes[20], bytes[52]) = (2, 62, 1, 64);
        bytes.extend(behind);
        bytes
    }

    #[test]
    fn a_package_too_large_to_start_quickly_is_an_error_that_says_how_to_find_the_cause() {
        // Noise, which does not compress.
        let mut state = 1_u64;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        });
        let message = package("create-flow-log", &program(noise.take(MAX_PACKAGE_BYTES)), MAX_PACKAGE_BYTES);
        let message = message.unwrap_err().to_string();
        assert!(message.contains("create-flow-log has 269") && message.contains("more than 2690000"), "{message}");
        assert!(message.contains("`cargo tree --package create-flow-log`"), "{message}");
        assert!(package("create-flow-log", &program(std::iter::empty()), MAX_PACKAGE_BYTES).is_ok());
    }

    #[test]
    fn a_refusal_names_the_function_and_the_reason() {
        let error = package("create-flow-log", b"#!/bin/sh", MAX_PACKAGE_BYTES).unwrap_err();
        let line = chain(&error);
        assert!(line.starts_with("create-flow-log is not packaged: it is no ELF binary of 64 bits ("), "{line}");
    }
}
