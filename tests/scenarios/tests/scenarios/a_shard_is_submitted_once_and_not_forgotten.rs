//! Whatever happens to the coordinator of a sweep and its calls, each account is swept by one shard, and the last step knows
//! how that ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use local_cloud::{Clock, Directory, Fault, Invocation, LocalCloud, MemberRole, Options, Timers};
use scenarios::{CREATE_FLOW_LOG, Harness, REMEDIATE, TIMER, respond_with, results, whole_cloud};
use serde_json::{Value, json};

const POLICY: &str = "flow_log: {project: flowlog, log_store: vpc}\n";
const ORGANIZATION: &str = "resource_directory: {role: flowkeeper}\n";
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// Returns the id of the account with this number.
fn account(number: u32) -> String {
    (1_000_000_000_000_000 + u64::from(number)).to_string()
}

/// Options for a cloud with this number of accounts, all in one organization, and in one region.
fn organization(accounts: u32, more: &str) -> Options {
    Options {
        accounts,
        directory: Some(Directory::new()),
        policy: Some(format!("{POLICY}{ORGANIZATION}{more}")),
        triggers_of: Some(REMEDIATE.to_owned()),
        parameters: [("UseResourceDirectory".to_owned(), "true".to_owned())].into(),
        regions: Vec::new(),
        clock: Clock::manual(Clock::real().now()),
        timers: Timers::ByHand,
        // Retries do not wait for the clock.
        retry_delay: Duration::ZERO,
        ..Options::default()
    }
}

/// Starts a cloud with a VPC in each account.
async fn cloud(options: Options) -> LocalCloud {
    let cloud = whole_cloud(options).await.unwrap();
    for account in cloud.accounts() {
        cloud.operator(&account, "cn-hangzhou").create_vpc(&[]).await.unwrap();
    }
    cloud
}

/// Fires the timer of a sweep, and waits until everything that follows at once has ended.
async fn sweep(cloud: &LocalCloud) {
    cloud.fire_timer(REMEDIATE, "sweep").unwrap();
    cloud.settled().await.unwrap();
}

/// Lets ten minutes pass, after which the run is counted.
async fn ten_minutes_later(cloud: &LocalCloud) {
    cloud.clock().advance(TEN_MINUTES);
    cloud.settled().await.unwrap();
}

/// The invocations with a step of this kind.
fn steps(cloud: &LocalCloud, kind: &str) -> Vec<Invocation> {
    cloud.invocations().into_iter().filter(|it| it.event["flowkeeper"] == kind).collect()
}

/// The invocations that a timer started.
fn coordinators(cloud: &LocalCloud) -> Vec<Invocation> {
    cloud.invocations().into_iter().filter(|it| !it.event["triggerName"].is_null()).collect()
}

/// The requests of Function Compute for the shards of each account. A repetition of a request has the same id.
fn requests(cloud: &LocalCloud) -> BTreeMap<String, BTreeSet<String>> {
    let mut requests = BTreeMap::<_, BTreeSet<_>>::new();
    for shard in steps(cloud, "shard") {
        let account = shard.event["account"].as_str().unwrap().to_owned();
        requests.entry(account).or_default().insert(shard.request_id);
    }
    requests
}

/// The report of an invocation, whether it succeeded or failed.
fn report(invocation: &Invocation) -> &Value {
    invocation.body.get("report").unwrap_or(&invocation.body)
}

/// The accounts whose VPC has a flow log.
fn covered(cloud: &LocalCloud) -> BTreeSet<String> {
    cloud.flow_logs().into_iter().map(|flow_log| flow_log.place.account).collect()
}

/// Asserts that each account was swept, by one shard that was submitted once.
fn each_was_swept_once(cloud: &LocalCloud, when: &str) {
    let all: BTreeSet<_> = cloud.accounts().into_iter().collect();
    assert_eq!(covered(cloud), all, "{when}");
    let requests = requests(cloud);
    assert_eq!(requests.keys().cloned().collect::<BTreeSet<_>>(), all, "{when}");
    assert!(requests.values().all(|ids| ids.len() == 1), "{when}: {requests:#?}");
}

