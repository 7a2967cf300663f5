//! Plans for a resource, from what was observed.

use flow_log::{
    Change, Delivery, FlowLog, ObservedTags, Plan, Recording, Resource, Status, Verdict, desired, marked, plan,
    policy::Foreign, recreation, superfluous_under,
};
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::support::{foreign, own, policy, resource, tagged, vpc};

fn planned(resource: &Resource, seen: &[FlowLog], more_policy: &str) -> Plan<Change> {
    planned_by(resource, seen, more_policy, Foreign::Leave)
}

fn planned_by(resource: &Resource, seen: &[FlowLog], more_policy: &str, foreign: Foreign) -> Plan<Change> {
    plan(resource, seen, &desired(resource, None, &policy(more_policy), Timestamp::UNIX_EPOCH), foreign)
}

fn tags_of(flow_log: &mut FlowLog) -> &mut ObservedTags {
    flow_log.tags.as_mut().unwrap()
}

/// The names of the planned calls.
fn actions(plan: &Plan<Change>) -> Vec<&'static str> {
    plan.changes.iter().map(|change| change.action().as_str()).collect()
}

/// A network interface on vsw-1 in vpc-1, under `coverage: network-interface`.
fn planned_eni(seen: &[FlowLog]) -> Plan<Change> {
    planned(&resource("eni-1", &["vsw-1", "vpc-1"]), seen, "coverage: network-interface\n")
}

#[test]
fn a_vpc_without_a_flow_log_gets_one() {
    let plan = planned(&vpc("vpc-1"), &[], "");
    assert_eq!(plan.verdict, Verdict::Missing);
    let [Change::Create(spec)] = plan.changes.as_slice() else { panic!("{plan:?}") };
    assert_eq!(spec.name.as_str(), "flowkeeper-vpc-1");
    assert_eq!(plan.reason, "no active flow log covers vpc-1");
}

#[test]
fn a_vpc_already_as_wanted_is_left_alone() {
    let plan = planned(&vpc("vpc-1"), &[own("fl-1", "vpc-1")], "");
    assert_eq!((plan.verdict, plan.changes.len(), plan.converges), (Verdict::Compliant, 0, true));
    assert_eq!(plan.flow_log.unwrap().as_str(), "fl-1");
}

#[test]
fn a_flow_log_that_changes_its_state_is_pending_and_not_made_twice() {
    for status in [Status::Activating, Status::Modifying] {
        let plan = planned(&vpc("vpc-1"), &[FlowLog { status, ..own("fl-1", "vpc-1") }], "");
        assert_eq!((plan.verdict, plan.changes.len()), (Verdict::Pending, 0));
    }
}

#[test]
fn a_flow_log_on_its_way_to_what_is_not_wanted_is_turned_back_once_it_has_arrived() {
    let becoming = |status, policy| planned(&vpc("vpc-1"), &[FlowLog { status, ..own("fl-1", "vpc-1") }], policy);
    let going = becoming(Status::Deactivating, "");
    assert_eq!((going.verdict, actions(&going)), (Verdict::Pending, vec!["ActiveFlowLog"]));
    assert_eq!(going.reason, "fl-1 is Deactivating; then: fl-1 is Inactive, and the policy wants it on");
    let coming = becoming(Status::Activating, "schedule: never\n");
    assert_eq!((coming.verdict, actions(&coming)), (Verdict::Pending, vec!["DeactiveFlowLog"]));
    let renamed = FlowLog { status: Status::Modifying, name: Some("theirs".to_owned()), ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[renamed], "");
    assert_eq!((plan.verdict, actions(&plan)), (Verdict::Pending, vec!["ModifyFlowLogAttribute"]));
    let unclear = becoming(Status::Modifying, "schedule: never\n");
    assert_eq!((unclear.verdict, actions(&unclear)), (Verdict::Pending, vec![]), "it may be off already");
    let leaving = becoming(Status::Deleting, "");
    assert_eq!((leaving.verdict, actions(&leaving)), (Verdict::Pending, vec!["CreateFlowLog"]));
    assert_eq!(becoming(Status::Deleting, "schedule: never\n").verdict, Verdict::Paused);
    let theirs = [FlowLog { status: Status::Deactivating, ..foreign("fl-1", "vpc-1") }];
    assert_eq!(actions(&planned(&vpc("vpc-1"), &theirs, "")), [""; 0]);
}

