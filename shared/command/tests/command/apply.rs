//! `apply` against a local cloud.

use std::{io::BufRead as _, time::Duration};

use insta::assert_snapshot;
use local_cloud::{Fault, Options, Rewrite, SECOND_ACCOUNT};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    pty::Terminal,
    world::{POLICY, World},
};

const YES: [&str; 3] = ["--yes", "--account", "1000000000000001"];

/// Applies the saved plan without a question.
async fn apply(world: &World, more: &[&str]) -> crate::support::Ran {
    world.run(&[&["apply", "plan.json"], more, &YES[..]].concat()).await
}

/// Saves a plan, and returns it.
async fn save(world: &World) -> Value {
    world.run(&["plan", "--out", "plan.json"]).await.good();
    serde_json::from_str(&std::fs::read_to_string(world.home.path().join("plan.json")).unwrap()).unwrap()
}

/// A VPC without a flow log, one whose flow log has another name, and one whose flow log is to be off.
async fn three() -> (World, [String; 3]) {
    let world = World::new().await;
    let missing = world.cloud.create_vpc(&[]).await.unwrap();
    let (renamed, _) = world.kept_vpc(&[], &[("FlowLogName", "renamed")]).await;
    let (off, _) = world.kept_vpc(&[("flowkeeper", "off")], &[]).await;
    (world, [missing, renamed, off])
}

#[tokio::test]
async fn a_saved_plan_is_made_as_it_is_and_nothing_is_left_to_plan() {
    let (world, [missing, renamed, off]) = three().await;
    save(&world).await;
    let before = world.cloud.calls().len();
    let ran = apply(&world, &[]).await;
    assert_snapshot!("applied", sorted(&world.stable(&ran)));
    let mut writes = world.writes_after(before);
    writes.sort_unstable();
    assert_eq!(writes, ["CreateFlowLog", "DeactiveFlowLog", "ModifyFlowLogAttribute"]);
    world.cloud.finish_transitions();
    let state = |vpc: &str| world.cloud.flow_log_of(vpc).unwrap();
    assert_eq!(state(&missing).status, "Active");
    assert_eq!(state(&renamed).name, format!("flowkeeper-{renamed}"));
    assert_eq!(state(&off).status, "Inactive");
    let again = world.run(&["plan", "--detailed-exitcode"]).await;
    assert_eq!(again.code, 0, "{}", again.whole());
}

/// Sorts the lines of writes, which end in any order.
fn sorted(text: &str) -> String {
    let mut lines: Vec<_> = text.lines().collect();
    let is_done = |line: &&str| line.starts_with("done ");
    if let Some(first) = lines.iter().position(is_done) {
        let count = lines[first..].iter().take_while(|line| is_done(line)).count();
        lines[first..first + count].sort_unstable();
    }
    lines.join("\n")
}

