//! Values for the tests of this crate, and a stand-in for the API over a real socket.

use std::{
    future::Future,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    pin::Pin,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use flow_log::{
    Delivery, FlowLog, FlowLogSpec, ObservedTags, Policy, Resource, ResourceId, Status,
    names::{AggregationInterval, Tags, TrafficType},
};
use jiff::{SignedDuration, Timestamp};
use openapi::{CallCounter, Client, ClientSettings, Clock, Credentials, Endpoints, Rng, Session};

use crate::{Job, Target, TargetKind};

pub(crate) fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

/// Parses a policy with these lines beside the destination of its flow logs.
pub(crate) fn policy(lines: &str) -> Policy {
    Policy::parse(&format!("flow_log: {{project: flowlog, log_store: vpc}}\n{lines}")).unwrap()
}

fn resource(id: &str, parents: &[&str]) -> Resource {
    Resource {
        account: "1".parse().unwrap(),
        region: "cn-hangzhou".parse().unwrap(),
        id: id.parse().unwrap(),
        parents: parents.iter().map(|parent| parent.parse::<ResourceId>().unwrap()).collect(),
        tags: Some(ObservedTags::new()),
        name: None,
        is_service_managed: false,
        creation_time: Some(now() - SignedDuration::from_hours(24)),
        has_ipv6: None,
    }
}

pub(crate) fn vpc(id: &str) -> Resource {
    resource(id, &[])
}

pub(crate) fn vswitch(id: &str, vpc: &str) -> Resource {
    resource(id, &[vpc])
}

pub(crate) fn network_interface(id: &str, vswitch: &str, vpc: &str) -> Resource {
    resource(id, &[vswitch, vpc])
}

/// An active flow log of Flowkeeper's own, created a day ago, as [`policy`] asks for.
pub(crate) fn flow_log(id: &str, resource: &str) -> FlowLog {
    let (key, value) = FlowLog::OWN_TAG;
    let mut tags = ObservedTags::new();
    tags.insert(key.to_owned(), value.to_owned());
    FlowLog {
        id: id.parse().unwrap(),
        resource_id: resource.to_owned(),
        name: Some(format!("flowkeeper-{resource}")),
        description: Some("Kept by Flowkeeper".to_owned()),
        traffic_type: Some("All".to_owned()),
        traffic_path: None,
        project: Some("flowlog".to_owned()),
        log_store: Some("vpc".to_owned()),
        aggregation_interval: Some(10),
        ip_version: None,
        resource_group_id: None,
        tags: Some(tags),
        status: Status::Active,
        service_type: None,
        delivery: Delivery::Working,
        resource_type: None,
        region: Some("cn-hangzhou".to_owned()),
        creation_time: Some(now() - SignedDuration::from_hours(24)),
        business_status: Some("Normal".to_owned()),
        log_format: None,
    }
}

/// The spec of a flow log as [`policy`] asks for.
pub(crate) fn spec() -> FlowLogSpec {
    FlowLogSpec {
        name: "flowkeeper-vpc-1".parse().unwrap(),
        description: "Kept by Flowkeeper".parse().unwrap(),
        project: "flowlog".parse().unwrap(),
        log_store: "vpc".parse().unwrap(),
        create_destination: None,
        traffic_type: TrafficType::All,
        traffic_path: Vec::new(),
        aggregation_interval: AggregationInterval::Ten,
        ip_version: None,
        resource_group_id: None,
        tags: Tags::new(),
    }
}

pub(crate) fn target(kind: TargetKind) -> Target {
    Target { account: "1".parse().unwrap(), region: "cn-hangzhou".parse().unwrap(), kind, since: None }
}

/// A job of the function in account 1 and `cn-hangzhou`, with ten minutes until its deadline.
pub(crate) fn job() -> Job {
    Job {
        run: "run".to_owned(),
        request_id: "1-request".to_owned(),
        credentials: credentials(),
        account: Some("1".parse().unwrap()),
        region: Some("cn-hangzhou".parse().unwrap()),
        stop_at: Some(now() + SignedDuration::from_mins(10)),
        calls: CallCounter::default(),
    }
}

/// What the API does with a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    /// Responds with this status and body.
    Answer(u16, &'static str),
    /// Closes the connection without a response.
    Lost,
}

/// Answers calls from a script, and accepts no connection after its end.
#[derive(Debug)]
pub(crate) struct Api {
    port: u16,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Api {
    pub(crate) fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&calls);
        thread::spawn(move || {
            for reply in replies {
                let Ok((stream, _)) = listener.accept() else { return };
                answer(&stream, reply, &log);
            }
        });
        Self { port, calls }
    }

    /// Returns the actions that were called. A call by path is its method and its path.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn client(&self) -> Client {
        client_of(self.port)
    }
}

/// Reads one request, logs its action, and replies. The next request needs a new connection.
fn answer(stream: &TcpStream, reply: Reply, calls: &Mutex<Vec<String>>) {
    let (mut reader, mut length) = (BufReader::new(stream), 0);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    for line in reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    let path = first.rsplit_once(' ').map_or("", |(path, _)| path).split('?').next().unwrap_or_default();
    calls.lock().unwrap().push(action.unwrap_or(path).to_owned());
    if let Reply::Answer(status, text) = reply {
        let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", text.len());
        let mut writer = stream;
        writer.write_all(format!("{head}{text}").as_bytes()).unwrap();
    }
}

/// A client of the API on this port of the machine. Its time passes only during waits.
pub(crate) fn client_of(port: u16) -> Client {
    let here = || Some(format!("http://127.0.0.1:{port}").parse().unwrap());
    let endpoints = Endpoints {
        vpc: here(),
        sts: here(),
        resource_directory: here(),
        ecs: here(),
        bss: here(),
        cms: here(),
        fc: here(),
        sls: here(),
        ..Endpoints::default()
    };
    let settings = ClientSettings { endpoints, ..ClientSettings::default() };
    Client::new(settings, Arc::new(PassingTime(Mutex::new(now()))), Arc::new(NoChance))
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new("key", "secret")
}

/// A session with ten minutes until its deadline.
pub(crate) fn session(client: &Client) -> Session<'_> {
    let stop_at = now() + SignedDuration::from_mins(10);
    client.session(credentials(), "1".parse().unwrap(), "cn-hangzhou".parse().unwrap(), Some(stop_at))
}

/// A clock whose time passes only during waits.
#[derive(Debug)]
struct PassingTime(Mutex<Timestamp>);

impl Clock for PassingTime {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        *self.0.lock().unwrap() += duration;
        Box::pin(std::future::ready(()))
    }
}

/// The same number again and again.
#[derive(Debug)]
struct NoChance;

impl Rng for NoChance {
    fn random(&self) -> u128 {
        7
    }
}
