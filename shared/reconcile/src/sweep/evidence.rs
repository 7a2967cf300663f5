//! What a sweep has seen for or against replacements in its account and region.

use std::collections::{BTreeMap, BTreeSet};

use flow_log::{FlowLog, FlowLogId, Recording};

/// What a sweep has seen for or against replacements in its account and region.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The recordings of flow logs that are active and deliver.
    proven: BTreeSet<Recording>,
    /// The recordings of flow logs that should record and deliver but do not, with one such flow log each.
    doubted: BTreeMap<Recording, FlowLogId>,
    /// Flow logs with a tag that marks a refused replacement, and the digest in it.
    marks: Vec<(FlowLogId, String)>,
}

impl Evidence {
    /// Adds what a flow log says about replacements.
    pub(super) fn add(&mut self, flow_log: &FlowLog) {
        self.proven.extend(Recording::proven_by(flow_log));
        self.doubted.extend(Recording::doubted_by(flow_log).map(|recording| (recording, flow_log.id.clone())));
        let mark = flow_log.tags.as_ref().and_then(|tags| tags.get(Recording::REFUSED_TAG));
        self.marks.extend(mark.map(|digest| (flow_log.id.clone(), digest.clone())));
    }

    /// Whether a flow log with this recording is known to record and deliver.
    pub(super) fn proves(&self, recording: &Recording) -> bool {
        self.proven.contains(recording)
    }

    /// Returns a flow log with this recording that does not show that it records and delivers.
    pub(super) fn doubt(&self, recording: &Recording) -> Option<&FlowLogId> {
        self.doubted.get(recording)
    }

    /// Returns the flow log whose mark stops all replacements, if one of these recordings was refused before.
    pub(super) fn mark<'r>(&self, desired: impl IntoIterator<Item = &'r Recording>) -> Option<&FlowLogId> {
        let digests: BTreeSet<_> = desired.into_iter().map(Recording::digest).collect();
        self.marks.iter().find(|(_, digest)| digests.contains(digest)).map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use flow_log::{Delivery, FlowLogSpec, Status};

    use super::*;
    use crate::testing;

    fn evidence(flow_logs: &[FlowLog]) -> Evidence {
        let mut evidence = Evidence::default();
        for flow_log in flow_logs {
            evidence.add(flow_log);
        }
        evidence
    }

    #[test]
    fn only_a_flow_log_that_records_and_delivers_is_proof() {
        let working = testing::flow_log("fl-1", "vpc-1");
        let recording = Recording::desired(&testing::spec());
        let failing = FlowLog { delivery: Delivery::Failed("no such project".to_owned()), ..working.clone() };
        let activating = FlowLog { status: Status::Activating, ..working.clone() };
        let inactive = FlowLog { status: Status::Inactive, ..working.clone() };
        let elsewhere = FlowLog { project: Some("another-project".to_owned()), ..working.clone() };
        for (name, flow_log, is_proof, is_doubt) in [
            ("working", working, true, false),
            ("failing", failing, false, true),
            ("activating", activating, false, true),
            ("inactive", inactive, false, false),
            ("elsewhere", elsewhere, false, false),
        ] {
            let evidence = evidence(&[flow_log]);
            assert_eq!(
                (evidence.proves(&recording), evidence.doubt(&recording).is_some()),
                (is_proof, is_doubt),
                "{name}"
            );
        }
    }

    #[test]
    fn a_mark_stops_replacements_by_the_recording_that_was_refused_and_no_other() {
        let refused = Recording::desired(&testing::spec());
        let mut marked = testing::flow_log("fl-7", "vpc-7");
        let tags = marked.tags.as_mut().unwrap();
        tags.insert(Recording::REFUSED_TAG.to_owned(), refused.digest());
        let evidence = evidence(&[testing::flow_log("fl-1", "vpc-1"), marked]);
        assert_eq!(evidence.mark([&refused]).map(FlowLogId::as_str), Some("fl-7"));
        let other = Recording::desired(&FlowLogSpec { log_store: "other".parse().unwrap(), ..testing::spec() });
        assert_eq!(evidence.mark([&other]), None);
        assert_eq!(evidence.mark([]), None);
    }
}