#[tokio::test]
async fn each_account_is_swept_in_an_invocation_of_its_own_and_the_last_step_counts_them() {
    let cloud = cloud(organization(4, "regions: all\n")).await;
    sweep(&cloud).await;
    each_was_swept_once(&cloud, "a sweep");
    for (action, times) in [("ListAccounts", 1), ("GetAccount", 3), ("AssumeRole", 3), ("DescribeRegions", 4)] {
        assert_eq!(cloud.calls_of(action).len(), times, "{action}");
    }
    let [coordinator] = coordinators(&cloud).try_into().unwrap();
    assert!(coordinator.success, "{:#}", coordinator.body);
    assert_eq!(coordinator.body["shards"], json!({"submitted": 4, "failed": 0}));
    let run = coordinator.body["run"].as_str().unwrap();
    let (time, hash) = run.split_once('-').unwrap();
    assert!(time.starts_with("r20") && time.ends_with('Z') && time.len() == 17 && hash.len() == 8, "{run}");

    assert!(steps(&cloud, "collect").is_empty(), "it waits");
    ten_minutes_later(&cloud).await;
    let [collect] = steps(&cloud, "collect").try_into().unwrap();
    assert!(collect.success, "{:#}", collect.body);
    assert_eq!(collect.body["shards"], json!({"submitted": 4, "done": 4, "failed": 0, "unfinished": 0}));
    let counts = "4 submitted, 4 done, 0 failed, 0 unfinished";
    assert!(collect.lines.iter().any(|line| line.contains(&format!("{run}: {counts}"))), "{:#?}", collect.lines);

    for invocation in cloud.invocations() {
        assert_eq!(report(&invocation)["run"], run, "{:#}", invocation.event);
        for line in &invocation.lines {
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            assert_eq!(line["run"], run, "{line}");
        }
    }
}

#[tokio::test]
async fn each_region_of_each_account_is_repaired_where_it_is() {
    let options = Options { regions: vec!["cn-shanghai".to_owned()], ..organization(3, "regions: all\n") };
    let cloud = cloud(options).await;
    for account in cloud.accounts() {
        cloud.operator(&account, "cn-shanghai").create_vpc(&[]).await.unwrap();
    }
    sweep(&cloud).await;
    assert_eq!(cloud.vpcs().len(), 6);
    for vpc in cloud.vpcs() {
        assert_eq!(cloud.flow_log_of(&vpc.id).map(|flow_log| flow_log.place), Some(vpc.place), "{}", vpc.id);
    }
}

#[tokio::test]
async fn a_coordinator_names_the_members_that_it_leaves_out() {
    let directory = Directory::new()
        .with_folder("fd-sandbox", "sandbox", Directory::ROOT)
        .with_change(&account(2), |member| member.deletion_status = "Deleting".to_owned())
        .with_member(&account(3), "fd-sandbox");
    let policy = format!("{POLICY}resource_directory: {{role: flowkeeper, exclude: {{folders: [fd-sandbox]}}}}\n");
    let options = Options { directory: Some(directory), policy: Some(policy), ..organization(4, "") };
    let cloud = cloud(options).await;
    sweep(&cloud).await;
    assert_eq!(covered(&cloud), BTreeSet::from([account(1), account(4)]));
    let [coordinator] = coordinators(&cloud).try_into().unwrap();
    assert!(coordinator.success, "{:#}", coordinator.body);
    let skipped: BTreeSet<_> =
        results(&coordinator).iter().filter_map(|it| Some(it["account"].as_str()?.to_owned())).collect();
    assert_eq!(skipped, BTreeSet::from([account(2), account(3)]), "{:#}", coordinator.body);
}

#[tokio::test]
async fn a_coordinator_that_is_killed_anywhere_and_runs_again_submits_nothing_twice() {
    for fault in [Fault::FunctionKilled, Fault::FunctionKilledAfterEffect] {
        // Two pages, four shards and the last step.
        let pages = (0..2).map(|after| ("ListAccounts", after));
        for (action, after) in pages.chain((0..5).map(|after| ("InvokeFunction", after))) {
            let when = format!("{} at {action} {}", fault.name(), after + 1);
            let cloud = cloud(organization(4, "")).await;
            cloud.fail_after(after, action, fault);
            cloud.fail("ListAccounts", Fault::SmallPages(2), 6);
            sweep(&cloud).await;
            let tried = coordinators(&cloud);
            assert!(tried.len() > 1 && !tried[0].success && tried.last().unwrap().success, "{when}: {tried:#?}");
            each_was_swept_once(&cloud, &when);
            assert!(cloud.calls_of("ListAccounts").len() >= 3, "{when}: each attempt reads two pages");
            let last = &tried.last().unwrap().body;
            assert_eq!(last["shards"], json!({"submitted": 4, "failed": 0}), "{when}");
            ten_minutes_later(&cloud).await;
            let [collect] = steps(&cloud, "collect").try_into().unwrap();
            assert_eq!(collect.body["shards"]["done"], 4, "{when}: {:#}", collect.body);
        }
    }
}

