//! `init` against a local cloud.

use insta::assert_snapshot;
use local_cloud::{Fault, OWN_ACCOUNT, SECOND_ACCOUNT};

use crate::world::World;

/// An account without a policy.
async fn account() -> World {
    let world = World::new().await;
    std::fs::remove_file(world.home.path().join("policy.yml")).unwrap();
    world
}

fn policy(world: &World) -> String {
    let text = std::fs::read_to_string(world.home.path().join("policy.yml")).unwrap();
    // The day of the run.
    let (before, rest) = text.split_once(" on 20").unwrap();
    format!("{before} on a day{}", &rest["26-11-26".len()..])
}

/// Panics unless the policy is good and `plan` can be made of it.
async fn check(world: &World) {
    let checked = world.run(&["check"]).await;
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{}\n{}", checked.whole(), policy(world));
    world.run(&["plan"]).await.good();
}

#[tokio::test]
async fn it_writes_a_policy_from_what_is_there_that_passes_check() {
    let world = account().await;
    let operator = world.cloud.operator("1000000000000001", "cn-shanghai");
    operator.create_vpc(&[("env", "dev"), ("团队", "网络")]).await.unwrap();
    for _ in 0..2 {
        world.cloud.create_vpc(&[("env", "dev"), ("once", "only")]).await.unwrap();
    }
    let (vpc, _) = world.kept_vpc(&[("团队", "网络")], &[]).await;
    for each in world.cloud.vpcs() {
        world.cloud.edit_vpc(&each.id, |found| _ = found.tags.insert("acs:rm:rgId".to_owned(), "rg-1".to_owned()));
    }
    assert!(world.cloud.flow_log_of(&vpc).is_some());
    let before = world.cloud.calls().len();
    let ran = world.run(&["init"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.whole());
    assert!(ran.stderr.ends_with("note: next: flowkeeper plan\n"), "{}", ran.whole());
    assert_eq!(world.writes_after(before), [""; 0], "it only reads");
    assert_snapshot!("starter", policy(&world));
    check(&world).await;
}

#[tokio::test]
async fn the_destination_of_the_flow_logs_that_are_there_is_taken_over_where_it_fits_every_region() {
    let world = account().await;
    let project = "logs-1000000000000001-cn-hangzhou";
    world.cloud.with_log_store("1000000000000001", "cn-hangzhou", project, "flows");
    world.kept_vpc(&[], &[("ProjectName", project), ("LogStoreName", "flows")]).await;
    world.run(&["init"]).await.good();
    let text = policy(&world);
    assert!(text.contains("  project: \"logs-{account}-{region}\"\n  log_store: \"flows\"\n"), "{text}");
    check(&world).await;
    let plan = world.run(&["plan"]).await.good();
    assert!(plan.contains("Plan: nothing to change"), "what is there is as this policy wants it\n{plan}");
}

#[tokio::test]
async fn an_empty_account_gets_a_policy_for_every_region() {
    let world = account().await;
    let ran = world.run(&["init"]).await;
    assert_eq!(ran.code, 0, "{}", ran.whole());
    let text = policy(&world);
    assert!(text.contains("# No VPC was found") && text.contains("\nregions: all\n"), "{text}");
    check(&world).await;
}

#[tokio::test]
async fn a_file_that_is_there_is_never_replaced_without_force() {
    let world = World::new().await;
    let path = world.home.path().join("policy.yml");
    let before = std::fs::read_to_string(&path).unwrap();
    let calls = world.cloud.calls().len();
    let said = world.run(&["init"]).await.refused(64);
    assert!(said[0].contains("policy.yml is there already") && said[1].contains("--force"), "{said:#?}");
    assert_eq!(world.cloud.calls().len(), calls, "nothing is read for it");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
    world.run(&["init", "--force"]).await.good();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("# A policy to begin with"));
}

