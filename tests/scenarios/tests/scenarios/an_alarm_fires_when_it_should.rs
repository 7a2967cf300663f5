//! Each alarm of `template.yml` fires when something is wrong, and stays quiet while nothing is.
//!
//! The alerts are evaluated over the lines that the functions really write, so one that can never fire is found here.

use std::{collections::BTreeSet, fs, time::Duration};

use local_cloud::{
    Alarm, Clock, Directory, EventBus, Fault, LocalCloud, LogRecord, MemberRole, OWN_ACCOUNT, Options, Rewrite,
    SECOND_ACCOUNT, Timers,
};
use scenarios::{
    ACTIVATE, CREATE_ECR, CREATE_FLOW_LOG, DEACTIVATE, DELETE_ORPHANED, EVIDENCE_BUCKET, REMEDIATE, REPORT, TIMER,
    call_event, uncovered_vpcs, vpc_created, whole_cloud,
};
use serde_json::{Value, json};

/// This file, in which every alarm has to be.
const THIS_FILE: &str = include_str!("an_alarm_fires_when_it_should.rs");
/// The runbook.
const RUNBOOK: &str = include_str!("../../../../docs/operations.md");
const ORGANIZATION: &str = "flow_log: {project: flowlog, log_store: vpc}\nresource_directory: {role: flowkeeper}\n";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn options() -> Options {
    let parameters = [
        ("AlertActionPolicy", "sls.builtin"),
        ("AlarmContactGroups", "team"),
        ("MaxSweepInstances", "1"),
        ("HubBus", "flowkeeper"),
        EVIDENCE_BUCKET,
    ];
    Options {
        parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        clock: Clock::manual(Clock::real().now()),
        timers: Timers::ByHand,
        triggers_of: Some(CREATE_FLOW_LOG.to_owned()),
        event_buses: vec![EventBus::new(OWN_ACCOUNT, "cn-hangzhou", "flowkeeper")],
        // Retries do not wait for the clock.
        retry_delay: Duration::ZERO,
        ..Options::default()
    }
}

/// Lets time pass, so that what happened is older than now.
fn pass(cloud: &LocalCloud, time: Duration) {
    cloud.clock().advance(time);
}

async fn sweep(cloud: &LocalCloud) {
    cloud.invoke(REMEDIATE, TIMER).await.unwrap();
    cloud.settled().await.unwrap();
    pass(cloud, MINUTE);
}

/// Starts a cloud in which a VPC has its flow log, and the timers have fired. No alarm fires.
async fn quiet_cloud(options: Options) -> LocalCloud {
    let cloud = whole_cloud(options).await.unwrap();
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    for function in [ACTIVATE, DEACTIVATE, CREATE_ECR] {
        cloud.invoke(function, TIMER).await.unwrap();
    }
    sweep(&cloud).await;
    assert_eq!(cloud.alarms().unwrap(), []);
    cloud
}

/// Returns an alarm by its name without the prefix, if it fires.
fn alarm(cloud: &LocalCloud, name: &str) -> Option<Alarm> {
    let name = format!("flowkeeper-{name}");
    assert!(cloud.alarm_names().contains(&name), "{name} is none of {:?}", cloud.alarm_names());
    cloud.alarms().unwrap().into_iter().find(|alarm| alarm.name == name)
}

/// Asserts that an alarm fires, with this severity and these values in its first row.
#[track_caller]
fn fires(cloud: &LocalCloud, name: &str, severity: &str, row: &Value) {
    let alarm = alarm(cloud, name).unwrap_or_else(|| panic!("{name} does not fire: {:#?}", cloud.alarms()));
    assert_eq!((alarm.severity.as_str(), json!(alarm.rows.first())), (severity, row.clone()), "{name}");
}

#[track_caller]
fn is_quiet(cloud: &LocalCloud, name: &str) {
    assert_eq!(alarm(cloud, name), None);
}

/// The event of a call that names no resource that exists.
fn broken_event() -> Value {
    call_event("Vpc", "CreateVpc", &json!({"VpcId": "not an id"}))
}

