//! What a source needs in order to ask somebody for credentials.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use openapi::{Client, ClientSettings, Clock, OsRng, Retry};
use reqwest::Url;

use crate::http::Http;

/// How long a call for credentials is retried. A person waits for it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);
/// How long an exchange of tokens may take.
pub(crate) const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// How sources reach the services that give credentials.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// HTTP, with the machine's proxies and certificates.
    pub http: Http,
    /// How STS is reached, where a source does not say.
    pub settings: ClientSettings,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The hosts of services that have fixed ones.
    pub hosts: Hosts,
}

/// The hosts that are always the same, except in tests.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// The ECS metadata service.
    pub metadata: Url,
    /// The service that exchanges OAuth tokens. `None`: the profile's site decides.
    pub oauth: Option<Url>,
}

impl Default for Hosts {
    #[expect(clippy::expect_used, reason = "a constant")]
    fn default() -> Self {
        Self { metadata: "http://100.100.100.200/".parse().expect("a URL"), oauth: None }
    }
}

impl Exchange {
    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns a client of STS at `sts`, unless the settings name an endpoint. It only reads.
    pub(crate) fn sts_client(&self, sts: Url) -> Client {
        let mut settings = self.settings.clone();
        let http = self.http.for_url(settings.endpoints.sts.get_or_insert(sts)).clone();
        let retry = Retry { give_up_after: GIVE_UP_AFTER, ..Retry::default() };
        Client::new(settings, Arc::clone(&self.clock), Arc::new(OsRng)).with_http(http).with_retry(retry).read_only()
    }
}
