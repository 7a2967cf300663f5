//! `cost` against a local cloud.

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use local_cloud::{
    ACCESS_KEY_ID, ACCESS_KEY_SECRET, Directory, Fault, LocalCloud, LogRecord, MemberRole, OWN_ACCOUNT, Options,
    RestRequest, Rewrite, SECOND_ACCOUNT,
};
use serde_json::{Value, json};

use crate::{
    support::{Home, Ran, repository, run_in},
    world::{POLICY as PLAN_POLICY, World},
};

const HOST: &str = "flowlog-a.cn-hangzhou.log.aliyuncs.com";
const INDEX: &str = r#"{"keys": {"vpc-id": {"type": "text", "token": [","]}, "log-status": {"type": "text", "token": [","]},
    "end": {"type": "long", "doc_value": true}}}"#;
const POLICY: &str = "flow_log: {project: flowlog-a, log_store: vpc}\nschedule: office\n\
    schedules: {office: {time_zone: Asia/Shanghai, on: [\"Mon-Fri 07:00-21:00\"]}}\n";
/// The records of an hour.
const RECORDS_AN_HOUR: i64 = 3;

/// A cloud with a Logstore that keeps records for a week, and a flow log that wrote in every hour of it.
async fn cloud() -> (LocalCloud, String) {
    cloud_recording(|_| true).await
}

/// The same, with records in some hours only.
async fn cloud_recording(is_on: impl Fn(Timestamp) -> bool) -> (LocalCloud, String) {
    let cloud = LocalCloud::start(Options::default()).await.unwrap();
    let client = cloud.client();
    for (path, body) in [
        ("/", r#"{"projectName": "flowlog-a", "description": "flow logs"}"#),
        ("/logstores", r#"{"logstoreName": "vpc", "ttl": 7, "shardCount": 2}"#),
        ("/logstores/vpc/index", INDEX),
    ] {
        let request = RestRequest { method: "POST", path, query: &[], headers: &[], body };
        assert_eq!(client.log_service(HOST, &request).await.unwrap().status(), 200, "{path}");
    }
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let of = [("ProjectName", "flowlog-a"), ("LogStoreName", "vpc"), ("TrafficType", "All")];
    let id = cloud.create_flow_log("VPC", &vpc, &of).await.unwrap();
    cloud.finish_transitions();
    let now = cloud.now();
    cloud.edit_flow_log(&id, |flow_log| flow_log.created = now - (24 * 60).hours());
    let moments =
        (1..=7 * 24).flat_map(|hour| (0..RECORDS_AN_HOUR).map(move |nth| now - (hour * 60 + nth * 10).minutes()));
    let moments = moments.filter(|moment| is_on(*moment));
    cloud.write_records(
        "flowlog-a",
        "vpc",
        moments.map(|end| LogRecord::of_flow_log(&vpc, "vsw-1", "eni-1", "OK", end)),
    );
    (cloud, vpc)
}

async fn cost(cloud: &LocalCloud, home: &Home, arguments: &[&str]) -> Ran {
    let endpoint = cloud.endpoint();
    let all = [&["cost", "--endpoint", &endpoint, "--region", "cn-hangzhou"], arguments].concat();
    let owned: Vec<_> = all.into_iter().map(str::to_owned).collect();
    let path = home.path().to_owned();
    let command = move || {
        let given: Vec<_> = owned.iter().map(String::as_str).collect();
        let env =
            [("ALIBABA_CLOUD_ACCESS_KEY_ID", ACCESS_KEY_ID), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ACCESS_KEY_SECRET)];
        run_in(&path, &given, &env)
    };
    tokio::task::spawn_blocking(command).await.unwrap()
}

async fn json_of(cloud: &LocalCloud, home: &Home, arguments: &[&str]) -> Value {
    let ran = cost(cloud, home, &[&["--output", "json"], arguments].concat()).await;
    serde_json::from_str(&ran.good()).unwrap()
}

#[tokio::test]
async fn it_shows_what_was_counted_for_each_flow_log_beside_the_bill() {
    let (cloud, vpc) = cloud().await;
    let cycle = openapi::BillingCycle::of(cloud.now()).previous().to_string();
    for (instance, amount) in [("fl-1", "0.25"), ("fl-2", "0.5"), ("i-1", "900")] {
        cloud.add_to_bill(
            OWN_ACCOUNT,
            &cycle,
            json!({"InstanceID": instance, "PretaxAmount": amount, "Currency": "USD"}),
        );
    }
    let home = Home::new();
    let found = json_of(&cloud, &home, &[]).await;
    assert_eq!((&found["currency"], &found["unread"]), (&json!("USD"), &json!([])), "the bill decides the currency");
    let bill = json!({"account": OWN_ACCOUNT, "cycle": cycle, "currency": "USD", "amount": "0.750000"});
    assert_eq!(found["bills"], json!([bill]));
    let flow_log = &found["regions"][0]["flow_logs"][0];
    assert_eq!((&flow_log["resource_id"], &flow_log["volume"]["basis"]), (&json!(vpc), &json!("part_of_the_month")));
    let bytes = flow_log["volume"]["bytes"].as_u64().unwrap();
    let records = 30 * 24 * RECORDS_AN_HOUR as u64;
    assert!((records * 100..records * 400).contains(&bytes), "{bytes} bytes of {records} records");
    let table = cost(&cloud, &home, &[]).await.good();
    assert!(table.contains(&vpc) && table.contains("list prices of 2026-"), "{table}");
    let requests = "Log Service: without requests to Logstores that are charged by feature (USD 0.03 a million)";
    let said = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(requests), "{table}");
    cloud.edit_log_store("flowlog-a", "vpc", |store| store.metering_mode = "ChargeByDataIngest".to_owned());
    let by_ingest = cost(&cloud, &home, &[]).await.good();
    assert!(!by_ingest.contains("requests"), "{by_ingest}");
    let line = table.lines().find(|line| line.contains(&format!("as billed in {cycle}"))).unwrap();
    assert!(line.contains(" 0.75 ") && line.ends_with("days, lines that name a flow log"), "{table}");
    let calls: Vec<_> = cloud.calls().into_iter().filter(|call| call.action.starts_with("Create")).collect();
    assert!(calls.iter().all(|call| {
        ["CreateProject", "CreateLogStore", "CreateIndex", "CreateVpc", "CreateFlowLog"].contains(&call.action.as_str())
    }));
}

