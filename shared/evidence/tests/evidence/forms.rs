//! Each form says what the evidence says.

use std::{collections::BTreeMap, io};

use evidence::{
    Cost, CostRow, Currency, Evidence, Index, LeftOut, LogStore, OtherCost, OtherKind, Part, ReportSummary,
};
use flow_log::Verdict;
use serde_json::Value;

use crate::samples;

pub(crate) fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn page(evidence: &Evidence) -> String {
    written(|to| evidence.write_page(to))
}

/// The JSON in the page.
pub(crate) fn embedded(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"evidence\">")?;
    Some(rest.split_once("</script>").unwrap().0)
}

/// Counts the bytes that it is given, and in how many pieces. Fails when it is full.
struct Pieces {
    room: usize,
    bytes: usize,
    pieces: usize,
}

impl Pieces {
    const fn with_room(room: usize) -> Self {
        Self { room, bytes: 0, pieces: 0 }
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        self.pieces += 1;
        if self.bytes > self.room { Err(io::ErrorKind::StorageFull.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Form = (&'static str, fn(&Evidence, &mut Pieces) -> io::Result<()>);

const FORMS: [Form; 5] = [
    ("page", |evidence, to| evidence.write_page(to)),
    ("CSV", |evidence, to| evidence.write_csv(to)),
    ("JSON", |evidence, to| evidence.write_json(to)),
    ("OCSF", |evidence, to| evidence.write_ocsf(to)),
    ("JUnit", |evidence, to| evidence.write_junit(to)),
];

/// Each piece that goes into a file is a system call.
#[test]
fn every_form_is_written_in_few_large_pieces() {
    let evidence = Evidence::new(samples::small());
    for (name, write) in FORMS {
        let mut to = Pieces::with_room(usize::MAX);
        write(&evidence, &mut to).unwrap();
        let Pieces { bytes, pieces, .. } = to;
        assert!(bytes > 4_000 && pieces <= bytes / 4_000 + 1, "{name}: {bytes} bytes in {pieces} pieces");
    }
}

#[test]
fn a_form_that_does_not_fit_says_so_at_its_beginning_and_at_its_end() {
    let evidence = Evidence::new(samples::small());
    for (name, write) in FORMS {
        let mut whole = Pieces::with_room(usize::MAX);
        write(&evidence, &mut whole).unwrap();
        for room in [0, whole.bytes - 1] {
            let error = write(&evidence, &mut Pieces::with_room(room)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{name} with {room} bytes of room: {error}");
            assert!(error.to_string().contains("no storage space"), "{name}: {error}");
        }
    }
}

#[test]
fn the_seal_is_the_digest_of_the_json_and_the_page_shows_it() {
    use sha2::Digest as _;
    let evidence = Evidence::new(samples::small());
    let json = written(|to| evidence.write_json(to));
    let digest: String = sha2::Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(evidence.seal(), digest);
    assert!(page(&evidence).contains(&digest));
    let mut other = samples::small();
    other.results[0].name = None;
    assert_ne!(Evidence::new(other).seal(), digest);
}

#[test]
fn equal_facts_in_any_order_have_one_seal() {
    let mut reversed = samples::small();
    reversed.results.reverse();
    reversed.reads.reverse();
    reversed.asked.accounts.reverse();
    assert_eq!(Evidence::new(reversed).seal(), Evidence::new(samples::small()).seal());
}

/// The rows of the CSV, by the names of their columns.
fn rows(evidence: &Evidence) -> Vec<BTreeMap<String, String>> {
    let text = written(|to| evidence.write_csv(to));
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

#[test]
fn the_csv_has_one_row_for_each_resource_and_one_for_everything_unread() {
    let evidence = Evidence::new(samples::small());
    let text = written(|to| evidence.write_csv(to));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap().len(), 32);
    let all = rows(&evidence);
    let (costs, rows): (Vec<_>, Vec<_>) = all.iter().partition(|row| row["class"] == "cost");
    assert_eq!((rows.len(), costs.len()), (41 + 3, 1), "and Flowkeeper itself");
    let unread = rows.iter().find(|row| row["class"] == "unknown" && row["id"].is_empty()).unwrap();
    assert_eq!((unread["region"].as_str(), unread["error_code"].as_str()), ("eu-central-1", "Forbidden.RAM"));
    let paused = rows.iter().find(|row| row["verdict"] == "paused").unwrap();
    let expected = ("exception", "office-hours", "2026-11-25T23:00:00Z");
    assert_eq!((paused["class"].as_str(), paused["schedule"].as_str(), paused["next_change"].as_str()), expected);
    assert!(text.lines().next().unwrap().starts_with("\"class\",\"verdict\",\"account\",") && text.contains("\r\n"));
}

#[test]
fn each_row_of_the_csv_says_which_report_it_is_from() {
    let evidence = Evidence::new(samples::small());
    let (head, policy, seal) = (&evidence.facts().head, &evidence.facts().policy, evidence.seal());
    for row in rows(&evidence) {
        let said = [&row["run"], &row["read_at"], &row["policy_sha256"], &row["seal"]];
        assert_eq!(said, [&head.run, &head.ended.to_string(), &policy.sha256, &seal]);
    }
}

/// The sum of the costs in the CSV by currency, in millionths.
fn csv_costs(evidence: &Evidence) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for row in rows(evidence).iter().filter(|row| !row["cost_per_month"].is_empty()) {
        let amount = row["cost_per_month"].replacen('.', "", 1).parse::<i64>().unwrap();
        *sums.entry(row["currency"].clone()).or_default() += amount;
    }
    sums
}

#[test]
fn the_costs_in_the_csv_add_up_to_those_of_the_report() {
    let mut facts = samples::small();
    // One flow log covers two resources, one belongs to none, and shards cost, too.
    let covered = facts.results.iter().find(|it| it.flow_log.is_some()).unwrap().flow_log.clone();
    facts.results.iter_mut().find(|it| it.flow_log.is_none()).unwrap().flow_log = covered;
    let of_nothing = CostRow {
        resource_id: "vpc-bp1gone".to_owned(),
        flow_log_id: "fl-bp1gone".to_owned(),
        micros: Some(1_234_567),
        ..facts.costs[0].rows[0].clone()
    };
    facts.costs[0].rows.push(of_nothing);
    let shards = OtherCost {
        account: Some(samples::FIRST.to_owned()),
        region: Some("cn-hangzhou".to_owned()),
        kind: OtherKind::Shards,
        micros: Some(3_600_000),
        is_at_least: false,
    };
    facts.costs[0].others.push(shards);
    let dollars = Cost { currency: Currency::Usd, ..facts.costs[0].clone() };
    facts.costs.push(dollars);
    let evidence = Evidence::new(facts);
    let totals = evidence.facts().costs.iter().map(|cost| (cost.currency.as_str().to_owned(), cost.totals().0));
    assert_eq!(csv_costs(&evidence), totals.collect::<BTreeMap<_, _>>());
    let rows = rows(&evidence);
    let of_flow_log = |id: &str| rows.iter().filter(|row| row["flow_log_id"] == id && row["currency"] == "CNY").count();
    assert_eq!([of_flow_log("fl-bp1gone"), of_flow_log(&evidence.facts().costs[0].rows[0].flow_log_id)], [1, 1]);
    let found = rows.iter().find(|row| row["reason"] == "Shards of Logstores").unwrap();
    assert_eq!([&found["class"], &found["region"], &found["cost_per_month"]], ["cost", "cn-hangzhou", "3.600000"]);
}

#[test]
fn ocsf_events_have_the_numbers_of_the_standard_and_milliseconds() {
    let mut facts = samples::small();
    facts.results[0].verdict = Verdict::Unknown;
    facts.results[1].verdict = Verdict::Pending;
    let evidence = Evidence::new(facts);
    let events: Vec<Value> = serde_json::from_str(&written(|to| evidence.write_ocsf(to))).unwrap();
    assert_eq!(events.len(), 41 + 3);
    let by_verdict = |verdict: &str| {
        let event = events.iter().find(|event| event["status_code"] == verdict).unwrap();
        let of = |value: &Value| value.as_u64().unwrap();
        (of(&event["compliance"]["status_id"]), of(&event["status_id"]), of(&event["severity_id"]))
    };
    assert_eq!(by_verdict("compliant"), (1, 4, 1));
    assert_eq!(by_verdict("paused"), (1, 3, 1));
    assert_eq!(by_verdict("excluded"), (0, 3, 1));
    assert_eq!(by_verdict("pending"), (2, 2, 2));
    assert_eq!(by_verdict("unknown"), (2, 1, 3));
    assert_eq!(by_verdict("missing"), (3, 1, 4));
    assert_eq!(by_verdict("drifted"), (3, 1, 3));
    for event in &events {
        assert_eq!(
            (&event["class_uid"], &event["type_uid"], &event["category_uid"]),
            (&2003.into(), &200_301.into(), &2.into())
        );
        assert_eq!(event["time"], 1_764_108_451_000_u64 + 31_536_000_000, "milliseconds, and not seconds");
    }
    let drifted = events.iter().find(|event| event["status_code"] == "drifted").unwrap();
    assert_eq!(drifted["compliance"]["checks"][1]["status_id"], 3, "CIS 3.3: it records Allow");
    let paused = events.iter().find(|event| event["status_code"] == "paused").unwrap();
    assert_eq!(paused["compliance"]["status_code"], "paused-by-schedule");
    let unread = events.iter().find(|event| event["resources"][0]["type"] == "Region").unwrap();
    assert_eq!(unread["evidences"][0]["data"]["error"]["code"], "Forbidden.RAM");
    assert!(unread["remediation"]["desc"].as_str().unwrap().starts_with("allow vpc:DescribeVpcs"));
}

#[test]
fn junit_has_a_suite_for_each_region_and_counts_failures_errors_and_skipped_cases() {
    let evidence = Evidence::new(samples::small());
    let text = written(|to| evidence.write_junit(to));
    let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!((report.tests, report.failures), (41 + 4 + 9, 5 + 1));
    assert_eq!(report.errors, 4, "a region, a retention and a delivery that were not read, and the scope as a whole");
    assert_eq!(text.matches("<skipped").count(), 4 + 7);
    let names: Vec<_> = report.test_suites.iter().map(|suite| suite.name.as_str()).collect();
    assert!(names.contains(&"1000000000000001/cn-hangzhou") && names.contains(&"1000000000000002/eu-central-1"));
}

#[test]
fn junit_is_in_error_if_the_sums_do_not_close() {
    let mut facts = samples::small();
    facts.judged[0].resources += 1;
    let text = written(|to| Evidence::new(facts).write_junit(to));
    assert!(text.contains("the sums close") && text.contains("are accounted for"), "{text}");
}

#[test]
fn the_json_in_the_page_is_the_json() {
    let evidence = Evidence::new(samples::small());
    let page = page(&evidence);
    let inside: Value = serde_json::from_str(embedded(&page).unwrap()).unwrap();
    assert_eq!(inside, serde_json::to_value(&evidence).unwrap());
    assert_eq!(Evidence::from_json(embedded(&page).unwrap().as_bytes()).unwrap(), evidence);
}

#[test]
fn the_first_screen_tells_the_verdict_the_scope_who_asked_when_and_with_which_policy() {
    let page = page(&Evidence::new(samples::small()));
    let (first, _) = page.split_once("</section>").unwrap();
    for expected in [
        "32 of 41 VPCs are as the policy wants them (records of 29 arrive,",
        "9 of 10 regions; 1 of 2 accounts whole",
        "acs:ram::1000000000000001:assumed-role/flowkeeper-audit/report",
        "2026-11-25 22:07 UTC",
        "the clock was 140 ms behind",
        "3f2a9c0d5b7e81640f1d2c3b4a5968778695a4b3c2d1e0f00f1e2d3c4b5a6978",
        "41 = 32 as wanted + 4 exceptions + 5 findings",
        "the sums close",
        "no sampling",
        // The region, a retention and a delivery.
        "<b>3</b> <svg",
    ] {
        assert!(first.contains(expected), "{expected}\n{first}");
    }
}

#[test]
fn the_first_screen_says_how_much_is_outside_the_scope_and_why_the_sums_have_more_than_the_vpcs() {
    let mut facts = samples::small();
    let left_out = |nth| LeftOut { what: format!("cn-{nth}"), why: "why".to_owned(), part: Part::Region };
    facts.asked.left_out = (0..29).map(left_out).collect();
    let mut gone = samples::vpc(samples::FIRST, "cn-hangzhou", 900, "gone");
    gone.verdict = Verdict::Orphaned;
    facts.results.push(gone);
    let page = page(&Evidence::new(facts));
    let (first, _) = page.split_once("</section>").unwrap();
    assert!(first.contains("Outside the scope</a>: <bdi>29 regions</bdi>"), "{first}");
    assert!(first.contains("1 of them is gone and still has a flow log"), "{first}");
}

#[test]
fn a_page_says_that_all_of_the_scope_was_read_only_if_it_was() {
    const ALL: &str = "Everything in scope was read, page by page";
    let not_all = page(&Evidence::new(samples::small()));
    assert!(
        !section(&not_all, "scope").contains(ALL)
            && section(&not_all, "scope").contains("Not all of the scope was read")
    );
    let large = page(&Evidence::new(samples::large(300)));
    assert!(section(&large, "scope").contains(ALL) && !section(&large, "scope").contains("Not all of the scope"));
}

#[test]
fn requests_are_told_by_operation_and_never_as_the_first_and_last_of_a_region() {
    let page = page(&Evidence::new(samples::small()));
    let (regions, lists) = section(&page, "scope").split_once("Each list, with its requests").unwrap();
    assert!(!regions.contains("Requests, first and last"), "{regions}");
    let first = &samples::small().reads[0].first_request_id.clone().unwrap();
    assert!(!regions.contains(first) && lists.contains(first), "{first}");
}

#[test]
fn what_a_repair_would_do_is_not_told_as_changes() {
    let mut facts = samples::small();
    let planned = page(&Evidence::new(facts.clone()));
    let changes = section(&planned, "changes");
    assert!(changes.contains("What a repair would do (1)") && changes.contains("This report changed nothing."));
    assert!(!planned.contains(">Changes") && planned.contains("<a href=\"#changes\">What a repair would do</a>"));
    facts.changes[0].outcome = "done".to_owned();
    let done = page(&Evidence::new(facts));
    assert!(section(&done, "changes").contains("Changes (1)") && !done.contains("changed nothing"));
}

#[test]
fn one_of_a_kind_is_not_told_in_the_plural() {
    let mut facts = samples::small();
    facts.results.retain(|it| matches!(it.verdict, Verdict::Compliant | Verdict::Missing));
    let only = facts.results.iter().position(|it| it.verdict == Verdict::Missing).unwrap();
    facts.results = vec![facts.results.remove(only), facts.results.remove(0)];
    facts.deliveries.clear();
    let evidence = Evidence::new(facts);
    let text = page(&evidence);
    let (first, rest) = text.split_once("</section>").unwrap();
    assert!(first.contains("</svg>finding</a>") && !first.contains("</svg>findings</a>"), "{first}");
    assert!(rest.contains("1 resource is as the policy wants it</summary>"));
    let index = Index::new([ReportSummary::of(&evidence, "a")], true);
    let list = written(|to| index.write_page(to));
    assert!(list.contains("2 accounts, 41 resources, 1 finding<"), "{list}");
}

#[test]
fn findings_exceptions_and_unknown_are_listed_whole_and_the_quiet_ones_are_folded() {
    let evidence = Evidence::new(samples::small());
    let page = page(&evidence);
    let section = |id: &str| {
        let (_, rest) = page.split_once(&format!("<section id=\"{id}\"")).unwrap();
        rest.split_once("</section>").unwrap().0.to_owned()
    };
    let (findings, exceptions, quiet) = (section("findings"), section("exceptions"), section("quiet"));
    for result in &evidence.facts().results {
        let here = match result.verdict {
            Verdict::Missing | Verdict::Drifted | Verdict::Undelivered => &findings,
            Verdict::Paused | Verdict::Excluded => &exceptions,
            _ => &quiet,
        };
        assert!(here.contains(&result.id), "{}", result.id);
    }
    assert!(section("unknown").contains("6B0C9D1E-5F2A-4C3B-8D7E-000000000007"));
    assert!(quiet.contains("<details><summary>32 resources are as the policy wants them</summary>"));
}

#[test]
fn counts_that_disagree_are_the_first_thing_that_a_page_says() {
    let mut facts = samples::small();
    facts.judged[0].resources += 1;
    let page = page(&Evidence::new(facts));
    let (first, _) = page.split_once("</section>").unwrap();
    assert!(first.contains("the sums do not close") && first.contains("Counts disagree."));
    assert!(first.contains("42 ≠ 32 as wanted"), "{first}");
}

#[test]
fn a_page_of_nothing_claims_nothing() {
    let page = page(&Evidence::new(samples::minimal()));
    assert!(page.contains("Nothing could be read.") && page.contains("Not everything is known"));
    assert!(!page.contains("Everything in scope was read"));
    assert!(!page.contains("</svg>pass</span>"));
}

#[test]
fn amounts_keep_their_currency() {
    let mut facts = samples::small();
    let dollars = Cost { currency: Currency::Usd, ..facts.costs[0].clone() };
    facts.costs.push(dollars);
    let page = page(&Evidence::new(facts.clone()));
    for currency in ["CNY", "USD"] {
        assert!(page.contains(&format!("Cost of a month in {currency}")));
    }
    assert!(page.contains("18.25") && page.contains("9.13 <abbr title=\"estimated\">*</abbr>"));
    assert!(page.contains("All that is known") && page.contains("<td class=\"number\">unknown</td>"), "{page}");
    assert!(page.contains("Duplicates cost 2.28 CNY"));
    assert!(page.contains("records what <bdi>fl-bp1example000000000001</bdi> records already"));
    assert!(page.contains("The bill of <bdi>2026-10</bdi> of <bdi>1000000000000001</bdi>: 33.12 <bdi>CNY</bdi>"));
    assert!(page.contains("Flowkeeper itself") && page.contains("21.90") && !page.contains("at least 21.90"));
    facts.costs[0].others[0].is_at_least = true;
    let at_least = self::page(&Evidence::new(facts));
    assert_eq!(at_least.matches("<td class=\"number\">at least ").count(), 2, "of Flowkeeper, and of all");
    let csv = written(|to| Evidence::new(samples::small()).write_csv(to));
    assert_eq!(csv.matches(",\"18.250000\",\"CNY\",\"false\",").count(), 1, "{csv}");
    assert_eq!(csv.matches(",\"9.125000\",\"CNY\",\"true\",").count(), 1, "{csv}");
    assert_eq!(csv.matches(",\"\",\"CNY\",\"false\",").count(), 1, "unknown is not zero");
}

#[test]
fn each_total_of_a_cost_has_the_marks_of_what_is_in_it() {
    let mut plain = samples::small().costs.remove(0);
    plain.others.clear();
    for row in &mut plain.rows {
        row.is_estimated = false;
        row.is_saving_estimated = false;
        row.micros = Some(1_000_000);
        row.saved_micros = None;
    }
    // The last row of the table, as its cells: the head, what all costs, and what all schedules save.
    let total = |change: &dyn Fn(&mut Cost)| {
        let mut cost = plain.clone();
        change(&mut cost);
        let page = page(&Evidence::new(evidence::Facts { costs: vec![cost], ..samples::small() }));
        let (_, row) = section(&page, "cost").split_once("<tr><th scope=\"row\">All").unwrap();
        let cells: Vec<_> = row.split_once("</tfoot>").unwrap().0.split("</t").map(str::to_owned).collect();
        let is_marked = |cell: &String| cell.contains("<abbr title=\"estimated\">");
        (cells[0] == " that is known", is_marked(&cells[3]), is_marked(&cells[4]))
    };
    let of = |kind, micros| OtherCost { account: None, region: None, kind, micros, is_at_least: false };
    let set = |change: fn(&mut evidence::CostRow)| move |cost: &mut Cost| change(&mut cost.rows[0]);
    assert_eq!(total(&|_| {}), (false, false, false));
    assert_eq!(total(&set(|row| row.is_estimated = true)), (false, true, false));
    assert_eq!(total(&set(|row| row.micros = None)), (true, false, false));
    assert_eq!(total(&set(|row| row.is_saving_estimated = true)), (false, false, false), "it saves nothing");
    let saves = |row: &mut evidence::CostRow| (row.is_saving_estimated, row.saved_micros) = (true, Some(1));
    assert_eq!(total(&set(saves)), (false, false, true));
    assert_eq!(total(&set(|row| row.saved_micros = Some(1))), (false, false, false));
    let with = |part: OtherCost| total(&move |cost: &mut Cost| cost.others.push(part.clone()));
    assert_eq!(with(of(OtherKind::Flowkeeper, Some(1))), (false, true, false), "how long it runs is assumed");
    assert_eq!(with(of(OtherKind::Shards, Some(1))), (false, false, false));
    assert_eq!(with(of(OtherKind::Shards, None)), (true, false, false));
    assert_eq!(with(of(OtherKind::Routers, None)), (true, false, false), "nothing is known of it");
}

#[test]
fn a_week_of_each_schedule_is_drawn_and_told() {
    let page = page(&Evidence::new(samples::small()));
    assert!(page.contains("The schedule office-hours in Asia/Shanghai: Monday 07:00 to 21:00;"));
    assert!(page.contains("Sunday off</title>") && page.contains("counts as Mon"));
}

#[test]
fn above_some_thousand_rows_the_quiet_ones_are_in_the_csv_and_the_page_says_so() {
    let evidence = Evidence::new(samples::large(3_000));
    let page = page(&evidence);
    assert!(page.contains("2,970 resources are as the policy wants them. That is too many for a page"));
    assert_eq!(page.matches("no active flow log covers").count(), 30, "findings are listed whole");
    assert_eq!(embedded(&page), None);
    assert!(page.contains("This page is too short for that report"));
    let csv = written(|to| evidence.write_csv(to));
    assert_eq!(csv.lines().count(), 3_001);
}

#[test]
fn a_table_that_is_cut_says_so() {
    let mut facts = samples::large(6_000);
    for result in &mut facts.results {
        result.verdict = Verdict::Missing;
    }
    let page = page(&Evidence::new(facts));
    assert!(page.contains("6,000 rows; this page lists the first 5,000. The CSV and the JSON have all of them."));
}

#[test]
fn a_region_in_which_only_the_regions_were_listed_is_not_said_to_have_nothing() {
    let mut facts = samples::small();
    facts.reads.push(samples::read(samples::FIRST, "cn-qingdao", "DescribeRegions", 8));
    let page = page(&Evidence::new(facts));
    let (_, empty) = section(&page, "scope").split_once("Regions that were read and have nothing").unwrap();
    let empty = empty.split_once("</details>").unwrap().0;
    assert!(empty.contains("eu-central-1") && !empty.contains("cn-qingdao"), "{empty}");
}

#[test]
fn no_table_of_a_page_grows_without_end() {
    let mut facts = samples::small();
    let left_out = |nth| LeftOut { what: format!("region-{nth}"), why: "why".to_owned(), part: Part::Region };
    facts.asked.left_out.extend((0..6_000).map(left_out));
    let other = |nth: i64| OtherCost {
        account: None,
        region: Some(format!("cost-{nth}")),
        kind: OtherKind::Shards,
        micros: Some(nth * 1_000_000),
        is_at_least: false,
    };
    facts.costs[0].others.extend((0..3_000).map(other));
    let store = facts.log_stores[0].clone();
    let stores = (0..6_000).map(|nth| LogStore { name: format!("store-{nth}"), ..store.clone() });
    let several: Vec<_> = stores.collect();
    facts.log_stores.extend(several);
    let page = page(&Evidence::new(facts));
    let outside = section(&page, "exceptions");
    assert_eq!(outside.matches("region-").count(), 4_999, "and me-east-1");
    assert!(outside.contains("6,001 rows; this page lists the first 5,000. The JSON has all of them."));
    let cost = section(&page, "cost");
    assert_eq!(cost.matches("cost-").count(), 1_999, "and Flowkeeper itself");
    assert!(cost.contains("cost-2999<") && !cost.contains("cost-999<"), "the dearest");
    assert!(cost.contains("it lists the 2000 dearest, and the JSON has the others"));
    assert_eq!(section(&page, "retention").matches("store-").count(), 5_000);
    let calls = section(&page, "scope");
    assert!(calls.contains("rows; this page lists the first 5,000. The JSON has all of them."));
}

/// A section of a page.
fn section<'p>(page: &'p str, id: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("<section id=\"{id}\"")).unwrap();
    rest.split_once("</section>").unwrap().0
}

/// A row of the table of classes in docs/evidence.md: the class, its verdicts, the JUnit result, and the OCSF numbers.
type Row = (String, Vec<Verdict>, String, [u64; 2]);

fn documented() -> Vec<Row> {
    let text = include_str!("../../../../docs/evidence.md");
    let (_, table) = text.split_once("| class | verdicts | JUnit |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let row = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let verdicts = Verdict::ALL.into_iter().filter(|verdict| cells[1].contains(&format!("`{verdict}`"))).collect();
        let number = |part: &str| part.trim().split(' ').next().unwrap().parse().unwrap();
        let (compliance, status) = cells[3].split_once(',').unwrap();
        (cells[0].to_owned(), verdicts, cells[2].to_owned(), [number(compliance), number(status)])
    };
    table.lines().skip(2).map(row).collect()
}

#[test]
fn every_verdict_becomes_in_junit_and_ocsf_what_the_documents_say() {
    let mut seen = 0;
    for (class, named, junit, ocsf) in documented() {
        let is_changed = class == "repaired";
        let verdicts = if is_changed { vec![Verdict::Missing, Verdict::Drifted] } else { named };
        for verdict in verdicts {
            seen += usize::from(!is_changed);
            let mut facts = samples::minimal();
            let is_exception = class.starts_with("exception");
            let vpc = samples::vpc(samples::FIRST, "cn-hangzhou", 1, "web");
            facts.results.push(evidence::ResourceResult { verdict, is_changed, is_exception, ..vpc });
            samples::prove(&mut facts, |_| samples::proof(usize::MAX));
            let evidence = Evidence::new(facts);
            let events: Vec<Value> = serde_json::from_str(&written(|to| evidence.write_ocsf(to))).unwrap();
            let numbers =
                [&events[0]["compliance"]["status_id"], &events[0]["status_id"]].map(|it| it.as_u64().unwrap());
            assert_eq!(numbers, ocsf, "{class}: {verdict}");
            let text = written(|to| evidence.write_junit(to));
            let (_, case) = text.split_once("classname=\"VPC\"").unwrap();
            let (case, _) = case.split_once("</testsuite>").unwrap();
            let found = ["skipped", "failure", "error"].into_iter().find(|it| case.contains(&format!("<{it}")));
            assert_eq!(found.unwrap_or("passed"), junit, "{class}: {verdict}: {case}");
        }
    }
    assert_eq!(seen, Verdict::ALL.len(), "every verdict is in the table, once");
}

#[test]
fn every_form_that_lists_a_flow_log_says_which_paths_and_which_ip_version_it_records() {
    let mut facts = samples::small();
    let result = &mut facts.results[0];
    result.has_ipv6 = Some(true);
    let flow_log = result.flow_log.as_mut().unwrap();
    flow_log.traffic_path = Some(vec!["internetGateway".into(), "natGateway".into()]);
    flow_log.ip_version = Some("IPv4".into());
    let (id, evidence) = (result.id.clone(), Evidence::new(facts));
    let page = page(&evidence);
    assert!(page.contains("<bdi>internetGateway, natGateway</bdi> · <bdi>IPv4</bdi>, IPv6 enabled"));
    assert!(page.contains("<bdi>all paths</bdi>"), "the others record every path");
    let text = written(|to| evidence.write_csv(to));
    let rows: Vec<BTreeMap<String, String>> =
        csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect();
    let row = rows.iter().find(|row| row["id"] == id).unwrap();
    let found = ["traffic_path", "ip_version", "has_ipv6"].map(|column| row[column].as_str());
    assert_eq!(found, ["internetGateway natGateway", "IPv4", "true"]);
    let events: Vec<Value> = serde_json::from_str(&written(|to| evidence.write_ocsf(to))).unwrap();
    let event = events.iter().find(|event| event["resources"][0]["uid"] == id).unwrap();
    let unmapped = &event["unmapped"];
    assert_eq!(unmapped["flow_log"]["traffic_path"], serde_json::json!(["internetGateway", "natGateway"]));
    assert_eq!((&unmapped["flow_log"]["ip_version"], &unmapped["has_ipv6"]), (&"IPv4".into(), &true.into()));
    assert_eq!(event["compliance"]["checks"][1]["status_id"], 3, "{event}");
}

#[test]
fn a_flow_log_service_that_is_closed_is_a_finding_in_every_form_even_if_there_is_nothing_else() {
    let mut facts = samples::minimal();
    let account = samples::FIRST.to_owned();
    facts.services.push(evidence::Service { account, is_open: Some(false), error: None, calls: Vec::new() });
    let evidence = Evidence::new(facts);
    assert_eq!(Evidence::new(evidence.clone().into_facts()), evidence, "drawn twice, it says the same");
    let row = written(|to| evidence.write_csv(to));
    assert!(row.contains(r#""finding","","1000000000000001","","","the flow log service","","#), "{row}");
    let events: Vec<Value> = serde_json::from_str(&written(|to| evidence.write_ocsf(to))).unwrap();
    let event = events.iter().find(|event| event["status_code"] == "finding").unwrap();
    assert_eq!(
        (&event["compliance"]["status_id"], &event["cloud"]["account"]["uid"]),
        (&3.into(), &samples::FIRST.into())
    );
    let junit = quick_junit::Report::deserialize_from_str(&written(|to| evidence.write_junit(to))).unwrap();
    assert!(junit.failures > 0, "{junit:?}");
    assert!(page(&evidence).contains("has not opened the flow log service, so it can have no flow logs"));
    let mut two = samples::small();
    two.services.iter_mut().for_each(|service| service.is_open = Some(false));
    let verdict = Evidence::new(two).assessment().verdict.clone();
    assert!(verdict.contains("2 accounts have not opened the flow log service"), "{verdict}");
    assert!(!verdict.contains("need a look"), "it is told once: {verdict}");
}

#[test]
fn counts_that_disagree_are_in_the_csv_and_in_ocsf_too() {
    let mut facts = samples::small();
    facts.judged[0].resources += 1;
    facts.head.ended = facts.head.started - jiff::SignedDuration::from_secs(1);
    let evidence = Evidence::new(facts);
    let why = &evidence.assessment().discrepancies;
    assert_eq!(why.len(), 2, "{why:?}");
    let text = written(|to| evidence.write_csv(to));
    let rows: Vec<BTreeMap<String, String>> =
        csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect();
    let rows: Vec<_> = rows.iter().filter(|row| row["verdict"] == "discrepancy").map(|row| &row["reason"]).collect();
    assert_eq!(rows, why.iter().collect::<Vec<_>>());
    let events: Vec<Value> = serde_json::from_str(&written(|to| evidence.write_ocsf(to))).unwrap();
    let found: Vec<_> = events.iter().filter(|event| event["status_code"] == "discrepancy").collect();
    let said: Vec<_> = found.iter().map(|event| event["message"].as_str().unwrap()).collect();
    assert_eq!(said, why.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(found.iter().all(|event| event["compliance"]["status_id"] == 2), "nothing passes or fails by it");
    assert_ne!(found[0]["finding_info"]["uid"], found[1]["finding_info"]["uid"]);
}

#[test]
fn each_control_is_a_case_in_junit_and_one_that_nobody_has_to_meet_breaks_no_build() {
    let evidence = Evidence::new(samples::small());
    let junit = quick_junit::Report::deserialize_from_str(&written(|to| evidence.write_junit(to))).unwrap();
    let suite = junit.test_suites.iter().find(|suite| suite.name.as_str() == "controls").unwrap();
    let status = |id: &str| {
        let case = suite.test_cases.iter().find(|case| case.name.as_str().contains(id)).unwrap();
        match &case.status {
            quick_junit::TestCaseStatus::Success { .. } => "success",
            quick_junit::TestCaseStatus::NonSuccess { .. } => "failure",
            quick_junit::TestCaseStatus::Skipped { .. } => "skipped",
        }
    };
    let controls = &evidence.assessment().controls;
    assert_eq!(suite.test_cases.len(), controls.len());
    assert_eq!((status(" 2.5:"), status(" 3.3:"), status("10.5.1")), ("success", "failure", "skipped"));
    assert_eq!(controls.iter().find(|it| it.id == "10.5.1").unwrap().status, evidence::ControlStatus::Fail);
}

/// The paths of all nulls.
fn nulls(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::Null => vec![path.to_owned()],
        Value::Array(items) => items.iter().flat_map(|item| nulls(item, path)).collect(),
        Value::Object(fields) => fields.iter().flat_map(|(key, item)| nulls(item, &format!("{path}/{key}"))).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn an_ocsf_event_has_what_is_known_and_nothing_else() {
    let mut sample = samples::small();
    sample.judged[0].resources += 1;
    sample.reads.iter_mut().filter_map(|read| read.error.as_mut()).for_each(|error| error.request_id = None);
    let evidence = Evidence::new(sample);
    let (facts, seal) = (evidence.facts(), evidence.seal());
    let events: Vec<Value> = serde_json::from_str(&written(|to| evidence.write_ocsf(to))).unwrap();
    let first = |verdict: &str| events.iter().find(|event| event["status_code"] == verdict).unwrap();

    let reason = "it records Allow, and the policy wants All";
    let uid = "flowkeeper/1000000000000001/cn-shanghai/vpc-bp1example00000000021";
    let account = serde_json::json!({ "type": "Alibaba Cloud Account", "type_id": 99, "uid": samples::FIRST });
    let cis = "VPC flow logging is enabled in all VPCs";
    let of_policy = serde_json::json!({
        "name": "the policy", "standards": ["Flowkeeper policy"], "status_id": 3, "uid": "policy",
    });
    let data = serde_json::json!({ "policy_sha256": facts.policy.sha256, "run": facts.head.run, "seal": seal });
    let expected = serde_json::json!({
        "class_uid": 2003, "category_uid": 2, "activity_id": 1, "type_uid": 200_301,
        "time": facts.head.ended.as_millisecond(), "severity_id": 3, "status_id": 1, "status_code": "drifted",
        "message": reason,
        "metadata": {
            "product": { "name": "Flowkeeper", "vendor_name": "Flowkeeper", "version": facts.head.versions[0] },
            "profiles": ["cloud"], "uid": uid, "version": "1.8.0",
        },
        "cloud": { "account": account, "provider": "Alibaba Cloud", "region": "cn-shanghai" },
        "finding_info": {
            "desc": reason, "last_seen_time": facts.head.ended.as_millisecond(),
            "title": "vpc-bp1example00000000021: drifted", "types": ["VPC flow log"], "uid": uid,
        },
        "compliance": {
            "checks": [of_policy, {
                "name": cis, "standards": ["CIS Alibaba Cloud Foundation 2.0.0"], "status_id": 3, "uid": "3.3",
            }],
            "control": "flow logs", "requirements": ["policy.yml"], "standards": ["Flowkeeper policy"],
            "status_code": "drifted", "status_details": [reason], "status_id": 3,
        },
        "resources": [{
            "name": "mobile-api-staging", "region": "cn-shanghai", "type": "VPC", "uid": "vpc-bp1example00000000021",
        }],
        "evidences": [{ "data": data }],
        "unmapped": {
            "flow_log": {
                "id": "fl-bp1example000000000021", "status": "Active", "traffic_type": "Allow", "traffic_path": ["all"],
                "ip_version": "IPv4", "interval_minutes": 10, "project": "flowlog-1000000000000001-cn-shanghai",
                "log_store": "vpc",
            },
            "has_ipv6": false,
        },
    });
    assert_eq!(*first("drifted"), expected);

    // It is about no region, no resource and no call.
    let discrepancy = first("discrepancy");
    let absent = ["/count", "/cloud/region", "/resources/0/name", "/resources/0/region", "/remediation", "/unmapped"];
    for path in absent.into_iter().chain(["/evidences/0/data/error"]) {
        assert_eq!(discrepancy.pointer(path), None, "{path}");
    }
    let found: Vec<_> = events.iter().flat_map(|event| nulls(event, "")).collect();
    assert!(!found.is_empty(), "a call without an answer has no request id");
    assert!(found.iter().all(|path| path == "/evidences/data/error/request_id"), "{found:?}");
}
