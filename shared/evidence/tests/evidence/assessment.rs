//! What follows from facts.

use evidence::{
    Asked, Class, Control,
    ControlStatus::{self, Fail, Pass, Unknown},
    DeliveryState, Evidence, ExceptionsCountAs, Facts, InvalidEvidence, Judged, Kind, LeftOut, Note, NoteState, Part,
    Read, Sums,
};
use flow_log::Verdict;

use crate::samples::{self, FIRST, SECOND};

/// One account, one region, and VPCs that all record.
fn whole() -> Facts {
    let mut facts = samples::small();
    facts.results.retain(|it| (it.account.as_str(), it.region.as_str()) == (FIRST, "cn-hangzhou"));
    facts.results.retain(|it| it.verdict == Verdict::Compliant);
    facts.asked.accounts.truncate(1);
    facts.asked.accounts[0].regions = vec!["cn-hangzhou".to_owned()];
    let count = facts.results.len() as u64;
    facts.reads =
        ["DescribeVpcs", "DescribeFlowLogs"].map(|it| samples::read(FIRST, "cn-hangzhou", it, count)).to_vec();
    facts.judged.truncate(1);
    facts.judged[0].resources = count;
    facts.services.truncate(1);
    facts.asked.left_out.clear();
    facts.log_stores.clear();
    facts.deliveries.clear();
    samples::prove(&mut facts, |_| samples::proof(usize::MAX));
    facts
}

fn control(facts: Facts, id: &str) -> Control {
    let evidence = Evidence::new(facts);
    evidence.assessment().controls.iter().find(|control| control.id == id).unwrap().clone()
}

fn status(facts: Facts, id: &str) -> ControlStatus {
    control(facts, id).status
}

#[test]
fn the_sums_close_and_the_sentence_tells_them() {
    let evidence = Evidence::new(samples::small());
    let found = evidence.assessment();
    let sums = &found.sums;
    assert_eq!((sums.resources, sums.compliant, sums.paused, sums.excluded, sums.findings), (41, 32, 3, 1, 5));
    assert_eq!(sums.counted(), sums.resources);
    assert_eq!(found.discrepancies, [""; 0]);
    assert_eq!(
        found.verdict,
        "32 of 41 VPCs are as the policy wants them (records of 29 arrive, 2 had no traffic, whether those of 1 arrive is \
         unknown); 3 are off on purpose until 2026-11-25 23:00 UTC; 1 is left alone on purpose; 1 has no flow log; \
         3 are recorded, but their records are lost or do not arrive; 1 differs from the policy; \
         1 of 10 regions could not be read."
    );
}

#[test]
fn the_sentence_never_says_that_anything_arrives_that_is_not_proven_to() {
    let said = |facts: Facts| Evidence::new(facts).assessment().verdict.clone();
    assert_eq!(said(whole()), "All 13 VPCs are as the policy wants them (their records arrive).");
    let mut unread = whole();
    unread.deliveries.clear();
    let unknown = "All 13 VPCs are as the policy wants them (whether their records arrive is unknown).";
    assert_eq!(said(unread.clone()), unknown);
    let cis = control(unread, "3.3");
    assert!(cis.details.iter().any(|it| it.starts_with("0 of 13 VPCs")), "{cis:?}");
    let one = |keep: fn(&mut Facts)| {
        let mut facts = whole();
        facts.results.truncate(1);
        facts.deliveries.truncate(1);
        facts.judged[0].resources = 1;
        facts.reads.clear();
        keep(&mut facts);
        said(facts)
    };
    let of_one = |whole: &str| whole.split(';').next().unwrap().trim_end_matches('.').to_owned();
    assert_eq!(of_one(&one(|_| ())), "The one VPC is as the policy wants it (its records arrive)");
    let quiet = one(|facts| facts.deliveries[0].state = DeliveryState::NothingFlowed);
    assert_eq!(of_one(&quiet), "The one VPC is as the policy wants it (it had no traffic)");
    let off = one(|facts| facts.results[0].flow_log.as_mut().unwrap().status = Some("Activating".to_owned()));
    assert_eq!(of_one(&off), "The one VPC is as the policy wants it (whether its records arrive is unknown)");
    let missing = one(|facts| samples::lose_flow_log(&mut facts.results[0]));
    assert!(missing.starts_with("One VPC was read; 1 has no flow log"), "{missing}");
}

