//! Queries, alarms and people read reports, so every report has the same shape, whatever was done.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use handler::answer;
use jiff::SignedDuration;
use local_cloud::{
    Clock, Directory, Fault, Invocation, LocalCloud, OWN_ACCOUNT, Options, Timers, Transitions, template::default_path,
};
use reconcile::Report;
use scenarios::{
    ACTIVATE, CREATE_ECR, CREATE_FLOW_LOG, CREATION, DEACTIVATE, DELETE_ORPHANED, DELETION, EVIDENCE_BUCKET, Harness,
    OPEN_SERVICE, REMEDIATE, REMEDIATION, REPORT, TIMER, call_event, cloud, results, vpc_created, whole_cloud,
};
use serde_json::{Value, json};

const VERDICTS: &[&str] = &[
    "compliant",
    "missing",
    "inactive",
    "paused",
    "due-to-pause",
    "drifted",
    "foreign",
    "orphaned",
    "undelivered",
    "pending",
    "excluded",
    "unsupported",
    "unknown",
];
const OUTCOMES: &[&str] = &["done", "unchanged", "planned", "skipped", "failed", "unfinished"];
const RESULT: &[&str] =
    &["account", "region", "resource_type", "resource_id", "verdict", "action", "outcome", "reason"];
const SUMMARY: &[&str] = &[
    "checked",
    "compliant",
    "changed",
    "planned",
    "skipped",
    "failed",
    "unknown",
    "unfinished",
    "findings",
    "exceptions",
    "uncovered",
    "limits",
];

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn set<'a>(names: &[&'a str]) -> BTreeSet<&'a str> {
    names.iter().copied().collect()
}

/// Checks one result against the guarantees for every result.
fn check_result(result: &Value) {
    let text = |name: &str| result[name].as_str();
    let mut found = keys(result);
    found.remove("flow_log_id");
    let has_error = found.remove("error");
    let is_deletion = found.remove("deleted");
    let is_unannounced = found.remove("unannounced");
    assert_eq!(found, set(RESULT), "{result:#}");
    let outcome = text("outcome").unwrap();
    assert!(OUTCOMES.contains(&outcome), "{result:#}");
    assert!(text("verdict").is_none_or(|verdict| VERDICTS.contains(&verdict)), "{result:#}");
    assert!(text("reason").is_some_and(|reason| !reason.is_empty()), "{result:#}");
    assert!(text("resource_id").is_none_or(|id| !id.is_empty()), "what is not known is null: {result:#}");
    let is_change = ["done", "planned"].contains(&outcome);
    assert!(!is_change || text("action").is_some(), "a change names its call: {result:#}");
    assert!(outcome != "unchanged" || text("action").is_none(), "without a change there is no call: {result:#}");
    assert_ne!(text("action"), Some(""), "{result:#}");
    assert!(
        !is_deletion || text("action") == Some("DeleteFlowLog"),
        "only a deletion says what it deletes: {result:#}"
    );
    assert!(
        !is_unannounced || (result["unannounced"] == true && text("verdict") == Some("missing")),
        "only what is missing should have been announced: {result:#}"
    );
    assert!(text("verdict") != Some("unknown") || ["failed", "unfinished"].contains(&outcome), "{result:#}");
    if has_error {
        assert!(["failed", "unfinished"].contains(&outcome), "only what failed has an error: {result:#}");
        let error = &result["error"];
        assert_eq!(keys(error), set(&["action", "code", "message", "request_id", "advice"]), "{result:#}");
        for name in ["action", "code", "message", "advice"] {
            assert!(error[name].as_str().is_some_and(|value| !value.is_empty()), "{name}: {result:#}");
        }
    }
}