#[test]
fn a_second_flow_log_on_one_resource_is_a_finding_and_never_deleted() {
    let plan = planned(&vpc("vpc-1"), &[own("fl-1", "vpc-1"), own("fl-2", "vpc-1")], "");
    assert_eq!((plan.verdict, plan.changes.len(), plan.converges), (Verdict::Compliant, 0, false));
    assert_eq!(plan.reason, "fl-1 records; vpc-1 has more than one flow log, and needs no other: fl-2");
}

#[test]
fn a_flow_log_of_the_whole_covers_the_part() {
    for covering in ["vsw-1", "vpc-1"] {
        assert_eq!(planned_eni(&[own("fl-1", covering)]).verdict, Verdict::Compliant);
        assert_eq!(planned_eni(&[foreign("fl-1", covering)]).verdict, Verdict::Foreign);
        let off = FlowLog { status: Status::Inactive, ..own("fl-1", covering) };
        assert_eq!(planned_eni(&[off]).verdict, Verdict::Missing, "it records nothing");
    }
    assert_eq!(planned_eni(&[own("fl-1", "vpc-2"), own("fl-2", "eni-2")]).verdict, Verdict::Missing);
}

#[test]
fn a_flow_log_of_the_whole_that_is_about_to_record_is_waited_for() {
    for status in [Status::Activating, Status::Modifying] {
        let plan = planned_eni(&[FlowLog { status, ..own("fl-1", "vpc-1") }]);
        assert_eq!((plan.verdict, plan.changes.len()), (Verdict::Pending, 0));
    }
    let going = FlowLog { status: Status::Deactivating, ..own("fl-1", "vpc-1") };
    assert_eq!(planned_eni(&[going]).verdict, Verdict::Missing);
}

#[test]
fn a_flow_log_of_the_whole_whose_lines_do_not_arrive_is_no_good_cover() {
    let lost = FlowLog { delivery: Delivery::Failed("ProjectNotExist".to_owned()), ..own("fl-1", "vpc-1") };
    let plan = planned_eni(&[lost]);
    assert_eq!((plan.verdict, plan.changes.len(), plan.converges), (Verdict::Undelivered, 0, false));
}

#[test]
fn the_flow_log_that_records_is_judged_before_one_that_does_not_and_ours_before_theirs() {
    let off = FlowLog { status: Status::Inactive, ..own("fl-1", "vpc-1") };
    for (observed, verdict, judged) in [
        ([off, foreign("fl-2", "vpc-1")], Verdict::Foreign, "fl-2"),
        ([foreign("fl-2", "vpc-1"), own("fl-3", "vpc-1")], Verdict::Compliant, "fl-3"),
    ] {
        let plan = planned(&vpc("vpc-1"), &observed, "");
        assert_eq!((plan.verdict, plan.flow_log.unwrap().as_str()), (verdict, judged));
    }
}

#[test]
fn one_that_is_about_to_record_is_judged_before_one_that_does_not() {
    let coming = FlowLog { status: Status::Activating, ..own("fl-2", "vpc-1") };
    for off in [own("fl-1", "vpc-1"), foreign("fl-1", "vpc-1")] {
        let off = FlowLog { status: Status::Inactive, ..off };
        let plan = planned(&vpc("vpc-1"), &[off, coming.clone()], "");
        assert_eq!((plan.verdict, plan.changes.len()), (Verdict::Pending, 0), "no second one is switched on");
    }
}

