//! A function as a process: how it starts, what it writes to stdout, and how it ends.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU16, AtomicU32, Ordering},
    },
};

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::support::{Connection, Gate, Request, in_time, seen};

#[tokio::test]
async fn every_bad_setting_is_named_and_the_process_exits_with_64() {
    let process = Process::start([
        ("FC_CUSTOM_LISTEN_PORT", "nine thousand"),
        ("APP_LOG", "loud"),
        ("APP_MARKERS", "maybe"),
        ("APP_LISTEN_ADDRESS", "everywhere"),
        ("FIXTURE_GREETING", "goodbye"),
    ]);
    let ended = process.end().await;
    assert_eq!(ended.status, Some(64));
    for bad in ["nine thousand", "loud", "maybe", "everywhere", "goodbye"] {
        assert!(ended.stderr.contains(&format!("{bad:?}")), "{bad} is not in {}", ended.stderr);
    }
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[tokio::test]
async fn a_bad_setting_of_the_function_alone_exits_with_64() {
    let ended = Process::start([("FIXTURE_GREETING", "goodbye")]).end().await;
    assert_eq!(ended.status, Some(64));
    assert_eq!(ended.stderr, "invalid settings: FIXTURE_GREETING is \"goodbye\": want hello or good morning\n");
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_and_exits_with_1() {
    let taken = std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let ended = Process::start([("FC_SERVER_PORT", port.to_string().as_str())]).end().await;
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.starts_with(&format!("cannot listen on 0.0.0.0:{port}: ")), "{}", ended.stderr);
}

#[tokio::test]
async fn the_listen_port_is_taken_before_the_server_port() {
    let (listen, server) = (free_port(), free_port());
    let names = [("FC_CUSTOM_LISTEN_PORT", &*listen.to_string()), ("FC_SERVER_PORT", &*server.to_string())];
    let process = Process::start(names);
    assert_eq!(process.connect(listen).await.send(Request::invoke("1-a", "{}")).await.status, 200);
    assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, server)).is_err());
    process.terminate();
    assert_eq!(process.end().await.status, Some(0));
}

#[tokio::test]
async fn an_empty_listen_port_leaves_it_to_the_server_port() {
    let port = free_port();
    let process = Process::start([("FC_CUSTOM_LISTEN_PORT", ""), ("FC_SERVER_PORT", &*port.to_string())]);
    assert_eq!(process.connect(port).await.send(Request::invoke("1-a", "{}")).await.status, 200);
}

#[tokio::test]
async fn it_listens_on_all_addresses_or_on_the_one_that_is_set() {
    for (set, elsewhere) in [("", true), ("127.0.0.1", false)] {
        let port = free_port();
        let process = Process::start([("FC_SERVER_PORT", &*port.to_string()), ("APP_LISTEN_ADDRESS", set)]);
        assert_eq!(process.connect(port).await.send(Request::invoke("1-a", "{}")).await.status, 200);
        // Another address of the same machine.
        let found = std::net::TcpStream::connect((Ipv4Addr::new(127, 0, 0, 2), port));
        assert_eq!(found.is_ok(), elsewhere, "{set:?}");
    }
}

