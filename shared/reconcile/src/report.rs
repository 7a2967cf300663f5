//! What was seen, what was done, why, and what is unknown.

use flow_log::{AccountId, FlowLog, FlowLogId, RegionId, Resource, ResourceId, Verdict};
use openapi::{CallError, Session};
use serde::Serialize;
use tracing::{info, warn};

use crate::Target;

/// The report of one invocation.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The function.
    pub function: &'static str,
    /// Function Compute's id of the invocation.
    pub request_id: String,
    /// Whether nothing was to be changed.
    pub dry_run: bool,
    /// One for each change, and for each resource and event without one.
    pub results: Vec<Item>,
    /// How many of them there are of each kind.
    pub summary: Summary,
    /// In which regions nothing was done, as it would have been too much.
    #[serde(skip)]
    too_many: Vec<String>,
}

impl Report {
    /// A report of these results, which are logged, a line each.
    pub(crate) fn new(function: &'static str, request_id: String, dry_run: bool, part: Part) -> Self {
        let Part { items: results, unlisted, too_many, .. } = part;
        for item in &results {
            item.log();
        }
        let summary = Summary::of(&results, unlisted);
        Self { function, request_id, dry_run, results, summary, too_many }
    }

    /// Why the invocation failed and should be made again, if so.
    #[must_use]
    pub fn incomplete(&self) -> Option<Incomplete> {
        if !self.too_many.is_empty() {
            let message = format!(
                "{}; raise the limits in the policy if that is as it should be, and see the results for what would \
                 have been done",
                self.too_many.join("; ")
            );
            return Some(Incomplete { error_type: "TooManyChanges", message });
        }
        let is_open = |item: &&Item| matches!(item.outcome, Outcome::Failed | Outcome::Unfinished) || item.is_unknown();
        let first = self.results.iter().find(is_open)?;
        let count = self.results.iter().filter(is_open).count();
        let what = first.resource_id.as_deref().or(first.region.as_deref()).unwrap_or("an event");
        let mut message = format!("{count} of {} not done; the first is {what}: {}", self.results.len(), first.reason);
        if let Some(error) = &first.error {
            message.push_str(": ");
            message.push_str(&error.message);
        }
        Some(Incomplete { error_type: "Incomplete", message })
    }
}

/// What there is to report of one target, or of several.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) items: Vec<Item>,
    /// How many resources were judged.
    checked: usize,
    /// How many of the items are about resources that nothing is to be done to.
    quiet: usize,
    unlisted: Unlisted,
    /// Why nothing was done at all, where the sweep of a region would have changed too much.
    too_many: Vec<String>,
}

/// Resources that are only counted.
#[derive(Debug, Clone, Copy, Default)]
struct Unlisted {
    resources: usize,
    compliant: usize,
    skipped: usize,
}

/// So many resources that are as they should be, or are left alone on purpose, are listed of one region; the others are
/// counted. So a report, and the memory for it, stays small, however many there are.
const MOST_QUIET: usize = 200;

impl Part {
    /// Adds what there is to say of a resource that nothing is done to.
    pub(crate) fn add(&mut self, item: Item) {
        self.checked += 1;
        let is_quiet = matches!(item.outcome, Outcome::Unchanged | Outcome::Skipped) && !item.is_finding;
        if is_quiet && self.quiet >= MOST_QUIET {
            self.unlisted.resources += 1;
            self.unlisted.compliant += usize::from(item.is_compliant());
            self.unlisted.skipped += usize::from(item.outcome == Outcome::Skipped);
            return;
        }
        self.quiet += usize::from(is_quiet);
        self.items.push(item);
    }

    /// Takes back what was added of a compliant resource.
    pub(crate) fn take_back(&mut self, id: &ResourceId) {
        let before = self.items.len();
        self.items.retain(|item| item.resource_id.as_deref() != Some(id.as_str()));
        self.checked -= 1;
        if self.items.len() < before {
            self.quiet -= 1;
        } else {
            self.unlisted.resources -= 1;
            self.unlisted.compliant -= 1;
        }
    }

    /// Counts a resource that something is to be done about.
    pub(crate) const fn count_checked(&mut self) {
        self.checked += 1;
    }

    /// Counts a resource that is as it should be, and is not listed.
    pub(crate) const fn count_unlisted(&mut self) {
        self.checked += 1;
        self.unlisted.resources += 1;
        self.unlisted.compliant += 1;
    }

    /// How many resources were judged.
    pub(crate) const fn checked(&self) -> usize {
        self.checked
    }

