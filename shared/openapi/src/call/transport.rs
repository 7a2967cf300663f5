//! Sends a signed call to an endpoint and returns the response.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{
    ClientBuilder, Method, Url,
    header::{self, HeaderName, HeaderValue},
    redirect,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::TrustAnchor};
use signing::acs3::Signed;

use crate::{
    Cause,
    call::response::{Exhausted, Response},
};

/// How long a connection may take to establish.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an idle connection is kept. The gateway closes its side at some point, and a frozen instance would not
/// notice.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// The maximum size of a response. A page of 500 network interfaces is below one MB.
const MAX_RESPONSE_BYTES: usize = 16 << 20;

/// The maximum wait that a server may ask for. The SDKs have the same.
const MAX_WAIT: Duration = Duration::from_mins(2);

/// The headers in which the products repeat the request id: most of them, Function Compute, and Simple Log Service.
/// Like the names below they are static, so that no lookup parses them.
static REQUEST_IDS: [HeaderName; 3] = [
    HeaderName::from_static("x-acs-request-id"),
    HeaderName::from_static("x-fc-request-id"),
    HeaderName::from_static("x-log-requestid"),
];
static RETRY_AFTER: HeaderName = HeaderName::from_static("x-acs-retry-after");
static RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-user");
static RATE_LIMIT_OF_OPERATION: HeaderName = HeaderName::from_static("x-ratelimit-user-api");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const NOTHING: HeaderValue = HeaderValue::from_static("0");

/// Returns a builder of HTTP clients that behave as calls of this API need, over `tls`. Proxies are taken from the
/// environment, unless the caller says otherwise.
pub fn http_client(tls: ClientConfig) -> ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tcp_nodelay(true)
        // An API does not redirect, and a signed request must not be sent to another host.
        .redirect(redirect::Policy::none())
        .referer(false)
        // Retries are decided by the error's remedy. Without a maximum of 0, a copy of each request is kept for one.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .user_agent(concat!("flowkeeper/", env!("CARGO_PKG_VERSION")))
}

#[derive(Debug)]
pub(crate) struct Transport(reqwest::Client);

impl Transport {
    /// Creates a transport that trusts the public roots and `extra_roots`.
    pub(crate) fn new(extra_roots: Vec<TrustAnchor<'static>>) -> Self {
        let mut roots = RootCertStore { roots: extra_roots };
        roots.roots.extend_from_slice(webpki_roots::TLS_SERVER_ROOTS);
        #[expect(clippy::expect_used, reason = "constant arguments: it fails always or never")]
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        #[expect(clippy::expect_used, reason = "constant arguments: it fails always or never")]
        let client = http_client(tls).no_proxy().build().expect("a client of constant settings");
        Self(client)
    }

    /// Creates a transport that sends requests with `http`.
    pub(crate) const fn over(http: reqwest::Client) -> Self {
        Self(http)
    }

