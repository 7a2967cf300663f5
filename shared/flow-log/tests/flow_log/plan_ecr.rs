//! Plans for a virtual border router, from what was observed on its Express Connect Router.

use flow_log::{
    AttachedVbr, EcrChange, EcrFlowLog, ObservedTags, Plan, Policy, Status, Verdict, desired_ecr, plan_ecr,
};
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*, sample::select};

const PATTERN: &str = "project: ecr, log_store: ecr, interval: 60, target_sls_region: cn-shanghai";

fn vbr(tags: &[(&str, &str)]) -> AttachedVbr {
    AttachedVbr {
        account: "1000000000000001".parse().unwrap(),
        region: "cn-hangzhou".parse().unwrap(),
        ecr: "ecr-1".parse().unwrap(),
        id: "vbr-1".parse().unwrap(),
        tags: Some(tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()),
        is_locked: false,
    }
}

/// An active own flow log on the virtual border router, as the policy wants it.
fn own(id: &str) -> EcrFlowLog {
    EcrFlowLog {
        id: id.parse().unwrap(),
        ecr: "ecr-1".to_owned(),
        instance_id: "vbr-1".to_owned(),
        instance_type: "VBR".to_owned(),
        name: Some("flowkeeper-vbr-1".to_owned()),
        description: Some("Kept by Flowkeeper".to_owned()),
        project: Some("ecr".to_owned()),
        log_store: Some("ecr".to_owned()),
        sls_region: Some("cn-shanghai".to_owned()),
        region: Some("cn-hangzhou".to_owned()),
        interval: Some(60),
        sampling_rate: Some("1:4096".to_owned()),
        resource_group_id: None,
        tags: Some([("managed-by".to_owned(), "flowkeeper".to_owned())].into_iter().collect()),
        status: Status::Active,
        creation_time: None,
    }
}

fn foreign(id: &str) -> EcrFlowLog {
    EcrFlowLog { tags: Some(ObservedTags::new()), name: Some("theirs".to_owned()), ..own(id) }
}

fn off(flow_log: EcrFlowLog) -> EcrFlowLog {
    EcrFlowLog { status: Status::Inactive, ..flow_log }
}

fn planned_with(tags: &[(&str, &str)], seen: &[EcrFlowLog], more_policy: &str) -> Plan<EcrChange> {
    let text =
        format!("flow_log: {{project: flowlog, log_store: vpc}}\necr_flow_log: {{{PATTERN}}}\nschedule: always\n");
    let policy = Policy::parse(&if more_policy.is_empty() { text } else { more_policy.to_owned() }).unwrap();
    let pattern = policy.ecr_flow_log.as_ref().unwrap();
    plan_ecr(&vbr(tags), seen, &desired_ecr(&vbr(tags), pattern, &policy, Timestamp::UNIX_EPOCH))
}

fn planned(seen: &[EcrFlowLog]) -> Plan<EcrChange> {
    planned_with(&[], seen, "")
}

fn actions(plan: &Plan<EcrChange>) -> Vec<&'static str> {
    plan.changes.iter().map(|change| change.action().as_str()).collect()
}

const OFF: &[(&str, &str)] = &[("flowkeeper", "off")];

#[test]
fn one_without_a_flow_log_gets_one_to_the_last_field() {
    let plan = planned(&[EcrFlowLog { instance_id: "vbr-2".to_owned(), ..own("fl-2") }]);
    let [EcrChange::Create(spec)] = plan.changes.as_slice() else { panic!("{plan:?}") };
    assert_eq!(
        (plan.verdict, spec.interval.as_str(), spec.name.as_str()),
        (Verdict::Missing, "60", "flowkeeper-vbr-1")
    );
    assert_eq!(spec.target_sls_region.as_ref().unwrap().as_str(), "cn-shanghai");
    assert_eq!(planned_with(OFF, &[], "").verdict, Verdict::Paused, "none is made to be off");
    let leaving = EcrFlowLog { status: Status::Deleting, ..own("fl-1") };
    assert_eq!(actions(&planned(&[leaving])), ["CreateFlowLog"]);
}

