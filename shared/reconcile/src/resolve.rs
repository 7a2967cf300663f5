//! Resolves what an event names to the resources whose flow logs are checked.

use std::collections::BTreeSet;

use flow_log::{Policy, Resource, ResourceId, Verdict, level};
use jiff::Timestamp;
use openapi::{CallError, Listing, NetworkInterfaceFilter, Session};

use crate::{Item, Outcome, Target, decision::Subject, items, poll::Poll, read, visibility::GONE_AFTER};

/// What is looked up.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// A resource.
    Resource(ResourceId),
    /// The network interfaces of an ECS instance.
    Instance(String),
}

/// Returns the resources, at the level of the policy, that `lookup` leads to, and the results where it leads to none.
/// `target` is the target that led to it.
pub(crate) async fn resolve(
    session: &Session<'_>,
    policy: &Policy,
    target: &Target,
    lookup: &Lookup,
) -> (Vec<Subject>, Vec<Item>) {
    let found = match find(session, lookup).await {
        Ok(found) => found,
        Err(error) => return (Vec::new(), vec![items::target_unread(target, &error)]),
    };
    let unread = found.unreadable.iter().map(|it| items::item_unread(session, "resources", it));
    let mut items: Vec<_> = unread.collect();
    if found.items.is_empty() {
        if items.is_empty() {
            items.push(not_visible(target, session.now()));
        }
        return (Vec::new(), items);
    }
    let subjects = Vec::with_capacity(found.items.len());
    let mut resolver = Resolver { session, policy, target, covering: BTreeSet::new(), subjects, items };
    for resource in found.items {
        resolver.add(resource).await;
    }
    (resolver.subjects, resolver.items)
}

struct Resolver<'a> {
    session: &'a Session<'a>,
    policy: &'a Policy,
    target: &'a Target,
    /// The VPCs and vSwitches that were looked up already, as one can cover many resources.
    covering: BTreeSet<ResourceId>,
    subjects: Vec<Subject>,
    items: Vec<Item>,
}

impl Resolver<'_> {
    /// Adds the resource or, if the policy keeps flow logs at a higher level, the VPC or vSwitch that covers it.
    async fn add(&mut self, resource: Resource) {
        let mut vpc = None;
        let level = match level(&resource, None, self.policy) {
            Some(level) => level,
            // The tags of its VPC decide.
            None => {
                let Some(found) = self.read_vpc(&resource).await else { return };
                match level(&resource, Some(vpc.insert(found)), self.policy) {
                    Some(level) => level,
                    // The level is still unknown. Keep the resource, so that its decision reports that.
                    None => resource.id.resource_type(),
                }
            }
        };
        let is_coarser = level < resource.id.resource_type();
        let covering = resource.parents.iter().find(|parent| is_coarser && parent.resource_type() == level);
        let Some(covering) = covering.cloned() else {
            self.subjects.push(Subject { resource, vpc, unannounced: None });
            return;
        };
        if !self.covering.insert(covering.clone()) {
            return;
        }
        // The tags of the covering resource say whether it may be changed, so it is read first.
        if let Some(vpc) = vpc.take_if(|vpc| vpc.id == covering) {
            self.subjects.push(Subject { resource: vpc, vpc: None, unannounced: None });
            return;
        }
        match find(self.session, &Lookup::Resource(covering.clone())).await {
            Ok(found) if found.items.is_empty() => self.items.push(covering_not_visible(self.target, &covering)),
            Ok(found) => {
                let subjects = found.items.into_iter().map(|parent| Subject {
                    resource: parent,
                    vpc: vpc.clone(),
                    unannounced: None,
                });
                self.subjects.extend(subjects);
            }
            Err(error) => self.items.push(items::target_unread(self.target, &error)),
        }
    }

    /// Returns the VPC of the resource. If it cannot be read, that is reported.
    async fn read_vpc(&mut self, resource: &Resource) -> Option<Resource> {
        let id = resource.vpc()?;
        match read::resource(self.session, id).await {
            Ok(found) => {
                let vpc = found.items.into_iter().next();
                if vpc.is_none() {
                    self.items.push(covering_not_visible(self.target, id));
                }
                vpc
            }
            Err(error) => {
                self.items.push(items::target_unread(self.target, &error));
                None
            }
        }
    }
}

/// Reads what the event names, and polls until it is visible.
async fn find(session: &Session<'_>, lookup: &Lookup) -> Result<Listing<Resource>, CallError> {
    let mut poll = Poll::new(session);
    let mut before = 0;
    loop {
        let found = match lookup {
            Lookup::Resource(id) => read::resource(session, id).await?,
            Lookup::Instance(id) => {
                let of_instance = NetworkInterfaceFilter { instance: Some(id), ..Default::default() };
                session.describe_network_interfaces(&of_instance).await?
            }
        };
        // The network interfaces of an instance appear one by one, and nothing says how many there will be. The list is
        // complete once two reads return the same number.
        let count = found.items.len() + found.unreadable.len();
        let is_all = count > 0 && (matches!(lookup, Lookup::Resource(_)) || count == before);
        if is_all || !poll.wait(session).await {
            return Ok(found);
        }
        before = count;
    }
}

fn not_visible(target: &Target, now: Timestamp) -> Item {
    let id = &target.kind;
    if target.is_older_than(GONE_AFTER, now) {
        return Item::of_target(target, Outcome::Skipped, format!("{id} is gone"));
    }
    let item = Item::of_target(target, Outcome::Failed, format!("{id} is not visible yet"));
    Item { verdict: Some(Verdict::Unknown), ..item }.finding()
}

fn covering_not_visible(target: &Target, covering: &ResourceId) -> Item {
    let reason = format!("{covering}, which {} is in, is not visible yet", target.kind);
    let item = Item::of_target(target, Outcome::Failed, reason);
    Item { verdict: Some(Verdict::Unknown), ..item }.finding()
}
