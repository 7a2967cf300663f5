//! Nothing is done in an account unless the policy names it, or the resource directory has it in scope at that moment.

use std::time::Duration;

use create_flow_log::CreateFlowLog;
use flow_log::Verdict;
use local_cloud::{Directory, Fault, LocalCloud, MemberRole, OWN_ACCOUNT, Options, Rewrite, SECOND_ACCOUNT};
use reconcile::{Item, Outcome, Report};
use remediate_flow_logs::RemediateFlowLogs;
use scenarios::{CREATE_FLOW_LOG, Harness, REMEDIATE, REMEDIATION, vpc_created};
use serde_json::{Value, json};

const THIRD_ACCOUNT: &str = "1000000000000003";
const FOREIGN_ACCOUNT: &str = "1000000000000099";
const ORGANIZATION: &str =
    "resource_directory: {role: flowkeeper, exclude: {folders: [fd-sandbox], tags: {env: test}}}\n";

fn directory() -> Directory {
    Directory::new().with_folder("fd-sandbox", "Sandbox", Directory::ROOT)
}

/// A harness for an organization of three accounts, with a VPC in each region of each.
async fn harness_with(policy: &str, options: Options) -> Harness {
    let options = Options { accounts: 3, ..options };
    let harness = Harness::with(policy, options).await;
    for account in harness.cloud.accounts() {
        harness.cloud.operator(&account, "cn-hangzhou").create_vpc(&[]).await.unwrap();
    }
    harness
}

async fn harness() -> Harness {
    harness_with(ORGANIZATION, Options { directory: Some(directory()), ..Options::default() }).await
}

/// Runs the shard of an account.
async fn shard(harness: &Harness, account: &str) -> Report {
    let shard = json!({"flowkeeper": "shard", "run": "r20260302T040000Z-0", "account": account, "regions": "all", "attempt": 1});
    harness.respond::<RemediateFlowLogs>(REMEDIATE, shard.to_string().as_bytes()).await
}

/// The event of the creation of the VPC of an account.
fn creation(cloud: &LocalCloud, account: &str) -> Value {
    let vpc = cloud.vpcs().into_iter().find(|vpc| vpc.place.account == account).unwrap();
    let mut event = vpc_created(&vpc.id);
    event["data"]["recipientAccountId"] = json!(account);
    event
}

/// Handles the event of the creation of the VPC of an account.
async fn event(harness: &Harness, account: &str) -> Report {
    let event = creation(&harness.cloud, account).to_string();
    harness.respond::<CreateFlowLog>(CREATE_FLOW_LOG, event.as_bytes()).await
}

fn only(report: &Report) -> &Item {
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    item
}

fn place(item: &Item) -> (Option<&str>, Option<&str>) {
    (item.account.as_deref(), item.region.as_deref())
}

/// Asserts that nothing was done in an account, and why that is no failure.
fn is_left_alone(harness: &Harness, report: &Report, account: &str, why: &str) {
    let item = only(report);
    assert_eq!((item.outcome, item.account.as_deref()), (Outcome::Skipped, Some(account)), "{item:#?}");
    assert!(item.reason.contains(why), "{}", item.reason);
    assert_eq!(report.incomplete(), None);
    assert!(harness.cloud.flow_logs().is_empty());
    assert!(harness.cloud.calls_of("AssumeRole").is_empty(), "its role is not even tried");
}

#[tokio::test]
async fn a_member_is_asked_for_once_and_its_role_is_assumed_once() {
    let harness = harness().await;
    let report = shard(&harness, SECOND_ACCOUNT).await;
    assert_eq!((report.incomplete(), report.summary.changed), (None, 1), "{report:#?}");
    assert_eq!(report.run, "r20260302T040000Z-0");
    let event = event(&harness, THIRD_ACCOUNT).await;
    assert_eq!((event.incomplete(), event.summary.changed), (None, 1), "{event:#?}");
    for (action, times) in [("GetAccount", 2), ("AssumeRole", 2), ("ListAccounts", 0)] {
        assert_eq!(harness.cloud.calls_of(action).len(), times, "{action}");
    }
    let three: Vec<_> = (0..3).map(|_| creation(&harness.cloud, SECOND_ACCOUNT)).collect();
    let batch = serde_json::to_vec(&three).unwrap();
    harness.respond::<CreateFlowLog>(CREATE_FLOW_LOG, &batch).await;
    assert_eq!(harness.cloud.calls_of("GetAccount").len(), 3, "once for an invocation");
}