#[test]
fn what_is_as_wanted_is_left_alone_and_what_others_made_counts() {
    assert_eq!((planned(&[own("fl-1")]).verdict, planned(&[own("fl-1")]).converges), (Verdict::Compliant, true));
    let theirs = planned(&[foreign("fl-1")]);
    assert_eq!((theirs.verdict, theirs.changes.len(), theirs.converges), (Verdict::Foreign, 0, true));
    assert_eq!(actions(&planned_with(OFF, &[foreign("fl-1")], "")), [""; 0], "not even switched off");
    let left = planned(&[off(foreign("fl-1"))]);
    assert_eq!((left.verdict, left.changes.len(), left.converges), (Verdict::Inactive, 0, false));
}

#[test]
fn the_one_that_records_is_judged_before_one_that_does_not_and_ours_before_theirs() {
    assert_eq!(planned(&[off(own("fl-1")), foreign("fl-2")]).flow_log.unwrap().as_str(), "fl-2");
    assert_eq!(planned(&[foreign("fl-2"), own("fl-1")]).flow_log.unwrap().as_str(), "fl-1");
}

#[test]
fn one_of_ours_is_switched_on_and_off() {
    assert_eq!(actions(&planned(&[off(own("fl-1"))])), ["ActivateFlowLog"]);
    assert_eq!(actions(&planned_with(OFF, &[own("fl-1")], "")), ["DeactivateFlowLog"]);
    assert_eq!(planned_with(OFF, &[off(own("fl-1"))], "").verdict, Verdict::Paused);
}

#[test]
fn one_that_changes_its_state_is_pending() {
    for status in [Status::Activating, Status::Deactivating, Status::Modifying] {
        let plan = planned(&[EcrFlowLog { status, ..own("fl-1") }]);
        assert_eq!((plan.verdict, plan.changes.len(), plan.converges), (Verdict::Pending, 0, true));
    }
}

#[test]
fn each_field_that_differs_is_said_and_changed_in_place_where_the_api_can() {
    type Edit = fn(&mut EcrFlowLog);
    let edits: [(&str, Edit); 7] = [
        ("project", |it| it.project = Some("x".to_owned())),
        ("log_store", |it| it.log_store = Some("x".to_owned())),
        ("target_sls_region", |it| it.sls_region = Some("cn-beijing".to_owned())),
        ("interval", |it| it.interval = Some(600)),
        ("sampling_rate", |it| it.sampling_rate = Some("1:1024".to_owned())),
        ("name", |it| it.name = Some("x".to_owned())),
        ("description", |it| it.description = Some("x".to_owned())),
    ];
    for (field, edit) in edits {
        let mut drifted = own("fl-1");
        edit(&mut drifted);
        let plan = planned(&[drifted]);
        let is_in_place = !["project", "log_store", "target_sls_region"].contains(&field);
        assert_eq!((plan.verdict, plan.converges), (Verdict::Drifted, is_in_place), "{field}");
        assert_eq!(matches!(plan.changes.as_slice(), [EcrChange::Modify(..)]), is_in_place, "{field}: {plan:?}");
        assert!(plan.reason.starts_with(&format!("fl-1 differs from the policy: {field} is ")), "{}", plan.reason);
    }
    let unsaid = EcrFlowLog { interval: None, sls_region: None, ..own("fl-1") };
    assert_eq!(planned(&[unsaid]).verdict, Verdict::Compliant, "what is not given is not compared");
}

#[test]
fn a_router_that_the_policy_or_its_tag_leaves_out_is_not_touched() {
    let policy = format!(
        "flow_log: {{project: flowlog, log_store: vpc}}\necr_flow_log: {{{PATTERN}}}\nexclude: {{tags: {{keep: out}}}}\n"
    );
    for tags in [[("keep", "out")], [("flowkeeper", "ignore")]] {
        let plan = planned_with(&tags, &[], &policy);
        assert_eq!((plan.verdict, plan.changes.len()), (Verdict::Excluded, 0), "{tags:?}");
    }
    let odd = planned_with(&[("flowkeeper", "odd")], &[], "");
    assert_eq!((odd.verdict, odd.changes.len(), odd.converges), (Verdict::Unsupported, 0, false));
}

