//! What a report does not list is counted, said in every form, and passes nothing.

use evidence::{ControlStatus, DeliveryState, Evidence, Facts, Joining, NotJoined, Omitted, OmittedDeliveries};
use flow_log::Verdict;
use serde_json::Value;

use crate::{
    forms::{page, written},
    joined::parts,
    samples,
};

fn status(facts: Facts, id: &str) -> ControlStatus {
    let evidence = Evidence::new(facts);
    evidence.assessment().controls.iter().find(|control| control.id == id).unwrap().status
}

#[test]
fn sums_and_the_sentence_have_what_is_only_counted() {
    let evidence = Evidence::new(samples::omitted());
    let found = evidence.assessment();
    assert_eq!(found.discrepancies, [""; 0]);
    let sums = &found.sums;
    assert_eq!((sums.resources, sums.omitted, sums.findings), (1_000_291, 1_000_250, 1_000_005));
    assert_eq!((sums.unknown, sums.pending, sums.paused, sums.excluded, sums.compliant), (70, 60, 53, 41, 62));
    assert_eq!(
        found.verdict,
        "62 of 1,000,291 VPCs are as the policy wants them (records of 29 arrive, 2 had no traffic, whether those of 31 \
         arrive is unknown); 53 are off on purpose; 41 are left alone on purpose; 60 are being switched; \
         1,000,001 have no flow log; 3 are recorded, but their records are lost or do not arrive; \
         1 differs from the policy; 70 could not be read; \
         1 of 10 regions could not be read; 1,000,250 of them are only counted here."
    );
    assert!(
        found.unknown.iter().any(|it| it.why.starts_with("70 more resources could not be read")),
        "{:?}",
        found.unknown
    );
}

#[test]
fn no_control_passes_while_something_is_only_counted_and_a_counted_failure_fails() {
    let whole = |verdict: Option<Verdict>| {
        let mut facts = samples::omitted();
        facts.results.retain(|it| it.verdict == Verdict::Compliant && it.region == "cn-hangzhou");
        facts.results.retain(|it| it.account == samples::FIRST);
        facts.omitted.retain(|it| Some(it.verdict) == verdict);
        facts.asked.accounts.truncate(1);
        facts.asked.accounts[0].regions = vec!["cn-hangzhou".to_owned()];
        facts.reads.retain(|it| it.account == samples::FIRST && it.region == "cn-hangzhou");
        facts.asked.left_out.clear();
        facts.omitted_deliveries.clear();
        facts.deliveries.clear();
        facts.log_stores.clear();
        samples::prove(&mut facts, |_| samples::proof(usize::MAX));
        facts
    };
    for id in ["3.3", "10.5.1", "article 21 (3)", "A.8.15"] {
        assert_eq!(status(whole(None), id), ControlStatus::Pass, "{id}, with nothing left out");
        assert_eq!(status(whole(Some(Verdict::Compliant)), id), ControlStatus::Unknown, "{id}");
    }
    for (verdict, expected) in [
        (Verdict::Missing, ControlStatus::Fail),
        (Verdict::Unknown, ControlStatus::Unknown),
        (Verdict::Paused, ControlStatus::Unknown),
    ] {
        assert_eq!(status(whole(Some(verdict)), "3.3"), expected, "{verdict}");
    }
    let mut strict = whole(Some(Verdict::Paused));
    strict.exceptions_count_as = evidence::ExceptionsCountAs::Failure;
    assert_eq!(status(strict, "3.3"), ControlStatus::Fail);
}

/// Everything is as wanted and known, but for what is only counted.
fn calm() -> Facts {
    let mut facts = samples::large(100);
    facts.results[0] = samples::vpc(samples::FIRST, "cn-hangzhou", 0, "first");
    facts.deliveries.clear();
    facts.log_stores.clear();
    samples::prove(&mut facts, |_| samples::proof(usize::MAX));
    facts
}

