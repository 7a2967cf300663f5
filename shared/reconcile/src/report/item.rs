//! One result: the outcome for a resource, for one change to it, or for an event.

use std::borrow::Cow;

use flow_log::{AccountId, Action, EcrFlowLog, FlowLog, FlowLogId, RegionId, Resource, ResourceId, Verdict};
use openapi::{CallError, ErrorKind, Session};
use serde::Serialize;
use tracing::{info, warn};

use super::ObservedFlowLog;
use crate::{PlannedChange, Target, TargetKind};

/// The outcome for one resource, for one change to it, or for one event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// The account that the result is about; `None` for an event that names none.
    pub account: Option<String>,
    /// The region that the result is about; `None` for a whole account.
    pub region: Option<String>,
    /// The kind of resource, as the API calls it.
    pub resource_type: Option<&'static str>,
    /// The id of the resource.
    pub resource_id: Option<String>,
    /// The verdict; `None` if no resource was read.
    pub verdict: Option<Verdict>,
    /// The change that the result is about, if any.
    pub action: Option<Action>,
    /// The outcome of the change, or of the resource or event if nothing was changed.
    pub outcome: Outcome,
    /// The flow log that the result is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_log_id: Option<FlowLogId>,
    /// Why the outcome is what it is.
    pub reason: String,
    /// The call that failed, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
    /// All that is known of the deleted flow log, so that it can be created again from the report or the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Box<DeletedFlowLog>>,
    /// Whether an event should have announced the resource before a sweep found it, and seems not to have. A hint, on
    /// the wire only if it is true.
    #[serde(rename = "unannounced", skip_serializing_if = "is_false")]
    pub is_unannounced: bool,
    /// Whether a person should look at it, whatever the cause.
    #[serde(skip)]
    pub is_finding: bool,
    /// Whether nothing is left to look at once the planned change is made. If not, the resource stays a finding.
    #[serde(skip)]
    pub is_settled_by_change: bool,
    /// Whether it is paused or left alone on purpose, by a tag, a schedule or the policy's `exclude`.
    #[serde(skip)]
    pub is_exception: bool,
    /// Why the API refused a write, if it did.
    #[serde(skip)]
    pub refusal: Option<ErrorKind>,
    /// The change that is planned or was made, if changes are described: see [`crate::Listing`].
    #[serde(skip)]
    pub change: Option<Box<PlannedChange>>,
    /// The flow log that the result is about, as it was read, if every resource is listed.
    #[serde(skip)]
    pub observed: Option<Box<ObservedFlowLog>>,
    /// Whether the result has been logged already.
    #[serde(skip)]
    pub is_logged: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// The outcome for a resource, a change or an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The change was made.
    Done,
    /// There was nothing to change.
    Unchanged,
    /// The change would have been made, but this is a dry run.
    Planned,
    /// It was left alone on purpose.
    Skipped,
    /// It was tried and failed.
    Failed,
    /// There was no time left.
    Unfinished,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorReport {
    /// The action, as the API calls it.
    pub action: &'static str,
    /// The API's error code, or a word for a failure on the way to the API.
    pub code: String,
    /// What happened.
    pub message: String,
    /// The API's id of the request.
    pub request_id: Option<String>,
    /// How to fix it, for the operator of a function.
    pub advice: &'static str,
    /// What kind of failure it is.
    #[serde(skip)]
    pub kind: ErrorKind,
}

impl From<&CallError> for ErrorReport {
    fn from(error: &CallError) -> Self {
        Self {
            action: error.action,
            code: error.short_code().to_owned(),
            message: format!("{error}: {}", error.cause),
            request_id: error.request_id.clone(),
            advice: error.advice(),
            kind: error.kind(),
        }
    }
}

/// A flow log as it was before it was deleted. Fields that the API did not return are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct DeletedFlowLog {
    pub flow_log_id: String,
    pub resource_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_store: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_path: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregation_interval: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    pub tags: Vec<(String, String)>,
}