#[test]
fn its_own_schedule_is_stronger_than_that_of_the_policy() {
    for (own_schedule, schedule, verdict) in
        [("schedule: never", "always", Verdict::Paused), ("schedule: always", "never", Verdict::Missing)]
    {
        let policy = format!(
            "flow_log: {{project: flowlog, log_store: vpc}}\necr_flow_log: {{{PATTERN}, {own_schedule}}}\n\
             schedule: {schedule}\n"
        );
        assert_eq!(planned_with(&[], &[], &policy).verdict, verdict, "{own_schedule}");
    }
}

proptest! {
    // An attached instance holds at most one flow log.
    #[test]
    fn planning_over_the_result_of_a_plan_is_empty_and_touches_nothing_of_others(
        seen in vec((select(vec!["Active", "Activating", "Inactive", "Deactivating", "Deleting", "Odd"]), any::<bool>()), 0..2),
        is_off in any::<bool>(),
    ) {
        let mut seen: Vec<_> = seen.into_iter().enumerate().map(|(nth, (status, is_own))| {
            let id = format!("fl-{nth}");
            EcrFlowLog { status: Status::from(status), ..if is_own { own(&id) } else { foreign(&id) } }
        }).collect();
        let tags = if is_off { OFF } else { &[] };
        let plan = planned_with(tags, &seen, "");
        prop_assert!(plan.changes.len() <= 1);
        match plan.changes.first() {
            None => return Ok(()),
            Some(EcrChange::Create(_)) => {
                prop_assert!(!is_off && seen.iter().all(|it| it.status == Status::Deleting));
                seen.push(own("fl-new"));
            }
            Some(EcrChange::Activate(id) | EcrChange::Deactivate(id)) => {
                let it = seen.iter_mut().find(|it| it.id == *id).unwrap();
                prop_assert!(it.is_own());
                it.status = if is_off { Status::Inactive } else { Status::Active };
            }
            Some(EcrChange::Modify(..)) => prop_assert!(false, "nothing differs: {:?}", plan),
        }
        prop_assert_eq!(planned_with(tags, &seen, "").changes, []);
    }
}

#[test]
fn of_what_others_made_it_is_said_where_it_delivers_and_whether_it_lost_the_tag() {
    let elsewhere = planned(&[EcrFlowLog { project: Some("theirs".to_owned()), ..foreign("fl-1") }]);
    assert_eq!((elsewhere.verdict, elsewhere.converges), (Verdict::Foreign, true));
    assert!(elsewhere.reason.ends_with("which delivers to theirs/ecr, not ecr/ecr"), "{}", elsewhere.reason);
    for (status, verdict) in [(Status::Active, Verdict::Foreign), (Status::Inactive, Verdict::Inactive)] {
        let plan = planned(&[EcrFlowLog { tags: Some(ObservedTags::new()), status, ..own("fl-1") }]);
        assert_eq!((plan.verdict, plan.changes.len(), plan.converges), (verdict, 0, false));
        assert!(plan.reason.contains("lacks the tag managed-by=flowkeeper"), "{}", plan.reason);
    }
}

#[test]
fn one_flow_log_is_enough_and_a_further_one_is_a_finding() {
    let plan = planned(&[foreign("fl-2"), own("fl-1")]);
    assert_eq!((plan.verdict, plan.changes.len(), plan.converges), (Verdict::Compliant, 0, false));
    assert!(plan.reason.ends_with("vbr-1 has more than one flow log, and needs no other: fl-2"), "{}", plan.reason);
}

#[test]
fn nothing_is_recorded_of_a_router_that_is_locked() {
    let policy =
        Policy::parse(&format!("flow_log: {{project: flowlog, log_store: vpc}}\necr_flow_log: {{{PATTERN}}}\n"))
            .unwrap();
    let vbr = AttachedVbr { is_locked: true, ..vbr(&[]) };
    let desired = desired_ecr(&vbr, policy.ecr_flow_log.as_ref().unwrap(), &policy, Timestamp::UNIX_EPOCH);
    for found in [own("fl-1"), foreign("fl-1")] {
        let plan = plan_ecr(&vbr, &[found], &desired);
        assert_eq!((plan.verdict, plan.changes.len(), plan.converges), (Verdict::Undelivered, 0, false));
    }
}