#[tokio::test]
async fn everything_is_on_stdout_before_the_answer() {
    let port = free_port();
    let process = Process::start([("FC_SERVER_PORT", &*port.to_string())]);
    let mut connection = process.connect(port).await;
    assert_eq!(connection.send(Request::invoke("1-a", r#"{"say": "hello"}"#)).await.status, 200);
    let stdout = process.stdout();
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0], "FC Invoke Start RequestId: 1-a");
    assert_eq!(serde_json::from_str::<Value>(lines[1]).unwrap()["message"], "hello");
    assert_eq!(lines[2], "FC Invoke End RequestId: 1-a");
}

#[tokio::test]
async fn the_markers_can_be_switched_off() {
    let port = free_port();
    let process = Process::start([("FC_SERVER_PORT", &*port.to_string()), ("APP_MARKERS", "off")]);
    let mut connection = process.connect(port).await;
    assert_eq!(connection.send(Request::invoke("1-a", r#"{"say": "hello"}"#)).await.status, 200);
    assert_eq!(process.stdout().lines().count(), 1);
}

#[tokio::test]
async fn a_panic_is_logged_with_its_place_and_nothing_is_printed_beside_the_log() {
    let port = free_port();
    let process = Process::start([("FC_SERVER_PORT", &*port.to_string())]);
    let mut connection = process.connect(port).await;
    assert_eq!(connection.send(Request::invoke("1-a", r#"{"panic": "no such thing"}"#)).await.status, 404);
    assert_eq!(connection.send(Request::invoke("1-b", "{}")).await.status, 200);
    let stdout = process.stdout();
    let panicked: Value = serde_json::from_str(stdout.lines().nth(1).unwrap()).unwrap();
    assert_eq!((&panicked["level"], &panicked["request_id"]), (&"ERROR".into(), &"1-a".into()));
    assert_eq!(panicked["message"], "panicked: no such thing");
    assert!(panicked["place"].as_str().unwrap().contains("lib.rs:"), "{panicked}");
    process.terminate();
    assert_eq!(process.end().await.stderr, "");
}

#[tokio::test]
async fn sigterm_lets_an_invocation_finish_and_takes_no_other() {
    let port = free_port();
    let gate = Gate::new().await;
    let process = Process::start([("FC_SERVER_PORT", &*port.to_string())]);
    let mut connection = process.connect(port).await;
    let event = format!(r#"{{"wait_for": "{}", "then_say": "finished"}}"#, gate.address());
    connection.write(&Request::invoke("1-a", &event).bytes()).await;
    let waiting = gate.arrival().await;
    process.terminate();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    seen("the port being closed", async || tokio::net::TcpStream::connect(address).await.err()).await;
    drop(waiting);
    assert_eq!(in_time(connection.reply()).await.statuses(), (200, "200"));
    let ended = process.end().await;
    assert_eq!(ended.status, Some(0));
    assert!(ended.stdout.contains("finished"), "{}", ended.stdout);
}

#[tokio::test]
async fn sigterm_ends_an_idle_process_at_once() {
    let port = free_port();
    let process = Process::start([("FC_SERVER_PORT", &*port.to_string())]);
    let mut connection = process.connect(port).await;
    assert_eq!(connection.send(Request::new("GET", "/pre-stop")).await.statuses(), (200, "200"));
    let began = tokio::time::Instant::now();
    process.terminate();
    assert_eq!(process.end().await.status, Some(0));
    assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_closed_stdout_does_not_disturb_an_invocation() {
    let port = free_port();
    let mut process = Process::with_stdout(Stdio::piped(), [("FC_SERVER_PORT", &*port.to_string())]);
    drop(process.child.stdout.take());
    let mut connection = process.connect(port).await;
    for id in ["1-a", "1-b"] {
        assert_eq!(connection.send(Request::invoke(id, r#"{"say": "lost"}"#)).await.status, 200);
    }
}

/// Whatever a caller can make the process hold: heads and events of the maximum size, all begun and none finished.
#[tokio::test]
async fn whatever_callers_begin_and_do_not_end_fits_into_the_memory_of_the_smallest_instance() {
    let port = free_port();
    let process = Process::start([("FC_SERVER_PORT", &*port.to_string())]);
    let head = [&b"POST /invoke HTTP/1.1\r\nx-long: "[..], &[b'x'; 60_000]].concat();
    let event = Request::invoke("1-a", "").body(vec![b'x'; 128 * 1024]).bytes();
    let chunked = [&Request::invoke("1-b", "").head("transfer-encoding: chunked")[..], b"20000\r\n", &[b'x'; 130_000]];
    let large = [&Request::invoke("1-c", "").head("content-length: 33554432")[..], &[b'x'; 1 << 20]].concat();
    let mut begun = vec![process.connect(port).await];
    for beginning in [&head[..], &event[..event.len() - 1], &chunked.concat(), &large].iter().cycle().take(300) {
        let mut connection = process.connect(port).await;
        // Fails if the connection has been closed to make room.
        let _ = connection.stream.write_all(beginning).await;
        begun.push(connection);
    }
    // Each request also gives the other connections a turn, so that in the end the process has read everything.
    for _ in 0..100 {
        assert_eq!(in_time(process.connect(port).await.send(Request::invoke("1-d", "{}"))).await.status, 200);
    }
    let most = process.most_memory_kb();
    assert!(most < 64_000, "{most} KB");
}

#[tokio::test]
async fn where_there_are_no_more_files_a_connection_that_stalls_makes_room_for_another_one() {
    let port = free_port();
    let process = Process::with_files(40, [("FC_SERVER_PORT", &*port.to_string())]);
    let mut kept = process.connect(port).await;
    assert_eq!(kept.send(Request::invoke("1-a", "{}")).await.status, 200);
    let mut stalled = Vec::new();
    for _ in 0..60 {
        stalled.push(process.connect(port).await);
    }
    for id in ["1-b", "1-c"] {
        assert_eq!(in_time(process.connect(port).await.send(Request::invoke(id, "{}"))).await.status, 200);
    }
    assert_eq!(in_time(kept.send(Request::invoke("1-d", "{}"))).await.status, 200);
    assert!(process.stdout().contains("a connection could not be taken"), "{}", process.stdout());
}

/// The fixture function.
const PROGRAM: &str = env!("CARGO_BIN_EXE_fixture-function");

/// The fixture function as a process with its own environment. It is killed at the end of the test.
struct Process {
    child: Child,
    directory: PathBuf,
}

struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Process {
    fn start<const N: usize>(environment: [(&str, &str); N]) -> Self {
        let directory = Self::directory();
        let stdout = File::create(directory.join("stdout")).unwrap();
        Self::spawn(Command::new(PROGRAM), directory, stdout.into(), &environment)
    }

    /// Starts a process that may open at most `max` file descriptors.
    fn with_files<const N: usize>(max: usize, environment: [(&str, &str); N]) -> Self {
        let directory = Self::directory();
        let stdout = File::create(directory.join("stdout")).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {max} && exec \"$0\"")]).arg(PROGRAM);
        Self::spawn(shell, directory, stdout.into(), &environment)
    }

    fn with_stdout<const N: usize>(stdout: Stdio, environment: [(&str, &str); N]) -> Self {
        Self::spawn(Command::new(PROGRAM), Self::directory(), stdout, &environment)
    }

    fn directory() -> PathBuf {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fc-runtime").join(name);
        fs::create_dir_all(&directory).unwrap();
        directory
    }

    fn spawn(mut command: Command, directory: PathBuf, stdout: Stdio, environment: &[(&str, &str)]) -> Self {
        let stderr = File::create(directory.join("stderr")).unwrap();
        let alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        drop(alone);
        Self { child, directory }
    }

    async fn connect(&self, port: u16) -> Connection {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        seen("the port being open", async || tokio::net::TcpStream::connect(address).await.ok()).await;
        Connection::to(address).await
    }

    fn stdout(&self) -> String {
        fs::read_to_string(self.directory.join("stdout")).unwrap_or_default()
    }

    fn terminate(&self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
    }

    /// Returns the peak memory of the process.
    fn most_memory_kb(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    async fn end(mut self) -> Ended {
        let status = seen("the end of the process", async || self.child.try_wait().unwrap()).await;
        Ended {
            status: status.code(),
            stdout: self.stdout(),
            stderr: fs::read_to_string(self.directory.join("stderr")).unwrap(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Held while looking for a port and while starting a process. A process that is starting briefly inherits all open
/// file descriptors, so it would hold a port that another thread is only testing.
static STARTING: Mutex<()> = Mutex::new(());

/// Returns a port that nobody listens on, below the range of ephemeral ports.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let start = 10_000 + u16::try_from(std::process::id() % 20_000).unwrap();
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed);
        if std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}