#[tokio::test]
async fn a_shard_by_hand_for_a_foreign_account_does_nothing() {
    let organization = harness().await;
    let report = shard(&organization, FOREIGN_ACCOUNT).await;
    is_left_alone(&organization, &report, FOREIGN_ACCOUNT, "it is not in the resource directory any more");

    let alone = harness_with("", Options::default()).await;
    let refused = shard(&alone, SECOND_ACCOUNT).await;
    is_left_alone(&alone, &refused, SECOND_ACCOUNT, "the policy's accounts do not name it");
    assert!(alone.cloud.calls_of("GetAccount").is_empty());
}

#[tokio::test]
async fn an_account_that_left_or_went_out_of_scope_after_it_was_listed_is_left_alone() {
    type Change = fn(Directory) -> Directory;
    let changes: [(Change, &str); 3] = [
        (|it| it.without_member(SECOND_ACCOUNT), "not in the resource directory any more"),
        (|it| it.with_member(SECOND_ACCOUNT, "fd-sandbox"), "fd-sandbox"),
        (|it| it.with_change(SECOND_ACCOUNT, |member| _ = member.tags.insert("env".into(), "test".into())), "env=test"),
    ];
    for (change, why) in changes {
        let harness = harness().await;
        harness.cloud.edit_directory(change);
        is_left_alone(&harness, &shard(&harness, SECOND_ACCOUNT).await, SECOND_ACCOUNT, why);
        is_left_alone(&harness, &event(&harness, SECOND_ACCOUNT).await, SECOND_ACCOUNT, why);
        let sweep = harness.sweep(REMEDIATION).await;
        assert_eq!((sweep.incomplete(), sweep.summary.changed), (None, 2), "the others: {sweep:#?}");
    }
}

#[tokio::test]
async fn a_sweep_leaves_out_an_account_that_is_being_deleted_unless_the_deletion_failed() {
    // Only the list says so: an account by itself has no such field.
    for (status, left_out) in [("Checking", true), ("Deleting", true), ("CheckFailed", false), ("DeleteFailed", false)]
    {
        let harness = harness().await;
        let change = |it: Directory| it.with_change(SECOND_ACCOUNT, |member| member.deletion_status = status.into());
        harness.cloud.edit_directory(change);
        let report = harness.sweep(REMEDIATION).await;
        let changed = if left_out { 2 } else { 3 };
        assert_eq!((report.incomplete(), report.summary.changed), (None, changed), "{status}: {report:#?}");
        let skipped: Vec<_> = report.results.iter().filter(|item| item.outcome == Outcome::Skipped).collect();
        assert_eq!(skipped.len(), usize::from(left_out), "{status}");
        assert!(skipped.iter().all(|item| item.reason.contains("being deleted")), "{skipped:#?}");
    }
}

#[tokio::test]
async fn an_account_whose_membership_cannot_be_judged_is_unknown_and_left_alone() {
    let harness = harness().await;
    for rewrite in [
        Rewrite::value(|json| json["Account"]["Tags"] = json!("none")),
        Rewrite::value(|json| json["Account"]["ResourceDirectoryPath"] = json!("fd-sandbox")),
        Rewrite::value(|json| json["Account"]["AccountId"] = json!(THIRD_ACCOUNT)),
        Rewrite::value(|json| *json = json!({"RequestId": "1"})),
    ] {
        harness.cloud.rewrite("GetAccount", rewrite, 1);
        let report = shard(&harness, SECOND_ACCOUNT).await;
        let item = only(&report);
        assert_eq!((item.outcome, item.verdict), (Outcome::Failed, Some(Verdict::Unknown)), "{item:#?}");
        assert_eq!(place(item), (Some(SECOND_ACCOUNT), None));
        assert!(report.incomplete().is_some());
    }
    assert!(harness.cloud.flow_logs().is_empty());
}

