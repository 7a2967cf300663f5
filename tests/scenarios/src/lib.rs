//! Shared by the scenarios: a local cloud with the functions of `template.yml`, and helpers to use it.

pub mod chaos;
mod harness;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use local_cloud::{Error, Functions, Invocation, LocalCloud, Options, Place, functions, template::default_path};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

pub use harness::{
    ACTIVATION, CREATION, DEACTIVATION, DELETION, ECR_CREATION, Harness, REMEDIATION, REMOVAL, TestMachine,
    create_kept_vpc, respond_with,
};

/// The name of the function `create-flow-log` in the template.
pub const CREATE_FLOW_LOG: &str = "flowkeeper-create-flow-log";

/// A policy that keeps flow logs at the level `network-interface`.
pub const EACH_NETWORK_INTERFACE: &str =
    "flow_log:\n  project: flowlog-{account}-{region}\n  log_store: vpc\ncoverage: network-interface\n";

/// The name of the function `activate-flow-logs` in the template.
pub const ACTIVATE: &str = "flowkeeper-activate-flow-logs";
/// See [`ACTIVATE`].
pub const DEACTIVATE: &str = "flowkeeper-deactivate-flow-logs";
/// See [`ACTIVATE`].
pub const REMEDIATE: &str = "flowkeeper-remediate-flow-logs";
/// See [`ACTIVATE`].
pub const DELETE_ORPHANED: &str = "flowkeeper-delete-orphaned-flow-logs";
/// See [`ACTIVATE`].
pub const CREATE_ECR: &str = "flowkeeper-create-ecr-flow-log";
/// See [`ACTIVATE`].
pub const OPEN_SERVICE: &str = "flowkeeper-open-flow-log-service";

/// See [`ACTIVATE`]. Only with [`EVIDENCE_BUCKET`].
pub const REPORT: &str = "flowkeeper-report-flow-logs";

/// The parameter of `template.yml` that makes `report-flow-logs`, and the bucket of the scenarios.
pub const EVIDENCE_BUCKET: (&str, &str) = ("EvidenceBucket", "evidence");

/// The event of a Function Compute timer.
pub const TIMER: &[u8] = br#"{"triggerTime":"2026-03-02T04:00:00Z","triggerName":"sweep","payload":""}"#;

/// The event of the step that counts how the shards of a run ended, for a run without shards.
pub const COLLECT: &[u8] = br#"{"flowkeeper":"collect","run":"r20260302T040000Z-0","submitted":0,"attempt":1}"#;

/// Starts a cloud with `options` in which events trigger only `create-flow-log`. The other functions can be invoked.
///
/// # Errors
/// The functions do not build, or the cloud does not start.
pub async fn cloud(options: Options) -> Result<LocalCloud, Error> {
    whole_cloud(Options { triggers_of: Some(CREATE_FLOW_LOG.to_owned()), ..options }).await
}

/// Starts a cloud with `options`, with all functions, built from the current source, and all their triggers.
///
/// The template's parameters are those that suit the policy, unless `options` override them. `report-flow-logs`, which
/// changes nothing and reads everything every day, is there only if they have [`EVIDENCE_BUCKET`].
///
/// # Errors
/// The functions do not build, or the cloud does not start.
pub async fn whole_cloud(options: Options) -> Result<LocalCloud, Error> {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    let build = || async { functions::build_of(&default_path(), &parameters()).await };
    let folder = BUILT.get_or_try_init(build).await?;
    let mut parameters = parameters();
    parameters.remove(EVIDENCE_BUCKET.0);
    if options.policy.as_deref().is_some_and(|policy| policy.contains("foreign: manage")) {
        parameters.insert("ManageForeignFlowLogs".into(), "true".into());
    }
    parameters.extend(options.parameters.clone());
    LocalCloud::start(Options { functions: Functions::Built(folder.clone()), parameters, ..options }).await
}

