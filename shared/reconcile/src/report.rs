//! The report: what was observed and changed, why, and what is unknown.

mod builder;
mod item;
mod summary;

use serde::Serialize;

pub(crate) use builder::ReportBuilder;
pub use item::{DeletedFlowLog, ErrorReport, Item, Outcome};
pub use summary::Summary;

/// The report of one invocation.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The name of the function.
    pub function: &'static str,
    /// The id of the run.
    pub run: String,
    /// Function Compute's id of the invocation.
    pub request_id: String,
    /// Whether this was a dry run.
    pub dry_run: bool,
    /// The number of results of each kind.
    pub summary: Summary,
    /// One for each change, and one for each resource or event without a change.
    pub results: Vec<Item>,
    /// The limits that refused changes, one sentence each.
    #[serde(skip)]
    refused: Vec<String>,
}

impl Report {
    pub(crate) fn new(
        function: &'static str,
        run: String,
        request_id: String,
        dry_run: bool,
        parts: ReportBuilder,
    ) -> Self {
        let (results, summary, refused) = parts.finish();
        let refused = if dry_run { Vec::new() } else { refused };
        Self { function, run, request_id, dry_run, summary, results, refused }
    }

    /// Logs each result that has not been logged yet. A write is logged when it is made.
    pub(crate) fn log(&self) {
        for item in &self.results {
            item.log();
        }
    }

    /// Returns why the invocation failed and should be repeated, if it did.
    #[must_use]
    pub fn incomplete(&self) -> Option<Incomplete> {
        if !self.refused.is_empty() {
            let message = format!("{}; see the results for what was not done", self.refused.join("; "));
            return Some(Incomplete { error_type: "TooManyChanges", message });
        }
        let first = self.results.iter().find(|item| item.is_open())?;
        let count = self.results.iter().filter(|item| item.is_open()).count();
        let what = first.resource_id.as_deref().or(first.region.as_deref()).unwrap_or("an event");
        let mut message = format!("{count} of {} not done; the first is {what}: {}", self.results.len(), first.reason);
        if let Some(error) = &first.error {
            message.push_str(": ");
            message.push_str(&error.message);
        }
        Some(Incomplete { error_type: "Incomplete", message })
    }
}

/// Why an invocation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// The kind of failure, in one word.
    pub error_type: &'static str,
    /// The failure, in one sentence.
    pub message: String,
}
