//! What both examples do: read a policy, tell a time, and say what is wrong in a way that helps.

use std::{
    fmt::Display,
    fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use flow_log::Policy;
use jiff::{Timestamp, tz::TimeZone};

/// What is wrong, a line each.
pub(crate) type Wrong = Vec<String>;

/// The text of a file.
pub(crate) fn text(path: &Path) -> Result<String, Wrong> {
    fs::read_to_string(path).map_err(|error| vec![format!("{} cannot be read: {error}", path.display())])
}

/// The policy in a file, or every mistake in it. Its warnings are said on stderr.
pub(crate) fn policy(path: &Path) -> Result<Policy, Wrong> {
    let at = |mistake: &dyn Display| format!("{}: {mistake}", path.display());
    let policy = Policy::parse(&text(path)?)
        .map_err(|mistakes| mistakes.iter().map(|mistake| at(mistake)).collect::<Wrong>())?;
    for warning in &policy.warnings {
        _ = writeln!(io::stderr(), "{}: warning: {warning}", path.display());
    }
    Ok(policy)
}

/// The time that is given, or the machine's.
pub(crate) fn now(given: Option<Timestamp>) -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "an example is a program of its own, at the edge")]
    given.unwrap_or_else(Timestamp::now)
}

/// A time in a zone, with its day and its offset.
pub(crate) fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %:z").to_string()
}

/// Prints what was found out, or what is wrong.
pub(crate) fn tell(outcome: Result<String, Wrong>) -> ExitCode {
    // Where nobody reads it any more, as behind `head`, there is nobody to tell.
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
