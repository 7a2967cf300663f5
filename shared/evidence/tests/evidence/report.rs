//! Facts from the report of a run.

use evidence::{ControlStatus, Evidence, Facts, NextChange, NoteState, Observed};
use flow_log::{AccountId, Action, Delivery, FlowLog, Status, Verdict};
use reconcile::{ErrorReport, Item, Outcome, Summary};

use crate::samples::{self, FIRST};

fn item(id: &str, verdict: Verdict, outcome: Outcome) -> Item {
    let account: AccountId = FIRST.parse().unwrap();
    Item {
        region: Some("cn-hangzhou".to_owned()),
        resource_type: Some("VPC"),
        resource_id: Some(id.to_owned()),
        verdict: Some(verdict),
        flow_log_id: Some("fl-bp1a".parse().unwrap()),
        ..Item::of_account(&account, outcome, "a reason")
    }
}

fn failed(code: &str) -> ErrorReport {
    ErrorReport {
        action: "DescribeVpcs",
        code: code.to_owned(),
        message: "refused".to_owned(),
        request_id: Some("R-1".to_owned()),
        advice: "allow it",
    }
}

fn active() -> FlowLog {
    FlowLog {
        id: "fl-bp1a".parse().unwrap(),
        resource_id: "vpc-1".to_owned(),
        name: None,
        description: None,
        traffic_type: Some("All".to_owned()),
        traffic_path: None,
        project: Some("flowlog".to_owned()),
        log_store: Some("vpc".to_owned()),
        aggregation_interval: Some(10),
        ip_version: None,
        resource_group_id: None,
        tags: None,
        status: Status::Active,
        service_type: None,
        delivery: Delivery::Working,
        resource_type: None,
        region: None,
        creation_time: None,
        business_status: None,
        log_format: None,
    }
}

fn facts(items: &[Item], checked: usize, unlisted: usize) -> Facts {
    let mut facts = samples::minimal();
    let summary = Summary { checked, unlisted, ..Summary::default() };
    let observed = Observed {
        account: FIRST.to_owned(),
        region: "cn-hangzhou".to_owned(),
        resource_id: "vpc-1".to_owned(),
        name: Some("web".to_owned()),
        schedule: Some("office-hours".to_owned()),
        next_change: Some(NextChange { at: "2026-11-26T00:00Z".parse().unwrap(), is_on: true }),
    };
    let flow_logs = [(FIRST.to_owned(), "cn-hangzhou".to_owned(), active())];
    facts.add_report((items, &summary), &[FIRST.to_owned()], &[observed], &flow_logs);
    facts
}

#[test]
fn a_result_takes_the_name_and_the_flow_log_that_were_read() {
    let found = facts(&[item("vpc-1", Verdict::Compliant, Outcome::Unchanged)], 1, 0);
    let result = &found.results[0];
    assert_eq!((result.name.as_deref(), result.schedule.as_deref()), (Some("web"), Some("office-hours")));
    let log = result.flow_log.as_ref().unwrap();
    assert_eq!((log.status.as_deref(), log.traffic_type.as_deref()), (Some("Active"), Some("All")));
    assert_eq!(Evidence::new(found).assessment().discrepancies, [""; 0]);
}

#[test]
fn a_flow_log_that_was_not_read_is_known_by_its_id_alone() {
    let mut other = item("vpc-2", Verdict::Compliant, Outcome::Unchanged);
    other.flow_log_id = Some("fl-bp1b".parse().unwrap());
    let found = facts(&[other], 1, 0);
    assert_eq!(found.results[0].flow_log.as_ref().unwrap().status, None);
}

