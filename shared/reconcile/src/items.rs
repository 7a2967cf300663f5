//! The wording of results that are reported in several places.

use std::fmt;

use flow_log::{Action, FlowLogId, Plan, Resource, ResourceId, Verdict};
use openapi::{CallError, ErrorKind, Session, UnreadableItem};

use crate::{Item, Outcome, Target, read::Unread};

/// Says that a function may not make a call, as the end of a sentence.
pub(crate) fn may_not_call(action: Action) -> String {
    format!("this function may not call {action}")
}

/// A resource that is not changed, because nothing is wrong with it or because of `withheld`.
pub(crate) fn unchanged<C>(item: Item, plan: Plan<C>, withheld: Option<&str>) -> Item {
    let is_good = plan.converges && plan.changes.is_empty();
    let outcome = match plan.verdict {
        Verdict::Unknown => Outcome::Failed,
        Verdict::Excluded => Outcome::Skipped,
        _ if is_good => Outcome::Unchanged,
        _ => Outcome::Skipped,
    };
    let reason = match withheld {
        Some(why) => format!("{}; {why}", plan.reason),
        None => plan.reason,
    };
    Item {
        verdict: Some(plan.verdict),
        outcome,
        reason,
        flow_log_id: plan.flow_log,
        is_finding: !is_good,
        is_exception: plan.is_exception,
        ..item
    }
}

/// A change that is not made. `suffix` is appended to the reason it was planned for, and says why.
pub(crate) fn not_applied(item: Item, action: Action, flow_log: Option<&FlowLogId>, suffix: &str) -> Item {
    let reason = format!("{}{suffix}", item.reason);
    Item { action: Some(action), flow_log_id: flow_log.cloned(), outcome: Outcome::Skipped, reason, ..item }.finding()
}

/// A resource that another account owns and shares. Only its owner can create a flow log on it.
pub(crate) fn shared_by_other(session: &Session<'_>, resource: &Resource) -> Option<Item> {
    let is_shared = resource.account != *session.account();
    is_shared.then(|| {
        let reason = format!(
            "{} is shared by the account {}, and only that account can create a flow log on it",
            resource.id, resource.account
        );
        Item::of_resource(resource, Verdict::Unsupported, Outcome::Skipped, reason).in_session(session)
    })
}

/// The flow logs of `resource` could not be read.
pub(crate) fn flow_logs_unread(resource: &Resource, unread: &Unread) -> Item {
    let item = |reason| Item::of_resource(resource, Verdict::Unknown, Outcome::Failed, reason).finding();
    match unread {
        Unread::Call(error) if matches!(error.kind(), ErrorKind::Unsupported(_)) => {
            unsupported(Item::of_resource(resource, Verdict::Unsupported, Outcome::Skipped, ""), &resource.id, error)
        }
        Unread::Call(error) => item(format!("the flow logs of {} could not be read", resource.id)).with_error(error),
        Unread::Item(reason) => item(format!("the flow logs of {} could not all be read: {reason}", resource.id)),
    }
}

/// A resource that does not support flow logs. No retry would help.
pub(crate) fn unsupported(item: Item, resource: &dyn fmt::Display, error: &CallError) -> Item {
    let reason = format!("{resource} cannot have a flow log: {}", error.advice());
    Item { verdict: Some(Verdict::Unsupported), outcome: Outcome::Skipped, reason, ..item }.finding()
}

/// `target` could not be read.
pub(crate) fn target_unread(target: &Target, error: &CallError) -> Item {
    if matches!(error.kind(), ErrorKind::Unsupported(_)) {
        return unsupported(Item::of_target(target, Outcome::Skipped, ""), &target.kind, error);
    }
    let item = Item::of_target(target, Outcome::Failed, format!("{} could not be read", target.kind));
    Item { verdict: Some(Verdict::Unknown), ..item }.with_error(error).finding()
}

/// Resources or flow logs in the region of the session could not be read.
pub(crate) fn region_unread(session: &Session<'_>, what: &str, error: &CallError) -> Item {
    if error.kind() == ErrorKind::NoSuchRegion {
        let (account, region) = (session.account(), session.region());
        let reason =
            format!("the account {account} may not use {region}, or there is no such region: {}", error.advice());
        let item = Item::new(Outcome::Skipped, reason).in_session(session);
        return Item { verdict: Some(Verdict::Unsupported), ..item }.finding();
    }
    if matches!(error.kind(), ErrorKind::Unsupported(_)) {
        let reason = format!("{} has no {what}: {}", session.region(), error.advice());
        let item = Item::new(Outcome::Skipped, reason).in_session(session);
        return Item { verdict: Some(Verdict::Unsupported), ..item }.finding();
    }
    let reason = format!("the {what} of {} could not be read", session.region());
    let item = Item::new(Outcome::Failed, reason).in_session(session);
    Item { verdict: Some(Verdict::Unknown), ..item }.with_error(error).finding()
}

/// One item of a list could not be read. The others could.
pub(crate) fn item_unread(session: &Session<'_>, what: &str, found: &UnreadableItem) -> Item {
    let id = found.id.as_deref().unwrap_or("one without a readable id");
    let reason = format!("one of the {what} of {} could not be read, {id}: {}", session.region(), found.reason);
    let item = Item::new(Outcome::Skipped, reason).in_session(session);
    let parsed = found.id.as_ref().and_then(|text| text.parse::<ResourceId>().ok());
    let resource_type = parsed.map(|parsed| parsed.resource_type().as_str());
    Item { verdict: Some(Verdict::Unknown), resource_type, resource_id: found.id.clone(), ..item }.finding()
}
