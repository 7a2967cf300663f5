//! Prints what happens in a cloud as it happens.

use std::{
    ffi::OsStr,
    io::{self, IsTerminal, Write, stdout},
};

use jiff::Timestamp;
use local_cloud::{EntryKind, LocalCloud, timeline};

/// Prints journal entries, and remembers how many it has printed.
pub(super) struct Printer {
    started: Timestamp,
    seen: usize,
    color: bool,
}

impl Printer {
    /// Starts at the beginning of the journal, with times relative to `started`. Uses color on a terminal unless
    /// `NO_COLOR` is set.
    #[expect(clippy::disallowed_methods, reason = "the command line is the process's edge")]
    pub(super) fn new(started: Timestamp) -> Self {
        let color = wants_color(stdout().is_terminal(), std::env::var_os("NO_COLOR").as_deref());
        Self { started, seen: 0, color }
    }

    /// Prints the entries that are not printed yet.
    pub(super) fn catch_up(&mut self, cloud: &LocalCloud) -> io::Result<()> {
        let entries = cloud.journal_after(self.seen);
        self.seen += entries.len();
        for line in entries.iter().filter_map(|entry| timeline::line(entry, self.started, self.color)) {
            writeln!(stdout(), "{line}")?;
        }
        stdout().flush()
    }

    /// Prints only the API calls.
    pub(super) fn catch_up_on_calls(&mut self, cloud: &LocalCloud) -> io::Result<()> {
        for entry in cloud.journal().iter().filter(|entry| matches!(entry.what, EntryKind::Call(_))) {
            let line = timeline::line(entry, self.started, self.color);
            writeln!(stdout(), "{}", line.unwrap_or_default())?;
        }
        stdout().flush()
    }

    /// Prints what happens until writing fails.
    pub(super) async fn follow(&mut self, cloud: &LocalCloud) -> io::Result<()> {
        let mut changes = cloud.changes();
        loop {
            self.catch_up(cloud)?;
            // Cannot fail: `cloud` is alive.
            let _ = changes.changed().await;
        }
    }

    /// Prints a text that is not in the journal.
    pub(super) fn say(&self, text: &str, color: &str) -> io::Result<()> {
        writeln!(stdout(), "{}", timeline::paint(text, color, self.color))?;
        stdout().flush()
    }
}

/// Returns whether to write in color. Any non-empty `NO_COLOR` disables it, as <https://no-color.org> specifies.
fn wants_color(is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_is_for_terminals_of_people_who_want_it() {
        let wants = |is_terminal, no_color: Option<&str>| wants_color(is_terminal, no_color.map(OsStr::new));
        assert!(wants(true, None) && wants(true, Some("")));
        assert!(!wants(true, Some("1")) && !wants(true, Some("0")) && !wants(false, None));
    }
}