    /// Notes that nothing was done in the region of the session, and why.
    pub(crate) fn refuse(&mut self, session: &Session<'_>, excess: &str) {
        self.too_many.push(format!("{} in {}: {excess}", session.account(), session.region()));
    }

    /// Brings the items into an order that does not depend on what was answered first.
    pub(crate) fn sort(&mut self) {
        self.items.sort_by(|one, other| one.resource_id.cmp(&other.resource_id));
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.items.extend(other.items);
        self.checked += other.checked;
        self.unlisted.resources += other.unlisted.resources;
        self.unlisted.compliant += other.unlisted.compliant;
        self.unlisted.skipped += other.unlisted.skipped;
        self.too_many.extend(other.too_many);
    }
}

impl From<Vec<Item>> for Part {
    fn from(items: Vec<Item>) -> Self {
        Self { items, ..Self::default() }
    }
}

impl From<Item> for Part {
    fn from(item: Item) -> Self {
        vec![item].into()
    }
}

/// Why an invocation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// In one word.
    pub error_type: &'static str,
    /// In a sentence.
    pub message: String,
}

/// What became of one resource, of one change to it, or of one event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// The account.
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// What it is, as the API calls it.
    pub resource_type: Option<&'static str>,
    /// Its id.
    pub resource_id: Option<String>,
    /// What was found; `None` where no resource was looked at.
    pub verdict: Option<Verdict>,
    /// The call that changes something, by the API's name.
    pub action: Option<&'static str>,
    /// What became of it.
    pub outcome: Outcome,
    /// The flow log that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_log_id: Option<FlowLogId>,
    /// Why.
    pub reason: String,
    /// What failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
    /// Whether it was left otherwise than wanted.
    #[serde(skip)]
    pub is_finding: bool,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The change was made.
    Done,
    /// Nothing was to be done.
    Unchanged,
    /// The change would have been made, but for a dry run.
    Planned,
    /// It was left as it is, on purpose.
    Skipped,
    /// It was tried in vain.
    Failed,
    /// There was no time left for it.
    Unfinished,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorReport {
    /// The call, by the API's name.
    pub action: &'static str,
    /// The API's code, or a word for what happened on the way.
    pub code: String,
    /// What happened.
    pub message: String,
    /// The API's id of the request.
    pub request_id: Option<String>,
    /// What to do about it.
    pub advice: &'static str,
}

impl From<&CallError> for ErrorReport {
    fn from(error: &CallError) -> Self {
        Self {
            action: error.action,
            code: error.short_code().to_owned(),
            message: format!("{error}: {}", error.cause),
            request_id: error.request_id.clone(),
            advice: error.advice(),
        }
    }
}

