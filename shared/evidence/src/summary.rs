//! A report in a few words, for a list of reports.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    assessment::Class,
    evidence::Evidence,
    facts::{Facts, NoteState},
};

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
    /// The SHA-256 of the findings by name, to tell them from others of the same number.
    #[serde(default)]
    pub found: String,
}

impl ReportSummary {
    /// Whether its report says what this evidence says, or knows more: a run that is repeated has nothing to add then.
    #[must_use]
    pub fn knows_as_much_as(&self, evidence: &Evidence) -> bool {
        let other = Self::of(evidence, &self.folder);
        let is_known = |it: &Self| (it.is_whole, std::cmp::Reverse(it.unknown));
        let found = |it: &Self| (it.resources, it.findings, it.found.clone());
        is_known(self) >= is_known(&other) && found(self) == found(&other)
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
            found: found(facts),
        }
    }
}

/// The digest of the findings by name.
fn found(facts: &Facts) -> String {
    let mut digest = Sha256::new();
    let mut add = |parts: &[&str]| {
        for part in parts {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    };
    for it in facts.results.iter().filter(|it| it.class() == Class::Finding) {
        add(&[&it.account, &it.region, &it.id, &it.verdict.to_string()]);
    }
    for it in facts.notes.iter().filter(|it| it.state == NoteState::Finding) {
        let known = [&it.account, &it.region, &it.subject];
        add(&known.map(|text| text.as_deref().unwrap_or_default()));
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