/// Checks a report: its fields, its results, and that its summary counts the results.
fn check_report(report: &Value) {
    let mut fields = keys(report);
    let is_truncated = fields.remove("truncated");
    assert_eq!(fields, set(&["function", "run", "request_id", "dry_run", "summary", "results"]));
    assert!(report["run"].as_str().is_some_and(|run| !run.is_empty()), "{report:#}");
    let results = report["results"].as_array().unwrap();
    results.iter().for_each(check_result);
    if is_truncated {
        // The summary counts all results, including those that were left out.
        assert!(truncated(report) > 0, "{report:#}");
        return;
    }
    let summary = &report["summary"];
    let mut counts = keys(summary);
    counts.remove("unannounced");
    let unlisted = if counts.remove("unlisted") { summary["unlisted"].as_u64().unwrap() } else { 0 };
    assert_eq!(counts, set(SUMMARY));
    let count = |key: &str, values: &[&str]| {
        results.iter().filter(|it| it[key].as_str().is_some_and(|it| values.contains(&it))).count() as u64
    };
    for (name, key, values) in [
        ("changed", "outcome", &["done"][..]),
        ("planned", "outcome", &["planned"]),
        ("skipped", "outcome", &["skipped"]),
        ("failed", "outcome", &["failed"]),
        ("unfinished", "outcome", &["unfinished"]),
    ] {
        assert_eq!(summary[name], count(key, values), "{name}: {report:#}");
    }
    // A resource that there was no time for counts only as unfinished.
    let is_unknown = |it: &&Value| it["verdict"] == "unknown" && it["outcome"] != "unfinished";
    assert_eq!(summary["unknown"], results.iter().filter(is_unknown).count(), "{report:#}");
    let is_good = |it: &&Value| [Value::from("compliant"), "paused".into()].contains(&it["verdict"]);
    // A resource with a good verdict counts as compliant only if nothing else is wrong with it.
    let good = results.iter().filter(is_good).filter(|it| it["outcome"] == "unchanged").count() as u64;
    // A resource that is excluded on purpose is compliant.
    let good = good + results.iter().filter(|it| it["verdict"] == "excluded").count() as u64;
    assert_eq!(summary["compliant"], good + unlisted, "{report:#}");
    let resources: BTreeSet<_> =
        results.iter().filter(|it| !it["verdict"].is_null()).filter_map(|it| it["resource_id"].as_str()).collect();
    let is_of_resources = report["function"] != "open-flow-log-service";
    assert!(!is_of_resources || summary["checked"] == resources.len() as u64 + unlisted, "{report:#}");
    let is_dry = report["dry_run"].as_bool().unwrap();
    assert_eq!(summary[if is_dry { "changed" } else { "planned" }], 0, "{report:#}");
    // A resource that is not compliant and was not changed is a finding.
    let findings = summary["findings"].as_u64().unwrap();
    let failed = results.iter().filter(|it| !it["verdict"].is_null() && it["outcome"] == "failed").count() as u64;
    assert!(findings >= failed && findings <= results.len() as u64, "{report:#}");
}

/// The number of results that a failure leaves out to fit into a dead letter.
fn truncated(report: &Value) -> u64 {
    report["truncated"].as_u64().unwrap_or_default()
}

/// Checks an answer and returns its report, if the event was understood.
fn report(invocation: &Invocation) -> Option<&Value> {
    let body = &invocation.body;
    let report = if invocation.success {
        assert_eq!(invocation.status, Some(200));
        body
    } else {
        assert_eq!(invocation.status, Some(404));
        assert!(body.to_string().len() <= 48 << 10, "a dead letter has to hold it");
        if body["errorType"] == "UnknownEvent" {
            assert_eq!(keys(body), set(&["errorType", "errorMessage"]));
            return None;
        }
        assert_eq!(keys(body), set(&["errorType", "errorMessage", "report"]));
        assert!(body["errorMessage"].as_str().is_some_and(|text| !text.is_empty()));
        &body["report"]
    };
    check_report(report);
    assert_eq!(report["request_id"], invocation.request_id);
    assert_eq!(format!("flowkeeper-{}", report["function"].as_str().unwrap()), invocation.function);
    let is_open = ["failed", "unknown", "unfinished"].iter().any(|name| report["summary"][name] != 0);
    assert_eq!(invocation.success, !is_open || body["errorType"] == "TooManyChanges", "{body:#}");
    assert!(invocation.success || ["Incomplete", "TooManyChanges"].map(Value::from).contains(&body["errorType"]));
    Some(report)
}