#[test]
fn what_is_gone_is_told_beside_the_vpcs_and_the_equation_has_it() {
    let mut facts = whole();
    let mut gone = samples::vpc(FIRST, "cn-hangzhou", 900, "gone");
    gone.verdict = Verdict::Orphaned;
    facts.results.push(gone);
    facts.judged[0].resources += 1;
    let evidence = Evidence::new(facts);
    let found = evidence.assessment();
    assert_eq!((found.sums.gone(), found.discrepancies.len()), (1, 0));
    assert!(found.verdict.starts_with("All 13 VPCs are as the policy wants them"), "{}", found.verdict);
    assert!(found.verdict.contains("; 1 more is gone and still has a flow log"), "{}", found.verdict);
    assert_eq!(found.sums.equation(), "14 = 13 as wanted + 0 exceptions + 1 finding");
}

#[test]
fn the_equation_has_every_class_and_says_if_it_does_not_close() {
    let sums = Sums {
        resources: 2_008,
        compliant: 2_000,
        exceptions: 1,
        paused: 1,
        pending: 1,
        changed: 2,
        unknown: 1,
        unlisted: 3,
        ..Sums::default()
    };
    let expected = "2,008 = 2,000 as wanted + 1 exception + 0 findings + 1 in transition + 2 repaired + 1 unknown + \
                    3 counted only";
    assert_eq!(sums.equation(), expected);
    assert!(Sums { unlisted: 2, ..sums }.equation().starts_with("2,008 ≠ 2,000 as wanted"));
}

#[test]
fn what_is_outside_the_scope_is_counted_and_what_has_no_number_is_named() {
    let outside = |all: &[(&str, Part)]| {
        let left_out =
            |(what, part): &(&str, Part)| LeftOut { what: (*what).to_owned(), why: String::new(), part: *part };
        Asked { left_out: all.iter().map(left_out).collect(), ..Asked::default() }.outside()
    };
    assert_eq!(outside(&[]), None);
    let regions = [("cn-beijing", Part::Region), ("cn-qingdao", Part::Region), ("1000000000000003", Part::Account)];
    assert_eq!(outside(&regions).unwrap(), "1 account, 2 regions");
    let more = [("every other region of the policy", Part::Region), ("Express Connect Routers", Part::Other)];
    assert_eq!(
        outside(&[&regions[..], &more].concat()).unwrap(),
        "1 account, at least 2 regions, Express Connect Routers"
    );
    assert_eq!(outside(&more[..1]).unwrap(), "every other region of the policy");
}

