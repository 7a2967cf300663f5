//! Reports foreign flow logs that record the same traffic as one above them: that traffic is paid for twice.

use std::collections::BTreeSet;

use flow_log::{FlowLog, Resource, ResourceId, ResourceType, Verdict, superfluous_under};
use futures_util::{StreamExt as _, stream};
use openapi::Session;

use super::{inventory::Inventory, run::MAX_CONCURRENT};
use crate::{
    Item, Outcome,
    converge::Converger,
    items,
    read::{self, Unread},
    report::ReportBuilder,
};

/// Reports foreign flow logs on vSwitches and network interfaces that Flowkeeper's own flow log on their VPC or vSwitch
/// covers.
///
/// Resources at a level of the policy have been read already. The others are read here, if they have foreign flow logs.
pub(super) async fn report(converger: &Converger<'_>, inventory: &Inventory, report: &mut ReportBuilder) {
    let session = converger.session;
    if !converger.capabilities.selects.has_all_resources() {
        return;
    }
    let is_foreign = |flow_log: &&FlowLog| flow_log.tags.is_some() && !flow_log.is_own();
    let foreign = inventory.flow_logs.values().flatten().filter(is_foreign);
    let all_ids: BTreeSet<ResourceId> = foreign
        .filter_map(|flow_log| flow_log.resource_id.parse().ok())
        .filter(|id: &ResourceId| id.resource_type() != ResourceType::Vpc && !inventory.resources.contains(id.as_str()))
        .collect();
    for level in [ResourceType::VSwitch, ResourceType::NetworkInterface] {
        let ids: Vec<_> = all_ids.iter().filter(|id| id.resource_type() == level).cloned().collect();
        let found = match read::resources(session, level, &ids).await {
            Ok(found) => {
                let unread = found.unreadable.iter().map(|it| items::item_unread(session, level.plural(), it));
                report.items.extend(unread);
                found.items
            }
            Err(error) => {
                report.items.push(items::region_unread(session, &format!("{} with flow logs", level.plural()), &error));
                continue;
            }
        };
        let reads: Vec<_> = found.iter().map(|resource| Box::pin(flow_logs(session, resource))).collect();
        let mut reads = stream::iter(reads).buffered(MAX_CONCURRENT);
        while let Some((resource, observed)) = reads.next().await {
            match observed {
                Ok(observed) => report.items.extend(foreign_items(session, resource, &observed)),
                Err(unread @ Unread::Call(_)) => report.items.push(items::flow_logs_unread(resource, &unread)),
                // The unreadable item has been reported with the list.
                Err(Unread::Item(_)) => {}
            }
        }
    }
}

async fn flow_logs<'r>(session: &Session<'_>, resource: &'r Resource) -> (&'r Resource, Result<Vec<FlowLog>, Unread>) {
    (resource, read::flow_logs(session, resource).await)
}

/// Returns the foreign flow logs on `resource` that one of Flowkeeper's own above it makes superfluous.
pub(super) fn foreign(session: &Session<'_>, resource: &Resource, observed: &[FlowLog]) -> Vec<Item> {
    foreign_items(session, resource, observed).collect()
}

fn foreign_items<'f>(
    session: &'f Session<'_>,
    resource: &'f Resource,
    observed: &'f [FlowLog],
) -> impl Iterator<Item = Item> + 'f {
    let found = superfluous_under(resource, observed).into_iter().filter(|(flow_log, _)| !flow_log.is_own());
    found.map(move |(flow_log, cover)| {
        let reason = format!(
            "{} on {}, which others made, records what {} on {} records already: it is paid for twice",
            flow_log.id, flow_log.resource_id, cover.id, cover.resource_id
        );
        Item::of_flow_log(session, flow_log, Verdict::Foreign, Outcome::Skipped, reason)
    })
}
