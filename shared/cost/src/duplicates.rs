//! Flow logs that record what another one records already, and so cost twice.

use std::collections::BTreeMap;

use flow_log::{FlowLog, FlowLogId, ResourceId, proof::recorded};

/// Returns the flow logs that record nothing but what another one records, and that other one: on the VPC or vSwitch that
/// contains their resource, or an older one on the resource itself.
///
/// `parents` are the resources that contain each resource, and `records` says whether a flow log is on, at least at times.
/// What is not known to contain a resource makes nothing a duplicate.
#[must_use]
pub fn duplicates(
    flow_logs: &[FlowLog],
    parents: impl Fn(&ResourceId) -> Vec<ResourceId>,
    records: impl Fn(&FlowLog) -> bool,
) -> BTreeMap<FlowLogId, FlowLogId> {
    let on: Vec<_> =
        flow_logs.iter().filter(|flow_log| records(flow_log)).filter_map(|it| Some((recorded(it)?, it))).collect();
    let mut by_resource: BTreeMap<&ResourceId, Vec<&FlowLog>> = BTreeMap::new();
    for (resource, flow_log) in &on {
        by_resource.entry(resource).or_default().push(flow_log);
    }
    let mut found = BTreeMap::new();
    for (resource, flow_log) in &on {
        let parents = parents(resource);
        let wider = parents.iter().filter_map(|parent| by_resource.get(parent)).flatten();
        let age = |of: &FlowLog| (of.creation_time, of.id.clone());
        let older = by_resource[resource].iter().filter(|other| age(other) < age(flow_log));
        if let Some(other) = wider.chain(older).find(|other| includes(other, flow_log)) {
            found.insert(flow_log.id.clone(), other.id.clone());
        }
    }
    found
}

/// Whether a flow log records all that `other` records, where both see the same traffic.
fn includes(flow_log: &FlowLog, other: &FlowLog) -> bool {
    let is = |value: &Option<String>, word: &str| value.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(word));
    let traffic = is(&flow_log.traffic_type, "All") || flow_log.traffic_type == other.traffic_type;
    let version = is(&flow_log.ip_version, "DualStack") || flow_log.ip_version == other.ip_version;
    let paths = match (&flow_log.traffic_path, &other.traffic_path) {
        (None, _) => true,
        (Some(all), None) => all.iter().any(|path| path.eq_ignore_ascii_case("all")),
        (Some(all), Some(some)) => {
            all.iter().any(|path| path.eq_ignore_ascii_case("all")) || some.iter().all(|path| all.contains(path))
        }
    };
    traffic && version && paths
}