#[tokio::test]
async fn only_the_chosen_changes_are_made() {
    let (world, [missing, renamed, _]) = three().await;
    let plan = save(&world).await;
    let id = |resource: &str| {
        let changes = plan["changes"].as_array().unwrap().iter();
        changes.clone().find(|change| change["resource_id"] == resource).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let before = world.cloud.calls().len();
    let chosen = id(&renamed);
    let ran = apply(&world, &["--only", &chosen[..8]]).await.good();
    assert!(ran.ends_with("Applied: 1 made, 0 failed, 0 stale, 0 not made.\n"), "{ran}");
    assert!(ran.contains("Also wanted now, and not among these changes: 2."), "{ran}");
    assert_eq!(world.writes_after(before), ["ModifyFlowLogAttribute"]);
    assert!(world.cloud.flow_log_of(&missing).is_none());
    for (only, says) in [
        ("ffffffffffffffff", "the plan has no such change"),
        ("", "has no such change"),
        (&chosen[..3], "has no such change"),
    ] {
        let said = apply(&world, &["--only", only]).await.refused(64);
        assert!(said.iter().any(|line| line.contains(says)), "{only}: {said:#?}");
    }
}

#[tokio::test]
async fn a_change_whose_ground_has_shifted_is_not_made_and_what_is_there_now_is_said() {
    let (world, [missing, renamed, off]) = three().await;
    save(&world).await;
    // Somebody creates the missing flow log, renames the other one again, and removes the tag.
    world.flow_log(&missing, &[]).await;
    let id = world.cloud.flow_log_of(&renamed).unwrap().id;
    world.cloud.edit_flow_log(&id, |flow_log| flow_log.name = "renamed-again".to_owned());
    world.cloud.edit_vpc(&off, |vpc| vpc.tags.clear());
    let before = world.cloud.calls().len();
    let ran = apply(&world, &[]).await;
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert_eq!(world.writes_after(before), [""; 0]);
    assert_snapshot!("stale", world.stable(&ran));
}

#[tokio::test]
async fn a_change_to_a_resource_that_is_gone_is_stale() {
    let world = World::new().await;
    let vpc = world.cloud.create_vpc(&[]).await.unwrap();
    save(&world).await;
    world.cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
    let ran = apply(&world, &[]).await;
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert!(ran.stdout.contains(&format!("{vpc} needs nothing now, or is gone")), "{}", ran.whole());
    assert!(ran.stdout.ends_with("Applied: 0 made, 0 failed, 1 stale, 0 not made.\n"), "{}", ran.whole());
}

/// A plan that deletes an orphan; its id.
async fn orphaned() -> (World, String) {
    let world = World::new().await;
    let (gone, orphan) = world.kept_vpc(&[], &[]).await;
    world.cloud.edit_flow_log(&orphan, |flow_log| flow_log.created = "2026-01-01T00:00:00Z".parse().unwrap());
    world.cloud.call("DeleteVpc", &[("VpcId", &gone)]).await.unwrap();
    save(&world).await;
    (world, orphan)
}

#[tokio::test]
async fn an_orphan_is_deleted_if_another_look_at_it_and_at_its_resource_says_the_same() {
    let (world, _) = orphaned().await;
    let before = world.cloud.calls().len();
    let applied = apply(&world, &[]).await.good();
    assert!(applied.ends_with("Applied: 1 made, 0 failed, 0 stale, 0 not made.\n"), "{applied}");
    assert_eq!(world.writes_after(before), ["DeleteFlowLog"]);
    let reads: Vec<_> = world.cloud.calls().into_iter().skip(before).map(|call| call.action).collect();
    let count = |action: &str| reads.iter().filter(|read| *read == action).count();
    // The lists of the region, and one look at what is about to be deleted.
    assert_eq!((count("DescribeFlowLogs"), count("DescribeVpcs")), (1 + 1, 1 + 1), "{reads:?}");
}

#[tokio::test]
async fn an_orphan_whose_list_was_stale_is_not_deleted() {
    let taken_over = |answer: &mut Value| answer["FlowLogs"]["FlowLog"][0]["Tags"]["Tag"] = Value::Array(Vec::new());
    let being_deleted = |answer: &mut Value| answer["FlowLogs"]["FlowLog"][0]["Status"] = "Deleting".into();
    let moved = |answer: &mut Value| answer["FlowLogs"]["FlowLog"][0]["ResourceId"] = "vpc-another".into();
    let unreadable = |answer: &mut Value| answer["FlowLogs"]["FlowLog"][0]["ResourceId"] = Value::Null;
    for (name, rewrite) in [
        ("somebody took it over", Rewrite::value(taken_over)),
        ("it is being deleted", Rewrite::value(being_deleted)),
        ("it records something else", Rewrite::value(moved)),
        ("it cannot be read", Rewrite::value(unreadable)),
    ] {
        let (world, _) = orphaned().await;
        let before = world.cloud.calls().len();
        // The list says what it said before.
        world.cloud.rewrite_after(1, "DescribeFlowLogs", rewrite);
        let ran = apply(&world, &[]).await;
        assert_eq!(world.writes_after(before), [""; 0], "{name}: {}", ran.whole());
        assert!(ran.code == 1 && !ran.stdout.contains("1 made"), "{name}: {}", ran.whole());
    }
    let (world, _) = orphaned().await;
    let before = world.cloud.calls().len();
    world.cloud.fail_after(1, "DescribeFlowLogs", Fault::Refused);
    let ran = apply(&world, &[]).await;
    assert_eq!((world.writes_after(before), ran.code), (Vec::new(), 1), "{}", ran.whole());
}

#[tokio::test]
async fn an_orphan_whose_resource_is_back_is_not_deleted() {
    let (world, orphan) = orphaned().await;
    let vpc = world.cloud.create_vpc(&[]).await.unwrap();
    let before = world.cloud.calls().len();
    // Only the look by its id shows it.
    let resource = world.cloud.flow_logs().into_iter().find(|it| it.id == orphan).unwrap().resource_id;
    let back = move |answer: &mut Value| {
        answer["Vpcs"]["Vpc"] = serde_json::json!([{"VpcId": resource, "OwnerId": 1_000_000_000_000_001_u64}]);
        answer["TotalCount"] = 1.into();
    };
    world.cloud.rewrite_after(1, "DescribeVpcs", Rewrite::value(back));
    let ran = apply(&world, &[]).await;
    assert_eq!((world.writes_after(before), ran.code), (Vec::new(), 1), "{}", ran.whole());
    assert!(world.cloud.flow_log_of(&vpc).is_none(), "and what is missing was not in the plan");
}

#[tokio::test]
async fn a_flow_log_that_somebody_stopped_meanwhile_is_not_switched_on_by_a_plan_that_renames_it() {
    let world = World::new().await;
    let (vpc, id) = world.kept_vpc(&[], &[("FlowLogName", "renamed")]).await;
    save(&world).await;
    world.cloud.edit_flow_log(&id, |flow_log| flow_log.status = "Inactive".to_owned());
    let ran = apply(&world, &[]).await;
    let flow_log = world.cloud.flow_log_of(&vpc).unwrap();
    assert_eq!((flow_log.status.as_str(), flow_log.name), ("Inactive", format!("flowkeeper-{vpc}")), "{}", ran.whole());
}

#[tokio::test]
async fn a_plan_is_refused_if_it_is_of_another_account_policy_or_cloud_or_was_changed() {
    let (world, _) = three().await;
    save(&world).await;
    let text = std::fs::read_to_string(world.home.path().join("plan.json")).unwrap();
    let before = world.cloud.calls().len();
    world.home.write("other.yml", &format!("{POLICY}\n"));
    world.home.write("edited.json", &text.replace("renamed", "rename"));
    world.home.write("version.json", &text.replace("\"version\": \"0.2.0\"", "\"version\": \"0.1.0\""));
    world.home.write("none.json", "{}");
    world.home.write(
        "config.json",
        &format!(
            r#"{{"current": "member", "profiles": [{{"name": "member",
        "mode": "RamRoleArn", "access_key_id": "test", "access_key_secret": "test-secret",
        "ram_role_arn": "acs:ram::{SECOND_ACCOUNT}:role/flowkeeper", "region_id": "cn-hangzhou"}}]}}"#
        ),
    );
    let member = [("ALIBABA_CLOUD_CONFIG_FILE", "config.json")];
    for (arguments, env, says) in [
        (&["apply", "edited.json"][..], &[][..], "was changed after it was saved"),
        (&["apply", "version.json"], &[], "was made by version 0.1.0"),
        (&["apply", "none.json"], &[], "is no saved plan"),
        (&["apply", "gone.json"], &[], "cannot be read"),
        (
            &["apply", "plan.json", "--policy", "other.yml"],
            &[],
            "other.yml is not the policy that the plan was made with",
        ),
        (&["apply", "plan.json", "--profile", "member"], &member, "the plan is of the account 1000000000000001"),
        (&["apply", "plan.json", "--endpoint", "http://localhost:1"], &[], ""),
        (&["apply", "plan.json", "--region", "cn-hangzhou"], &[], "a saved plan has its regions already"),
        (&["apply", "plan.json"], &[], "there is no terminal to confirm these 3 changes on"),
    ] {
        let ran = world.run_with(arguments, env).await;
        assert!([1, 64].contains(&ran.code), "{arguments:?}: {}", ran.whole());
        assert!(ran.stderr.contains(says), "{arguments:?}: {}", ran.whole());
        assert_eq!(world.writes_after(before), [""; 0], "{arguments:?}");
    }
    let other = world.run(&["apply", "plan.json", "--yes", "--account", SECOND_ACCOUNT]).await;
    assert!(other.stderr.contains("the credentials are of the account 1000000000000001"), "{}", other.whole());
    assert_eq!((other.code, world.writes_after(before)), (64, vec![]));
    apply(&world, &["--policy", "policy.yml"]).await.good();
}