#[tokio::test]
async fn a_schedule_that_is_new_saves_what_was_recorded_in_its_hours_off() {
    let (cloud, _) = cloud().await;
    let dear = include_str!("../../../cost/prices/usd.json").replace("\"0.37\"", "\"370000\"");
    let dear = dear.replace("\"free_gb\": 5", "\"free_gb\": 0");
    let home = Home::with(&[("policy.yml", POLICY), ("dear.json", &dear)]);
    let found = json_of(&cloud, &home, &["--prices", "dear.json"]).await;
    let flow_log = &found["regions"][0]["flow_logs"][0];
    let schedule = &flow_log["schedule"];
    assert_eq!(schedule["on_hours"], 70);
    // Whether recording went on after the last hour is not known.
    assert!(schedule["off_hours_unknown"].as_u64().unwrap() <= 1, "{found:#}");
    let amount = |of: &Value| of.as_str().unwrap().parse::<f64>().unwrap();
    let share = amount(&schedule["saves_by_traffic"]) / amount(&flow_log["total"]);
    assert!((share - 98.0 / 168.0).abs() < 0.02, "all hours have the same traffic: {share}");
    assert_eq!(found["schedules_save"], schedule["saves_by_traffic"]);
}

#[tokio::test]
async fn what_was_never_recorded_in_hours_off_is_unknown_in_every_form() {
    let office = |moment: Timestamp| {
        let local = TimeZone::get("Asia/Shanghai").unwrap().to_datetime(moment);
        local.weekday().to_monday_zero_offset() < 5 && (7..21).contains(&local.hour())
    };
    let (cloud, _) = cloud_recording(office).await;
    let home = Home::with(&[("policy.yml", POLICY)]);
    let found = json_of(&cloud, &home, &["--currency", "USD"]).await;
    let schedule = &found["regions"][0]["flow_logs"][0]["schedule"];
    assert_eq!((&schedule["on_hours"], &schedule["off_hours_unknown"]), (&json!(70), &json!(98)));
    assert_eq!((&schedule["saves_by_traffic"], &found["schedules_save"]), (&Value::Null, &Value::Null));
    let csv = cost(&cloud, &home, &["--currency", "USD", "--output", "csv"]).await.good();
    let cells: Vec<_> = csv.lines().map(|line| line.split(',').nth(11).unwrap()).collect();
    assert_eq!(cells, ["schedule_saves", ""]);
    let table = cost(&cloud, &home, &["--currency", "USD"]).await.good();
    assert!(table.contains("schedules save") && table.contains("without 1 of 1 that are unknown"), "{table}");
    assert!(
        table.contains("70 of 168") && table.contains("in 98 of 98 hours off nothing was ever recorded"),
        "{table}"
    );
}