#[test]
fn a_page_is_green_only_if_nothing_is_only_counted() {
    const GREEN: &str = "nothing needs a person";
    assert!(page(&Evidence::new(calm())).contains(GREEN));
    let mut resources = calm();
    let last = resources.results.pop().unwrap();
    resources.omitted.push(Omitted {
        account: last.account,
        region: last.region,
        kind: last.kind,
        verdict: last.verdict,
        is_finding: false,
        is_exception: false,
        is_changed: false,
        count: 1,
    });
    assert!(!page(&Evidence::new(resources)).contains(GREEN));
    for state in [DeliveryState::Silent, DeliveryState::Unknown, DeliveryState::Delivers] {
        let mut deliveries = calm();
        deliveries.omit_deliveries([OmittedDeliveries {
            account: samples::FIRST.to_owned(),
            region: "cn-hangzhou".to_owned(),
            state,
            count: 1,
        }]);
        for id in ["3.3", "10.5.1", "A.8.15"] {
            assert_eq!(status(deliveries.clone(), id), ControlStatus::Unknown, "{state:?}: {id}");
        }
        assert!(!page(&Evidence::new(deliveries)).contains(GREEN), "{state:?}");
    }
}

#[test]
fn a_flow_log_whose_delivery_is_only_counted_is_unknown_and_said_with_the_reason() {
    for (state, expected) in [
        (
            DeliveryState::Delivers,
            "whether the records of fl-bp1example000000000000 arrive: this report only counts it",
        ),
        (DeliveryState::Unknown, "whether the records of 1 flow log arrive: there are too many"),
    ] {
        let mut facts = calm();
        let of_first = facts.deliveries.remove(0);
        let omitted = OmittedDeliveries { account: of_first.account, region: of_first.region, state, count: 1 };
        facts.omit_deliveries([omitted]);
        let evidence = Evidence::new(facts);
        let why: Vec<_> = evidence.assessment().unknown.iter().map(|unknown| unknown.why.as_str()).collect();
        assert_eq!(why, [expected]);
    }
}

#[test]
fn the_page_says_before_anything_else_how_much_it_lists() {
    let page = page(&Evidence::new(samples::omitted()));
    let (first, _) = page.split_once("</section>").unwrap();
    assert!(first.contains("This report lists 41 of 1,000,291 resources, findings first."), "{first}");
    for expected in [
        "Resources that are not as the policy wants them (1000005)",
        "1,000,005 rows; this page lists the first 5. The CSV and the JSON have 5; the others are only counted",
        "Proof of delivery (66)",
        "66 rows; this page lists the first 36. The JSON has 36; the others are only counted",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(!page.contains("have all of them") && !page.contains("has all of them"), "no form has");
}

#[test]
fn the_csv_has_a_row_for_each_kind_of_resources_that_are_only_counted() {
    let text = written(|to| Evidence::new(samples::omitted()).write_csv(to));
    assert_eq!(text.lines().count(), 1 + 41 + 6 + 4 + 1, "with Flowkeeper itself");
    let row = "\"finding\",\"missing\",\"1000000000000001\",\"cn-hangzhou\",\"VPC\",\"\",\"\",\"1,000,000 more of type VPC with \
               this verdict are only counted: a report lists no more\",";
    assert!(text.contains(row), "{text}");
}

#[test]
fn ocsf_has_an_event_with_a_count_for_them() {
    let text = written(|to| Evidence::new(samples::omitted()).write_ocsf(to));
    let events: Vec<Value> = serde_json::from_str(&text).unwrap();
    let counts: Vec<_> = events.iter().filter_map(|event| Some((event.get("count")?, &event["status_code"]))).collect();
    assert_eq!(counts.len(), 6, "{counts:?}");
    let as_wanted = events.iter().find(|event| event["count"] == 30).unwrap();
    assert_eq!(as_wanted["compliance"]["status_id"], 2, "whether the records of each arrive is not known");
    let missing = events.iter().find(|event| event["count"] == 1_000_000).unwrap();
    assert_eq!((&missing["compliance"]["status_id"], &missing["severity_id"]), (&3.into(), &4.into()));
    assert_eq!(missing["resources"][0]["uid"], "1000000000000001/cn-hangzhou/VPC, missing");
}

#[test]
fn junit_fails_for_them_and_says_that_not_every_resource_is_listed() {
    let text = written(|to| Evidence::new(samples::omitted()).write_junit(to));
    for expected in [
        "name=\"1000000 more, missing\"",
        "name=\"70 more, unknown\"",
        "name=\"every resource is listed\"",
        "1000250 resources are counted and not listed: a report takes no more",
    ] {
        assert!(text.contains(expected), "{expected}");
    }
    let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!((report.failures, report.errors), (5 + 2 + 1, 4 + 1 + 2));
}

#[test]
fn a_document_without_what_is_only_counted_is_refused() {
    let evidence = Evidence::new(samples::omitted());
    let json = written(|to| evidence.write_json(to));
    assert_eq!(Evidence::from_reader(json.as_bytes()).unwrap(), evidence);
    let edited = json.replacen("\"count\":1000000", "\"count\":1", 1);
    assert!(Evidence::from_json(edited.as_bytes()).is_err());
}

#[test]
fn no_count_of_a_crafted_document_overflows() {
    let mut facts = samples::omitted();
    for (nth, omitted) in facts.omitted.iter_mut().enumerate() {
        omitted.count = u64::MAX - nth as u64;
    }
    facts.omitted_deliveries[0].count = u64::MAX;
    let evidence = Evidence::new(facts);
    assert!(!evidence.assessment().discrepancies.is_empty());
    assert!(page(&evidence).contains("18,446,744,073,709,551,615"));
}

#[test]
fn a_joined_report_lists_the_findings_of_all_accounts_first_in_whatever_order_they_come() {
    let parts = parts(4);
    let joined = |order: &[usize], max| {
        let mut joining = Joining::up_to(max);
        for nth in order {
            joining.add(parts[*nth].clone()).unwrap();
        }
        joining.finish().unwrap()
    };
    let whole = joined(&[0, 1, 2, 3, 4], usize::MAX);
    assert_eq!(whole, Evidence::join(parts.clone()).unwrap());
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
        let short = joined(&order, 10);
        assert_eq!(short.facts().results.len(), 10);
        let missing = short.facts().results.iter().filter(|it| it.verdict == Verdict::Missing).count();
        assert_eq!((missing, short.assessment().sums.omitted), (4, 390), "one of each account");
        assert_eq!(short.assessment().discrepancies, [""; 0]);
        assert_eq!(short.seal(), joined(&[0, 1, 2, 3, 4], 10).seal());
    }
    let mut twice = Joining::up_to(10);
    twice.add(parts[0].clone()).unwrap();
    assert!(matches!(twice.add(parts[0].clone()), Err(NotJoined::Overlap(_))), "what is cut cannot be compared");
    assert!(twice.add(parts[1].clone()).is_ok(), "one that is refused leaves the others");
}

