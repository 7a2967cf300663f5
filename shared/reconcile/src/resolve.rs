//! From what an event names to the resource whose flow log is to be looked at.

use std::collections::BTreeSet;

use flow_log::{Policy, Resource, ResourceId, ResourceType, Verdict};
use jiff::{SignedDuration, Timestamp};
use openapi::{CallError, NetworkInterfaceFilter, Session};

use crate::{Item, Outcome, Target, settle::is_unsupported, wait::Pauses};

/// What is not there so long after its event is gone.
const GONE_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// What an event names.
pub(crate) enum Sought {
    Resource(ResourceId),
    /// The network interfaces of an ECS instance.
    InterfacesOf(String),
}

/// The resources, at the level of the policy, that `what`, which `target` named, leads to; and what there is to say of
/// those that it leads to in vain.
pub(crate) async fn resolve(
    session: &Session<'_>,
    policy: &Policy,
    target: &Target,
    what: &Sought,
) -> (Vec<Resource>, Vec<Item>) {
    let is_elsewhere = *session.account() != target.account;
    // What is of another account is not seen later, either.
    let pauses = || if is_elsewhere { Pauses::none() } else { Pauses::new(session) };
    let in_vain = |item| (Vec::new(), vec![item]);
    let found = match find(session, what, pauses()).await {
        Ok(found) if found.is_empty() && is_elsewhere => return in_vain(elsewhere(target)),
        Ok(found) if found.is_empty() => return in_vain(not_there(target, session.now())),
        Ok(found) => found,
        Err(error) => return in_vain(unread(target, &error)),
    };
    let (mut resources, mut items) = (Vec::<Resource>::new(), Vec::new());
    let mut sought = BTreeSet::new();
    for resource in found {
        let Some(whole) = whole(policy, &resource) else {
            resources.push(resource);
            continue;
        };
        if !sought.insert(whole.clone()) {
            continue;
        }
        // Its tags say whether it may be touched, so it is not touched before they are read.
        match find(session, &Sought::Resource(whole.clone()), pauses()).await {
            Ok(found) if found.is_empty() => items.push(whole_not_there(target, whole)),
            Ok(found) => resources.extend(found),
            Err(error) => items.push(unread(target, &error)),
        }
    }
    (resources, items)
}

/// Reads what is to be looked at, and looks again where it is not to be seen yet.
async fn find(session: &Session<'_>, what: &Sought, mut pauses: Pauses) -> Result<Vec<Resource>, CallError> {
    let mut before = 0;
    loop {
        let found = match what {
            Sought::Resource(id) => read(session, id).await?,
            Sought::InterfacesOf(id) => {
                interfaces(session, NetworkInterfaceFilter { instance: Some(id), ..Default::default() }).await?
            }
        };
        // The network interfaces of an instance appear one by one, and nobody says how many there will be: they are
        // all there once two looks see the same number.
        let is_whole = !found.is_empty() && (matches!(what, Sought::Resource(_)) || found.len() == before);
        if is_whole || !pauses.wait(session).await {
            return Ok(found);
        }
        before = found.len();
    }
}

/// The resource with this id, where it is to be seen.
pub(crate) async fn read(session: &Session<'_>, id: &ResourceId) -> Result<Vec<Resource>, CallError> {
    let ids = std::slice::from_ref(id);
    match id.resource_type() {
        ResourceType::Vpc => session.describe_vpcs(ids).await,
        ResourceType::VSwitch => session.describe_vswitches(ids).await,
        ResourceType::NetworkInterface => {
            interfaces(session, NetworkInterfaceFilter { ids, ..Default::default() }).await
        }
    }
}

/// What `resource` is part of and whose flow log covers it, where the policy keeps flow logs at that level.
fn whole<'r>(policy: &Policy, resource: &'r Resource) -> Option<&'r ResourceId> {
    let level = flow_log::level(resource, policy);
    let is_coarser = level < resource.id.resource_type();
    resource.parents.iter().find(|parent| is_coarser && parent.resource_type() == level)
}

async fn interfaces(session: &Session<'_>, filter: NetworkInterfaceFilter<'_>) -> Result<Vec<Resource>, CallError> {
    session.describe_network_interfaces(&filter).await
}

/// What there is to say of what is in an account that nobody named a role for.
pub(crate) fn elsewhere(target: &Target) -> Item {
    let (id, account) = (&target.what, &target.account);
    let reason = format!("{id} is of the account {account}, which this function does not look after");
    Item { is_finding: true, ..Item::of_target(target, Outcome::Skipped, reason) }
}

fn not_there(target: &Target, now: Timestamp) -> Item {
    let id = &target.what;
    match target.since {
        Some(since) if now.duration_since(since) > GONE_AFTER => {
            Item::of_target(target, Outcome::Skipped, format!("{id} is gone"))
        }
        _ => Item {
            verdict: Some(Verdict::Unknown),
            is_finding: true,
            ..Item::of_target(target, Outcome::Failed, format!("{id} is not to be seen yet"))
        },
    }
}

/// What there is to say of something that was deleted, and can still be seen.
pub(crate) fn still_there(target: &Target, now: Timestamp) -> Item {
    let id = &target.what;
    match target.since {
        Some(since) if now.duration_since(since) > GONE_AFTER => {
            Item::of_target(target, Outcome::Skipped, format!("{id} is there"))
        }
        _ => Item {
            verdict: Some(Verdict::Unknown),
            is_finding: true,
            ..Item::of_target(target, Outcome::Failed, format!("{id} was deleted, and can still be seen"))
        },
    }
}

fn whole_not_there(target: &Target, whole: &ResourceId) -> Item {
    let reason = format!("{whole}, which {} is part of, is not to be seen yet", &target.what);
    let item = Item::of_target(target, Outcome::Failed, reason);
    Item { verdict: Some(Verdict::Unknown), is_finding: true, ..item }
}

/// What there is to say where `target` could not be read.
pub(crate) fn unread(target: &Target, error: &CallError) -> Item {
    if is_unsupported(error) {
        let reason = format!("{} can have no flow log: {}", &target.what, error.advice());
        let item = Item::of_target(target, Outcome::Skipped, reason);
        return Item { verdict: Some(Verdict::Unsupported), is_finding: true, ..item };
    }
    let item = Item::of_target(target, Outcome::Failed, format!("{} could not be read", &target.what));
    Item { verdict: Some(Verdict::Unknown), is_finding: true, ..item }.with_error(error)
}