#[tokio::test]
async fn a_missing_permission_makes_an_estimate_and_no_failure() {
    let (cloud, vpc) = cloud().await;
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let interface = cloud.create_network_interface(&vswitch).await.unwrap();
    cloud.edit_network_interface(&interface, |interface| interface.instance_id = "i-1".to_owned());
    for action in ["GetLogsV2", "GetLogStoreMeteringMode", "DescribeMetricList", "DescribeInstanceBill"] {
        cloud.fail(action, Fault::Refused, 9);
    }
    let ran = cost(&cloud, &Home::new(), &["--currency", "CNY"]).await;
    let table = ran.good();
    for said in ["the traffic was assumed", "by feature is assumed", "GetLogsV2 is not allowed", "no bill: "] {
        assert!(table.contains(said), "{said}\n{table}");
    }
    assert!(table.contains("* fl-") && table.contains(": the traffic was assumed"), "{table}");
}

#[tokio::test]
async fn what_cannot_be_read_for_another_reason_is_named_and_the_exit_code_is_1() {
    let (cloud, _) = cloud().await;
    cloud.fail("DescribeFlowLogs", Fault::Code("InvalidParameter"), 1);
    let unread = cost(&cloud, &Home::new(), &["--currency", "USD"]).await;
    assert_eq!(unread.code, 1);
    assert!(unread.stderr.contains("DescribeFlowLogs") && unread.stdout.contains("no flow logs"), "{}", unread.whole());
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_named_and_the_exit_code_is_1() {
    let (cloud, vpc) = cloud().await;
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let interface = cloud.create_network_interface(&vswitch).await.unwrap();
    cloud.edit_network_interface(&interface, |interface| interface.instance_id = "i-1".to_owned());
    let of = [("ProjectName", "flowlog-a"), ("LogStoreName", "vpc"), ("TrafficType", "All")];
    cloud.create_flow_log("VSwitch", &vswitch, &of).await.unwrap();
    cloud.finish_transitions();
    let home = Home::new();
    // What may not be counted is estimated by the network interfaces.
    cloud.fail("GetLogsV2", Fault::Refused, u32::MAX);
    assert_eq!(json_of(&cloud, &home, &["--currency", "USD"]).await["unread"], json!([]));
    let without_vpc = |answer: &mut Value| answer["VSwitches"]["VSwitch"][0]["VpcId"] = json!("odd");
    let on_nothing =
        |answer: &mut Value| answer["NetworkInterfaceSets"]["NetworkInterfaceSet"][0]["VpcId"] = json!("odd");
    let is_named = async |what: &str| {
        let ran = cost(&cloud, &home, &["--currency", "USD"]).await;
        assert!(ran.code == 1 && ran.stderr.contains(what), "{what}: {}", ran.whole());
    };
    cloud.rewrite("DescribeVSwitches", Rewrite::value(without_vpc), u32::MAX);
    is_named(&format!("({vswitch}) cannot be read")).await;
    cloud.rewrite("DescribeNetworkInterfaces", Rewrite::value(on_nothing), 9);
    is_named(&format!("({interface}) cannot be read")).await;
    cloud.heal();
    cloud.fail("GetLogsV2", Fault::Refused, u32::MAX);
    cloud.fail("DescribeNetworkInterfaces", Fault::Code("InvalidParameter"), 9);
    is_named("cn-hangzhou: DescribeNetworkInterfaces").await;
}

#[tokio::test]
async fn prices_can_be_replaced_and_are_never_converted() {
    let (cloud, _) = cloud().await;
    let prices = include_str!("../../../cost/prices/usd.json");
    let dear = prices.replace("\"free_gb\": 5", "\"free_gb\": 0").replace("\"0.37\"", "\"370000\"");
    let elsewhere = prices.replace("cn-hangzhou", "cn-elsewhere");
    let home = Home::with(&[("dear.json", &dear), ("elsewhere.json", &elsewhere), ("odd.json", "{}")]);
    let found = json_of(&cloud, &home, &["--prices", "dear.json"]).await;
    let generation: f64 = found["regions"][0]["generation"].as_str().unwrap().parse().unwrap();
    assert!(generation > 100.0, "{found:#}");
    let unknown = json_of(&cloud, &home, &["--prices", "elsewhere.json"]).await;
    assert_eq!((&unknown["regions"][0]["total"], &unknown["total"]), (&Value::Null, &Value::Null));
    let table = cost(&cloud, &home, &["--prices", "elsewhere.json"]).await.good();
    assert!(!table.contains("0.00"), "what is unknown is not zero: {table}");
    assert!(unknown["notes"].to_string().contains("no prices for this region"), "{unknown:#}");
    for arguments in [&["--prices", "dear.json", "--currency", "CNY"][..], &["--prices", "odd.json"], &["--days", "32"]]
    {
        assert_eq!(cost(&cloud, &home, arguments).await.code, 64, "{arguments:?}");
    }
}

#[tokio::test]
async fn csv_has_a_row_for_each_flow_log() {
    let (cloud, vpc) = cloud().await;
    let text = cost(&cloud, &Home::new(), &["--currency", "USD", "--output", "csv"]).await.good();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("account,region,resource_id,flow_log_id,bytes,volume,currency"), "{text}");
    assert!(lines[1].contains(&format!("cn-hangzhou,{vpc},fl-")) && lines[1].contains(",estimated,USD,"), "{text}");
}