#[test]
fn each_way_in_which_counts_can_disagree_is_said() {
    let discrepancies = |break_it: fn(&mut Facts)| {
        let mut facts = whole();
        break_it(&mut facts);
        Evidence::new(facts).assessment().discrepancies.clone()
    };
    assert_eq!(discrepancies(|_| ()), [""; 0]);
    type Case = (fn(&mut Facts), &'static str);
    let cases: [Case; 7] = [
        (|facts| facts.judged[0].resources += 1, "the run judged 14 resources, and 13 are accounted for"),
        (|facts| _ = facts.results.pop(), "judged 13 resources, and 12 are accounted for"),
        (|facts| facts.judged.clear(), "the run counted no resources in 1000000000000001"),
        (|facts| facts.judged[0].unlisted = u64::MAX, "are accounted for"),
        (
            |facts| {
                let twin = facts.results[0].clone();
                facts.results.push(evidence::ResourceResult { reason: "another".to_owned(), ..twin });
            },
            "has more than one result",
        ),
        (
            |facts| facts.reads[0] = samples::read(FIRST, "cn-hangzhou", "DescribeVpcs", 12),
            "13 results name a VPC in cn-hangzhou",
        ),
        (|facts| facts.head.ended = "2026-11-25T22:00:00Z".parse().unwrap(), "before it began"),
    ];
    for (break_it, expected) in cases {
        let found = discrepancies(break_it);
        assert!(found.iter().any(|why| why.contains(expected)), "{expected}: {found:#?}");
    }
    let more = discrepancies(|facts| {
        facts.reads[0].items += 2;
        facts.reads[0].total = Some(15);
    });
    assert_eq!(more, ["15 resources of type VPC are in cn-hangzhou of 1000000000000001, and 13 were judged"]);
}

#[test]
fn what_was_only_counted_closes_the_sums_and_passes_no_control() {
    let mut facts = whole();
    facts.results.truncate(10);
    facts.judged[0].unlisted = 3;
    let evidence = Evidence::new(facts.clone());
    let found = evidence.assessment();
    assert_eq!((found.discrepancies.len(), found.sums.unlisted), (0, 3));
    assert_eq!(
        found.verdict,
        "10 of 13 VPCs are as the policy wants them (their records arrive); 3 more need nothing and are not listed."
    );
    assert_eq!(status(facts, "3.3"), Unknown);
}

#[test]
fn cis_3_3_passes_only_if_every_vpc_was_read_and_records_rejected_packets() {
    assert_eq!(status(whole(), "3.3"), Pass);
    let with = |change: fn(&mut Facts)| {
        let mut facts = whole();
        change(&mut facts);
        status(facts, "3.3")
    };
    let traffic = |facts: &mut Facts, word: Option<&str>| {
        facts.results[0].flow_log.as_mut().unwrap().traffic_type = word.map(|it| it.to_owned().into());
    };
    let mut recorded = whole();
    for (word, expected) in
        [(Some("Drop"), Pass), (Some("All"), Pass), (Some("Allow"), Fail), (Some("Some"), Unknown), (None, Unknown)]
    {
        traffic(&mut recorded, word);
        assert_eq!(status(recorded.clone(), "3.3"), expected, "{word:?}");
    }
    assert_eq!(with(|facts| facts.results[0].flow_log = None), Unknown, "compliant, by a flow log nobody read");
    assert_eq!(with(|facts| facts.results[0].flow_log.as_mut().unwrap().status = None), Unknown);
    assert_eq!(with(|facts| facts.results[0].flow_log.as_mut().unwrap().status = Some("Inactive".into())), Fail);
    for (verdict, expected) in [
        (Verdict::Missing, Fail),
        (Verdict::Inactive, Fail),
        (Verdict::Undelivered, Fail),
        (Verdict::Unknown, Unknown),
        (Verdict::Pending, Unknown),
    ] {
        let mut broken = whole();
        broken.results[0].verdict = verdict;
        assert_eq!(status(broken, "3.3"), expected, "{verdict}");
    }
    assert_eq!(with(|facts| facts.reads[0].total = Some(14)), Unknown, "a list that is cut short");
    assert_eq!(with(|facts| facts.reads[0].pages = 0), Unknown, "a list without a page");
    assert_eq!(with(|facts| facts.reads[1].error = Some(samples::denied("DescribeFlowLogs"))), Unknown);
    assert_eq!(with(|facts| _ = facts.reads.pop()), Unknown, "no call was made");
    assert_eq!(with(|facts| facts.reads[1].about = Some("vpc-1".into())), Unknown, "a list about one VPC");
    assert_eq!(with(|facts| facts.asked.accounts[0].regions.push("cn-beijing".into())), Unknown);
    assert_eq!(with(|facts| facts.asked.accounts[0].regions.clear()), Unknown);
    assert_eq!(with(|facts| facts.asked.accounts.clear()), Unknown);
    assert_eq!(with(|facts| facts.asked.kinds = vec![Kind::Vpc, Kind::VSwitch]), Unknown);
    assert_eq!(with(|facts| facts.asked.kinds = vec![Kind::NetworkInterface]), Unknown);
}

#[test]
fn a_known_failure_fails_a_control_even_if_other_things_are_unknown() {
    let mut facts = whole();
    facts.results[0].verdict = Verdict::Missing;
    facts.results[1].verdict = Verdict::Unknown;
    facts.asked.accounts[0].regions.push("cn-beijing".to_owned());
    let found = control(facts, "3.3");
    assert_eq!(found.status, Fail);
    assert!(found.details.iter().any(|why| why.starts_with("not known")), "{:?}", found.details);
}

#[test]
fn an_exception_is_set_aside_and_named_or_counts_as_a_failure_if_the_reader_wants() {
    let mut facts = whole();
    for result in &mut facts.results[..2] {
        result.verdict = Verdict::Paused;
        result.is_exception = true;
        result.flow_log.as_mut().unwrap().status = Some("Inactive".to_owned());
    }
    let found = control(facts.clone(), "3.3");
    assert_eq!(found.status, Pass);
    let named = found.details.iter().find(|why| why.starts_with("exceptions, set aside")).unwrap();
    assert!(named.contains(&facts.results[0].id) && named.contains(&facts.results[1].id), "{named}");
    facts.exceptions_count_as = ExceptionsCountAs::Failure;
    assert_eq!(status(facts.clone(), "3.3"), Fail);
    assert_eq!(status(facts, "A.8.15"), Fail);
    let mut all = whole();
    for result in &mut all.results {
        result.verdict = Verdict::Excluded;
        result.flow_log = None;
    }
    assert_eq!(status(all, "3.3"), Unknown, "if all are exceptions, nothing is proven");
}

#[test]
fn what_is_left_alone_or_outside_the_scope_passes_no_control_that_is_about_everything() {
    for verdict in [Verdict::Excluded, Verdict::Unsupported] {
        let mut facts = whole();
        facts.results[1].verdict = verdict;
        facts.results[1].is_exception = true;
        facts.results[1].flow_log = None;
        let found = control(facts.clone(), "3.3");
        assert_eq!(found.status, Unknown, "{verdict}");
        assert!(found.details.iter().any(|why| why.contains(&facts.results[1].id)), "{:?}", found.details);
        assert_eq!(status(facts, "A.8.15"), Unknown, "{verdict}");
    }
    for (part, expected) in [(Part::Region, Unknown), (Part::Account, Unknown), (Part::Other, Pass)] {
        let mut facts = whole();
        let left_out = LeftOut { what: "cn-beijing".to_owned(), why: "nobody asked".to_owned(), part };
        facts.asked.left_out.push(left_out);
        let found = control(facts.clone(), "3.3");
        assert_eq!(found.status, expected, "{part:?}");
        let is_named = found.details.iter().any(|why| why.contains("outside the scope: cn-beijing"));
        assert_eq!(is_named, part != Part::Other, "{:?}", found.details);
        assert_eq!(status(facts, "10.2.1"), expected, "{part:?}");
    }
}

#[test]
fn a_region_without_the_service_passes_only_if_it_is_known_to_be_empty() {
    let mut facts = whole();
    facts.asked.accounts[0].regions.push("me-central-1".to_owned());
    facts.notes.push(Note {
        account: Some(FIRST.to_owned()),
        region: Some("me-central-1".to_owned()),
        subject: None,
        state: NoteState::Unsupported,
        reason: "me-central-1 has no flow logs".to_owned(),
        error: None,
    });
    assert_eq!(status(facts.clone(), "3.3"), Unknown, "nobody listed its VPCs");
    facts.reads.push(samples::read(FIRST, "me-central-1", "DescribeVpcs", 0));
    assert_eq!(status(facts.clone(), "3.3"), Pass, "it has none");
    facts.reads.insert(0, samples::read(FIRST, "me-central-1", "DescribeRegions", 8));
    assert_eq!(status(facts.clone(), "3.3"), Pass, "the regions of the account are listed there");
    facts.reads.last_mut().unwrap().items = 1;
    assert_eq!(status(facts, "3.3"), Unknown, "it has one");
}

/// The controls that say whether everything records.
const ABOUT_RECORDING: [&str; 6] = ["3.3", "8.1.3.5", "10.2.1", "A.8.15", "CC7.2", "AU-12"];

fn with_delivery(state: DeliveryState) -> Facts {
    let mut facts = whole();
    facts.deliveries[0].state = state;
    facts
}

#[test]
fn a_flow_log_whose_records_do_not_arrive_is_a_finding_and_fails_every_control() {
    for state in [DeliveryState::Silent, DeliveryState::RecordsLost] {
        let facts = with_delivery(state);
        let evidence = Evidence::new(facts.clone());
        let found = evidence.assessment();
        assert_eq!((found.sums.findings, found.discrepancies.len()), (1, 0), "{state:?}");
        let result = &evidence.facts().results[0];
        assert_eq!(result.verdict, Verdict::Undelivered, "{state:?}");
        assert!(result.reason.contains(&facts.deliveries[0].flow_log_id), "{}", result.reason);
        assert!(
            found.verdict.contains("1 is recorded, but its records are lost or do not arrive"),
            "{}",
            found.verdict
        );
        for id in ABOUT_RECORDING {
            assert_eq!(status(facts.clone(), id), Fail, "{state:?}: {id}");
        }
        assert_eq!(Evidence::new(evidence.clone().into_facts()), evidence, "drawn twice, it says the same");
    }
}

#[test]
fn while_nobody_knows_whether_records_arrive_no_control_passes_and_the_flow_logs_are_named() {
    let mut unread = whole();
    unread.deliveries.remove(0);
    for facts in [with_delivery(DeliveryState::Unknown), unread] {
        let evidence = Evidence::new(facts.clone());
        let found = evidence.assessment();
        assert_eq!((found.sums.findings, found.unknown.len()), (0, 1), "{:?}", found.unknown);
        let named = facts.results[0].flow_log.as_ref().unwrap();
        assert_eq!(found.unknown[0].subject.as_ref(), Some(&named.id));
        for id in ABOUT_RECORDING {
            assert_eq!(status(facts.clone(), id), Unknown, "{id}");
        }
    }
    for state in [DeliveryState::NothingFlowed, DeliveryState::NothingToRecord] {
        assert_eq!(status(with_delivery(state), "3.3"), Pass, "{state:?}");
    }
}

#[test]
fn many_flow_logs_of_one_reason_are_one_entry_of_the_unknown() {
    let mut facts = whole();
    for delivery in &mut facts.deliveries {
        delivery.state = DeliveryState::Unknown;
        delivery.why_unknown = Some("GetLogsV2 is not allowed".to_owned());
        delivery.error = Some(samples::denied("GetLogsV2"));
    }
    let evidence = Evidence::new(facts);
    let [one] = &evidence.assessment().unknown[..] else { panic!("{:?}", evidence.assessment().unknown) };
    assert!(one.why.contains("fl-bp1example000000000001") && one.why.contains("and 3 more"), "{}", one.why);
    assert!(one.why.ends_with("GetLogsV2 is not allowed") && one.error.is_some(), "{one:?}");
}

#[test]
fn a_flow_log_that_no_resource_needs_and_that_delivers_nothing_is_a_note() {
    let mut facts = whole();
    let other = evidence::Delivery {
        flow_log_id: "fl-bp1other".to_owned(),
        state: DeliveryState::Silent,
        ..facts.deliveries[0].clone()
    };
    facts.deliveries.push(other);
    let evidence = Evidence::new(facts);
    let [note] = &evidence.facts().notes[..] else { panic!("{:?}", evidence.facts().notes) };
    assert_eq!((note.subject.as_deref(), note.state), (Some("fl-bp1other"), NoteState::Finding));
    assert_eq!(evidence.assessment().sums.findings, 0);
    assert_eq!(Evidence::new(evidence.clone().into_facts()), evidence);
}

#[test]
fn a_service_or_a_retention_that_was_not_read_is_unknown_by_name() {
    let mut facts = whole();
    facts.services[0].is_open = None;
    facts.services[0].error = Some(samples::denied("GetFlowLogServiceStatus"));
    facts.log_stores[0].days = None;
    facts.log_stores[0].error = Some(samples::denied("GetLogStore"));
    let evidence = Evidence::new(facts);
    let found: Vec<_> =
        evidence.assessment().unknown.iter().map(|it| it.error.as_ref().unwrap().operation.as_str()).collect();
    assert_eq!(found, ["GetFlowLogServiceStatus", "GetLogStore"]);
    let mut gone = whole();
    gone.log_stores[0].days = None;
    gone.log_stores[0].is_gone = true;
    assert_eq!(status(gone.clone(), "10.5.1"), Fail, "what is not there keeps nothing");
    assert!(Evidence::new(gone).assessment().unknown.is_empty(), "it is known to be gone");
}

#[test]
fn cis_2_5_needs_the_answer_of_every_account() {
    let with = |states: [Option<bool>; 2]| {
        let mut facts = samples::small();
        for (service, state) in facts.services.iter_mut().zip(states) {
            service.is_open = state;
        }
        status(facts, "2.5")
    };
    assert_eq!(with([Some(true), Some(true)]), Pass);
    assert_eq!(with([Some(true), None]), Unknown);
    assert_eq!(with([None, Some(false)]), Fail);
    let mut none = samples::small();
    none.services.truncate(1);
    assert_eq!(status(none, "2.5"), Unknown, "an account that nobody asked");
    assert_eq!(status(samples::minimal(), "2.5"), Unknown, "no account at all");
}

#[test]
fn retention_is_compared_with_180_and_365_days_and_one_that_was_not_read_is_unknown() {
    let with = |days: Option<u32>| {
        let mut facts = whole();
        facts.log_stores[0].days = days;
        (status(facts.clone(), "article 21 (3)"), status(facts, "10.5.1"))
    };
    for (days, expected) in [
        (Some(3650), (Pass, Pass)),
        (Some(365), (Pass, Pass)),
        (Some(364), (Pass, Fail)),
        (Some(180), (Pass, Fail)),
        (Some(179), (Fail, Fail)),
        (None, (Unknown, Unknown)),
    ] {
        assert_eq!(with(days), expected, "{days:?}");
    }
    let mut unread = whole();
    unread.log_stores.clear();
    let evidence = Evidence::new(unread);
    let found = &evidence.assessment().retention;
    assert_eq!((found.len(), found[0].keeps_180), (1, Unknown), "the target of a flow log that nobody read");
    assert_eq!(status(samples::minimal(), "10.5.1"), Unknown, "no Logstore keeps nothing");
}

#[test]
fn everything_that_could_not_be_read_is_named_with_its_call_and_its_remedy() {
    let mut facts = samples::small();
    facts.notes.push(Note {
        account: Some(SECOND.to_owned()),
        region: Some("cn-shanghai".to_owned()),
        subject: Some("vpc-x".to_owned()),
        state: NoteState::Unread,
        reason: "one of the VPCs could not be read".to_owned(),
        error: None,
    });
    let evidence = Evidence::new(facts);
    let found = evidence.assessment();
    let unread: Vec<_> = found.unknown.iter().map(|it| (it.region.as_deref().unwrap(), it.why.as_str())).collect();
    assert_eq!(
        unread,
        [
            ("cn-hangzhou", "whether the records of fl-bp1example000000000005 arrive: the Logstore has no index"),
            ("cn-beijing", "for how long it keeps records: GetLogStore is not allowed"),
            ("cn-shanghai", "one of the VPCs could not be read"),
            (
                "eu-central-1",
                "DescribeVpcs failed: DescribeVpcs in eu-central-1 of 1000000000000002: the role may not call it"
            )
        ]
    );
    let error = found.unknown[3].error.as_ref().unwrap();
    assert_eq!(error.request_id.as_deref(), Some("6B0C9D1E-5F2A-4C3B-8D7E-000000000007"));
    assert!(error.advice.contains("allow vpc:DescribeVpcs"));
    assert_eq!((found.scope.regions_read, found.scope.regions_asked, found.scope.accounts_read), (8, 10, 1));
}

#[test]
fn a_region_without_the_service_is_told_apart_from_one_that_could_not_be_read() {
    let mut facts = whole();
    facts.asked.accounts[0].regions.push("me-central-1".to_owned());
    let note = |state| Note {
        account: Some(FIRST.to_owned()),
        region: Some("me-central-1".to_owned()),
        subject: None,
        state,
        reason: "me-central-1 has no flow logs".to_owned(),
        error: None,
    };
    facts.notes = vec![note(NoteState::Unsupported)];
    let evidence = Evidence::new(facts.clone());
    assert!(evidence.assessment().scope.is_whole);
    assert_eq!(evidence.assessment().scope.regions_unsupported, 1);
    facts.notes.push(note(NoteState::Unread));
    let both = Evidence::new(facts);
    assert!(!both.assessment().scope.is_whole, "both are said: then it is unread");
}

#[test]
fn an_account_that_could_not_be_entered_is_unread_with_all_its_regions() {
    let mut facts = whole();
    facts.notes.push(Note {
        account: Some(FIRST.to_owned()),
        region: None,
        subject: None,
        state: NoteState::Unread,
        reason: "not rolled out".to_owned(),
        error: None,
    });
    let evidence = Evidence::new(facts);
    let scope = &evidence.assessment().scope;
    assert_eq!((scope.is_whole, scope.regions_read, scope.accounts_read), (false, 0, 0));
}

#[test]
fn a_failure_on_the_whole_run_leaves_the_scope_unknown() {
    let mut facts = whole();
    let reason = "the directory could not be listed".to_owned();
    facts.notes.push(Note {
        account: None,
        region: None,
        subject: None,
        state: NoteState::Unread,
        reason,
        error: None,
    });
    let evidence = Evidence::new(facts.clone());
    assert!(!evidence.assessment().scope.is_whole);
    assert!(evidence.assessment().verdict.ends_with("not all of the scope could be read."));
    assert_eq!(status(facts, "3.3"), Unknown);
}

#[test]
fn every_verdict_has_one_class_and_unknown_is_never_fine() {
    let class = |verdict, is_finding| {
        let result = samples::vpc(FIRST, "cn-hangzhou", 1, "a");
        evidence::ResourceResult { verdict, is_finding, ..result }.class()
    };
    for verdict in Verdict::ALL {
        let expected = match verdict {
            Verdict::Compliant | Verdict::Foreign => Class::Compliant,
            Verdict::Paused | Verdict::Excluded | Verdict::Unsupported => Class::Exception,
            Verdict::Pending => Class::Pending,
            Verdict::Unknown => Class::Unknown,
            _ => Class::Finding,
        };
        assert_eq!(class(verdict, false), expected, "{verdict}");
        let as_finding = if verdict == Verdict::Unknown { Class::Unknown } else { Class::Finding };
        assert_eq!(class(verdict, true), as_finding, "{verdict}, a finding");
    }
}

#[test]
fn a_document_whose_assessment_does_not_follow_is_refused() {
    let evidence = Evidence::new(samples::small());
    let json = serde_json::to_string(&evidence).unwrap();
    assert_eq!(Evidence::from_json(json.as_bytes()).unwrap(), evidence);
    for (from, to) in [
        (r#""status":"fail""#, r#""status":"pass""#),
        (r#""findings":5"#, r#""findings":0"#),
        (r#""verdict":"missing""#, r#""verdict":"compliant""#),
        (r#""is_whole":false"#, r#""is_whole":true"#),
    ] {
        let edited = json.replacen(from, to, 1);
        assert_ne!(edited, json, "{from}");
        assert!(matches!(Evidence::from_json(edited.as_bytes()), Err(InvalidEvidence::DoesNotFollow)), "{from}");
    }
    let other = json.replacen("flowkeeper.evidence.v1", "flowkeeper.evidence.v2", 1);
    assert!(matches!(Evidence::from_json(other.as_bytes()), Err(InvalidEvidence::OtherSchema(_))));
    assert!(matches!(Evidence::from_json(b"{}"), Err(InvalidEvidence::Json(_))));
}

#[test]
fn no_count_in_a_crafted_document_makes_the_sums_overflow() {
    let mut facts = whole();
    facts.judged.push(Judged { accounts: vec![SECOND.to_owned()], resources: u64::MAX, unlisted: u64::MAX });
    let read = samples::read(SECOND, "cn-hangzhou", "DescribeVpcs", 1);
    facts.reads.push(Read { pages: u64::MAX, items: u64::MAX, ..read });
    let evidence = Evidence::new(facts);
    assert_eq!(evidence.assessment().sums.counted(), u64::MAX);
    evidence.write_page(std::io::sink()).unwrap();
}

/// The first VPC, with a flow log that records these paths and this IP version.
fn recording(paths: Option<&[&str]>, version: Option<&str>, has_ipv6: Option<bool>) -> Facts {
    let mut facts = whole();
    facts.results[0].has_ipv6 = has_ipv6;
    let flow_log = facts.results[0].flow_log.as_mut().unwrap();
    flow_log.traffic_path = paths.map(|paths| paths.iter().map(|path| (*path).to_owned().into()).collect());
    flow_log.ip_version = version.map(|it| it.to_owned().into());
    facts
}

#[test]
fn a_flow_log_of_some_traffic_paths_does_not_satisfy_cis_3_3_and_one_of_paths_that_nobody_knows_is_unknown() {
    for (paths, expected) in [
        (Some(&["all"][..]), Pass),
        (Some(&[][..]), Pass),
        (Some(&["internetGateway", "all"][..]), Pass),
        (Some(&["internetGateway"][..]), Fail),
        (Some(&["natGateway", "ecr"][..]), Fail),
        (Some(&["internetGateway", "teleporter"][..]), Unknown),
        (None, Unknown),
    ] {
        let facts = recording(paths, Some("IPv4"), Some(false));
        let found = control(facts.clone(), "3.3");
        assert_eq!(found.status, expected, "{paths:?}");
        let words = match expected {
            Pass => continue,
            Fail => "some traffic paths only",
            Unknown => "the traffic path is not known",
        };
        let said = format!("{words}: {}", facts.results[0].id);
        assert!(found.details.contains(&said), "{said}: {:?}", found.details);
    }
}

#[test]
fn ipv4_alone_satisfies_cis_3_3_only_where_ipv6_is_known_to_be_off() {
    for (version, has_ipv6, expected) in [
        (Some("IPv4"), Some(false), Pass),
        (Some("IPv4"), Some(true), Unknown),
        (Some("IPv4"), None, Unknown),
        (None, Some(false), Pass),
        (None, Some(true), Unknown),
        (None, None, Unknown),
        (Some("IPv6"), Some(false), Unknown),
        (Some("IPv6"), Some(true), Unknown),
    ] {
        let facts = recording(Some(&["all"]), version, has_ipv6);
        let is_told =
            Evidence::new(facts.clone()).assessment().unknown.iter().any(|it| it.why.contains("rejected packets"));
        assert_eq!((status(facts, "3.3"), is_told), (expected, expected == Unknown), "{version:?} {has_ipv6:?}");
    }
    let mut both = recording(Some(&["vbr"]), None, None);
    both.results[0].flow_log.as_mut().unwrap().traffic_type = None;
    assert_eq!(status(both, "3.3"), Fail, "what is known to be missing outweighs what is not known");
}

#[test]
fn retention_passes_only_if_every_account_and_region_was_asked_and_every_resource_has_a_logstore() {
    assert_eq!((status(whole(), "article 21 (3)"), status(whole(), "10.5.1")), (Pass, Pass));
    for part in [Part::Region, Part::Account, Part::Other] {
        let mut facts = whole();
        let left_out = LeftOut { what: "cn-beijing".to_owned(), why: "nobody asked".to_owned(), part };
        facts.asked.left_out.push(left_out);
        let expected = if part == Part::Other { Pass } else { Unknown };
        assert_eq!(status(facts.clone(), "10.5.1"), expected, "{part:?}");
        let service = control(facts, "2.5");
        assert_eq!(service.status, if part == Part::Account { Unknown } else { Pass }, "{part:?}");
        let is_named = service.details.iter().any(|why| why == "outside the scope: cn-beijing");
        assert_eq!(is_named, part == Part::Account, "{:?}", service.details);
    }
    for (verdict, is_strict, expected) in [
        (Verdict::Missing, false, Fail),
        (Verdict::Excluded, false, Unknown),
        (Verdict::Excluded, true, Fail),
        (Verdict::Unsupported, false, Unknown),
        (Verdict::Compliant, false, Unknown),
        (Verdict::Unknown, false, Unknown),
        (Verdict::Paused, false, Pass),
        (Verdict::Orphaned, false, Pass),
    ] {
        let mut facts = whole();
        facts.results[0].verdict = verdict;
        facts.results[0].flow_log = None;
        facts.results[0].is_exception = matches!(verdict, Verdict::Paused | Verdict::Excluded);
        if is_strict {
            facts.exceptions_count_as = ExceptionsCountAs::Failure;
        }
        assert_eq!(status(facts.clone(), "10.5.1"), expected, "{verdict}");
        let is_named = control(facts.clone(), "10.5.1").details.iter().any(|why| why.contains(&facts.results[0].id));
        assert_eq!(is_named, expected != Pass, "{verdict}");
    }
    let mut counted = whole();
    counted.judged[0].unlisted = 1;
    assert_eq!(status(counted, "10.5.1"), Unknown, "a resource that is only counted may write anywhere");
    let mut omitted = whole();
    omitted.omitted = vec![evidence::Omitted {
        account: FIRST.to_owned(),
        region: "cn-hangzhou".to_owned(),
        kind: Kind::Vpc,
        verdict: Verdict::Missing,
        is_finding: true,
        is_exception: false,
        is_changed: false,
        count: 1,
    }];
    assert_eq!(status(omitted, "10.5.1"), Fail, "one that is counted as a failure fails");
}

#[test]
fn a_finding_about_something_other_than_what_is_recorded_fails_no_control_on_recording() {
    for (verdict, expected) in [
        (Verdict::Missing, Fail),
        (Verdict::Inactive, Fail),
        (Verdict::Undelivered, Fail),
        (Verdict::Drifted, Fail),
        (Verdict::Orphaned, Pass),
        (Verdict::Compliant, Pass),
        (Verdict::DueToPause, Pass),
        (Verdict::Paused, Pass),
        (Verdict::Foreign, Unknown),
        (Verdict::Unsupported, Unknown),
        (Verdict::Excluded, Unknown),
        (Verdict::Pending, Unknown),
        (Verdict::Unknown, Unknown),
    ] {
        let mut facts = whole();
        facts.results[0].verdict = verdict;
        facts.results[0].is_finding = true;
        assert_eq!(status(facts.clone(), "10.2.1"), expected, "{verdict}");
        let sums = Evidence::new(facts).assessment().sums.clone();
        assert_eq!(sums.findings, u64::from(verdict != Verdict::Unknown), "{verdict}: it is a finding all the same");
    }
}