#[tokio::test]
async fn failures_and_invocations_without_a_report() {
    let cloud = quiet_cloud(options()).await;
    let [vpc] = uncovered_vpcs(&cloud, 1).await.try_into().unwrap();
    cloud.fail("CreateFlowLog", Fault::Code("QuotaExceeded.FlowlogCount"), 1);
    cloud.invoke(CREATE_FLOW_LOG, vpc_created(&vpc).to_string().as_bytes()).await.unwrap();
    pass(&cloud, MINUTE);
    fires(&cloud, "failed", "8", &json!({"code": "QuotaExceeded.FlowlogCount", "n": 1}));
    is_quiet(&cloud, "unknown");
    is_quiet(&cloud, "access-denied");
    pass(&cloud, 20 * MINUTE);
    is_quiet(&cloud, "failed");
    cloud.invoke(CREATE_FLOW_LOG, b"no event").await.unwrap();
    pass(&cloud, MINUTE);
    fires(&cloud, "failed", "8", &json!({"code": "UnknownEvent", "n": 1}));
}

#[tokio::test]
async fn a_tenth_of_the_attempts_of_a_function_if_they_are_more_than_one_event_has() {
    let cloud = quiet_cloud(options()).await;
    let fail = async || cloud.invoke(CREATE_FLOW_LOG, b"no event").await.unwrap();
    let vpc = vpc_created(&cloud.flow_logs()[0].resource_id).to_string();
    let succeed = async || assert!(cloud.invoke(CREATE_FLOW_LOG, vpc.as_bytes()).await.unwrap().success);
    // One of three, as in a night.
    fail().await;
    succeed().await;
    pass(&cloud, MINUTE);
    is_quiet(&cloud, "error-rate");
    pass(&cloud, 3 * HOUR);
    // An event that fails for good, and three retries.
    cloud.publish(&broken_event());
    cloud.settled().await.unwrap();
    pass(&cloud, MINUTE);
    is_quiet(&cloud, "error-rate");
    fail().await;
    pass(&cloud, MINUTE);
    fires(&cloud, "error-rate", "8", &json!({"function": CREATE_FLOW_LOG, "failed": 5, "attempts": 5}));
    for _ in 0..45 {
        succeed().await;
    }
    pass(&cloud, MINUTE);
    fires(&cloud, "error-rate", "8", &json!({"function": CREATE_FLOW_LOG, "failed": 5, "attempts": 50}));
    succeed().await;
    pass(&cloud, MINUTE);
    is_quiet(&cloud, "error-rate");
}

#[tokio::test]
async fn a_function_that_dies_without_a_line() {
    let cloud = quiet_cloud(options()).await;
    let [vpc] = uncovered_vpcs(&cloud, 1).await.try_into().unwrap();
    cloud.fail("CreateFlowLog", Fault::FunctionKilled, 5);
    for _ in 0..5 {
        let died = cloud.invoke(CREATE_FLOW_LOG, vpc_created(&vpc).to_string().as_bytes()).await.unwrap();
        assert!(!died.success && died.status.is_none(), "{:#}", died.body);
    }
    pass(&cloud, MINUTE);
    fires(&cloud, "error-rate", "8", &json!({"function": CREATE_FLOW_LOG, "failed": 5, "attempts": 7}));
    is_quiet(&cloud, "failed");
    let kinds = "hasFunctionError: true | select errorType as kind, count(*) as n group by kind";
    assert_eq!(json!(cloud.query_lines(kinds).unwrap()), json!([{"kind": "FunctionUnhandledError", "n": 5}]));
}

#[tokio::test]
async fn regions_that_could_not_be_read() {
    let cloud = quiet_cloud(options()).await;
    cloud.fail("DescribeFlowLogs", Fault::Code("InvalidParameter"), 1);
    sweep(&cloud).await;
    fires(&cloud, "unknown", "8", &json!({"account": OWN_ACCOUNT, "region": "cn-hangzhou", "n": 1}));
    is_quiet(&cloud, "failed");
}

#[tokio::test]
async fn an_item_of_a_list_that_could_not_be_read() {
    let cloud = quiet_cloud(options()).await;
    cloud.rewrite("DescribeVpcs", Rewrite::value(|answer| answer["Vpcs"]["Vpc"][0]["VpcId"] = json!({})), u32::MAX);
    sweep(&cloud).await;
    fires(&cloud, "unknown", "8", &json!({"account": OWN_ACCOUNT, "region": "cn-hangzhou", "n": 1}));
    is_quiet(&cloud, "failed");
}