/// The fields that a result has in common with its log line.
fn in_common(of: impl Fn(&str) -> String) -> Vec<String> {
    ["account", "region", "resource_type", "resource_id", "verdict", "action", "outcome", "flow_log_id"]
        .into_iter()
        .map(of)
        .collect()
}

/// Checks that the invocation has one line of its own, with the counts of its report.
fn check_summary_line(lines: &[Value], invocation: &Invocation, report: &Value) {
    let is_own = |line: &&Value| line["request_id"] == invocation.request_id && line["line"] == "summary";
    let own: Vec<_> = lines.iter().filter(is_own).collect();
    let [line] = own.as_slice() else { panic!("{own:#?}") };
    for name in SUMMARY.iter().filter(|name| **name != "limits") {
        assert_eq!(line[name], report["summary"][name], "{name}: {line:#}");
    }
    assert_eq!(line["limits"], report["summary"]["limits"].as_array().unwrap().len(), "{line:#}");
    for (name, counted) in [("unlisted", "unlisted"), ("unannounced_count", "unannounced")] {
        assert_eq!(&line[name], report["summary"].get(counted).unwrap_or(&Value::from(0)), "{line:#}");
    }
    let changed = line["changed"].as_u64().unwrap();
    assert!(
        changed <= line["writes"].as_u64().unwrap() && line["writes"].as_u64() <= line["calls"].as_u64(),
        "{line:#}"
    );
    assert!(["event", "sweep", "by-hand"].iter().any(|kind| line["kind"] == *kind), "{line:#}");
    let is_timer = invocation.event.get("triggerName").is_some();
    assert_eq!(line["kind"] == "sweep", is_timer, "{line:#} {:#}", invocation.event);
}

/// Checks that each result has one log line, and that each line is short enough to be stored whole.
fn check_lines(invocation: &Invocation, report: &Value) {
    let lines: Vec<Value> = invocation.lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    // An instance may have handled other invocations meanwhile.
    let is_own = |line: &&Value| line["request_id"] == invocation.request_id && line.get("outcome").is_some();
    for line in &invocation.lines {
        assert!(line.len() < 32 * 1024, "Function Compute takes 32 KB: {} bytes", line.len());
        assert!(line.starts_with('{') || line.starts_with("FC "), "{line}");
    }
    let mut said: Vec<_> = lines
        .iter()
        .filter(is_own)
        .map(|line| {
            let message = line["message"].as_str().unwrap();
            (in_common(|name| line[name].as_str().unwrap().to_owned()), message.to_owned(), line.get("cut").is_some())
        })
        .collect();
    for result in report["results"].as_array().unwrap() {
        let common = in_common(|name| result[name].as_str().unwrap_or_default().to_owned());
        let reason = result["reason"].as_str().unwrap();
        let its = said.iter().position(|(line, message, is_cut)| {
            *line == common && (message.starts_with(reason) || (*is_cut && reason.len() > message.len()))
        });
        said.remove(its.unwrap_or_else(|| panic!("no line says {result:#}\n{lines:#?}")));
    }
    check_summary_line(&lines, invocation, report);
    let left_out = truncated(report) as usize;
    assert_eq!(said.len(), left_out, "lines of which the report says nothing: {said:#?}");
    let runs: BTreeSet<_> = lines.iter().filter(is_own).map(|line| line["run"].as_str().unwrap()).collect();
    assert!(runs.iter().all(|run| report["run"] == **run), "{runs:?} {report:#}");
}

