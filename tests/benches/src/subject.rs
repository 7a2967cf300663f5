//! What is measured: a binary that is started, invoked, looked at and killed.

use std::fs;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use crate::clock;
use crate::http::{Messages, find};

const POLICY: &str = r#"{"flow_log": {"project": "flowlog-{account}-{region}", "log_store": "vpc"}}"#;
/// How long it may take until the port is open.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait between two looks whether it is. The system adds its own 50 µs.
const PAUSE: Duration = Duration::from_micros(20);

/// Something to be measured.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    pub(crate) binary: PathBuf,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `create-flow-log`.
    Ours,
    /// `bare`, with so many calls for a job.
    Floor {
        /// How many.
        calls: usize,
    },
}

impl Subject {
    /// The size of the binary, in bytes.
    pub(crate) fn size(&self) -> io::Result<u64> {
        Ok(fs::metadata(&self.binary)?.len())
    }

    /// Starts it. It listens some time later.
    pub(crate) fn start(&self, cloud: SocketAddr) -> io::Result<Process> {
        let port = free_port()?;
        let mut command = Command::new(&self.binary);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null());
        match self.kind {
            Kind::Ours => command
                .env("FC_CUSTOM_LISTEN_PORT", port.to_string())
                .env("FLOWKEEPER_ENDPOINT", format!("http://{cloud}"))
                .env("FLOWKEEPER_POLICY", POLICY),
            Kind::Floor { calls } => command
                .env("BARE_PORT", port.to_string())
                .env("BARE_CLOUD", cloud.to_string())
                .env("BARE_CALLS", calls.to_string()),
        };
        Ok(Process { child: command.spawn()?, address: SocketAddr::from(([127, 0, 0, 1], port)) })
    }
}

/// A port below those that the system gives to outgoing connections: an attempt to connect to one of those can end up
/// at itself.
fn free_port() -> io::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    for _ in 0..10_000 {
        let port = 20_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 10_000;
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::other("there is no free port"))
}

/// A running subject. Killed on drop.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// A connection, as soon as it takes one.
    pub(crate) fn connect(&mut self) -> io::Result<Invoker> {
        let started = clock::now();
        loop {
            match TcpStream::connect(self.address) {
                Ok(stream) => return Ok(Invoker { messages: Messages::new(stream)? }),
                Err(error) if started.elapsed() > PATIENCE => return Err(error),
                Err(_) => clock::pause(PAUSE),
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("it ended by itself with {status}")));
            }
        }
    }

    /// The time that its threads have spent on a processor, in microseconds.
    pub(crate) fn cpu(&self) -> io::Result<f64> {
        let mut nanoseconds = 0.0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            nanoseconds += first_number(&fs::read_to_string(task?.path().join("schedstat"))?)?;
        }
        Ok(nanoseconds / 1e3)
    }

    /// Its resident memory (`VmRSS`), in KiB.
    pub(crate) fn resident(&self) -> io::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        first_number(status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn first_number(text: &str) -> io::Result<f64> {
    let number = text.split_whitespace().next().and_then(|word| word.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("{text:?} begins with no number")))
}

/// A connection over which a subject is invoked.
pub(crate) struct Invoker {
    messages: Messages,
}

impl Invoker {
    /// Invokes and waits for the answer.
    pub(crate) fn invoke(&mut self, request: &[u8]) -> io::Result<()> {
        self.send(request)?;
        self.receive()
    }

    /// Invokes.
    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.messages.stream.write_all(request)
    }

    /// Waits for the answer, which has to be a success.
    pub(crate) fn receive(&mut self) -> io::Result<()> {
        let answer = self.messages.next()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if answer.head.starts_with(b"HTTP/1.1 200") && find(answer.body, b"\"failed\":1").is_none() {
            return Ok(());
        }
        let body = String::from_utf8_lossy(answer.body);
        Err(io::Error::other(format!("an invocation was answered {body}")))
    }
}
