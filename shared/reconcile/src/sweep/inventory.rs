//! What a sweep reads of one region.

use std::collections::{BTreeMap, BTreeSet};

use flow_log::{FlowLog, Resource, ResourceId, ResourceType, Status};
use futures_util::TryStreamExt as _;
use openapi::{Entry, FlowLogFilter, Listing};

use super::{
    destinations_in_use::DestinationsInUse,
    evidence::Evidence,
    own::{Listed, OwnFlowLogs},
    sorted::{Seen, Sorted},
};
use crate::{Selection, converge::Converger, items, limits::Withheld, read, report::ReportBuilder};

/// What was read of one region.
///
/// Flow logs of resources that need no change are judged as they arrive and not kept. So memory holds only the
/// resources and the flow logs that need attention.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) resources: Sorted,
    /// The VPCs, if their tags decide about the level of the resources in them.
    pub(super) vpcs: BTreeMap<ResourceId, Resource>,
    /// By the id of the resource that they are on.
    pub(super) flow_logs: BTreeMap<String, Vec<FlowLog>>,
    /// The levels whose resources were all read.
    pub(super) levels: BTreeSet<ResourceType>,
    /// Whether some flow log could not be read. Then no flow log is known to be missing.
    pub(super) has_unread_flow_logs: bool,
    /// Whether some resource could not be read. Then no resource is known to be gone.
    pub(super) has_unread_resources: bool,
    pub(super) evidence: Evidence,
    pub(super) destinations: DestinationsInUse,
    /// Flowkeeper's own flow logs, if a sweep of orphans follows.
    pub(super) own: Option<OwnFlowLogs>,
}

impl Inventory {
    /// Reads the resources first and the flow logs last, so that a resource created meanwhile is not mistaken for one
    /// without a flow log.
    ///
    /// Reports what cannot be read. Returns `None` if that is the flow logs, or every level.
    pub(super) async fn read(converger: &Converger<'_>, report: &mut ReportBuilder) -> Option<Self> {
        let (policy, session) = (converger.policy, converger.session);
        let is_followed = converger.capabilities.selects == Selection::Everything;
        let own = is_followed.then(|| OwnFlowLogs::for_policy(policy));
        let mut inventory = Self { own, ..Self::default() };
        let mut levels = policy.levels();
        let needs_vpcs = policy.coverage_needs_vpc_tags() && levels.iter().any(|level| *level != ResourceType::Vpc);
        let reads_vpcs_for_tags = needs_vpcs && levels.insert(ResourceType::Vpc);
        for level in levels {
            match read::all_resources(session, level).await {
                Ok(found) => {
                    let is_for_tags = reads_vpcs_for_tags && level == ResourceType::Vpc;
                    inventory.add_resources(converger, level, found, is_for_tags, report);
                }
                Err(error) => {
                    inventory.has_unread_resources = true;
                    inventory.note(level, Listed::Unread);
                    report.items.push(items::region_unread(session, level.plural(), &error));
                }
            }
        }
        if inventory.levels.is_empty() {
            return None;
        }
        let filter = FlowLogFilter::default();
        let mut found = session.flow_logs(&filter);
        loop {
            match found.try_next().await {
                Ok(Some(Entry::Read(flow_log))) => inventory.add_flow_log(converger, flow_log, report),
                Ok(Some(Entry::Unreadable(unreadable))) => {
                    inventory.has_unread_flow_logs = true;
                    report.items.push(items::item_unread(session, "flow logs", &unreadable));
                }
                Ok(None) => break,
                Err(error) => {
                    report.items.push(items::region_unread(session, "flow logs", &error));
                    return None;
                }
            }
        }
        drop(found);
        Some(inventory)
    }

