//! A server in the test's process, and a simple client for it.

use std::{
    future::{Future, ready},
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use fc_runtime::{Clock, Function as _, Log, Server, Settings};
use fixture_function::FixtureFunction;
use jiff::Timestamp;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};
use tracing::subscriber::DefaultGuard;

/// Longer than anything here takes. A test that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const NOON: &str = "2026-03-01T12:00:00Z";

/// A clock that always shows noon.
#[derive(Debug)]
pub(crate) struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        NOON.parse().unwrap()
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(ready(()))
    }
}

/// What has been written so far.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Returns the lines that are JSON: all but the markers.
    pub(crate) fn entries(&self) -> Vec<Value> {
        let text = self.text();
        text.lines().filter(|line| !line.starts_with("FC ")).map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A running server with the fixture function, on its own port.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    pub(crate) log: Written,
    shutdown: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
    _subscriber: DefaultGuard,
}

impl Host {
    pub(crate) async fn start() -> Self {
        Self::with([]).await
    }

    pub(crate) async fn with<const N: usize>(settings: [(&str, &str); N]) -> Self {
        let settings = Settings::from_pairs(settings);
        let written = Written::default();
        let log = Log::new(written.clone(), Noon);
        let subscriber = tracing::subscriber::set_default(log.subscriber("debug".parse().unwrap()));
        let function = FixtureFunction::from_settings(&settings).unwrap();
        let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap().with_clock(Noon).with_log(log);
        let address = server.local_addr().unwrap();
        let (shutdown, asked) = oneshot::channel();
        let served = tokio::spawn(async move {
            server.serve(function, &settings, async { asked.await.unwrap_or_default() }).await;
        });
        Self { address, log: written, shutdown: Some(shutdown), served, _subscriber: subscriber }
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::to(self.address).await
    }

    /// Sends one request on a new connection.
    pub(crate) async fn send(&self, request: Request) -> Reply {
        self.connect().await.send(request).await
    }

    /// Starts the shutdown, and returns the task to wait for.
    pub(crate) fn shut_down(&mut self) -> &mut JoinHandle<()> {
        self.shutdown.take().unwrap().send(()).unwrap();
        &mut self.served
    }
}

/// A request, written to the wire as given.
#[derive(Clone)]
pub(crate) struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self { head: format!("{method} {path} HTTP/1.1\r\nhost: 21.0.0.1\r\n"), body: Vec::new() }
    }

    /// An event as Function Compute sends it.
    pub(crate) fn invoke(request_id: &str, event: &str) -> Self {
        Self::new("POST", "/invoke")
            .header("content-type", "application/octet-stream")
            .header("x-fc-request-id", request_id)
            .header("x-fc-control-path", "/invoke")
            .body(event)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}content-length: {}\r\n\r\n", self.head, self.body.len()).into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Returns the head only, with the given header about the body.
    pub(crate) fn head(&self, about_the_body: &str) -> Vec<u8> {
        format!("{}{about_the_body}\r\n\r\n", self.head).into_bytes()
    }
}

/// A persistent connection.
pub(crate) struct Connection {
    pub(crate) stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self { stream: BufReader::new(TcpStream::connect(address).await.unwrap()) }
    }

    pub(crate) async fn send(&mut self, request: Request) -> Reply {
        self.write(&request.bytes()).await;
        self.reply().await
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends a `HEAD` request. Its response has no body, whatever its content-length.
    pub(crate) async fn head(&mut self, path: &str) -> Reply {
        self.write(&Request::new("HEAD", path).bytes()).await;
        self.reply_head().await
    }

    pub(crate) async fn reply(&mut self) -> Reply {
        let mut reply = self.reply_head().await;
        reply.body.resize(reply.header("content-length").unwrap().parse().unwrap(), 0);
        self.stream.read_exact(&mut reply.body).await.unwrap();
        reply
    }

    async fn reply_head(&mut self) -> Reply {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.stream.read_line(&mut line).await.unwrap(), 0, "closed after {head:?}");
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_lowercase()),
            }
        }
        let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head, body: Vec::new() }
    }

    /// Returns whether the other side has closed the connection without sending anything else.
    pub(crate) async fn is_closed(&mut self) -> bool {
        matches!(in_time(self.stream.read(&mut [0; 16])).await, Ok(0))
    }
}

/// A response as received.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Returns the HTTP status and `x-fc-status`.
    pub(crate) fn statuses(&self) -> (u16, &str) {
        (self.status, self.header("x-fc-status").unwrap())
    }
}

/// Holds invocations until the test lets them continue.
pub(crate) struct Gate {
    listener: TcpListener,
}

impl Gate {
    pub(crate) async fn new() -> Self {
        Self { listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap() }
    }

    pub(crate) fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    /// Waits for an invocation to reach the gate. It continues when the returned stream is dropped.
    pub(crate) async fn arrival(&self) -> TcpStream {
        in_time(self.listener.accept()).await.unwrap().0
    }
}

/// Returns the result of `future`, or panics if it takes too long.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("this took too long"))
}

/// Polls until `look` returns something.
pub(crate) async fn seen<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    let looking = async {
        loop {
            ticks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("never seen: {what}"))
}
