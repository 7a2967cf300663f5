//! Trains binaries: builds them with counters, has them do their work, and builds them again for what was counted.
//!
//! Levels of optimization are those of untrained binaries. With level 3 for everything, a job takes a tenth less processor
//! time, and a cold start a third more.
//!
//! What is counted differs a little from run to run, and so do the bytes. Therefore packages are not trained by default.

#![expect(clippy::disallowed_methods, reason = "tools are run in the environment that cargo was started from")]

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use crate::{
    build::{self, Recipe, Workspace},
    files,
};

/// The flags that count what runs, and note the order in which functions are called first.
const COUNT: [&str; 2] = ["-Cprofile-generate", "-Cllvm-args=-pgo-temporal-instrumentation"];

/// The longest of these orders that is kept, in functions. A process calls about 2,500; the tool's default is 1,000.
const MAX_TRACE: &str = "--temporal-profile-max-trace-length=100000";

/// The flags that build for what was counted, in the file `merged`. The linker puts the functions that were called before
/// the others, in their order: a process then touches fewer pages, and takes an eighth less memory.
fn for_what_was_counted(merged: &Path) -> Vec<String> {
    let merged = merged.display();
    vec![
        format!("-Cprofile-use={merged}"),
        format!("-Clink-arg=-Wl,--irpgo-profile={merged}"),
        "-Clink-arg=-Wl,--bp-startup-sort=function".to_owned(),
    ]
}

/// The tool that merges profiles.
const TOOL: &str = "llvm-profdata";

/// Why binaries are not trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no tool that reads the profiles of this compiler.
    #[error(
        "training needs {TOOL} of LLVM {major}, which rustc has, and {found}. Install Debian's package llvm-{major}, also at \
         apt.llvm.org, or run `rustup component add llvm-tools`. Without --trained, packages need no such tool"
    )]
    NoTool {
        /// The major version of the compiler's LLVM.
        major: u32,
        /// What was found instead.
        found: String,
    },
    /// The compiler does not say which LLVM it has.
    #[error("`rustc -vV` does not say which LLVM it has, so no {TOOL} can be chosen")]
    UnknownLlvm,
    /// A tool could not be started.
    #[error("{tool} cannot be run")]
    NotRun {
        /// Which tool.
        tool: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// A tool failed.
    #[error("{tool} ended with {status}: {said}")]
    Failed {
        /// Which tool.
        tool: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Its standard error.
        said: String,
    },
    /// The binaries did not do their work.
    #[error("the binaries with counters cannot be played")]
    NotPlayed(#[source] io::Error),
    /// A binary wrote no profile.
    #[error("{} holds {profiles} profiles of {binaries} binaries: one ended without writing its own", folder.display())]
    NoProfile {
        /// Where they should be.
        folder: PathBuf,
        /// How many there are.
        profiles: usize,
        /// How many binaries were played.
        binaries: usize,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// A binary could not be built.
    #[error(transparent)]
    Build(#[from] build::Error),
}

/// An `llvm-profdata` that reads the profiles of this compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name, where the `PATH` leads to it, or its path.
    pub program: PathBuf,
    /// The version of its LLVM, such as `22.1.8`.
    pub version: String,
}

impl Tool {
    /// Finds the tool: on the `PATH`, where Debian installs it, or in rustup's toolchain.
    ///
    /// # Errors
    /// There is none with the compiler's major version of LLVM: older ones cannot read its profiles.
    pub fn find() -> Result<Self, Error> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let about = said(Command::new(&rustc).arg("-vV"), "rustc")?;
        let major = after(&about, "LLVM version: ").and_then(major).ok_or(Error::UnknownLlvm)?;
        let host = after(&about, "host: ").unwrap_or_default();
        let sysroot = said(Command::new(&rustc).args(["--print", "sysroot"]), "rustc")?;
        let candidates = [
            format!("{TOOL}-{major}").into(),
            TOOL.into(),
            format!("/usr/lib/llvm-{major}/bin/{TOOL}").into(),
            [sysroot.trim(), "lib/rustlib", host, "bin", TOOL].iter().collect::<PathBuf>(),
        ];
        let version_of = |program: PathBuf| {
            let about_tool = said(Command::new(&program).arg("--version"), TOOL).ok()?;
            let version = after(&about_tool, "LLVM version ")?.to_owned();
            Some(Self { program, version })
        };
        choose(candidates.into_iter().filter_map(version_of), major)
    }

    /// Merges raw profiles into the file `merged`.
    fn merge(&self, profiles: impl Iterator<Item = PathBuf>, merged: &Path) -> Result<(), Error> {
        let mut command = Command::new(&self.program);
        command.args(["merge", MAX_TRACE, "--output"]).arg(merged).args(profiles);
        said(&mut command, TOOL).map(drop)
    }
}

/// A binary of a crate of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binary<'a> {
    /// The name of the crate.
    pub package: &'a str,
    /// The name of its binary.
    pub name: &'a str,
}

