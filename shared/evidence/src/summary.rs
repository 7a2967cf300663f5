//! A report in a few words, for a list of reports.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{evidence::Evidence, facts::NoteState};

/// What a list of reports says of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReportSummary {
    /// When the last answer arrived.
    pub ended: Timestamp,
    /// The folder of the report, relative to the list.
    pub folder: String,
    /// The id of the run.
    pub run: String,
    /// The seal of the report.
    pub seal: String,
    /// The result in one sentence.
    pub verdict: String,
    /// Whether everything in scope was read.
    pub is_whole: bool,
    /// Accounts in scope.
    pub accounts: u64,
    /// Resources that the run judged.
    pub resources: u64,
    /// Resources and other things that a person should look at.
    pub findings: u64,
    /// What could not be read.
    pub unknown: u64,
}

impl ReportSummary {
    /// Whether its report says what this evidence says, or knows more: a run that is repeated has nothing to add then.
    #[must_use]
    pub fn knows_as_much_as(&self, evidence: &Evidence) -> bool {
        let other = Self::of(evidence, &self.folder);
        let is_known = |it: &Self| (it.is_whole, std::cmp::Reverse(it.unknown));
        is_known(self) >= is_known(&other) && self.findings == other.findings && self.resources == other.resources
    }

    /// Sums up a report in this folder.
    #[must_use]
    pub fn of(evidence: &Evidence, folder: &str) -> Self {
        let (facts, assessment) = (evidence.facts(), evidence.assessment());
        let notes = facts.notes.iter().filter(|note| note.state == NoteState::Finding).count() as u64;
        Self {
            ended: facts.head.ended,
            folder: folder.to_owned(),
            run: facts.head.run.clone(),
            seal: evidence.seal(),
            verdict: assessment.verdict.clone(),
            is_whole: assessment.scope.is_whole,
            accounts: assessment.scope.accounts_asked,
            resources: assessment.sums.resources,
            findings: assessment.sums.findings.saturating_add(notes),
            unknown: assessment.unknown.len() as u64,
        }
    }
}
