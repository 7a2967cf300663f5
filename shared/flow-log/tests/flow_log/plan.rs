//! What is planned for a resource, from what was seen on it.

use flow_log::{
    Change, Delivery, FlowLog, Plan, Resource, Rules, Status, Verdict, plan, plan_orphan, policy::Foreign, wanted,
};
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::support::{foreign, own, policy, resource, tagged, vpc};

fn planned(resource: &Resource, seen: &[FlowLog], more_policy: &str) -> Plan {
    planned_by(resource, seen, more_policy, Rules::default())
}

fn planned_by(resource: &Resource, seen: &[FlowLog], more_policy: &str, rules: Rules) -> Plan {
    plan(resource, seen, &wanted(resource, &policy(more_policy), Timestamp::UNIX_EPOCH), rules)
}

/// The names of the calls.
fn actions(plan: &Plan) -> Vec<&'static str> {
    plan.changes.iter().map(Change::action).collect()
}

/// A network interface on vsw-1 in vpc-1, under `coverage: network-interface`.
fn planned_eni(seen: &[FlowLog]) -> Plan {
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
    assert_eq!((plan.verdict, plan.changes.len(), plan.is_settled), (Verdict::Compliant, 0, true));
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
    let renamed = FlowLog { status: Status::Modifying, name: "theirs".to_owned(), ..own("fl-1", "vpc-1") };
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
    assert_eq!((plan.verdict, plan.changes.len(), plan.is_settled), (Verdict::Compliant, 0, false));
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
    assert_eq!((plan.verdict, plan.changes.len(), plan.is_settled), (Verdict::Undelivered, 0, false));
}

#[test]
fn the_flow_log_that_records_is_judged_before_one_that_does_not_and_ours_before_theirs() {
    let off = FlowLog { status: Status::Inactive, ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[off, foreign("fl-2", "vpc-1")], "");
    assert_eq!((plan.verdict, plan.flow_log.unwrap().as_str()), (Verdict::Foreign, "fl-2"));
    let plan = planned(&vpc("vpc-1"), &[foreign("fl-2", "vpc-1"), own("fl-3", "vpc-1")], "");
    assert_eq!((plan.verdict, plan.flow_log.unwrap().as_str()), (Verdict::Compliant, "fl-3"));
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
    good.traffic_path = vec!["ecr".to_owned(), "all".to_owned()];
    good.resource_group_id = Some("rg-1".to_owned());
    good.tags.insert("team".to_owned(), "net".to_owned());
    assert_eq!(planned(&vpc("vpc-1"), &[good.clone()], asked).verdict, Verdict::Compliant);

    type Edit = fn(&mut FlowLog);
    let edits: [(&str, Edit); 10] = [
        ("name", |it| it.name = "x".to_owned()),
        ("description", |it| it.description = "x".to_owned()),
        ("project", |it| it.project = "x".to_owned()),
        ("log_store", |it| it.log_store = "x".to_owned()),
        ("traffic_type", |it| it.traffic_type = "Drop".to_owned()),
        ("traffic_path", |it| it.traffic_path = vec!["all".to_owned()]),
        ("aggregation_interval", |it| it.aggregation_interval = Some(1)),
        ("ip_version", |it| it.ip_version = Some("IPv6".to_owned())),
        ("resource_group_id", |it| it.resource_group_id = Some("rg-2".to_owned())),
        ("tag team", |it| _ = it.tags.remove("team")),
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
        assert_eq!((plan.verdict, plan.changes.len(), plan.is_settled), (Verdict::Foreign, 0, true));
    }
}

#[test]
fn an_inactive_flow_log_of_ours_is_switched_on_and_no_other_is_made() {
    let off = FlowLog { status: Status::Inactive, ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[off], "");
    assert_eq!((plan.verdict, actions(&plan), plan.is_settled), (Verdict::Inactive, vec!["ActiveFlowLog"], true));
}

#[test]
fn an_inactive_flow_log_of_others_is_left_to_them_unless_the_policy_says_otherwise() {
    let off = [FlowLog { status: Status::Inactive, ..foreign("fl-1", "vpc-1") }];
    let left = planned(&vpc("vpc-1"), &off, "");
    assert_eq!((left.verdict, left.changes.len(), left.is_settled), (Verdict::Inactive, 0, false));
    let manage = Rules { foreign: Foreign::Manage, ..Rules::default() };
    let managed = planned_by(&vpc("vpc-1"), &off, "", manage);
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
    assert_eq!((plan.verdict, plan.is_settled), (Verdict::Paused, true));
    assert_eq!(planned(&vpc("vpc-1"), &[], "schedule: never\n").verdict, Verdict::Paused, "none is made to be off");
    let on = planned(&vpc("vpc-1"), &[own("fl-1", "vpc-1")], "schedule: never\n");
    assert_eq!((on.verdict, actions(&on)), (Verdict::DueToPause, vec!["DeactiveFlowLog"]));
}

