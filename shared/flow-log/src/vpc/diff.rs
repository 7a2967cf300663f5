//! How a flow log differs from what the policy wants, and what fixes each difference.

use std::borrow::Cow;

use crate::{
    Change, FlowLog, FlowLogSpec, FlowLogUpdate, Resource, Status,
    names::{Tags, TrafficPath, TrafficType},
};

/// The differences between a flow log and its desired spec.
///
/// Fields that the policy does not set are not compared, and a field that the response lacks is not a difference.
#[derive(Debug)]
pub(crate) struct Diff {
    /// Each difference, as a phrase: `project is "theirs", not "flowlog"`.
    pub(crate) differences: Vec<String>,
    /// The changes that fix what can be changed in place. A tag is set at once, while an update makes the flow log
    /// pending for a while, so the update comes last.
    pub(crate) in_place: Vec<Change>,
    /// Whether some difference can only be fixed by a new flow log.
    pub(crate) needs_new: bool,
}

/// What fixes one difference.
enum Fix {
    /// A new flow log.
    Replace,
    /// `MoveResourceGroup`.
    Move,
    /// `ModifyFlowLogAttribute` with this field.
    Update(fn(&mut FlowLogUpdate, &FlowLogSpec)),
}

impl Diff {
    pub(crate) fn of(flow_log: &FlowLog, spec: &FlowLogSpec) -> Self {
        let mut diff = Self { differences: Vec::new(), in_place: Vec::new(), needs_new: false };
        let (id, mut update) = (&flow_log.id, FlowLogUpdate::default());
        let mut move_to = None;
        for (what, observed, desired, fix) in rows(flow_log, spec) {
            let (Some(observed), Some(desired)) = (observed, desired) else { continue };
            if observed == desired {
                continue;
            }
            diff.differences.push(format!("{what} is {observed:?}, not {desired:?}"));
            match fix {
                Fix::Replace => diff.needs_new = true,
                Fix::Move => move_to.clone_from(&spec.resource_group_id),
                Fix::Update(set) => set(&mut update, spec),
            }
        }
        let tags = diff.tags(flow_log, spec);
        if !tags.is_empty() {
            diff.in_place.push(Change::Tag(id.clone(), tags));
        }
        diff.in_place.extend(move_to.map(|group| Change::Move(id.clone(), group)));
        if update != FlowLogUpdate::default() {
            diff.in_place.push(Change::Modify(id.clone(), update));
        }
        diff
    }

    /// Returns the tags to set. Foreign flow logs keep their tags: setting Flowkeeper's own tag on one would make it
    /// Flowkeeper's, and so allow its deletion.
    fn tags(&mut self, flow_log: &FlowLog, spec: &FlowLogSpec) -> Tags {
        let mut missing = Tags::new();
        let Some(observed) = flow_log.tags.as_ref().filter(|_| flow_log.is_own()) else { return missing };
        for (key, desired) in &spec.tags {
            match observed.get(key.as_str()) {
                Some(found) if found == desired.as_str() => continue,
                Some(found) => self.differences.push(format!("tag {key} is {found:?}, not {:?}", desired.as_str())),
                None => self.differences.push(format!("tag {key} is missing")),
            }
            missing.insert(key.clone(), desired.clone());
        }
        missing
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }
}

type Row<'a> = (&'static str, Option<Cow<'a, str>>, Option<Cow<'a, str>>, Fix);

fn rows<'a>(flow_log: &'a FlowLog, spec: &'a FlowLogSpec) -> [Row<'a>; 9] {
    let seen = |text: &'a Option<String>| text.as_deref().map(Cow::from);
    let some = |text: &'a str| Some(Cow::from(text));
    let sets_paths = !spec.traffic_path.is_empty();
    [
        ("project", seen(&flow_log.project), some(spec.project.as_str()), Fix::Replace),
        ("log_store", seen(&flow_log.log_store), some(spec.log_store.as_str()), Fix::Replace),
        ("traffic_type", seen(&flow_log.traffic_type), some(spec.traffic_type.as_str()), Fix::Replace),
        (
            "traffic_path",
            flow_log
                .traffic_path
                .as_ref()
                .filter(|_| sets_paths)
                .map(|paths| sorted(paths.iter().map(String::as_str)).into()),
            sets_paths.then(|| sorted(spec.traffic_path.iter().map(|path| path.as_str())).into()),
            Fix::Replace,
        ),
        (
            "resource_group_id",
            seen(&flow_log.resource_group_id),
            spec.resource_group_id.as_ref().map(|group| group.as_str().into()),
            Fix::Move,
        ),
        (
            "name",
            seen(&flow_log.name),
            some(spec.name.as_str()),
            Fix::Update(|update, desired| update.name = Some(desired.name.clone())),
        ),
        (
            "description",
            seen(&flow_log.description),
            some(spec.description.as_str()),
            Fix::Update(|update, desired| update.description = Some(desired.description.clone())),
        ),
        (
            "aggregation_interval",
            flow_log.aggregation_interval.map(minutes),
            some(spec.aggregation_interval.as_str()),
            Fix::Update(|update, desired| update.aggregation_interval = Some(desired.aggregation_interval)),
        ),
        (
            "ip_version",
            seen(&flow_log.ip_version),
            spec.ip_version.map(|version| version.as_str().into()),
            Fix::Update(|update, desired| update.ip_version = desired.ip_version),
        ),
    ]
}