impl Item {
    pub(crate) fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self {
            account: None,
            region: None,
            resource_type: None,
            resource_id: None,
            verdict: None,
            action: None,
            outcome,
            flow_log_id: None,
            reason: reason.into(),
            error: None,
            is_finding: false,
        }
    }

    /// An event that is not for us.
    #[must_use]
    pub fn skipped_event(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Skipped, reason)
    }

    /// An event that cannot be understood, though it should be.
    #[must_use]
    pub fn broken_event(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, reason)
    }

    /// The same, in this account and region.
    #[must_use]
    pub fn at(self, account: Option<&AccountId>, region: Option<&RegionId>) -> Self {
        Self { account: account.map(ToString::to_string), region: region.map(ToString::to_string), ..self }
    }

    pub(crate) fn of_target(target: &Target, outcome: Outcome, reason: impl Into<String>) -> Self {
        let item = Self::new(outcome, reason).at(Some(&target.account), Some(&target.region));
        Self { resource_id: target.what.id().map(str::to_owned), resource_type: target.what.resource_type(), ..item }
    }

    /// An item about a flow log whose resource is gone.
    pub(crate) fn of_orphan(
        session: &Session<'_>,
        flow_log: &FlowLog,
        outcome: Outcome,
        reason: impl Into<String>,
    ) -> Self {
        let resource_type = flow_log.resource_id.parse().ok().map(|id: ResourceId| id.resource_type().as_str());
        Self {
            verdict: Some(Verdict::Orphaned),
            resource_type,
            resource_id: Some(flow_log.resource_id.clone()),
            flow_log_id: Some(flow_log.id.clone()),
            is_finding: outcome != Outcome::Done,
            ..Self::new(outcome, reason)
        }
        .at(Some(session.account()), Some(session.region()))
    }

    pub(crate) fn of_resource(
        resource: &Resource,
        verdict: Verdict,
        outcome: Outcome,
        reason: impl Into<String>,
    ) -> Self {
        Self { verdict: Some(verdict), ..Self::new(outcome, reason) }
            .at(Some(&resource.account), Some(&resource.region))
            .named(&resource.id)
    }

    fn named(self, id: &ResourceId) -> Self {
        Self { resource_type: Some(id.resource_type().as_str()), resource_id: Some(id.to_string()), ..self }
    }

    /// The same, with the call that failed; left unfinished where there was no time for it.
    pub(crate) fn with_error(self, error: &CallError) -> Self {
        let outcome = if error.is_out_of_time() { Outcome::Unfinished } else { self.outcome };
        Self { error: Some(error.into()), outcome, ..self }
    }

    /// Whether it was found as it should be, or off by its schedule, and there is nothing else to say against it.
    const fn is_compliant(&self) -> bool {
        matches!(self.verdict, Some(Verdict::Compliant | Verdict::Paused)) && !self.is_finding
    }

    fn is_unknown(&self) -> bool {
        self.verdict == Some(Verdict::Unknown)
    }

    /// One line for each result, so that a query can count them.
    fn log(&self) {
        let fields = (
            self.resource_id.as_deref().unwrap_or_default(),
            self.verdict.map(|verdict| verdict.to_string()).unwrap_or_default(),
            self.action.unwrap_or_default(),
        );
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    account = self.account.as_deref().unwrap_or_default(),
                    region = self.region.as_deref().unwrap_or_default(),
                    resource_type = self.resource_type.unwrap_or_default(),
                    resource_id = fields.0,
                    verdict = fields.1,
                    action = fields.2,
                    outcome = self.outcome.as_str(),
                    flow_log_id = self.flow_log_id.as_ref().map(FlowLogId::as_str).unwrap_or_default(),
                    error_code = self.error.as_ref().map(|error| error.code.as_str()).unwrap_or_default(),
                    error_request_id =
                        self.error.as_ref().and_then(|error| error.request_id.as_deref()).unwrap_or_default(),
                    advice = self.error.as_ref().map(|error| error.advice).unwrap_or_default(),
                    "{}{}",
                    self.reason,
                    self.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default()
                )
            };
        }
        if matches!(self.outcome, Outcome::Failed | Outcome::Unfinished) { line!(warn) } else { line!(info) }
    }
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Planned => "planned",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Unfinished => "unfinished",
        }
    }
}

/// How many results there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Resources that were looked at.
    pub checked: usize,
    /// Resources that were found as they should be, those among them that are off by their schedule.
    pub compliant: usize,
    /// Changes that were made.
    pub changed: usize,
    /// Changes that would have been made, but for a dry run.
    pub planned: usize,
    /// What was left as it is, on purpose.
    pub skipped: usize,
    /// What was tried in vain.
    pub failed: usize,
    /// Resources that could not be read.
    pub unknown: usize,
    /// What there was no time for.
    pub unfinished: usize,
    /// Resources that were left otherwise than wanted, whatever the cause.
    pub findings: usize,
    /// Resources that were found as they should be, or left alone on purpose, and are counted only, as there are so many.
    #[serde(skip_serializing_if = "is_none")]
    pub unlisted: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_none(count: &usize) -> bool {
    *count == 0
}

impl Summary {
    fn of(results: &[Item], unlisted: Unlisted) -> Self {
        let count = |is: &dyn Fn(&Item) -> bool| results.iter().filter(|item| is(item)).count();
        let outcome = |outcome| count(&|item| item.outcome == outcome);
        // A region that could not be read is no resource.
        let is_resource = |item: &&Item| item.verdict.is_some() && item.resource_type.is_some();
        let mut checked: Vec<_> = results.iter().filter(is_resource).map(|item| &item.resource_id).collect();
        checked.sort_unstable();
        checked.dedup();
        Self {
            checked: checked.len() + unlisted.resources,
            compliant: count(&Item::is_compliant) + unlisted.compliant,
            changed: outcome(Outcome::Done),
            planned: outcome(Outcome::Planned),
            skipped: outcome(Outcome::Skipped) + unlisted.skipped,
            failed: outcome(Outcome::Failed),
            unknown: count(&Item::is_unknown),
            unfinished: outcome(Outcome::Unfinished),
            findings: count(&|item| item.is_finding),
            unlisted: unlisted.resources,
        }
    }
}