    /// Sends `signed` to `url` and reads the whole answer within `timeout`.
    pub(crate) async fn send(&self, mut url: Url, signed: SignedCall, timeout: Duration) -> Result<Response, Cause> {
        let host = url.authority().to_owned();
        let failed = |error: reqwest::Error| failure(&host, &error);
        let (method, headers, query, payload) = match signed {
            SignedCall::InForm(form) => (Method::POST, Vec::new(), String::new(), form.into_bytes()),
            SignedCall::InHeaders(Signed { headers, query, form }) => (Method::POST, headers, query, form.into_bytes()),
            SignedCall::WithPath { method, path, headers, query, body } => {
                url.set_path(&path);
                (method, headers, query, body)
            }
        };
        if !query.is_empty() {
            url.set_query(Some(&query));
        }
        // For a POST without a body hyper sends no `Content-Length`, which some servers require.
        let needs_length = payload.is_empty() && method != Method::GET;
        let request = self.0.request(method, url).timeout(timeout).header(header::ACCEPT, JSON);
        let request = if headers.is_empty() { request.header(header::CONTENT_TYPE, FORM) } else { request };
        let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = if needs_length { request.header(header::CONTENT_LENGTH, NOTHING) } else { request };
        let mut response = request.body(payload).send().await.map_err(failed)?;

        let status = response.status().as_u16();
        let text = |name: &HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
        let date = text(&header::DATE).and_then(|text| httpdate::parse_http_date(text).ok()?.try_into().ok());
        let retry_after = text(&RETRY_AFTER).and_then(|text| text.parse().ok()).map(wait_of);
        let request_id =
            if (200..300).contains(&status) { None } else { REQUEST_IDS.iter().find_map(text).map(str::to_owned) };
        let exhausted = Exhausted {
            operation: text(&RATE_LIMIT_OF_OPERATION).and_then(wait_when_exhausted),
            all: text(&RATE_LIMIT).and_then(wait_when_exhausted),
        };

        let (mut pieces, mut size) = (Vec::<Bytes>::new(), 0);
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            size += piece.len();
            if size > MAX_RESPONSE_BYTES {
                return Err(Cause::Unreadable {
                    status,
                    reason: format!("it is larger than {MAX_RESPONSE_BYTES} bytes"),
                });
            }
            pieces.push(piece);
        }
        // Most bodies come in one piece, and are not copied.
        let body = if pieces.len() == 1 { pieces.remove(0) } else { pieces.concat().into() };
        Ok(Response { status, body, request_id, date, retry_after, exhausted })
    }
}

/// A call with its signature.
pub(crate) enum SignedCall {
    /// Everything is in the form, including the signature.
    InForm(String),
    /// The signature is in headers.
    InHeaders(Signed),
    /// The same, and the operation is a path.
    WithPath { method: Method, path: String, headers: Vec<(&'static str, String)>, query: String, body: Vec<u8> },
}

/// Caps the wait that a server may ask for.
fn wait_of(millis: u64) -> Duration {
    Duration::from_millis(millis).min(MAX_WAIT)
}

/// Reads `Remain:<calls>,TimeLeft:<milliseconds>`. Returns how long to wait if no calls remain.
fn wait_when_exhausted(text: &str) -> Option<Duration> {
    let value = |name: &str| {
        let pairs = text.split(',').filter_map(|pair| pair.split_once(':'));
        let mut found = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        found.next()?.1.trim().parse::<u64>().ok()
    };
    (value("Remain")? < 1).then(|| value("TimeLeft").map(wait_of))?
}

/// Returns whether the error is about a certificate, at any depth of wrapped I/O errors.
fn is_certificate_error(error: &(dyn std::error::Error + 'static)) -> bool {
    match error.downcast_ref::<std::io::Error>() {
        Some(error) => error.get_ref().is_some_and(|inner| is_certificate_error(inner)),
        None => matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))),
    }
}

fn failure(host: &str, error: &reqwest::Error) -> Cause {
    let host = host.to_owned();
    if error.is_builder() {
        // Nothing was sent, and a retry would fail the same way.
        return Cause::Invalid { problem: "the request cannot be written down in HTTP".to_owned() };
    }
    if error.is_timeout() && !error.is_connect() {
        return Cause::NoResponse { host, reason: "it did not come in time".to_owned() };
    }
    // The innermost error is the network's own. The outer ones only repeat the URL.
    let mut innermost: &(dyn std::error::Error + 'static) = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let reason = innermost.to_string();
    if is_certificate_error(innermost) {
        return Cause::Untrusted { host, reason };
    }
    if error.is_connect() { Cause::Unreachable { host, reason } } else { Cause::NoResponse { host, reason } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_left_alone_once_no_calls_remain() {
        for (text, wait) in [
            ("Remain:0,TimeLeft:1500", Some(1500)),
            ("TimeLeft:20, Remain:0", Some(20)),
            ("Limit:1000,Remain:0,TimeLeft:1", Some(1)),
            ("Remain:0,TimeLeft:999999999", Some(120_000)),
            ("Remain:1,TimeLeft:1500", None),
            ("Remain:0", None),
            ("Remain:x,TimeLeft:1", None),
            ("", None),
        ] {
            assert_eq!(wait_when_exhausted(text), wait.map(Duration::from_millis), "{text}");
        }
    }
}
