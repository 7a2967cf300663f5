//! A sweep of an organization is one invocation for each account.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use local_cloud::{Clock, Directory, Fault, Invocation, LocalCloud, OWN_ACCOUNT, Options, Timers};
use scenarios::{REMEDIATE, whole_cloud};
use serde_json::{Value, json};

/// How long a collect step waits.
const COLLECT_DELAY: Duration = Duration::from_mins(10);

const REGIONS: [&str; 2] = ["cn-hangzhou", "cn-shanghai"];

const POLICY: &str = "\
flow_log: {project: flowlog, log_store: vpc}
regions: all
resource_directory: {role: flowkeeper, folders: [fd-product]}
";

fn member(nth: u32) -> String {
    format!("{}", 1_000_000_000_000_000_u64 + u64::from(nth))
}

/// A cloud with an organization of this many accounts besides the functions' own, all in one folder.
async fn organization(members: u32, change: impl FnOnce(Options) -> Options) -> LocalCloud {
    let directory = Directory::new().with_folder("fd-product", "product", Directory::ROOT);
    let directory =
        (2..members + 2).fold(directory, |directory, nth| directory.with_member(&member(nth), "fd-product"));
    let parameters = [("TaskMode", "true"), ("UseResourceDirectory", "true")];
    let options = Options {
        accounts: members + 1,
        regions: REGIONS.map(str::to_owned).into(),
        directory: Some(directory),
        policy: Some(POLICY.to_owned()),
        parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        clock: Clock::manual("2026-03-02T04:00:00Z".parse().unwrap()),
        timers: Timers::ByHand,
        // With a manual clock, a pause before a retry would never end.
        retry_delay: Duration::ZERO,
        triggers_of: Some(REMEDIATE.to_owned()),
        ..Options::default()
    };
    whole_cloud(change(options)).await.unwrap()
}

/// Fires the timer of the sweep, and waits until nothing is going on but delays.
async fn sweep(cloud: &LocalCloud) {
    cloud.fire_timer(REMEDIATE, "sweep").unwrap();
    cloud.settled().await.unwrap();
}

/// The invocations of a kind of step: `shard`, `collect`, or the timer's own.
fn steps(cloud: &LocalCloud, kind: Option<&str>) -> Vec<Invocation> {
    let invocations = cloud.invocations().into_iter();
    invocations.filter(|invocation| invocation.event.get("flowkeeper").and_then(Value::as_str) == kind).collect()
}