#[tokio::test]
async fn a_lost_answer_and_a_refusal_of_one_submission_are_made_up_for_and_nothing_is_submitted_twice() {
    for fault in [Fault::AnswerLost, Fault::Reset, Fault::Throttled, Fault::InternalError, Fault::Refused] {
        let cloud = cloud(organization(4, "")).await;
        cloud.fail("InvokeFunction", fault, 1);
        sweep(&cloud).await;
        each_was_swept_once(&cloud, fault.name());
        let tried = coordinators(&cloud);
        // Only a refusal is left to the next attempt.
        assert_eq!(tried.len(), if fault == Fault::Refused { 2 } else { 1 }, "{}", fault.name());
        let first = report(&tried[0]);
        let failed = usize::from(fault == Fault::Refused);
        assert_eq!(first["shards"], json!({"submitted": 4 - failed, "failed": failed}), "{}: {first:#}", fault.name());
        let open: Vec<_> = results(&tried[0]).into_iter().filter(|it| it["outcome"] == "failed").collect();
        assert_eq!(open.len(), failed, "{open:#?}");
        assert!(open.iter().all(|it| it["account"].is_string() && it["error"]["code"] == "AccessDenied"), "{open:#?}");
    }
}

#[tokio::test]
async fn two_coordinators_of_one_run_at_once_submit_each_shard_once() {
    let options = organization(4, "");
    let policy = options.policy.clone().unwrap();
    let cloud = cloud(options).await;
    let harness = Harness::of(cloud, &policy);
    let coordinate = |request_id: &'static str| {
        let invocation = harness.invocation(REMEDIATE, request_id);
        async {
            let reconciler = harness.reconciler(scenarios::REMEDIATION);
            respond_with::<remediate_flow_logs::RemediateFlowLogs>(&reconciler, invocation, TIMER).await
        }
    };
    let (one, other) = tokio::join!(coordinate("1-the-same"), coordinate("1-the-same"));
    harness.cloud.settled().await.unwrap();
    assert_eq!(one.run, other.run);
    assert!([&one, &other].iter().all(|report| report.shards.unwrap().submitted == 4 && report.incomplete().is_none()));
    each_was_swept_once(&harness.cloud, "one run");

    let again = coordinate("1-another").await;
    harness.cloud.settled().await.unwrap();
    assert_ne!(again.run, one.run, "another invocation is another run");
    assert!(requests(&harness.cloud).values().all(|ids| ids.len() == 2));
    assert_eq!(harness.cloud.flow_logs().len(), 4, "and does no harm");
}

#[tokio::test]
async fn a_shard_submits_nothing() {
    let cloud = cloud(organization(3, "")).await;
    let shard = json!({"flowkeeper": "shard", "run": "by-hand", "account": account(2), "regions": "all", "attempt": 1});
    let invocation = cloud.invoke(REMEDIATE, shard.to_string().as_bytes()).await.unwrap();
    assert!(invocation.success, "{:#}", invocation.body);
    assert_eq!((invocation.body["run"].as_str(), covered(&cloud).len()), (Some("by-hand"), 1));
    let other = cloud.invoke(CREATE_FLOW_LOG, shard.to_string().as_bytes()).await.unwrap();
    assert_eq!(results(&other)[0]["outcome"], "skipped", "a function without sweeps has no shards");
    cloud.settled().await.unwrap();
    assert!(cloud.calls_of("InvokeFunction").is_empty());

    let timer: Value = serde_json::from_slice(TIMER).unwrap();
    let batch = cloud.invoke(REMEDIATE, json!([shard, timer]).to_string().as_bytes()).await.unwrap();
    assert!(!batch.success, "{:#}", batch.body);
    assert!(batch.body.to_string().contains("a step of a sweep comes alone"), "{:#}", batch.body);
}

