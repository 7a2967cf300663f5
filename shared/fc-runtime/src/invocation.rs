//! The context of an invocation.

use jiff::{SignedDuration, Timestamp};
use settings::Settings;
use signing::Credentials;

use crate::{
    Failure, environment_credentials,
    headers::{FcHeader, FcHeaders},
};

/// The minimum time reserved before the deadline for the response.
const MIN_MARGIN: SignedDuration = SignedDuration::from_secs(2);

/// The maximum time reserved before the deadline for the response.
const MAX_MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// The time limit of work if the timeout is unknown.
const DEFAULT_TIME_LIMIT: SignedDuration = SignedDuration::from_mins(5);

/// The context of an invocation: everything but its event.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// `x-fc-request-id`, or `unknown`. Opaque. It stays the same when Function Compute retries an event.
    pub request_id: String,
    /// `x-fc-function-name`, else `FC_FUNCTION_NAME`.
    pub function_name: Option<String>,
    /// The account in which the function runs: `x-fc-account-id`, else `FC_ACCOUNT_ID`.
    pub account_id: Option<String>,
    /// The region in which the function runs: `x-fc-region`, else `FC_REGION`.
    pub region: Option<String>,
    /// How often Function Compute has retried this asynchronous invocation: `x-fc-retry-count`, else 0.
    pub retry_count: u32,
    /// When the head of the request was read.
    pub arrived: Timestamp,
    /// When Function Compute would kill the instance: `arrived` plus `x-fc-function-timeout`, a header that is sent in
    /// practice but not documented. `None` without it.
    pub deadline: Option<Timestamp>,
    credentials: Option<Credentials>,
}

impl Invocation {
    /// Creates an invocation about which nothing else is known, to call a function without a server.
    pub fn new(request_id: impl Into<String>, arrived: Timestamp) -> Self {
        Self {
            request_id: request_id.into(),
            function_name: None,
            account_id: None,
            region: None,
            retry_count: 0,
            arrived,
            deadline: None,
            credentials: None,
        }
    }

    /// Adds credentials.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Self { credentials: Some(credentials), ..self }
    }

    /// Returns the credentials, which are for this invocation only.
    ///
    /// They come from `x-fc-access-key-id`, `x-fc-access-key-secret` and `x-fc-security-token` if none of them is
    /// empty, else from the environment ([`environment_credentials`]). The two are never mixed: with some custom
    /// runtimes, Function Compute omits the token, or all three headers.
    ///
    /// # Errors
    /// [`Failure`] of type `MissingCredentials` if neither source has a key.
    pub fn credentials(&self) -> Result<&Credentials, Failure> {
        self.credentials.as_ref().ok_or_else(|| {
            Failure::new(
                "MissingCredentials",
                "no credentials: the headers x-fc-access-key-id, x-fc-access-key-secret and x-fc-security-token are \
                 not all set, and neither are the variables ALIBABA_CLOUD_ACCESS_KEY_ID and \
                 ALIBABA_CLOUD_ACCESS_KEY_SECRET (with ALIBABA_CLOUD_SECURITY_TOKEN for a role); give the function a \
                 RAM role, and leave its disableInjectCredentials at None",
            )
        })
    }

    /// Returns when to stop working, so that there is time to respond: a tenth of the timeout before the deadline, but
    /// at least 2 and at most 30 seconds. Without a deadline, five minutes after the arrival, because no work may run
    /// forever.
    ///
    /// A timeout of 2 seconds or less leaves no time to work: the result is then the time of arrival.
    #[must_use]
    pub fn soft_deadline(&self) -> Timestamp {
        let Some(deadline) = self.deadline else {
            return self.arrived.checked_add(DEFAULT_TIME_LIMIT).unwrap_or(self.arrived);
        };
        let tenth = deadline.duration_since(self.arrived) / 10;
        let margin = tenth.clamp(MIN_MARGIN, MAX_MARGIN);
        deadline.checked_sub(margin).map_or(self.arrived, |until| until.max(self.arrived))
    }

    /// Reads an invocation from the headers of its request. An empty header counts as absent.
    pub(crate) fn from_headers(
        request_id: &str,
        headers: &FcHeaders<'_>,
        defaults: &EnvironmentDefaults,
        arrived: Timestamp,
    ) -> Self {
        let either = |header: FcHeader<'_>, otherwise: &Option<String>| {
            header.text().map(str::to_owned).or_else(|| otherwise.clone())
        };
        Self {
            request_id: request_id.to_owned(),
            function_name: either(headers.function_name, &defaults.function_name),
            account_id: either(headers.account_id, &defaults.account_id),
            region: either(headers.region, &defaults.region),
            retry_count: headers.retry_count.number(0..=u32::MAX).unwrap_or(0),
            arrived,
            deadline: (headers.function_timeout.number(1..=86_400))
                .and_then(|seconds| arrived.checked_add(SignedDuration::from_secs(seconds.into())).ok()),
            credentials: credentials_in(headers).or_else(|| defaults.credentials.clone()),
        }
    }
}

/// What an invocation takes from the environment if a header is missing. Read once, at startup.
#[derive(Debug, Clone)]
pub(crate) struct EnvironmentDefaults {
    function_name: Option<String>,
    account_id: Option<String>,
    region: Option<String>,
    credentials: Option<Credentials>,
}

impl EnvironmentDefaults {
    pub(crate) fn new(settings: &Settings) -> Self {
        let owned = |name| settings.get(name).map(str::to_owned);
        Self {
            function_name: owned("FC_FUNCTION_NAME"),
            account_id: owned("FC_ACCOUNT_ID"),
            region: owned("FC_REGION"),
            credentials: environment_credentials(settings),
        }
    }
}

fn credentials_in(headers: &FcHeaders<'_>) -> Option<Credentials> {
    let id = headers.access_key_id.text()?;
    let secret = headers.access_key_secret.text()?;
    let token = headers.security_token.text()?;
    Some(Credentials::new(id, secret).with_security_token(token))
}
