//! Flowkeeper's own flow logs in one region, and what lists said of their resources: what a sweep of orphans judges.

use std::collections::BTreeMap;

use flow_log::{FlowLog, Policy, Resource, ResourceId, ResourceType, Status, policy::Superfluous};

use crate::deletion::recorded_resource;

/// Flowkeeper's own flow logs that may have to be deleted.
#[derive(Debug, Default)]
pub(crate) struct OwnFlowLogs {
    pub(super) flow_logs: Vec<FlowLog>,
    /// Those of their resources that lists showed.
    pub(super) resources: BTreeMap<ResourceId, Resource>,
    /// How many others there are: their resource is there, and nobody asks whether they are superfluous.
    pub(super) kept: usize,
    /// How much is known of each level that was listed. The resources of other levels have yet to be looked up.
    pub(super) levels: BTreeMap<ResourceType, Listed>,
    /// Whether all are judged, because some may be superfluous.
    pub(super) judges_all: bool,
}

/// How much of a level a list has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// Every resource.
    Whole,
    /// Not those that could not be read, so a resource that the list lacks may be there.
    InPart,
    /// Nothing.
    Unread,
}

impl OwnFlowLogs {
    /// None yet, of a region with this policy.
    pub(super) fn for_policy(policy: &Policy) -> Self {
        Self { judges_all: policy.superfluous == Superfluous::Delete, ..Self::default() }
    }

    /// Adds a flow log, if it is one that may be deleted. `resource` is what it records, if a list has shown it.
    pub(super) fn add(&mut self, flow_log: &FlowLog, resource: Option<&Resource>) {
        if !is_deletable(flow_log) {
            return;
        }
        match resource {
            Some(_) if !self.judges_all => self.kept += 1,
            found => {
                self.resources.extend(found.map(|it| (it.id.clone(), it.clone())));
                self.flow_logs.push(flow_log.clone());
            }
        }
    }

    /// The ids of the resources of this type.
    pub(super) fn ids(&self, resource_type: ResourceType) -> Vec<ResourceId> {
        let ids = self.flow_logs.iter().filter_map(recorded_resource);
        ids.filter(|id| id.resource_type() == resource_type).collect()
    }
}

/// Whether a flow log may be deleted. This does not rely on the filter of an API call.
pub(super) fn is_deletable(flow_log: &FlowLog) -> bool {
    flow_log.is_own() && flow_log.status != Status::Deleting
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn only_own_flow_logs_that_are_not_being_deleted_are_deletable() {
        let own = testing::flow_log("fl-1", "vpc-1");
        assert!(is_deletable(&own));
        assert!(!is_deletable(&FlowLog { status: Status::Deleting, ..own.clone() }));
        assert!(!is_deletable(&FlowLog { tags: None, ..own.clone() }), "its owner is not known");
        assert!(!is_deletable(&FlowLog { tags: Some(flow_log::ObservedTags::new()), ..own }), "others made it");
    }

    #[test]
    fn of_a_flow_log_whose_resource_is_there_only_the_number_is_kept_unless_it_may_be_superfluous() {
        let (vpc, kept) = (testing::vpc("vpc-1"), testing::flow_log("fl-1", "vpc-1"));
        let (orphan, foreign) = (testing::flow_log("fl-2", "vpc-2"), testing::flow_log("fl-3", "vpc-3"));
        let foreign = FlowLog { tags: Some(flow_log::ObservedTags::new()), ..foreign };
        for (lines, judged, others) in [("", vec!["fl-2"], 1), ("superfluous: delete", vec!["fl-1", "fl-2"], 0)] {
            let mut own = OwnFlowLogs::for_policy(&testing::policy(lines));
            own.add(&kept, Some(&vpc));
            own.add(&orphan, None);
            own.add(&foreign, None);
            assert_eq!(own.flow_logs.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), judged, "{lines}");
            assert_eq!((own.kept, own.resources.len()), (others, 1 - others), "{lines}");
        }
    }
}