#[tokio::test]
async fn uncovered_resources_until_a_sweep_has_covered_them() {
    let cloud = quiet_cloud(options()).await;
    uncovered_vpcs(&cloud, 2).await;
    cloud.fail("CreateFlowLog", Fault::Code("QuotaExceeded.FlowlogCount"), 2);
    sweep(&cloud).await;
    let uncovered = alarm(&cloud, "uncovered").unwrap();
    assert_eq!((uncovered.severity.as_str(), &uncovered.rows[0]["n"]), ("8", &json!(2)));
    // An invocation without a report has found nothing, and that is not the same as none.
    cloud.invoke(REMEDIATE, b"no event").await.unwrap();
    pass(&cloud, MINUTE);
    assert_eq!(alarm(&cloud, "uncovered").unwrap().rows, uncovered.rows);
    sweep(&cloud).await;
    is_quiet(&cloud, "uncovered");
}

#[tokio::test]
async fn findings_until_the_latest_sweep_has_none() {
    let cloud = quiet_cloud(options()).await;
    let vpc = cloud.create_vpc(&[("flowkeeper", "ingore")]).await.unwrap();
    cloud.settled().await.unwrap();
    sweep(&cloud).await;
    fires(&cloud, "findings", "4", &json!({"n": 1}));
    is_quiet(&cloud, "uncovered");
    cloud.edit_vpc(&vpc, |vpc| vpc.tags.clear());
    sweep(&cloud).await;
    is_quiet(&cloud, "findings");
}

#[tokio::test]
async fn a_flow_log_that_does_not_deliver() {
    let cloud = quiet_cloud(options()).await;
    let flow_log = cloud.flow_logs().remove(0);
    cloud.edit_flow_log(&flow_log.id, |it| it.deliver_status = "FAILED".into());
    sweep(&cloud).await;
    let row = json!({"flow_log": flow_log.id, "resource": flow_log.resource_id, "n": 1});
    fires(&cloud, "not-delivering", "8", &row);
    fires(&cloud, "uncovered", "8", &json!({"n": 1}));
    is_quiet(&cloud, "not-arriving");
}

#[tokio::test]
async fn records_that_are_lost_by_the_proof_of_the_day() {
    let cloud = quiet_cloud(options()).await;
    let flow_log = cloud.flow_logs().remove(0);
    let vswitch = cloud.create_vswitch(&flow_log.resource_id).await.unwrap();
    let interface = cloud.create_network_interface(&vswitch).await.unwrap();
    cloud.settled().await.unwrap();
    let now = cloud.clock().now();
    // A flow log that is new proves nothing.
    cloud.edit_flow_log(&flow_log.id, |it| it.created = now - 24 * HOUR);
    let lost = LogRecord::of_flow_log(&flow_log.resource_id, &vswitch, &interface, "SKIPDATA", now - 5 * MINUTE);
    cloud.write_records(&flow_log.project, &flow_log.log_store, [lost]);
    pass(&cloud, MINUTE);
    is_quiet(&cloud, "not-arriving");
    cloud.invoke(REPORT, TIMER).await.unwrap();
    let row = json!({"flow_log": flow_log.id, "resource": flow_log.resource_id, "n": 1});
    for after in [MINUTE, 2 * HOUR, 21 * HOUR] {
        pass(&cloud, after);
        sweep(&cloud).await;
        fires(&cloud, "not-arriving", "8", &row);
        // The API says that it is in order, and so do the sweeps.
        is_quiet(&cloud, "not-delivering");
        is_quiet(&cloud, "uncovered");
    }
    pass(&cloud, HOUR);
    is_quiet(&cloud, "not-arriving");
}

#[tokio::test]
async fn limits_that_refuse_changes() {
    let policy = "flow_log: {project: flowlog, log_store: vpc}\nlimits: {max_creations: 1}\n";
    let cloud = quiet_cloud(Options { policy: Some(policy.to_owned()), ..options() }).await;
    uncovered_vpcs(&cloud, 2).await;
    sweep(&cloud).await;
    fires(&cloud, "too-many-changes", "10", &json!({"n": 1}));
    is_quiet(&cloud, "failed");
}

#[tokio::test]
async fn a_right_that_a_role_lacks() {
    let cloud = quiet_cloud(options().without_permission("RemediateFlowLogsRole", "vpc:CreateFlowLog")).await;
    uncovered_vpcs(&cloud, 1).await;
    pass(&cloud, 20 * MINUTE);
    is_quiet(&cloud, "access-denied");
    sweep(&cloud).await;
    fires(&cloud, "access-denied", "10", &json!({"code": "Forbidden.RAM", "account": OWN_ACCOUNT, "n": 2}));
}

