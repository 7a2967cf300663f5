//! Finds the functions and the command in the workspace, and builds them with cargo.

#![expect(clippy::disallowed_methods, reason = "cargo is run in the environment that it was started from")]

use std::{
    io::BufReader,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use cargo_metadata::{Message, Metadata, MetadataCommand};

/// The target that Function Compute runs. Because cargo gets it explicitly, [`FLAGS`] apply to the functions, but not
/// to build scripts and procedural macros, which cannot be static.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// How the functions are compiled and linked.
///
/// With the C library linked statically, a binary runs on any Linux, whichever Debian release the runtime is based on.
/// It is still position-independent, so that its address is random for an attacker; packing its relocations takes them
/// from 158 KB to 3. The C library of the machine that packages must support packed relocations, as glibc does since
/// 2.36: with an older one, no function starts.
///
/// The linker, which comes with Rust, puts constants beside those that are like them, which makes the ZIP file smaller.
/// Functions stay in their order. Sorted by likeness, they would save another fiftieth of the ZIP file, but those that call
/// each other would be far apart: a job would take 4 % more CPU, and on some processors a tenth.
pub const FLAGS: [&str; 3] = [
    "-Ctarget-feature=+crt-static",
    "-Clink-arg=-Wl,-z,pack-relative-relocs",
    "-Clink-arg=-Wl,--bp-compression-sort=data",
];

/// Lays out the functions of a binary: those that a job does not call stand behind the others. A process then takes
/// about a tenth less memory, and the ZIP file has 16 KB less.
///
/// The patterns of the linker script are for names of mangling scheme v0. The path is that from the root of the workspace,
/// where cargo runs rustc. Cargo does not notice when the file changes.
pub const LAYOUT: [&str; 2] = ["-Csymbol-mangling-version=v0", "-Clink-arg=-Wl,-T,shared/packaging/layout.ld"];

/// Why the build failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `cargo metadata` failed.
    #[error("cargo cannot say which functions there are")]
    Metadata(#[from] cargo_metadata::Error),
    /// There is no function, or one without a binary.
    #[error("{0}")]
    NoFunction(String),
    /// The command is not in the workspace, or has no binary.
    #[error("the workspace has no crate flowkeeper with a binary flowkeeper")]
    NoCommand,
    /// Cargo could not be started, or its output could not be read.
    #[error("cargo cannot be run: is it on the PATH?")]
    Cargo(#[from] std::io::Error),
    /// Cargo itself has reported what is wrong.
    #[error(
        "cargo ended with {0} (see above). If it finds no std or linker for {TARGET}: package on an x86-64 Linux, or in \
         a container of one"
    )]
    Failed(std::process::ExitStatus),
}

/// How a binary is built besides [`FLAGS`]. By default, as it is delivered: with [`LAYOUT`].
#[derive(Debug)]
pub(crate) struct Recipe {
    /// More flags for rustc.
    pub(crate) flags: Vec<String>,
    /// The folder below the target directory, where it is not that of delivered binaries.
    pub(crate) folder: Option<&'static str>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self { flags: LAYOUT.map(str::to_owned).to_vec(), folder: None }
    }
}

/// The folder of delivered binaries below the target directory. It is their own, so that they and builds without their
/// flags do not invalidate each other.
const FOLDER: &str = "fc-build";

/// The crate and the binary of the command.
const COMMAND: &str = "flowkeeper";

/// What the manifest of the command says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandCrate {
    /// The version, such as `0.2.0`.
    pub version: String,
    /// The license, as an SPDX expression.
    pub license: String,
}

