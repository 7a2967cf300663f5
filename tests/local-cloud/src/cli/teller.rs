//! Tells what happens in a cloud, as it happens.

use std::io::{self, IsTerminal, Write, stdout};

use jiff::Timestamp;
use local_cloud::{LocalCloud, What, timeline};

/// What was told already, and how to tell the rest.
pub(super) struct Teller {
    started: Timestamp,
    seen: usize,
    colour: bool,
}

impl Teller {
    /// Tells from the beginning, in seconds since `started`; in colour on a terminal.
    pub(super) fn new(started: Timestamp) -> Self {
        Self { started, seen: 0, colour: stdout().is_terminal() }
    }

    /// Tells what has not been told yet.
    pub(super) fn catch_up(&mut self, cloud: &LocalCloud) -> io::Result<()> {
        let entries = cloud.journal_after(self.seen);
        self.seen += entries.len();
        for line in entries.iter().filter_map(|entry| timeline::line(entry, self.started, self.colour)) {
            writeln!(stdout(), "{line}")?;
        }
        stdout().flush()
    }

    /// Tells of the calls of the API.
    pub(super) fn catch_up_on_calls(&mut self, cloud: &LocalCloud) -> io::Result<()> {
        for entry in cloud.journal().iter().filter(|entry| matches!(entry.what, What::Call(_))) {
            let line = timeline::line(entry, self.started, self.colour);
            writeln!(stdout(), "{}", line.unwrap_or_default())?;
        }
        stdout().flush()
    }

    /// Tells what happens, until it cannot be written any more.
    pub(super) async fn follow(&mut self, cloud: &LocalCloud) -> io::Result<()> {
        let mut changes = cloud.changes();
        loop {
            self.catch_up(cloud)?;
            // Cannot fail: the cloud is there.
            let _ = changes.changed().await;
        }
    }

    /// Says something that is not in the journal.
    pub(super) fn say(&self, text: &str, colour: &str) -> io::Result<()> {
        writeln!(stdout(), "{}", timeline::paint(text, colour, self.colour))?;
        stdout().flush()
    }
}
