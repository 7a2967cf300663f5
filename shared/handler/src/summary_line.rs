//! The line that an invocation writes about itself, for dashboards and alerts.
//!
//! `template.yml` has SLS index its fields, and the alerts and charts there query them.

use flow_log::AccountId;
use jiff::Timestamp;
use reconcile::{CallCounter, ErrorReport, Item, Outcome, Report, Summary, Work};
use tracing::info;

/// What an invocation is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvocationKind {
    /// Events of resources, flow logs or Cloud Config.
    Event,
    /// A sweep that a timer asks for, done in place.
    Sweep,
    /// A sweep of several accounts: it submits a shard for each.
    Coordinator,
    /// A sweep of this account, submitted by a coordinator.
    Shard(AccountId),
    /// The step that asks how the shards ended.
    Collect,
    /// An invocation that only a person makes.
    ByHand,
}

impl InvocationKind {
    /// Returns the kind of an invocation with this work, which is neither a sweep nor a step that counts shards.
    pub(crate) fn of(work: &[Work]) -> Self {
        match work {
            [Work::Account(sweep)] => Self::Shard(sweep.account.clone()),
            _ => Self::Event,
        }
    }

    /// Returns the name that is in the line.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Sweep => "sweep",
            Self::Coordinator => "coordinator",
            Self::Shard(_) => "shard",
            Self::Collect => "collect",
            Self::ByHand => "by-hand",
        }
    }

    const fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Shard(account) => Some(account),
            _ => None,
        }
    }
}

/// Measures an invocation.
#[derive(Debug)]
pub struct Measurement {
    /// When the invocation arrived.
    pub arrived: Timestamp,
    /// Counts its calls.
    pub calls: CallCounter,
}

impl Measurement {
    /// Writes the line. `now` is when the report is complete.
    pub fn log(&self, kind: &InvocationKind, report: &Report, now: Timestamp) {
        let calls = self.calls.counts();
        let Summary {
            checked,
            compliant,
            changed,
            planned,
            skipped,
            failed,
            unknown,
            unfinished,
            findings,
            exceptions,
            uncovered,
            limits,
            unlisted,
            unannounced,
        } = &report.summary;
        // A text is quicker to log than what has to be formatted.
        let message = [
            kind.as_str(),
            ": ",
            &checked.to_string(),
            " checked, ",
            &changed.to_string(),
            " changed, ",
            &failed.to_string(),
            " failed, ",
            &findings.to_string(),
            " findings",
        ];
        info!(
            message = message.concat().as_str(),
            line = "summary",
            kind = kind.as_str(),
            account = kind.account().map(AccountId::as_str),
            checked,
            compliant,
            changed,
            planned,
            skipped,
            failed,
            unknown,
            unfinished,
            findings,
            exceptions,
            uncovered,
            unlisted,
            // `unannounced` is a mark on the line of a result.
            unannounced_count = unannounced,
            limits = limits.len(),
            refused_roles = report.results.iter().filter(|item| is_refused_role(item)).count(),
            calls = calls.calls,
            writes = calls.writes,
            retries = calls.retries,
            throttles = calls.throttles,
            wait_ms = calls.wait.as_millis() as u64,
            duration_ms = now.duration_since(self.arrived).as_millis().max(0) as u64,
        );
    }
}

/// Whether a member's role refuses the function. It may not be rolled out, so that is no failure: but if most members
/// refuse, the function's own role may lack the right to assume theirs, and the API's code is the same.
fn is_refused_role(item: &Item) -> bool {
    let is_refused = |error: &ErrorReport| (error.action, error.code.as_str()) == ("AssumeRole", "NoPermission");
    item.outcome == Outcome::Skipped && item.error.as_ref().is_some_and(is_refused)
}
