//! Answers of the API, passed through the real client: over HTTP, with retries and paging.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use flow_log::{FlowLogId, FlowLogSpec};
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use openapi::{
    AssumeRole, AsyncInvocation, CallError, Client, ClientSettings, Clock, Credentials, Destination, EcrFilter,
    EcrFlowLogFilter, EcrInstanceFilter, Endpoints, FlowLogFilter, Listing, NetworkInterfaceFilter, Rng, Session,
    TagFilter, TaggedType,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

use crate::tree;

const SECRET: &str = "planted-secret";
const TOKEN: &str = "planted/token";
/// An answer that is always the same must lead to fewer calls than this.
const MAX_CALLS: u64 = 100;

/// Whatever the server keeps answering is parsed or rejected after few calls.
///
/// The input is a line with an action and a status, followed by the answer. The text of an error fits into a log line
/// and contains no key.
pub fn answer(input: &[u8]) {
    let Some(at) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (first, body) = (&input[..at], &input[at + 1..]);
    let Some((action, status)) = std::str::from_utf8(first).ok().and_then(|line| line.split_once(' ')) else { return };
    let Some(status) = status.parse().ok().filter(|status| (200..600).contains(status) && *status != 204) else {
        return;
    };
    tree::is_that_of_serde_json(body);
    thread_local!(static API: Api = Api::start());
    API.with(|api| api.answers(action, status, body));
}

/// A server that gives a fixed answer, and a client that calls it.
struct Api {
    runtime: Runtime,
    reply: Arc<Mutex<Vec<u8>>>,
    calls: Arc<AtomicU64>,
    client: Client,
    machine: Arc<Machine>,
}

impl Api {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().ok();
        let (reply, calls) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU64::new(0)));
        let (its_reply, its_calls) = (Arc::clone(&reply), Arc::clone(&calls));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&its_reply), Arc::clone(&its_calls)));
            }
        });
        let endpoints = Endpoints {
            vpc: url.clone(),
            ecs: url.clone(),
            ecr: url.clone(),
            sts: url.clone(),
            resource_directory: url.clone(),
            fc: url.clone(),
            sls: url,
            ..Endpoints::default()
        };
        let machine = Arc::new(Machine::default());
        let settings = ClientSettings { endpoints, ..ClientSettings::default() };
        let client = Client::new(settings, Arc::<Machine>::clone(&machine), Arc::<Machine>::clone(&machine));
        Self { runtime, reply, calls, client, machine }
    }

    fn answers(&self, action: &str, status: u16, body: &[u8]) {
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n", body.len());
        *self.reply.lock().unwrap() = [head.as_bytes(), body].concat();
        self.calls.store(0, Ordering::Relaxed);
        // Lets every effect of the previous answer expire, such as a pause or an open circuit breaker.
        self.machine.pass(Duration::from_secs(3600));
        let stop_at = self.machine.now().checked_add(1.minutes()).ok();
        let credentials = Credentials::new("id", SECRET).with_security_token(TOKEN);
        let account = "1000000000000001".parse().unwrap();
        let session = self.client.session(credentials, account, "cn-hangzhou".parse().unwrap(), stop_at);
        let result = self.runtime.block_on(call(&session, action));
        let calls = self.calls.load(Ordering::Relaxed);
        assert!(calls < MAX_CALLS, "{calls} calls");
        if let Err(error) = result {
            fits_a_line(&error);
        }
    }
}