#[test]
fn each_field_that_the_policy_asks_for_is_compared() {
    let asked = "overrides: [{match: {regions: [cn-hangzhou]}, traffic_path: [all, ecr], ip_version: IPv4, \
                 resource_group_id: rg-1, tags: {team: net}}]\n";
    let mut good = own("fl-1", "vpc-1");
    good.traffic_path = Some(vec!["ecr".to_owned(), "all".to_owned()]);
    good.resource_group_id = Some("rg-1".to_owned());
    tags_of(&mut good).insert("team".to_owned(), "net".to_owned());
    assert_eq!(planned(&vpc("vpc-1"), &[good.clone()], asked).verdict, Verdict::Compliant);

    type Edit = fn(&mut FlowLog);
    let edits: [(&str, Edit); 10] = [
        ("name", |it| it.name = Some("x".to_owned())),
        ("description", |it| it.description = Some("x".to_owned())),
        ("project", |it| it.project = Some("x".to_owned())),
        ("log_store", |it| it.log_store = Some("x".to_owned())),
        ("traffic_type", |it| it.traffic_type = Some("Drop".to_owned())),
        ("traffic_path", |it| it.traffic_path = Some(vec!["all".to_owned()])),
        ("aggregation_interval", |it| it.aggregation_interval = Some(1)),
        ("ip_version", |it| it.ip_version = Some("IPv6".to_owned())),
        ("resource_group_id", |it| it.resource_group_id = Some("rg-2".to_owned())),
        ("tag team", |it| _ = tags_of(it).remove("team")),
    ];
    for (field, edit) in edits {
        let mut drifted = good.clone();
        edit(&mut drifted);
        let plan = planned(&vpc("vpc-1"), &[drifted], asked);
        assert_eq!(plan.verdict, Verdict::Drifted, "{field}");
        assert!(plan.reason.starts_with(&format!("fl-1 differs from the policy: {field} is ")), "{}", plan.reason);
    }
}

#[test]
fn an_active_flow_log_of_others_counts_and_is_not_touched() {
    let by_sls = FlowLog { service_type: Some("sls".to_owned()), ..own("fl-1", "vpc-1") };
    for flow_log in [foreign("fl-1", "vpc-1"), by_sls] {
        let plan = planned(&vpc("vpc-1"), &[flow_log], "");
        assert_eq!((plan.verdict, plan.changes.len(), plan.converges), (Verdict::Foreign, 0, true));
    }
}

#[test]
fn an_inactive_flow_log_of_ours_is_switched_on_and_no_other_is_made() {
    let off = FlowLog { status: Status::Inactive, ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[off], "");
    assert_eq!((plan.verdict, actions(&plan), plan.converges), (Verdict::Inactive, vec!["ActiveFlowLog"], true));
}

#[test]
fn an_inactive_flow_log_of_others_is_left_to_them_unless_the_policy_says_otherwise() {
    let off = [FlowLog { status: Status::Inactive, ..foreign("fl-1", "vpc-1") }];
    let left = planned(&vpc("vpc-1"), &off, "");
    assert_eq!((left.verdict, left.changes.len(), left.converges), (Verdict::Inactive, 0, false));
    let managed = planned_by(&vpc("vpc-1"), &off, "", Foreign::Manage);
    assert_eq!(actions(&managed), ["ActiveFlowLog", "ModifyFlowLogAttribute"], "and never tagged as ours");
}

#[test]
fn an_unknown_status_is_neither_active_nor_missing() {
    let odd = FlowLog { status: Status::from("Hibernating"), ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[odd], "");
    assert_eq!((plan.verdict, plan.changes.len()), (Verdict::Inactive, 0));
    assert!(plan.reason.contains("unknown status \"Hibernating\""), "{}", plan.reason);
}

#[test]
fn a_flow_log_off_by_its_schedule_is_paused_and_in_order() {
    let off = FlowLog { status: Status::Inactive, ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[off], "schedule: never\n");
    assert_eq!((plan.verdict, plan.converges), (Verdict::Paused, true));
    assert_eq!(planned(&vpc("vpc-1"), &[], "schedule: never\n").verdict, Verdict::Paused, "none is made to be off");
    let on = planned(&vpc("vpc-1"), &[own("fl-1", "vpc-1")], "schedule: never\n");
    assert_eq!((on.verdict, actions(&on)), (Verdict::DueToPause, vec!["DeactiveFlowLog"]));
}

#[test]
fn what_can_be_changed_in_place_is_changed_in_place() {
    let mut drifted =
        FlowLog { aggregation_interval: Some(1), name: Some("renamed".to_owned()), ..own("fl-1", "vpc-1") };
    tags_of(&mut drifted).insert("team".to_owned(), "theirs".to_owned());
    let plan = planned(&vpc("vpc-1"), &[drifted], "");
    assert_eq!((plan.verdict, plan.converges), (Verdict::Drifted, true));
    let [Change::Modify(id, modification)] = plan.changes.as_slice() else { panic!("{plan:?}") };
    assert_eq!(id.as_str(), "fl-1");
    assert_eq!(modification.name.as_ref().unwrap().as_str(), "flowkeeper-vpc-1");
    assert!(modification.aggregation_interval.is_some());
    assert!(modification.description.is_none() && modification.ip_version.is_none());
    assert_eq!(
        plan.reason,
        "fl-1 differs from the policy: name is \"renamed\", not \"flowkeeper-vpc-1\", aggregation_interval is \"1\", \
         not \"10\""
    );
}