/// Starts a cloud with an organization of three accounts, and sweeps it.
async fn swept_organization(options: Options) -> LocalCloud {
    let mut options = Options {
        accounts: 3,
        directory: Some(Directory::new()),
        policy: Some(ORGANIZATION.to_owned()),
        regions: Vec::new(),
        triggers_of: None,
        ..options
    };
    options.parameters.insert("UseResourceDirectory".to_owned(), "true".to_owned());
    let cloud = whole_cloud(options).await.unwrap();
    cloud.fire_timer(REMEDIATE, "sweep").unwrap();
    cloud.settled().await.unwrap();
    pass(&cloud, MINUTE);
    cloud
}

#[tokio::test]
async fn most_members_refuse_because_the_functions_own_role_lacks_the_right_to_assume_theirs() {
    let cloud = swept_organization(options()).await;
    is_quiet(&cloud, "roles-refused");
    is_quiet(&cloud, "no-sweep-in-2h");
    pass(&cloud, 10 * MINUTE);
    cloud.settled().await.unwrap();
    pass(&cloud, MINUTE);
    let kinds = "message.line: summary | select \"message.kind\" as kind, count(*) as n group by kind order by kind";
    let counted = json!([{"kind": "collect", "n": 1}, {"kind": "coordinator", "n": 1}, {"kind": "shard", "n": 3}]);
    assert_eq!(json!(cloud.query_lines(kinds).unwrap()), counted);

    let one = [(SECOND_ACCOUNT.to_owned(), MemberRole::Refusing)].into();
    let not_rolled_out = swept_organization(Options { member_roles: one, ..options() }).await;
    is_quiet(&not_rolled_out, "roles-refused");

    let refused = swept_organization(options().without_permission("RemediateFlowLogsRole", "sts:AssumeRole")).await;
    assert!(refused.invocations().iter().all(|invocation| invocation.success), "the run stays green");
    fires(&refused, "roles-refused", "10", &json!({"n": 2, "refused": 2, "members": 2}));
    is_quiet(&refused, "access-denied");
}

#[tokio::test]
async fn accounts_of_an_organization_that_are_not_swept() {
    let cloud = swept_organization(options()).await;
    let coordinator = cloud.invocations().into_iter().find(|it| it.body["shards"].is_object()).unwrap();
    // One more than Function Compute knows of.
    let collect = json!({"flowkeeper": "collect", "run": coordinator.body["run"], "submitted": 4, "attempt": 1});
    let first = cloud.invoke(REMEDIATE, collect.to_string().as_bytes()).await.unwrap();
    assert_eq!(first.body["shards"]["unfinished"], 1, "{:#}", first.body);
    for attempt in 2..=7 {
        is_quiet(&cloud, "failed");
        is_quiet(&cloud, "no-sweep-in-2h");
        pass(&cloud, 10 * MINUTE);
        cloud.settled().await.unwrap();
        pass(&cloud, MINUTE);
        assert!(cloud.invocations().iter().any(|it| it.event["attempt"] == attempt), "{attempt}");
    }
    // The last attempt, and three retries.
    fires(&cloud, "failed", "8", &json!({"code": "collect", "n": 4}));
    let given_up = "message.kind: collect and message.unfinished > 0";
    assert_eq!(cloud.query_lines(given_up).unwrap().len(), 4);
}

#[tokio::test]
async fn sweeps_that_do_not_happen() {
    let cloud = quiet_cloud(Options { triggers_of: None, ..options() }).await;
    pass(&cloud, 100 * MINUTE);
    is_quiet(&cloud, "no-sweep-in-2h");
    pass(&cloud, 30 * MINUTE);
    // An event is no sweep.
    let flow_log = cloud.flow_logs().remove(0);
    cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log.id)]).await.unwrap();
    cloud.settled().await.unwrap();
    // Neither is an invocation without a report.
    cloud.invoke(REMEDIATE, b"no event").await.unwrap();
    pass(&cloud, MINUTE);
    assert_eq!(cloud.query_lines("message.line: summary and message.error_type: UnknownEvent").unwrap().len(), 1);
    fires(&cloud, "no-sweep-in-2h", "8", &json!({"n": 0}));
    sweep(&cloud).await;
    is_quiet(&cloud, "no-sweep-in-2h");
}

