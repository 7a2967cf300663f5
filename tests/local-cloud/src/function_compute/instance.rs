//! One function process: started on first use, and kept until it fails or the cloud ends.

use std::{
    net::{Ipv4Addr, UdpSocket},
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::{OnceCell, watch},
};

use super::host::{Attempt, Host};
use crate::{
    api::refusal::Refusal,
    eventbridge::delivery::new_request_id,
    options::CredentialsIn,
    ram::accounts::{Caller, Credentials, TOKEN_LIFE},
    world::{clock::after, journal::EntryKind, shared::Shared, state::Place},
};

/// How long a process may take until it listens.
const MAX_START_TIME: Duration = Duration::from_secs(120);
/// How long a process may take to end after SIGTERM.
const MAX_STOP_TIME: Duration = Duration::from_secs(3);
/// Log lines come through a pipe, separately from the answer. After this long without a line, all of them have arrived.
const QUIET: Duration = Duration::from_millis(10);

/// A request to a process.
struct ProcessRequest<'a> {
    method: Method,
    path: &'static str,
    request_id: &'a str,
    retry_count: u32,
    body: &'a [u8],
}

type Connection = SendRequest<Full<Bytes>>;

/// The answer of a process.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The `x-fc-status` header. Only this header says whether the call failed.
    pub(super) fc_status: Option<String>,
    pub(super) body: Bytes,
}

/// A process, or a placeholder for one that is not started yet.
#[derive(Default)]
pub(super) struct Instance {
    started: OnceCell<Started>,
    child: Mutex<Option<Child>>,
    /// Keep-alive connections that are not in use.
    idle: Mutex<Vec<Connection>>,
    requests: AtomicUsize,
    lines: Arc<watch::Sender<Vec<String>>>,
}

struct Started {
    id: String,
    port: u16,
    /// Reserves the port as long as this lives.
    _reservation: UdpSocket,
    /// `None` for a function without a role.
    credentials: Option<Credentials>,
}

impl Instance {
    /// Takes a slot if fewer than `max` are taken.
    pub(super) fn acquire(&self, max: usize) -> bool {
        let more = |taken| (taken < max).then_some(taken + 1);
        self.requests.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_ok()
    }

    pub(super) fn release(&self) {
        self.requests.fetch_sub(1, Ordering::SeqCst);
    }

    /// Returns its id, if it has started.
    pub(super) fn id(&self) -> Option<String> {
        self.started.get().map(|started| started.id.clone())
    }

    /// Returns the id of its process, if it runs.
    pub(super) fn process(&self) -> Option<u32> {
        lock(&self.child).as_ref().and_then(Child::id)
    }

    /// Returns the lines that the process has written so far.
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// Waits until no line has arrived for [`QUIET`].
    pub(super) async fn quiet(&self) {
        let mut lines = self.lines.subscribe();
        while let Ok(Ok(())) = tokio::time::timeout(QUIET, lines.changed()).await {}
    }

    /// Posts one event, and starts the process first if necessary.
    pub(super) async fn invoke(
        &self,
        host: &Host,
        shared: &Shared,
        event: &[u8],
        attempt: &Attempt<'_>,
    ) -> Result<Answer, String> {
        let started = self.started.get_or_try_init(|| self.start(host, shared)).await?;
        let begun = shared.clock.now();
        let Attempt { request_id, retry_count, .. } = *attempt;
        let message = ProcessRequest { method: Method::POST, path: "/invoke", request_id, retry_count, body: event };
        let request = request(host, shared, started.credentials.as_ref(), &message)?;
        let exited = || {
            let duration = shared.clock.now().duration_since(begun).as_millis();
            format!("Process exited unexpectedly before completing request (duration: {duration}ms)")
        };
        self.exchange(started.port, request).await.ok_or_else(exited)
    }

