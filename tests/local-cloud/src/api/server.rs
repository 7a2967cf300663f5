//! The server on the one port: the API at `/`, and the cloud's own controls at `/_local/`.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    api::{
        controls,
        gateway::{self, SecondHalfLate},
        rest,
    },
    function_compute::{self, api::FunctionCompute},
    mns,
    sls::{self, api::LogService},
    world::shared::Shared,
};

/// Serves until it is aborted. Aborting also ends every connection.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let shared = Arc::clone(&shared);
                async move { handle(&shared, request).await }
            });
            // An error means that the client went away, or that a fault discarded the answer.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn handle(shared: &Arc<Shared>, incoming: Request<Incoming>) -> io::Result<Response<DelayedBody>> {
    let (head, incoming_body) = incoming.into_parts();
    let request = Request::from_parts(head, incoming_body.collect().await.map_err(io::Error::other)?.to_bytes());
    let response = match request.uri().path() {
        path if path == "/_local" || path.starts_with("/_local/") => controls::answer(shared, &request).await,
        _ if mns::is_for(&request) => mns::answer(shared, &request),
        _ if sls::is_for(&request) => rest::answer::<LogService>(shared, &request).await.map_err(io::Error::other)?,
        path if path.starts_with(function_compute::api::BASE) => {
            rest::answer::<FunctionCompute>(shared, &request).await.map_err(io::Error::other)?
        }
        _ => gateway::answer(shared, &request).await.map_err(io::Error::other)?,
    };
    let late = response.extensions().get::<SecondHalfLate>().map(|late| late.0);
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let delayed = match late {
        Some(late) => DelayedBody::new(bytes, shared.clock.wait(late)),
        None => DelayedBody { first: bytes, ..DelayedBody::default() },
    };
    Ok(Response::from_parts(parts, delayed))
}

/// A body whose second half can be delayed.
#[derive(Default)]
struct DelayedBody {
    first: Bytes,
    second: Bytes,
    pause: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl DelayedBody {
    fn new(mut body: Bytes, pause: impl Future<Output = ()> + Send + 'static) -> Self {
        let second = body.split_off(body.len() / 2);
        Self { first: body, second, pause: Some(Box::pin(pause)) }
    }
}

impl Body for DelayedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))));
        }
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        let second = std::mem::take(&mut self.second);
        Poll::Ready((!second.is_empty()).then(|| Ok(Frame::data(second))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.second.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact((self.first.len() + self.second.len()) as u64)
    }
}