#[tokio::test]
async fn flow_logs_that_stay_off_because_nobody_activates_them() {
    let cloud = quiet_cloud(options()).await;
    pass(&cloud, 40 * MINUTE);
    is_quiet(&cloud, "no-activation-in-45m");
    pass(&cloud, 10 * MINUTE);
    fires(&cloud, "no-activation-in-45m", "8", &json!({"n": 0}));
    is_quiet(&cloud, "no-sweep-in-2h");
    cloud.invoke(ACTIVATE, TIMER).await.unwrap();
    pass(&cloud, MINUTE);
    is_quiet(&cloud, "no-activation-in-45m");
}

#[tokio::test]
async fn flow_logs_that_stay_on_because_nobody_pauses_them() {
    let cloud = quiet_cloud(options()).await;
    pass(&cloud, 40 * MINUTE);
    is_quiet(&cloud, "no-pause-in-45m");
    pass(&cloud, 10 * MINUTE);
    fires(&cloud, "no-pause-in-45m", "4", &json!({"n": 0}));
    cloud.invoke(DEACTIVATE, TIMER).await.unwrap();
    pass(&cloud, MINUTE);
    is_quiet(&cloud, "no-pause-in-45m");
}

#[tokio::test]
async fn routers_that_nobody_looks_at() {
    let cloud = quiet_cloud(options()).await;
    pass(&cloud, 40 * MINUTE);
    is_quiet(&cloud, "no-router-sweep-in-45m");
    pass(&cloud, 10 * MINUTE);
    fires(&cloud, "no-router-sweep-in-45m", "8", &json!({"n": 0}));
    cloud.invoke(CREATE_ECR, TIMER).await.unwrap();
    pass(&cloud, MINUTE);
    is_quiet(&cloud, "no-router-sweep-in-45m");
}

#[tokio::test]
async fn orphans_that_nobody_looks_for() {
    let cloud = quiet_cloud(Options { triggers_of: None, ..options() }).await;
    pass(&cloud, 46 * HOUR);
    is_quiet(&cloud, "no-orphan-sweep-in-48h");
    // An event is no sweep.
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
    cloud.settled().await.unwrap();
    pass(&cloud, 3 * HOUR);
    fires(&cloud, "no-orphan-sweep-in-48h", "4", &json!({"n": 0}));
    cloud.invoke(DELETE_ORPHANED, TIMER).await.unwrap();
    pass(&cloud, MINUTE);
    is_quiet(&cloud, "no-orphan-sweep-in-48h");
    pass(&cloud, 47 * HOUR);
    is_quiet(&cloud, "no-orphan-sweep-in-48h");
}

#[tokio::test]
async fn reports_that_are_not_written() {
    let cloud = quiet_cloud(options()).await;
    let report = async || cloud.invoke(REPORT, TIMER).await.unwrap().body.to_string();
    assert!(report().await.contains(" is written: "));
    pass(&cloud, 48 * HOUR);
    is_quiet(&cloud, "no-report-in-48h");
    // A run whose report is nowhere is no report.
    fs::remove_dir_all(cloud.bucket(EVIDENCE_BUCKET.1)).unwrap();
    assert!(report().await.contains("the report could not be written"));
    pass(&cloud, 2 * HOUR);
    fires(&cloud, "no-report-in-48h", "6", &json!({"n": 0}));
    fs::create_dir_all(cloud.bucket(EVIDENCE_BUCKET.1)).unwrap();
    assert!(report().await.contains(" is written: "));
    pass(&cloud, MINUTE);
    is_quiet(&cloud, "no-report-in-48h");
}

#[tokio::test]
async fn sweeps_that_a_timer_asks_for_once_a_month() {
    let mut options = options();
    options.parameters.insert("MaxHoursWithoutSweep".to_owned(), (62 * 24).to_string());
    let cloud = quiet_cloud(options).await;
    pass(&cloud, 61 * 24 * HOUR);
    is_quiet(&cloud, "no-sweep-in-1488h");
    pass(&cloud, 26 * HOUR);
    fires(&cloud, "no-sweep-in-1488h", "8", &json!({"n": 0}));
    sweep(&cloud).await;
    is_quiet(&cloud, "no-sweep-in-1488h");
}

#[tokio::test]
async fn somebody_who_undoes_every_repair() {
    let cloud = quiet_cloud(Options { triggers_of: None, ..options() }).await;
    let flow_log = cloud.flow_logs().remove(0);
    for times in 1..=4 {
        cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log.id)]).await.unwrap();
        cloud.settled().await.unwrap();
        pass(&cloud, MINUTE);
        assert_eq!(alarm(&cloud, "fight").is_some(), times > 3, "{times}");
    }
    fires(&cloud, "fight", "6", &json!({"resource": flow_log.resource_id, "n": 4}));
}

