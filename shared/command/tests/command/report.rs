//! `report` against a local cloud.

use std::{fs, path::Path};

use jiff::ToSpan as _;
use local_cloud::{Directory, Fault, LogRecord, OWN_ACCOUNT, Options, SECOND_ACCOUNT};
use openapi::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::{
    support::{Ran, repository},
    world::{POLICY, World},
};

/// Gives the Logstore the index of a flow log's Logstore, and time to keep records.
fn index(world: &World) {
    world.cloud.edit_log_store("flowlog", "vpc", |log_store| {
        log_store.retention_days = 400;
        let text = json!({"type": "text"});
        log_store.index = Some(json!({"keys": {
            "vpc-id": text, "vswitch-id": text, "eni-id": text, "log-status": text, "end": {"type": "long"},
        }}));
    });
}

/// A world whose records can be counted.
async fn world() -> World {
    let world = World::new().await;
    index(&world);
    world
}

/// A VPC with a network interface in use and a flow log that has been on for a day.
async fn old_vpc(world: &World) -> String {
    let (vpc, flow_log) = world.kept_vpc(&[], &[]).await;
    let yesterday = SystemClock.now() - 24.hours();
    world.cloud.edit_flow_log(&flow_log, |flow_log| flow_log.created = yesterday);
    let vswitch = world.cloud.create_vswitch(&vpc).await.unwrap();
    let interface = world.cloud.create_network_interface(&vswitch).await.unwrap();
    world.cloud.edit_network_interface(&interface, |interface| interface.instance_id = "i-1".to_owned());
    vpc
}

fn write_record(world: &World, vpc: &str, log_status: &str) {
    let record = LogRecord::of_flow_log(vpc, "vsw-1", "eni-1", log_status, SystemClock.now() - 5.minutes());
    world.cloud.write_records("flowlog", "vpc", [record]);
}

/// Makes the JSON, and checks it by its schema.
async fn json_of(world: &World, more: &[&str]) -> (Value, Ran) {
    let ran = world.run(&[&["report", "--json", "-"], more].concat()).await;
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.whole()));
    let schema = fs::read_to_string(repository().join("docs/evidence.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let problems: Vec<_> = schema.iter_errors(&report).map(|problem| problem.to_string()).collect();
    assert_eq!(problems, [""; 0]);
    (report, ran)
}

fn control<'r>(report: &'r Value, id: &str) -> &'r Value {
    report["assessment"]["controls"].as_array().unwrap().iter().find(|control| control["id"] == id).unwrap()
}

fn read(world: &World, name: &str) -> String {
    fs::read_to_string(world.home.path().join(name)).unwrap()
}

#[tokio::test]
async fn it_writes_every_form_at_once_with_one_seal() {
    let world = world().await;
    let vpc = old_vpc(&world).await;
    write_record(&world, &vpc, "OK");
    world.cloud.create_vpc(&[]).await.unwrap();
    let forms = ["--html", "r.html", "--csv", "r.csv", "--json", "r.json", "--ocsf", "r.ocsf.json", "--junit", "r.xml"];
    let ran = world.run(&[&["report"], &forms[..]].concat()).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.whole());
    let seal = sha256(world.home.path().join("r.json").as_path());
    assert!(ran.stderr.contains(&format!("seal SHA-256 {seal}")), "{}", ran.whole());
    assert!(
        ran.stderr.contains("1 of 2 VPCs is as the policy wants it (its records arrive); 1 has no flow log."),
        "{}",
        ran.whole()
    );
    assert!(read(&world, "r.html").contains(&seal), "the page shows the seal");
    for name in ["r.html", "r.csv", "r.json", "r.ocsf.json", "r.xml"] {
        assert!(read(&world, name).contains(&vpc), "{name}");
    }
    assert_eq!(read(&world, "r.csv").lines().count(), 3, "a header and two VPCs");
    let names = fs::read_dir(world.home.path()).unwrap().count();
    assert_eq!(names, 6, "no temporary file is left");
}