/// The workspace whose functions and command are packaged.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    functions: Vec<String>,
    command: Option<CommandCrate>,
    /// Cargo's target directory.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the workspace of the current directory, as `cargo` would.
    ///
    /// # Errors
    /// There is no workspace, or it has no functions.
    pub fn here() -> Result<Self, Error> {
        Self::of(MetadataCommand::new().no_deps().exec()?)
    }

    /// Loads the workspace with this manifest.
    ///
    /// # Errors
    /// There is no workspace, or it has no functions.
    pub fn at(manifest: &Path) -> Result<Self, Error> {
        Self::of(MetadataCommand::new().manifest_path(manifest).no_deps().exec()?)
    }

    fn of(metadata: Metadata) -> Result<Self, Error> {
        let folder = metadata.workspace_root.join("functions");
        let mut functions = Vec::new();
        for package in metadata.packages.iter().filter(|package| package.manifest_path.starts_with(&folder)) {
            let has_binary = package.targets.iter().any(|target| target.is_bin() && target.name == *package.name);
            if !has_binary {
                let name = &package.name;
                return Err(Error::NoFunction(format!("functions/{name} has no binary {name}: give it a src/main.rs")));
            }
            functions.push(package.name.to_string());
        }
        functions.sort();
        let command = metadata.packages.iter().find(|package| package.name == COMMAND).map(|package| CommandCrate {
            version: package.version.to_string(),
            license: package.license.clone().unwrap_or_default(),
        });
        if functions.is_empty() {
            Err(Error::NoFunction(format!("{folder} holds no function of the workspace")))
        } else {
            let (root, target) = (metadata.workspace_root.into(), metadata.target_directory.into());
            Ok(Self { root, functions, command, target })
        }
    }

    /// Returns the names of the functions, sorted.
    #[must_use]
    pub fn functions(&self) -> &[String] {
        &self.functions
    }

    /// Returns the folder that packages are written into.
    #[must_use]
    pub fn packages(&self) -> PathBuf {
        self.target.join("fc")
    }

    /// Returns the workspace's manifest.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.root.join("Cargo.toml")
    }

    /// Returns the text of the workspace's license.
    #[must_use]
    pub fn license(&self) -> PathBuf {
        self.root.join("LICENSE")
    }

    /// Uses another target directory.
    #[must_use]
    pub fn with_target(self, target: &Path) -> Self {
        Self { target: target.to_owned(), ..self }
    }

    /// Restricts the workspace to one function.
    #[must_use]
    pub fn with_only(self, function: &str) -> Self {
        Self { functions: vec![function.to_owned()], ..self }
    }

    /// Builds the functions. Returns each one's name and binary, sorted by name.
    ///
    /// Cargo's progress and warnings go to stderr.
    ///
    /// # Errors
    /// Cargo failed, or produced no binary for a function.
    pub fn build(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let binary = |function: &String| self.binary(function, function, &Recipe::default());
        self.functions.iter().map(|function| Ok((function.clone(), binary(function)?))).collect()
    }

    /// Builds the command in the same way. Returns its binary, and what its manifest says.
    ///
    /// # Errors
    /// There is no command, or cargo failed.
    pub fn build_command(&self) -> Result<(PathBuf, &CommandCrate), Error> {
        let command = self.command.as_ref().ok_or(Error::NoCommand)?;
        Ok((self.binary(COMMAND, COMMAND, &Recipe::default())?, command))
    }

    /// Builds a binary of a crate. Together with others, it would get the features that they want of its dependencies, and
    /// other bytes.
    pub(crate) fn binary(&self, package: &str, binary: &str, recipe: &Recipe) -> Result<PathBuf, Error> {
        let mut command = self.cargo();
        command
            .args(["build", "--release", "--locked", "--message-format", "json-render-diagnostics"])
            .args(["--target", TARGET, "--target-dir"])
            .arg(self.target.join(recipe.folder.unwrap_or(FOLDER)))
            .args(["--package", package, "--bin", binary])
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(recipe))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut cargo = command.spawn()?;
        let mut built = None;
        let said = cargo.stdout.take();
        for message in said.into_iter().flat_map(|said| Message::parse_stream(BufReader::new(said))) {
            if let Message::CompilerArtifact(artifact) = message?
                && let Some(path) = artifact.executable
            {
                built = Some(path.into_std_path_buf());
            }
        }
        let status = cargo.wait()?;
        built.filter(|_| status.success()).ok_or(Error::Failed(status))
    }

    /// Returns the flags for rustc, with the separator that cargo requires where a path may contain a space.
    ///
    /// Binaries contain the paths of their sources, for panic messages. Mapping them to the same short paths on every
    /// machine gives the same bytes, and does not reveal whose machine it was.
    fn flags(&self, recipe: &Recipe) -> String {
        let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let cargo_home = cargo_home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).unwrap_or_default();
        let shorter = |path: &Path, short: &str| format!("--remap-path-prefix={}={short}", path.display());
        let shorter = [shorter(&cargo_home, "/cargo"), shorter(&self.root, "/flowkeeper")];
        let own = shorter.iter().chain(&recipe.flags).map(String::as_str);
        FLAGS.iter().copied().chain(own).collect::<Vec<_>>().join("\u{1f}")
    }

    /// Returns the cargo that runs this program, in the workspace.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // The variables that `cargo run` and `cargo test` set for this crate would make some build scripts run again
        // each time.
        let of_this_crate = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.starts_with(start));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_this_crate)) {
            command.env_remove(name);
        }
        command.current_dir(&self.root);
        command
    }
}
