//! The reader's role of `template-member.yml`: what `report` and `cost` need in another account, and nothing else.

use std::fs;

use jiff::ToSpan as _;
use local_cloud::{Call, Fault, LogRecord, OWN_ACCOUNT, Options, SECOND_ACCOUNT};
use openapi::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    support::{Ran, repository},
    world::World,
};

const POLICY: &str = "\
flow_log: {project: kept, log_store: vpc}
ecr_flow_log: {project: kept, log_store: vpc}
regions: all
own_account: false
accounts: [{id: '1000000000000002', role: 'acs:ram::1000000000000002:role/flowkeeper'}]
overrides:
  - {match: {tags: {level: vswitch}}, coverage: vswitch}
  - {match: {tags: {level: interface}}, coverage: network-interface}
";

/// The templates, in a folder of their own. There the reader has the name by which the local cloud knows the role of an
/// account, and trusts the account of the person. It lacks these rights.
fn templates(without: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let main = fs::read_to_string(repository().join("template.yml")).unwrap();
    fs::write(folder.path().join("template.yml"), main).unwrap();
    let mut member = member();
    for (from, to) in [
        ("RoleName: {Ref: RoleName}", "RoleName: another".to_owned()),
        ("RoleName: {'Fn::Sub': '${RoleName}-reader'}", "RoleName: {Ref: RoleName}".to_owned()),
        (
            "  ReaderArn:\n    Type: String\n    Default: ''",
            format!("  ReaderArn:\n    Type: String\n    Default: acs:ram::{OWN_ACCOUNT}:root"),
        ),
    ] {
        assert_eq!(member.matches(from).count(), 1, "{from}");
        member = member.replace(from, &to);
    }
    let (before, reader) = member.split_once("\n  ReaderRole:\n").unwrap();
    let (mut reader, after) = reader.split_once("\n\n").map(|(role, rest)| (role.to_owned(), rest)).unwrap();
    for right in without {
        let line = format!("                  - {right}\n");
        assert_eq!(reader.matches(&line).count(), 1, "{right}");
        reader = reader.replace(&line, "");
    }
    fs::write(folder.path().join("template-member.yml"), format!("{before}\n  ReaderRole:\n{reader}\n\n{after}"))
        .unwrap();
    folder
}

fn member() -> String {
    fs::read_to_string(repository().join("template-member.yml")).unwrap()
}

/// The rights of the reader.
fn rights() -> Vec<String> {
    let member = member();
    let (_, reader) = member.split_once("\n  ReaderRole:\n").unwrap();
    let (reader, _) = reader.split_once("\n\n").unwrap();
    let (_, actions) = reader.split_once("                Action:\n").unwrap();
    actions.lines().map_while(|line| line.trim().strip_prefix("- ")).map(str::to_owned).collect()
}

/// Another account with something of everything that is read there.
async fn world(templates: &TempDir) -> World {
    let template = Some(templates.path().join("template.yml"));
    let options = Options { template, accounts: 2, ..Options::default() };
    let world = World::with(options, POLICY).await;
    let cloud = &world.cloud;
    for project in ["kept", "gone"] {
        cloud.with_log_store(SECOND_ACCOUNT, "cn-hangzhou", project, "vpc");
    }
    let text = json!({"type": "text"});
    cloud.edit_log_store("kept", "vpc", |log_store| {
        log_store.index = Some(json!({"keys": {
            "vpc-id": text, "vswitch-id": text, "eni-id": text, "log-status": text, "end": {"type": "long"},
        }}));
    });
    let operator = cloud.operator(SECOND_ACCOUNT, "cn-hangzhou");
    let mut vpcs = Vec::new();
    for tags in [&[][..], &[("level", "vswitch")], &[("level", "interface")]] {
        let vpc = operator.create_vpc(tags).await.unwrap();
        let vswitch = operator.create_vswitch(&vpc).await.unwrap();
        operator.create_network_interface(&vswitch).await.unwrap();
        vpcs.push(vpc);
    }
    for (vpc, project) in [(&vpcs[0], "kept"), (&vpcs[1], "gone")] {
        let to = [("ProjectName", project), ("LogStoreName", "vpc")];
        operator.create_flow_log("VPC", vpc, &to).await.unwrap();
    }
    operator.create_router(&["vbr-1"]).await.unwrap();
    cloud.finish_transitions();
    let record = LogRecord::of_flow_log(&vpcs[0], "vsw-1", "eni-1", "OK", SystemClock.now() - 5.minutes());
    cloud.write_records("kept", "vpc", [record]);
    cloud.without_project(SECOND_ACCOUNT, "cn-hangzhou", "gone");
    world
}

/// Reports with costs, and computes costs. The account that asks may not read the member's bill, so the member is asked.
async fn read(world: &World) -> (Value, Vec<Call>) {
    world.cloud.fail("DescribeInstanceBill", Fault::Refused, 1);
    let ran = world.run(&["report", "--cost", "--json", "-"]).await;
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", Ran::whole(&ran)));
    let calls = world.cloud.calls().into_iter();
    // Who made the account has no role.
    let is_reader = |call: &Call| {
        call.caller.as_ref().is_some_and(|caller| caller.account == SECOND_ACCOUNT && caller.role.is_some())
    };
    (report, calls.filter(is_reader).collect())
}

const DENIALS: [&str; 4] = ["Forbidden.RAM", "NoPermission", "AccessDenied", "Unauthorized"];

fn denied(calls: &[Call]) -> Vec<String> {
    let denied = calls.iter().filter(|call| call.code.as_deref().is_some_and(|code| DENIALS.contains(&code)));
    denied.map(|call| call.action.clone()).collect()
}

#[tokio::test]
async fn the_reader_of_another_account_reads_all_of_a_report_and_its_costs() {
    let templates = templates(&[]);
    let world = world(&templates).await;
    let (report, calls) = read(&world).await;
    assert_eq!(denied(&calls), [""; 0]);
    assert!(calls.len() > 20, "{}", calls.len());
    let assessment = &report["assessment"];
    assert_eq!((&assessment["scope"]["is_whole"], &assessment["unknown"]), (&json!(true), &json!([])), "{assessment}");
    assert_eq!(report["facts"]["deliveries"][0]["state"], "delivers");
    let account = &report["facts"]["asked"]["accounts"];
    assert_eq!((account.as_array().unwrap().len(), &account[0]["account"]), (1, &json!(SECOND_ACCOUNT)));
    assert!(report["facts"]["costs"][0]["rows"][0]["micros"].is_number(), "{}", report["facts"]["costs"]);
    let ran = world.run(&["cost"]).await;
    assert_eq!(ran.code, 0, "{}", ran.whole());
    let refused = world.cloud.operator_as(SECOND_ACCOUNT, "flowkeeper", "cn-hangzhou").create_vpc(&[]).await;
    assert_eq!(refused.unwrap_err().code(), Some("Forbidden.RAM"), "it writes nothing");
}

#[tokio::test]
async fn each_right_of_the_reader_is_needed() {
    let rights = rights();
    assert!(rights.len() > 12, "{rights:?}");
    let mut unneeded = Vec::new();
    for right in &rights {
        let templates = templates(&[right]);
        let world = world(&templates).await;
        let (_, calls) = read(&world).await;
        if denied(&calls).is_empty() {
            unneeded.push(right);
        }
    }
    assert!(unneeded.is_empty(), "nothing misses {unneeded:?}");
}