/// The fields of a log line that the template has SLS index, with their types.
fn indexed() -> BTreeMap<String, String> {
    let template = std::fs::read_to_string(default_path()).unwrap();
    let (_, index) = template.split_once("          JsonKeyIndices:\n").unwrap();
    let lines = index.lines().map_while(|line| line.trim().strip_prefix("- {Name: "));
    let field = |line: &str| {
        let (name, rest) = line.split_once(", Type: ").unwrap();
        (name.to_owned(), rest.split(',').next().unwrap().to_owned())
    };
    lines.map(field).collect()
}

/// Returns the lines of invocations that are JSON, but for those of others that an instance handled meanwhile.
fn json_lines(invocations: &[Invocation]) -> Vec<Value> {
    let own = |invocation: &Invocation| {
        let lines = invocation.lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["request_id"] == invocation.request_id).collect::<Vec<_>>()
    };
    invocations.iter().flat_map(own).collect()
}

/// Checks that each field of each line has an index of its type: a number that is indexed as a text cannot be added up,
/// and a text that is indexed as a number cannot be found.
pub(crate) fn check_index(lines: &[Value]) {
    let index = indexed();
    for line in lines {
        for (name, value) in line.as_object().unwrap() {
            let kind = match value {
                Value::Number(number) if number.is_f64() => "double",
                Value::Number(_) => "long",
                Value::String(_) | Value::Bool(_) => "text",
                other => panic!("{name} is {other}, which SLS does not index: {line:#}"),
            };
            // SLS has a time of its own, and nobody asks for what was cut.
            if !["cut", "deleted", "time"].contains(&name.as_str()) {
                assert_eq!(index.get(name).map(String::as_str), Some(kind), "{name}: {line:#}");
            }
        }
    }
}

/// Creates a VPC for each thing that can be wrong with one.
async fn vpcs(cloud: &LocalCloud) {
    for tag in ["ignore", "off", "ingore"] {
        cloud.create_vpc(&[("flowkeeper", tag)]).await.unwrap();
    }
    let mut kept = Vec::new();
    for _ in 0..6 {
        let vpc = cloud.create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        kept.push((cloud.flow_log_of(&vpc).unwrap().id, vpc));
    }
    let edit = |at: usize, edit: fn(&mut local_cloud::FlowLog)| cloud.edit_flow_log(&kept[at].0, edit);
    edit(0, |it| it.tags.clear());
    edit(1, |it| it.project = "theirs".into());
    // More than a log line holds.
    edit(2, |it| it.description = "much ".repeat(20_000));
    edit(3, |it| it.deliver_status = "FAILED".into());
    edit(4, |it| it.status = "Inactive".into());
    cloud.call("TagResources", &tag(&kept[5].1)).await.unwrap();
    cloud.settled().await.unwrap();
}

fn tag(vpc: &str) -> [(&str, &str); 4] {
    [("ResourceType", "VPC"), ("ResourceId.1", vpc), ("Tag.1.Key", "flowkeeper"), ("Tag.1.Value", "off")]
}