#[tokio::test]
async fn a_person_types_the_account_before_anything_is_changed() {
    let (world, _) = three().await;
    let before = world.cloud.calls().len();
    for (typed, code, says) in [
        ("yes", 1, "nothing was changed: the credentials are of the account 1000000000000001"),
        ("", 1, "nothing was changed: no answer"),
        ("1000000000000001", 0, "Applied: 3 made, 0 failed, 0 stale, 0 not made."),
    ] {
        let mut command = world.home.command(&["apply"], &world.env());
        command.env("TERM", "xterm").env("COLUMNS", "100");
        let (ended, text) = tokio::task::spawn_blocking(move || {
            let mut terminal = Terminal::run(&command);
            terminal.wait_for("id to make these 3 changes:");
            terminal.type_line(typed);
            terminal.end()
        })
        .await
        .unwrap();
        assert_eq!(ended, code, "{typed}: {text}");
        assert!(text.contains(says), "{typed}: {text}");
        assert_eq!(world.writes_after(before).is_empty(), code != 0, "{typed}");
    }
}

#[tokio::test]
async fn a_terminal_shows_progress_unless_it_is_dumb_or_somebody_wants_quiet() {
    let world = World::new().await;
    world.cloud.create_vpc(&[]).await.unwrap();
    for (arguments, term, is_shown) in
        [(&["plan"][..], "xterm", true), (&["plan", "-q"], "xterm", false), (&["plan"], "dumb", false)]
    {
        // Slow enough to be drawn.
        world.cloud.fail("DescribeVpcs", Fault::Slow(Duration::from_millis(300)), 2);
        let mut command = world.home.command(arguments, &world.env());
        command.env("TERM", term).env("NO_COLOR", "1");
        let (code, text) = tokio::task::spawn_blocking(move || Terminal::run(&command).end()).await.unwrap();
        assert_eq!(code, 0, "{text}");
        assert_eq!(text.contains(" regions, "), is_shown, "{arguments:?} {term}: {text:?}");
    }
}