#[test]
fn what_can_be_changed_in_place_is_changed_in_place() {
    let mut drifted = FlowLog { aggregation_interval: Some(1), name: "renamed".to_owned(), ..own("fl-1", "vpc-1") };
    drifted.tags.insert("team".to_owned(), "theirs".to_owned());
    let plan = planned(&vpc("vpc-1"), &[drifted], "");
    assert_eq!((plan.verdict, plan.is_settled), (Verdict::Drifted, true));
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
    let drifted = [FlowLog { traffic_type: "Drop".to_owned(), ..own("fl-1", "vpc-1") }];
    let reported = planned(&vpc("vpc-1"), &drifted, "");
    assert_eq!((reported.verdict, actions(&reported), reported.is_settled), (Verdict::Drifted, vec![], false));
    let off = planned(&vpc("vpc-1"), &drifted.clone().map(|it| FlowLog { status: Status::Inactive, ..it }), "");
    assert_eq!((actions(&off), off.is_settled), (vec!["ActiveFlowLog"], false), "switched on, and still drifted");
    let replace = Rules { replace: true, ..Rules::default() };
    let replaced = planned_by(&vpc("vpc-1"), &drifted, "", replace);
    assert_eq!(actions(&replaced), ["DeleteFlowLog", "CreateFlowLog"]);
    let theirs = [FlowLog { traffic_type: "Drop".to_owned(), ..foreign("fl-1", "vpc-1") }];
    let manage = Rules { foreign: Foreign::Manage, replace: true };
    assert!(!actions(&planned_by(&vpc("vpc-1"), &theirs, "", manage)).contains(&"DeleteFlowLog"));
}

#[test]
fn the_flow_log_of_a_resource_that_is_gone_is_deleted_if_it_is_ours() {
    assert_eq!(actions(&plan_orphan(&own("fl-1", "vpc-gone"))), ["DeleteFlowLog"]);
    let theirs = plan_orphan(&foreign("fl-1", "vpc-gone"));
    assert_eq!((theirs.verdict, theirs.changes.len(), theirs.is_settled), (Verdict::Orphaned, 0, false));
}

#[test]
fn a_flow_log_whose_lines_do_not_arrive_is_reported_with_the_reason() {
    let lost = FlowLog { delivery: Delivery::Failed("ProjectNotExist".to_owned()), ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[lost], "");
    assert_eq!((plan.verdict, plan.is_settled), (Verdict::Undelivered, false));
    assert!(plan.reason.contains("ProjectNotExist"), "{}", plan.reason);
    let renamed = FlowLog { delivery: Delivery::Failed(String::new()), name: "x".to_owned(), ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[renamed], "");
    assert_eq!((plan.verdict, actions(&plan)), (Verdict::Undelivered, vec!["ModifyFlowLogAttribute"]));
}

#[test]
fn a_flow_log_of_others_whose_lines_do_not_arrive_is_no_good_cover_and_is_left_to_them() {
    let by_sls = FlowLog { service_type: Some("sls".to_owned()), ..own("fl-1", "vpc-1") };
    for flow_log in [foreign("fl-1", "vpc-1"), by_sls] {
        let lost = FlowLog { delivery: Delivery::Failed("ProjectNotExist".to_owned()), ..flow_log };
        let plan = planned(&vpc("vpc-1"), &[lost], "");
        assert_eq!((plan.verdict, plan.changes.len(), plan.is_settled), (Verdict::Undelivered, 0, false));
        assert!(plan.reason.contains("ProjectNotExist"), "{}", plan.reason);
    }
}

#[test]
fn a_tag_without_a_value_that_is_missing_is_set() {
    let asked = "overrides: [{match: {regions: [cn-hangzhou]}, tags: {audited: ''}}]\n";
    let mut it = own("fl-1", "vpc-1");
    assert_eq!(actions(&planned(&vpc("vpc-1"), &[it.clone()], asked)), ["TagResources"]);
    it.tags.insert("audited".to_owned(), String::new());
    assert_eq!(planned(&vpc("vpc-1"), &[it], asked).verdict, Verdict::Compliant);
}

#[test]
fn an_excluded_vpc_is_not_touched() {
    let excluded = tagged(vpc("vpc-1"), &[("flowkeeper", "ignore")]);
    let plan = planned(&excluded, &[], "");
    assert_eq!((plan.verdict, plan.changes.len()), (Verdict::Excluded, 0));
}