/// The digest of a file by another program.
pub(crate) fn sha256(path: &Path) -> String {
    let output = std::process::Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn it_says_who_read_what_with_which_policy_and_its_sums_close() {
    let world = world().await;
    let (paused, off) = world.kept_vpc(&[("flowkeeper", "off")], &[]).await;
    world.cloud.edit_flow_log(&off, |flow_log| flow_log.status = "Inactive".to_owned());
    world.kept_vpc(&[], &[("FlowLogName", "renamed")]).await;
    let (night, _) = world.kept_vpc(&[("env", "night")], &[]).await;
    let foreign = world.cloud.create_vpc(&[]).await.unwrap();
    world.flow_log(&foreign, &[("TrafficType", "Drop")]).await;
    let (gone, orphan) = world.kept_vpc(&[], &[]).await;
    world.cloud.edit_flow_log(&orphan, |flow_log| {
        flow_log.resource_id = format!("{gone}x");
        flow_log.created = "2026-01-01T00:00:00Z".parse().unwrap();
    });
    let (report, ran) = json_of(&world, &[]).await;
    let (facts, assessment) = (&report["facts"], &report["assessment"]);
    assert_eq!(assessment["discrepancies"], json!([]), "{}", ran.whole());
    assert_eq!(assessment["scope"]["is_whole"], true);
    assert_eq!((&assessment["scope"]["regions_read"], &assessment["scope"]["regions_asked"]), (&json!(2), &json!(2)));
    assert_eq!(assessment["sums"]["resources"], 6, "five VPCs, and one that is gone");
    let policy = sha256(world.home.path().join("policy.yml").as_path());
    assert_eq!(facts["policy"], json!({"name": "policy.yml", "sha256": policy}));
    let caller = &facts["callers"][0];
    assert_eq!(caller["account"], OWN_ACCOUNT);
    assert!(caller["arn"].as_str().unwrap().starts_with("acs:ram::") && caller["source"].is_string(), "{caller}");
    let lists = facts["reads"].as_array().unwrap();
    let whole = |operation: &str| {
        let is_it =
            |it: &&Value| it["operation"] == operation && it["region"] == "cn-hangzhou" && it["about"].is_null();
        lists.iter().find(is_it).unwrap()
    };
    assert_eq!(whole("DescribeVpcs")["total"], 5);
    assert!(whole("DescribeFlowLogs")["first_request_id"].is_string() && whole("DescribeFlowLogs")["pages"] == 1);
    let of = |id: &str| facts["results"].as_array().unwrap().iter().find(|it| it["id"] == id).unwrap();
    assert_eq!((&of(&paused)["schedule"], &of(&paused)["is_exception"]), (&json!("flowkeeper=off"), &json!(true)));
    let tag = json!([{"on": paused, "key": "flowkeeper", "value": "off", "used_by": "resource_tag"}]);
    assert_eq!(of(&paused)["tags_used"], tag);
    assert_eq!(
        of(&night)["tags_used"],
        json!([{"on": night, "key": "env", "value": "night", "used_by": "override 2"}])
    );
    let program = sha256(Path::new(env!("CARGO_BIN_EXE_flowkeeper")));
    assert_eq!(facts["head"]["binaries"], json!([{"sha256": program}]));
    let deliveries = facts["deliveries"].as_array().unwrap();
    assert!(deliveries.iter().all(|it| it["flow_log_id"] != off) && !deliveries.is_empty(), "one that is off has none");
    assert!(of(&paused)["flow_log"]["interval_minutes"].is_number(), "{}", of(&paused));
    assert_eq!(facts["schedules"][0]["name"], "weekends");
    assert_eq!(facts["services"][0]["is_open"], true);
    assert_eq!(control(&report, "2.5")["status"], "pass");
    let retention = control(&report, "10.5.1");
    assert_eq!((&facts["log_stores"][0]["days"], &retention["status"]), (&json!(400), &json!("fail")));
    let said = format!("without a flow log, so nothing is kept: {gone}");
    assert!(retention["details"].to_string().contains(&said), "{retention}");
}

#[tokio::test]
async fn without_a_file_it_is_summed_up_on_stdout_with_every_finding_and_exception_by_name() {
    let world = world().await;
    let missing = world.cloud.create_vpc(&[]).await.unwrap();
    let (paused, off) = world.kept_vpc(&[("flowkeeper", "off")], &[]).await;
    world.cloud.edit_flow_log(&off, |flow_log| flow_log.status = "Inactive".to_owned());
    let ran = world.run(&["report"]).await;
    assert_eq!(ran.code, 0, "{}", ran.whole());
    for says in
        [&*missing, &paused, "Findings (1)", "Exceptions (1)", "keeps records for 400 days", "CIS Alibaba Cloud"]
    {
        assert!(ran.stdout.contains(says), "{says}\n{}", ran.whole());
    }
    assert!(ran.stdout.lines().last().unwrap().starts_with("seal SHA-256 "), "{}", ran.whole());
}

#[tokio::test]
async fn what_is_off_on_purpose_fails_a_control_if_the_reader_wants_it_to() {
    let world = world().await;
    let vpc = old_vpc(&world).await;
    write_record(&world, &vpc, "OK");
    let (_, off) = world.kept_vpc(&[("flowkeeper", "off")], &[]).await;
    world.cloud.edit_flow_log(&off, |flow_log| flow_log.status = "Inactive".to_owned());
    let (set_aside, _) = json_of(&world, &[]).await;
    let (failed, ran) = json_of(&world, &["--exceptions", "failure"]).await;
    for id in ["3.3", "AU-12"] {
        assert_ne!(control(&set_aside, id)["status"], "fail", "{id}: {}", ran.whole());
        assert_eq!(control(&failed, id)["status"], "fail", "{id}: {}", ran.whole());
    }
}

#[tokio::test]
async fn a_region_that_cannot_be_read_is_unknown_and_no_control_that_needs_it_passes() {
    let world = world().await;
    let vpc = old_vpc(&world).await;
    write_record(&world, &vpc, "OK");
    world.cloud.fail_in("cn-shanghai", "DescribeVpcs", Fault::Refused, u32::MAX);
    let (report, ran) = json_of(&world, &[]).await;
    assert_eq!(ran.code, 1);
    let assessment = &report["assessment"];
    assert_eq!((&assessment["scope"]["is_whole"], &assessment["scope"]["regions_read"]), (&json!(false), &json!(1)));
    let unknown = &assessment["unknown"][0];
    assert_eq!((&unknown["region"], &unknown["error"]["code"]), (&json!("cn-shanghai"), &json!("Forbidden.RAM")));
    assert!(unknown["error"]["request_id"].is_string() && unknown["error"]["advice"].is_string(), "{unknown}");
    assert_eq!(
        (&control(&report, "3.3")["status"], &control(&report, "AU-12")["status"]),
        (&json!("unknown"), &json!("unknown"))
    );
    assert_eq!(assessment["sums"]["resources"], 1, "the other region is reported");
}

#[tokio::test]
async fn what_may_not_be_read_after_the_sweep_has_advice_for_a_person_and_not_for_a_function() {
    let world = world().await;
    old_vpc(&world).await;
    for action in ["GetFlowLogServiceStatus", "GetLogStore", "GetLogsV2"] {
        world.cloud.fail(action, Fault::Refused, u32::MAX);
    }
    let (report, ran) = json_of(&world, &[]).await;
    let unknown = report["assessment"]["unknown"].as_array().unwrap();
    let of = |operation: &str| {
        let found = unknown.iter().find(|it| it["error"]["operation"] == operation);
        found.unwrap_or_else(|| panic!("{operation}: {}", ran.whole()))["error"]["advice"].as_str().unwrap()
    };
    for operation in ["GetFlowLogServiceStatus", "GetLogsV2"] {
        let advice = of(operation);
        assert!(advice.starts_with("allow the action in a RAM policy of the caller"), "{operation}: {advice}");
    }
}

#[tokio::test]
async fn the_exit_code_says_whether_there_are_findings_only_where_that_is_asked_for() {
    let world = world().await;
    let vpc = old_vpc(&world).await;
    write_record(&world, &vpc, "OK");
    assert_eq!(world.run(&["report", "--detailed-exitcode"]).await.code, 0);
    world.cloud.create_vpc(&[]).await.unwrap();
    assert_eq!(world.run(&["report"]).await.code, 0);
    assert_eq!(world.run(&["report", "--detailed-exitcode"]).await.code, 2);
    world.cloud.fail("GetFlowLogServiceStatus", Fault::Refused, u32::MAX);
    assert_eq!(world.run(&["report", "--detailed-exitcode"]).await.code, 1, "what is unknown is worse");
}

#[tokio::test]
async fn a_flow_log_of_some_traffic_paths_fails_cis_3_3_and_one_of_ipv4_where_ipv6_is_on_leaves_it_unknown() {
    let policy =
        "flow_log: {project: flowlog, log_store: vpc, traffic_path: [internetGateway]}\nregions: [cn-hangzhou]\n";
    let world = World::with(Options::default(), policy).await;
    index(&world);
    let (vpc, _) = world.kept_vpc(&[], &[("TrafficPath.1", "internetGateway")]).await;
    write_record(&world, &vpc, "OK");
    let (report, ran) = json_of(&world, &[]).await;
    let result = &report["facts"]["results"][0];
    assert_eq!(result["verdict"], "compliant", "the policy wants no more: {}", ran.whole());
    let seen = (&result["flow_log"]["traffic_path"], &result["flow_log"]["ip_version"], &result["has_ipv6"]);
    assert_eq!(seen, (&json!(["internetGateway"]), &json!("IPv4"), &json!(false)));
    let cis = control(&report, "3.3");
    assert_eq!(cis["status"], "fail");
    assert!(cis["details"].to_string().contains(&format!("some traffic paths only: {vpc}")), "{cis}");
    let dual = world_with_records().await;
    let vpc_of_both = dual.cloud.create_vpc(&[]).await.unwrap();
    dual.cloud.edit_vpc(&vpc_of_both, |it| it.ipv6_cidr_block = "2408::/56".to_owned());
    let flow_log = dual.flow_log(&vpc_of_both, &[("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")]).await;
    write_record(&dual, &vpc_of_both, "OK");
    let (of_both, ran_of_both) = json_of(&dual, &[]).await;
    let found = control(&of_both, "3.3");
    assert_eq!(found["status"], "unknown", "{flow_log}: {}", ran_of_both.whole());
    let said = format!("IPv6 is enabled, and the flow log is said to record IPv4: {vpc_of_both}");
    assert!(found["details"].to_string().contains(&said), "{found}");
}

/// A world with a flow log whose records arrive.
async fn world_with_records() -> World {
    let world = world().await;
    let vpc = old_vpc(&world).await;
    write_record(&world, &vpc, "OK");
    world
}

#[tokio::test]
async fn what_a_schedule_or_a_tag_is_about_to_switch_off_is_an_exception_in_every_form() {
    let world = world_with_records().await;
    let (due, _) = world.kept_vpc(&[("flowkeeper", "off")], &[]).await;
    write_record(&world, &due, "OK");
    let forms = ["--json", "r.json", "--ocsf", "r.ocsf.json", "--junit", "r.xml", "--csv", "r.csv"];
    let ran = world.run(&[&["report", "--detailed-exitcode"], &forms[..]].concat()).await;
    assert_eq!(ran.code, 2, "there is something to change: {}", ran.whole());
    let report: Value = serde_json::from_str(&read(&world, "r.json")).unwrap();
    let sums = &report["assessment"]["sums"];
    assert_eq!((&sums["paused"], &sums["findings"]), (&json!(1), &json!(0)), "{}", ran.whole());
    let result = report["facts"]["results"].as_array().unwrap().iter().find(|it| it["id"] == *due).unwrap();
    assert_eq!((&result["verdict"], &result["is_exception"]), (&json!("due-to-pause"), &json!(true)));
    assert_eq!(report["facts"]["changes"][0]["action"], "DeactiveFlowLog", "the change is said all the same");
    assert_ne!(control(&report, "AU-12")["status"], "fail", "it records");
    let events: Value = serde_json::from_str(&read(&world, "r.ocsf.json")).unwrap();
    let event = events.as_array().unwrap().iter().find(|it| it["resources"][0]["uid"] == *due).unwrap();
    assert_eq!((&event["compliance"]["status_id"], &event["status_id"]), (&json!(1), &json!(3)), "{event}");
    assert!(read(&world, "r.csv").contains(r#""exception","due-to-pause","#));
    assert!(!read(&world, "r.xml").contains("<failure"), "{}", read(&world, "r.xml"));
}

#[tokio::test]
async fn what_is_about_to_be_switched_off_is_a_finding_if_something_else_is_the_matter_with_it() {
    let world = world_with_records().await;
    let (vpc, _) = world.kept_vpc(&[("env", "night"), ("flowkeeper", "on")], &[]).await;
    let policy = format!("{POLICY}resource_tag: []\n");
    fs::write(world.home.path().join("policy.yml"), policy).unwrap();
    let (report, ran) = json_of(&world, &[]).await;
    let result = report["facts"]["results"].as_array().unwrap().iter().find(|it| it["id"] == *vpc).unwrap();
    assert_eq!((&result["verdict"], &result["is_finding"]), (&json!("due-to-pause"), &json!(true)), "{}", ran.whole());
    assert_eq!(report["assessment"]["sums"]["findings"], 1);
}

#[tokio::test]
async fn a_flow_log_service_that_is_closed_needs_a_look() {
    let world = world().await;
    world.cloud.close_flow_log_service();
    let (report, ran) = json_of(&world, &["--detailed-exitcode"]).await;
    assert_eq!(report["facts"]["services"][0]["is_open"], false, "{}", ran.whole());
    assert_eq!(ran.code, 2, "{}", ran.whole());
}

#[tokio::test]
async fn records_prove_delivery_and_what_cannot_be_counted_is_unknown() {
    let world = world().await;
    let vpc = old_vpc(&world).await;
    let state = |report: &Value| report["facts"]["deliveries"][0]["state"].as_str().unwrap().to_owned();
    let (silent, ran_silent) = json_of(&world, &["--detailed-exitcode"]).await;
    assert_eq!((state(&silent).as_str(), ran_silent.code), ("silent", 2), "{}", ran_silent.whole());
    assert_eq!(silent["facts"]["results"][0]["verdict"], "undelivered");
    assert_eq!(silent["facts"]["deliveries"][0]["records"], 0, "nothing is zero, and not unknown");
    assert_eq!(
        (&control(&silent, "3.3")["status"], &control(&silent, "AU-12")["status"]),
        (&json!("fail"), &json!("fail"))
    );
    world.run(&["report", "--html", "r.html", "--csv", "r.csv", "--junit", "r.xml", "--ocsf", "r.json"]).await.good();
    assert!(read(&world, "r.html").contains("some of it needs a person"));
    assert!(read(&world, "r.csv").contains("\"finding\",\"undelivered\","));
    assert!(read(&world, "r.xml").contains("<failure"));
    assert!(!read(&world, "r.json").contains("\"status_code\":\"compliant\""));
    write_record(&world, &vpc, "OK");
    let before = world.cloud.calls_of("GetLogsV2").len();
    let (delivering, ran_delivering) = json_of(&world, &["--detailed-exitcode"]).await;
    assert_eq!((state(&delivering).as_str(), ran_delivering.code), ("delivers", 0), "{}", ran_delivering.whole());
    assert_eq!(world.cloud.calls_of("GetLogsV2").len() - before, 1, "one query for the Logstore");
    world.cloud.fail("GetLogsV2", Fault::Refused, 1);
    let (denied, ran_denied) = json_of(&world, &[]).await;
    assert_eq!((state(&denied).as_str(), ran_denied.code), ("unknown", 1));
    let unknown = &denied["assessment"]["unknown"][0];
    assert_eq!(
        (&unknown["error"]["operation"], &control(&denied, "A.8.15")["status"]),
        (&json!("GetLogsV2"), &json!("unknown"))
    );
    assert!(unknown["error"]["request_id"].is_string(), "{unknown}");
    assert!(ran_denied.stderr.contains("GetLogsV2 is not allowed"), "{}", ran_denied.whole());
    world.cloud.edit_log_store("flowlog", "vpc", |log_store| log_store.index = None);
    let (without_index, ran_without_index) = json_of(&world, &[]).await;
    assert_eq!((state(&without_index).as_str(), ran_without_index.code), ("unknown", 1));
    assert_eq!(without_index["facts"]["deliveries"][0]["why_unknown"], "the Logstore has no index");
    assert_eq!(without_index["facts"]["log_stores"][0]["days"], 400, "its retention is known all the same");
}

#[tokio::test]
async fn a_delivery_has_the_bytes_of_its_records_by_the_same_query_if_the_index_can_add_them_up() {
    let world = world_with_records().await;
    let vpc = world.cloud.vpcs().remove(0).id;
    write_record(&world, &vpc, "OK");
    write_record(&world, &vpc, "NODATA");
    let delivery = |report: &Value| report["facts"]["deliveries"][0].clone();
    let (without, _) = json_of(&world, &[]).await;
    assert_eq!((&delivery(&without)["records"], &delivery(&without)["bytes"]), (&json!(3), &Value::Null));
    world.cloud.edit_log_store("flowlog", "vpc", |log_store| {
        log_store.index.as_mut().unwrap()["keys"]["bytes"] = json!({"type": "long", "doc_value": true});
    });
    let before = world.cloud.calls_of("GetLogsV2").len();
    let (with, ran) = json_of(&world, &[]).await;
    assert_eq!(
        (&delivery(&with)["records"], &delivery(&with)["bytes"]),
        (&json!(3), &json!(2 * 840)),
        "{}",
        ran.whole()
    );
    assert_eq!(delivery(&with)["state"], "delivers");
    assert_eq!(world.cloud.calls_of("GetLogsV2").len() - before, 1, "one query for the Logstore");
}

#[tokio::test]
async fn it_says_by_which_requests_the_logstores_and_the_service_were_read() {
    let world = world().await;
    let vpc = old_vpc(&world).await;
    write_record(&world, &vpc, "OK");
    write_record(&world, &vpc, "NODATA");
    let (report, ran) = json_of(&world, &["--cost"]).await;
    let facts = &report["facts"];
    let delivery = &facts["deliveries"][0];
    assert_eq!((&delivery["project"], &delivery["log_store"]), (&json!("flowlog"), &json!("vpc")), "{}", ran.whole());
    let calls = |of: &Value| -> Vec<(String, u64, Value, Value, Value)> {
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        let one = |it: &Value| {
            let ids = (it["first_request_id"].clone(), it["last_request_id"].clone());
            (text(&it["operation"]), it["count"].as_u64().unwrap(), it["rows"].clone(), ids.0, ids.1)
        };
        of["calls"].as_array().unwrap().iter().map(one).collect()
    };
    // The cost asks the same Logstore before, and is no proof.
    let id = |operation: &str| json!(world.cloud.calls_of(operation).last().unwrap().request_id);
    let once = |operation: &str, rows: Value| (operation.to_owned(), 1, rows, id(operation), id(operation));
    let none = Value::Null;
    let expected = [once("GetIndex", none.clone()), once("GetLogStore", none.clone()), once("GetLogsV2", json!(2))];
    assert!(world.cloud.calls_of("GetLogsV2").len() > 1, "{}", ran.whole());
    assert_eq!(calls(&facts["log_stores"][0]), expected);
    assert_eq!(calls(&facts["services"][0]), [once("GetFlowLogServiceStatus", none)]);
    world.run(&["report", "--html", "r.html"]).await.good();
    for operation in ["GetLogStore", "GetLogsV2", "GetFlowLogServiceStatus"] {
        let request = id(operation);
        let page = read(&world, "r.html");
        assert!(page.contains(&format!("<code><bdi>{}</bdi></code>", request.as_str().unwrap())), "{operation}");
    }
    // What is silent is asked for its network interfaces.
    let interfaces = |of: &Value| {
        let lists = of["facts"]["reads"].as_array().unwrap().clone();
        lists.into_iter().find(|it| it["operation"] == "DescribeNetworkInterfaces" && !it["about"].is_null())
    };
    assert_eq!(interfaces(&report), None);
    let quiet = world_without_records().await;
    let (silent, _) = json_of(&quiet, &[]).await;
    assert_eq!(interfaces(&silent).unwrap()["items"], 1, "{silent:#}");
}

/// A world with a flow log that should have delivered, and has not.
async fn world_without_records() -> World {
    let world = world().await;
    old_vpc(&world).await;
    world
}

#[tokio::test]
async fn a_logstore_that_is_gone_is_silent_and_keeps_nothing() {
    let world = world().await;
    old_vpc(&world).await;
    world.cloud.without_log_store(OWN_ACCOUNT, "cn-hangzhou", "flowlog", "vpc");
    let (report, ran) = json_of(&world, &["--detailed-exitcode"]).await;
    let delivery = &report["facts"]["deliveries"][0];
    assert_eq!((&delivery["state"], &delivery["why_unknown"]), (&json!("silent"), &json!("its Logstore is not there")));
    assert_eq!(control(&report, "10.5.1")["status"], "fail", "what is not there keeps nothing");
    assert_ne!(ran.code, 0, "{}", ran.whole());
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_an_error_and_the_report_is_printed_instead() {
    let world = world().await;
    let vpc = world.cloud.create_vpc(&[]).await.unwrap();
    for (path, says) in [
        ("/dev/full", "No space left"),
        ("/proc/report.csv", "/proc/report.csv: the report cannot"),
        ("no/report.csv", "No such file"),
    ] {
        let ran = world.run(&["report", "--csv", path, "--json", "kept.json"]).await;
        assert_eq!(ran.code, 1, "{}", ran.whole());
        assert!(ran.stderr.contains(&format!("error: --csv {path}")) && ran.stderr.contains(says), "{}", ran.whole());
        assert!(ran.stdout.starts_with("\"class\",\"verdict\",") && ran.stdout.contains(&vpc), "{}", ran.whole());
        assert!(read(&world, "kept.json").contains(&vpc), "the others are written");
    }
    let said = world.run(&["report", "--csv", "no/report.csv"]).await.stderr;
    assert!(!said.contains(".flowkeeper-"), "the temporary file is not named: {said}");
    let both = world.run(&["report", "--csv", "no/a.csv", "--html", "no/a.html"]).await;
    let report: Value = serde_json::from_str(&both.stdout).unwrap();
    assert_eq!((both.code, &report["schema"]), (1, &json!("flowkeeper.evidence.v1")));
}

#[tokio::test]
async fn names_from_strangers_stay_names() {
    let world = world().await;
    let wide = "生".repeat(128);
    world.cloud.create_vpc(&[]).await.unwrap();
    let (long, hostile) = (world.cloud.create_vpc(&[]).await.unwrap(), world.cloud.create_vpc(&[]).await.unwrap());
    world.cloud.edit_vpc(&long, |vpc| vpc.name.clone_from(&wide));
    world.cloud.edit_vpc(&hostile, |vpc| vpc.name = "=1+1\u{1b}[2J\u{202e}<script>".to_owned());
    let ran = world.run(&["report", "--html", "r.html", "--csv", "r.csv", "--junit", "r.xml"]).await;
    assert_eq!(ran.code, 0, "{}", ran.whole());
    for name in ["r.html", "r.csv", "r.xml"] {
        assert!(read(&world, name).contains(&wide), "{name}");
    }
    assert!(read(&world, "r.csv").contains("'=1+1"), "no formula");
    let (forged, blank) = (world.cloud.create_vpc(&[]).await.unwrap(), world.cloud.create_vpc(&[]).await.unwrap());
    let line = "1000000000000001 cn-hangzhou vpc-bp1 (prod)  compliant";
    world.cloud.edit_vpc(&forged, |vpc| vpc.name = format!("web){}{line}", " ".repeat(50)));
    world.cloud.edit_vpc(&blank, |vpc| vpc.name = "\u{3164}\u{2800}\u{fe0f}".to_owned());
    let narrow = world.run_with(&["report"], &[("COLUMNS", "100")]).await.good();
    assert!(!narrow.lines().any(|found| found.trim_start().starts_with(line)), "{narrow}");
    let words = narrow.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("{forged} (\"web) 1000000000000001 cn-hangzhou vpc-bp1 (prod)")), "{narrow}");
    assert!(words.contains(&format!("{blank} (\"\\u{{3164}}\\u{{2800}}\\u{{fe0f}}\")")), "{narrow}");
    let summary = world.run(&["report"]).await.good();
    assert!(!summary.contains('\u{1b}') && !summary.contains('\u{202e}') && summary.contains("\\u{202e}"), "{summary}");
}

#[tokio::test]
async fn the_accounts_of_an_organization_are_one_report_and_one_that_is_refused_is_unknown() {
    let policy = format!("{POLICY}resource_directory: {{role: flowkeeper}}\n");
    let options = Options { accounts: 3, directory: Some(Directory::new()), ..Options::default() };
    let world = World::with(options, &policy).await;
    index(&world);
    world.cloud.operator(SECOND_ACCOUNT, "cn-shanghai").create_vpc(&[]).await.unwrap();
    let (report, ran) = json_of(&world, &[]).await;
    assert_eq!(ran.code, 0, "{}", ran.whole());
    assert_eq!(report["assessment"]["scope"]["accounts_read"], 3);
    let role = format!("acs:ram::{SECOND_ACCOUNT}:role/flowkeeper");
    assert!(report["facts"]["callers"].as_array().unwrap().iter().any(|caller| caller["arn"] == *role), "{report}");
    world.cloud.set_member_role(SECOND_ACCOUNT, &local_cloud::MemberRole::Absent).unwrap();
    let (partial, partly) = json_of(&world, &[]).await;
    assert_eq!((partly.code, &partial["assessment"]["scope"]["accounts_read"]), (1, &json!(2)), "{}", partly.whole());
    let unknown = partial["assessment"]["unknown"].as_array().unwrap();
    assert!(unknown.iter().any(|it| it["account"] == SECOND_ACCOUNT), "{unknown:?}");
}

#[tokio::test]
async fn a_report_of_one_region_says_what_it_leaves_out() {
    let policy = format!("{POLICY}ecr_flow_log: {{project: flowlog, log_store: ecr}}\n");
    let world = World::with(Options::default(), &policy).await;
    index(&world);
    world.cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router(&["vbr-1"]).await.unwrap();
    let (all, ran) = json_of(&world, &[]).await;
    assert_eq!(all["facts"]["results"][0]["id"], "vbr-1", "{}", ran.whole());
    assert_eq!(all["assessment"]["discrepancies"], json!([]));
    let (one, _) = json_of(&world, &["--region", "cn-hangzhou"]).await;
    assert_eq!((&one["assessment"]["scope"]["regions_asked"], &one["facts"]["results"]), (&json!(1), &json!([])));
    let left_out: Vec<_> =
        one["facts"]["asked"]["left_out"].as_array().unwrap().iter().map(|it| it["what"].as_str().unwrap()).collect();
    for expected in ["Express Connect Routers", "every other region of the policy", "cn-shanghai"] {
        assert!(left_out.contains(&expected), "{left_out:?}");
    }
    assert!(!left_out.contains(&"cn-hangzhou"), "{left_out:?}");
    let text = world.run(&["report", "--region", "cn-hangzhou"]).await.stdout;
    let outside = text.lines().find(|line| line.starts_with("not asked ")).unwrap_or_else(|| panic!("{text}"));
    assert!(outside.contains("at least ") && outside.ends_with(" regions, Express Connect Routers"), "{text}");
    let reasons = text.lines().filter(|line| line.starts_with("left out ")).count();
    assert!(reasons < left_out.len() && reasons >= 2, "each reason once: {text}");
    let cis = control(&one, "3.3");
    assert_eq!(cis["status"], "unknown");
    assert!(cis["details"].to_string().contains("cn-shanghai"), "{cis}");
}
