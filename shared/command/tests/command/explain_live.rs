//! `explain` of a resource in a local cloud.

use insta::assert_snapshot;
use local_cloud::{Fault, Options, Rewrite, SECOND_ACCOUNT};
use serde_json::Value;

use crate::world::{POLICY, World};

#[tokio::test]
async fn a_resource_is_found_and_explained_with_what_is_there_and_what_a_plan_would_do() {
    let world = World::new().await;
    let (vpc, _) = world.kept_vpc(&[("env", "dev"), ("Name", "生产网络")], &[("FlowLogName", "renamed")]).await;
    let before = world.cloud.calls().len();
    let ran = world.run(&["explain", &vpc, "--at", "2026-11-26T10:00Z"]).await;
    assert_snapshot!("explained", world.stable(&ran));
    assert_eq!(world.writes_after(before), [""; 0], "it only reads");
    let plan = world.run(&["plan", "--at", "2026-11-26T10:00Z"]).await.good();
    let id = ran.stdout.rsplit("change ").next().unwrap().trim();
    assert!(plan.contains(&format!("change {id}")), "it is the change of the plan\n{plan}\n{id}");
}

#[tokio::test]
async fn a_resource_is_found_in_whatever_region_it_is() {
    let world = World::new().await;
    let vpc = world.cloud.operator("1000000000000001", "cn-shanghai").create_vpc(&[]).await.unwrap();
    let ran = world.run(&["explain", &vpc]).await.good();
    assert!(ran.contains(&format!("{vpc}, a VPC of 1000000000000001 in cn-shanghai")), "{ran}");
    assert!(ran.contains("there now               no flow log\n"), "{ran}");
    assert!(ran.contains("to do                   create, change "), "{ran}");
    let elsewhere = world.run(&["explain", &vpc, "--region", "cn-hangzhou"]).await.refused(1);
    let last: Vec<_> = elsewhere.iter().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(last, [&format!("error: {vpc} was not found in the account 1000000000000001, in: cn-hangzhou")]);
    // Without regions in the policy, those of the account.
    world.home.write("policy.yml", &POLICY.replace("regions: [cn-hangzhou, cn-shanghai]\n", ""));
    world.run(&["explain", &vpc]).await.good();
}

#[tokio::test]
async fn all_regions_are_asked_together_and_one_that_hangs_does_not_keep_the_answer_back() {
    let world =
        World::with(Options::default(), &POLICY.replace("regions: [cn-hangzhou, cn-shanghai]", "regions: all")).await;
    let vpc = world.cloud.operator("1000000000000001", "cn-shanghai").create_vpc(&[]).await.unwrap();
    world.cloud.fail_in("cn-beijing", "DescribeVpcs", Fault::Hang, 1);
    let before = world.cloud.calls().len();
    let ran = world.run(&["explain", &vpc]).await.good();
    assert!(ran.contains(&format!("{vpc}, a VPC of 1000000000000001 in cn-shanghai")), "{ran}");
    let calls: Vec<_> = world.cloud.calls().into_iter().skip(before).collect();
    let looked: Vec<_> = calls.iter().take_while(|call| call.action != "DescribeFlowLogs").collect();
    let regions = looked.iter().filter(|call| call.action == "DescribeVpcs").count();
    assert!(regions > 4, "{regions} regions were asked before anything else: {looked:?}");
}

#[tokio::test]
async fn what_is_no_id_and_no_file_is_said_with_the_forms_of_both() {
    let world = World::new().await;
    for (given, says) in [
        (
            "bogus-id",
            "error: bogus-id is no id, as in vpc-bp1example, vsw-bp1example or eni-bp1example, and no file: No such file",
        ),
        ("vpc-bp1****", "error: \"vpc-bp1****\""),
    ] {
        let said = world.run(&["explain", given]).await.refused(64);
        assert!(said[0].starts_with(says), "{said:#?}");
        assert!(said[1].contains("name the id of a VPC, a vSwitch or a network interface, or a file"), "{said:#?}");
    }
}

#[tokio::test]
async fn a_moment_is_shown_in_whole_seconds() {
    let world = World::new().await;
    let vpc = world.cloud.create_vpc(&[]).await.unwrap();
    let ran = world.run(&["explain", &vpc]).await.good();
    let at = ran.lines().find(|line| line.starts_with("at ")).unwrap();
    assert!(at.ends_with('Z') && !at.contains('.'), "{at}");
}

#[tokio::test]
async fn an_id_that_exists_nowhere_is_said_with_where_it_was_looked_for_and_what_could_not_be_read() {
    let world = World::new().await;
    world.cloud.fail_in("cn-shanghai", "DescribeVSwitches", Fault::Refused, u32::MAX);
    let said = world.run(&["explain", "vsw-none"]).await.refused(1);
    let errors: Vec<_> = said.iter().filter(|line| line.starts_with("error: ")).collect();
    assert!(errors[0].ends_with("in: cn-hangzhou, cn-shanghai"), "{said:#?}");
    assert!(errors[1].contains("vsw-none in cn-shanghai could not be read"), "{said:#?}");
    assert!(said.last().unwrap().contains("--region names other regions"), "{said:#?}");
}