impl From<&FlowLog> for DeletedFlowLog {
    fn from(flow_log: &FlowLog) -> Self {
        let tags = flow_log.tags.iter().flat_map(|tags| tags.iter());
        Self {
            flow_log_id: flow_log.id.to_string(),
            resource_id: flow_log.resource_id.clone(),
            name: flow_log.name.clone(),
            description: flow_log.description.clone(),
            project: flow_log.project.clone(),
            log_store: flow_log.log_store.clone(),
            traffic_type: flow_log.traffic_type.clone(),
            traffic_path: flow_log.traffic_path.clone(),
            aggregation_interval: flow_log.aggregation_interval,
            ip_version: flow_log.ip_version.clone(),
            resource_group_id: flow_log.resource_group_id.clone(),
            tags: tags.map(|(key, value)| (key.clone(), value.clone())).collect(),
        }
    }
}

impl From<&EcrFlowLog> for DeletedFlowLog {
    fn from(flow_log: &EcrFlowLog) -> Self {
        let tags = flow_log.tags.iter().flat_map(|tags| tags.iter());
        Self {
            flow_log_id: flow_log.id.to_string(),
            resource_id: flow_log.instance_id.clone(),
            name: flow_log.name.clone(),
            description: flow_log.description.clone(),
            project: flow_log.project.clone(),
            log_store: flow_log.log_store.clone(),
            traffic_type: None,
            traffic_path: None,
            aggregation_interval: flow_log.interval,
            ip_version: None,
            resource_group_id: flow_log.resource_group_id.clone(),
            tags: tags.map(|(key, value)| (key.clone(), value.clone())).collect(),
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
            deleted: None,
            is_unannounced: false,
            is_finding: false,
            is_settled_by_change: false,
            is_exception: false,
            refusal: None,
            change: None,
            observed: None,
            is_logged: false,
        }
    }