/// What the cloud would hold after `plan`, at once and once its changes have settled.
fn applied(resource: &Resource, mut seen: Vec<FlowLog>, plan: &Plan) -> [Vec<FlowLog>; 2] {
    for change in &plan.changes {
        let mut edit = |id: &flow_log::FlowLogId, edit: &dyn Fn(&mut FlowLog)| {
            seen.iter_mut().filter(|flow_log| flow_log.id == *id).for_each(edit);
        };
        match change {
            Change::Create(spec) => seen.push(FlowLog {
                name: spec.name.to_string(),
                description: spec.description.to_string(),
                traffic_type: spec.traffic_type.to_string(),
                status: Status::Activating,
                ..own("fl-new", resource.id.as_str())
            }),
            Change::Activate(id) => edit(id, &|flow_log| flow_log.status = Status::Activating),
            Change::Deactivate(id) => edit(id, &|flow_log| flow_log.status = Status::Deactivating),
            Change::Modify(id, modification) => edit(id, &|flow_log| {
                flow_log.name = modification.name.as_ref().map_or(flow_log.name.clone(), ToString::to_string);
                let description = modification.description.as_ref();
                flow_log.description = description.map_or(flow_log.description.clone(), ToString::to_string);
                let interval = modification.aggregation_interval.map(|interval| interval.as_str().parse().unwrap());
                flow_log.aggregation_interval = interval.or(flow_log.aggregation_interval);
            }),
            Change::Tag(id, tags) => edit(id, &|flow_log| {
                flow_log.tags.extend(tags.iter().map(|(key, value)| (key.to_string(), value.to_string())));
            }),
            Change::Delete(id) => seen.retain(|flow_log| flow_log.id != *id),
        }
    }
    let mut settled = seen.clone();
    // What was pending before stays so: what becomes of it is not the plan's doing.
    for flow_log in settled.iter_mut().filter(|_| !plan.changes.is_empty()) {
        match flow_log.status {
            Status::Activating if flow_log.resource_id == resource.id.as_str() => flow_log.status = Status::Active,
            Status::Deactivating if flow_log.resource_id == resource.id.as_str() => flow_log.status = Status::Inactive,
            _ => {}
        }
    }
    [seen, settled]
}

fn any_rules() -> impl Strategy<Value = Rules> {
    (select(vec![Foreign::Leave, Foreign::Manage]), any::<bool>())
        .prop_map(|(foreign, replace)| Rules { foreign, replace })
}

/// What can be seen around a network interface. A resource holds one flow log at most, so each is on another one.
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
                traffic_type: if drifts { "Drop" } else { "All" }.to_owned(),
                description: if is_renamed { "Odd" } else { "Kept by Flowkeeper" }.to_owned(),
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
        rules in any_rules(),
    ) {
        let eni = tagged(resource("eni-1", &["vsw-1", "vpc-1"]), &tags);
        let policy = policy(&format!("coverage: network-interface\nschedule: {schedule}\n"));
        let wanted = wanted(&eni, &policy, Timestamp::UNIX_EPOCH);
        let first = plan(&eni, &seen, &wanted, rules);
        for seen in applied(&eni, seen, &first) {
            prop_assert_eq!(plan(&eni, &seen, &wanted, rules).changes, []);
        }
    }

    #[test]
    fn no_plan_deletes_what_is_not_ours_or_touches_what_sls_made(
        seen in any_seen(),
        tags in any_tags(),
        rules in any_rules(),
    ) {
        let eni = tagged(resource("eni-1", &["vsw-1", "vpc-1"]), &tags);
        let plan = planned_by(&eni, &seen, "coverage: network-interface\n", rules);
        for change in &plan.changes {
            let (Change::Activate(id) | Change::Deactivate(id) | Change::Modify(id, _) | Change::Tag(id, _)
            | Change::Delete(id)) = change else { continue };
            let touched = seen.iter().find(|flow_log| flow_log.id == *id).unwrap();
            prop_assert!(!touched.is_managed_by_sls());
            prop_assert_eq!(touched.resource_id.as_str(), "eni-1");
            prop_assert!(touched.is_own() || rules.foreign == Foreign::Manage);
            prop_assert!(touched.is_own() || !matches!(change, Change::Delete(_) | Change::Tag(..)));
        }
    }

    #[test]
    fn no_plan_of_what_is_off_now_switches_it_on_or_makes_one(
        seen in any_seen(),
        rules in any_rules(),
    ) {
        let eni = tagged(resource("eni-1", &["vsw-1", "vpc-1"]), &[("flowkeeper", "off")]);
        let plan = planned_by(&eni, &seen, "coverage: network-interface\n", rules);
        prop_assert!(!actions(&plan).iter().any(|action| ["ActiveFlowLog", "CreateFlowLog"].contains(action)));
    }

    #[test]
    fn the_number_of_writes_is_minimal(seen in any_seen(), tags in any_tags(), rules in any_rules()) {
        let eni = tagged(resource("eni-1", &["vsw-1", "vpc-1"]), &tags);
        let plan = planned_by(&eni, &seen, "coverage: network-interface\n", rules);
        let mut kinds = actions(&plan);
        kinds.sort_unstable();
        kinds.dedup();
        prop_assert_eq!(kinds.len(), plan.changes.len(), "no call is made twice");
        // A new flow log has everything from the start, so nothing is changed besides.
        let is_replaced = actions(&plan).contains(&"DeleteFlowLog");
        prop_assert!(!is_replaced || actions(&plan) == ["DeleteFlowLog", "CreateFlowLog"]);
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