async fn world_json(world: &World, more: &[&str]) -> (Value, Ran) {
    let ran = world.run(&[&["cost", "--output", "json"], more].concat()).await;
    (serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.whole())), ran)
}

/// The flow log of a statement that is on a resource.
fn on<'f>(found: &'f Value, resource: &str) -> &'f Value {
    let regions = found["regions"].as_array().unwrap();
    let mut flow_logs = regions.iter().flat_map(|region| region["flow_logs"].as_array().unwrap());
    flow_logs.find(|flow_log| flow_log["resource_id"] == resource).unwrap_or_else(|| panic!("{resource}: {found:#}"))
}

#[tokio::test]
async fn a_flow_log_that_records_what_another_one_records_already_is_named_with_what_it_costs() {
    let world = World::new().await;
    let (vpc, outer) = world.kept_vpc(&[], &[("TrafficType", "All")]).await;
    let vswitch = world.cloud.create_vswitch(&vpc).await.unwrap();
    let interface = world.cloud.create_network_interface(&vswitch).await.unwrap();
    world.cloud.edit_network_interface(&interface, |interface| interface.instance_id = "i-1".to_owned());
    let of = [("ProjectName", "flowlog"), ("LogStoreName", "vpc"), ("TrafficType", "Drop")];
    let inner = world.cloud.create_flow_log("VSwitch", &vswitch, &of).await.unwrap();
    world.cloud.finish_transitions();
    let (found, ran) = world_json(&world, &["--currency", "USD"]).await;
    assert_eq!(ran.code, 0, "{}", ran.whole());
    assert_eq!(
        (&on(&found, &vswitch)["duplicate_of"], &on(&found, &vpc)["duplicate_of"]),
        (&json!(outer), &Value::Null)
    );
    assert!(on(&found, &vswitch)["avoidable"].is_string(), "{found:#}");
    let text = json!({"type": "text"});
    let keys = json!({
        "vpc-id": text, "vswitch-id": text, "eni-id": text, "log-status": text, "end": {"type": "long"},
    });
    world.cloud.edit_log_store("flowlog", "vpc", |log_store| log_store.index = Some(json!({"keys": keys})));
    let end = world.cloud.now() - 90.minutes();
    let record = |status| LogRecord::of_flow_log(&vpc, &vswitch, &interface, status, end);
    world.cloud.write_records("flowlog", "vpc", ["OK"; 8].map(record));
    let (counted, _) = world_json(&world, &["--currency", "USD"]).await;
    assert_eq!(on(&counted, &vswitch)["volume"]["basis"], "split_evenly", "{counted:#}");
    assert_eq!(on(&counted, &vswitch)["volume"]["bytes"], on(&counted, &vpc)["volume"]["bytes"]);
    let csv = world.run(&["cost", "--currency", "USD", "--output", "csv"]).await.good();
    assert!(csv.lines().any(|line| line.contains(&inner) && line.contains(&outer)), "{csv}");
    // One that records more is no duplicate, and neither is one over a flow log that is off.
    world.cloud.edit_flow_log(&outer, |flow_log| flow_log.traffic_type = "Allow".to_owned());
    assert_eq!(on(&world_json(&world, &[]).await.0, &vswitch)["duplicate_of"], Value::Null);
    world.cloud.edit_flow_log(&outer, |flow_log| flow_log.traffic_type = "All".to_owned());
    world.cloud.edit_flow_log(&outer, |flow_log| flow_log.status = "Inactive".to_owned());
    assert_eq!(on(&world_json(&world, &[]).await.0, &vswitch)["duplicate_of"], Value::Null);
}