/// Builds binaries with training. Returns their paths, in the same order.
///
/// `play` gets the binaries with counters, and a folder. It has each do its work with the environment variable
/// [`PROFILE`], which names the place of its profile, and end by itself.
///
/// # Errors
/// Cargo failed, or the binaries could not be played.
pub fn build(
    workspace: &Workspace,
    tool: &Tool,
    binaries: &[Binary<'_>],
    play: impl FnOnce(&[PathBuf], &Path) -> io::Result<()>,
) -> Result<Vec<PathBuf>, Error> {
    let folder = workspace.target.join("fc-training");
    files::without_earlier(&folder, |name| name.ends_with(RAW) || name.ends_with(".profdata"))?;
    let with = |flags: Vec<String>, place| -> Result<Vec<PathBuf>, Error> {
        let recipe = Recipe { flags, folder: Some(place) };
        binaries.iter().map(|it| Ok(workspace.binary(it.package, it.name, &recipe)?)).collect()
    };
    let counting = with(COUNT.map(str::to_owned).to_vec(), "fc-counting")?;
    play(&counting, &folder).map_err(Error::NotPlayed)?;

    let names = files::names(&folder)?;
    let profiles: Vec<_> = names.iter().filter(|name| name.ends_with(RAW)).map(|name| folder.join(name)).collect();
    if profiles.len() < binaries.len() {
        return Err(Error::NoProfile { folder, profiles: profiles.len(), binaries: binaries.len() });
    }
    let merged = folder.join("merged.profdata");
    tool.merge(profiles.into_iter(), &merged)?;
    // They have megabytes each.
    files::without_earlier(&folder, |name| name.ends_with(RAW))?;

    // Cargo does not look into the profile, and nothing that was built with another one can be used again.
    let trained = "fc-trained";
    remove_folder(&workspace.target.join(trained))?;
    with(for_what_was_counted(&merged), trained)
}

/// The environment variable that says where a binary with counters writes its profile, when it ends by itself.
pub const PROFILE: &str = "LLVM_PROFILE_FILE";

/// How the names of profiles end.
const RAW: &str = ".profraw";

/// Returns the value of [`PROFILE`] for profiles in this folder: each process writes one of its own.
#[must_use]
pub fn profile_in(folder: &Path) -> PathBuf {
    folder.join(format!("%m-%p{RAW}"))
}

/// Builds the functions of a workspace with training. Returns each one's name and binary, sorted by name.
///
/// # Errors
/// As [`build()`].
pub fn build_functions(workspace: &Workspace, tool: &Tool) -> Result<Vec<(String, PathBuf)>, Error> {
    let functions = workspace.functions();
    let binaries: Vec<_> = functions.iter().map(|name| Binary { package: name, name }).collect();
    let built = build(workspace, tool, &binaries, |counting, folder| play(workspace, counting, folder))?;
    Ok(functions.iter().cloned().zip(built).collect())
}

/// Has the benchmarks play functions: they have a cloud with TLS, and know what functions are sent.
fn play(workspace: &Workspace, binaries: &[PathBuf], folder: &Path) -> io::Result<()> {
    let mut command = workspace.cargo();
    command.args(["run", "--quiet", "--locked", "--package", "benches", "--", "play", "--profiles"]);
    let status = command.arg(folder).args(binaries).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("`cargo run -p benches` ended with {status}"))) }
}

fn remove_folder(folder: &Path) -> Result<(), files::Error> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(files::Error { path: folder.to_owned(), attempted: "removed", source })
        }
        _ => Ok(()),
    }
}

/// Returns the first tool of this version, or an error that says what was found instead.
fn choose(tools: impl Iterator<Item = Tool>, major_of_rustc: u32) -> Result<Tool, Error> {
    let mut others = Vec::new();
    for tool in tools {
        if major(&tool.version) == Some(major_of_rustc) {
            return Ok(tool);
        }
        others.push(format!("{} is of LLVM {}", tool.program.display(), tool.version));
    }
    let found = if others.is_empty() { "there is none".to_owned() } else { others.join(", ") };
    Err(Error::NoTool { major: major_of_rustc, found })
}

/// Returns the first word after `key`.
fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split_once(key)?.1.split_whitespace().next()
}

/// Returns the first number of a version.
fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// Runs a tool, which must succeed, and returns its standard output.
fn said(command: &mut Command, tool: &'static str) -> Result<String, Error> {
    let output = command.output().map_err(|source| Error::NotRun { tool, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Failed { tool, status: output.status, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_is_the_first_of_the_compilers_own_llvm() {
        let found = |tools: &[(&str, &str)]| {
            let tools = tools
                .iter()
                .map(|(program, version)| Tool { program: (*program).into(), version: (*version).to_owned() });
            choose(tools.collect::<Vec<_>>().into_iter(), 22)
        };
        let tool = found(&[("llvm-profdata", "14.0.6"), ("/llvm/llvm-profdata", "22.1.8"), ("/x", "22.1.2")]).unwrap();
        assert_eq!((tool.program, tool.version), ("/llvm/llvm-profdata".into(), "22.1.8".to_owned()));
        let message = found(&[("llvm-profdata", "14.0.6"), ("/x", "220.1")]).unwrap_err().to_string();
        assert!(message.contains("llvm-profdata is of LLVM 14.0.6, /x is of LLVM 220.1. Install"), "{message}");
        assert!(found(&[]).unwrap_err().to_string().contains("there is none"));
    }

    #[test]
    fn versions_are_read_as_the_tools_print_them() {
        let rustc = "rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\nrelease: 1.95.0\nLLVM version: 22.1.2\n";
        assert_eq!(after(rustc, "LLVM version: ").and_then(major), Some(22));
        assert_eq!(after(rustc, "host: "), Some("x86_64-unknown-linux-gnu"));
        let debian = "Debian LLVM version 22.1.8\n  Optimized build.";
        assert_eq!(after(debian, "LLVM version "), Some("22.1.8"));
        assert_eq!(major("no"), None);
    }
}
