//! Carries a signed form to an endpoint and brings back what is answered.

use std::{sync::Arc, time::Duration};

use reqwest::{Url, header, redirect};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::error::Cause;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an idle connection is kept. The gateway closes its side sooner or later, and a frozen instance would not
/// notice.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest answer that is read. A page of 500 network interfaces is below one MB.
const LARGEST_ANSWER: usize = 16 << 20;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// The server's `Date`.
    pub(crate) date: Option<jiff::Timestamp>,
    /// The server's `x-acs-retry-after`, in milliseconds.
    pub(crate) retry_after: Option<Duration>,
}

#[derive(Debug)]
pub(crate) struct Transport(reqwest::Client);

impl Transport {
    pub(crate) fn new() -> Self {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        #[expect(clippy::expect_used, reason = "constant arguments: it fails always or never")]
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        #[expect(clippy::expect_used, reason = "constant arguments: it fails always or never")]
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true)
            // An API does not redirect; a signed request must not be carried elsewhere.
            .redirect(redirect::Policy::none())
            .referer(false)
            // Whether to try again is for the error's remedy to say.
            .retry(reqwest::retry::never())
            .no_proxy()
            .user_agent(concat!("flowkeeper/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("a client of constant settings");
        Self(client)
    }

    /// Posts `form` to `url` and reads the whole answer within `timeout`.
    pub(crate) async fn post(&self, url: Url, form: String, timeout: Duration) -> Result<Answer, Cause> {
        let host = host(&url);
        let failed = |error: reqwest::Error| failure(&host, &error);
        let mut response = self
            .0
            .post(url)
            .timeout(timeout)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .map_err(failed)?;

        let status = response.status().as_u16();
        let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let date = text("date").and_then(|text| httpdate::parse_http_date(text).ok()?.try_into().ok());
        let retry_after = text("x-acs-retry-after").and_then(|text| text.parse().ok()).map(Duration::from_millis);

        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Cause::Unreadable { status, reason: format!("it is larger than {LARGEST_ANSWER} bytes") });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, body, date, retry_after })
    }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn failure(host: &str, error: &reqwest::Error) -> Cause {
    let host = host.to_owned();
    if error.is_timeout() && !error.is_connect() {
        return Cause::Unanswered { host, reason: "it did not come in time".to_owned() };
    }
    // The innermost error is the network's own; those around it repeat the URL.
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let reason = innermost.to_string();
    if error.is_connect() { Cause::Unreachable { host, reason } } else { Cause::Unanswered { host, reason } }
}
