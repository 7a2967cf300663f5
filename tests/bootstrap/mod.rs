//! A built function as Function Compute starts it, and what holds of every function. Included by their tests by path.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

/// A policy, and a key that opens nothing. No test gets as far as a call: were there one, nobody would answer it.
pub(crate) const SETTINGS: [(&str, &str); 4] = [
    ("FLOWKEEPER_POLICY", "flow_log:\n  project: abc\n  log_store: vpc\n"),
    ("FLOWKEEPER_ENDPOINT", "http://127.0.0.1:9"),
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret"),
];

/// What a timer of Function Compute sends.
pub(crate) const TIMER: &str = r#"{"triggerTime":"2026-01-01T00:00:00Z","triggerName":"t","payload":""}"#;

/// What `ActionTrail` records of a `CreateVpc`, as short as it can be.
pub(crate) const VPC_CREATED: &str = r#"{"eventName":"CreateVpc","serviceName":"Vpc","acsRegion":"cn-hangzhou","recipientAccountId":"1","responseElements":{"VpcId":"vpc-1"}}"#;

/// The function on a port of its own. It ends with the test.
pub(crate) struct Running {
    process: Child,
    port: u16,
}

impl Running {
    /// Starts a binary with these variables and no others.
    pub(crate) fn start(binary: &str, settings: &[(&str, &str)]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(binary)
            .env_clear()
            .env("FC_CUSTOM_LISTEN_PORT", port.to_string())
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, port }
    }

    /// Posts an event, over a connection of its own, and reads the whole answer.
    pub(crate) fn invoke(&mut self, headers: &str, event: &str) -> String {
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

/// The function listens where it is told, and an event that it has no business with is a success that says why.
pub(crate) fn skips(binary: &str, event: &str, reason: &str) {
    let answer = Running::start(binary, &SETTINGS).invoke("", event);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("x-fc-status: 200\r\n"), "{answer}");
    assert!(answer.contains(r#""outcome":"skipped""#) && answer.contains(reason), "{answer}");
}

/// What is no event is a failure, so that Function Compute tries again and keeps it, and the function goes on.
pub(crate) fn fails_at_what_is_no_event(binary: &str) {
    let mut running = Running::start(binary, &SETTINGS);
    for body in ["no event", "[]", "7"] {
        let answer = running.invoke("", body);
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("x-fc-status: 404\r\n"), "{body}: {answer}");
        assert!(answer.contains(r#""errorType":"UnknownEvent""#), "{body}: {answer}");
    }
}

/// Every wrong setting is named at once, and the process ends before it listens.
pub(crate) fn refuses_wrong_settings(binary: &str) {
    let wrong = [("FLOWKEEPER_DRYRUN", "true"), ("FLOWKEEPER_NETWORK", "moon"), ("FLOWKEEPER_SIGNATURE", "none")];
    let output = Command::new(binary).env_clear().envs(SETTINGS).envs(wrong).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{said}");
    for (name, _) in wrong {
        assert!(said.contains(name), "{name}: {said}");
    }
}
