//! The desired state of a virtual border router at a moment.

use jiff::Timestamp;

use crate::{
    AttachedVbr, Desired, DesiredFlowLog, EcrFlowLogSpec, FlowLog, Policy,
    directive::directive_of,
    names::{Description, FlowLogName, InvalidName},
    policy::EcrFlowLogPattern,
};

/// Returns the desired state of `vbr` at `now`, where `pattern` is the policy's pattern for such flow logs.
#[must_use]
pub fn desired_ecr(
    vbr: &AttachedVbr,
    pattern: &EcrFlowLogPattern,
    policy: &Policy,
    now: Timestamp,
) -> Desired<EcrFlowLogSpec> {
    let directive = match directive_of(vbr.tags.as_ref(), vbr.ecr.as_str(), policy, now) {
        Ok(directive) => directive,
        Err(desired) => return desired,
    };
    let schedule = pattern.schedule.as_ref().unwrap_or(&policy.schedule);
    let (is_on, governed_by) = directive.or_schedule(schedule, policy, now);
    match fill(pattern, vbr) {
        Ok(spec) => Desired::FlowLog(Box::new(DesiredFlowLog { spec, is_on, governed_by, note: directive.note })),
        Err(error) => Desired::Invalid { reason: format!("the policy cannot be filled in: {error}") },
    }
}

fn fill(pattern: &EcrFlowLogPattern, vbr: &AttachedVbr) -> Result<EcrFlowLogSpec, InvalidName> {
    let values = [vbr.account.as_str(), vbr.region.as_str(), vbr.id.as_str()];
    let fill = |text| crate::policy::fill(text, values);
    let (key, value) = FlowLog::OWN_TAG;
    let mut tags = pattern.tags.clone();
    tags.insert(key.parse()?, value.parse()?);
    Ok(EcrFlowLogSpec {
        name: FlowLogName::for_ecr(&fill(&pattern.name))?,
        description: Description::for_ecr(&fill(&pattern.description))?,
        project: fill(&pattern.project).parse()?,
        log_store: fill(&pattern.log_store).parse()?,
        interval: pattern.interval,
        sampling_rate: pattern.sampling_rate,
        target_sls_region: pattern.target_sls_region.clone(),
        resource_group_id: pattern.resource_group_id.clone(),
        tags,
    })
}