#[tokio::test]
async fn every_account_and_region_of_the_policy_is_in_it_and_who_is_refused_is_named() {
    let policy = format!("{PLAN_POLICY}resource_directory: {{role: flowkeeper}}\n");
    let options = Options { accounts: 3, directory: Some(Directory::new()), ..Options::default() };
    let world = World::with(options, &policy).await;
    world.kept_vpc(&[], &[]).await;
    let member = world.cloud.operator(SECOND_ACCOUNT, "cn-shanghai");
    let vpc = member.create_vpc(&[]).await.unwrap();
    world.cloud.with_log_store(SECOND_ACCOUNT, "cn-shanghai", "flowlog-b", "vpc");
    let text = json!({"type": "text"});
    let keys = json!({"vpc-id": text, "log-status": text, "end": {"type": "long"}});
    world.cloud.edit_log_store("flowlog-b", "vpc", |log_store| log_store.index = Some(json!({"keys": keys})));
    let end = world.cloud.now() - 90.minutes();
    let record = LogRecord::of_flow_log(&vpc, "vsw-1", "eni-1", "OK", end);
    world.cloud.write_records("flowlog-b", "vpc", [record]);
    let of = [("ProjectName", "flowlog-b"), ("LogStoreName", "vpc"), ("TrafficType", "All")];
    member.create_flow_log("VPC", &vpc, &of).await.unwrap();
    world.cloud.finish_transitions();
    let cycle = openapi::BillingCycle::of(world.cloud.now()).previous().to_string();
    for (account, amount) in [(OWN_ACCOUNT, "1.5"), (SECOND_ACCOUNT, "2.25")] {
        let line = json!({"InstanceID": "fl-1", "PretaxAmount": amount, "Currency": "CNY"});
        world.cloud.add_to_bill(account, &cycle, line);
    }
    let (found, ran) = world_json(&world, &[]).await;
    assert_eq!(ran.code, 0, "{}", ran.whole());
    let places: Vec<_> = found["regions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|region| (region["account"].as_str().unwrap(), region["region"].as_str().unwrap()))
        .collect();
    assert_eq!(places, [(OWN_ACCOUNT, "cn-hangzhou"), (SECOND_ACCOUNT, "cn-shanghai")]);
    // In the account of the member, the session may read what costs need.
    let volume = &on(&found, &vpc)["volume"];
    assert!(volume["bytes"].as_u64().unwrap() > 0 && volume["basis"] != "assumed_size", "{found:#}");
    assert!(!found["notes"].to_string().contains("flowlog-b/vpc"), "how it is charged is known: {found:#}");
    let billed: Vec<_> = found["bills"].as_array().unwrap().iter().map(|bill| &bill["amount"]).collect();
    assert_eq!(billed, ["1.500000", "2.250000"], "the account that pays sees the bill of its member: {found:#}");
    // One that pays for itself has a bill of its own, and the account that pays for others sees an empty one.
    world.cloud.pays_itself(SECOND_ACCOUNT);
    let (own, _) = world_json(&world, &[]).await;
    assert_eq!(own["bills"], found["bills"], "{own:#}");
    let functions = found["flowkeeper"]["functions"].as_array().unwrap();
    let sweeps = functions.iter().find(|function| function["name"] == "remediate-flow-logs").unwrap();
    assert_eq!(sweeps["invocations"], json!(30 * 24 * (3 + 2)), "three accounts, the coordinator and the last step");
    let (only, _) = world_json(&world, &["--account", SECOND_ACCOUNT]).await;
    assert_eq!(only["regions"].as_array().unwrap().len(), 1);

    world.cloud.set_member_role(SECOND_ACCOUNT, &MemberRole::Absent).unwrap();
    let (less, partly) = world_json(&world, &[]).await;
    assert_eq!(less["regions"].as_array().unwrap().len(), 1);
    assert!(partly.stderr.contains(SECOND_ACCOUNT) && partly.stderr.contains("not rolled out"), "{}", partly.whole());
}

#[tokio::test]
async fn a_logstore_that_is_gone_or_has_no_index_makes_no_zero() {
    let (cloud, vpc) = cloud().await;
    cloud.edit_log_store("flowlog-a", "vpc", |log_store| log_store.index = None);
    let found = json_of(&cloud, &Home::new(), &["--currency", "USD"]).await;
    assert_eq!(on(&found, &vpc)["volume"]["basis"], "assumed_traffic");
    assert!(found["notes"].to_string().contains("no index"), "{found:#}");
    cloud.without_log_store(OWN_ACCOUNT, "cn-hangzhou", "flowlog-a", "vpc");
    let gone = json_of(&cloud, &Home::new(), &["--currency", "USD"]).await;
    assert_eq!((&on(&gone, &vpc)["volume"]["is"], &on(&gone, &vpc)["total"]), (&json!("unknown"), &Value::Null));
    assert!(gone["notes"].to_string().contains("is gone"), "{gone:#}");
}

#[tokio::test]
async fn a_flow_log_that_wrote_nothing_costs_nothing() {
    let (cloud, vpc) = cloud().await;
    let idle = cloud.create_vpc(&[]).await.unwrap();
    let of = [("ProjectName", "flowlog-a"), ("LogStoreName", "vpc"), ("TrafficType", "All")];
    let id = cloud.create_flow_log("VPC", &idle, &of).await.unwrap();
    cloud.finish_transitions();
    // Of one that is new, nothing could have been counted.
    let now = cloud.now();
    cloud.edit_flow_log(&id, |flow_log| flow_log.created = now - (24 * 60).hours());
    let found = json_of(&cloud, &Home::new(), &["--currency", "USD"]).await;
    assert_ne!(on(&found, &idle)["volume"]["basis"], "assumed_traffic", "{found:#}");
    assert_eq!((&on(&found, &idle)["volume"]["bytes"], &on(&found, &idle)["total"]), (&json!(0), &json!("0.000000")));
    assert!(on(&found, &vpc)["volume"]["bytes"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_report_has_the_costs_if_they_are_asked_for() {
    let world = World::new().await;
    let (vpc, flow_log) = world.kept_vpc(&[], &[]).await;
    let ran = world.run(&["report", "--cost", "--json", "r.json", "--html", "r.html", "--csv", "r.csv"]).await;
    let read = |name: &str| {
        std::fs::read_to_string(world.home.path().join(name)).unwrap_or_else(|_| panic!("{}", ran.whole()))
    };
    let report: Value = serde_json::from_str(&read("r.json")).unwrap();
    let cost = &report["facts"]["costs"][0];
    assert_eq!((&cost["currency"], &cost["days"]), (&json!("CNY"), &json!(30)));
    assert_eq!((&cost["rows"][0]["resource_id"], &cost["rows"][0]["flow_log_id"]), (&json!(vpc), &json!(flow_log)));
    assert!(cost["others"].as_array().unwrap().iter().any(|other| other["kind"] == "flowkeeper"), "{cost:#}");
    let schema = std::fs::read_to_string(repository().join("docs/evidence.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    assert!(schema.is_valid(&report), "{:?}", schema.iter_errors(&report).map(|it| it.to_string()).collect::<Vec<_>>());
    assert!(read("r.html").contains("Flowkeeper itself") && read("r.csv").contains("\"CNY\""), "{}", ran.whole());
    let (text, mut sum) = (read("r.csv"), 0);
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let column = rows.headers().unwrap().iter().position(|name| name == "cost_per_month").unwrap();
    for row in rows.records() {
        // An unknown amount is empty.
        sum += row.unwrap()[column].replacen('.', "", 1).parse::<i64>().unwrap_or_default();
    }
    let all = ["rows", "others"].into_iter().flat_map(|part| cost[part].as_array().unwrap());
    let total: i64 = all.filter_map(|it| it["micros"].as_i64()).sum();
    assert!(total > 0 && sum == total, "{sum} of {total}: {text}");
    let summary = world.run(&["report", "--cost"]).await;
    let line = summary.stdout.lines().find(|line| line.starts_with("Cost of 30 days: ")).unwrap();
    assert!(line.contains("* CNY (flow logs ") && line.contains("Flowkeeper itself "), "{line}");
    assert!(line.contains("* CNY") && line.ends_with("; * is estimated"), "{}", summary.whole());
    let without = world.run(&["report", "--json", "-"]).await;
    assert!(without.stdout.contains("\"costs\":[]"), "{}", without.whole());
}

/// Checks a statement by the schema that is published.
fn assert_form(found: &Value) {
    let text = std::fs::read_to_string(repository().join("docs/command.schema.json")).unwrap();
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    schema.as_object_mut().unwrap().remove("oneOf");
    schema["$ref"] = "#/$defs/cost".into();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<_> = validator.iter_errors(found).map(|problem| problem.to_string()).collect();
    assert_eq!(problems, [""; 0], "{found:#}");
}

/// A world with a virtual border router whose flow log is as the policy wants it. Returns its id.
async fn world_of_routers() -> (World, String) {
    let policy = format!("{PLAN_POLICY}ecr_flow_log: {{project: flowlog, log_store: ecr}}\n");
    let world = World::with(Options::default(), &policy).await;
    let operator = world.cloud.operator(OWN_ACCOUNT, "cn-hangzhou");
    let router = operator.create_router(&["vbr-1"]).await.unwrap();
    let flow_log = operator.create_router_flow_log(&router, "vbr-1", &[]).await.unwrap();
    world.cloud.finish_transitions();
    (world, flow_log)
}

#[tokio::test]
async fn the_flow_logs_of_express_connect_routers_are_named_as_not_counted_in_every_form() {
    let (world, flow_log) = world_of_routers().await;
    world.kept_vpc(&[], &[]).await;
    let (found, ran) = world_json(&world, &[]).await;
    assert_eq!(ran.code, 0, "{}", ran.whole());
    let router = json!({"account": OWN_ACCOUNT, "region": "cn-hangzhou", "resource_id": "vbr-1", "id": flow_log});
    assert_eq!(found["routers"], json!([router]));
    assert_form(&found);
    let said = format!("{flow_log}: what a flow log of an Express Connect Router writes is not known");
    assert!(found["notes"].to_string().contains(&said), "{found:#}");
    let table = world.run(&["cost"]).await.good();
    let line =
        table.lines().find(|line| line.contains("Express Connect Routers  ")).unwrap_or_else(|| panic!("{table}"));
    assert!(line.contains("not counted") && line.ends_with("1 flow log"), "{table}");
    let total = table.lines().find(|it| it.trim_start().starts_with("total")).unwrap();
    assert!(total.contains("without 1 flow log, whose cost is unknown"), "{table}");
    let csv = world.run(&["cost", "--output", "csv"]).await.good();
    let row = csv.lines().find(|it| it.contains(&flow_log)).unwrap_or_else(|| panic!("{csv}"));
    assert_eq!(row, format!("{OWN_ACCOUNT},cn-hangzhou,vbr-1,{flow_log},,unknown,CNY,,,,,,,"));
    let report = world.run(&["report", "--cost"]).await;
    assert!(report.whole().contains(" CNY of what is known"), "{}", report.whole());
}

#[tokio::test]
async fn what_an_excluded_router_may_record_is_missing_from_the_total_and_is_said_beside_it() {
    let (world, flow_log) = world_of_routers().await;
    let router = world.cloud.routers().remove(0).id;
    world.cloud.edit_router(&router, |router| _ = router.tags.insert("flowkeeper".into(), "ignore".into()));
    let table = world.run(&["cost"]).await.good();
    let of = |what: &str| {
        table.lines().find(|line| line.trim_start().starts_with(what)).unwrap_or_else(|| panic!("{table}"))
    };
    let said = "what is on 1 excluded or unread router, if anything";
    assert!(table.starts_with("no flow logs but those of Express Connect Routers, if there are any\n"), "{table}");
    let line = of("Express Connect Routers");
    assert!(line.contains("not counted") && line.ends_with(said), "{table}");
    assert!(of("total").ends_with(&format!("without {said}")), "{table}");
    assert!(!table.contains(&flow_log), "{table}");
    world.kept_vpc(&[], &[]).await;
    let report = world.run(&["report", "--cost"]).await;
    assert!(report.whole().contains(" CNY of what is known"), "{}", report.whole());
}

#[tokio::test]
async fn routers_that_were_not_read_are_said_to_be_missing() {
    let (world, flow_log) = world_of_routers().await;
    let (narrowed, ran) = world_json(&world, &["--region", "cn-hangzhou"]).await;
    let notes = narrowed["notes"].to_string();
    let said =
        "flow logs of Express Connect Routers are not counted: they belong to no region, and --region names some";
    assert!(notes.contains(said) && !notes.contains(&flow_log) && ran.code == 0, "{}", ran.whole());
    std::fs::write(world.home.path().join("policy.yml"), PLAN_POLICY).unwrap();
    let without = world_json(&world, &[]).await.0["notes"].to_string();
    assert!(without.contains("are not counted: the policy has no ecr_flow_log"), "{without}");
    std::fs::remove_file(world.home.path().join("policy.yml")).unwrap();
    let bare = world_json(&world, &[]).await.0["notes"].to_string();
    assert!(bare.contains("are not counted: no policy with ecr_flow_log was given"), "{bare}");
}

#[tokio::test]
async fn what_flowkeeper_costs_at_least_is_said_beside_the_figure_and_holds_its_logstore() {
    let world = World::new().await;
    world.kept_vpc(&[], &[]).await;
    let said = async |currency: &str| {
        let (found, _) = world_json(&world, &["--currency", currency]).await;
        assert_form(&found);
        let table = world.run(&["cost", "--currency", currency]).await.good();
        let line = |what: &str| table.lines().find(|line| line.trim_start().starts_with(what)).unwrap().to_owned();
        (found["flowkeeper"].clone(), line("Flowkeeper itself"), line("total"))
    };
    let (dollars, itself, total) = said("USD").await;
    assert_eq!(dollars["is_at_least"], true);
    assert!(itself.contains("*  at least; ") && total.contains("*  at least"), "{itself}\n{total}");
    // Of the shard alone: 30 days at a cent.
    let amount = |of: &Value| of.as_str().unwrap().parse::<f64>().unwrap();
    assert!((0.30..0.40).contains(&amount(&dollars["log_store"])), "{dollars:#}");
    let functions: f64 = dollars["functions"].as_array().unwrap().iter().map(|it| amount(&it["total"])).sum();
    assert!((amount(&dollars["total"]) - functions - amount(&dollars["log_store"])).abs() < 1e-6, "{dollars:#}");
    let page = world.run(&["report", "--cost", "--json", "-"]).await.stdout;
    assert!(page.contains(r#""kind":"flowkeeper""#) && page.contains(r#""is_at_least":false"#), "{page}");
    let (yuan, exactly, whole) = said("CNY").await;
    assert_eq!(yuan["is_at_least"], false);
    assert!(!exactly.contains("at least") && !whole.contains("at least"), "{exactly}\n{whole}");
}

#[tokio::test]
async fn a_denied_list_is_unread_and_a_denied_bill_is_not_and_both_have_advice_for_a_person() {
    let (cloud, vpc) = cloud().await;
    cloud.fail("DescribeInstanceBill", Fault::Refused, u32::MAX);
    let found = json_of(&cloud, &Home::new(), &["--currency", "USD"]).await;
    let notes = found["notes"].to_string();
    assert!(notes.contains("no bill: allow the action in a RAM policy of the caller"), "{notes}");
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let of = [("ProjectName", "flowlog-a"), ("LogStoreName", "vpc"), ("TrafficType", "All")];
    cloud.create_flow_log("VSwitch", &vswitch, &of).await.unwrap();
    cloud.finish_transitions();
    cloud.fail("DescribeVSwitches", Fault::Refused, u32::MAX);
    let ran = cost(&cloud, &Home::new(), &["--currency", "USD"]).await;
    let of_costs = ran.stderr.lines().find(|line| line.contains("cn-hangzhou: DescribeVSwitches")).unwrap_or_default();
    assert!(ran.code == 1 && of_costs.contains("; allow the action in a RAM policy"), "{}", ran.whole());
    assert!(!ran.whole().contains("role of the function"), "{}", ran.whole());
}

#[tokio::test]
async fn a_flow_log_made_an_hour_ago_costs_a_month_of_what_it_wrote_since() {
    let (cloud, vpc) = cloud_recording(|_| false).await;
    let now = cloud.now();
    let id = cloud.flow_logs().into_iter().find(|flow_log| flow_log.resource_id == vpc).unwrap().id;
    cloud.edit_flow_log(&id, |flow_log| flow_log.created = now - (3 * 60).minutes());
    let hour = (1..=2).flat_map(|hour| (0..30).map(move |nth| now - (hour * 60 + nth).minutes()));
    cloud.write_records("flowlog-a", "vpc", hour.map(|end| LogRecord::of_flow_log(&vpc, "vsw-1", "eni-1", "OK", end)));
    let found = json_of(&cloud, &Home::new(), &["--currency", "USD"]).await;
    let volume = &found["regions"][0]["flow_logs"][0]["volume"];
    // About 30 records an hour, of 100 to 400 bytes, and 720 hours.
    let bytes = volume["bytes"].as_u64().unwrap();
    assert!((15 * 720 * 100..60 * 720 * 400).contains(&bytes), "{found:#}");
    assert_eq!((&volume["is"], &volume["basis"]), (&json!("estimated"), &json!("part_of_the_month")));
    cloud.edit_flow_log(&id, |flow_log| flow_log.created = now);
    let (none, _) = cloud_recording(|_| false).await;
    let young = json_of(&none, &Home::new(), &["--currency", "USD"]).await;
    assert_ne!(young["regions"][0]["flow_logs"][0]["volume"]["is"], "unknown", "{young:#}");
}

#[tokio::test]
async fn a_bill_in_no_currency_is_unread_and_shows_nothing_of_what_it_says() {
    let (cloud, _) = cloud().await;
    let cycle = openapi::BillingCycle::of(cloud.now()).previous().to_string();
    let line = json!({"InstanceID": "fl-1", "PretaxAmount": "1", "Currency": "\u{1b}[31mEUR\u{202e}"});
    cloud.add_to_bill(OWN_ACCOUNT, &cycle, line);
    let ran = cost(&cloud, &Home::new(), &["--currency", "USD", "--color", "always"]).await;
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert!(ran.stderr.contains("is no currency") && !ran.whole().contains('\u{202e}'), "{}", ran.whole());
    assert!(!ran.whole().contains("\u{1b}[31mEUR"), "{}", ran.whole());
}
