//! A role that is assumed with another key.

use std::time::Duration;

use flow_log::{RegionId, RoleArn};
use openapi::{AssumeRole, ROLE_SESSION_NAME};
use reqwest::Url;

use crate::{
    call_remedy::remedy,
    credentials::{error::SourceError, exchange::Exchange, key::Key},
};

/// A role to assume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleToAssume {
    pub(crate) arn: RoleArn,
    pub(crate) session_name: String,
    pub(crate) external_id: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) duration: Option<Duration>,
    /// Which STS is asked.
    pub(crate) sts: Url,
}

impl RoleToAssume {
    /// A role without what is optional.
    ///
    /// # Errors
    /// The ARN is none.
    pub(crate) fn new(arn: &str, session_name: Option<&str>, sts: Url, place: &str) -> Result<Self, SourceError> {
        Ok(Self {
            arn: arn.parse().map_err(|error| {
                SourceError::new(place, format!("{error}"), "correct it, as in acs:ram::1000000000000001:role/audit")
            })?,
            session_name: session_name.unwrap_or(ROLE_SESSION_NAME).to_owned(),
            external_id: None,
            policy: None,
            duration: None,
            sts,
        })
    }

    /// Calls `AssumeRole` with `key`.
    pub(crate) async fn assume(&self, key: &Key, exchange: &Exchange, place: &str) -> Result<Key, SourceError> {
        let asked = AssumeRole {
            external_id: self.external_id.as_deref(),
            policy: self.policy.as_deref(),
            duration: self.duration,
            ..AssumeRole::new(&self.arn, &self.session_name)
        };
        let client = exchange.sts_client(self.sts.clone());
        let session = client.session(key.credentials.clone(), self.arn.account().clone(), any_region(), None);
        let assumed = session
            .assume_role(&asked)
            .await
            .map_err(|error| SourceError::new(place, format!("{error} {}", error.cause), remedy(&error)))?;
        Ok(Key { credentials: assumed.credentials, expiration: Some(assumed.expiration) })
    }
}

/// A region for calls whose endpoint does not depend on one.
#[expect(clippy::expect_used, reason = "a constant")]
pub(crate) fn any_region() -> RegionId {
    "cn-hangzhou".parse().expect("a region id")
}
