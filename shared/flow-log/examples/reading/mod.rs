//! What both examples share: reading a policy, formatting a time, and reporting mistakes.

use std::{
    fmt::Display,
    fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use flow_log::Policy;
use jiff::{Timestamp, tz::TimeZone};

/// What is wrong, one message per line.
pub(crate) type Mistakes = Vec<String>;

/// Reads a file.
pub(crate) fn text(path: &Path) -> Result<String, Mistakes> {
    fs::read_to_string(path).map_err(|error| vec![format!("{} cannot be read: {error}", path.display())])
}

/// Reads the policy in a file, or returns all mistakes in it. Prints its warnings to stderr.
pub(crate) fn policy(path: &Path) -> Result<Policy, Mistakes> {
    let at = |mistake: &dyn Display| format!("{}: {mistake}", path.display());
    let policy = Policy::parse(&text(path)?)
        .map_err(|mistakes| mistakes.iter().map(|mistake| at(mistake)).collect::<Mistakes>())?;
    for warning in &policy.warnings {
        _ = writeln!(io::stderr(), "{}: warning: {warning}", path.display());
    }
    Ok(policy)
}

/// Returns the given time, or the current time.
pub(crate) fn now(given: Option<Timestamp>) -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "an example is a program of its own, at the edge")]
    given.unwrap_or_else(Timestamp::now)
}

/// Formats a time in a zone, with day of the week and offset.
pub(crate) fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %:z").to_string()
}

/// Prints the outcome.
pub(crate) fn print(outcome: Result<String, Mistakes>) -> ExitCode {
    // Write errors are ignored: the reader may be gone, as with `head`.
    match outcome {
        Ok(text) => {
            _ = write!(io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            wrong.iter().for_each(|line| _ = writeln!(io::stderr(), "{line}"));
            ExitCode::FAILURE
        }
    }
}
