//! What the flow log of a virtual border router should be like, and which calls make it so.

use jiff::Timestamp;

use crate::{
    AccountId, EcrFlowLog, EcrFlowLogSpec, EcrId, FlowLog, FlowLogId, Kept, Plan, Policy, RegionId, SeenTags, Status,
    VbrId, Verdict, Wanted,
    names::{EcrInterval, InvalidName},
    policy::EcrFlowLogPattern,
    wanted::{Said, excluded_by_tag},
};

/// A virtual border router that is attached to an Express Connect Router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedVbr {
    /// The account that owns the Express Connect Router, and so its flow logs.
    pub account: AccountId,
    /// The region that the virtual border router is in.
    pub region: RegionId,
    /// The Express Connect Router.
    pub ecr: EcrId,
    /// Its own id.
    pub id: VbrId,
    /// The tags of the Express Connect Router, as it has none of its own here.
    pub tags: SeenTags,
}

/// A call that changes a flow log of an Express Connect Router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EcrChange {
    /// A new flow log on the virtual border router.
    Create(Box<EcrFlowLogSpec>),
    /// The flow log is switched on.
    Activate(FlowLogId),
    /// The flow log is switched off.
    Deactivate(FlowLogId),
}

impl EcrChange {
    /// The API's name of the call.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Create(_) => "CreateFlowLog",
            Self::Activate(_) => "ActivateFlowLog",
            Self::Deactivate(_) => "DeactivateFlowLog",
        }
    }
}

/// What should hold for `vbr` at `now`, where `pattern` is what the policy says of such flow logs.
#[must_use]
pub fn wanted_ecr(
    vbr: &AttachedVbr,
    pattern: &EcrFlowLogPattern,
    policy: &Policy,
    now: Timestamp,
) -> Wanted<EcrFlowLogSpec> {
    if let Some(reason) = excluded_by_tag(&vbr.tags, policy) {
        return Wanted::LeftAlone { reason };
    }
    let said = match Said::by(&vbr.tags, now) {
        Ok(said) if said.is_to_be_ignored() => return Wanted::LeftAlone { reason: said.to_string() },
        Ok(said) => said,
        Err(reason) => return Wanted::Unclear { reason },
    };
    let schedule = pattern.schedule.as_ref().unwrap_or(&policy.schedule);
    match (said.or_scheduled(schedule, policy, now), fill(pattern, vbr)) {
        (Err(reason), _) => Wanted::Unclear { reason },
        (_, Err(error)) => Wanted::Unclear { reason: format!("the policy cannot be filled in: {error}") },
        (Ok((is_on, governed_by)), Ok(spec)) => Wanted::Kept(Box::new(Kept { spec, is_on, governed_by })),
    }
}

fn fill(pattern: &EcrFlowLogPattern, vbr: &AttachedVbr) -> Result<EcrFlowLogSpec, InvalidName> {
    let values = [vbr.account.as_str(), vbr.region.as_str(), vbr.id.as_str()];
    let fill = |text: &str| crate::policy::fill(text, values);
    let (key, value) = FlowLog::OWN_TAG;
    let mut tags = pattern.tags.clone();
    tags.insert(key.parse()?, value.parse()?);
    Ok(EcrFlowLogSpec {
        name: fill(&pattern.name).parse()?,
        description: fill(&pattern.description).parse()?,
        project: fill(&pattern.project).parse()?,
        log_store: fill(&pattern.log_store).parse()?,
        interval: if pattern.interval == 60 { EcrInterval::OneMinute } else { EcrInterval::TenMinutes },
        sampling_rate: pattern.sampling_rate,
        target_sls_region: pattern.target_sls_region.clone(),
        resource_group_id: None,
        tags,
    })
}