    /// Sends a request on a free connection and reads the whole answer. Returns `None` if the process is gone.
    async fn exchange(&self, port: u16, request: Request<Full<Bytes>>) -> Option<Answer> {
        let idle = lock(&self.idle).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => connect(port).await.ok()?,
        };
        let response = connection.send_request(request).await.ok()?;
        let status = response.status().as_u16();
        let fc_status = response.headers().get("x-fc-status").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = response.into_body().collect().await.ok()?.to_bytes();
        lock(&self.idle).push(connection);
        Some(Answer { status, fc_status, body })
    }

    /// Calls the initializer of a new process, if the template has one.
    async fn initialize(&self, host: &Host, shared: &Shared, started: &Started) -> Result<(), String> {
        let Some(seconds) = host.function.initializer else { return Ok(()) };
        let request_id = new_request_id(shared);
        let message = ProcessRequest {
            method: Method::POST,
            path: "/initialize",
            request_id: &request_id,
            retry_count: 0,
            body: b"",
        };
        let request = request(host, shared, started.credentials.as_ref(), &message)?;
        let answer = tokio::select! {
            answer = self.exchange(started.port, request) => answer,
            () = shared.clock.wait(Duration::from_secs(seconds)) => {
                return Err(format!("InitializationError: /initialize timed out after {seconds} seconds"));
            }
        };
        match answer {
            Some(Answer { status: 200..=299, .. }) => Ok(()),
            Some(Answer { status, .. }) => Err(format!("InitializationError: /initialize answered {status}")),
            None => Err("InitializationError: the process ended in /initialize".to_owned()),
        }
    }

    /// Calls the process's pre-stop hook, if the template has one. Its answer has no effect.
    async fn pre_stop(&self, host: &Host, shared: &Shared) {
        let (Some(seconds), Some(started)) = (host.function.pre_stop, self.started.get()) else { return };
        let request_id = new_request_id(shared);
        let message = ProcessRequest {
            method: Method::GET,
            path: "/pre-stop",
            request_id: &request_id,
            retry_count: 0,
            body: b"",
        };
        if let Ok(request) = request(host, shared, started.credentials.as_ref(), &message) {
            let answer = self.exchange(started.port, request);
            let _ = tokio::time::timeout(Duration::from_secs(seconds), answer).await;
        }
    }

    /// Starts the process and waits until it listens.
    async fn start(&self, host: &Host, shared: &Shared) -> Result<Started, String> {
        let failed = |error: std::io::Error| format!("FunctionNotStarted: {error}");
        // A forked process briefly inherits all open sockets. If two processes started at once, one would keep
        // listening on a port that the start of the other only probes.
        static STARTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let alone = STARTING.lock().await;
        let (port, reservation) = free_port().await.map_err(failed)?;

        let name = &host.function.name;
        let expires = after(shared.clock.now(), TOKEN_LIFE);
        let role = host.function.role.clone();
        if let Some(role) = &role {
            let refused = |refusal: Refusal| format!("AccessDenied: FC may not assume {role}: {}", refusal.code);
            shared.roles.assume_role(role).map_err(refused)?;
        }
        let credentials = role.map(|role| {
            let Place { account, region } = host.function.place.clone();
            let caller = Caller { account, name: name.clone(), role: Some(role), region: Some(region) };
            shared.write(|world| world.keys.issue(caller, expires))
        });
        let instance = format!("c-10ca1c10-{port}");
        let mut child = command(host, shared, credentials.as_ref(), port, &instance).spawn().map_err(failed)?;
        drop(alone);
        for pipe in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
            self.follow(pipe, name, shared);
        }
        *lock(&self.child) = Some(child);
        let listening = async {
            let mut look = tokio::time::interval(Duration::from_millis(2));
            loop {
                look.tick().await;
                if let Ok(connection) = connect(port).await {
                    return Ok(connection);
                }
                if self.has_exited() {
                    return Err("FunctionNotStarted: the process ended before it listened".to_owned());
                }
            }
        };
        let not_healthy = |_| {
            format!("Function instance health check failed on port {port} in {} seconds.", MAX_START_TIME.as_secs())
        };
        let connection = tokio::time::timeout(MAX_START_TIME, listening).await.map_err(not_healthy)??;
        lock(&self.idle).push(connection);
        let started = Started { id: instance.clone(), port, credentials, _reservation: reservation };
        self.initialize(host, shared, &started).await?;
        shared.record(EntryKind::FunctionStarted { function: name.clone(), instance });
        Ok(started)
    }

    /// Journals the lines that the process writes, until it closes the pipe.
    fn follow(&self, pipe: Pipe, function: &str, shared: &Shared) {
        let (function, lines) = (function.to_owned(), Arc::clone(&self.lines));
        shared.spawn_background(move |shared| async move {
            let mut reader = BufReader::new(pipe).lines();
            while let Ok(Some(text)) = reader.next_line().await {
                let Some(shared) = shared.upgrade() else { return };
                lines.send_modify(|lines| lines.push(text.clone()));
                shared.record(EntryKind::Line { function: function.clone(), text });
            }
        });
    }

    /// Returns whether the process was started and has ended.
    pub(super) fn has_exited(&self) -> bool {
        lock(&self.child).as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)))
    }

    pub(super) fn kill(&self) {
        if let Some(child) = lock(&self.child).as_mut() {
            // Fails only if the process has already ended.
            let _ = child.start_kill();
        }
    }

    /// Asks the process to end, waits, and kills it if it is still running.
    pub(super) async fn stop(&self, host: &Host, shared: &Shared) {
        self.pre_stop(host, shared).await;
        let child = lock(&self.child).take();
        let Some(mut child) = child else { return };
        let id = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        let asked = id.is_some_and(|id| rustix::process::kill_process(id, rustix::process::Signal::TERM).is_ok());
        if asked && tokio::time::timeout(MAX_STOP_TIME, child.wait()).await.is_ok() {
            return;
        }
        let _ = child.kill().await;
    }
}