/// Performs `action`.
async fn call(session: &Session<'_>, action: &str) -> Result<(), CallError> {
    let id: FlowLogId = "fl-1".parse().unwrap();
    match action {
        "DescribeRegions" => session.describe_regions().await.map(drop),
        "DescribeVpcs" => session.describe_vpcs(&[]).await.map(drop),
        "DescribeVSwitches" => session.describe_vswitches(&["vsw-1".parse().unwrap()]).await.map(drop),
        "DescribeNetworkInterfaces" => {
            session.describe_network_interfaces(&NetworkInterfaceFilter::default()).await.map(drop)
        }
        "DescribeFlowLogs" => session.describe_flow_logs(&FlowLogFilter::default()).await.map(drop),
        "CreateFlowLog" => session.writes().create_flow_log(&"vpc-1".parse().unwrap(), &spec()).await.map(drop),
        "DeleteFlowLog" => session.writes().delete_flow_log(&id).await,
        "GetFlowLogServiceStatus" => session.get_flow_log_service_status().await.map(drop),
        "OpenFlowLogService" => session.writes().open_flow_log_service().await.map(drop),
        "ListTagResources" => {
            session.list_tag_resources(TaggedType::Vpc, &TagFilter { ids: &["vpc-1"], tags: None }).await.map(drop)
        }
        "AssumeRole" => {
            let role = "acs:ram::1000000000000002:role/flowkeeper".parse().unwrap();
            session.assume_role(&AssumeRole::new(&role, "flowkeeper")).await.map(drop)
        }
        "GetCallerIdentity" => session.get_caller_identity().await.map(drop),
        "DescribeExpressConnectRouter" => session.describe_ecrs(&EcrFilter::default()).await.map(drop),
        "DescribeExpressConnectRouterChildInstance" => {
            session.describe_ecr_instances(&"ecr-1".parse().unwrap(), &EcrInstanceFilter::default()).await.map(drop)
        }
        "DescribeEcrFlowLogs" => {
            session.describe_ecr_flow_logs(&"ecr-1".parse().unwrap(), &EcrFlowLogFilter::default()).await.map(drop)
        }
        "ListAccounts" => session.directory_members().try_collect::<Listing<_>>().await.map(drop),
        "GetAccount" => session.directory_member(&"1000000000000002".parse().unwrap()).await.map(drop),
        "ListAsyncTasks" => session.async_tasks("flowkeeper", "r1_").try_collect::<Listing<_>>().await.map(drop),
        "InvokeFunction" => {
            let invocation = AsyncInvocation { function: "flowkeeper", task_id: None, delay: None, payload: b"{}" };
            session.invoke_async(&invocation).await.map(drop)
        }
        _ => log_service(session, action).await,
    }
}

/// Performs `action` of Simple Log Service.
async fn log_service(session: &Session<'_>, action: &str) -> Result<(), CallError> {
    let (project, log_store) = ("flowlog".parse().unwrap(), "vpc".parse().unwrap());
    let of = Destination { project: &project, log_store: &log_store };
    match action {
        "GetProject" => session.get_project(&project).await.map(drop),
        "GetIndex" => session.get_index(of).await.map(drop),
        "CreateProject" => session.writes().create_project(&project).await,
        "GetLogStore" => match session.get_log_store(of).await? {
            Some(observed) => session.writes().update_log_store(of, &observed, 180).await,
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn spec() -> FlowLogSpec {
    FlowLogSpec {
        name: "flowkeeper-vpc-1".parse().unwrap(),
        description: "Kept by Flowkeeper".parse().unwrap(),
        project: "flowlog".parse().unwrap(),
        log_store: "vpc".parse().unwrap(),
        create_destination: None,
        traffic_type: "All".parse().unwrap(),
        traffic_path: Vec::new(),
        aggregation_interval: "10".parse().unwrap(),
        ip_version: None,
        resource_group_id: None,
        tags: [("managed-by".parse().unwrap(), "flowkeeper".parse().unwrap())].into(),
    }
}

/// Checks the text of an error, as reports contain it.
fn fits_a_line(error: &CallError) {
    let said = format!("{error}: {} {} {}", error.cause, error.short_code(), error.advice());
    assert!(said.len() < 8_000, "{} bytes: {said}", said.len());
    let debugged = format!("{error:?}");
    for secret in [SECRET, TOKEN, "planted%2Ftoken"] {
        assert!(!said.contains(secret) && !debugged.contains(secret), "{secret} is in: {said}");
    }
}

/// Answers each request of a connection until it is closed.
async fn serve(stream: TcpStream, reply: Arc<Mutex<Vec<u8>>>, calls: Arc<AtomicU64>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        stream.read_exact(&mut vec![0; length]).await?;
        calls.fetch_add(1, Ordering::Relaxed);
        let reply = reply.lock().unwrap().clone();
        stream.write_all(&reply).await?;
    }
}

/// A machine whose clock advances only when the client sleeps.
#[derive(Debug, Default)]
struct Machine(Mutex<(SignedDuration, u128)>);

impl Machine {
    fn pass(&self, duration: Duration) {
        self.0.lock().unwrap().0 += SignedDuration::try_from(duration).unwrap();
    }
}

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        let began: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        // Wraps around before the largest timestamp.
        let passed = self.0.lock().unwrap().0.as_secs() % (100 * 365 * 86_400 * 60);
        began.checked_add(SignedDuration::from_secs(passed)).unwrap()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.pass(duration.max(Duration::from_secs(1)));
        Box::pin(std::future::ready(()))
    }
}

impl Rng for Machine {
    fn random(&self) -> u128 {
        let mut machine = self.0.lock().unwrap();
        machine.1 += 1;
        machine.1
    }
}