/// The accounts for which a shard ran, each with how often.
fn swept(cloud: &LocalCloud) -> BTreeMap<String, usize> {
    let mut swept = BTreeMap::new();
    for shard in steps(cloud, Some("shard")) {
        *swept.entry(shard.event["account"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    swept
}

fn all_accounts(members: u32) -> BTreeSet<String> {
    (1..members + 2).map(member).collect()
}

#[tokio::test]
async fn each_account_and_region_is_repaired_by_a_shard_of_its_own() {
    let cloud = organization(3, |options| options).await;
    for account in all_accounts(3) {
        for region in REGIONS {
            cloud.operator(&account, region).create_vpc(&[]).await.unwrap();
        }
    }
    assert!(cloud.flow_logs().is_empty(), "nothing but the sweep makes any");
    sweep(&cloud).await;
    for vpc in cloud.vpcs() {
        assert_eq!(cloud.flow_log_of(&vpc.id).map(|flow_log| flow_log.place), Some(vpc.place), "{}", vpc.id);
    }
    assert_eq!(swept(&cloud), all_accounts(3).into_iter().map(|account| (account, 1)).collect());
    let coordinator = steps(&cloud, None).pop().unwrap();
    assert_eq!(coordinator.body["shards"], json!({"submitted": 4, "failed": 0}), "{:#}", coordinator.body);
    let run = coordinator.body["run"].as_str().unwrap();
    for shard in steps(&cloud, Some("shard")) {
        assert!(shard.success, "{:#}", shard.body);
        assert_eq!(shard.body["run"], run);
        let mut lines = shard.lines.iter().filter(|line| line.starts_with('{'));
        assert!(lines.all(|line| line.contains(run)), "{:#?}", shard.lines);
    }
    // The first call finds that the clock of the function is off.
    let answered = |action| cloud.calls_of(action).iter().filter(|call| call.code.is_none()).count();
    assert_eq!(answered("ListAccounts"), 1);
    assert_eq!(answered("AssumeRole"), 3, "once for each account but the own one");
}

#[tokio::test]
async fn a_collect_step_counts_how_the_shards_ended() {
    let cloud = organization(2, |options| options).await;
    sweep(&cloud).await;
    assert!(steps(&cloud, Some("collect")).is_empty(), "it waits");
    cloud.clock().advance(COLLECT_DELAY);
    cloud.settled().await.unwrap();
    let collect = steps(&cloud, Some("collect")).pop().unwrap();
    assert!(collect.success, "{:#}", collect.body);
    assert_eq!(collect.body["shards"], json!({"submitted": 3, "done": 3, "failed": 0, "unfinished": 0}));
}

#[tokio::test]
async fn a_second_coordinator_of_the_same_run_submits_nothing_twice() {
    let cloud = organization(3, |options| options).await;
    cloud.fail("InvokeFunction", Fault::AnswerLost, 1);
    sweep(&cloud).await;
    assert_eq!(swept(&cloud), all_accounts(3).into_iter().map(|account| (account, 1)).collect());
}

#[tokio::test]
async fn a_coordinator_that_is_killed_at_any_call_and_repeated_submits_nothing_twice() {
    for fault in [Fault::FunctionKilled, Fault::FunctionKilledAfterEffect] {
        for calls in 0..5 {
            let cloud = organization(3, |options| options).await;
            cloud.operator(&member(3), "cn-shanghai").create_vpc(&[]).await.unwrap();
            let action = if calls == 0 { "ListAccounts" } else { "InvokeFunction" };
            cloud.fail_after(u32::saturating_sub(calls, 1), action, fault);
            sweep(&cloud).await;
            let shards: BTreeSet<_> = swept(&cloud).into_keys().collect();
            assert_eq!(shards, all_accounts(3), "{fault:?} after {calls}");
            let mut tasks = BTreeMap::<String, usize>::new();
            for shard in steps(&cloud, Some("shard")).iter().filter(|shard| shard.attempt == 1) {
                *tasks.entry(shard.request_id.clone()).or_default() += 1;
            }
            assert_eq!(tasks.len(), 4, "{fault:?} after {calls}: a task for each account, whatever FC repeats");
            assert_eq!(cloud.flow_logs().len(), 1);
        }
    }
}

#[tokio::test]
async fn two_coordinators_at_once_do_no_harm() {
    let cloud = organization(3, |options| options).await;
    cloud.operator(&member(3), "cn-shanghai").create_vpc(&[]).await.unwrap();
    cloud.fire_timer(REMEDIATE, "sweep").unwrap();
    cloud.fire_timer(REMEDIATE, "sweep").unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(swept(&cloud).into_keys().collect::<BTreeSet<_>>(), all_accounts(3));
    assert_eq!(cloud.flow_logs().len(), 1);
    assert!(cloud.invocations().iter().all(|invocation| invocation.success));
}

#[tokio::test]
async fn a_member_where_the_role_is_not_rolled_out_is_a_finding_and_repeats_nothing() {
    let cloud = organization(2, |options| options).await;
    cloud.set_member_role(&member(3), &local_cloud::MemberRole::Absent).unwrap();
    sweep(&cloud).await;
    assert_eq!(swept(&cloud), all_accounts(2).into_iter().map(|account| (account, 1)).collect());
    let shard = steps(&cloud, Some("shard")).into_iter().find(|shard| shard.event["account"] == member(3)).unwrap();
    assert!(shard.success, "{:#}", shard.body);
    assert_eq!(shard.body["summary"]["findings"], 1);
    let reason = shard.body["results"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("not rolled out: "), "{reason}");
    assert_eq!(shard.body["results"][0]["error"]["code"], "EntityNotExist.Role");
}

#[tokio::test]
async fn a_shard_for_an_account_that_left_or_was_never_there_changes_nothing() {
    let cloud = organization(2, |options| options).await;
    cloud.edit_directory(|directory| directory.without_member(&member(3)));
    for account in [member(3), "1000000000009999".to_owned()] {
        let shard =
            json!({"flowkeeper": "shard", "run": "r-by-hand", "account": account, "regions": "all", "attempt": 1});
        let invocation = cloud.invoke(REMEDIATE, shard.to_string().as_bytes()).await.unwrap();
        assert!(invocation.success, "{:#}", invocation.body);
        assert_eq!(invocation.body["results"][0]["outcome"], "skipped");
        let reason = invocation.body["results"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("out of scope"), "{reason}");
    }
    assert!(cloud.calls_of("AssumeRole").is_empty());
    assert!(cloud.flow_logs().is_empty());
}

#[tokio::test]
async fn an_empty_directory_leaves_the_own_account() {
    let cloud = organization(0, |options| options).await;
    cloud.operator(OWN_ACCOUNT, "cn-shanghai").create_vpc(&[]).await.unwrap();
    sweep(&cloud).await;
    assert_eq!(swept(&cloud).into_keys().collect::<Vec<_>>(), [OWN_ACCOUNT]);
    assert_eq!(cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn members_that_are_being_deleted_or_excluded_are_named_and_skipped() {
    let cloud = organization(3, |options| options).await;
    cloud.edit_directory(|directory| {
        directory
            .with_change(&member(2), |found| found.deletion_status = "Deleting".to_owned())
            .with_member(&member(3), Directory::ROOT)
    });
    sweep(&cloud).await;
    assert_eq!(swept(&cloud).into_keys().collect::<BTreeSet<_>>(), BTreeSet::from([member(1), member(4)]));
    let coordinator = steps(&cloud, None).pop().unwrap();
    assert!(coordinator.success, "{:#}", coordinator.body);
    assert_eq!(coordinator.body["summary"]["skipped"], 2, "{:#}", coordinator.body);
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_is_unknown_and_the_own_account_is_swept() {
    let cloud = organization(2, |options| Options { directory: None, ..options }).await;
    sweep(&cloud).await;
    assert_eq!(swept(&cloud).into_keys().collect::<Vec<_>>(), [OWN_ACCOUNT]);
    let coordinator = steps(&cloud, None).pop().unwrap();
    assert!(!coordinator.success);
    let report = &coordinator.body["report"];
    assert_eq!(report["results"][0]["reason"], "the directory could not be read: accounts unknown");
    assert_eq!(report["results"][0]["verdict"], "unknown");
}
