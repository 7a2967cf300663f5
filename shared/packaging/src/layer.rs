//! The layer of a policy that is too large for the variables of a function.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use flow_log::{
    Policy,
    policy::{Diagnostic, Diagnostics, Position},
};

use crate::archive;

/// A packed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The ZIP file.
    pub zip: Vec<u8>,
    /// What is valid in the policy but most likely not intended, a line each.
    pub warnings: String,
}

/// Why a policy is not packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The file could not be read.
    #[error("{} cannot be read: name the file with the policy", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// The file is no text.
    #[error("{} is no text in UTF-8", .0.display())]
    NoText(PathBuf),
    /// The layer would replace the file.
    #[error("{} is the policy itself: write the layer to another file", .0.display())]
    Itself(PathBuf),
    /// The functions would refuse the policy, and not start.
    #[error("{mistakes}{} is not packed: no function would start with it", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// Every mistake, a line each.
        mistakes: String,
    },
    /// The ZIP file could not be created.
    #[error("{} cannot be compressed", .0.display())]
    Archive(PathBuf, #[source] zip::result::ZipError),
}

/// Reads a policy and packs it, if the functions would accept it.
///
/// The entry is the file as it is, under the name that `template.yml` gives to the functions.
///
/// # Errors
/// A [`Refusal`], with every mistake in the policy.
pub fn of_file(file: &Path) -> Result<Layer, Refusal> {
    let bytes = std::fs::read(file).map_err(|error| Refusal::Unreadable(file.to_owned(), error))?;
    let text = String::from_utf8(bytes).map_err(|_| Refusal::NoText(file.to_owned()))?;
    let policy = Policy::parse(&text).map_err(|mistakes| Refusal::Invalid {
        file: file.to_owned(),
        mistakes: lines(file, Diagnostics::iter(&mistakes)),
    })?;
    let zip = archive::of_policy(&text).map_err(|error| Refusal::Archive(file.to_owned(), error))?;
    Ok(Layer { zip, warnings: lines(file, &policy.warnings) })
}

/// Writes diagnostics as compilers do, a line each.
fn lines<'d>(file: &Path, diagnostics: impl IntoIterator<Item = &'d Diagnostic>) -> String {
    let mut lines = String::new();
    for Diagnostic { position: Position { line, column }, problem, .. } in diagnostics {
        let place = if *line > 0 { format!(":{line}:{column}") } else { String::new() };
        _ = writeln!(lines, "{}{place}: {problem}", file.display());
    }
    lines
}