#[tokio::test]
async fn a_limit_keeps_its_changes_from_being_made_and_says_which_key_to_raise() {
    let world = World::with(Options::default(), &format!("{POLICY}limits: {{max_changes: 1}}\n")).await;
    for _ in 0..2 {
        world.kept_vpc(&[], &[("FlowLogName", "renamed")]).await;
    }
    let missing = world.cloud.create_vpc(&[]).await.unwrap();
    save(&world).await;
    let ran = apply(&world, &[]).await;
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert!(ran.stdout.contains("not done, as the sweep would change too much"), "{}", ran.whole());
    assert!(ran.stdout.contains("raise limits.max_changes in the policy"), "{}", ran.whole());
    assert!(ran.stdout.ends_with("Applied: 1 made, 0 failed, 0 stale, 2 not made.\n"), "{}", ran.whole());
    assert!(world.cloud.flow_log_of(&missing).is_some(), "what records more is not held up");
}

#[tokio::test]
async fn limits_count_the_changes_that_are_chosen_and_not_the_rest_of_the_plan() {
    let world = World::with(Options::default(), &format!("{POLICY}limits: {{max_changes: 1}}\n")).await;
    for _ in 0..3 {
        world.kept_vpc(&[], &[("FlowLogName", "renamed")]).await;
    }
    let plan = save(&world).await;
    let id = |nth: usize| plan["changes"][nth]["id"].as_str().unwrap();
    let two = apply(&world, &["--only", id(0), "--only", id(1)]).await;
    assert!(two.stdout.ends_with("Applied: 0 made, 0 failed, 0 stale, 2 not made.\n"), "{}", two.whole());
    assert!(two.stdout.contains("2 changes are more than max_changes: 1"), "{}", two.whole());
    let one = apply(&world, &["--only", id(2)]).await.good();
    assert!(one.ends_with("Applied: 1 made, 0 failed, 0 stale, 0 not made.\n"), "{one}");
}