#[tokio::test]
async fn many_changes_that_one_sweep_needs_are_no_fight() {
    let policy = "flow_log: {project: flowlog, log_store: vpc, resource_group_id: rg-a, tags: {team: network}}\n";
    let cloud = quiet_cloud(Options { policy: Some(policy.to_owned()), ..options() }).await;
    let flow_log = cloud.flow_logs().remove(0);
    let changes = format!("message.outcome: done and message.resource_id: {}", flow_log.resource_id);
    let made = || cloud.query_lines(&changes).unwrap().len();
    let before = made();
    for (sweeps, is_fight) in [(1, false), (2, false), (3, false), (4, true)] {
        cloud.edit_flow_log(&flow_log.id, |it| {
            it.status = "Inactive".to_owned();
            it.description = "mine".to_owned();
            it.resource_group_id = "rg-b".to_owned();
            it.tags.remove("team");
        });
        // Each timer has a time of its own.
        let timer = json!({"triggerTime": cloud.now(), "triggerName": "sweep", "payload": ""});
        cloud.invoke(REMEDIATE, timer.to_string().as_bytes()).await.unwrap();
        pass(&cloud, MINUTE);
        assert_eq!(made(), before + 4 * sweeps, "four changes in each sweep");
        assert_eq!(alarm(&cloud, "fight").is_some(), is_fight, "{sweeps}");
    }
    fires(&cloud, "fight", "6", &json!({"resource": flow_log.resource_id, "n": 4}));
}

#[tokio::test]
async fn events_that_exhausted_their_retries() {
    let cloud = quiet_cloud(options()).await;
    cloud.publish(&broken_event());
    cloud.settled().await.unwrap();
    pass(&cloud, MINUTE);
    fires(&cloud, "cn-hangzhou-dead-letters", "Critical", &json!({"resource": "flowkeeper-dead-letters cn-hangzhou"}));
    is_quiet(&cloud, "cn-hangzhou-dead-letters-lost");
    is_quiet(&cloud, "cn-hangzhou-events-lost");
}

#[tokio::test]
async fn dead_letters_that_could_not_be_written() {
    let cloud = quiet_cloud(options().without_permission("CreateFlowLogRole", "mns:SendMessage")).await;
    cloud.publish(&broken_event());
    cloud.settled().await.unwrap();
    let row = json!({"resource": "flowkeeper-create-flow-log cn-hangzhou"});
    fires(&cloud, "cn-hangzhou-dead-letters-lost", "Critical", &row);
    is_quiet(&cloud, "cn-hangzhou-dead-letters");
}

#[tokio::test]
async fn events_of_other_regions_that_no_function_takes() {
    let cloud = quiet_cloud(options()).await;
    pass(&cloud, MINUTE);
    cloud.leave_in_queue("flowkeeper-hub-remediate-flow-logs", "an event");
    pass(&cloud, 13 * MINUTE);
    is_quiet(&cloud, "cn-hangzhou-hub-queues");
    pass(&cloud, MINUTE);
    let row = json!({"resource": "flowkeeper-hub-remediate-flow-logs cn-hangzhou"});
    fires(&cloud, "cn-hangzhou-hub-queues", "Warn", &row);
    is_quiet(&cloud, "cn-hangzhou-dead-letters");
}

#[tokio::test]
async fn events_that_grew_too_old() {
    let cloud = quiet_cloud(Options { retry_delay: Duration::from_secs(1), ..options() }).await;
    let (others, before) = (cloud.clock().waiting(), cloud.invocations().len());
    cloud.publish(&broken_event());
    cloud.wait_until("it is tried", |cloud| cloud.invocations().len() > before).await.unwrap();
    while cloud.clock().waiting() == others {
        tokio::task::yield_now().await;
    }
    pass(&cloud, 70 * MINUTE);
    cloud.settled().await.unwrap();
    let row = json!({"resource": "flowkeeper-create-flow-log cn-hangzhou"});
    fires(&cloud, "cn-hangzhou-events-lost", "Critical", &row);
}

