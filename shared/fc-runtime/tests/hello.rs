//! The example of the README as a process.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::{
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{interval, timeout},
};

/// Longer than anything here takes. A test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ended with the test.
struct Hello(Child);

impl Drop for Hello {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Hello {
    fn start(port: u16) -> Self {
        let child = Command::new(Self::program())
            .env_clear()
            .env("FC_SERVER_PORT", port.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn program() -> PathBuf {
        // Cargo builds the examples before it runs the tests, next to the directory of the test binary.
        let tests = std::env::current_exe().unwrap();
        let hello = tests.parent().unwrap().with_file_name("examples").join("hello");
        assert!(hello.exists(), "not built: cargo build -p fc-runtime --example hello");
        hello
    }
}

/// Returns a port that nobody listens on, below the range of ephemeral ports.
fn free_port() -> u16 {
    let first = 10_000 + u16::try_from(std::process::id() % 20_000).unwrap();
    (first..).find(|port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok()).unwrap()
}

async fn connect(port: u16) -> TcpStream {
    let mut ticks = interval(Duration::from_millis(2));
    loop {
        ticks.tick().await;
        if let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            return stream;
        }
    }
}

#[tokio::test]
async fn the_example_of_the_readme_answers_what_the_readme_says() {
    let readme = include_str!("../README.md");
    let example = include_str!("../examples/hello.rs");
    let (_, code) = example.split_once("\n\n").unwrap();
    assert!(readme.contains(&format!("```rust\n{code}```\n")), "the README shows another hello");

    let port = free_port();
    let _hello = Hello::start(port);
    let event = r#"{"name":"Ada"}"#;
    let request = format!(
        "POST /invoke HTTP/1.1\r\nhost: a\r\nx-fc-request-id: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{event}",
        event.len()
    );
    let reply = timeout(PATIENCE, async {
        let mut stream = connect(port).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        reply
    });
    let reply = reply.await.unwrap();
    let (_, answer) = readme.split_once("```json\n").unwrap();
    assert_eq!(reply.split_once("\r\n\r\n").unwrap().1, answer.split_once('\n').unwrap().0);
}