#[tokio::test]
async fn every_answer_has_the_same_shape_and_each_result_is_a_log_line() {
    let policy = "flow_log: {project: flowlog, log_store: vpc}\n\
                  ecr_flow_log: {project: ecr-flowlog, log_store: ecr}\n";
    let cloud = whole_cloud(Options { policy: Some(policy.to_owned()), ..Options::default() }).await.unwrap();
    vpcs(&cloud).await;
    cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router(&["vbr-1", "vbr-2"]).await.unwrap();
    let timer = async |function: &str| {
        cloud.invoke(function, TIMER).await.unwrap();
        cloud.settled().await.unwrap();
    };
    for function in [DEACTIVATE, ACTIVATE, DELETE_ORPHANED] {
        timer(function).await;
    }
    for action in ["CreateFlowLog", "expressconnectrouter:CreateFlowLog"] {
        cloud.fail(action, Fault::Code("QuotaExceeded.FlowlogCount"), 1);
    }
    cloud.create_vpc(&[]).await.unwrap();
    for function in [REMEDIATE, CREATE_ECR, CREATE_ECR] {
        timer(function).await;
    }
    for function in [ACTIVATE, DELETE_ORPHANED, REMEDIATE] {
        cloud.fail("DescribeFlowLogs", Fault::Refused, 1);
        timer(function).await;
    }
    let gone = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    cloud.call("DeleteVpc", &[("VpcId", &gone)]).await.unwrap();
    cloud.settled().await.unwrap();
    let batch = json!([call_event("Vpc", "CreateVpc", &json!({})), call_event("Cbn", "CreateFlowLog", &json!({}))]);
    for event in [batch.to_string(), String::new(), vpc_created(&cloud.vpcs()[0].id).to_string()] {
        cloud.invoke(CREATE_FLOW_LOG, event.as_bytes()).await.unwrap();
    }
    cloud.fail("CreateVpc", Fault::EventDropped, 1);
    let silent = cloud.create_vpc(&[]).await.unwrap();
    cloud.edit_vpc(&silent, |it| it.created -= SignedDuration::from_mins(20));
    cloud.fail("DescribeVpcs", Fault::Throttled, 1);
    timer(REMEDIATE).await;
    cloud.close_flow_log_service();
    for body in ["{}", "{\"accept_terms\": true}", "no"] {
        cloud.invoke(OPEN_SERVICE, body.as_bytes()).await.unwrap();
    }

    let invocations = cloud.invocations();
    let mut seen = BTreeSet::new();
    let mut functions = BTreeSet::new();
    for invocation in &invocations {
        functions.insert(invocation.function.clone());
        let Some(report) = report(invocation) else { continue };
        check_lines(invocation, report);
        for result in report["results"].as_array().unwrap() {
            seen.extend(["verdict", "outcome"].map(|name| result[name].as_str().unwrap_or("null").to_owned()));
        }
    }
    assert_eq!(functions.len(), 7, "{functions:?}");
    let of_timers = invocations.iter().filter(|it| it.function == REMEDIATE).filter_map(|it| report(it));
    let runs: BTreeSet<_> = of_timers.map(|report| report["run"].as_str().unwrap()).collect();
    assert!(runs.contains("2026-03-02T04:00:00Z"), "a sweep is known by its timer: {runs:?}");
    let expected: BTreeSet<_> = VERDICTS.iter().chain(OUTCOMES).chain(&["null"]).map(|it| (*it).to_owned()).collect();
    // `pending`, `planned` and `unfinished` occur in the reports below.
    let missing: Vec<_> = expected.difference(&seen).map(String::as_str).collect();
    assert_eq!(missing, ["pending", "planned", "unfinished"], "all others must occur");

    let lines = json_lines(&invocations);
    check_index(&lines);
    let fields: BTreeSet<&str> = lines.iter().flat_map(keys).collect();
    let never_said: Vec<_> = indexed().into_keys().filter(|name| !fields.contains(name.as_str())).collect();
    let of_trouble_or_several_accounts = ["done", "offset_ms", "pause_ms", "request_bytes", "submitted"];
    assert_eq!(never_said, of_trouble_or_several_accounts);
}