#[tokio::test]
async fn a_function_that_fails_in_two_quarters_of_an_hour() {
    let cloud = quiet_cloud(options()).await;
    cloud.invoke(CREATE_FLOW_LOG, b"no event").await.unwrap();
    is_quiet(&cloud, "cn-hangzhou-function-errors");
    pass(&cloud, 15 * MINUTE);
    cloud.invoke(CREATE_FLOW_LOG, b"no event").await.unwrap();
    let row = json!({"resource": "flowkeeper-create-flow-log cn-hangzhou"});
    fires(&cloud, "cn-hangzhou-function-errors", "Warn", &row);
    pass(&cloud, 15 * MINUTE);
    is_quiet(&cloud, "cn-hangzhou-function-errors");
}

#[tokio::test]
async fn a_function_that_is_throttled_for_an_hour() {
    let cloud = quiet_cloud(options()).await;
    for quarter in 1..=4 {
        // There is one instance, and it takes one request.
        let (one, other) = tokio::join!(cloud.invoke(ACTIVATE, TIMER), cloud.invoke(ACTIVATE, TIMER));
        assert_eq!([one.unwrap().success, other.unwrap().success], [true, false]);
        assert_eq!(alarm(&cloud, "cn-hangzhou-function-throttles").is_some(), quarter == 4, "{quarter}");
        pass(&cloud, 15 * MINUTE);
    }
    is_quiet(&cloud, "cn-hangzhou-function-throttles");
}

#[tokio::test]
async fn a_region_that_has_no_instance_left_for_half_an_hour() {
    let cloud = quiet_cloud(Options { requests_in_region: Some(1), ..options() }).await;
    for quarter in 1..=2 {
        let (one, other) = tokio::join!(cloud.invoke(ACTIVATE, TIMER), cloud.invoke(REMEDIATE, TIMER));
        assert_eq!([one.unwrap().success, other.unwrap().success], [true, false]);
        assert_eq!(alarm(&cloud, "cn-hangzhou-region-throttles").is_some(), quarter == 2, "{quarter}");
        pass(&cloud, 15 * MINUTE);
    }
    is_quiet(&cloud, "cn-hangzhou-function-throttles");
    is_quiet(&cloud, "cn-hangzhou-region-throttles");
}

#[tokio::test]
async fn a_machine_whose_clock_is_off() {
    let cloud = quiet_cloud(options()).await;
    // Only the cloud's clock moves on, so the machine's clock is behind.
    pass(&cloud, 10 * MINUTE);
    sweep(&cloud).await;
    is_quiet(&cloud, "clock");
    pass(&cloud, 10 * MINUTE);
    sweep(&cloud).await;
    fires(&cloud, "clock", "4", &json!({"function": REMEDIATE, "n": 1}));
    is_quiet(&cloud, "failed");
    pass(&cloud, 62 * MINUTE);
    is_quiet(&cloud, "clock");
}

#[tokio::test]
async fn every_alarm_of_the_template_is_here() {
    let cloud = whole_cloud(options()).await.unwrap();
    let names: BTreeSet<_> = cloud.alarm_names();
    assert_eq!(names.len(), 25, "{names:?}");
    for name in names {
        let name = name.strip_prefix("flowkeeper-").unwrap();
        let says = ["fires(&cloud", "fires(&refused"].map(|call| format!("{call}, \"{name}\""));
        let fires = says.iter().any(|says| THIS_FILE.contains(says));
        assert!(fires || THIS_FILE.contains(&format!("alarm(&cloud, \"{name}\").is_some()")), "{name}");
    }
}

/// The sections of the runbook about alarms: the name of each, and its text.
fn sections() -> Vec<(&'static str, &'static str)> {
    let (_, alarms) = RUNBOOK.split_once("\n## Alarms\n").unwrap();
    let alarms = alarms.split("\n## ").next().unwrap();
    alarms.split("\n### ").skip(1).map(|section| section.split_once('\n').unwrap()).collect()
}

#[tokio::test]
async fn each_alarm_has_a_section_in_the_runbook_that_says_what_it_means_how_to_look_and_what_to_do() {
    let cloud = whole_cloud(options()).await.unwrap();
    let short = |name: &String| {
        let name = name.trim_start_matches("flowkeeper-").trim_start_matches("cn-hangzhou-");
        name.split("-in-").next().unwrap().to_owned()
    };
    let alarms: BTreeSet<String> = cloud.alarm_names().iter().map(short).collect();
    let sections = sections();
    assert_eq!(sections.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), alarms);
    for (name, text) in sections {
        let places = ["**Means:** ", "**Look:** ", "**Do:** "].map(|part| text.find(part).ok_or(part).unwrap());
        assert!(places.is_sorted(), "{name}");
    }
}