#[tokio::test]
async fn a_member_without_the_role_is_a_finding_and_a_named_account_without_it_fails() {
    for (role, code) in [(MemberRole::Absent, "EntityNotExist.Role"), (MemberRole::Refusing, "NoPermission")] {
        let harness = harness().await;
        harness.cloud.set_member_role(SECOND_ACCOUNT, &role).unwrap();
        for report in [shard(&harness, SECOND_ACCOUNT).await, event(&harness, SECOND_ACCOUNT).await] {
            let item = only(&report);
            assert_eq!((item.outcome, item.account.as_deref()), (Outcome::Skipped, Some(SECOND_ACCOUNT)));
            assert_eq!(item.error.as_ref().map(|error| error.code.as_str()), Some(code));
            assert!(item.reason.starts_with("not rolled out: "), "{}", item.reason);
            assert_eq!((report.incomplete(), report.summary.findings), (None, 1), "{code}");
        }
        assert_eq!(harness.cloud.calls_of("AssumeRole").len(), 2, "once each");
        let sweep = harness.sweep(REMEDIATION).await;
        assert_eq!((sweep.incomplete(), sweep.summary.changed, sweep.summary.findings), (None, 2, 1), "{sweep:#?}");

        let named =
            format!("accounts: [{{id: '{SECOND_ACCOUNT}', role: 'acs:ram::{SECOND_ACCOUNT}:role/flowkeeper'}}]\n");
        let member_roles = [(SECOND_ACCOUNT.to_owned(), role)].into();
        let options = Options { directory: Some(directory()), member_roles, ..Options::default() };
        let harness_of_named = harness_with(&format!("{ORGANIZATION}{named}"), options).await;
        let failed = shard(&harness_of_named, SECOND_ACCOUNT).await;
        assert_eq!((only(&failed).outcome, failed.incomplete().is_some()), (Outcome::Failed, true));
        assert!(harness_of_named.cloud.calls_of("GetAccount").is_empty());
    }
}

#[tokio::test]
async fn if_the_directory_cannot_be_read_the_accounts_that_the_policy_names_are_swept_all_the_same() {
    let named = format!("accounts: [{{id: '{SECOND_ACCOUNT}', role: 'acs:ram::{SECOND_ACCOUNT}:role/flowkeeper'}}]\n");
    let of_another = directory().managed_by(SECOND_ACCOUNT);
    for (directory, code) in [(Some(of_another), "NoPermission"), (None, "EntityNotExists.ResourceDirectory")] {
        let options = Options { directory, ..Options::default() };
        let harness = harness_with(&format!("{ORGANIZATION}{named}"), options).await;
        let report = harness.sweep(REMEDIATION).await;
        let failed: Vec<_> = report.results.iter().filter(|item| item.outcome == Outcome::Failed).collect();
        let [item] = failed.as_slice() else { panic!("{report:#?}") };
        assert_eq!(item.reason, "the directory could not be read: accounts unknown");
        let error = item.error.as_ref().unwrap();
        assert_eq!((error.code.as_str(), place(item)), (code, (None, None)));
        assert!(!error.advice.is_empty());
        assert_eq!(report.summary.changed, 2, "its own account, and the one that the policy names: {report:#?}");
        let unknown = shard(&harness, THIRD_ACCOUNT).await;
        assert_eq!((only(&unknown).outcome, only(&unknown).verdict), (Outcome::Failed, Some(Verdict::Unknown)));
    }
}

const ALL_REGIONS: &str = "regions: all\nexclude_regions: [cn-beijing]\n";
const REGIONS: [&str; 3] = ["cn-hangzhou", "cn-shanghai", "cn-shenzhen"];

/// A harness with three regions in scope and one that the policy excludes.
async fn with_regions() -> Harness {
    let regions = ["cn-shanghai", "cn-beijing", "cn-shenzhen"].map(str::to_owned).into();
    let options = Options { directory: Some(directory()), regions, ..Options::default() };
    let harness = harness_with(&format!("{ORGANIZATION}{ALL_REGIONS}"), options).await;
    for region in ["cn-shanghai", "cn-beijing", "cn-shenzhen"] {
        harness.cloud.operator(SECOND_ACCOUNT, region).create_vpc(&[]).await.unwrap();
    }
    harness
}

fn regions_with(report: &Report, outcome: Outcome) -> Vec<&str> {
    let items = report.results.iter().filter(|item| item.outcome == outcome);
    let mut regions: Vec<_> = items.filter_map(|item| item.region.as_deref()).collect();
    regions.sort_unstable();
    regions
}

