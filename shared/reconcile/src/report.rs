//! The report: what was observed and changed, why, and what is unknown.

mod builder;
mod item;
mod observed;
mod shards;
mod summary;

use serde::Serialize;

pub use builder::{Listing, ReportBuilder};
pub use item::{DeletedFlowLog, ErrorReport, Item, Outcome};
pub use observed::{MadeBy, ObservedFlowLog};
pub use shards::Shards;
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
    /// How the shards of the run were submitted, or how they ended; `None` if this invocation did not ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shards: Option<Shards>,
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
        Self { function, run, request_id, dry_run, summary, shards: None, results, refused }
    }

    /// The report of a run whose results are told elsewhere, such as in evidence: its counts, what is open, and these
    /// results about the run itself. Logs what it keeps.
    #[must_use]
    pub fn told_elsewhere(mut self, about_run: Vec<Item>) -> Self {
        self.results.retain(Item::is_open);
        self.summary.failed += about_run.iter().filter(|item| item.outcome == Outcome::Failed).count();
        self.summary.unfinished += about_run.iter().filter(|item| item.outcome == Outcome::Unfinished).count();
        self.summary.skipped += about_run.iter().filter(|item| item.outcome == Outcome::Skipped).count();
        self.summary.findings += about_run.iter().filter(|item| item.is_finding).count();
        self.results.extend(about_run);
        self.log();
        self
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
        let names = [&first.resource_id, &first.region, &first.account];
        let what = names.into_iter().find_map(Option::as_deref).unwrap_or("an event");
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

#[cfg(test)]
mod tests {
    use flow_log::Verdict;

    use super::*;
    use crate::testing;

    fn report(dry_run: bool, builder: ReportBuilder) -> Report {
        Report::new("a-function", "run".to_owned(), "1-request".to_owned(), dry_run, builder)
    }

    fn item(id: &str, outcome: Outcome, reason: &str) -> Item {
        Item::of_resource(&testing::vpc(id), Verdict::Missing, outcome, reason)
    }

    fn refused() -> ReportBuilder {
        let mut builder = ReportBuilder::from(item("vpc-1", Outcome::Skipped, "not done"));
        builder.refuse((&"1".parse().unwrap(), &"cn-hangzhou".parse().unwrap()), "too many");
        builder
    }

    #[test]
    fn a_report_is_incomplete_while_something_failed_is_unfinished_or_unknown() {
        for (outcome, expected) in [
            (Outcome::Done, false),
            (Outcome::Unchanged, false),
            (Outcome::Planned, false),
            (Outcome::Skipped, false),
            (Outcome::Failed, true),
            (Outcome::Unfinished, true),
        ] {
            let incomplete = report(false, item("vpc-1", outcome, "a reason").into()).incomplete();
            assert_eq!(incomplete.is_some(), expected, "{outcome:?}");
        }
        let unknown = Item { verdict: Some(Verdict::Unknown), ..item("vpc-1", Outcome::Skipped, "not read") };
        assert!(report(false, unknown.into()).incomplete().is_some());
    }

    #[test]
    fn the_message_counts_what_is_open_and_quotes_the_first_of_it_once() {
        let error = ErrorReport {
            action: "CreateFlowLog",
            code: "Forbidden.RAM".to_owned(),
            message: "CreateFlowLog of vpc-2 (request R-1): refused".to_owned(),
            request_id: Some("R-1".to_owned()),
            advice: "",
            kind: openapi::ErrorKind::AccessDenied,
        };
        let failed = item("vpc-2", Outcome::Failed, "the flow log of vpc-2 could not be created");
        let failed = Item { error: Some(error), ..failed };
        let items = vec![item("vpc-1", Outcome::Done, "none"), failed, item("vpc-3", Outcome::Unfinished, "late")];
        let incomplete = report(false, items.into()).incomplete().unwrap();
        assert_eq!(incomplete.error_type, "Incomplete");
        assert_eq!(
            incomplete.message,
            "2 of 3 not done; the first is vpc-2: the flow log of vpc-2 could not be created: \
             CreateFlowLog of vpc-2 (request R-1): refused"
        );
    }

    #[test]
    fn an_exceeded_limit_fails_the_run_and_says_where() {
        let report = report(false, refused());
        let incomplete = report.incomplete().unwrap();
        assert_eq!(incomplete.error_type, "TooManyChanges");
        let message = "1 in cn-hangzhou: too many; see the results for what was not done";
        assert_eq!(incomplete.message, message);
        assert_eq!(report.summary.limits, ["1 in cn-hangzhou: too many"]);
    }

    #[test]
    fn a_dry_run_says_which_limit_is_exceeded_and_does_not_fail() {
        let report = report(true, refused());
        assert_eq!(report.incomplete(), None);
        assert_eq!(report.summary.limits, ["1 in cn-hangzhou: too many"]);
    }
}
