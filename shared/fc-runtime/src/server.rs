//! The HTTP server: accepts, serves and closes connections.

pub(crate) mod body;
pub(crate) mod connections;
pub(crate) mod panic;
pub(crate) mod route;
pub(crate) mod service;

use std::{convert::Infallible, future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use clock::{Clock, SystemClock};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use settings::Settings;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
};
use tracing::{debug, warn};

use crate::{
    Function, Log,
    invocation::EnvironmentDefaults,
    server::{
        connections::{ConnectionState, Connections},
        service::Service,
    },
};

/// How long running work may continue after the process was asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long to wait after a failed accept, for instance when file descriptors run out.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// The maximum read buffer of a connection, in bytes. A head has at most 12 KB (8 KB of headers, 4 KB of path).
const MAX_READ_BUFFER: usize = 64 * 1024;

/// A bound port, before it serves a function.
pub struct Server {
    listener: TcpListener,
    clock: Arc<dyn Clock>,
    log: Option<Log>,
}

impl Server {
    /// Listens on `address`. From now on Function Compute finds the port open; requests wait until [`Server::serve`].
    ///
    /// # Errors
    /// The system's error, for instance if the port is taken.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener, clock: Arc::new(SystemClock), log: None })
    }

    /// Replaces the machine's clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Sets the log for Function Compute's marker lines. Without one, there are none.
    ///
    /// Everything else is logged through `tracing`, to [`Log::subscriber`] or whatever other subscriber is installed.
    #[must_use]
    pub fn with_log(self, log: Log) -> Self {
        Self { log: Some(log), ..self }
    }

    /// Returns the local address, with the actual port if the server was bound to port 0.
    ///
    /// # Errors
    /// The system's error.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves `function` until `shutdown` completes, and then finishes running work for up to 10 seconds.
    ///
    /// After `shutdown`, no connection is accepted. Idle connections are closed, and those in use are closed after
    /// their response. Invocations whose caller has hung up are waited for as well.
    pub async fn serve<F: Function>(self, function: F, settings: &Settings, shutdown: impl Future<Output = ()>) {
        let Self { listener, clock, log } = self;
        let service = Arc::new(Service::new(function, EnvironmentDefaults::new(settings), Arc::clone(&clock), log));
        let (stop, running) = watch::channel(());
        let mut connections = Connections::default();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => match connections.add() {
                        Some(place) => {
                            tokio::spawn(connection(stream, place, Arc::clone(&service), running.clone()));
                        }
                        None => warn!("a connection was closed at once: as many as may be open are at work"),
                    },
                    Err(error) => {
                        warn!(error = &error as &dyn std::error::Error, "a connection could not be taken");
                        connections.evict_one();
                        clock.sleep(ACCEPT_BACKOFF).await;
                    }
                },
                () = &mut shutdown => break,
            }
        }
        drop((listener, running, service));
        // Notifies every receiver. A task is done when it drops its receiver.
        let _ = stop.send(());
        if tokio::time::timeout(GRACE, stop.closed()).await.is_err() {
            warn!(waited_ms = GRACE.as_millis() as u64, "what still ran was cut off");
        }
    }
}

/// Serves one connection for as long as it stays open.
///
/// Without a timer, hyper times nothing out: neither a head that never arrives nor an idle connection.
async fn connection<F: Function>(
    stream: TcpStream,
    (state, closed): (ConnectionState, oneshot::Receiver<()>),
    service: Arc<Service<F>>,
    mut stopping: watch::Receiver<()>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(error = &error as &dyn std::error::Error, "a connection has no TCP_NODELAY");
    }
    let running = stopping.clone();
    let answer = service_fn(move |request| {
        let answer = Arc::clone(&service).answer(request, state.clone(), running.clone());
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        // A caller that has finished sending may still wait for its response.
        .half_close(true)
        // Function Compute does not pass it on.
        .auto_date_header(false)
        .max_buf_size(MAX_READ_BUFFER)
        // A response is small: to copy it behind its head is quicker than to send two pieces.
        .writev(false)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        Ok(()) = closed => {
            debug!("a connection was closed to make room for another one");
            return;
        }
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(error = &error as &dyn std::error::Error, "a connection ended badly");
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).finish_non_exhaustive()
    }
}