#[test]
fn a_result_that_tells_of_its_flow_log_needs_no_list_of_them() {
    let mut other = item("vpc-2", Verdict::Compliant, Outcome::Unchanged);
    let read = FlowLog { traffic_type: Some("Drop".to_owned()), ..active() };
    other.observed = Some(Box::new((&read).into()));
    other.flow_log_id = None;
    let found = facts(&[other], 1, 0);
    let log = found.results[0].flow_log.as_ref().unwrap();
    // The list has the same flow log as it was read later.
    assert_eq!((log.status.as_deref(), log.interval_minutes), (Some("Active"), Some(10)));
    let mut unlisted = samples::minimal();
    let mut alone = item("vpc-3", Verdict::Compliant, Outcome::Unchanged);
    alone.observed = Some(Box::new((&read).into()));
    unlisted.add_report((&[alone], &Summary { checked: 1, ..Summary::default() }), &[FIRST.to_owned()], &[], &[]);
    assert_eq!(unlisted.results[0].flow_log.as_ref().unwrap().traffic_type.as_deref(), Some("Drop"));
}

#[test]
fn the_two_results_of_a_replacement_are_one_resource_and_two_changes() {
    let change = |action, outcome| Item { action: Some(action), ..item("vpc-1", Verdict::Drifted, outcome) };
    let both = [change(Action::DeleteFlowLog, Outcome::Done), change(Action::CreateFlowLog, Outcome::Done)];
    let found = facts(&both, 1, 0);
    assert_eq!((found.results.len(), found.changes.len()), (1, 2));
    assert!(found.results[0].is_changed);
    let half = [change(Action::DeleteFlowLog, Outcome::Done), change(Action::CreateFlowLog, Outcome::Failed)];
    let half_done = facts(&half, 1, 0);
    assert!(!half_done.results[0].is_changed, "one that is half replaced is not repaired");
    assert_eq!(Evidence::new(half_done).assessment().sums.findings, 1);
}

#[test]
fn resources_that_the_report_only_counts_are_unlisted() {
    let evidence = Evidence::new(facts(&[item("vpc-1", Verdict::Compliant, Outcome::Unchanged)], 301, 300));
    let found = evidence.assessment();
    assert_eq!((found.sums.resources, found.sums.unlisted, found.discrepancies.len()), (301, 300, 0));
}

#[test]
fn a_report_that_counts_more_than_it_lists_does_not_close() {
    let found = facts(&[item("vpc-1", Verdict::Compliant, Outcome::Unchanged)], 3, 0);
    assert_eq!(Evidence::new(found).assessment().discrepancies.len(), 1);
}

#[test]
fn what_is_about_no_resource_becomes_a_note_or_is_left_out() {
    let account: AccountId = FIRST.parse().unwrap();
    let region = "cn-hangzhou".parse().unwrap();
    let about = |outcome, reason: &str| Item::of_account(&account, outcome, reason).at(Some(&account), Some(&region));
    let items = [
        Item {
            verdict: Some(Verdict::Unknown),
            error: Some(failed("Forbidden.RAM")),
            ..about(Outcome::Failed, "unread")
        },
        Item { verdict: Some(Verdict::Unsupported), ..about(Outcome::Skipped, "unsupported") },
        about(Outcome::Skipped, "out of scope"),
        Item::of_account(&account, Outcome::Skipped, "not rolled out").finding(),
        Item {
            resource_type: Some("LogStore"),
            resource_id: Some("flowlog/vpc".to_owned()),
            ..about(Outcome::Failed, "no Logstore").finding()
        },
        about(Outcome::Unfinished, "no time"),
    ];
    let found = facts(&items, 0, 0);
    let notes: Vec<_> = found.notes.iter().map(|note| (note.reason.as_str(), note.state)).collect();
    assert_eq!(
        notes,
        [
            ("unread", NoteState::Unread),
            ("unsupported", NoteState::Unsupported),
            ("not rolled out", NoteState::Unread),
            ("no Logstore", NoteState::Finding),
            ("no time", NoteState::Unread),
        ]
    );
    assert_eq!(found.notes[0].error.as_ref().unwrap().advice, "allow it");
    assert_eq!(found.asked.left_out[0].why, "out of scope");
    let evidence = Evidence::new(found);
    assert!(evidence.assessment().controls.iter().all(|control| control.status != ControlStatus::Pass));
}
