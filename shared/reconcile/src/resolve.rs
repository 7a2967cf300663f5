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
pub(crate) async fn resolve(
    session: &Session<'_>,
    policy: &Policy,
    target: &Target,
    now: Timestamp,
) -> Result<Vec<Resource>, Item> {
    let is_elsewhere = *session.account() != target.account;
    // What is of another account is not seen later, either.
    let most = if is_elsewhere { Duration::ZERO } else { patience(session) };
    let found = match find(session, &target.what, most).await {
        Ok(found) if found.is_empty() && is_elsewhere => return Err(elsewhere(target)),
        Ok(found) if found.is_empty() => return Err(not_there(target, now)),
        Ok(found) => found,
        Err(error) => return Err(unread(target, &error)),
    };
    let mut resources: Vec<Resource> = Vec::new();
    for resource in found {
        match climb(session, policy, resource).await {
            Ok(resource) if resources.iter().any(|known| known.id == resource.id) => {}
            Ok(resource) => resources.push(resource),
            Err(error) => return Err(unread(target, &error)),
        }
    }
    Ok(resources)
}

fn patience(session: &Session<'_>) -> Duration {
    session.time_left().map_or(LONGEST_LOOK, |left| LONGEST_LOOK.min(left / 2))
}

/// Reads what is to be looked at, and looks again, for so long at most, where it is not to be seen yet.
async fn find(session: &Session<'_>, what: &What, most: Duration) -> Result<Vec<Resource>, CallError> {
    let mut waited = Duration::ZERO;
    let mut pause = FIRST_PAUSE;
    loop {
        let found = match what {
            What::Resource(id) => read(session, id).await?,
            What::Instance(id) => {
                interfaces(session, NetworkInterfaceFilter { instance: Some(id), ..Default::default() }).await?
            }
        };
        if !found.is_empty() || waited + pause > most || session.wait(pause).await.is_err() {
            return Ok(found);
        }
        waited += pause;
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

async fn interfaces(session: &Session<'_>, filter: NetworkInterfaceFilter<'_>) -> Result<Vec<Resource>, CallError> {
    session.describe_network_interfaces(&filter).await
}

/// The resource itself, or the one that it is part of and whose flow log covers it.
async fn climb(session: &Session<'_>, policy: &Policy, resource: Resource) -> Result<Resource, CallError> {
    let level = flow_log::level(&resource, policy);
    // Who is left alone stays where he is: what is said about a part says nothing about the whole.
    let parent = match resource.parents.iter().find(|parent| parent.resource_type() == level) {
        Some(parent) if level < resource.id.resource_type() => parent,
        _ => return Ok(resource),
    };
    // A parent that is not to be seen has no tags to tell of, and its flow log is looked for all the same.
    Ok(read(session, parent).await?.pop().unwrap_or_else(|| Resource {
        id: parent.clone(),
        parents: resource.parents.iter().filter(|other| other.resource_type() < level).cloned().collect(),
        tags: [].into(),
        ..resource.clone()
    }))
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

fn unread(target: &Target, error: &CallError) -> Item {
    let item = Item::of_target(target, Outcome::Failed, format!("{} could not be read", target.what.id()));
    Item { verdict: Some(Verdict::Unknown), is_finding: true, ..item }.with_error(error)
}