#[test]
fn what_cannot_be_changed_in_place_is_reported_or_replaced_as_the_policy_says() {
    let drifted = [FlowLog { traffic_type: Some("Drop".to_owned()), ..own("fl-1", "vpc-1") }];
    let reported = planned(&vpc("vpc-1"), &drifted, "");
    assert_eq!((reported.verdict, actions(&reported), reported.converges), (Verdict::Drifted, vec![], false));
    let off = planned(&vpc("vpc-1"), &drifted.clone().map(|it| FlowLog { status: Status::Inactive, ..it }), "");
    assert_eq!((actions(&off), off.converges), (vec!["ActiveFlowLog"], false), "switched on, and still drifted");
    assert!(reported.needs_replacement, "a new one could have it");
    assert!(off.needs_replacement);
    let theirs = [FlowLog { traffic_type: Some("Drop".to_owned()), ..foreign("fl-1", "vpc-1") }];
    assert!(!planned_by(&vpc("vpc-1"), &theirs, "", Foreign::Manage).needs_replacement, "what others made stays");
    let two = [drifted[0].clone(), own("fl-2", "vpc-1")];
    assert!(!planned(&vpc("vpc-1"), &two, "").needs_replacement, "the other one would be in the way");
}

#[test]
fn a_field_that_the_answer_lacks_is_no_difference() {
    let asked = "overrides: [{match: {regions: [cn-hangzhou]}, traffic_path: [all], resource_group_id: rg-1}]\n";
    let bare = FlowLog {
        name: None,
        description: None,
        project: None,
        log_store: None,
        traffic_type: None,
        traffic_path: None,
        aggregation_interval: None,
        ip_version: None,
        resource_group_id: None,
        ..own("fl-1", "vpc-1")
    };
    let plan = planned(&vpc("vpc-1"), &[bare], asked);
    assert_eq!((plan.verdict, plan.changes, plan.needs_replacement), (Verdict::Compliant, vec![], false));
}

#[test]
fn another_resource_group_is_a_move_and_not_a_replacement() {
    let asked = "overrides: [{match: {regions: [cn-hangzhou]}, resource_group_id: rg-1}]\n";
    let elsewhere = FlowLog { resource_group_id: Some("rg-2".to_owned()), ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[elsewhere], asked);
    assert_eq!((plan.verdict, actions(&plan), plan.converges), (Verdict::Drifted, vec!["MoveResourceGroup"], true));
    assert!(!plan.needs_replacement);
}

#[test]
fn a_flow_log_that_records_for_an_account_in_debt_or_with_an_odd_delivery_is_no_good_cover() {
    let odd = |business: &str, delivery| FlowLog {
        business_status: Some(business.to_owned()),
        delivery,
        ..own("fl-1", "vpc-1")
    };
    let unknown = Delivery::Unknown("Abnormal".to_owned());
    for flow_log in
        [odd("FinancialLocked", Delivery::Working), odd("SecurityLocked", Delivery::Working), odd("Normal", unknown)]
    {
        for (plan, what) in [
            (planned(&vpc("vpc-1"), std::slice::from_ref(&flow_log), ""), "its own"),
            (planned_eni(std::slice::from_ref(&flow_log)), "that of its VPC"),
        ] {
            assert_eq!((plan.verdict, plan.converges), (Verdict::Undelivered, false), "{what}: {}", plan.reason);
        }
        assert_eq!(Recording::proven_by(&flow_log), None, "it proves nothing");
    }
    let normal = odd("normal", Delivery::Working);
    assert_eq!(planned(&vpc("vpc-1"), &[normal], "").verdict, Verdict::Compliant, "in any case");
}