#[tokio::test]
async fn each_step_of_each_sweep_of_an_organization_has_one_line_whose_numbers_are_indexed_as_numbers() {
    let parameters = [("UseResourceDirectory", "true"), EVIDENCE_BUCKET];
    let cloud = whole_cloud(Options {
        accounts: 2,
        directory: Some(Directory::new()),
        policy: Some(
            "flow_log: {project: flowlog, log_store: vpc}\nresource_directory: {role: flowkeeper}\n".to_owned(),
        ),
        parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        regions: Vec::new(),
        clock: Clock::manual(Clock::real().now()),
        timers: Timers::ByHand,
        retry_delay: Duration::ZERO,
        ..Options::default()
    })
    .await
    .unwrap();
    for (function, timer) in [(REMEDIATE, "sweep"), (REPORT, "report")] {
        let before = cloud.invocations().len();
        cloud.fire_timer(function, timer).unwrap();
        cloud.settled().await.unwrap();
        cloud.clock().advance(Duration::from_secs(600));
        cloud.settled().await.unwrap();
        let invocations = &cloud.invocations()[before..];
        let lines = json_lines(invocations);
        check_index(&lines);
        let mut kinds: Vec<&str> = lines.iter().filter_map(|line| line["kind"].as_str()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["collect", "coordinator", "shard", "shard"], "{function}: {lines:#?}");
        let numbers =
            ["calls", "writes", "retries", "throttles", "wait_ms", "duration_ms", "findings", "checked", "failed"];
        for line in lines.iter().filter(|line| line["line"] == "summary") {
            assert!(numbers.iter().all(|name| line[name].is_u64()), "{line:#}");
        }
        let counts = |kind: &str, name: &str| {
            let of_kind = lines.iter().filter(|line| line["kind"] == kind);
            of_kind.map(|line| line[name].as_u64().unwrap()).sum::<u64>()
        };
        assert!(counts("shard", "calls") > 0 && counts("coordinator", "writes") >= 3, "{lines:#?}");
        let written = lines.iter().filter(|line| line["line"] == "report").count();
        assert_eq!(written, usize::from(function == REPORT), "{lines:#?}");
    }
}

/// Checks a report of the reconciler, and returns the answer that is made of it.
fn answered(report: &Report) -> Value {
    let value = serde_json::to_value(report).unwrap();
    check_report(&value);
    match answer(report, TIMER) {
        Ok(_) => value,
        Err(failure) => {
            let failure = serde_json::to_value(&failure).unwrap();
            assert_eq!(keys(&failure), set(&["errorType", "errorMessage", "report"]));
            assert_eq!(failure["report"], value);
            failure
        }
    }
}

#[tokio::test]
async fn a_dry_run_a_lack_of_time_and_a_refused_sweep_are_reported_in_the_same_shape() {
    let limits = "limits: {max_creations: 50}\n";
    let mut harness = Harness::with(limits, Options { quota: 1000, ..Options::default() }).await;
    let (vpc, _) = harness.kept_vpc(&[]).await;
    harness.cloud.copy_vpc(&vpc, 60);

    let refused = answered(&harness.sweep(REMEDIATION).await);
    assert_eq!(refused["errorType"], "TooManyChanges");
    assert_eq!(
        (&refused["report"]["summary"]["skipped"], &refused["report"]["summary"]["findings"]),
        (&60.into(), &60.into())
    );

    harness.dry_run = true;
    let planned = answered(&harness.sweep(REMEDIATION).await);
    assert_eq!((&planned["dry_run"], &planned["summary"]["planned"]), (&true.into(), &60.into()));
    harness.dry_run = false;

    let unfinished = answered(&harness.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::ZERO).await);
    assert_eq!(
        (&unfinished["errorType"], &unfinished["report"]["summary"]["unfinished"]),
        (&"Incomplete".into(), &1.into())
    );
}

#[tokio::test]
async fn a_replacement_is_two_results_and_an_interrupted_one_is_reported() {
    let options = Options { transitions: Transitions::Explicit, ..Options::default() };
    let harness = Harness::with("replace: true\n", options).await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
    let report = answered(&harness.sweep(REMEDIATION).await);
    let results = report["report"]["results"].as_array().unwrap();
    let said: Vec<_> =
        results.iter().map(|it| (it["action"].as_str().unwrap(), it["outcome"].as_str().unwrap())).collect();
    assert_eq!(said, [("DeleteFlowLog", "done"), ("CreateFlowLog", "unfinished")]);
    assert_eq!(results[1]["verdict"], "pending");
}