#[tokio::test]
async fn an_interface_is_explained_with_its_vpc_and_the_flow_log_that_covers_it() {
    let world = World::new().await;
    let (vpc, flow_log) = world.kept_vpc(&[], &[]).await;
    let vswitch = world.cloud.create_vswitch(&vpc).await.unwrap();
    let eni = world.cloud.create_network_interface(&vswitch).await.unwrap();
    for id in [&eni, &vswitch] {
        let ran = world.run(&["explain", id]).await.good();
        assert!(ran.contains(&format!("nothing here: the flow log is kept on {vpc}")), "{ran}");
        let there = format!("{flow_log}, Active, on {vpc}, made by Flowkeeper, to flowlog/vpc\n");
        assert!(ran.contains(&there), "{ran}");
        assert!(ran.contains(&format!("nothing, as {vpc} is compliant")), "{ran}");
    }
}

#[tokio::test]
async fn what_could_not_be_read_around_it_is_unknown_and_exits_with_1() {
    let world = World::new().await;
    let (vpc, _) = world.kept_vpc(&[], &[]).await;
    world.cloud.fail("DescribeFlowLogs", Fault::Refused, u32::MAX);
    let ran = world.run(&["explain", &vpc]).await;
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert!(ran.stdout.contains(&format!("unknown: the flow logs of {vpc} could not be read")), "{}", ran.whole());
    assert!(!ran.stdout.contains("no flow log\n"), "{}", ran.whole());
    assert!(
        ran.stdout.contains("to do                   unknown\n"),
        "what was not read is not missing\n{}",
        ran.whole()
    );
}

#[tokio::test]
async fn another_account_is_looked_in_through_the_role_of_the_policy() {
    let role = format!("acs:ram::{SECOND_ACCOUNT}:role/flowkeeper");
    let policy = format!("{POLICY}accounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{role}\"}}]\n");
    let world = World::with(Options::default(), &policy).await;
    let vpc = world.cloud.operator(SECOND_ACCOUNT, "cn-shanghai").create_vpc(&[]).await.unwrap();
    let ran = world.run(&["explain", &vpc, "--account", SECOND_ACCOUNT]).await.good();
    assert!(ran.contains(&format!("a VPC of {SECOND_ACCOUNT} in cn-shanghai")), "{ran}");
    assert!(ran.contains("to do                   create, change "), "{ran}");
    let out = world.run(&["explain", &vpc, "--account", "12"]).await.refused(64);
    assert!(out.iter().any(|line| line.contains("the account 12 is out of scope")), "{out:#?}");
}

#[tokio::test]
async fn what_the_policy_is_not_about_is_shown_as_it_is_and_nothing_is_planned() {
    let world = World::with(Options::default(), &POLICY.replace("cn-hangzhou, ", "")).await;
    let vpc = world.cloud.create_vpc(&[]).await.unwrap();
    world.flow_log(&vpc, &[]).await;
    let ran = world.run(&["explain", &vpc, "--region", "cn-hangzhou"]).await.good();
    assert!(ran.contains("nothing: the region cn-hangzhou is out of scope"), "{ran}");
    assert!(ran.contains("made by others, to flowlog/vpc"), "{ran}");
}

#[tokio::test]
async fn a_file_of_that_name_is_read_as_before_and_no_cloud_is_asked() {
    let world = World::new().await;
    world.home.write("vpc-1", r#"{"account": "1000000000000001", "region": "cn-hangzhou", "id": "vpc-9"}"#);
    let before = world.cloud.calls().len();
    let ran = world.run(&["explain", "vpc-1"]).await.good();
    assert!(ran.starts_with("resource                vpc-9, a VPC"), "{ran}");
    assert_eq!(world.cloud.calls().len(), before);
}

#[tokio::test]
async fn the_region_of_the_credentials_is_looked_in_first() {
    let world = World::new().await;
    let elsewhere = [("ALIBABA_CLOUD_REGION_ID", "cn-shanghai")];
    let said = world.run_with(&["explain", "vpc-none"], &elsewhere).await.refused(1);
    assert!(said.iter().any(|line| line.ends_with("in: cn-shanghai, cn-hangzhou")), "{said:#?}");
}

#[tokio::test]
async fn a_flow_log_that_cannot_be_read_makes_it_unknown() {
    let world = World::new().await;
    let (vpc, _) = world.kept_vpc(&[], &[]).await;
    let without_id = |answer: &mut Value| answer["FlowLogs"]["FlowLog"][0]["FlowLogId"] = Value::Null;
    world.cloud.rewrite("DescribeFlowLogs", Rewrite::value(without_id), u32::MAX);
    let ran = world.run(&["explain", &vpc]).await;
    assert_eq!(ran.code, 1, "{}", ran.whole());
    let unknown = format!("there now               unknown: the flow logs of {vpc} could not be read: ");
    assert!(ran.stdout.contains(&unknown) && !ran.stdout.contains("no flow log\n"), "{}", ran.whole());
}

#[tokio::test]
async fn what_a_plan_would_do_to_another_resource_is_left_out() {
    let world = World::new().await;
    let vpc = world.cloud.create_vpc(&[]).await.unwrap();
    let other = world.cloud.create_vpc(&[]).await.unwrap();
    let ran = world.run(&["explain", &vpc]).await.good();
    assert!(ran.contains("to do                   create, change ") && !ran.contains(&other), "{ran}");
}
