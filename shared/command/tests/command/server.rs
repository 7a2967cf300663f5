//! A server that answers as a test says, and keeps what it was asked.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

/// A request as the server received it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// The path, and the host before it if the request came to a proxy.
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Whether the form or the query has this text.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.body.contains(text) || self.target.contains(text)
    }
}

/// The status and the body of an answer.
pub(crate) type Answer = (u16, String);
type Answering = dyn FnMut(&Seen) -> Answer + Send;

/// A server on this machine, which ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) async fn answering(answer: impl FnMut(&Seen) -> Answer + Send + 'static) -> Self {
        Self::start(None, answer).await
    }

    /// The same over TLS, with a certificate.
    pub(crate) async fn over_tls(
        tls: tokio_rustls::TlsAcceptor,
        answer: impl FnMut(&Seen) -> Answer + Send + 'static,
    ) -> Self {
        Self::start(Some(tls), answer).await
    }

    async fn start(
        tls: Option<tokio_rustls::TlsAcceptor>,
        answer: impl FnMut(&Seen) -> Answer + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer: Arc<Mutex<Box<Answering>>> = Arc::new(Mutex::new(Box::new(answer)));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answer, tls) = (Arc::clone(&log), Arc::clone(&answer), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        // A client that does not trust the certificate hangs up.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &log, &answer).await;
                            }
                        }
                        None => serve(stream, &log, &answer).await,
                    }
                });
            }
        });
        Self { port, seen }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    log: &Mutex<Vec<Seen>>,
    answer: &Mutex<Box<Answering>>,
) {
    let service = service_fn(async |request: Request<Incoming>| {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        let headers = parts.headers.iter();
        let seen = Seen {
            method: parts.method.to_string(),
            target: parts.uri.to_string(),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
                .collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        log.lock().unwrap().push(seen.clone());
        let (status, text) = answer.lock().unwrap()(&seen);
        Ok::<_, Infallible>(Response::builder().status(status).body(Full::new(Bytes::from(text))).unwrap())
    });
    _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// What STS answers to `AssumeRole`, `AssumeRoleWithOIDC` and `GetCallerIdentity`. Keys have the session's name.
pub(crate) fn sts(seen: &Seen) -> Answer {
    if seen.has("Action=GetCallerIdentity") {
        let id = seen.body.split('&').find_map(|pair| pair.strip_prefix("AccessKeyId=")).unwrap_or_default();
        let body = format!(
            r#"{{"AccountId":"1000000000000001","Arn":"acs:ram::1000000000000001:user/{id}","IdentityType":"RAMUser"}}"#
        );
        return (200, body);
    }
    let session = seen.body.split('&').find_map(|pair| pair.strip_prefix("RoleSessionName=")).unwrap_or_default();
    (
        200,
        format!(
            r#"{{"Credentials":{{"AccessKeyId":"STS.{session}","AccessKeySecret":"planted","SecurityToken":"planted-token",
            "Expiration":"2099-01-01T00:00:00Z"}}}}"#
        ),
    )
}