#[tokio::test]
async fn a_region_that_cannot_be_read_does_not_count_as_checked() {
    for capabilities in [REMEDIATION, DELETION] {
        let harness = Harness::new("").await;
        harness.cloud.region_down("cn-hangzhou");
        let report = answered(&harness.sweep(capabilities).await);
        let [result] = report["report"]["results"].as_array().unwrap().as_slice() else { panic!("{report:#}") };
        assert_eq!((&result["resource_id"], &result["verdict"]), (&Value::Null, &"unknown".into()));
        let summary = &report["report"]["summary"];
        assert_eq!((&summary["checked"], &summary["unknown"], &summary["findings"]), (&0.into(), &1.into(), &1.into()));
    }
}

#[tokio::test]
async fn a_failure_fits_into_a_dead_letter_with_its_request_and_the_log_has_all_of_it() {
    let cloud = cloud(Options::default()).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    // Each of these ids is malformed, and so fails.
    let launch = |count: usize, id: &str| {
        let ids: Vec<_> = (0..count).map(|nth| format!("{id}{nth}")).collect();
        call_event("Ecs", "RunInstances", &json!({"InstanceIdSets": {"InstanceIdSet": ids}}))
    };
    for (count, id, kept) in
        [(1, "x", 1..2), (900, "x", 150..300), (900, "\"<&>\"", 40..150), (900, &"x".repeat(60), 0..20)]
    {
        let before = cloud.invocations().len();
        let event = launch(count, id);
        cloud.publish(&event);
        cloud.settled().await.unwrap();
        let invocation = cloud.invocations().remove(before);
        let body = &invocation.body;
        let results = results(&invocation);
        assert!(kept.contains(&results.len()), "{count} {id}: {} are kept", results.len());
        assert_eq!(body["report"]["summary"]["failed"], count);
        assert_eq!(results.len() as u64 + truncated(&body["report"]), count as u64);
        check_lines(&invocation, &body["report"]);
        let failed = invocation.lines.iter().filter(|line| line.contains(r#""outcome":"failed""#));
        assert_eq!(failed.count(), count, "{id}");

        let letter = cloud.dead_letters().pop().unwrap();
        let has_room = event.to_string().len() < 40 << 10;
        let said = invocation.lines.iter().any(|line| line.contains("too large for a dead letter"));
        assert_eq!((letter.payload.to_string().len() <= 64 << 10, said), (has_room, !has_room), "{count} {id}");
    }
    // A success is never truncated.
    let invocation = cloud.invoke(CREATE_FLOW_LOG, vpc_created(&vpc).to_string().as_bytes()).await.unwrap();
    assert!(report(&invocation).is_some_and(|report| truncated(report) == 0));
}

#[tokio::test]
async fn the_log_line_of_an_unavailable_feature_has_the_reason_of_the_report() {
    let cloud = whole_cloud(Options::default()).await.unwrap();
    cloud.fail("CreateFlowLog", Fault::Code("OperationUnsupported.AdvancedFeature"), 1);
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let invocations = cloud.invocations();
    let [invocation] = invocations.as_slice() else { panic!("{invocations:#?}") };
    check_lines(invocation, report(invocation).unwrap());
    assert_eq!(report(invocation).unwrap()["results"][0]["verdict"], "unsupported");
}

#[tokio::test]
async fn the_documented_report_is_what_a_function_answers() {
    let page = include_str!("../../../../docs/reports.md");
    let (_, block) = page.split_once("```json\n").unwrap();
    let mut shown: Value = serde_json::from_str(block.split_once("```").unwrap().0).unwrap();

    let cloud = cloud(Options { transitions: Transitions::Explicit, ..Options::default() }).await.unwrap();
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let [invocation] = cloud.invocations().try_into().unwrap();
    // These differ for each run.
    for name in ["run", "request_id"] {
        assert!(shown[name].is_string());
        shown[name] = invocation.body[name].clone();
    }
    assert_eq!(shown, invocation.body);
}
