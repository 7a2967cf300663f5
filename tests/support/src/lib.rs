//! Runs a built function as Function Compute starts it, and tests what holds for every function.
//!
//! Only tests may depend on this crate. A failed check panics.

#![expect(clippy::unwrap_used, reason = "only tests come here")]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Output, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
};

/// A policy, and credentials without any rights. No test gets as far as a call, and nothing would answer one.
pub const SETTINGS: [(&str, &str); 4] = [
    ("FLOWKEEPER_POLICY", "flow_log:\n  project: abc\n  log_store: vpc\n"),
    ("FLOWKEEPER_ENDPOINT", "http://127.0.0.1:9"),
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret"),
];

/// The event of a Function Compute timer.
pub const TIMER: &str = r#"{"triggerTime":"2026-01-01T00:00:00Z","triggerName":"t","payload":""}"#;

/// The account and region that a function runs in, as headers.
pub const LOCATION: &str = "x-fc-account-id: 1000000000000001\r\nx-fc-region: cn-hangzhou\r\n";

/// A minimal `ActionTrail` event of a `CreateVpc` call.
pub const VPC_CREATED: &str = r#"{"eventName":"CreateVpc","serviceName":"Vpc","acsRegion":"cn-hangzhou","recipientAccountId":"1","responseElements":{"VpcId":"vpc-1"}}"#;

/// Held while a port is chosen and while a process is started. A starting process briefly inherits what all threads
/// have open, so it would listen on a port that another thread only probes.
static STARTING: Mutex<()> = Mutex::new(());

/// Returns a port that nobody listens on, outside the range from which the system picks the local ports of connections.
///
/// From within that range, a connection could connect to itself before the function listens.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 10_000 + u16::try_from(std::process::id() % 20_000).unwrap();
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Starts a function that is expected to exit, and waits until it does.
pub fn output(command: &mut Command) -> Output {
    let alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(alone);
    process.wait_with_output().unwrap()
}

/// A running function on its own port. It is killed at the end of the test.
pub struct Running {
    process: Child,
    port: u16,
}

impl Running {
    /// Starts a binary with these environment variables and no others.
    pub fn start(binary: &str, settings: &[(&str, &str)]) -> Self {
        Self::of(Command::new(binary), settings)
    }

    /// Starts a function by this command, with these environment variables and no others.
    pub fn of(mut command: Command, settings: &[(&str, &str)]) -> Self {
        let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let port = free_port();
        let process = command
            .env_clear()
            .env("FC_CUSTOM_LISTEN_PORT", port.to_string())
            .env("FLOWKEEPER_LISTEN_ADDRESS", "127.0.0.1")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, port }
    }

    /// Posts an event over its own connection, and reads the whole answer.
    pub fn invoke(&mut self, headers: &str, event: &str) -> String {
        let mut connection = loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(connection) => break connection,
                Err(_) => assert!(self.process.try_wait().unwrap().is_none(), "it has ended"),
            }
        };
        let length = event.len();
        write!(
            connection,
            "POST /invoke HTTP/1.1\r\nhost: fc\r\nconnection: close\r\nx-fc-request-id: 1-test\r\n{headers}content-length: {length}\r\n\r\n{event}"
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Defines the tests that every function has, and `BINARY`, the path of its binary.
#[macro_export]
macro_rules! tests_of_every_function {
    ($binary:literal) => {
        const BINARY: &str = env!(concat!("CARGO_BIN_EXE_", $binary));

        #[test]
        fn a_body_that_is_not_an_event_fails() {
            $crate::fails_for_a_body_that_is_not_an_event(BINARY);
        }

        #[test]
        fn invalid_settings_are_all_reported_and_the_function_does_not_start() {
            $crate::refuses_invalid_settings(BINARY);
        }
    };
}

/// Checks that the function listens on its port, and that an event it does not handle is a success that says why.
pub fn skips(binary: &str, event: &str, reason: &str) {
    let answer = Running::start(binary, &SETTINGS).invoke("", event);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("x-fc-status: 200\r\n"), "{answer}");
    assert!(answer.contains(r#""outcome":"skipped""#) && answer.contains(reason), "{answer}");
}

/// Checks that a timer fails in a region that is not known.
pub fn fails_without_a_region(binary: &str) {
    let answer = Running::start(binary, &SETTINGS).invoke("", TIMER);
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("region"), "{answer}");
}

/// Checks that a body that is not an event fails, so that Function Compute retries and keeps it, and that the function
/// keeps running.
pub fn fails_for_a_body_that_is_not_an_event(binary: &str) {
    let mut running = Running::start(binary, &SETTINGS);
    for body in ["no event", "[]", "7"] {
        let answer = running.invoke("", body);
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("x-fc-status: 404\r\n"), "{body}: {answer}");
        assert!(answer.contains(r#""errorType":"UnknownEvent""#), "{body}: {answer}");
    }
}

/// Checks that all invalid settings are reported together, and that the process ends before it listens.
pub fn refuses_invalid_settings(binary: &str) {
    let invalid = [("FLOWKEEPER_DRYRUN", "true"), ("FLOWKEEPER_NETWORK", "moon"), ("FLOWKEEPER_SIGNATURE", "none")];
    let missing_file = [("FLOWKEEPER_EXTRA_ROOT_FILE", "/nowhere/root.der")];
    let output = output(Command::new(binary).env_clear().envs(SETTINGS).envs(invalid).envs(missing_file));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{message}");
    for (name, _) in invalid {
        assert!(message.contains(name), "{name}: {message}");
    }
    assert!(
        message.contains("FLOWKEEPER_LOG, FLOWKEEPER_MARKERS"),
        "the settings of the process itself are listed too: {message}"
    );
    assert!(message.contains("FLOWKEEPER_EXTRA_ROOT_FILE is /nowhere/root.der, which cannot be read"), "{message}");
    assert!(!message.contains("FLOWKEEPER_EXTRA_ROOT_FILE is not a known setting"), "{message}");
}
