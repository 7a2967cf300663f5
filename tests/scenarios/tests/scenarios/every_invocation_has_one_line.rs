//! Each invocation writes one line about itself, however it ends, so that no failure is missing from what is counted.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use create_flow_log::CreateFlowLog;
use fc_runtime::{Failure, Function, InvalidSettings, Invocation, Log, Output, Server, Settings, SystemClock};
use handler::{FlowLogFunction, Handler, Measurement, respond};
use local_cloud::{Clock, Directory, Fault, Invocation as Attempt, OWN_ACCOUNT, Options, Timers};
use reconcile::Reconciler;
use scenarios::{
    ACTIVATE, COLLECT, CREATE_ECR, CREATE_FLOW_LOG, CREATION, DEACTIVATE, DELETE_ORPHANED, EVIDENCE_BUCKET, Harness,
    OPEN_SERVICE, REMEDIATE, REPORT, TIMER, call_event, uncovered_vpcs, vpc_created, whole_cloud,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::every_run_answers_with_a_report::check_index;

const ALL: [&str; 8] =
    [ACTIVATE, CREATE_ECR, CREATE_FLOW_LOG, DEACTIVATE, DELETE_ORPHANED, OPEN_SERVICE, REMEDIATE, REPORT];
/// What only the line of an invocation without a report has.
const OF_A_FAILURE: [&str; 2] = ["error_type", "error_message"];

fn options() -> Options {
    let (name, value) = EVIDENCE_BUCKET;
    Options {
        parameters: [(name.to_owned(), value.to_owned())].into(),
        triggers_of: Some(CREATE_FLOW_LOG.to_owned()),
        timers: Timers::ByHand,
        retry_delay: Duration::ZERO,
        ..Options::default()
    }
}

/// The lines of an attempt that have this field.
fn lines_with(attempt: &Attempt, field: &str) -> Vec<Value> {
    let lines = attempt.lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    // An instance may have handled other invocations meanwhile.
    lines.filter(|line| line["request_id"] == attempt.request_id && line.get(field).is_some()).collect()
}

/// Returns the one line of an attempt about itself.
#[track_caller]
fn own_line(attempt: &Attempt) -> Value {
    let lines = lines_with(attempt, "line").into_iter().filter(|line| line["line"] == "summary").collect::<Vec<_>>();
    let [line] = lines.try_into().unwrap_or_else(|lines: Vec<_>| panic!("{}: {lines:#?}", attempt.function));
    line
}

fn fields(line: &Value) -> BTreeSet<&str> {
    line.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Checks the line of an attempt without a report: it has the fields of `other`, which has one, and says why.
#[track_caller]
fn has_no_report(attempt: &Attempt, error_type: &str, other: &Value) {
    let line = own_line(attempt);
    let mut expected = fields(other);
    expected.extend(OF_A_FAILURE);
    assert_eq!(fields(&line), expected, "{line:#}");
    assert_eq!(
        [&line["kind"], &line["level"], &line["error_type"], &line["error_message"]],
        [&json!("without-report"), &json!("WARN"), &json!(error_type), &attempt.body["errorMessage"]]
    );
    assert_eq!((attempt.success, attempt.body.get("report")), (false, None), "{:#}", attempt.body);
    check_index(std::slice::from_ref(&line));
    assert_eq!(lines_with(attempt, "error_type"), [line], "no other line says the same");
}

/// Checks that an attempt has a report and a line of this kind.
#[track_caller]
fn has_report(attempt: &Attempt, kind: &str, success: bool) {
    let line = own_line(attempt);
    assert_eq!((&line["kind"], &line["level"]), (&json!(kind), &json!("INFO")));
    assert_eq!(attempt.success, success, "{:#}", attempt.body);
    assert!(OF_A_FAILURE.iter().all(|name| line.get(name).is_none()), "{line:#}");
    // Why it is tried again is said in a line of its own.
    assert_eq!(lines_with(attempt, "error_type").len(), usize::from(!success), "{:#?}", attempt.lines);
}

#[tokio::test]
async fn an_event_that_a_function_does_not_know() {
    let cloud = whole_cloud(options()).await.unwrap();
    let ignored = call_event("Vpc", "DeleteVpc", &json!({"VpcId": "vpc-bp1example00000000001"}));
    let ignored = cloud.invoke(CREATE_FLOW_LOG, ignored.to_string().as_bytes()).await.unwrap();
    has_report(&ignored, "event", true);
    let other = own_line(&ignored);
    for function in ALL {
        let unknown = cloud.invoke(function, b"no event").await.unwrap();
        has_no_report(&unknown, "UnknownEvent", &other);
        let line = own_line(&unknown);
        let counts =
            ["checked", "compliant", "changed", "failed", "uncovered", "calls", "writes", "retries", "throttles"];
        assert!(counts.iter().all(|name| line[name] == 0), "{line:#}");
        assert!(line["duration_ms"].is_u64() && line["wait_ms"].is_u64(), "{line:#}");
    }
    assert_eq!(cloud.query_lines("message.line: summary").unwrap().len(), 1 + ALL.len());
}

#[tokio::test]
async fn something_that_was_not_done() {
    let cloud = whole_cloud(options()).await.unwrap();
    let [vpc] = uncovered_vpcs(&cloud, 1).await.try_into().unwrap();
    let created = vpc_created(&vpc).to_string();
    cloud.fail("CreateFlowLog", Fault::Code("QuotaExceeded.FlowlogCount"), 1);
    has_report(&cloud.invoke(CREATE_FLOW_LOG, created.as_bytes()).await.unwrap(), "event", false);
    cloud.fail("DescribeFlowLogs", Fault::Refused, 1);
    has_report(&cloud.invoke(REMEDIATE, TIMER).await.unwrap(), "sweep", false);
    fs::remove_dir_all(cloud.bucket(EVIDENCE_BUCKET.1)).unwrap();
    has_report(&cloud.invoke(REPORT, TIMER).await.unwrap(), "sweep", false);
    cloud.close_flow_log_service();
    cloud.fail("OpenFlowLogService", Fault::Refused, 1);
    let opened = cloud.invoke(OPEN_SERVICE, b"{\"accept_terms\": true}").await.unwrap();
    has_report(&opened, "by-hand", false);

    cloud.fail("CreateFlowLog", Fault::FunctionKilled, 1);
    let killed = cloud.invoke(CREATE_FLOW_LOG, created.as_bytes()).await.unwrap();
    assert!(killed.status.is_none() && lines_with(&killed, "line").is_empty(), "a killed process writes nothing");
}

#[tokio::test]
async fn a_step_of_a_sweep_of_an_organization_that_was_not_done() {
    let mut options = Options {
        accounts: 2,
        directory: Some(Directory::new()),
        policy: Some(
            "flow_log: {project: flowlog, log_store: vpc}\nresource_directory: {role: flowkeeper}\n".to_owned(),
        ),
        regions: Vec::new(),
        clock: Clock::manual(Clock::real().now()),
        ..options()
    };
    options.parameters.insert("UseResourceDirectory".to_owned(), "true".to_owned());
    let cloud = whole_cloud(options).await.unwrap();
    for function in [REMEDIATE, REPORT] {
        cloud.fail("InvokeFunction", Fault::Refused, 3);
        has_report(&cloud.invoke(function, TIMER).await.unwrap(), "coordinator", false);
        cloud.heal();
        cloud.fail("ListAsyncTasks", Fault::Refused, 1);
        has_report(&cloud.invoke(function, COLLECT).await.unwrap(), "collect", false);
    }
}

/// What has been written so far.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Serves a function within this process, has it invoked once, and returns the lines of the invocation that have
/// `error_type`, or are about itself.
async fn lines_of(function: impl Function, keys: &[(&str, &str)], event: &str) -> Vec<Value> {
    let written = Written::default();
    let log = Log::new(written.clone(), SystemClock);
    let _subscriber = tracing::subscriber::set_default(log.subscriber("info".parse().unwrap()));
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let mut caller = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    let place = [("FC_ACCOUNT_ID", OWN_ACCOUNT), ("FC_REGION", "cn-hangzhou")];
    let settings = Settings::from_pairs(place.into_iter().chain(keys.iter().copied()));
    let head = "POST /invoke HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-fc-request-id: 1-a\r\n";
    let request = format!("{head}content-length: {}\r\n\r\n{event}", event.len());
    let answered = async {
        caller.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        caller.read_to_string(&mut answer).await.unwrap();
    };
    server.serve(function, &settings, answered).await;
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line.get("error_type").is_some() || line["line"] == "summary").collect()
}

/// Returns the handler of a function with a small policy.
fn handler_of<F: FlowLogFunction>() -> Handler<F> {
    let settings = Settings::from_pairs([("FLOWKEEPER_POLICY", "flow_log: {project: flowlog, log_store: vpc}")]);
    Handler::from_settings(&settings).unwrap()
}

/// A function that does its work and panics.
struct Panicking {
    reconciler: Reconciler,
}

impl Function for Panicking {
    const NAME: &'static str = "create-flow-log";

    fn from_settings(_: &Settings) -> Result<Self, InvalidSettings> {
        Err(InvalidSettings::new("the test makes it"))
    }

    async fn handle(&self, invocation: Invocation, event: Bytes) -> Result<Output, Failure> {
        let measurement = Measurement::begin(&invocation);
        let ended = respond::<CreateFlowLog>(&self.reconciler, invocation, &event, measurement.calls()).await.unwrap();
        panic!("after {} changes", ended.report.summary.changed);
    }
}

#[tokio::test]
async fn an_invocation_that_panics_or_lacks_what_it_needs() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let event = vpc_created(&vpc).to_string();
    let without_keys = lines_of(handler_of::<CreateFlowLog>(), &[], &event).await;
    let [line] = &without_keys[..] else { panic!("{without_keys:#?}") };
    assert_eq!(
        [&line["kind"], &line["error_type"], &line["calls"]],
        [&json!("without-report"), &json!("MissingCredentials"), &json!(0)]
    );

    let keys = [("ALIBABA_CLOUD_ACCESS_KEY_ID", "test"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "test-secret")];
    let panicked = lines_of(Panicking { reconciler: harness.reconciler(CREATION) }, &keys, &event).await;
    let [own] = &panicked[..] else { panic!("{panicked:#?}") };
    assert_eq!(
        [&own["kind"], &own["error_type"], &own["line"]],
        [&json!("without-report"), &json!("Panic"), &json!("summary")]
    );
    let made = harness.cloud.calls().len();
    assert!(made > 2, "{made}");
    // The call that made the VPC is not the function's.
    assert_eq!((&own["calls"], &own["writes"]), (&json!(made - 1), &json!(1)), "{own:#}");
}
