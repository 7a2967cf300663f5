//! The line that an invocation writes about itself, for dashboards and alerts.
//!
//! `template.yml` has SLS index its fields, and the alerts and charts there query them.

use fc_runtime::{Failure, Invocation};
use flow_log::AccountId;
use jiff::Timestamp;
use reconcile::{CallCounter, ErrorReport, Item, Outcome, Report, Summary, Work};
use tracing::{info, warn};

/// The kind of an invocation without a report. It is none of those that alerts and charts ask for, so that its counts,
/// which are 0, never stand in for what the latest sweep found.
const WITHOUT_REPORT: &str = "without-report";

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

/// Measures an invocation, and writes the line about it: one, however it ends.
#[derive(Debug, Clone)]
pub struct Measurement {
    arrived: Timestamp,
    calls: CallCounter,
}

impl Measurement {
    /// Begins to measure an invocation, before anything is done for it. If it fails before its line is written, the runtime
    /// has the line written when it logs the failure.
    #[must_use]
    pub fn begin(invocation: &Invocation) -> Self {
        let begun = Self { arrived: invocation.arrived, calls: CallCounter::default() };
        let without_report = begun.clone();
        fc_runtime::set_failure_log(Some(Box::new(move |failure, now| without_report.log_failure(failure, now))));
        begun
    }

    /// Returns what counts the calls of the invocation.
    #[must_use]
    pub fn calls(&self) -> CallCounter {
        self.calls.clone()
    }

    /// Writes the line of an invocation that has a report. `now` is when the report is complete.
    pub(crate) fn log(&self, kind: &InvocationKind, report: &Report, now: Timestamp) {
        let Summary { checked, changed, failed, findings, .. } = &report.summary;
        // A text is quicker to log than what has to be formatted.
        let mut message = String::with_capacity(USUAL_MESSAGE);
        message.push_str(kind.as_str());
        for (before, count, after) in [
            (": ", checked, " checked"),
            (", ", changed, " changed"),
            (", ", failed, " failed"),
            (", ", findings, " findings"),
        ] {
            message.push_str(before);
            push_count(&mut message, *count);
            message.push_str(after);
        }
        let refused_roles = report.results.iter().filter(|item| is_refused_role(item)).count();
        let line = Line { kind: kind.as_str(), account: kind.account(), summary: &report.summary, refused_roles };
        self.write(&line, now, &Why::Report(&message));
        // The line is written. If something in the report was not done, another one says so.
        fc_runtime::set_failure_log(None);
    }

    /// Writes the line of an invocation that has no report. Nothing of what it did was counted but its calls.
    fn log_failure(&self, failure: &Failure, now: Timestamp) {
        let line = Line { kind: WITHOUT_REPORT, account: None, summary: &Summary::default(), refused_roles: 0 };
        self.write(&line, now, &Why::Failure(failure));
    }

    fn write(&self, line: &Line<'_>, now: Timestamp, why: &Why<'_>) {
        let Line { kind, account, summary, refused_roles } = line;
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
        } = summary;
        let calls = self.calls.counts();
        // The level belongs to the place in the code, and the fields are the same.
        macro_rules! log {
            ($level:ident, $($own:tt)*) => {
                $level!(
                    $($own)*,
                    line = "summary",
                    kind,
                    account = account.map(AccountId::as_str),
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
                    refused_roles,
                    calls = calls.calls,
                    writes = calls.writes,
                    retries = calls.retries,
                    throttles = calls.throttles,
                    wait_ms = calls.wait.as_millis() as u64,
                    duration_ms = now.duration_since(self.arrived).as_millis().max(0) as u64,
                )
            };
        }
        match why {
            Why::Report(message) => log!(info, message),
            Why::Failure(Failure { error_type, error_message, .. }) => {
                log!(warn, message = "the invocation failed", error_type = &**error_type, error_message);
            }
        }
    }
}

/// The size up to which a message grows without being moved: most are shorter.
const USUAL_MESSAGE: usize = 80;

/// Appends a count. Most are a single digit.
fn push_count(text: &mut String, count: usize) {
    match u32::try_from(count).ok().and_then(|count| char::from_digit(count, 10)) {
        Some(digit) => text.push(digit),
        None => text.push_str(&count.to_string()),
    }
}

/// What a line counts besides calls.
struct Line<'a> {
    kind: &'static str,
    account: Option<&'a AccountId>,
    summary: &'a Summary,
    refused_roles: usize,
}

/// Why a line is written.
enum Why<'a> {
    /// There is a report, with this message.
    Report(&'a str),
    /// There is none.
    Failure(&'a Failure),
}

/// Whether a member's role refuses the function. It may not be rolled out, so that is no failure: but if most members
/// refuse, the function's own role may lack the right to assume theirs, and the API's code is the same.
fn is_refused_role(item: &Item) -> bool {
    let is_refused = |error: &ErrorReport| (error.action, error.code.as_str()) == ("AssumeRole", "NoPermission");
    item.outcome == Outcome::Skipped && item.error.as_ref().is_some_and(is_refused)
}
