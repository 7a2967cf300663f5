//! From what an event names to the resource whose flow log is to be looked at.

use std::time::Duration;

use flow_log::{Policy, Resource, ResourceId, ResourceType, Verdict};
use jiff::{SignedDuration, Timestamp};
use openapi::{CallError, NetworkInterfaceFilter, Session};

use crate::{Item, Outcome, Target, What};

/// How long something that should be there is looked for, at most.
const LONGEST_LOOK: Duration = Duration::from_secs(30);
/// The first wait between two looks. Each further one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// What is not there so long after its event is gone.
const GONE_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// The resources, at the level of the policy, that `target` leads to.
pub(crate) async fn resolve(session: &Session<'_>, policy: &Policy, target: &Target) -> Result<Vec<Resource>, Item> {
    let is_elsewhere = *session.account() != target.account;
    // What is of another account is not seen later, either.
    let patience = if is_elsewhere { Duration::ZERO } else { patience(session) };
    let found = match find(session, &target.what, patience).await {
        Ok(found) if found.is_empty() && is_elsewhere => return Err(elsewhere(target)),
        Ok(found) if found.is_empty() => return Err(not_there(target, session.now())),
        Ok(found) => found,
        Err(error) => return Err(unread(target, &error)),
    };
    let mut resources: Vec<Resource> = Vec::new();
    for resource in found {
        let Some(whole) = whole(policy, &resource) else {
            resources.push(resource);
            continue;
        };
        if resources.iter().any(|known| known.id == *whole) {
            continue;
        }
        // Its tags say whether it may be touched, so it is not touched before they are read.
        match find(session, &What::Resource(whole.clone()), patience).await {
            Ok(found) if found.is_empty() => return Err(whole_not_there(target, whole)),
            Ok(found) => resources.extend(found),
            Err(error) => return Err(unread(target, &error)),
        }
    }
    Ok(resources)
}

/// How long something that should be there is looked for.
fn patience(session: &Session<'_>) -> Duration {
    session.time_left().map_or(LONGEST_LOOK, |left| LONGEST_LOOK.min(left / 2))
}

/// Reads what is to be looked at, and looks again, for so long at most, where it is not to be seen yet.
async fn find(session: &Session<'_>, what: &What, patience: Duration) -> Result<Vec<Resource>, CallError> {
    let started = session.now();
    let mut pause = FIRST_PAUSE;
    let mut before = 0;
    loop {
        let found = match what {
            What::Resource(id) => read(session, id).await?,
            What::Instance(id) => {
                interfaces(session, NetworkInterfaceFilter { instance: Some(id), ..Default::default() }).await?
            }
        };
        // The network interfaces of an instance appear one by one, and nobody says how many there will be: they are
        // all there once two looks see the same number.
        let is_whole = !found.is_empty() && (matches!(what, What::Resource(_)) || found.len() == before);
        let waited = session.now().duration_since(started).unsigned_abs();
        if is_whole || waited + pause > patience || session.wait(pause).await.is_err() {
            return Ok(found);
        }
        before = found.len();
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

async fn read(session: &Session<'_>, id: &ResourceId) -> Result<Vec<Resource>, CallError> {
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

fn elsewhere(target: &Target) -> Item {
    let (id, account) = (target.what.id(), &target.account);
    let reason = format!("{id} is of the account {account}, which this function does not look after");
    Item { is_finding: true, ..Item::of_target(target, Outcome::Skipped, reason) }
}

fn not_there(target: &Target, now: Timestamp) -> Item {
    let id = target.what.id();
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

fn whole_not_there(target: &Target, whole: &ResourceId) -> Item {
    let reason = format!("{whole}, which {} is part of, is not to be seen yet", target.what.id());
    let item = Item::of_target(target, Outcome::Failed, reason);
    Item { verdict: Some(Verdict::Unknown), is_finding: true, ..item }
}

fn unread(target: &Target, error: &CallError) -> Item {
    let item = Item::of_target(target, Outcome::Failed, format!("{} could not be read", target.what.id()));
    Item { verdict: Some(Verdict::Unknown), is_finding: true, ..item }.with_error(error)
}