#[tokio::test]
async fn a_shard_that_fails_is_repeated_alone_and_the_last_step_names_it() {
    let named = format!("accounts: [{{id: '{}', role: 'acs:ram::{0}:role/flowkeeper'}}]\n", account(3));
    let mut options = organization(4, &named);
    options.member_roles.insert(account(3), MemberRole::Refusing);
    let cloud = cloud(options).await;
    sweep(&cloud).await;
    let attempts = |account: &str| steps(&cloud, "shard").iter().filter(|it| it.event["account"] == account).count();
    assert_eq!([1, 2, 3, 4].map(|number| attempts(&account(number))), [1, 1, 4, 1]);
    assert_eq!(cloud.dead_letters().len(), 1);
    ten_minutes_later(&cloud).await;
    let collect = steps(&cloud, "collect").remove(0);
    assert!(!collect.success, "{:#}", collect.body);
    let counts = json!({"submitted": 4, "done": 3, "failed": 1, "unfinished": 0});
    assert_eq!(collect.body["report"]["shards"], counts, "{:#}", collect.body);
    let failed = results(&collect);
    assert_eq!((failed.len(), failed[0]["account"].as_str()), (1, Some(account(3).as_str())), "{failed:#?}");
    assert!(failed[0]["reason"].as_str().unwrap().contains("NoPermission"), "{failed:#?}");
}

#[tokio::test]
async fn a_run_that_does_not_end_is_counted_again_a_few_times_and_then_fails_as_unfinished() {
    let cloud = cloud(organization(2, "")).await;
    sweep(&cloud).await;
    let run = coordinators(&cloud)[0].body["run"].as_str().unwrap().to_owned();
    // One more than Function Compute knows of.
    let collect = json!({"flowkeeper": "collect", "run": run, "submitted": 3, "attempt": 1}).to_string();
    let first = cloud.invoke(REMEDIATE, collect.as_bytes()).await.unwrap();
    assert!(first.success, "{:#}", first.body);
    let counts = json!({"submitted": 3, "done": 2, "failed": 0, "unfinished": 1});
    assert_eq!(first.body["shards"], counts);
    for _ in 0..8 {
        ten_minutes_later(&cloud).await;
    }
    let by_hand_and_later = steps(&cloud, "collect").into_iter().filter(|it| it.event["submitted"] == 3);
    let mut attempts: Vec<_> = by_hand_and_later.map(|it| (it.event["attempt"].as_u64().unwrap(), it)).collect();
    attempts.sort_by_key(|(attempt, it)| (*attempt, it.attempt));
    assert_eq!(attempts.iter().filter(|(_, it)| it.attempt == 1).count(), 7);
    assert!(attempts.iter().all(|(attempt, it)| it.success == (*attempt < 7)), "{attempts:#?}");
    let (_, last) = attempts.last().unwrap();
    assert_eq!(last.body["report"]["shards"], counts);
    assert_eq!(results(last)[0]["outcome"], "unfinished", "{:#}", last.body);
}

#[tokio::test]
async fn without_task_mode_shards_have_no_ids_and_nothing_counts_them() {
    let mut options = organization(3, "");
    options.parameters.insert("TaskMode".into(), "false".into());
    let cloud = cloud(options).await;
    cloud.fail("InvokeFunction", Fault::Reset, 1);
    sweep(&cloud).await;
    each_was_swept_once(&cloud, "without task mode");
    assert!(cloud.calls_of("InvokeFunction").iter().all(|call| !call.parameters.contains_key("x-fc-async-task-id")));
    ten_minutes_later(&cloud).await;
    assert!(steps(&cloud, "collect").is_empty());
}

#[tokio::test]
async fn a_dry_run_sweeps_each_account_and_writes_nothing() {
    let mut options = organization(3, "");
    options.parameters.insert("DryRun".into(), "true".into());
    let cloud = cloud(options).await;
    sweep(&cloud).await;
    assert_eq!(requests(&cloud).len(), 3);
    assert!(steps(&cloud, "shard").iter().all(|it| it.success && it.body["summary"]["planned"] == 1));
    assert!(cloud.flow_logs().is_empty());
    ten_minutes_later(&cloud).await;
    assert_eq!(steps(&cloud, "collect")[0].body["shards"]["done"], 3);
}