#[tokio::test]
async fn the_queries_of_the_runbook_are_understood() {
    let cloud = quiet_cloud(options()).await;
    let queries: Vec<&str> = RUNBOOK.split("lines '").skip(1).map(|rest| rest.split_once('\'').unwrap().0).collect();
    assert!(queries.len() > 10, "{queries:?}");
    for query in queries {
        cloud.query_lines(query).unwrap();
    }
    let summaries = || cloud.query_lines("message.line: summary").unwrap().len();
    assert_eq!(summaries(), 5, "one for each invocation");
    cloud.invoke(CREATE_FLOW_LOG, b"no event").await.unwrap();
    pass(&cloud, MINUTE);
    assert_eq!(summaries(), 6, "without a report, too");
    for other in ["message.kind: \"without-report\"", "message.error_type: UnknownEvent", "hasFunctionError: true"] {
        assert_eq!(cloud.query_lines(other).unwrap().len(), 1, "{other}");
    }
}

#[tokio::test]
async fn nothing_is_made_for_those_who_did_not_say_who_hears_of_it() {
    let cloud = whole_cloud(Options { parameters: [].into(), ..options() }).await.unwrap();
    assert_eq!(cloud.alarm_names(), BTreeSet::new());
    let only_alerts = [("AlertActionPolicy".to_owned(), "sls.builtin".to_owned())].into();
    let alerts = whole_cloud(Options { parameters: only_alerts, ..options() }).await.unwrap().alarm_names();
    assert_eq!(alerts.len(), 16, "{alerts:?}");
    assert!(alerts.contains("flowkeeper-failed"));
    let without_schedules = [("AlertActionPolicy", "sls.builtin"), ("MaxMinutesWithoutSwitch", "0")];
    let parameters = without_schedules.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let fewer = whole_cloud(Options { parameters, ..options() }).await.unwrap().alarm_names();
    let left_out: Vec<_> = alerts.difference(&fewer).cloned().collect();
    let switches = ["no-activation-in-45m", "no-pause-in-45m", "no-router-sweep-in-45m"];
    assert_eq!(left_out, switches.map(|name| format!("flowkeeper-{name}")));
}

#[tokio::test]
async fn an_alert_that_would_always_fire_or_never_is_refused() {
    for (minutes, is_taken) in [("0", true), ("1", false), ("16", false), ("17", true), ("1440", true), ("1441", false)]
    {
        let mut options = options();
        options.parameters.insert("MaxMinutesWithoutSwitch".to_owned(), minutes.to_owned());
        assert_eq!(whole_cloud(options).await.is_ok(), is_taken, "{minutes}");
    }
}

#[tokio::test]
async fn each_chart_and_saved_search_finds_something() {
    let cloud = quiet_cloud(options()).await;
    uncovered_vpcs(&cloud, 1).await;
    cloud.fail("CreateFlowLog", Fault::Throttled, 1);
    cloud.fail_after(1, "CreateFlowLog", Fault::Code("QuotaExceeded.FlowlogCount"));
    sweep(&cloud).await;
    cloud.invoke(CREATE_FLOW_LOG, broken_event().to_string().as_bytes()).await.unwrap();
    cloud.invoke(DELETE_ORPHANED, b"no event").await.unwrap();
    pass(&cloud, MINUTE);
    let charts = cloud.charts().unwrap();
    assert_eq!(charts.len(), 11);
    let ran = |rows: &[_], function: &str| json!(rows).to_string().contains(&format!("\"{function}\""));
    let (_, runs) = charts.iter().find(|(title, _)| title == "runs of each function").unwrap();
    assert!(ran(runs, REMEDIATE) && !ran(runs, DELETE_ORPHANED), "a run has a report: {runs:?}");
    for (title, rows) in charts {
        assert!(!rows.is_empty(), "{title}");
        assert!(rows.iter().flat_map(|row| row.values()).any(|value| !value.is_null()), "{title}: {rows:?}");
    }
    for (name, lines) in cloud.saved_searches().unwrap() {
        // It is about members of an organization.
        assert_eq!(lines.is_empty(), name == "flowkeeper-not-rolled-out", "{name}");
    }
    let one = [(SECOND_ACCOUNT.to_owned(), MemberRole::Absent)].into();
    let organization = swept_organization(Options { member_roles: one, ..options() }).await;
    let searches = organization.saved_searches().unwrap();
    assert!(searches.iter().any(|(name, lines)| name == "flowkeeper-not-rolled-out" && !lines.is_empty()));
}