#[test]
fn a_flow_log_that_records_less_than_the_policy_wants_is_no_cover() {
    let drop_only = FlowLog { traffic_type: Some("Drop".to_owned()), ..own("fl-1", "vpc-1") };
    let one_path = FlowLog { traffic_path: Some(vec!["natGateway".to_owned()]), ..own("fl-1", "vpc-1") };
    for (partial, lacks) in [(drop_only, "traffic_type Drop, not All"), (one_path, "traffic_path natGateway, not all")]
    {
        let plan = planned_eni(std::slice::from_ref(&partial));
        assert_eq!((plan.verdict, actions(&plan)), (Verdict::Missing, vec!["CreateFlowLog"]));
        let reason = format!("covered in part by fl-1 on vpc-1, which records {lacks}");
        assert!(plan.reason.ends_with(&reason), "{}", plan.reason);
        let theirs = FlowLog { tags: Some(ObservedTags::new()), ..partial };
        let on_vpc = planned(&vpc("vpc-1"), &[theirs], "");
        assert_eq!((on_vpc.verdict, on_vpc.changes.len(), on_vpc.converges), (Verdict::Foreign, 0, false));
        assert!(on_vpc.reason.starts_with("covered in part by fl-1"), "{}", on_vpc.reason);
    }
    let more = FlowLog { traffic_path: Some(vec!["all".to_owned()]), ..own("fl-1", "vpc-1") };
    assert_eq!(planned_eni(&[more]).verdict, Verdict::Compliant);
}

