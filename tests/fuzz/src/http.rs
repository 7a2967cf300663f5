//! The bytes that a client sends to the server.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use fc_runtime::{Failure, Function, InvalidSettings, Invocation, Output, Server, Settings};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpSocket, TcpStream},
    runtime::Runtime,
};

/// A timeout that is longer than anything here takes.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// A client that sends only these bytes is answered and disconnected, and the next client is served as usual.
///
/// Every answer says whether it is a success, and every invocation that runs is answered.
pub fn http(sent: &[u8]) {
    thread_local!(static HOST: Host = Host::start());
    HOST.with(|host| host.runtime.block_on(host.is_sent(sent)));
}

/// A server whose function counts its invocations.
struct Host {
    runtime: Runtime,
    address: SocketAddr,
    handled: Arc<AtomicUsize>,
}

struct Counts(Arc<AtomicUsize>);

impl Function for Counts {
    const NAME: &'static str = "target";

    fn from_settings(_: &Settings) -> Result<Self, InvalidSettings> {
        Ok(Self(Arc::default()))
    }

    async fn handle(&self, invocation: Invocation, event: Bytes) -> Result<Output, Failure> {
        self.0.fetch_add(1, Ordering::Relaxed);
        assert!(invocation.deadline.is_none_or(|deadline| invocation.soft_deadline() <= deadline));
        Output::json(&event.len())
    }
}

impl Host {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(Server::bind((Ipv4Addr::LOCALHOST, 0).into())).unwrap();
        let address = server.local_addr().unwrap();
        let handled = Arc::new(AtomicUsize::new(0));
        let function = Counts(Arc::clone(&handled));
        runtime.spawn(async move { server.serve(function, &Settings::default(), std::future::pending()).await });
        Self { runtime, address, handled }
    }

    async fn is_sent(&self, sent: &[u8]) {
        self.handled.store(0, Ordering::Relaxed);
        let mut client = self.connect().await;
        // The server may close the connection early, which is also a valid answer.
        let mut answered = Vec::new();
        let exchange = async {
            let (mut from, mut to) = client.split();
            let write = async {
                let _ = to.write_all(sent).await;
                let _ = to.shutdown().await;
            };
            let read = async {
                let _ = from.read_to_end(&mut answered).await;
            };
            tokio::join!(write, read);
        };
        tokio::time::timeout(MAX_WAIT, exchange).await.unwrap();
        let answers = answers(&answered, sent);
        let handled = self.handled.load(Ordering::Relaxed);
        assert!(answers.is_none_or(|answers| handled <= answers), "{handled} ran: {}", answered.escape_ascii());

        // A new connection, so that a server that serves only one is noticed.
        let mut other = BufReader::new(self.connect().await);
        other.write_all(b"POST /invoke HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc").await.unwrap();
        let mut line = String::new();
        tokio::time::timeout(MAX_WAIT, other.read_line(&mut line)).await.unwrap().unwrap();
        assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    }

    /// Connects from a new address each time. A single one could run out of ports, which stay in use for a minute.
    async fn connect(&self) -> TcpStream {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let [.., a, b, c] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::new(127, a, b, c), 0).into()).unwrap();
        socket.connect(self.address).await.unwrap()
    }
}

/// Counts the answers, after checking that each is complete and says whether it is a success. `None` if the request's
/// method decides whether an answer has a body.
fn answers(mut bytes: &[u8], sent: &[u8]) -> Option<usize> {
    let mut count = 0;
    let has_no_body =
        [&b"HEAD"[..], b"CONNECT"].iter().any(|method| sent.windows(method.len()).any(|at| at == *method));
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|at| at == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let status = head.strip_prefix("HTTP/1.").unwrap().get(2..5).unwrap();
        let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        bytes = &bytes[end + 4..];
        if status == "100" {
            continue;
        }
        if has_no_body {
            return None;
        }
        let length = value("content-length").map_or(0, |length| length.parse().unwrap());
        bytes = bytes.get(length..).unwrap();
        count += 1;
        match (value("x-fc-status"), status) {
            (Some("200"), "200") | (Some("404"), "404") => {}
            // hyper refuses malformed requests itself, and then closes the connection.
            (None, "400" | "413" | "414" | "431" | "505") => assert!(bytes.is_empty() && length == 0, "{head}"),
            _ => panic!("{head}"),
        }
    }
    Some(count)
}