    /// Creates the result of an event that does not concern Flowkeeper.
    #[must_use]
    pub fn skipped_event(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Skipped, reason)
    }

    /// Creates the result of an event that should be readable and is not.
    #[must_use]
    pub fn broken_event(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, reason)
    }

    /// Creates a result about a whole account.
    #[must_use]
    pub fn of_account(account: &AccountId, outcome: Outcome, reason: impl Into<String>) -> Self {
        Self::new(outcome, reason).at(Some(account), None)
    }

    /// Creates a result about the invocation itself.
    #[must_use]
    pub fn of_run(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self::new(outcome, reason)
    }

    /// Sets the account and region.
    #[must_use]
    pub fn at(self, account: Option<&AccountId>, region: Option<&RegionId>) -> Self {
        let (account, region) = (account.map(AccountId::as_str), region.map(RegionId::as_str));
        Self { account: account.map(str::to_owned), region: region.map(str::to_owned), ..self }
    }

    /// Sets the id and kind of resource that an event names.
    #[must_use]
    pub fn naming(self, what: &TargetKind) -> Self {
        Self { resource_id: what.id().map(str::to_owned), resource_type: what.resource_type(), ..self }
    }

    /// Sets the account and region of the session.
    pub(crate) fn in_session(self, session: &Session<'_>) -> Self {
        self.at(Some(session.account()), Some(session.region()))
    }

    pub(crate) fn of_target(target: &Target, outcome: Outcome, reason: impl Into<String>) -> Self {
        Self::new(outcome, reason).at(Some(&target.account), Some(&target.region)).naming(&target.kind)
    }

    pub(crate) fn of_resource(
        resource: &Resource,
        verdict: Verdict,
        outcome: Outcome,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            verdict: Some(verdict),
            resource_type: Some(resource.id.resource_type().as_str()),
            resource_id: Some(resource.id.as_str().to_owned()),
            ..Self::new(outcome, reason)
        }
        .at(Some(&resource.account), Some(&resource.region))
    }

    /// Creates a result about a flow log, under the id of the resource that it records.
    pub(crate) fn of_flow_log(
        session: &Session<'_>,
        flow_log: &FlowLog,
        verdict: Verdict,
        outcome: Outcome,
        reason: impl Into<String>,
    ) -> Self {
        let resource_type = flow_log.resource_id.parse().ok().map(|id: ResourceId| id.resource_type().as_str());
        Self {
            verdict: Some(verdict),
            resource_type,
            resource_id: Some(flow_log.resource_id.clone()),
            flow_log_id: Some(flow_log.id.clone()),
            is_finding: outcome != Outcome::Done,
            ..Self::new(outcome, reason)
        }
        .in_session(session)
    }

    /// Marks the result as a finding.
    #[must_use]
    pub fn finding(self) -> Self {
        Self { is_finding: true, ..self }
    }

    /// Adds the call that failed. If it ran out of time, the outcome becomes `Unfinished`.
    pub(crate) fn with_error(self, error: &CallError) -> Self {
        let outcome = if error.is_out_of_time() { Outcome::Unfinished } else { self.outcome };
        Self { error: Some(error.into()), outcome, ..self }
    }

    /// Whether the resource is as the policy wants it, or paused or left alone on purpose, and is not a finding.
    pub(crate) const fn is_compliant(&self) -> bool {
        let is_good = matches!(self.verdict, Some(Verdict::Compliant | Verdict::Paused))
            || self.is_exception && matches!(self.verdict, Some(Verdict::Excluded));
        is_good && !self.is_finding
    }

    /// Whether traffic that the policy wants recorded is not known to be recorded and delivered after the run.
    pub(crate) const fn is_uncovered(&self) -> bool {
        let is_open = match self.verdict {
            Some(Verdict::Missing | Verdict::Inactive | Verdict::Undelivered | Verdict::Unknown) => true,
            // The policy asks for a flow log that the API refuses. A resource that can never have one has no action
            // here.
            Some(Verdict::Unsupported) => self.action.is_some(),
            // It should have become active long ago, or cannot become active by itself.
            Some(Verdict::Pending) => self.is_finding && self.action.is_none(),
            _ => false,
        };
        is_open && !matches!(self.outcome, Outcome::Done) && self.resource_type.is_some()
    }

    pub(crate) fn is_unknown(&self) -> bool {
        self.verdict == Some(Verdict::Unknown) && self.outcome != Outcome::Unfinished
    }

    /// Whether the invocation has to be repeated because of it.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.outcome, Outcome::Failed | Outcome::Unfinished) || self.is_unknown()
    }

    /// Returns whether the API refused the write for good.
    pub(crate) fn is_refused_for_good(&self) -> bool {
        self.refusal.is_some_and(ErrorKind::is_lasting)
    }

    /// Logs the result, so that a query can count it, unless that was done before.
    pub(crate) fn log(&self) {
        if self.is_logged {
            return;
        }
        let fields = (
            self.resource_id.as_deref().unwrap_or_default(),
            self.verdict.map(|verdict| verdict.to_string()).unwrap_or_default(),
            self.action.map(Action::as_str).unwrap_or_default(),
        );
        let deleted = self.deleted.as_ref().and_then(|deleted| serde_json::to_string(deleted).ok());
        let unannounced = self.is_unannounced.then_some(true);
        let message = match &self.error {
            // A text is quicker to log than what has to be formatted.
            None => Cow::Borrowed(self.reason.as_str()),
            Some(error) => Cow::Owned(format!("{}: {}", self.reason, error.message)),
        };
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    message = &*message,
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
                    deleted,
                    unannounced,
                )
            };
        }
        if matches!(self.outcome, Outcome::Failed | Outcome::Unfinished) { line!(warn) } else { line!(info) }
    }

    /// Logs the result now.
    pub(crate) fn logged(self) -> Self {
        self.log();
        Self { is_logged: true, ..self }
    }
}

impl Outcome {
    /// Returns the name of the outcome.
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
