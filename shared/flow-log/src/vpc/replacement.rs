//! Replacing a flow log: the proof that its successor can be created, the spec that restores the old one, and the mark
//! that stops further attempts.
//!
//! The API cannot change a flow log's destination or what it records: that takes a new flow log, and a resource holds
//! only one at a time. So the old one is gone before it is known whether the new one is accepted.

use sha2::{Digest as _, Sha256};

use crate::{
    Delivery, FlowLog, FlowLogSpec, Status,
    names::{AggregationInterval, MAX_TAGS, TagKey, TagValue, Tags, TrafficPath, TrafficType},
};

/// What decides whether the API accepts a flow log: its destination and what it records.
///
/// As far as the documents say, two flow logs of one account and region with the same recording are accepted or refused
/// alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recording {
    project: String,
    log_store: String,
    traffic_type: String,
    /// Sorted; `all`, the API's default, if the flow log names none.
    traffic_path: Vec<String>,
}

impl Recording {
    /// The key of the tag that marks a flow log whose replacement was refused; its value is the [`Recording::digest`]
    /// of the refused recording.
    pub const REFUSED_TAG: &str = "flowkeeper-replace-refused";

    /// The recording that `spec` asks for.
    #[must_use]
    pub fn desired(spec: &FlowLogSpec) -> Self {
        Self::new(
            spec.project.as_str(),
            spec.log_store.as_str(),
            spec.traffic_type.as_str(),
            spec.traffic_path.iter().map(|path| path.as_str()),
        )
    }

    /// The recording that `flow_log` proves possible, because it is active and its data arrives. `None` if that, or one
    /// of the fields, is not certain.
    #[must_use]
    pub fn proven_by(flow_log: &FlowLog) -> Option<Self> {
        let is_proof = flow_log.status == Status::Active
            && flow_log.delivery == Delivery::Working
            && flow_log.impairment().is_none();
        if !is_proof {
            return None;
        }
        Self::observed(flow_log)
    }

    /// The recording of a flow log that should be active and delivering by now, but is not: as far as is known, another
    /// one like it would do no better.
    #[must_use]
    pub fn doubted_by(flow_log: &FlowLog) -> Option<Self> {
        let is_on = matches!(flow_log.status, Status::Active | Status::Activating | Status::Modifying);
        if is_on && Self::proven_by(flow_log).is_none() { Self::observed(flow_log) } else { None }
    }

    fn observed(flow_log: &FlowLog) -> Option<Self> {
        let paths = flow_log.traffic_path.iter().flatten().map(String::as_str);
        Some(Self::new(
            flow_log.project.as_deref()?,
            flow_log.log_store.as_deref()?,
            flow_log.traffic_type.as_deref()?,
            paths,
        ))
    }

    fn new<'t>(project: &str, log_store: &str, traffic_type: &str, paths: impl Iterator<Item = &'t str>) -> Self {
        let mut traffic_path: Vec<_> = paths.map(str::to_owned).collect();
        if traffic_path.is_empty() {
            traffic_path.push(TrafficPath::All.as_str().to_owned());
        }
        traffic_path.sort_unstable();
        let own = str::to_owned;
        Self { project: own(project), log_store: own(log_store), traffic_type: own(traffic_type), traffic_path }
    }

    /// The first 16 hexadecimal digits of SHA-256 over the fields: short enough for a tag, and different as soon as the
    /// policy asks for something else.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let fields = [&self.project, &self.log_store, &self.traffic_type].into_iter().chain(&self.traffic_path);
        for field in fields {
            hash.update(field.as_bytes());
            // No field contains a zero byte, so no two recordings give the same bytes.
            hash.update([0]);
        }
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether `flow_log` is marked as refused for replacement by this recording.
    #[must_use]
    pub fn was_refused_for(&self, flow_log: &FlowLog) -> bool {
        let marks = flow_log.tags.as_ref().and_then(|tags| tags.get(Self::REFUSED_TAG));
        marks.is_some_and(|digest| *digest == self.digest())
    }
}

/// Returns the spec with which `flow_log` can be created again as it was, with its tags.
///
/// `None` if a field is unknown or breaks a limit of the API: then it could not be restored, and must not be deleted
/// for a replacement.
#[must_use]
pub fn recreation(flow_log: &FlowLog) -> Option<FlowLogSpec> {
    let tags = flow_log.tags.as_ref()?;
    // Only the cloud may set keys that it reserves.
    let is_reserved = |key: &str| key.starts_with("acs:") || key.starts_with("aliyun");
    let tags = tags.iter().filter(|(key, _)| !is_reserved(key));
    let mut kept = Tags::new();
    for (key, value) in tags {
        kept.insert(key.parse().ok()?, value.parse().ok()?);
    }
    let paths: Option<Vec<TrafficPath>> =
        flow_log.traffic_path.iter().flatten().map(|path| path.parse().ok()).collect();
    // Every path is the default, and an account without the feature may not name even that.
    let paths = paths.map(|paths| if paths == [TrafficPath::All] { Vec::new() } else { paths });
    let interval = match flow_log.aggregation_interval {
        Some(minutes) => minutes.to_string().parse().ok()?,
        None => AggregationInterval::Ten,
    };
    let ip_version = match &flow_log.ip_version {
        Some(version) => Some(version.parse().ok()?),
        None => None,
    };
    let resource_group_id = match &flow_log.resource_group_id {
        Some(group) => Some(group.parse().ok()?),
        None => None,
    };
    Some(FlowLogSpec {
        name: flow_log.name.as_ref()?.parse().ok()?,
        description: flow_log.description.as_ref()?.parse().ok()?,
        project: flow_log.project.as_ref()?.parse().ok()?,
        log_store: flow_log.log_store.as_ref()?.parse().ok()?,
        // The flow log was writing there.
        create_destination: None,
        traffic_type: flow_log.traffic_type.as_ref()?.parse::<TrafficType>().ok()?,
        traffic_path: paths?,
        aggregation_interval: interval,
        ip_version,
        resource_group_id,
        tags: kept,
    })
}

/// Whether a flow log with this spec has room for the mark that replacing it was refused.
#[must_use]
pub fn can_be_marked(spec: &FlowLogSpec) -> bool {
    spec.tags.len() < MAX_TAGS || spec.tags.keys().any(|key| key.as_str() == Recording::REFUSED_TAG)
}

/// Returns the spec with the mark that replacing it by `refused` was refused, if there is room for another tag.
#[must_use]
pub fn marked(spec: FlowLogSpec, refused: &Recording) -> FlowLogSpec {
    let mark = (Recording::REFUSED_TAG.parse::<TagKey>().ok(), refused.digest().parse::<TagValue>().ok());
    let mut spec = spec;
    if let ((Some(key), Some(value)), true) = (mark, can_be_marked(&spec)) {
        spec.tags.insert(key, value);
    }
    spec
}