#[tokio::test]
async fn each_account_is_asked_for_its_regions_as_itself_and_every_one_but_the_excluded_is_swept() {
    let harness = with_regions().await;
    let report = shard(&harness, SECOND_ACCOUNT).await;
    assert_eq!((report.incomplete(), regions_with(&report, Outcome::Done)), (None, REGIONS.to_vec()), "{report:#?}");
    let asked = harness.cloud.calls_of("DescribeRegions");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].caller.as_ref().unwrap().account, SECOND_ACCOUNT);
    assert_eq!(harness.cloud.calls_of("AssumeRole").len(), 1, "once for all regions");
}

#[tokio::test]
async fn a_region_that_is_down_fails_alone_and_one_that_the_account_may_not_use_is_a_finding() {
    let down = with_regions().await;
    down.cloud.region_down("cn-shanghai");
    let failed = shard(&down, SECOND_ACCOUNT).await;
    assert_eq!(regions_with(&failed, Outcome::Done), ["cn-hangzhou", "cn-shenzhen"], "{failed:#?}");
    assert!(failed.incomplete().is_some());

    let closed = with_regions().await;
    closed.cloud.without_region(SECOND_ACCOUNT, "cn-shanghai");
    let report = shard(&closed, SECOND_ACCOUNT).await;
    assert_eq!(regions_with(&report, Outcome::Done), ["cn-hangzhou", "cn-shenzhen"], "{report:#?}");
    let skipped = report.results.iter().find(|item| item.outcome == Outcome::Skipped).unwrap();
    assert_eq!((skipped.verdict, skipped.region.as_deref()), (Some(Verdict::Unsupported), Some("cn-shanghai")));
    let why = format!("the account {SECOND_ACCOUNT} may not use cn-shanghai, or there is no such region");
    assert!(skipped.reason.starts_with(&why), "{}", skipped.reason);
    assert_eq!((report.incomplete(), report.summary.findings), (None, 1));
}

#[tokio::test]
async fn an_account_whose_regions_cannot_be_read_is_one_failure_and_nothing_is_done_there() {
    for fault in [Fault::Code("Forbidden.RAM"), Fault::InternalError] {
        let harness = with_regions().await;
        harness.cloud.fail("DescribeRegions", fault, u32::MAX);
        let report = shard(&harness, SECOND_ACCOUNT).await;
        let item = only(&report);
        assert_eq!((place(item), item.verdict), ((Some(SECOND_ACCOUNT), None), Some(Verdict::Unknown)));
        assert_eq!(item.reason, format!("the regions of the account {SECOND_ACCOUNT} could not be read"));
        assert!(report.incomplete().is_some() && harness.cloud.flow_logs().is_empty());
    }
    let none = with_regions().await;
    none.cloud.rewrite("DescribeRegions", Rewrite::value(|json| json["Regions"]["Region"] = json!([])), 1);
    let report = shard(&none, SECOND_ACCOUNT).await;
    let reason = format!("the API names no region for the account {SECOND_ACCOUNT}");
    assert_eq!((only(&report).reason.as_str(), report.incomplete().is_some()), (reason.as_str(), true));
}

#[tokio::test]
async fn a_shard_by_hand_for_a_region_outside_the_policy_is_skipped() {
    let harness = with_regions().await;
    let shard = json!({"flowkeeper": "shard", "run": "by-hand", "account": SECOND_ACCOUNT,
                       "regions": ["cn-beijing", "cn-shanghai"], "attempt": 1});
    let report = harness.respond::<RemediateFlowLogs>(REMEDIATE, shard.to_string().as_bytes()).await;
    assert_eq!(regions_with(&report, Outcome::Skipped), ["cn-beijing"]);
    assert_eq!((regions_with(&report, Outcome::Done), report.incomplete()), (vec!["cn-shanghai"], None));
}

#[tokio::test]
async fn time_that_is_over_leaves_an_account_unfinished_and_not_skipped() {
    let harness = harness().await;
    harness.cloud.fail("GetAccount", Fault::Unavailable, u32::MAX);
    let report = shard(&harness, SECOND_ACCOUNT).await;
    assert!(matches!(only(&report).outcome, Outcome::Failed | Outcome::Unfinished), "{report:#?}");
    assert!(report.incomplete().is_some() && harness.waited() > Duration::ZERO);
    assert_eq!(harness.cloud.calls_of("DescribeVpcs").len(), 0);
    harness.cloud.heal();
    harness.pass(Duration::from_secs(600));
    assert_eq!(shard(&harness, OWN_ACCOUNT).await.summary.changed, 1, "its own account needs no directory");
}
