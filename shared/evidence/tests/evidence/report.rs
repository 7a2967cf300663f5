//! Facts from the report of a run.

use evidence::{
    AskedAccount, ControlStatus, DeliveryState, Evidence, Facts, Joining, Kind, NextChange, NoteState, Observed,
    ReportSummary, Service, Unknown,
};
use flow_log::{AccountId, Action, Delivery, FlowLog, Status, Verdict, proof::Proof};
use reconcile::{
    ErrorKind, ErrorReport, Item, Outcome, Summary,
    delivery::{FlowLogProof, LogStoreProof},
};

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
        kind: ErrorKind::AccessDenied,
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
        has_ipv6: Some(false),
        schedule: Some("office-hours".to_owned()),
        next_change: Some(NextChange { at: "2026-11-26T00:00Z".parse().unwrap(), is_on: true }),
        tags_used: Vec::new(),
    };
    let flow_logs = [(FIRST.to_owned(), "cn-hangzhou".to_owned(), active())];
    facts.add_report((items, &summary), &[FIRST.to_owned()], (&[observed], &flow_logs), usize::MAX);
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
    let summary = Summary { checked: 1, ..Summary::default() };
    unlisted.add_report((&[alone], &summary), &[FIRST.to_owned()], (&[], &[]), usize::MAX);
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

/// The facts of a report of this many VPCs that lists 1,000 at most. One in ten has no flow log, one in ten is excluded, and
/// one could not be read.
fn bounded(number: usize) -> Facts {
    let item_of = |nth: usize| {
        let id = format!("vpc-{nth}");
        match nth % 10 {
            0 if nth == 0 => Item { is_finding: true, ..item(&id, Verdict::Unknown, Outcome::Failed) },
            0 => {
                let missing = item(&id, Verdict::Missing, Outcome::Planned).finding();
                Item { action: Some(Action::CreateFlowLog), ..missing }
            }
            1 => Item { is_exception: true, ..item(&id, Verdict::Excluded, Outcome::Skipped) },
            _ => item(&id, Verdict::Compliant, Outcome::Unchanged),
        }
    };
    let items: Vec<_> = (0..number).map(item_of).collect();
    let mut facts = samples::minimal();
    facts.asked.kinds = vec![Kind::Vpc];
    let asked = AskedAccount { account: FIRST.to_owned(), name: None, regions: vec!["cn-hangzhou".to_owned()] };
    facts.asked.accounts.push(asked);
    for list in ["DescribeVpcs", "DescribeFlowLogs"] {
        facts.reads.push(samples::read(FIRST, "cn-hangzhou", list, number as u64));
    }
    let summary = Summary { checked: number, ..Summary::default() };
    facts.add_report((&items, &summary), &[FIRST.to_owned()], (&[], &[]), 1_000);
    facts
}

#[test]
fn beyond_what_a_report_lists_every_resource_is_still_counted_and_the_worst_are_listed() {
    for number in [1_000, 1_001, 5_000, 20_000] {
        let evidence = Evidence::new(bounded(number));
        let (facts, found) = (evidence.facts(), evidence.assessment());
        assert_eq!((facts.results.len(), found.sums.resources), (1_000, number as u64));
        assert_eq!(found.discrepancies, [""; 0], "{number}");
        let sums = &found.sums;
        assert_eq!(
            (sums.findings, sums.unknown, sums.exceptions),
            ((number as u64).div_ceil(10) - 1, 1, (number as u64 - 1).div_ceil(10))
        );
        assert_eq!((sums.counted(), sums.omitted), (number as u64, number as u64 - 1_000));
        let listed = |verdict| facts.results.iter().filter(|it| it.verdict == verdict).count() as u64;
        assert_eq!(listed(Verdict::Missing), sums.findings.min(1_000), "{number}");
        assert_eq!((facts.changes.len() as u64).saturating_add(facts.omitted_changes), sums.findings);
        assert_eq!(facts.changes.len() as u64, sums.findings.min(1_000));
    }
}

#[test]
fn which_resources_are_only_counted_does_not_depend_on_the_order_of_the_results() {
    let seal = |items: &[Item]| {
        let mut facts = samples::minimal();
        let summary = Summary { checked: items.len(), ..Summary::default() };
        facts.add_report((items, &summary), &[FIRST.to_owned()], (&[], &[]), 10);
        Evidence::new(facts).seal()
    };
    let of = |nth: usize| {
        let verdict = [Verdict::Compliant, Verdict::Missing, Verdict::Drifted][nth % 3];
        item(&format!("vpc-{nth}"), verdict, Outcome::Skipped)
    };
    let mut items: Vec<_> = (0..100).map(of).collect();
    let expected = seal(&items);
    items.reverse();
    assert_eq!(seal(&items), expected);
}

