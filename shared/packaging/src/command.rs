//! Packages the command `flowkeeper` for people without Rust: an archive, a wheel, an npm package and a container image.
//!
//! Each holds the same static binary. [`contents`] says what goes into all of them, and each form is a pure function of it.

pub mod contents;
pub mod image;
pub mod npm;
pub mod tarball;
pub mod wheel;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use self::contents::{Contents, NAME, TARGET};
use crate::{
    build::{self, Workspace},
    elf, files, linked, sha256,
    third_party::notice,
};

/// The shells that have completions, each with the file name that it expects.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "flowkeeper.bash"),
    ("elvish", "flowkeeper.elv"),
    ("fish", "flowkeeper.fish"),
    ("powershell", "_flowkeeper.ps1"),
    ("zsh", "_flowkeeper"),
];

/// A package of the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The path of the file.
    pub path: PathBuf,
    /// The size of the file.
    pub bytes: usize,
    /// The SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

/// Why the command was not packaged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The command could not be built.
    #[error(transparent)]
    Build(#[from] build::Error),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] files::Error),
    /// The binary is not static, or of another machine.
    #[error("flowkeeper is not packaged")]
    Refused(#[from] elf::Refusal),
    /// The licenses of the binary are not known.
    #[error("the licenses of what flowkeeper contains cannot be collected")]
    Licenses(#[from] linked::Error),
    /// The binary could not be started.
    #[error("`flowkeeper {0}` cannot be run")]
    NotRun(String, #[source] std::io::Error),
    /// The binary failed.
    #[error("`flowkeeper {0}` ended with {1}: {2}")]
    Failed(String, std::process::ExitStatus, String),
    /// The wheel could not be written.
    #[error("the wheel cannot be written")]
    Wheel(#[from] zip::result::ZipError),
    /// An archive could not be written.
    #[error("an archive cannot be written")]
    Archive(#[from] std::io::Error),
}

/// Builds the command, and writes its packages into `fc/` of the target directory, beside those of the functions.
///
/// The output of earlier runs is removed first.
///
/// # Errors
/// The first [`Error`] that occurs.
pub fn package_command(workspace: &Workspace) -> Result<Vec<Artifact>, Error> {
    let folder = workspace.packages();
    files::without_earlier(&folder, |name| name.starts_with(&format!("{NAME}-")))?;
    let contents = read(workspace)?;
    let mut artifacts = Vec::new();
    for (name, bytes) in [tarball::of(&contents)?, wheel::of(&contents)?, npm::of(&contents)?, image::of(&contents)?] {
        let sha256 = sha256::hexadecimal(&bytes);
        let path = folder.join(&name);
        files::write(&path, &bytes)?;
        // As `sha256sum` writes it, and reads it with `-c`.
        files::write(&folder.join(format!("{name}.sha256")), format!("{sha256}  {name}\n").as_bytes())?;
        artifacts.push(Artifact { path, bytes: bytes.len(), sha256 });
    }
    Ok(artifacts)
}

/// Builds the command, and collects what goes into its packages.
fn read(workspace: &Workspace) -> Result<Contents, Error> {
    let (path, command) = workspace.build_command()?;
    let binary = files::read(&path)?;
    elf::check(&binary)?;
    let pages = path.with_file_name("man");
    files::without_earlier(&pages, |_| true)?;
    said(&path, &["man", "--dir", &pages.display().to_string()])?;
    let page = |name: String| Ok((name.clone(), files::read(&pages.join(name))?));
    let completion = |(shell, name): &(&str, &str)| Ok(((*name).to_owned(), said(&path, &["completions", shell])?));
    let works = linked::works(&workspace.manifest(), NAME, TARGET)?;
    Ok(Contents {
        version: command.version.clone(),
        license: command.license.clone(),
        license_text: files::read(&workspace.license())?,
        third_party: notice(works),
        binary,
        pages: files::names(&pages)?.into_iter().map(page).collect::<Result<_, Error>>()?,
        completions: COMPLETIONS.iter().map(completion).collect::<Result<_, Error>>()?,
    })
}

/// Runs the binary, and returns what it prints. No setting of the person who packages counts.
fn said(binary: &Path, arguments: &[&str]) -> Result<Vec<u8>, Error> {
    let line = || arguments.join(" ");
    let output =
        Command::new(binary).args(arguments).env_clear().output().map_err(|error| Error::NotRun(line(), error))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Error::Failed(line(), output.status, String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}
