//! The built binary, as Function Compute starts it.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

/// The function on a port of its own. It ends with the test.
struct Running {
    process: Child,
    port: u16,
}

impl Running {
    fn start(more: &[(&str, &str)]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(env!("CARGO_BIN_EXE_create-flow-log"))
            .env_clear()
            .env("FC_CUSTOM_LISTEN_PORT", port.to_string())
            .envs(more.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, port }
    }

    /// Posts an event, over a connection of its own, and reads the whole answer.
    fn invoke(&mut self, headers: &str, event: &str) -> String {
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

const POLICY: (&str, &str) = ("FLOWKEEPER_POLICY", "flow_log:\n  project: abc\n  log_store: vpc\n");
const KEY: [(&str, &str); 2] = [("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")];

#[test]
fn it_listens_where_it_is_told_and_says_of_each_answer_whether_it_is_a_success() {
    let mut running = Running::start(&[POLICY, KEY[0], KEY[1]]);
    let skipped = running.invoke("", r#"{"triggerTime":"2026-01-01T00:00:00Z","triggerName":"t","payload":""}"#);
    assert!(skipped.starts_with("HTTP/1.1 200 ") && skipped.contains("x-fc-status: 200\r\n"), "{skipped}");
    assert!(skipped.contains(r#""reason":"nothing new has come into being""#), "{skipped}");
    let failed = running.invoke("", "no event");
    assert!(failed.starts_with("HTTP/1.1 404 ") && failed.contains("x-fc-status: 404\r\n"), "{failed}");
    assert!(failed.contains(r#""errorType":"UnknownEvent""#), "{failed}");
}

#[test]
fn without_a_key_it_says_where_it_looked_for_one() {
    let mut running = Running::start(&[POLICY]);
    let event = r#"{"eventName":"CreateVpc","serviceName":"Vpc","acsRegion":"cn-hangzhou","recipientAccountId":"1","responseElements":{"VpcId":"vpc-1"}}"#;
    // Two of the three headers are no key.
    let answer =
        running.invoke("x-fc-access-key-id: a\r\nx-fc-access-key-secret: b\r\nx-fc-security-token: \r\n", event);
    assert!(answer.contains(r#""errorType":"MissingCredentials""#), "{answer}");
    assert!(answer.contains("ALIBABA_CLOUD_ACCESS_KEY_ID"), "{answer}");
}

#[test]
fn a_policy_beside_the_binary_is_found() {
    let folder = std::env::temp_dir().join(format!("flowkeeper-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let binary = folder.join("bootstrap");
    std::fs::copy(env!("CARGO_BIN_EXE_create-flow-log"), &binary).unwrap();
    std::fs::write(folder.join("policy.yml"), "flow_log:\n  project: abc\n  log_store: no good name\n  extra: 1\n")
        .unwrap();
    let output = Command::new(&binary).env_clear().output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(said.contains("line 4, column 3: flow_log has no key \"extra\""), "{said}");
}