type Pipe = Box<dyn AsyncRead + Send + Unpin>;

fn boxed(pipe: impl AsyncRead + Send + Unpin + 'static) -> Pipe {
    Box::new(pipe)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the command with Function Compute's environment and none of the cloud's own.
fn command(host: &Host, shared: &Shared, credentials: Option<&Credentials>, port: u16, instance: &str) -> Command {
    let function = &host.function;
    let folder = host.program.parent().unwrap_or(&host.program);
    let mut command = Command::new(&host.program);
    command
        .env_clear()
        .env("FC_CUSTOM_LISTEN_PORT", port.to_string())
        .env("FC_SERVER_PORT", port.to_string())
        .env("FC_ACCOUNT_ID", &function.place.account)
        .env("FC_REGION", &function.place.region)
        .env("FC_FUNCTION_NAME", &function.name)
        .env("FC_FUNCTION_HANDLER", &function.handler)
        .env("FC_FUNCTION_MEMORY_SIZE", function.memory.to_string())
        .env("FC_INSTANCE_ID", instance)
        .env("FC_FUNC_CODE_PATH", folder)
        .envs(
            function
                .environment
                .iter()
                .map(|(name, value)| (name, shared.buckets.mounted(function, &shared.in_layer(value)))),
        )
        .env("FLOWKEEPER_ENDPOINT", format!("http://{}", shared.address))
        // Prevents others from invoking it on a shared machine.
        .env("FLOWKEEPER_LISTEN_ADDRESS", Ipv4Addr::LOCALHOST.to_string());
    if let Some(credentials) = credentials.filter(|_| shared.options.credentials == CredentialsIn::Environment) {
        command
            .env("ALIBABA_CLOUD_ACCESS_KEY_ID", &credentials.access_key_id)
            .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", &credentials.access_key_secret)
            .env("ALIBABA_CLOUD_SECURITY_TOKEN", credentials.security_token.as_deref().unwrap_or_default());
    }
    command
        .envs(shared.options.policy.iter().map(|policy| ("FLOWKEEPER_POLICY", policy)))
        .envs(&shared.options.environment)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Finds a free port, and reserves it against other local clouds on this machine by binding the same UDP port. Two
/// clouds that probe a port at the same time would both find it free until a process listens on it.
///
/// Avoids ephemeral ports, which start at 32768 on Linux. A connection to such a port may be assigned that port as its
/// own source port, and so connect to itself before the process listens.
async fn free_port() -> std::io::Result<(u16, UdpSocket)> {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 22_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % u32::from(COUNT)) as u16;
    loop {
        let tried = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + ((u32::from(start) + u32::from(tried)) % u32::from(COUNT)) as u16;
        let reserved = UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        let free = match reserved {
            Ok(reservation) => TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map(|_| reservation),
            Err(error) => Err(error),
        };
        match free {
            Ok(reservation) => return Ok((port, reservation)),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && tried < u16::MAX => {}
            Err(error) => return Err(error),
        }
    }
}

async fn connect(port: u16) -> std::io::Result<Connection> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
    // Ends with the process or when the sender is dropped. The sender reports its errors too.
    tokio::spawn(connection);
    Ok(sender)
}

/// Builds a request to a process, as FC sends it.
fn request(
    host: &Host,
    shared: &Shared,
    credentials: Option<&Credentials>,
    message: &ProcessRequest<'_>,
) -> Result<Request<Full<Bytes>>, String> {
    let function = &host.function;
    let nothing = Credentials::default();
    let in_headers = shared.options.credentials == CredentialsIn::Headers;
    let credentials = credentials.filter(|_| in_headers).unwrap_or(&nothing);
    Request::builder()
        .method(&message.method)
        .uri(message.path)
        .header("host", "127.0.0.1")
        .header("content-type", "application/octet-stream")
        .header("x-fc-request-id", message.request_id)
        .header("x-fc-control-path", message.path)
        .header("x-fc-function-name", &function.name)
        .header("x-fc-function-handler", &function.handler)
        .header("x-fc-function-memory", function.memory)
        .header("x-fc-function-timeout", function.timeout)
        .header("x-fc-region", &function.place.region)
        .header("x-fc-account-id", &function.place.account)
        .header("x-fc-qualifier", "LATEST")
        .header("x-fc-version-id", "")
        .header("x-fc-retry-count", message.retry_count)
        .header("x-fc-access-key-id", &credentials.access_key_id)
        .header("x-fc-access-key-secret", &credentials.access_key_secret)
        .header("x-fc-security-token", credentials.security_token.as_deref().unwrap_or_default())
        .body(Full::from(Bytes::copy_from_slice(message.body)))
        .map_err(|error| error.to_string())
}
