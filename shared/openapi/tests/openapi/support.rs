//! A scripted server, and a machine whose time passes only during waits.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::{Timestamp, ToSpan as _};
use openapi::{Client, ClientSettings, Clock, Endpoints, Quotas, Rng, Session, SignatureMethod};
use signing::Credentials;
use tokio::net::TcpListener;

/// What the server does with a request.
pub(crate) enum Reply {
    /// Responds with this status, these headers and this body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Closes the connection without a response.
    Lost,
    /// Never responds.
    Silent,
}

/// A successful response.
#[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
pub(crate) fn ok(body: impl ToString) -> Reply {
    Reply::Answer(200, vec![], body.to_string())
}

/// An empty response to any list operation.
pub(crate) const NOTHING: &str = r#"{"FlowLogs":[],"Vpcs":[],"VSwitches":[],"NetworkInterfaceSets":[],"Regions":[],
    "TagResources":[],"EcrList":[],"ChildInstanceList":[]}"#;

/// An error response.
pub(crate) fn refused(status: u16, code: &str) -> Reply {
    let body = format!(r#"{{"RequestId":"R-1","Code":"{code}","Message":"Because."}}"#);
    Reply::Answer(status, vec![], body)
}

impl Reply {
    #[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
    pub(crate) fn with_header(self, name: &'static str, value: impl ToString) -> Self {
        match self {
            Self::Answer(status, mut headers, body) => {
                headers.push((name, value.to_string()));
                Self::Answer(status, headers, body)
            }
            other => other,
        }
    }
}

/// A request as the server received it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) form: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn action(&self) -> &str {
        self.form.get("Action").or_else(|| self.headers.get("x-acs-action")).map_or("", String::as_str)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.form.get(key).or_else(|| self.query.get(key)).map(String::as_str)
    }
}

type Answering = dyn FnMut(&Seen) -> Reply + Send;

pub(crate) struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts a server that gives these responses in order, and an error after the last.
    pub(crate) async fn scripted(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: VecDeque<_> = replies.into_iter().collect();
        Self::answering(move |_| replies.pop_front().unwrap_or_else(|| refused(400, "ScriptIsOver"))).await
    }

    pub(crate) async fn answering(answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer: Arc<Mutex<Box<Answering>>> = Arc::new(Mutex::new(Box::new(answer)));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                tokio::spawn(async move {
                    let service = service_fn(|request| serve(request, &log, &answer));
                    _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { port, seen }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn actions(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.action().to_owned()).collect()
    }

    pub(crate) fn client(&self, machine: &Arc<TestMachine>) -> Client {
        self.client_with(machine, SignatureMethod::default())
    }

    /// Creates a client that stays within `quotas`.
    pub(crate) fn client_within(&self, machine: &Arc<TestMachine>, quotas: Quotas) -> Client {
        let settings = ClientSettings { endpoints: self.endpoints(), quotas, ..ClientSettings::default() };
        Client::new(settings, Arc::<TestMachine>::clone(machine), Arc::<TestMachine>::clone(machine))
    }

    pub(crate) fn client_with(&self, machine: &Arc<TestMachine>, signature: SignatureMethod) -> Client {
        let settings = ClientSettings { endpoints: self.endpoints(), signature, ..ClientSettings::default() };
        Client::new(settings, Arc::<TestMachine>::clone(machine), Arc::<TestMachine>::clone(machine))
    }

    fn endpoints(&self) -> Endpoints {
        let url = Some(format!("http://127.0.0.1:{}", self.port).parse().unwrap());
        Endpoints {
            vpc: url.clone(),
            ecs: url.clone(),
            ecr: url.clone(),
            sts: url.clone(),
            resource_directory: url.clone(),
            fc: url.clone(),
            bss: url.clone(),
            cms: url.clone(),
            sls: url,
            ..Endpoints::default()
        }
    }
}

async fn serve(
    request: Request<Incoming>,
    log: &Mutex<Vec<Seen>>,
    answer: &Mutex<Box<Answering>>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect(),
        query: form(parts.uri.query().unwrap_or_default()),
        form: form(std::str::from_utf8(&body)?),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    log.lock().unwrap().push(seen.clone());
    let reply = answer.lock().unwrap()(&seen);
    match reply {
        Reply::Answer(status, headers, text) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok(response.body(Full::new(Bytes::from(text)))?)
        }
        Reply::Lost => Err("lost".into()),
        Reply::Silent => {
            std::future::pending::<Infallible>().await;
            unreachable!()
        }
    }
}

fn form(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (decoded(key), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A machine whose time passes only during waits, and which records each wait.
#[derive(Debug)]
pub(crate) struct TestMachine(Mutex<State>);

#[derive(Debug)]
struct State {
    now: Timestamp,
    waits: Vec<Duration>,
    drawn: u128,
}

impl TestMachine {
    pub(crate) fn new() -> Arc<Self> {
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        Arc::new(Self(Mutex::new(State { now, waits: Vec::new(), drawn: 0 })))
    }

    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap().waits.clone()
    }

    pub(crate) fn let_pass(&self, duration: Duration) {
        let mut state = self.0.lock().unwrap();
        state.now += duration;
    }
}

impl Clock for TestMachine {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut state = self.0.lock().unwrap();
        state.now += duration;
        state.waits.push(duration);
        Box::pin(std::future::ready(()))
    }
}

impl Rng for TestMachine {
    fn random(&self) -> u128 {
        let mut state = self.0.lock().unwrap();
        state.drawn += 1;
        state.drawn
    }
}

pub(crate) const SECRET: &str = "the-secret-of-the-key";
pub(crate) const TOKEN: &str = "the/security+token";

pub(crate) fn credentials() -> Credentials {
    Credentials::new("STS.example", SECRET).with_security_token(TOKEN)
}

/// Starts a session in cn-hangzhou with an hour until its deadline.
pub(crate) fn session(client: &Client) -> Session<'_> {
    let stop_at = "2026-11-20T11:00:00Z".parse::<Timestamp>().unwrap();
    session_until(client, stop_at + 0.seconds())
}

pub(crate) fn session_until(client: &Client, stop_at: Timestamp) -> Session<'_> {
    let (account, region) = ("1000000000000001".parse().unwrap(), "cn-hangzhou".parse().unwrap());
    client.session(credentials(), account, region, Some(stop_at))
}

pub(crate) fn fixture(name: &str) -> String {
    let file = format!("{}/../../tests/fixtures/openapi/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(file).unwrap()
}