/// The change that makes the flow log of `vbr` as `wanted`, given those that were `seen` on its router.
///
/// A flow log of others is counted and left alone. What is drifted is reported.
#[must_use]
pub fn plan_ecr(vbr: &AttachedVbr, seen: &[EcrFlowLog], wanted: &Wanted<EcrFlowLogSpec>) -> Plan<EcrChange> {
    let kept = match wanted {
        Wanted::LeftAlone { reason } => return plan(Verdict::Excluded, None, reason),
        Wanted::Unclear { reason } => return finding(Verdict::Unsupported, None, reason),
        // A virtual border router is the one level that there is.
        Wanted::KeptAt(_) => return finding(Verdict::Unsupported, None, "a virtual border router has no levels"),
        Wanted::Kept(kept) => kept,
    };
    let on_it = seen.iter().filter(|found| found.instance_id == vbr.id.as_str() && found.status != Status::Deleting);
    let Some(found) = on_it.min_by_key(|found| (found.status.steps_to_active(), !found.is_own())) else {
        if !kept.is_on {
            return plan(Verdict::Paused, None, format!("{} keeps it off now", kept.governed_by));
        }
        let missing = plan(Verdict::Missing, None, format!("no active flow log records {}", vbr.id));
        return Plan { changes: vec![EcrChange::Create(Box::new(kept.spec.clone()))], ..missing };
    };
    let id = &found.id;
    match (&found.status, kept.is_on) {
        (Status::Activating | Status::Deactivating | Status::Modifying, _) => {
            plan(Verdict::Pending, Some(id), format!("{id} is {}", found.status))
        }
        (Status::Active, _) if !found.is_own() => {
            plan(Verdict::Foreign, Some(id), format!("covered by {id}, which others made"))
        }
        (Status::Active, true) => match differences(found, &kept.spec).as_slice() {
            [] => plan(Verdict::Compliant, Some(id), format!("{id} records")),
            differ => finding(
                Verdict::Drifted,
                Some(id),
                format!("{id} differs from the policy: {}; change it in the console or delete it", differ.join(", ")),
            ),
        },
        (Status::Active, false) => {
            let due =
                plan(Verdict::DueToPause, Some(id), format!("{id} records, and {} keeps it off now", kept.governed_by));
            Plan { changes: vec![EcrChange::Deactivate(id.clone())], ..due }
        }
        (Status::Inactive, false) if found.is_own() => {
            plan(Verdict::Paused, Some(id), format!("{id} is off, and {} keeps it so", kept.governed_by))
        }
        (Status::Inactive, true) if found.is_own() => {
            let off =
                plan(Verdict::Inactive, Some(id), format!("{id} is Inactive, and {} wants it on", kept.governed_by));
            Plan { changes: vec![EcrChange::Activate(id.clone())], ..off }
        }
        (status, _) => {
            let whose = if found.is_own() { "" } else { ", made by others, and is left to them" };
            finding(Verdict::Inactive, Some(id), format!("{id} is {status}{whose}"))
        }
    }
}

fn differences(found: &EcrFlowLog, spec: &EcrFlowLogSpec) -> Vec<String> {
    let interval = found.interval.map(|interval| interval.to_string());
    let wanted_region = spec.target_sls_region.as_ref().map_or("", RegionId::as_str);
    // Where the policy does not say it, it is the API's to choose.
    let sls_region = found.sls_region.as_deref().filter(|_| spec.target_sls_region.is_some());
    [
        ("project", found.project.as_str(), spec.project.as_str()),
        ("log_store", &found.log_store, spec.log_store.as_str()),
        // What is not given is not compared.
        ("target_sls_region", sls_region.unwrap_or(wanted_region), wanted_region),
        ("interval", interval.as_deref().unwrap_or(spec.interval.as_str()), spec.interval.as_str()),
        ("sampling_rate", &found.sampling_rate, spec.sampling_rate.as_str()),
        ("name", &found.name, spec.name.as_str()),
        ("description", &found.description, spec.description.as_str()),
    ]
    .into_iter()
    .filter(|(_, is, wanted)| is != wanted)
    .map(|(what, is, wanted)| format!("{what} is {is:?}, not {wanted:?}"))
    .collect()
}

fn plan(verdict: Verdict, flow_log: Option<&FlowLogId>, reason: impl Into<String>) -> Plan<EcrChange> {
    Plan { verdict, changes: Vec::new(), is_settled: true, reason: reason.into(), flow_log: flow_log.cloned() }
}

fn finding(verdict: Verdict, flow_log: Option<&FlowLogId>, reason: impl Into<String>) -> Plan<EcrChange> {
    Plan { is_settled: false, ..plan(verdict, flow_log, reason) }
}
