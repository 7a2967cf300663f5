//! The destinations that the flow logs of a region write to, of those that the policy creates.

use std::collections::BTreeMap;

use flow_log::{DesiredFlowLog, FlowLog, FlowLogSpec};

use crate::{
    Item,
    converge::Converger,
    destinations::{Looked, Occasion},
};

/// The destinations that Flowkeeper's own flow logs write to and that the policy creates, each with a flow log that is
/// desired there: of those that share it, one that asks for the longest retention.
#[derive(Debug, Default)]
pub(super) struct DestinationsInUse(BTreeMap<(String, String), FlowLogSpec>);

impl DestinationsInUse {
    /// Adds the destination of the desired flow log, if one of those that were observed writes to it.
    pub(super) fn add(&mut self, desired: Option<&DesiredFlowLog>, observed: &[FlowLog]) {
        let Some(spec) = desired.map(|desired| &desired.spec) else { return };
        let Some(create) = spec.create_destination else { return };
        let (project, log_store) = (spec.project.as_str(), spec.log_store.as_str());
        let writes_there = |it: &FlowLog| {
            it.is_own() && it.project.as_deref() == Some(project) && it.log_store.as_deref() == Some(log_store)
        };
        if !observed.iter().any(writes_there) {
            return;
        }
        let known = self.0.entry((project.to_owned(), log_store.to_owned())).or_insert_with(|| spec.clone());
        if known.create_destination.is_none_or(|known| known.retention_days < create.retention_days) {
            known.create_destination = Some(create);
        }
    }

    /// Completes what is missing of the destinations: an index, days of retention, or all of it. Returns the results.
    pub(super) async fn keep(self, converger: &Converger<'_>) -> Vec<Item> {
        let Converger { session, writer, destinations, .. } = *converger;
        let mut results = Vec::new();
        for spec in self.0.values() {
            let Looked { items, .. } = destinations.look(session, writer, spec, Occasion::InUse).await;
            results.extend(items);
        }
        results
    }
}

#[cfg(test)]
mod tests {
    use flow_log::{CreateDestination, GovernedBy};

    use super::*;
    use crate::testing;

    fn desired(retention_days: Option<u16>) -> DesiredFlowLog {
        let create_destination = retention_days.map(|retention_days| CreateDestination { retention_days });
        let spec = FlowLogSpec { create_destination, ..testing::spec() };
        DesiredFlowLog { spec, is_on: true, governed_by: GovernedBy::Always, note: None }
    }

    #[test]
    fn a_destination_counts_if_the_policy_creates_it_and_a_flow_log_of_flowkeeper_writes_to_it() {
        let own = testing::flow_log("fl-1", "vpc-1");
        let foreign = FlowLog { tags: Some(flow_log::ObservedTags::new()), ..own.clone() };
        let unread = FlowLog { tags: None, ..own.clone() };
        let elsewhere = FlowLog { log_store: Some("other".to_owned()), ..own.clone() };
        for (name, desired, observed, expected) in [
            ("in use", Some(desired(Some(30))), vec![elsewhere.clone(), own.clone()], 1),
            ("not created by the policy", Some(desired(None)), vec![own.clone()], 0),
            ("no flow log is desired", None, vec![own], 0),
            ("of somebody else", Some(desired(Some(30))), vec![foreign, unread], 0),
            ("elsewhere", Some(desired(Some(30))), vec![elsewhere], 0),
        ] {
            let mut in_use = DestinationsInUse::default();
            in_use.add(desired.as_ref(), &observed);
            assert_eq!(in_use.0.len(), expected, "{name}");
        }
    }

    #[test]
    fn of_those_that_share_a_destination_the_longest_retention_counts() {
        let observed = [testing::flow_log("fl-1", "vpc-1")];
        let mut in_use = DestinationsInUse::default();
        for days in [30, 180, 90] {
            in_use.add(Some(&desired(Some(days))), &observed);
        }
        let kept: Vec<_> = in_use.0.values().map(|spec| spec.create_destination.unwrap().retention_days).collect();
        assert_eq!(kept, [180]);
    }
}