#[tokio::test]
async fn a_function_that_does_not_know_its_name_or_place_sweeps_every_account_itself() {
    let harness = Harness::with(ORGANIZATION, Options { policy: None, ..organization(3, "") }).await;
    for account in harness.cloud.accounts() {
        harness.cloud.operator(&account, "cn-hangzhou").create_vpc(&[]).await.unwrap();
    }
    let mut invocation = harness.invocation(REMEDIATE, "1-by-hand");
    invocation.function_name = None;
    let reconciler = harness.reconciler(scenarios::REMEDIATION);
    let report = respond_with::<remediate_flow_logs::RemediateFlowLogs>(&reconciler, invocation, TIMER).await;
    assert_eq!((report.incomplete(), report.summary.changed, report.shards), (None, 3, None), "{report:#?}");
    assert_eq!(report.run, "2026-03-02T04:00:00Z");
    assert!(harness.cloud.calls_of("InvokeFunction").is_empty());
}

#[tokio::test]
async fn an_organization_without_members_has_one_shard_or_none() {
    for (more, shards) in [("", 1), ("own_account: false\n", 0)] {
        let cloud = cloud(organization(1, more)).await;
        sweep(&cloud).await;
        let [coordinator] = coordinators(&cloud).try_into().unwrap();
        assert!(coordinator.success, "{:#}", coordinator.body);
        assert_eq!(coordinator.body["shards"], json!({"submitted": shards, "failed": 0}));
        assert_eq!(cloud.flow_logs().len(), shards);
        ten_minutes_later(&cloud).await;
        assert_eq!(steps(&cloud, "collect").len(), shards, "there is nothing to count");
    }
}

#[tokio::test]
async fn a_directory_of_ten_thousand_accounts_is_listed_and_those_in_scope_are_submitted() {
    let (all, left_out) = (10_001, 9_500);
    let folder = |directory, number| Directory::with_member(directory, &account(number), "fd-sandbox");
    let directory = Directory::new().with_folder("fd-sandbox", "Sandbox", Directory::ROOT);
    let directory = (2..left_out + 2).fold(directory, folder);
    let options = Options { directory: Some(directory), policy: Some(POLICY.to_owned()), ..organization(all, "") };
    let policy = format!(
        "{POLICY}own_account: false\nresource_directory: {{role: flowkeeper, exclude: {{folders: [fd-sandbox]}}}}\n"
    );
    let harness = Harness::of(whole_cloud(options).await.unwrap(), &policy);
    // Under this name there is a function without sweeps, which ends each shard at once.
    let report = harness.respond::<remediate_flow_logs::RemediateFlowLogs>(CREATE_FLOW_LOG, TIMER).await;
    let shards = report.shards.unwrap();
    assert_eq!((shards.submitted, shards.failed, report.incomplete()), (500, 0, None));
    let calls = harness.cloud.calls();
    let count = |action: &str| calls.iter().filter(|call| call.action == action).count();
    assert_eq!((count("ListAccounts"), count("InvokeFunction")), (100, 501), "a collect step, too");
    // Of the accounts that are left out, some are listed, and all are counted.
    assert_eq!((report.results.len(), report.summary.skipped, report.summary.unlisted), (200, 9_500, 9_300));
}

#[tokio::test]
async fn an_account_that_a_listing_loses_while_it_is_read_is_found_by_the_repetition() {
    let cloud = cloud(organization(6, "")).await;
    // The pages say that there are more members than they show, as when the list changes between them.
    cloud.fail("ListAccounts", Fault::SmallPages(2), 3);
    let more = local_cloud::Rewrite::value(|json| json["TotalCount"] = json!(9));
    cloud.rewrite("ListAccounts", more, 3);
    sweep(&cloud).await;
    let tried = coordinators(&cloud);
    assert_eq!(tried.iter().map(|it| it.success).collect::<Vec<_>>(), [false, true], "{tried:#?}");
    let first = results(&tried[0]);
    assert_eq!(first[0]["reason"], "the directory could not be read: accounts unknown");
    assert_eq!(report(&tried[0])["shards"], json!({"submitted": 1, "failed": 0}), "its own account");
    each_was_swept_once(&cloud, "a listing that changed");
}