    /// Adds the resources of a level, or only their tags, if they have no flow logs of their own.
    fn add_resources(
        &mut self,
        converger: &Converger<'_>,
        level: ResourceType,
        found: Listing<Resource>,
        is_for_tags: bool,
        report: &mut ReportBuilder,
    ) {
        let (policy, session) = (converger.policy, converger.session);
        let Listing { items: resources, unreadable } = found;
        if let Some(observer) = converger.writer.observer() {
            for resource in &resources {
                observer.resource_read(session.account(), session.region(), resource);
            }
        }
        self.has_unread_resources |= !unreadable.is_empty();
        self.note(level, if unreadable.is_empty() { Listed::Whole } else { Listed::InPart });
        report.items.extend(unreadable.iter().map(|it| items::item_unread(session, level.plural(), it)));
        if level == ResourceType::Vpc && policy.coverage_needs_vpc_tags() {
            self.vpcs.extend(resources.iter().map(|vpc| (vpc.id.clone(), vpc.clone())));
        }
        if !is_for_tags {
            self.levels.insert(level);
            self.resources.add(resources);
        }
    }

    /// Notes for the sweep of orphans how much of a level was read.
    fn note(&mut self, level: ResourceType, listed: Listed) {
        if let Some(own) = &mut self.own {
            own.levels.insert(level, listed);
        }
    }

    /// Reports a flow log whose resource needs no change, or else keeps it.
    fn add_flow_log(&mut self, converger: &Converger<'_>, flow_log: FlowLog, report: &mut ReportBuilder) {
        if converger.policy.replace {
            self.evidence.add(&flow_log);
        }
        if let Some(observer) = converger.writer.observer() {
            observer.flow_log_read(converger.session.account(), converger.session.region(), &flow_log);
        }
        if let Some(own) = &mut self.own {
            let of_tags = || flow_log.resource_id.parse().ok().and_then(|id: ResourceId| self.vpcs.get(&id));
            own.add(&flow_log, self.resources.get(&flow_log.resource_id).or_else(of_tags));
        }
        let is_first = !self.flow_logs.contains_key(&flow_log.resource_id);
        if let Some((resource, seen)) = self.resources.find(&flow_log.resource_id) {
            match *seen {
                Seen::Unjudged if is_first => {
                    // If nothing inside the resource is judged, its flow log is needed for no other resource.
                    let is_finest = self.levels.last() == Some(&resource.id.resource_type());
                    let is_shared = resource.account != *converger.session.account();
                    // If it is not active, it matters whether a flow log on its VPC or vSwitch records.
                    let is_enough = flow_log.status == Status::Active || resource.parents.is_empty();
                    if is_finest && is_enough && !is_shared {
                        let vpc = resource.vpc().and_then(|vpc| self.vpcs.get(vpc));
                        let flow_logs = std::slice::from_ref(&flow_log);
                        let decision = converger.decide(resource, vpc, flow_logs, Withheld::default());
                        if !decision.out_of_scope && decision.is_in_order() {
                            self.destinations.add(decision.desired.as_deref(), flow_logs);
                            let is_exception = decision.plan.is_exception;
                            *seen = Seen::InOrder { is_exception };
                            let item = || decision.into_item(resource, flow_logs, converger.listing);
                            report.add_in_order(is_exception, item);
                            return;
                        }
                    }
                }
                Seen::InOrder { is_exception } => {
                    report.retract(&resource.id, is_exception);
                    *seen = Seen::HasAnother;
                }
                Seen::Unjudged | Seen::HasAnother => {}
            }
        }
        self.flow_logs.entry(flow_log.resource_id.clone()).or_default().push(flow_log);
    }

    /// Returns the flow logs on the resource, its vSwitch and its VPC. Those on the resource are removed if no other
    /// resource needs them.
    pub(super) fn take(&mut self, resource: &Resource) -> Vec<FlowLog> {
        // At a coarser level, the flow log also covers the resources inside.
        let is_finest = self.levels.last() == Some(&resource.id.resource_type());
        let own = if is_finest {
            self.flow_logs.remove(resource.id.as_str())
        } else {
            self.flow_logs.get(resource.id.as_str()).cloned()
        };
        let parents = resource.parents.iter().filter_map(|parent| self.flow_logs.get(parent.as_str())).flatten();
        own.into_iter().flatten().chain(parents.cloned()).collect()
    }
}
