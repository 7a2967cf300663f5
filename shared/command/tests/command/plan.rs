//! `plan` against a local cloud.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    time::Duration,
};

use insta::assert_snapshot;
use local_cloud::{Directory, Fault, MemberRole, OWN_ACCOUNT, Options, Rewrite, SECOND_ACCOUNT, Transitions};
use serde_json::Value;

use crate::{
    pty::Terminal,
    report::sha256,
    support::{binary, repository, run_beside},
    world::{POLICY, World},
};

/// A VPC for each of the things that a plan can say about one.
pub(crate) async fn mixed() -> World {
    let world = World::new().await;
    let cloud = &world.cloud;
    cloud.create_vpc(&[("Name", "生产网络")]).await.unwrap();
    world.kept_vpc(&[], &[]).await;
    world.kept_vpc(&[], &[("FlowLogName", "renamed")]).await;
    world.kept_vpc(&[("flowkeeper", "off")], &[]).await;
    cloud.create_vpc(&[("env", "dev")]).await.unwrap();
    world.kept_vpc(&[("env", "night")], &[]).await;
    let foreign = cloud.create_vpc(&[]).await.unwrap();
    world.flow_log(&foreign, &[("TrafficType", "Drop")]).await;
    let by_log_service = cloud.create_vpc(&[]).await.unwrap();
    let id = world.flow_log(&by_log_service, &[]).await;
    cloud.edit_flow_log(&id, |flow_log| flow_log.service_type = "sls".to_owned());
    let (off, its_flow_log) = world.kept_vpc(&[("flowkeeper", "off")], &[]).await;
    cloud.edit_flow_log(&its_flow_log, |flow_log| flow_log.status = "Inactive".to_owned());
    assert!(cloud.flow_log_of(&off).is_some());
    // Its VPC is gone.
    let (gone, orphan) = world.kept_vpc(&[], &[]).await;
    cloud.edit_flow_log(&orphan, |flow_log| {
        flow_log.resource_id = format!("{gone}x");
        flow_log.created = "2026-01-01T00:00:00Z".parse().unwrap();
    });
    cloud.copy_flow_log(&its_flow_log, std::slice::from_ref(&gone));
    let copy = cloud.flow_log_of(&gone).unwrap().id;
    cloud.edit_flow_log(&copy, |flow_log| flow_log.status = "Active".to_owned());
    world
}

#[tokio::test]
async fn it_shows_what_would_be_changed_why_and_which_line_asks_for_it() {
    let world = mixed().await;
    let ran = world.run(&["plan"]).await;
    assert_snapshot!("table", world.stable(&ran));
    let narrow = world.run_with(&["plan", "-v"], &[("COLUMNS", "80")]).await;
    assert_snapshot!("verbose", world.stable(&narrow));
    let wide = narrow.stdout.lines().filter(|line| line.chars().count() > 80 && !line.starts_with("Plan: "));
    assert_eq!(wide.collect::<Vec<_>>(), [""; 0]);
    assert_eq!(written(&world), [""; 0], "a plan writes nothing");
}

#[tokio::test]
async fn no_region_waits_for_another() {
    const REGIONS: usize = 12;
    let regions = ["cn-chengdu", "cn-guangzhou", "cn-heyuan", "cn-nanjing", "cn-fuzhou", "eu-west-1", "us-east-1"];
    let mut options = Options::default();
    options.regions.extend(regions.map(str::to_owned));
    options.regions.truncate(REGIONS);
    let world = World::with(options, "flow_log: {project: flowlog, log_store: vpc}\nregions: all\n").await;
    world.cloud.fail("*", Fault::Slow(Duration::from_millis(500)), u32::MAX);
    world.run(&["plan"]).await.good();
    let calls = world.cloud.calls();
    let first = calls.iter().position(|call| call.action == "DescribeFlowLogs").unwrap();
    // Each region reads its VPCs first.
    let before = calls[..first].iter().filter(|call| call.action == "DescribeVpcs").count();
    assert_eq!(before, REGIONS, "every region has read its VPCs before the first one goes on");
}

#[tokio::test]
async fn what_is_read_of_a_region_is_read_once_and_only_what_seems_gone_is_looked_up() {
    let world = World::new().await;
    for _ in 0..3 {
        world.kept_vpc(&[], &[]).await;
    }
    let (gone, orphan) = world.kept_vpc(&[], &[]).await;
    world.cloud.edit_flow_log(&orphan, |flow_log| flow_log.created = "2026-01-01T00:00:00Z".parse().unwrap());
    world.cloud.call("DeleteVpc", &[("VpcId", &gone)]).await.unwrap();
    let before = world.cloud.calls().len();
    let printed = world.run(&["plan"]).await.good();
    assert!(printed.contains("Plan: 1 to delete; 3 of 3 resources covered."), "{printed}");
    let calls: Vec<_> = world.cloud.calls().into_iter().skip(before).collect();
    let count = |action: &str| calls.iter().filter(|call| call.action == action).count();
    assert_eq!(count("DescribeFlowLogs"), 2, "one for each region: {calls:#?}");
    assert_eq!(count("DescribeVpcs"), 2 + 1, "one for each region, and one for what seems gone: {calls:#?}");
    let looked_up: Vec<_> = calls.iter().filter_map(|call| call.parameters.get("VpcId")).collect();
    assert_eq!(looked_up, [&gone]);
}