#[tokio::test]
async fn a_directory_that_changes_while_it_is_listed_is_listed_again_and_no_member_is_skipped() {
    type Change = fn(Directory) -> Directory;
    let changes: [(Change, &str, usize); 2] = [
        // All that follow move back by one, and one of them is on no page.
        (|directory| directory.without_member(&account(50)), "shows 148 of the 149 items", 149),
        // All that follow move on by one, and one of them is on both pages.
        (|directory| directory.with_member("1000000000000000", Directory::ROOT), "shows 149 of the 150 items", 151),
    ];
    for (change, said, accounts) in changes {
        let options = organization(150, "");
        let policy = options.policy.clone().unwrap();
        let harness = Harness::of(whole_cloud(options).await.unwrap(), &policy);
        let cloud = &harness.cloud;
        // The first page arrives when the clock has moved.
        cloud.fail("ListAccounts", Fault::Slow(Duration::from_secs(1)), 1);
        // Under this name there is a function without sweeps, which ends each shard at once.
        let coordinate = || harness.respond::<remediate_flow_logs::RemediateFlowLogs>(CREATE_FLOW_LOG, TIMER);
        let (first, ()) = tokio::join!(coordinate(), async {
            cloud.wait_until("a page was read", |it| !it.calls_of("ListAccounts").is_empty()).await.unwrap();
            cloud.edit_directory(change);
            cloud.clock().advance(Duration::from_secs(1));
        });
        let [item] = first.results.as_slice() else { panic!("{first:#?}") };
        assert_eq!(item.reason, "the directory could not be read: accounts unknown");
        assert!(item.error.as_ref().unwrap().message.contains(said), "{item:#?}");
        assert_eq!((first.shards.unwrap().submitted, first.incomplete().is_some()), (1, true), "it is repeated");
        let repeated = coordinate().await;
        assert_eq!((repeated.shards.unwrap().submitted, repeated.incomplete()), (accounts, None), "{repeated:#?}");
    }
}

#[tokio::test]
async fn two_runs_at_once_do_the_work_once() {
    let options = organization(12, "");
    let policy = options.policy.clone().unwrap();
    let harness = Harness::of(cloud(options).await, &policy);
    let coordinate = async |request_id| {
        let invocation = harness.invocation(REMEDIATE, request_id);
        let reconciler = harness.reconciler(scenarios::REMEDIATION);
        respond_with::<remediate_flow_logs::RemediateFlowLogs>(&reconciler, invocation, TIMER).await
    };
    let (one, other) = tokio::join!(coordinate("1-one"), coordinate("1-other"));
    assert_ne!(one.run, other.run);
    harness.cloud.settled().await.unwrap();
    let shards = steps(&harness.cloud, "shard");
    assert!(shards.len() == 24 && shards.iter().all(|it| it.success), "{shards:#?}");
    assert!(requests(&harness.cloud).values().all(|ids| ids.len() == 2));
    let instances: BTreeSet<_> = shards.iter().map(|it| it.instance.clone()).collect();
    assert!(instances.len() > 1, "they meet in one instance and in several: {instances:?}");
    let covered: BTreeSet<_> = harness.cloud.flow_logs().into_iter().map(|it| it.resource_id).collect();
    assert_eq!((covered.len(), harness.cloud.flow_logs().len()), (12, 12), "one flow log on each VPC");
}

#[tokio::test]
async fn ten_thousand_accounts_are_all_submitted_within_the_time_of_one_invocation() {
    let mut options = organization(10_000, "");
    options.parameters.insert("MaxSweepInstances".into(), "1".into());
    let policy = options.policy.clone().unwrap();
    let harness = Harness::of(whole_cloud(options).await.unwrap(), &policy);
    // What is submitted waits in the queue: the only instance is busy.
    harness.cloud.fail("GetAccount", Fault::Hang, u32::MAX);
    let began = harness.now();
    let report = harness.respond::<remediate_flow_logs::RemediateFlowLogs>(REMEDIATE, TIMER).await;
    assert_eq!(report.incomplete(), None, "{:#?}", report.results);
    let shards = report.shards.unwrap();
    assert_eq!((shards.submitted, shards.failed, report.results.len()), (10_000, 0, 0));
    let calls = harness.cloud.calls();
    let tasks: BTreeSet<_> = calls.iter().filter_map(|call| call.parameters.get("x-fc-async-task-id")).collect();
    let lists = calls.iter().filter(|call| call.action == "ListAccounts").count();
    assert_eq!((lists, tasks.len()), (100, 10_001), "a collect step, too");
    // The pace alone. Each page waits for the one before it: 100 answers after 200 ms are another 20 s.
    let took = harness.now().duration_since(began).as_secs();
    assert!((400..500).contains(&took), "{took} s of the 570 that a coordinator has");
    assert_eq!(harness.cloud.processes(REMEDIATE).len(), 1);
}