/// The parameters of `template.yml` that enable every function, name the role in the second account, and let projects be
/// created whose names begin with `flowlog`.
#[must_use]
pub fn parameters() -> BTreeMap<String, String> {
    let values = [
        ("KeepEcrFlowLogs", "true"),
        ("MemberRoleName", "flowkeeper"),
        ("CreateDestinations", "flowlog"),
        EVIDENCE_BUCKET,
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The places whose events are forwarded to the functions, as [`Options::forwarded`] has them: pairs of account and region.
#[must_use]
pub fn forwarded(places: &[(&str, &str)]) -> Vec<Place> {
    let place =
        |(account, region): &(&str, &str)| Place { account: (*account).to_owned(), region: (*region).to_owned() };
    places.iter().map(place).collect()
}

/// Finds the process in `/proc` that was started with this environment variable, such as a function by its endpoint.
///
/// # Panics
/// There is no such process.
#[must_use]
#[expect(clippy::unwrap_used, reason = "only tests come here")]
pub fn process(name: &str, value: &str) -> PathBuf {
    let mut processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    processes.find(|process| variable(process, name).is_some_and(|found| found == value)).unwrap()
}

/// Returns a variable of the environment that a process was started with.
#[must_use]
pub fn variable(process: &Path, name: &str) -> Option<String> {
    let environment = std::fs::read(process.join("environ")).ok()?;
    let environment = String::from_utf8_lossy(&environment);
    environment.split('\0').find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

/// Returns the results in the report of an invocation, whether it succeeded or failed.
#[must_use]
pub fn results(invocation: &Invocation) -> Vec<Value> {
    let body = &invocation.body;
    let results = body.get("results").or_else(|| body.pointer("/report/results"));
    results.and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Returns the only result in the report of an invocation.
///
/// # Panics
/// There is no result, or more than one.
#[must_use]
#[track_caller]
pub fn result(invocation: &Invocation) -> Value {
    let results = results(invocation);
    assert_eq!(results.len(), 1, "{:#}", invocation.body);
    results[0].clone()
}

/// Creates VPCs and, once they have flow logs, deletes these. Waits until the events of all that are handled.
///
/// # Panics
/// The cloud refuses a call, or an invocation does not end.
#[expect(clippy::unwrap_used, reason = "only tests come here")]
pub async fn uncovered_vpcs(cloud: &LocalCloud, count: usize) -> Vec<String> {
    let mut vpcs = Vec::new();
    for _ in 0..count {
        vpcs.push(cloud.create_vpc(&[]).await.unwrap());
    }
    cloud.settled().await.unwrap();
    for flow_log in cloud.flow_logs() {
        cloud.call("DeleteFlowLog", &[("FlowLogId", &flow_log.id)]).await.unwrap();
    }
    cloud.settled().await.unwrap();
    assert!(cloud.flow_logs().is_empty());
    vpcs
}

/// Like [`uncovered_vpcs`], but only one.
///
/// # Panics
/// The cloud refuses a call, or an invocation does not end.
#[expect(clippy::unwrap_used, reason = "only tests come here")]
pub async fn uncovered_vpc(cloud: &LocalCloud) -> String {
    uncovered_vpcs(cloud, 1).await.pop().unwrap()
}

/// The event that `EventBridge` delivers for a successful call with this answer.
#[must_use]
pub fn call_event(service: &str, name: &str, answer: &Value) -> Value {
    let product = service.to_lowercase();
    json!({
        "id": format!("scenario-{name}"),
        "source": format!("acs.{product}"),
        "specversion": "1.0",
        "type": format!("{product}:ActionTrail:ApiCall"),
        "aliyunaccountid": "1000000000000001",
        "aliyunregionid": "cn-hangzhou",
        "data": {
            "eventName": name,
            "serviceName": service,
            "eventType": "ApiCall",
            "acsRegion": "cn-hangzhou",
            "recipientAccountId": "1000000000000001",
            "responseElements": answer,
        },
    })
}

/// The event of the `CreateVpc` call that created the VPC with this id.
#[must_use]
pub fn vpc_created(id: &str) -> Value {
    call_event("Vpc", "CreateVpc", &json!({"VpcId": id}))
}