#[tokio::test]
async fn what_could_not_be_read_is_a_comment_and_the_exit_code_says_so() {
    let world = account().await;
    world.cloud.create_vpc(&[]).await.unwrap();
    world.cloud.fail_in("cn-shanghai", "DescribeVpcs", Fault::Refused, u32::MAX);
    let ran = world.run(&["init"]).await;
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert!(ran.stderr.contains("warning: the VPCs of cn-shanghai could not be read"), "{}", ran.whole());
    let text = policy(&world);
    assert!(text.contains("  # cn-shanghai: unknown: the VPCs of cn-shanghai could not be read"), "{text}");
    assert!(text.contains("\n  - cn-hangzhou  # 1 VPC, 0 flow logs\n"), "{text}");
    check_alone(&world).await;
    world.cloud.fail("DescribeRegions", Fault::Refused, u32::MAX);
    let again = world.run(&["init", "--force"]).await;
    assert_eq!(again.code, 1, "{}", again.whole());
    let replaced = policy(&world);
    assert!(replaced.contains("# Unknown: the regions of the account could not be read"), "{replaced}");
    assert!(replaced.contains("\n  - cn-hangzhou  # 1 VPC"), "the region of the credentials is read\n{replaced}");
    check_alone(&world).await;
}

async fn check_alone(world: &World) {
    world.run(&["check"]).await.good();
}

#[tokio::test]
async fn texts_of_the_cloud_stay_in_their_comments() {
    let world = account().await;
    let crafted = "x\nregions: [cn-beijing]\u{2028}\"}#";
    for _ in 0..2 {
        let vpc = world.cloud.create_vpc(&[("q\"}#", "x: y")]).await.unwrap();
        world.cloud.edit_vpc(&vpc, |vpc| _ = vpc.tags.insert("k\n\"".to_owned(), crafted.to_owned()));
    }
    let (_, flow_log) = world.kept_vpc(&[], &[]).await;
    world.cloud.edit_flow_log(&flow_log, |flow_log| flow_log.project = crafted.to_owned());
    world.run(&["init"]).await.good();
    let text = policy(&world);
    assert!(text.contains(r##"  #   "x\u000aregions: [cn-beijing]\u2028\"}#" and "vpc": 1 flow log"##), "{text}");
    let used = "project: \"flowlog-{account}-{region}\"\n";
    assert!(text.contains(used), "a name that no policy can have is not used\n{text}");
    assert!(text.contains(r##"#   - match: {tags: {"q\"}#": "x: y"}}  # 2 VPCs"##), "{text}");
    assert!(!text.contains(r"k\u000a"), "a tag that no policy can have is not named\n{text}");
    // The overrides are good as they are, too.
    let (begin, overrides) = text.split_once("# overrides:").unwrap();
    let overrides: String =
        overrides.lines().map(|line| format!("{}\n", line.strip_prefix('#').unwrap_or(line))).collect();
    world.home.write("policy.yml", &format!("{begin}overrides:{overrides}"));
    check_alone(&world).await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_an_error_and_stdout_works() {
    let world = account().await;
    for (out, says) in [("/proc/policy.yml", "the policy cannot be written"), ("no/policy.yml", "No such file")] {
        let ran = world.run(&["init", "--out", out]).await;
        assert!(ran.code == 1 && ran.stderr.contains(says), "{}", ran.whole());
    }
    let printed = world.run(&["init", "--out", "-", "--region", "cn-hangzhou"]).await.good();
    assert!(printed.starts_with("# A policy to begin with") && printed.contains("of 1 region,"), "{printed}");
    assert_eq!(std::fs::read_dir(world.home.path()).unwrap().count(), 0, "nothing is left behind");
}

#[cfg(unix)]
#[tokio::test]
async fn others_can_read_the_policy_as_they_can_any_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = account().await;
    world.run(&["init"]).await.good();
    world.home.write("other", "");
    let mode = |name: &str| std::fs::metadata(world.home.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("policy.yml"), mode("other"));
}

#[tokio::test]
async fn vpcs_that_another_account_shares_are_not_those_of_this_one() {
    let world = account().await;
    let theirs = world.cloud.operator(SECOND_ACCOUNT, "cn-hangzhou");
    for _ in 0..2 {
        let vpc = theirs.create_vpc(&[("env", "theirs")]).await.unwrap();
        world.cloud.share_vpc(&vpc, OWN_ACCOUNT);
    }
    world.cloud.create_vpc(&[]).await.unwrap();
    let text = world.run(&["init", "--out", "-"]).await.good();
    assert!(text.contains("# 1 VPC in 1 of 8 regions") && !text.contains("theirs"), "{text}");
}
