//! Sends a signed call to an endpoint and returns the response.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::{
    ClientBuilder, Method, Request, Url,
    header::{self, HeaderMap, HeaderName, HeaderValue},
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

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("flowkeeper/", env!("CARGO_PKG_VERSION")));
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
        .user_agent(USER_AGENT)
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
    pub(crate) async fn send(&self, url: Url, signed: SignedCall, timeout: Duration) -> Result<Response, Cause> {
        let host = url.authority().to_owned();
        // reqwest has a timeout, too, and would keep it in a map of the request.
        tokio::time::timeout(timeout, self.exchange(&host, url, signed))
            .await
            .unwrap_or_else(|_| Err(Cause::NoResponse { host, reason: "it did not come in time".to_owned() }))
    }

    async fn exchange(&self, host: &str, mut url: Url, signed: SignedCall) -> Result<Response, Cause> {
        let failed = |error: reqwest::Error| failure(host, &error);
        let has_path = matches!(signed, SignedCall::WithPath { .. });
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
        let mut request = Request::new(method, url);
        *request.headers_mut() = request_headers(request.method(), host, headers, payload.is_empty())?;
        *request.body_mut() = Some(payload.into());
        let mut response = self.0.execute(request).await.map_err(failed)?;

        let status = response.status().as_u16();
        let Said { request_id, date, retry_after, exhausted } = Said::by(response.headers());
        // That of a success is in its body, unless the operation has a path.
        let request_id = request_id.filter(|_| has_path || !response.status().is_success()).map(str::to_owned);

        let (mut first, mut whole) = (Bytes::new(), Vec::new());
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            if first.len() + whole.len() + piece.len() > MAX_RESPONSE_BYTES {
                return Err(Cause::Unreadable {
                    status,
                    reason: format!("it is larger than {MAX_RESPONSE_BYTES} bytes"),
                });
            }
            if first.is_empty() {
                first = piece;
            } else {
                whole.extend_from_slice(&piece);
            }
        }
        // Most bodies come in one piece, and are not copied.
        let body = if whole.is_empty() { first } else { [&*first, &whole].concat().into() };
        Ok(Response { status, body, request_id, date, retry_after, exhausted })
    }
}

/// Returns the headers of a request. Those that reqwest and hyper would add are there as well, so that the map does not
/// have to grow for them.
fn request_headers(
    method: &Method,
    host: &str,
    signed: Vec<(&'static str, String)>,
    is_empty: bool,
) -> Result<HeaderMap, Cause> {
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| unwritable());
    let mut headers = HeaderMap::with_capacity(5 + signed.len());
    headers.insert(header::HOST, value(host)?);
    headers.insert(header::ACCEPT, JSON);
    headers.insert(header::USER_AGENT, USER_AGENT);
    if signed.is_empty() {
        headers.insert(header::CONTENT_TYPE, FORM);
    }
    for (name, text) in signed {
        headers.insert(HeaderName::try_from(name).map_err(|_| unwritable())?, value(&text)?);
    }
    // For a POST without a body hyper sends no `Content-Length`, which some servers require.
    if is_empty && method != Method::GET {
        headers.insert(header::CONTENT_LENGTH, NOTHING);
    }
    Ok(headers)
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

/// What the headers of a response say.
struct Said<'a> {
    request_id: Option<&'a str>,
    date: Option<Timestamp>,
    retry_after: Option<Duration>,
    exhausted: Exhausted,
}

impl<'a> Said<'a> {
    /// Reads the headers in one pass, because a lookup of each would hash its name. Of one that comes more than once, the
    /// first counts.
    fn by(headers: &'a HeaderMap) -> Self {
        let (mut date, mut retry_after, mut rate_limit, mut rate_limit_of_operation) = (None, None, None, None);
        // The products repeat the request id in these: most of them, Function Compute, and Simple Log Service.
        let mut request_ids = [None; 3];
        for (name, value) in headers {
            let header = match name.as_str() {
                "date" => &mut date,
                "x-acs-retry-after" => &mut retry_after,
                "x-ratelimit-user" => &mut rate_limit,
                "x-ratelimit-user-api" => &mut rate_limit_of_operation,
                "x-acs-request-id" => &mut request_ids[0],
                "x-fc-request-id" => &mut request_ids[1],
                "x-log-requestid" => &mut request_ids[2],
                _ => continue,
            };
            header.get_or_insert(value);
        }
        let text = |value: Option<&'a HeaderValue>| value?.to_str().ok();
        let time = |written| httpdate::parse_http_date(written).ok()?.try_into().ok();
        Self {
            request_id: request_ids.into_iter().find_map(text),
            date: text(date).and_then(time),
            retry_after: text(retry_after).and_then(|millis| millis.parse().ok()).map(wait_of),
            exhausted: Exhausted {
                operation: text(rate_limit_of_operation).and_then(wait_when_exhausted),
                all: text(rate_limit).and_then(wait_when_exhausted),
            },
        }
    }
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

/// The cause of a call that was not sent. A retry would fail the same way.
fn unwritable() -> Cause {
    Cause::Invalid { problem: "the request cannot be written down in HTTP".to_owned() }
}

fn failure(host: &str, error: &reqwest::Error) -> Cause {
    let host = host.to_owned();
    if error.is_builder() {
        return unwritable();
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
    fn what_headers_say_is_read_once_and_the_first_of_a_name_counts() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-log-requestid", "R-3"),
            ("date", "Tue, 23 Feb 2016 12:46:24 GMT"),
            ("x-fc-request-id", "R-2"),
            ("x-fc-request-id", "R-4"),
            ("x-acs-retry-after", "1500"),
            ("x-ratelimit-user", "Remain:0,TimeLeft:20"),
            ("x-ratelimit-user-api", "Remain:0,TimeLeft:30"),
            ("x-other", "R-5"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let said = Said::by(&headers);
        assert_eq!(said.request_id, Some("R-2"));
        assert_eq!(said.date.map(Timestamp::as_second), Some(1_456_231_584));
        let millis = |wait: u64| Some(Duration::from_millis(wait));
        assert_eq!(
            (said.retry_after, said.exhausted),
            (millis(1500), Exhausted { all: millis(20), operation: millis(30) })
        );
        headers.insert("x-acs-request-id", HeaderValue::from_static("R-1"));
        assert_eq!(Said::by(&headers).request_id, Some("R-1"));
        headers.clear();
        assert!(matches!(Said::by(&headers), Said { request_id: None, date: None, retry_after: None, .. }));
    }

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