#[test]
fn a_foreign_flow_log_that_delivers_elsewhere_names_where() {
    let elsewhere = FlowLog { project: Some("theirs".to_owned()), ..foreign("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[elsewhere], "");
    assert_eq!((plan.verdict, plan.converges), (Verdict::Foreign, true));
    assert_eq!(plan.reason, "covered by fl-1, which others made and which delivers to theirs/vpc, not flowlog/vpc");
}

#[test]
fn one_that_equals_ours_and_lost_its_tag_is_a_finding_that_says_so() {
    let lost = FlowLog { tags: Some(ObservedTags::new()), ..own("fl-1", "vpc-1") };
    let stopped = FlowLog { status: Status::Inactive, ..lost.clone() };
    for (flow_log, verdict) in [(lost, Verdict::Foreign), (stopped, Verdict::Inactive)] {
        let plan = planned(&vpc("vpc-1"), &[flow_log], "");
        assert_eq!((plan.verdict, plan.changes.len(), plan.converges), (verdict, 0, false));
        assert!(plan.reason.contains("lacks the tag managed-by=flowkeeper"), "{}", plan.reason);
    }
}

#[test]
fn tags_that_cannot_be_read_are_unknown_and_nothing_is_changed() {
    let nobodys = FlowLog { tags: None, status: Status::Inactive, ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[nobodys], "");
    assert_eq!((plan.verdict, plan.changes.len(), plan.needs_replacement), (Verdict::Unknown, 0, false));
    let untold = Resource { tags: None, ..vpc("vpc-1") };
    let of_untold = planned(&untold, &[], "");
    assert_eq!((of_untold.verdict, of_untold.changes.len()), (Verdict::Unknown, 0), "its tag may say ignore");
}

#[test]
fn a_network_interface_that_a_service_manages_is_unsupported_and_nothing_is_tried() {
    let managed = Resource { is_service_managed: true, ..resource("eni-1", &["vsw-1", "vpc-1"]) };
    let alone = planned(&managed, &[], "coverage: network-interface\n");
    assert_eq!((alone.verdict, alone.changes.len()), (Verdict::Unsupported, 0));
    let covered = planned(&managed, &[own("fl-1", "vpc-1")], "coverage: network-interface\n");
    assert_eq!(covered.verdict, Verdict::Compliant);
}

#[test]
fn what_is_off_or_left_alone_on_purpose_is_an_exception() {
    let of = |tag: &str, seen: &[FlowLog]| planned(&tagged(vpc("vpc-1"), &[("flowkeeper", tag)]), seen, "");
    assert!(of("ignore", &[]).is_exception && of("off", &[]).is_exception);
    assert!(of("off", &[own("fl-1", "vpc-1")]).is_exception, "once it is off");
    assert!(!of("on", &[]).is_exception && !planned(&vpc("vpc-1"), &[own("fl-1", "vpc-1")], "").is_exception);
}

#[test]
fn a_flow_log_can_be_made_again_as_it_was_or_must_not_be_deleted_for_a_replacement() {
    let old = FlowLog {
        traffic_path: Some(vec!["natGateway".to_owned()]),
        resource_group_id: Some("rg-1".to_owned()),
        ..own("fl-1", "vpc-1")
    };
    let spec = recreation(&old).unwrap();
    assert_eq!(spec.name.as_str(), "flowkeeper-vpc-1");
    assert_eq!(spec.traffic_path.iter().map(|path| path.as_str()).collect::<Vec<_>>(), ["natGateway"]);
    assert_eq!(spec.resource_group_id.unwrap().as_str(), "rg-1");
    type Edit = fn(&mut FlowLog);
    let unknown: [Edit; 7] = [
        |it| it.name = None,
        |it| it.project = None,
        |it| it.traffic_type = Some("Most".to_owned()),
        |it| it.traffic_path = Some(vec!["wormhole".to_owned()]),
        |it| it.aggregation_interval = Some(7),
        |it| it.ip_version = Some("IPv6".to_owned()),
        |it| it.tags = None,
    ];
    for edit in unknown {
        let mut odd = old.clone();
        edit(&mut odd);
        assert_eq!(recreation(&odd), None, "{odd:?}");
    }
}

#[test]
fn a_refused_replacement_is_marked_until_the_policy_asks_for_something_else() {
    let resource = vpc("vpc-1");
    let spec = |more: &str| match desired(&resource, None, &policy(more), Timestamp::UNIX_EPOCH) {
        flow_log::Desired::FlowLog(desired) => desired.spec,
        other => panic!("{other:?}"),
    };
    let refused = Recording::desired(&spec(""));
    let mut kept = own("fl-1", "vpc-1");
    assert!(!refused.was_refused_for(&kept));
    let remade = marked(recreation(&kept).unwrap(), &refused);
    kept.tags = Some(remade.tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect());
    assert!(refused.was_refused_for(&kept));
    let other = "overrides: [{match: {regions: [cn-hangzhou]}, traffic_type: Drop}]\n";
    assert!(!Recording::desired(&spec(other)).was_refused_for(&kept));
    assert_eq!(refused.digest().len(), 16);
    assert_eq!(Recording::proven_by(&own("fl-2", "vpc-2")), Some(refused), "an absent path is the default, all");
}

#[test]
fn a_flow_log_below_an_own_one_that_records_as_much_is_superfluous() {
    let eni = resource("eni-1", &["vsw-1", "vpc-1"]);
    let of = |seen: &[FlowLog]| -> Vec<String> {
        superfluous_under(&eni, seen).iter().map(|(found, cover)| format!("{} by {}", found.id, cover.id)).collect()
    };
    let of_version = |flow_log| FlowLog { ip_version: Some("IPv4".to_owned()), ..flow_log };
    let (cover, fine) = (of_version(own("fl-vpc", "vpc-1")), of_version(foreign("fl-eni", "eni-1")));
    assert_eq!(of(&[cover.clone(), fine.clone()]), ["fl-eni by fl-vpc"]);
    type Edit = fn(&mut FlowLog);
    let edits: [Edit; 6] = [
        |it| it.status = Status::Inactive,
        |it| it.traffic_type = Some("Drop".to_owned()),
        |it| it.traffic_path = Some(vec!["natGateway".to_owned()]),
        |it| it.ip_version = Some("IPv6".to_owned()),
        |it| it.delivery = Delivery::Failed("ProjectNotExist".to_owned()),
        |it| it.tags = Some(ObservedTags::new()),
    ];
    for edit in edits {
        let mut less = cover.clone();
        edit(&mut less);
        assert_eq!(of(&[less.clone(), fine.clone()]), [""; 0], "{less:?}");
    }
}

#[test]
fn a_flow_log_whose_lines_do_not_arrive_is_reported_with_the_reason() {
    let lost = FlowLog { delivery: Delivery::Failed("ProjectNotExist".to_owned()), ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[lost], "");
    assert_eq!((plan.verdict, plan.converges), (Verdict::Undelivered, false));
    assert!(plan.reason.contains("ProjectNotExist"), "{}", plan.reason);
    let renamed =
        FlowLog { delivery: Delivery::Failed(String::new()), name: Some("x".to_owned()), ..own("fl-1", "vpc-1") };
    let of_renamed = planned(&vpc("vpc-1"), &[renamed], "");
    assert_eq!((of_renamed.verdict, actions(&of_renamed)), (Verdict::Undelivered, vec!["ModifyFlowLogAttribute"]));
}

#[test]
fn a_flow_log_of_others_whose_lines_do_not_arrive_is_no_good_cover_and_is_left_to_them() {
    let by_sls = FlowLog { service_type: Some("sls".to_owned()), ..own("fl-1", "vpc-1") };
    for flow_log in [foreign("fl-1", "vpc-1"), by_sls] {
        let lost = FlowLog { delivery: Delivery::Failed("ProjectNotExist".to_owned()), ..flow_log };
        let plan = planned(&vpc("vpc-1"), &[lost], "");
        assert_eq!((plan.verdict, plan.changes.len(), plan.converges), (Verdict::Undelivered, 0, false));
        assert!(plan.reason.contains("ProjectNotExist"), "{}", plan.reason);
    }
}

#[test]
fn a_tag_without_a_value_that_is_missing_is_set() {
    let asked = "overrides: [{match: {regions: [cn-hangzhou]}, tags: {audited: ''}}]\n";
    let mut it = own("fl-1", "vpc-1");
    assert_eq!(actions(&planned(&vpc("vpc-1"), &[it.clone()], asked)), ["TagResources"]);
    tags_of(&mut it).insert("audited".to_owned(), String::new());
    assert_eq!(planned(&vpc("vpc-1"), &[it], asked).verdict, Verdict::Compliant);
}

#[test]
fn an_excluded_vpc_is_not_touched() {
    let excluded = tagged(vpc("vpc-1"), &[("flowkeeper", "ignore")]);
    let plan = planned(&excluded, &[], "");
    assert_eq!((plan.verdict, plan.changes.len()), (Verdict::Excluded, 0));
}

/// What the cloud holds after `plan`: immediately, and after its changes have settled.
fn applied(resource: &Resource, mut seen: Vec<FlowLog>, plan: &Plan<Change>) -> [Vec<FlowLog>; 2] {
    for change in &plan.changes {
        let mut edit = |id: &flow_log::FlowLogId, edit: &dyn Fn(&mut FlowLog)| {
            seen.iter_mut().filter(|flow_log| flow_log.id == *id).for_each(edit);
        };
        match change {
            Change::Create(spec) => seen.push(FlowLog {
                name: Some(spec.name.to_string()),
                description: Some(spec.description.to_string()),
                traffic_type: Some(spec.traffic_type.to_string()),
                status: Status::Activating,
                ..own("fl-new", resource.id.as_str())
            }),
            Change::Activate(id) => edit(id, &|flow_log| flow_log.status = Status::Activating),
            Change::Deactivate(id) => edit(id, &|flow_log| flow_log.status = Status::Deactivating),
            Change::Modify(id, modification) => edit(id, &|flow_log| {
                flow_log.name = modification.name.as_ref().map(ToString::to_string).or(flow_log.name.take());
                let description = modification.description.as_ref();
                flow_log.description = description.map(ToString::to_string).or(flow_log.description.take());
                let interval = modification.aggregation_interval.map(|interval| interval.as_str().parse().unwrap());
                flow_log.aggregation_interval = interval.or(flow_log.aggregation_interval);
            }),
            Change::Tag(id, tags) => edit(id, &|flow_log| {
                tags_of(flow_log).extend(tags.iter().map(|(key, value)| (key.to_string(), value.to_string())));
            }),
            Change::Move(id, group) => edit(id, &|flow_log| flow_log.resource_group_id = Some(group.to_string())),
        }
    }
    let mut settled = seen.clone();
    // If the plan changes nothing, what was pending before stays pending: its outcome is not up to the plan.
    for flow_log in settled.iter_mut().filter(|_| !plan.changes.is_empty()) {
        match flow_log.status {
            Status::Activating if flow_log.resource_id == resource.id.as_str() => flow_log.status = Status::Active,
            Status::Deactivating if flow_log.resource_id == resource.id.as_str() => flow_log.status = Status::Inactive,
            _ => {}
        }
    }
    [seen, settled]
}

fn any_foreign() -> impl Strategy<Value = Foreign> {
    select(vec![Foreign::Leave, Foreign::Manage])
}

/// Flow logs observed around a network interface. A resource holds at most one flow log, so each is on a different one.
fn any_seen() -> impl Strategy<Value = Vec<FlowLog>> {
    vec(any_flow_log(), 0..5).prop_map(|mut seen| {
        seen.sort_by(|one, other| one.resource_id.cmp(&other.resource_id));
        seen.dedup_by(|one, other| one.resource_id == other.resource_id);
        seen
    })
}

fn any_flow_log() -> impl Strategy<Value = FlowLog> {
    let statuses = vec!["Active", "Activating", "Inactive", "Deactivating", "Modifying", "Deleting", "Odd"];
    let on = select(vec!["eni-1", "vsw-1", "vpc-1", "vpc-2"]);
    (on, select(statuses), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(on, status, is_own, by_sls, drifts, is_renamed)| {
            let id = format!("fl-{on}");
            let flow_log = if is_own { own(&id, on) } else { foreign(&id, on) };
            FlowLog {
                status: Status::from(status),
                service_type: by_sls.then(|| "sls".to_owned()),
                traffic_type: Some(if drifts { "Drop" } else { "All" }.to_owned()),
                description: Some(if is_renamed { "Odd" } else { "Kept by Flowkeeper" }.to_owned()),
                ..flow_log
            }
        },
    )
}

fn any_tags() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    vec((Just("flowkeeper"), select(vec!["ignore", "on", "off", "schedule=never", "odd"])), 0..2)
}

proptest! {
    #[test]
    fn planning_over_the_result_of_a_plan_is_empty(
        seen in any_seen(),
        tags in any_tags(),
        schedule in select(vec!["always", "never"]),
        foreign in any_foreign(),
    ) {
        let eni = tagged(resource("eni-1", &["vsw-1", "vpc-1"]), &tags);
        let policy = policy(&format!("coverage: network-interface\nschedule: {schedule}\n"));
        let desired = desired(&eni, None, &policy, Timestamp::UNIX_EPOCH);
        let first = plan(&eni, &seen, &desired, foreign);
        for state in applied(&eni, seen, &first) {
            prop_assert_eq!(plan(&eni, &state, &desired, foreign).changes, []);
        }
    }

    #[test]
    fn no_plan_deletes_what_is_not_ours_or_touches_what_sls_made(
        seen in any_seen(),
        tags in any_tags(),
        foreign in any_foreign(),
    ) {
        let eni = tagged(resource("eni-1", &["vsw-1", "vpc-1"]), &tags);
        let plan = planned_by(&eni, &seen, "coverage: network-interface\n", foreign);
        for change in &plan.changes {
            let (Change::Activate(id) | Change::Deactivate(id) | Change::Modify(id, _) | Change::Tag(id, _)
            | Change::Move(id, _)) = change else { continue };
            let touched = seen.iter().find(|flow_log| flow_log.id == *id).unwrap();
            prop_assert!(!touched.is_managed_by_sls());
            prop_assert_eq!(touched.resource_id.as_str(), "eni-1");
            prop_assert!(touched.is_own() || foreign == Foreign::Manage);
            prop_assert!(touched.is_own() || !matches!(change, Change::Tag(..)));
        }
    }

    #[test]
    fn no_plan_of_what_is_off_now_switches_it_on_or_makes_one(
        seen in any_seen(),
        foreign in any_foreign(),
    ) {
        let eni = tagged(resource("eni-1", &["vsw-1", "vpc-1"]), &[("flowkeeper", "off")]);
        let plan = planned_by(&eni, &seen, "coverage: network-interface\n", foreign);
        prop_assert!(!actions(&plan).iter().any(|action| ["ActiveFlowLog", "CreateFlowLog"].contains(action)));
    }

    #[test]
    fn the_number_of_writes_is_minimal(seen in any_seen(), tags in any_tags(), foreign in any_foreign()) {
        let eni = tagged(resource("eni-1", &["vsw-1", "vpc-1"]), &tags);
        let plan = planned_by(&eni, &seen, "coverage: network-interface\n", foreign);
        let mut kinds = actions(&plan);
        kinds.sort_unstable();
        kinds.dedup();
        prop_assert_eq!(kinds.len(), plan.changes.len(), "no call is made twice");
    }

    #[test]
    fn no_second_flow_log_is_made_where_one_is_or_where_none_is_wanted(seen in any_seen(), tags in any_tags()) {
        let eni = tagged(resource("eni-1", &["vsw-1", "vpc-1"]), &tags);
        let plan = planned(&eni, &seen, "coverage: network-interface\n");
        let has_one = seen.iter().any(|seen| seen.resource_id == "eni-1" && seen.status != Status::Deleting);
        let is_unwanted = tags.iter().any(|(_, value)| *value != "on");
        let creates = actions(&plan).contains(&"CreateFlowLog");
        prop_assert!(!creates || !has_one && !is_unwanted, "{:?}", plan);
        prop_assert_eq!(creates, plan.verdict == Verdict::Missing || plan.verdict == Verdict::Pending && creates);
    }
}