#[tokio::test]
async fn a_resource_that_a_list_lacks_and_a_look_by_its_id_finds_makes_the_list_unknown() {
    let world = World::new().await;
    let (vpc, flow_log) = world.kept_vpc(&[], &[]).await;
    world.cloud.edit_flow_log(&flow_log, |it| it.created = "2026-01-01T00:00:00Z".parse().unwrap());
    let lacking = |answer: &mut Value| {
        answer["Vpcs"]["Vpc"] = Value::Array(Vec::new());
        answer["TotalCount"] = 0.into();
    };
    world.cloud.rewrite_in("cn-hangzhou", "DescribeVpcs", Rewrite::value(lacking), 1);
    let ran = world.run(&["plan"]).await;
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert!(
        ran.stdout.contains(&format!("{vpc}, which {flow_log} records, is there, and the list")),
        "{}",
        ran.whole()
    );
    assert!(ran.stdout.contains("nothing to change in what could be read"), "{}", ran.whole());
    assert!(!ran.stdout.contains("is gone"), "{}", ran.whole());
}

#[tokio::test]
async fn orphans_are_found_at_each_level_whatever_the_policy_reads_for_itself() {
    let own = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];
    for (level, planned) in [("vpc", "3 to delete"), ("vswitch", "3 to delete"), ("network-interface", "3 to delete")] {
        let world = World::with(Options::default(), &format!("{POLICY}coverage: {level}\n")).await;
        let vpc = world.cloud.create_vpc(&[]).await.unwrap();
        let vswitch = world.cloud.create_vswitch(&vpc).await.unwrap();
        let interface = world.cloud.create_network_interface(&vswitch).await.unwrap();
        for (kind, id) in [("VPC", &vpc), ("VSwitch", &vswitch), ("NetworkInterface", &interface)] {
            world.cloud.create_flow_log(kind, id, &own).await.unwrap();
        }
        world.cloud.finish_transitions();
        for flow_log in world.cloud.flow_logs() {
            world.cloud.edit_flow_log(&flow_log.id, |it| {
                it.resource_id.push('x');
                it.created = "2026-01-01T00:00:00Z".parse().unwrap();
            });
        }
        let printed = world.run(&["plan"]).await.good();
        assert!(printed.contains(planned), "{level}: {printed}");
    }
}

#[tokio::test]
async fn a_policy_without_regions_is_planned_everywhere_and_who_applies_it_is_told_what_sweeps_look_after() {
    const SAYS: &str = "note: the policy names no regions, so the plan is about all of them; the sweeps of a deployed \
                        function look after its own region alone.";
    let world = World::with(Options::default(), "flow_log: {project: flowlog, log_store: vpc}\n").await;
    let settled = world.run(&["plan"]).await;
    assert!(settled.code == 0 && !settled.stderr.contains("the policy names no regions"), "{}", settled.whole());
    world.cloud.create_vpc(&[]).await.unwrap();
    let planned = world.run(&["plan", "--out", "plan.json"]).await;
    assert!(planned.stderr.contains(SAYS), "{}", planned.whole());
    let yes = ["--yes", "--account", OWN_ACCOUNT];
    let narrowed = world.run(&["plan", "--region", "cn-hangzhou"]).await;
    assert!(!narrowed.stderr.contains(SAYS), "{}", narrowed.whole());
    let applied = world.run(&[&["apply", "plan.json"][..], &yes].concat()).await;
    assert!(applied.stderr.contains(SAYS), "{}", applied.whole());
    world.home.write("all.yml", "flow_log: {project: flowlog, log_store: vpc}\nregions: all\n");
    world.cloud.create_vpc(&[]).await.unwrap();
    let named = world.run(&["plan", "all.yml"]).await;
    assert!(!named.stderr.contains(SAYS), "{}", named.whole());
}

#[tokio::test]
async fn a_line_in_a_pipe_is_never_broken_and_no_id_is_cut_short() {
    let world = mixed().await;
    let ran = world.run(&["plan", "-v"]).await.good();
    for vpc in world.cloud.vpcs() {
        assert!(ran.contains(&vpc.id), "{}\n{ran}", vpc.id);
    }
    assert!(ran.lines().any(|line| line.chars().count() > 120), "{ran}");
}

