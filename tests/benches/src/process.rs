//! A process that is started, invoked, inspected and killed.

use std::{
    fs,
    io::{self, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    clock,
    http::{Message, Messages, find},
};

/// The maximum time until the port is open.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// The pause between two attempts to connect. The system adds 50 µs of its own.
const PAUSE: Duration = Duration::from_micros(20);

/// A running function. It is killed on drop.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Starts `command`, with its port in the variable `port_variable`. It listens some time later.
    pub(crate) fn start(command: &mut Command, port_variable: &str) -> io::Result<Self> {
        let port = free_port()?;
        let child = command.env(port_variable, port.to_string()).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        Ok(Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) })
    }

    /// Connects as soon as the process accepts connections.
    pub(crate) fn connect(&mut self) -> io::Result<Invoker> {
        let started = clock::now();
        loop {
            match TcpStream::connect(self.address) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Invoker { messages: Messages::new(stream) });
                }
                Err(error) if started.elapsed() > MAX_WAIT => return Err(error),
                Err(_) => clock::pause(PAUSE),
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("it ended by itself with {status}")));
            }
        }
    }

    /// Has it end, as Function Compute does, and waits until it has.
    pub(crate) fn end(mut self, mut connection: Invoker) -> io::Result<ExitStatus> {
        // A bare server ends instead of answering.
        let _ = connection.try_invoke(b"GET /pre-stop HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.child.wait()
    }

    /// The CPU time of its threads, in microseconds.
    pub(crate) fn cpu(&self) -> io::Result<f64> {
        cpu_of(self.child.id())
    }

    /// Its resident memory (`VmRSS`), in KiB.
    pub(crate) fn resident(&self) -> io::Result<f64> {
        status(self.child.id(), "VmRSS:")
    }

    /// Its peak resident memory (`VmHWM`), in KiB.
    pub(crate) fn peak(&self) -> io::Result<f64> {
        peak_of(self.child.id())
    }
}

/// The CPU time of the threads of a process, in microseconds.
pub(crate) fn cpu_of(id: u32) -> io::Result<f64> {
    let mut nanoseconds = 0.0;
    for task in fs::read_dir(format!("/proc/{id}/task"))? {
        nanoseconds += first_number(&fs::read_to_string(task?.path().join("schedstat"))?)?;
    }
    Ok(nanoseconds / 1e3)
}

/// The peak resident memory of a process (`VmHWM`), in KiB.
pub(crate) fn peak_of(id: u32) -> io::Result<f64> {
    status(id, "VmHWM:")
}

fn status(id: u32, name: &str) -> io::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    first_number(status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default())
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a free port below the range for outgoing connections: within that range, an attempt to connect can reach
/// itself.
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

/// Returns the number that a text begins with.
pub(crate) fn first_number(text: &str) -> io::Result<f64> {
    let number = text.split_whitespace().next().and_then(|word| word.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("{text:?} begins with no number")))
}

/// A connection to invoke a process.
pub(crate) struct Invoker {
    messages: Messages<TcpStream>,
}

impl Invoker {
    /// Sends an invocation and waits for its answer.
    pub(crate) fn invoke(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.send(request)?;
        self.receive()
    }

    /// Sends an invocation, and returns the whole answer, success or not.
    pub(crate) fn try_invoke(&mut self, request: &[u8]) -> io::Result<String> {
        self.send(request)?;
        let Message { head, body } = self.messages.next()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(String::from_utf8_lossy(&[head, body].concat()).into_owned())
    }

    /// Sends an invocation.
    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.messages.stream.write_all(request)
    }

    /// Waits for an answer, which must be a success, and returns its body.
    pub(crate) fn receive(&mut self) -> io::Result<&[u8]> {
        let answer = self.messages.next()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if answer.head.starts_with(b"HTTP/1.1 200") && find(answer.body, b"\"failed\":1").is_none() {
            return Ok(answer.body);
        }
        let body = String::from_utf8_lossy(answer.body);
        Err(io::Error::other(format!("an invocation was answered {}", body.chars().take(1_000).collect::<String>())))
    }
}