#[tokio::test]
async fn a_refused_change_is_said_with_its_request_and_the_others_are_made() {
    let (world, _) = three().await;
    save(&world).await;
    world.cloud.fail("CreateFlowLog", Fault::Refused, u32::MAX);
    let ran = apply(&world, &[]).await;
    assert_eq!(ran.code, 1);
    let failed: Vec<_> = ran.stdout.lines().filter(|line| line.starts_with("failed CreateFlowLog ")).collect();
    assert!(failed[0].contains("refused with Forbidden.RAM") && failed[0].contains("(request "), "{}", ran.whole());
    assert!(ran.stdout.ends_with("Applied: 2 made, 1 failed, 0 stale, 0 not made.\n"), "{}", ran.whole());
}

#[tokio::test]
async fn a_refused_change_does_not_make_another_one_unread() {
    let world = World::new().await;
    world.cloud.create_vpc(&[]).await.unwrap();
    let gone = world.cloud.create_vpc(&[]).await.unwrap();
    save(&world).await;
    world.cloud.call("DeleteVpc", &[("VpcId", &gone)]).await.unwrap();
    world.cloud.fail("CreateFlowLog", Fault::TokenExpired, u32::MAX);
    let ran = apply(&world, &[]).await;
    assert!(ran.stdout.contains(&format!("stale  CreateFlowLog {gone} in ")), "{}", ran.whole());
    assert!(ran.stdout.contains(" is expired; get new temporary credentials; these have expired\n"), "{}", ran.whole());
    assert!(ran.stdout.ends_with("Applied: 0 made, 1 failed, 1 stale, 0 not made.\n"), "{}", ran.whole());
}

#[tokio::test]
async fn a_region_that_cannot_be_read_again_is_said_and_nothing_in_it_is_changed() {
    let (world, _) = three().await;
    save(&world).await;
    world.cloud.fail("DescribeVpcs", Fault::Refused, u32::MAX);
    let before = world.cloud.calls().len();
    let ran = apply(&world, &[]).await;
    assert_eq!((ran.code, world.writes_after(before)), (1, vec![]), "{}", ran.whole());
    assert_eq!(ran.stdout.lines().filter(|line| line.starts_with("unread ")).count(), 3, "{}", ran.whole());
}

#[tokio::test]
async fn a_replacement_is_one_change_and_is_made_as_a_whole() {
    let world = World::with(Options::default(), &format!("{POLICY}replace: true\n")).await;
    let (vpc, old) = world.kept_vpc(&[], &[("LogStoreName", "old")]).await;
    let plan = save(&world).await;
    assert_eq!(plan["summary"]["replace"], 1);
    assert_eq!(plan["changes"].as_array().unwrap().len(), 1);
    let before = world.cloud.calls().len();
    apply(&world, &[]).await.good();
    assert_eq!(world.writes_after(before), ["DeleteFlowLog", "CreateFlowLog"]);
    let new = world.cloud.flow_log_of(&vpc).unwrap();
    assert!(new.id != old && new.log_store == "vpc", "{new:?}");
}