/// Without an allocation for the usual ones: each flow log of a sweep has one.
fn minutes(number: u32) -> Cow<'static, str> {
    match number {
        1 => "1".into(),
        5 => "5".into(),
        10 => "10".into(),
        other => other.to_string().into(),
    }
}

fn sorted<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut texts: Vec<_> = texts.collect();
    texts.sort_unstable();
    texts.join(",")
}

/// What the policy wants recorded and this flow log does not record, as a phrase; `None` if it records at least as
/// much. A policy without `traffic_path` wants every path, which is the API's default.
pub(crate) fn records_less(flow_log: &FlowLog, spec: &FlowLogSpec) -> Option<String> {
    let mut lacks = Vec::new();
    if let Some(traffic_type) = &flow_log.traffic_type
        && traffic_type != TrafficType::All.as_str()
        && traffic_type != spec.traffic_type.as_str()
    {
        lacks.push(format!("traffic_type {traffic_type}, not {}", spec.traffic_type));
    }
    if let Some(paths) = flow_log.traffic_path.as_ref().filter(|paths| !paths.is_empty()) {
        let has = |path: &str| paths.iter().any(|found| found == path);
        let all = [TrafficPath::All];
        let desired = if spec.traffic_path.is_empty() { &all[..] } else { &spec.traffic_path[..] };
        if !has(TrafficPath::All.as_str()) && !desired.iter().all(|path| has(path.as_str())) {
            let desired = sorted(desired.iter().map(|path| path.as_str()));
            lacks.push(format!("traffic_path {}, not {desired}", sorted(paths.iter().map(String::as_str))));
        }
    }
    if let (Some(found), Some(desired)) = (&flow_log.ip_version, spec.ip_version)
        && found != desired.as_str()
    {
        lacks.push(format!("ip_version {found}, not {desired}"));
    }
    (!lacks.is_empty()).then(|| lacks.join(", "))
}

/// Whether `cover` records at least what `other` records, as far as both responses tell.
fn records_at_least(cover: &FlowLog, other: &FlowLog) -> bool {
    let all = TrafficType::All.as_str();
    let has_type = match (&cover.traffic_type, &other.traffic_type) {
        (Some(cover), other) => cover == all || Some(cover) == other.as_ref(),
        (None, _) => false,
    };
    let paths = |flow_log: &FlowLog| -> Vec<String> {
        let paths = flow_log.traffic_path.clone().filter(|paths| !paths.is_empty());
        paths.unwrap_or_else(|| vec![TrafficPath::All.as_str().to_owned()])
    };
    let (covered, needed) = (paths(cover), paths(other));
    let is_all = covered.iter().any(|path| path == TrafficPath::All.as_str());
    // No IP version is known to include another; a response without one says nothing about it.
    let has_version = match (&cover.ip_version, &other.ip_version) {
        (Some(cover), Some(other)) => cover == other,
        (None, _) | (_, None) => true,
    };
    has_type && has_version && (is_all || needed.iter().all(|path| covered.contains(path)))
}

/// Returns the superfluous flow logs on `resource` itself, each with the one that makes it superfluous.
///
/// That one is a delivering flow log of Flowkeeper's on the vSwitch or VPC of `resource`, and records at least as much.
/// `observed` holds the flow logs on all of them.
#[must_use]
pub fn superfluous_under<'f>(resource: &Resource, observed: &'f [FlowLog]) -> Vec<(&'f FlowLog, &'f FlowLog)> {
    let is_cover = |flow_log: &&FlowLog| {
        flow_log.is_own()
            && flow_log.status == Status::Active
            && flow_log.impairment().is_none()
            && resource.parents.iter().any(|parent| parent.as_str() == flow_log.resource_id)
    };
    let covers: Vec<_> = observed.iter().filter(is_cover).collect();
    let own = observed
        .iter()
        .filter(|flow_log| flow_log.resource_id == resource.id.as_str() && flow_log.status != Status::Deleting);
    own.filter_map(|flow_log| {
        let cover = covers.iter().find(|cover| records_at_least(cover, flow_log))?;
        Some((flow_log, *cover))
    })
    .collect()
}