#[test]
fn whether_the_records_of_routers_arrive_is_unknown_and_said_with_the_reason_and_passes_nothing() {
    let router = |id: &str, status| {
        let read = FlowLog { id: id.parse().unwrap(), status, ..active() };
        let found = item(&format!("vbr-{id}"), Verdict::Compliant, Outcome::Unchanged);
        Item { resource_type: Some("VBR"), observed: Some(Box::new((&read).into())), ..found }
    };
    let items = [
        router("fl-on", Status::Active),
        router("fl-off", Status::Inactive),
        item("vpc-1", Verdict::Compliant, Outcome::Unchanged),
    ];
    // Of those that are only counted, too.
    for max in [usize::MAX, 1] {
        let mut facts = samples::minimal();
        let summary = Summary { checked: 3, ..Summary::default() };
        facts.add_report((&items, &summary), &[FIRST.to_owned()], (&[], &[]), max);
        let [delivery] = &facts.deliveries[..] else { panic!("{:?}", facts.deliveries) };
        assert_eq!((delivery.flow_log_id.as_str(), delivery.state), ("fl-on", DeliveryState::Unknown));
        assert!(delivery.why_unknown.as_ref().unwrap().contains("the documentation does not say"), "{delivery:?}");
        let evidence = Evidence::new(facts);
        let found = evidence.assessment();
        let is_said = |unknown: &&Unknown| unknown.subject.as_deref() == Some("fl-on");
        assert!(
            found.unknown.iter().find(is_said).unwrap().why.contains("the documentation does not say"),
            "{:?}",
            found.unknown
        );
        assert!(found.controls.iter().all(|control| control.status != ControlStatus::Pass));
    }
}

/// A report of `number` VPCs. Every third delivers nothing. Neither does a flow log of another resource.
fn silent(number: usize, max: usize) -> Evidence {
    let (account, region) = (FIRST, "cn-hangzhou");
    // In another order than the resources, so that those that are listed are not the flow logs of those that are.
    let id_of = |nth: usize| format!("fl-bp1{:04}", 9999 - nth);
    let mut facts = samples::minimal();
    facts.asked.kinds = vec![Kind::Vpc];
    facts.asked.accounts.push(AskedAccount {
        account: account.to_owned(),
        name: None,
        regions: vec![region.to_owned()],
    });
    facts.services.push(Service { account: account.to_owned(), is_open: Some(true), error: None, calls: Vec::new() });
    for list in ["DescribeVpcs", "DescribeFlowLogs"] {
        facts.reads.push(samples::read(account, region, list, number as u64));
    }
    let (from, to) = (facts.head.started, facts.head.ended);
    let proof = |nth| {
        let proof = if nth % 3 == 0 { Proof::Silent { last: None } } else { Proof::NoTraffic { last: from } };
        FlowLogProof { id: id_of(nth).parse().unwrap(), proof, tally: None }
    };
    let proof = LogStoreProof {
        project: "flowlog".to_owned(),
        log_store: "vpc".to_owned(),
        failures: Vec::new(),
        retention_days: Ok(400),
        from,
        to,
        // The last one is that of no resource.
        flow_logs: (0..number).chain([3 * number]).map(proof).collect(),
    };
    facts.add_proofs(account, region, &[proof]);
    let item_of = |nth: usize| {
        let read = FlowLog { id: id_of(nth).parse().unwrap(), ..active() };
        let found = item(&format!("vpc-{nth:04}"), Verdict::Compliant, Outcome::Unchanged);
        Item { observed: Some(Box::new((&read).into())), ..found }
    };
    let items: Vec<_> = (0..number).map(item_of).collect();
    let summary = Summary { checked: number, ..Summary::default() };
    facts.add_report((&items, &summary), &[account.to_owned()], (&[], &[]), max);
    Evidence::new(facts)
}

#[test]
fn what_does_not_arrive_is_a_finding_before_anything_is_left_out() {
    let whole = silent(300, usize::MAX);
    assert_eq!((whole.assessment().sums.findings, whole.facts().notes.len()), (100, 1));
    // More findings than are listed, and fewer.
    for max in [1, 40, 100, 150, 299] {
        let evidence = silent(300, max);
        let (facts, found) = (evidence.facts(), evidence.assessment());
        assert_eq!((facts.results.len(), found.sums.omitted), (max, 300 - max as u64));
        let listed = facts.results.iter().filter(|result| result.verdict == Verdict::Undelivered).count();
        assert_eq!(listed, max.min(100), "{max}: findings are listed first");
        assert_eq!(
            (found.sums.findings, found.sums.compliant, &found.sums.verdicts),
            (100, 200, &whole.assessment().sums.verdicts)
        );
        assert_eq!(found.discrepancies, [""; 0], "{max}");
        assert_eq!(facts.notes, whole.facts().notes, "{max}: only the flow log of no resource is a finding of its own");
        let findings = |of: &Evidence| ReportSummary::of(of, "folder").findings;
        assert_eq!(findings(&evidence), findings(&whole), "{max}");
        for (control, of_whole) in found.controls.iter().zip(&whole.assessment().controls) {
            let is_better = control.status == ControlStatus::Pass && of_whole.status != ControlStatus::Pass
                || of_whole.status == ControlStatus::Fail && control.status != ControlStatus::Fail;
            assert!(!is_better, "{max}: {control:?}");
        }
        assert_eq!(Evidence::new(facts.clone()), evidence, "{max}: drawn twice, it says the same");
    }
}

#[test]
fn findings_about_deliveries_that_are_only_counted_are_counted_once_in_a_joined_report() {
    let whole = silent(300, usize::MAX);
    for max in [1, 40, 100, 150] {
        let mut joining = Joining::up_to(max);
        joining.add(whole.clone()).unwrap();
        let joined = joining.finish().unwrap();
        assert_eq!(joined.facts().results.len(), max);
        assert_eq!(joined.assessment().sums.findings, 100);
        assert_eq!(joined.facts().notes, whole.facts().notes, "{max}");
    }
}