/// Checks a plan by its schema.
fn check(plan: &Value) {
    let text = std::fs::read_to_string(repository().join("docs/plan.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let problems: Vec<_> = schema.iter_errors(plan).map(|problem| problem.to_string()).collect();
    assert_eq!(problems, [""; 0]);
}

#[tokio::test]
async fn the_json_is_as_its_schema_says_and_has_each_change_field_by_field() {
    let world = mixed().await;
    let printed = world.run(&["plan", "--output", "json", "--out", "plan.json"]).await.good();
    let plan: Value = serde_json::from_str(&printed).unwrap();
    check(&plan);
    let saved: Value =
        serde_json::from_str(&std::fs::read_to_string(world.home.path().join("plan.json")).unwrap()).unwrap();
    check(&saved);
    assert_eq!(plan["changes"], saved["changes"]);
    assert_eq!(
        plan["policy"].get("text"),
        None,
        "what is printed has no policy in it, and a policy may have an ExternalId"
    );
    assert_eq!(saved["policy"]["text"], POLICY);

    let changes = plan["changes"].as_array().unwrap();
    let kinds: Vec<_> = changes.iter().map(|change| change["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["create", "modify", "deactivate", "create", "deactivate", "delete"]);
    let renamed = &changes[1]["fields"][0];
    assert_eq!((&renamed["field"], &renamed["before"]), (&"name".into(), &"renamed".into()));
    assert_eq!(renamed["source"]["by"], "default");
    let drop = changes[3]["fields"].as_array().unwrap().iter().find(|it| it["field"] == "traffic_type").unwrap();
    let source =
        serde_json::json!({"by": "policy", "key": "overrides[0].traffic_type", "override": 1, "line": 9, "column": 5});
    assert_eq!((&drop["after"], &drop["source"]), (&"Drop".into(), &source));
    assert_eq!(changes[2]["fields"][0]["source"], serde_json::json!({"by": "tag", "value": "off"}));

    let whole = |action: &str| {
        let read = plan["read"].as_array().unwrap().iter();
        let is_it = |it: &&Value| it["action"] == action && it["region"] == "cn-hangzhou" && it["filtered"] == false;
        read.clone().find(is_it).cloned().unwrap()
    };
    assert_eq!(whole("DescribeVpcs")["items"], world.cloud.vpcs().len());
    assert_eq!(whole("DescribeFlowLogs")["total"], world.cloud.flow_logs().len());
    assert!(whole("DescribeFlowLogs")["first_request_id"].is_string());
}

#[tokio::test]
async fn the_csv_has_a_line_for_each_field_of_a_change_and_for_each_resource() {
    let world = mixed().await;
    let printed = world.run(&["plan", "--output", "csv"]).await.good();
    let plan: Value = serde_json::from_str(&world.run(&["plan", "--output", "json"]).await.good()).unwrap();
    let count = |list: &str| plan[list].as_array().unwrap().len();
    let fields: usize =
        plan["changes"].as_array().unwrap().iter().map(|it| it["fields"].as_array().unwrap().len()).sum();
    assert_eq!(printed.lines().count(), 1 + fields + count("resources") + count("notes") + count("unread"));
    assert!(printed.starts_with("what,account,region,resource_type,resource_id,"), "{printed}");
}

#[tokio::test]
async fn the_exit_code_says_whether_there_are_changes_only_where_that_is_asked_for() {
    let world = World::new().await;
    world.kept_vpc(&[], &[]).await;
    assert_eq!(world.run(&["plan"]).await.code, 0);
    assert_eq!(world.run(&["plan", "--detailed-exitcode"]).await.code, 0, "there is nothing to change");
    world.cloud.create_vpc(&[]).await.unwrap();
    assert_eq!(world.run(&["plan"]).await.code, 0);
    assert_eq!(world.run(&["plan", "--detailed-exitcode"]).await.code, 2);
    world.cloud.fail_in("cn-shanghai", "DescribeVpcs", Fault::Refused, u32::MAX);
    assert_eq!(world.run(&["plan", "--detailed-exitcode"]).await.code, 1, "what is unknown is worse");
}

#[tokio::test]
async fn what_could_not_be_read_is_said_last_and_together_and_the_rest_is_planned() {
    // Where the VPCs cannot be read, the flow logs are not asked for.
    let policy = format!("{POLICY}  - match: {{tags: {{env: fine}}}}\n    coverage: vswitch\n");
    let world = World::with(Options::default(), &policy).await;
    world.cloud.create_vpc(&[]).await.unwrap();
    world.cloud.fail_in("cn-shanghai", "*", Fault::Refused, u32::MAX);
    let ran = world.run(&["plan"]).await;
    assert_eq!(ran.code, 1);
    let lines: Vec<_> = ran.stdout.lines().collect();
    let unread = lines.iter().position(|line| line.ends_with("could not be read, and are unknown:")).unwrap();
    assert!(lines[unread + 1].contains("cn-shanghai: the VPCs of cn-shanghai could not be read"), "{}", ran.whole());
    assert!(lines[unread + 2].contains("refused with Forbidden.RAM") && lines[unread + 2].contains("(request "));
    let last = "Plan: 1 to create; 0 of 1 resource covered; 2 could not be read.";
    assert_eq!(lines.last(), Some(&last));
}

#[tokio::test]
async fn a_region_that_goes_down_in_the_middle_is_unknown_and_nothing_in_it_is_planned() {
    let world = World::new().await;
    world.cloud.create_vpc(&[]).await.unwrap();
    // The resources can be read, and then the flow logs cannot.
    world.cloud.fail("DescribeFlowLogs", Fault::Code("Forbidden"), u32::MAX);
    let ran = world.run(&["plan", "--region", "cn-hangzhou"]).await;
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert!(ran.stdout.contains("the flow logs of cn-hangzhou could not be read"), "{}", ran.whole());
    assert!(
        ran.stdout.contains("Plan: nothing to change in what could be read; "),
        "a flow log that was not read is not missing\n{}",
        ran.whole()
    );
}

#[tokio::test]
async fn a_plan_that_cannot_be_saved_is_shown_all_the_same() {
    let world = World::new().await;
    world.cloud.create_vpc(&[]).await.unwrap();
    for (out, says) in [
        ("/proc/plan.json", "error: --out /proc/plan.json: the plan cannot be saved"),
        ("no/plan.json", "No such file"),
    ] {
        let ran = world.run(&["plan", "--out", out]).await;
        assert_eq!(ran.code, 1);
        assert!(ran.stdout.contains("Plan: 1 to create"), "{}", ran.whole());
        assert!(ran.stderr.contains(says), "{}", ran.whole());
    }
}

/// Runs the command with a folder `fixed` that can only be read, even by root. `None` where nobody may mount one.
#[cfg(target_os = "linux")]
async fn beside_read_only_folder(world: &World, arguments: &'static str) -> Option<std::process::Output> {
    let script = "mkdir fixed && mount -t tmpfs -o ro none fixed && exec \"$0\" ";
    let mut command = tokio::process::Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", &format!("{script}{arguments}")]).arg(binary());
    command.current_dir(world.home.path()).env_clear().env("HOME", world.home.path()).env("PATH", "/usr/bin:/bin");
    let output = command.envs(world.env()).output().await.ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    (!said.contains("unshare: ") && !said.contains("mount: ")).then_some(output)
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[expect(clippy::print_stderr, reason = "what could not be tried is said")]
async fn a_folder_that_can_only_be_read_is_said_with_the_file_and_the_plan_is_shown() {
    let world = World::new().await;
    world.cloud.create_vpc(&[]).await.unwrap();
    let Some(output) = beside_read_only_folder(&world, "plan --out fixed/plan.json").await else {
        eprintln!("SKIPPED: nobody may mount a folder here, so that none can only be read");
        return;
    };
    let (told, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(told.contains("Plan: 1 to create"), "{told}");
    let error = "error: --out fixed/plan.json: the plan cannot be saved: Read-only file system (os error 30)\n";
    assert!(said.contains(error) && said.contains("  try: name a file in a folder of your own"), "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_saved_plan_can_be_read_by_its_owner_alone_and_replaces_the_one_before() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::new().await;
    world.home.write("plan.json", "the one before");
    world.run(&["plan", "--out", "plan.json"]).await.good();
    let path = world.home.path().join("plan.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("{\n  \"schema\": \"flowkeeper.plan/1\""));
    let names: Vec<_> = std::fs::read_dir(world.home.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "no temporary file is left: {names:?}");
}

#[tokio::test]
async fn the_options_narrow_it_to_accounts_and_regions_and_name_another_role() {
    let policy =
        format!("{POLICY}accounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"acs:ram::{SECOND_ACCOUNT}:role/refused\"}}]\n");
    let world = World::with(Options::default(), &policy).await;
    world.cloud.operator(SECOND_ACCOUNT, "cn-shanghai").create_vpc(&[]).await.unwrap();
    world.cloud.create_vpc(&[]).await.unwrap();
    let all = world.run(&["plan"]).await;
    assert_eq!(all.code, 1, "the role of the policy refuses\n{}", all.whole());
    assert!(all.stdout.contains("Plan: 1 to create"), "{}", all.whole());
    let both = world.run(&["plan", "--role", "flowkeeper"]).await.good();
    assert!(both.contains("Plan: 2 to create"), "{both}");
    let one = world.run(&["plan", "--role", "flowkeeper", "--account", SECOND_ACCOUNT]).await.good();
    assert!(one.contains("Plan: 1 to create") && one.contains("1000000000000002  cn-shanghai"), "{one}");
    let none = ["plan", "--role", "flowkeeper", "--account", SECOND_ACCOUNT, "--region", "cn-hangzhou"];
    let none = world.run(&none).await.good();
    assert!(none.contains("Plan: nothing to change; no resource found."), "{none}");
}

#[tokio::test]
async fn a_policy_without_regions_is_about_every_region_of_the_account() {
    let policy = POLICY.replace("regions: [cn-hangzhou, cn-shanghai]\n", "");
    let world = World::with(Options::default(), &policy).await;
    world.cloud.operator("1000000000000001", "eu-central-1").create_vpc(&[]).await.unwrap();
    let printed = world.run(&["plan"]).await.good();
    assert!(printed.contains("1000000000000001  eu-central-1") && printed.contains("Plan: 1 to create"), "{printed}");
    assert!(printed.contains("Nothing to record in 7 regions."), "{printed}");
}

#[tokio::test]
async fn routers_are_planned_once_for_an_account_and_left_out_of_a_plan_for_one_region() {
    let policy = format!("{POLICY}ecr_flow_log: {{project: flowlog, log_store: ecr}}\n");
    let world = World::with(Options::default(), &policy).await;
    world.cloud.operator("1000000000000001", "cn-hangzhou").create_router(&["vbr-1"]).await.unwrap();
    let printed = world.run(&["plan", "--output", "json"]).await.good();
    let plan: Value = serde_json::from_str(&printed).unwrap();
    let [change] = plan["changes"].as_array().unwrap().as_slice() else { panic!("{plan:#}") };
    assert_eq!((&change["resource_id"], &change["kind"]), (&"vbr-1".into(), &"create".into()));
    assert_eq!(change["fields"][0]["source"]["key"], "ecr_flow_log.project");
    let why = "what Express Connect Routers record cannot be estimated";
    assert_eq!((&plan["costs"][0]["unknown"], &plan["costs"][0]["after"]), (&why.into(), &Value::Null));
    let one = world.run(&["plan", "--region", "cn-hangzhou"]).await;
    assert!(one.stdout.contains("Plan: nothing to change; "), "{}", one.whole());
    assert!(one.stderr.contains("note: Express Connect Routers belong to no region"), "{}", one.whole());
    world.run(&["plan", "--out", "plan.json"]).await.good();
    let before = world.cloud.calls().len();
    // They belong to no region, so it does not matter where the person is.
    let elsewhere = [("ALIBABA_CLOUD_REGION_ID", "cn-shanghai")];
    world.run_with(&["apply", "plan.json", "--yes", "--account", "1000000000000001"], &elsewhere).await.good();
    assert_eq!(world.writes_after(before), ["CreateFlowLog"]);
    assert_eq!(world.cloud.router_flow_logs().len(), 1);
}

#[tokio::test]
async fn a_plan_covers_every_member_of_an_organization_that_can_be_read() {
    let policy = format!("{POLICY}resource_directory: {{role: flowkeeper}}\n");
    let options = Options { accounts: 4, directory: Some(Directory::new()), ..Options::default() };
    let world = World::with(options, &policy).await;
    for account in ["1000000000000002", "1000000000000003", "1000000000000004"] {
        world.cloud.operator(account, "cn-shanghai").create_vpc(&[]).await.unwrap();
    }
    world.cloud.set_member_role("1000000000000004", &MemberRole::Absent).unwrap();
    let ran = world.run(&["plan"]).await;
    assert_eq!(ran.code, 1, "an account that was not read is unknown: {}", ran.whole());
    let printed = ran.stdout;
    assert!(printed.contains("Plan: 2 to create"), "{printed}");
    assert!(printed.contains("1 could not be read"), "{printed}");
    assert!(printed.contains("not rolled out: acs:ram::1000000000000004:role/flowkeeper"), "{printed}");
}

#[tokio::test]
async fn a_plan_on_the_local_cloud_needs_no_key() {
    let world = World::new().await;
    world.cloud.create_vpc(&[]).await.unwrap();
    let [(_, endpoint), ..] = world.env();
    let ran = run_beside(world.home.path(), &["plan", "--endpoint", endpoint, "policy.yml"], &[]).await;
    assert!(ran.stderr.contains("by the key of the local cloud, as no other was found"), "{}", ran.whole());
    assert!(ran.good().contains("Plan: 1 to create"));
    // A key that is there is used, whatever the endpoint.
    let own = [("ALIBABA_CLOUD_ACCESS_KEY_ID", "mine"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")];
    let refused = run_beside(world.home.path(), &["plan", "--endpoint", endpoint, "policy.yml"], &own).await;
    assert_eq!(refused.code, 1, "{}", refused.whole());
    assert!(refused.stderr.contains("InvalidAccessKeyId"), "{}", refused.whole());
}

#[tokio::test]
async fn what_is_the_same_in_many_accounts_is_said_once() {
    let options = Options { accounts: 40, directory: Some(Directory::new()), ..Options::default() };
    let policy = format!("{POLICY}resource_directory: {{role: reader}}\n");
    let world = World::with(options, &policy).await;
    let printed = world.run(&["plan"]).await.stdout;
    assert_eq!(printed.matches("not rolled out: ").count(), 1, "{printed}");
    assert!(
        printed.contains(
            "39 could not be read, and are unknown:\n  \
             39: not rolled out: acs:ram::{account}:role/reader is not there, or does not trust the caller\n    \
             1000000000000002, 1000000000000003, 1000000000000004, 1000000000000005, 1000000000000006 and 34 more"
        ),
        "{printed}"
    );
    let all = world.run(&["plan", "-v"]).await.stdout;
    assert!(all.contains("1000000000000040") && !printed.contains("1000000000000040"), "{all}");
    let one = world.run(&["plan", "--account", "1000000000000040"]).await.stdout;
    assert!(one.contains("not rolled out: acs:ram::1000000000000040:role/reader"), "{one}");
}

#[tokio::test]
async fn a_sentence_that_has_no_room_beside_its_id_stands_below() {
    let world = World::new().await;
    world.cloud.create_vpc(&[("flowkeeper", "oof")]).await.unwrap();
    world.cloud.create_vpc(&[("flowkeeper", "ignore")]).await.unwrap();
    let ran = world.run_with(&["plan"], &[("COLUMNS", "40")]).await;
    assert!(
        ran.stdout.contains("    vpc-bp1local0000000000001\n    unsupported\n      its tag flowkeeper is"),
        "{}",
        ran.whole()
    );
    let widest = ran.stdout.lines().map(|line| line.trim_end().chars().count()).max();
    assert!(widest <= Some(40), "{}", ran.whole());
    let shortest = ran.stdout.lines().filter(|line| !line.is_empty()).map(|line| line.trim().len()).min();
    assert!(shortest > Some(3), "{}", ran.whole());
}

/// The counts of a plan, and the plan.
async fn counts(world: &World) -> (Value, Value) {
    let plan: Value = serde_json::from_str(&world.run(&["plan", "--output", "json"]).await.good()).unwrap();
    (plan["summary"].clone(), plan)
}

#[tokio::test]
async fn a_resource_that_can_have_no_flow_log_is_neither_covered_nor_missing() {
    let world = World::new().await;
    world.kept_vpc(&[], &[]).await;
    world.cloud.create_vpc(&[("flowkeeper", "oof")]).await.unwrap();
    let (summary, plan) = counts(&world).await;
    assert_eq!((&summary["resources"], &summary["covered"]), (&1.into(), &1.into()), "{plan:#}");
    assert_eq!((&summary["findings"], &summary["exceptions"]), (&1.into(), &0.into()), "{plan:#}");
    assert_eq!(summary["unsupported"], 1, "{plan:#}");
    check(&plan);
    let printed = world.run(&["plan"]).await.good();
    assert!(
        printed.ends_with("Plan: nothing to change; 1 of 1 resource covered; 1 unsupported; 1 finding.\n"),
        "{printed}"
    );
}

#[tokio::test]
async fn what_a_change_cannot_repair_is_said_beside_what_it_does() {
    let world = World::new().await;
    // The name can be changed in place. The Logstore cannot, and the policy does not allow a replacement.
    world.kept_vpc(&[], &[("FlowLogName", "renamed"), ("LogStoreName", "old")]).await;
    let printed = world.run(&["plan"]).await.good();
    assert!(
        printed.contains("Plan: 1 to modify; ") && printed.contains("log_store is \"old\", not \"vpc\""),
        "{printed}"
    );
}

#[tokio::test]
async fn a_finding_about_no_resource_counts_and_a_csv_says_what_is_covered() {
    let world = World::new().await;
    world.kept_vpc(&[], &[]).await;
    let missing = world.cloud.create_vpc(&[]).await.unwrap();
    world.cloud.without_project(OWN_ACCOUNT, "cn-hangzhou", "flowlog");
    let (summary, plan) = counts(&world).await;
    let findings: Vec<_> = plan["notes"].as_array().unwrap().iter().filter(|note| note["finding"] == true).collect();
    assert!(!findings.is_empty(), "{plan:#}");
    assert_eq!(summary["findings"], findings.len(), "{plan:#}");
    let csv = world.run(&["plan", "--output", "csv"]).await.good();
    let line = csv.lines().find(|line| line.starts_with("resource,") && line.contains(&missing)).unwrap();
    assert!(line.contains(",missing,false,false,"), "{line}");
}

#[tokio::test]
async fn what_to_run_next_is_said_with_the_options_that_it_needs() {
    let world = World::new().await;
    let empty = world.run(&["plan", "--out", "plan.json"]).await;
    assert!(
        empty.stderr.ends_with("note: the plan is in plan.json, and has no change to apply\n"),
        "{}",
        empty.whole()
    );
    world.cloud.create_vpc(&[]).await.unwrap();
    let endpoint = world.cloud.endpoint();
    let said = world.run(&["plan", "--out", "plan.json", "--endpoint", &endpoint]).await;
    let next = format!("note: flowkeeper apply plan.json --endpoint {endpoint} makes these changes\n");
    assert!(said.stderr.ends_with(&next), "{}", said.whole());
}

#[tokio::test]
async fn it_decides_for_another_moment_if_asked() {
    let policy = format!("{POLICY}schedule: weekends\n");
    let world = World::with(Options::default(), &policy).await;
    world.kept_vpc(&[], &[]).await;
    let on = world.run(&["plan", "--at", "2026-11-28T12:00Z"]).await.good();
    assert!(on.contains("Plan: nothing to change; 1 of 1 resource covered."), "a Saturday\n{on}");
    let off = world.run(&["plan", "--at", "2026-11-30T12:00Z"]).await.good();
    assert!(
        off.contains("1 to switch off") && off.contains("the schedule weekends keeps it off now"),
        "a Monday\n{off}"
    );
    assert!(off.contains("status: Active -> Inactive (policy.yml:12:1)"), "{off}");
    let said = world.run(&["plan", "--at", "2026-11-30T12:00Z", "--out", "plan.json"]).await.refused(64);
    assert!(said[0].contains("cannot be used with"), "{said:#?}");
}

/// What the local cloud starts with, beside the policy of the repository. Its schedule is on all week if asked.
pub(crate) async fn sample(is_always_on: bool) -> World {
    sample_with(Options::default(), is_always_on).await
}

async fn sample_with(options: Options, is_always_on: bool) -> World {
    let policy = std::fs::read_to_string(repository().join("policy.yml")).unwrap();
    let hours = "Mon-Fri 08:00-20:00";
    assert!(policy.contains(hours), "{policy}");
    let policy = if is_always_on { policy.replace(hours, "Mon-Sun 00:00-24:00") } else { policy };
    let world = World::with(options, &policy).await;
    world.cloud.seed_sample();
    world
}

#[tokio::test]
async fn the_example_policy_makes_a_plan_of_everything_that_the_local_cloud_starts_with() {
    let world = sample(false).await;
    let at = ["--at", "2026-11-26T10:00+08:00"];
    let ran = world.run_with(&[&["plan"][..], &at].concat(), &[("COLUMNS", "100")]).await;
    assert_snapshot!("sample", world.stable(&ran));
    let plan: Value =
        serde_json::from_str(&world.run(&[&["plan", "--output", "json"][..], &at].concat()).await.good()).unwrap();
    check(&plan);
    let kinds: BTreeSet<_> =
        plan["changes"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["activate", "create", "deactivate", "delete", "modify"].into());
    assert_eq!(written(&world), [""; 0], "a plan writes nothing");
    // In the evening, what is only recorded in office hours is switched off.
    let evening = world.run(&["plan", "--at", "2026-11-26T21:00+08:00"]).await.good();
    assert!(evening.contains("2 to switch off") && evening.contains("the schedule office-hours keeps it off now"));
}

#[tokio::test]
async fn what_is_planned_and_applied_is_as_the_policy_wants_it_and_nothing_is_left() {
    let world = sample(true).await;
    world.run(&["plan", "--out", "plan.json"]).await.good();
    let applied = world.run(&["apply", "plan.json", "--yes", "--account", "1000000000000001"]).await.good();
    assert!(applied.ends_with("Applied: 6 made, 0 failed, 0 stale, 0 not made.\n"), "{applied}");
    world.cloud.finish_transitions();
    let again = world.run(&["plan", "--detailed-exitcode"]).await.good();
    assert!(again.contains("Plan: nothing to change; 7 of 8 resources covered"), "{again}");
}

#[tokio::test]
async fn what_the_cloud_still_works_on_after_the_changes_is_no_mistake() {
    let world = sample_with(Options { transitions: Transitions::Explicit, ..Options::default() }, true).await;
    world.cloud.finish_transitions();
    let applied = world.run(&["apply", "--yes", "--account", "1000000000000001"]).await.good();
    assert!(applied.contains("done   DeleteFlowLog vpc-bp1local0000000000009 "), "{applied}");
    let meanwhile = world.run(&["plan", "--detailed-exitcode"]).await.good();
    assert!(meanwhile.contains("Plan: nothing to change; ") && meanwhile.contains(" pending"), "{meanwhile}");
    // What is being deleted needs nothing, and no answer says for how long another one is being modified.
    assert!(!meanwhile.contains("vpc-bp1local0000000000009"), "{meanwhile}");
    let modified = "fl-bp1local0000000000005 is Modifying, and still was when it was read again; if it stays so,";
    assert!(meanwhile.contains(modified), "{meanwhile}");
}

#[tokio::test]
async fn what_changes_cost_is_unknown_where_network_interfaces_cannot_be_read_and_that_is_no_success() {
    let world = sample(true).await;
    let whole = world.run(&["plan"]).await.good();
    world.cloud.fail_in("cn-hangzhou", "DescribeNetworkInterfaces", Fault::Refused, u32::MAX);
    let ran = world.run(&["plan", "--out", "plan.json"]).await;
    let printed = &ran.stdout;
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert!(printed.contains("cn-hangzhou  unknown: the network interfaces could not be read\n"), "{printed}");
    let unread: Vec<_> = printed.lines().skip_while(|line| !line.starts_with("1 could not be read, and is")).collect();
    assert!(
        unread[1].contains("so what the changes there cost is unknown; --no-cost leaves the cost out"),
        "{printed}"
    );
    assert!(unread[2].contains("DescribeNetworkInterfaces") && unread[2].contains("(request "), "{printed}");
    assert!(printed.contains("cn-shanghai  +") && printed.ends_with("; 1 could not be read.\n"), "{printed}");
    let changes = |text: &str| text.lines().filter(|line| line.starts_with("      change ")).count();
    assert_eq!(changes(printed), changes(&whole), "the plan is whole");
    let saved = std::fs::read_to_string(world.home.path().join("plan.json")).unwrap();
    check(&serde_json::from_str(&saved).unwrap());

    let before = world.cloud.calls_of("DescribeNetworkInterfaces").len();
    let without = world.run(&["plan", "--no-cost"]).await.good();
    assert!(!without.contains("cost of a month") && !without.contains(" GB a month "), "{without}");
    assert_eq!(changes(&without), changes(&whole));
    assert_eq!(world.cloud.calls_of("DescribeNetworkInterfaces").len(), before, "no network interface is read");
    let only_names = world.run(&["explain", "vpc-bp1local0000000000001"]).await.good();
    assert!(!only_names.contains("cost"), "{only_names}");
}

#[tokio::test]
async fn a_network_interface_that_cannot_be_read_makes_the_cost_unknown_and_is_no_success() {
    let world = sample(true).await;
    let whole = world.run(&["plan"]).await.good();
    let odd = |answer: &mut Value| answer["NetworkInterfaceSets"]["NetworkInterfaceSet"][0]["VpcId"] = "odd".into();
    world.cloud.rewrite_in("cn-hangzhou", "DescribeNetworkInterfaces", Rewrite::value(odd), u32::MAX);
    let ran = world.run(&["plan", "--out", "plan.json"]).await;
    let printed = &ran.stdout;
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert!(printed.contains("cn-hangzhou  unknown: "), "{printed}");
    let unread: Vec<_> = printed.lines().skip_while(|line| !line.starts_with("1 could not be read, and is")).collect();
    assert!(unread[1].contains("one of the network interfaces of cn-hangzhou could not be read, eni-"), "{printed}");
    assert!(
        unread[1].ends_with("; so what the changes there cost is unknown; --no-cost leaves the cost out"),
        "{printed}"
    );
    assert!(printed.contains("cn-shanghai  +") && printed.ends_with("; 1 could not be read.\n"), "{printed}");
    let changes = |text: &str| text.lines().filter(|line| line.starts_with("      change ")).count();
    assert_eq!(changes(printed), changes(&whole), "the plan is whole");
    let saved = std::fs::read_to_string(world.home.path().join("plan.json")).unwrap();
    let saved: Value = serde_json::from_str(&saved).unwrap();
    check(&saved);
    let id = &saved["unread"][0]["resource_id"];
    assert!(id.as_str().unwrap().starts_with("eni-"), "{saved}");
    world.run(&["plan", "--no-cost"]).await.good();
}

#[tokio::test]
async fn limits_that_would_refuse_are_said_with_the_key_to_raise() {
    let policy = format!("{POLICY}limits: {{max_changes: 1}}\n");
    let world = World::with(Options::default(), &policy).await;
    for _ in 0..2 {
        world.kept_vpc(&[], &[("FlowLogName", "renamed")]).await;
    }
    let printed = world.run(&["plan"]).await.good();
    assert!(printed.contains("limits would refuse changes of their kind:\n"), "{printed}");
    assert!(printed.contains("raise limits.max_changes in the policy to allow them"), "{printed}");
    assert!(printed.contains("2 to modify"), "what a limit would refuse is planned all the same\n{printed}");
}

#[tokio::test]
async fn something_is_said_before_the_first_answer() {
    let world = World::new().await;
    world.cloud.fail("GetCallerIdentity", Fault::Hang, 1);
    let mut child = world.command(&["plan"]).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        stderr.read_line(&mut line).map(|_| line)
    });
    let first = line.await.unwrap().unwrap();
    assert!(first.starts_with("policy policy.yml, SHA-256 "), "{first}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let world = mixed().await;
    let mut child = world.command(&["plan", "-v"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn bad_input_is_said_and_nothing_is_read() {
    let world = World::new().await;
    world.home.write("broken.yml", "flow_log: {project: Flow}\n");
    for (arguments, code, says) in [
        (&["plan", "none.yml"][..], 64, "none.yml"),
        (&["plan", "broken.yml"], 64, "broken.yml:1:21"),
        (&["plan", "--profile", "none"], 1, "no profile"),
        (&["plan", "--region", "cn-hangzou"], 64, "cn-hangzou"),
        (&["plan", "--account", "12"], 64, "--account: the account 12 is out of scope"),
        (&["plan", "--region", "cn-beijing"], 64, "--region: the region cn-beijing is out of scope"),
        (&["plan", "--endpoint", "http://10.0.0.1"], 64, "--endpoint"),
    ] {
        let before = world.cloud.calls().len();
        let said = world.run(arguments).await.refused(code);
        assert!(said.iter().any(|line| line.contains(says)), "{arguments:?}: {said:#?}");
        let calls: Vec<_> = world.cloud.calls().into_iter().skip(before).map(|call| call.action).collect();
        assert!(calls.iter().all(|action| action == "GetCallerIdentity"), "{arguments:?}: {calls:?}");
    }
}

#[tokio::test]
async fn an_expired_token_is_an_error_with_its_remedy_and_a_clock_that_is_off_is_corrected() {
    let world = World::new().await;
    world.cloud.create_vpc(&[]).await.unwrap();
    world.cloud.fail("GetCallerIdentity", Fault::TokenExpired, u32::MAX);
    let said = world.run(&["plan"]).await.refused(1);
    assert!(said.iter().any(|line| line.contains("get new temporary credentials")), "{said:#?}");
    world.cloud.heal();
    // In the middle of the reads it makes everything after it unknown.
    world.cloud.fail("DescribeVpcs", Fault::TokenExpired, u32::MAX);
    let ran = world.run(&["plan"]).await;
    assert!(ran.code == 1 && ran.stdout.contains("2 could not be read"), "{}", ran.whole());
    // The remedy is that of a person, not that of a function.
    assert!(ran.stdout.contains("\n    get new temporary credentials; these have expired\n"), "{}", ran.whole());
    assert!(!ran.stdout.contains("invocation"), "{}", ran.whole());
    world.cloud.heal();
    world.cloud.set_clock_ahead(Duration::from_secs(3600));
    let corrected = world.run(&["plan"]).await;
    assert!(corrected.code == 0 && corrected.stdout.contains("Plan: 1 to create"), "{}", corrected.whole());
    assert!(corrected.stderr.contains("the clock of this machine is off"), "{}", corrected.whole());
}

/// What the command wrote. The tests themselves write with the same key, and before it.
fn written(world: &World) -> Vec<String> {
    let calls = world.cloud.calls();
    let first = calls.iter().position(|call| call.action == "GetCallerIdentity").unwrap_or(calls.len());
    world.writes_after(first)
}

#[tokio::test]
async fn texts_from_strangers_do_not_reach_the_terminal_as_they_are() {
    const HOSTILE: &str = "=1+1\u{1b}[8m\u{1b}]0;owned\u{7}\u{202e}\nPlan: nothing to change";
    let world = World::new().await;
    let (renamed, id) = world.kept_vpc(&[], &[]).await;
    let (_, odd) = world.kept_vpc(&[("flowkeeper", HOSTILE)], &[]).await;
    world.cloud.edit_vpc(&renamed, |vpc| vpc.name = HOSTILE.to_owned());
    for flow_log_id in [&id, &odd] {
        world.cloud.edit_flow_log(flow_log_id, |flow_log| {
            flow_log.name = HOSTILE.to_owned();
            flow_log.description = HOSTILE.to_owned();
        });
    }
    let is_hostile = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    for arguments in [
        &["plan", "-vv"][..],
        &["explain", &renamed],
        &["remove"],
        &["cost"],
        &["report"],
        &["apply", "--yes", "--account", "1000000000000001"],
    ] {
        let ran = world.run(arguments).await;
        assert!(!ran.whole().contains(is_hostile), "{arguments:?}: {:?}", ran.whole());
        let forged = ran.stdout.lines().any(|line| line.trim_start().starts_with("Plan: nothing"));
        assert!(!forged, "{arguments:?}: {:?}", ran.whole());
    }
}

#[tokio::test]
async fn json_with_such_texts_is_json_on_a_terminal_and_in_a_pipe() {
    const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{202e}\u{9b}31m\u{e0001}";
    let escaped = "\\u001b]0;owned\\u0007\\u202e\\u009b31m\\udb40\\udc01";
    let world = World::new().await;
    let (vpc, _) = world.kept_vpc(&[], &[("FlowLogName", "renamed")]).await;
    world.cloud.edit_vpc(&vpc, |vpc| vpc.name = HOSTILE.to_owned());
    world.home.write(HOSTILE, "flow_log: {project: Flow}\n");
    let is_hostile = |c: char| c.is_control() && c != '\n' || c == '\u{202e}' || c == '\u{e0001}';
    for arguments in [
        &["plan", "--output", "json"][..],
        &["check", HOSTILE, "--output", "json"],
        &["check", HOSTILE, "--output", "sarif"],
        &["report", "--json", "-"],
        &["report", "--ocsf", "-"],
    ] {
        let piped = world.run(arguments).await;
        serde_json::from_str::<Value>(&piped.stdout).unwrap();
        match piped.stderr.split_once("seal SHA-256 ") {
            // The seal is the digest of what is printed.
            Some((_, seal)) if arguments[1] == "--json" => {
                world.home.write("piped.json", &piped.stdout);
                assert_eq!(sha256(&world.home.path().join("piped.json")), seal.split_whitespace().next().unwrap());
            }
            Some(_) => {}
            None => assert!(!piped.stdout.contains(is_hostile), "{arguments:?}: {:?}", piped.stdout),
        }
        let mut command = world.home.command(&[arguments, &["-q"]].concat(), &world.env());
        command.env("TERM", "dumb").env("NO_COLOR", "1");
        let seen = tokio::task::spawn_blocking(move || Terminal::run(&command).raw()).await.unwrap();
        let seen = format!("\n{}", seen.replace("\r\n", "\n"));
        assert!(!seen.contains(is_hostile), "{arguments:?}: {seen:?}");
        assert!(seen.contains(escaped), "{arguments:?}: {seen}");
        let begin = seen.find("\n{").or_else(|| seen.find("\n[")).unwrap();
        let shown = serde_json::Deserializer::from_str(&seen[begin..]).into_iter::<Value>().next().unwrap();
        assert!(shown.unwrap().to_string().contains("\u{202e}\u{9b}31m\u{e0001}"), "{arguments:?}: {seen}");
    }
}

#[tokio::test]
async fn no_cell_of_a_csv_is_taken_for_a_formula() {
    let world = World::new().await;
    for (name, cell) in [
        ("=1+1", "'=1+1"),
        ("＝1+1", "'＝1+1"),
        ("\n=1", "\\u{000a}=1"),
        ("x;=1", "x;'=1"),
        ("'=1", "''=1"),
        ("-1+1", "'-1+1"),
    ] {
        let (_, id) = world.kept_vpc(&[], &[]).await;
        world.cloud.edit_flow_log(&id, |flow_log| flow_log.description = name.to_owned());
        let csv = world.run(&["plan", "--output", "csv"]).await.good();
        assert!(csv.contains(&format!(",description,{cell} -> ")), "{name}: {csv}");
    }
}
