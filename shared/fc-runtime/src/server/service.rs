//! Turns a request into a response.

use std::{
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use clock::Clock;
use http::{
    HeaderMap, Request, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
    request::Parts,
};
use http_body_util::Full;
use hyper::body::Incoming;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tracing::warn;

use crate::{
    Failure, Function, Invocation, Log, Output,
    headers::{self, FcHeaders},
    invocation::EnvironmentDefaults,
    log::{InvocationLog, take_failure_log},
    server::{
        body::{BodyLimiter, Event},
        connections::ConnectionState,
        panic,
        route::Route,
    },
};

/// How long before the deadline an invocation is aborted.
///
/// The smallest function has 0.05 vCPU: it may run 5 of every 100 ms. This is two such periods, to write the response
/// and to make up for the time that the request took to arrive. Work should have ended long before
/// ([`Invocation::soft_deadline`]).
const HARD_MARGIN: SignedDuration = SignedDuration::from_millis(200);

/// A function and everything needed to serve it. Shared by all connections.
pub(crate) struct Service<F> {
    function: F,
    defaults: EnvironmentDefaults,
    clock: Arc<dyn Clock>,
    log: Option<Log>,
    body_limiter: BodyLimiter,
}

type Reply = Response<Full<Bytes>>;

impl<F: Function> Service<F> {
    pub(crate) fn new(function: F, defaults: EnvironmentDefaults, clock: Arc<dyn Clock>, log: Option<Log>) -> Self {
        Self { function, defaults, clock, log, body_limiter: BodyLimiter::default() }
    }

    /// Responds to any request. Never fails: errors are responses too.
    ///
    /// `running` is held for as long as work is done for the request, and `state` is kept up to date.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        state: ConnectionState,
        running: watch::Receiver<()>,
    ) -> Reply {
        let arrived = self.clock.now();
        state.on_head();
        let (head, body) = request.into_parts();
        let fc_headers = FcHeaders::of(&head.headers);
        let request_id = fc_headers.request_id.text().unwrap_or("unknown");
        let log = InvocationLog::new(request_id);
        let (route, invocation) = log.on_lines_of(|| {
            let invocation = Invocation::from_headers(request_id, &fc_headers, &self.defaults, arrived);
            (Route::of(fc_headers.control_path, &head.method, head.uri.path()), invocation)
        });
        let route = match route {
            Ok(route) => route,
            Err(no_route) => {
                let failure = Failure::from(no_route);
                log.on_lines_of(|| report(&failure));
                state.on_response();
                return refusal(&failure);
            }
        };
        let body = match route {
            Route::Invoke | Route::HttpInvoke | Route::Http => self.body_limiter.read(body).await,
            Route::Initialize | Route::PreStop | Route::PreFreeze => Ok(Event::default()),
        };
        state.on_request();

        let service = Arc::clone(&self);
        let id = log.request_id();
        let task = async move {
            let time_left = invocation.deadline.map(|deadline| service.time_left(deadline));
            service.start(route, &id);
            // Boxed because wrapping and spawning a future moves it, and this one is large.
            let work = Box::pin(service.work(route, invocation, head, body));
            let outcome = panic::catch_panic(with_deadline(time_left, work)).await;
            if let Err(failure) = &outcome {
                match take_failure_log() {
                    Some(log_failure) => log_failure(failure, service.clock.now()),
                    None => report(failure),
                }
            }
            service.end(route, &id, outcome.is_err());
            drop(running);
            Ok(outcome.unwrap_or_else(|failure| refusal(&failure)))
        };
        // If hyper drops this future because the caller hung up, the work continues: where it has to wait, it becomes a
        // task of its own. An event that is ignored never waits.
        let mut task = Box::pin(panic::catch_panic(log.on_all_lines_of(task)));
        let done = match poll_fn(|context| Poll::Ready(task.as_mut().poll(context))).await {
            Poll::Ready(done) => done,
            Poll::Pending => {
                let joined = tokio::spawn(task).await;
                joined.unwrap_or_else(|error| Err(Failure::from_error("Cancelled", &error)))
            }
        };
        state.on_response();
        done.unwrap_or_else(|failure| refusal(&failure))
    }

    async fn work(
        &self,
        route: Route,
        invocation: Invocation,
        head: Parts,
        event: Result<Event, Failure>,
    ) -> Result<Reply, Failure> {
        // The permit of a large body is held until the work is done.
        let Event { body, permit: _permit } = event?;
        match route {
            Route::Invoke => Ok(success(self.function.handle(invocation, body).await?)),
            Route::HttpInvoke | Route::Http => {
                Ok(passed_through(self.function.http(invocation, Request::from_parts(head, body)).await?))
            }
            Route::Initialize => self.function.initialize(invocation).await.map(|()| empty_success()),
            Route::PreStop | Route::PreFreeze => Ok(empty_success()),
        }
    }

    fn time_left(&self, deadline: Timestamp) -> Duration {
        (deadline.duration_since(self.clock.now()) - HARD_MARGIN).try_into().unwrap_or(Duration::ZERO)
    }

    fn start(&self, route: Route, request_id: &str) {
        if let (Some(log), Some(what)) = (&self.log, route.marker()) {
            log.start(what, request_id);
        }
    }

    fn end(&self, route: Route, request_id: &str, failed: bool) {
        if let (Some(log), Some(what)) = (&self.log, route.marker()) {
            log.end(what, request_id, failed);
        }
    }
}

/// Runs `work` for no longer than the time left, if that is known.
async fn with_deadline<T>(
    time_left: Option<Duration>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(time_left) = time_left else { return work.await };
    tokio::time::timeout(time_left, work).await.unwrap_or_else(|_| {
        Err(Failure::new(
            "DeadlineExceeded",
            format!(
                "the work was given up after {} ms, just before Function Compute would have ended the instance; \
                 what it had under way may or may not have been done",
                time_left.as_millis()
            ),
        ))
    })
}

fn report(failure: &Failure) {
    warn!(error_type = &*failure.error_type, error_message = failure.error_message, "the invocation failed");
}

fn reply(status: StatusCode, fc_status: &'static str, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    *reply.headers_mut() = HeaderMap::with_capacity(2);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply.headers_mut().insert(headers::STATUS.clone(), HeaderValue::from_static(fc_status));
    reply
}

fn success(answer: Output) -> Reply {
    reply(StatusCode::OK, "200", answer.into_body())
}

fn empty_success() -> Reply {
    reply(StatusCode::OK, "200", Bytes::from_static(b"{}"))
}

fn refusal(failure: &Failure) -> Reply {
    // A failure contains only text and JSON values, so this cannot fail.
    let body = serde_json::to_vec(failure).unwrap_or_default();
    reply(StatusCode::NOT_FOUND, "404", body.into())
}

fn passed_through(response: Response<Bytes>) -> Reply {
    let mut reply = response.map(Full::new);
    reply.headers_mut().entry(&headers::STATUS).or_insert(HeaderValue::from_static("200"));
    reply
}