#[tokio::test]
async fn a_plan_with_destinations_groups_and_tags_is_applied_as_it_was_saved() {
    let policy = POLICY.replace(
        "  log_store: vpc\n",
        "  log_store: made\n  create_destination: {retention_days: 180}\n  tags: {team: net}\n  resource_group_id: rg-2\n",
    );
    let options = Options { check_destinations: true, ..Options::default() };
    let world = World::with(options, &policy).await;
    let kept = |more: &'static [(&str, &str)]| world.kept_vpc(&[], more);
    world.cloud.with_log_store("1000000000000001", "cn-hangzhou", "flowlog", "old");
    kept(&[("LogStoreName", "vpc"), ("FlowLogName", "renamed")]).await;
    let (_, off) = kept(&[("LogStoreName", "vpc")]).await;
    world.cloud.edit_flow_log(&off, |flow_log| flow_log.status = "Inactive".to_owned());
    world.cloud.create_vpc(&[]).await.unwrap();
    let plan = save(&world).await;
    let mut actions: Vec<_> =
        plan["changes"].as_array().unwrap().iter().map(|change| change["action"].as_str().unwrap()).collect();
    actions.sort_unstable();
    actions.dedup();
    let expected = [
        "ActiveFlowLog",
        "CreateFlowLog",
        "CreateIndex",
        "CreateLogStore",
        "ModifyFlowLogAttribute",
        "MoveResourceGroup",
        "TagResources",
    ];
    assert_eq!(actions, expected);
    let applied = apply(&world, &[]).await.good();
    assert!(applied.ends_with("Applied: 9 made, 0 failed, 0 stale, 0 not made.\n"), "{applied}");
}

#[tokio::test]
async fn a_refused_replacement_is_rolled_back_although_the_plan_does_not_say_so() {
    let world = World::with(Options::default(), &format!("{POLICY}replace: true\n")).await;
    let (vpc, _) = world.kept_vpc(&[], &[("LogStoreName", "old")]).await;
    save(&world).await;
    world.cloud.fail("CreateFlowLog", Fault::Refused, 1);
    let ran = apply(&world, &[]).await;
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert!(ran.stdout.ends_with("Applied: 0 made, 1 failed, 0 stale, 0 not made.\n"), "{}", ran.whole());
    assert_eq!(world.cloud.flow_log_of(&vpc).unwrap().log_store, "old", "what records is not lost");
}

#[tokio::test]
async fn an_interruption_ends_the_work_before_the_next_write_and_says_what_was_done() {
    for signal in [Signal::INT, Signal::TERM] {
        let world = World::new().await;
        let first = world.cloud.create_vpc(&[]).await.unwrap();
        world.cloud.copy_vpc(&first, 29);
        save(&world).await;
        world.cloud.fail("CreateFlowLog", Fault::Slow(Duration::from_millis(300)), u32::MAX);
        let mut child = world.command(&[&["apply", "plan.json"], &YES[..]].concat()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let printed = tokio::task::spawn_blocking(move || {
            let mut lines = std::io::BufReader::new(stdout).lines().map(Result::unwrap);
            let mut seen: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("done ")).collect();
            kill_process(Pid::from_child(&child), signal).unwrap();
            seen.clear();
            seen.extend(lines);
            (child.wait().unwrap().code(), seen)
        });
        let (code, lines) = printed.await.unwrap();
        assert_eq!(code, Some(130), "{lines:#?}");
        let made = world.cloud.flow_logs().len();
        assert!((1..30).contains(&made), "{made}");
        let last = format!("Interrupted: {made} made, 0 failed, 0 stale, {} not made.", 30 - made);
        assert_eq!(lines.last(), Some(&last), "{lines:#?}");
        assert_eq!(lines.iter().filter(|line| line.starts_with("left ")).count(), 30 - made, "{lines:#?}");
        let again = apply(&world, &[]).await;
        let rest = format!("Applied: {} made, 0 failed, {made} stale, 0 not made.\n", 30 - made);
        assert!(again.stdout.ends_with(&rest), "{}", again.whole());
    }
}