/// Each form, with its name.
fn forms(evidence: &Evidence) -> [(&'static str, String); 5] {
    let text = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        write(&mut bytes);
        String::from_utf8(bytes).unwrap()
    };
    [
        ("page", text(&|to| evidence.write_page(to).unwrap())),
        ("csv", text(&|to| evidence.write_csv(to).unwrap())),
        ("json", text(&|to| evidence.write_json(to).unwrap())),
        ("ocsf", text(&|to| evidence.write_ocsf(to).unwrap())),
        ("junit", text(&|to| evidence.write_junit(to).unwrap())),
    ]
}

#[test]
fn however_many_findings_there_are_the_sums_and_the_verdict_have_all_of_them_and_no_form_grows() {
    let of = |number| Evidence::new(samples::findings(number, 100));
    let sizes = |evidence: &Evidence| forms(evidence).map(|(name, text)| (name, text.len()));
    let few = sizes(&of(1_000));
    for number in [101, 1_000, 20_000] {
        let evidence = of(number);
        let (facts, found) = (evidence.facts(), evidence.assessment());
        let all = number as u64;
        assert_eq!((found.sums.resources, found.sums.findings, found.sums.omitted), (all, all, all - 100));
        assert_eq!((found.sums.counted(), found.sums.compliant), (all, 0));
        assert_eq!((facts.results.len(), facts.changes.len(), facts.omitted_changes), (100, 100, all - 100));
        assert_eq!((&found.discrepancies[..], found.scope.is_whole), (&[][..], true), "{:?}", found.unknown);
        let said = format!("{} have no flow log", with_commas(all));
        assert!(found.verdict.contains(&said), "{}", found.verdict);
        assert_eq!(status(facts.clone(), "3.3"), ControlStatus::Fail);
        // The numbers have more digits, and nothing else does.
        for ((name, size), (_, known)) in sizes(&evidence).into_iter().zip(few) {
            assert!(size.abs_diff(known) < 200, "{name} of {number}: {size}, and {known} of 1,000");
        }
        let again = Evidence::from_json(forms(&evidence)[2].1.as_bytes()).unwrap();
        assert_eq!(again, evidence);
    }
}

/// A number with commas.
fn with_commas(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).unwrap()).collect();
    parts.join(",")
}
