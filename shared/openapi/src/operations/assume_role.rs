//! `AssumeRole`: temporary credentials for a role. A session makes it for itself before its first call in another account.

use std::time::Duration;

use flow_log::RoleArn;
use jiff::Timestamp;
use signing::Credentials;

use crate::{
    Product,
    call::{request::Request, response_object::ResponseObject},
};

/// How long a token may be valid, in seconds.
const MIN_SECONDS: u64 = 900;
const MAX_SECONDS: u64 = 43_200;

/// The parameters of `AssumeRole`.
#[derive(Debug, Clone, Copy)]
pub struct AssumeRole<'a> {
    /// The ARN of the role.
    pub role: &'a RoleArn,
    /// The session name that the role's account sees: 2 to 64 letters, digits and `.@-_`.
    pub session_name: &'a str,
    /// The external id that the role's trust policy may require.
    pub external_id: Option<&'a str>,
    /// How long the token is valid: at least 15 minutes, at most what the role allows, an hour by default.
    pub duration: Option<Duration>,
    /// A policy that restricts the token to less than the role allows.
    pub policy: Option<&'a str>,
    /// The source identity, if the role's trust policy requires one.
    pub source_identity: Option<&'a str>,
}

impl<'a> AssumeRole<'a> {
    /// Assumes the role under this session name, without optional parameters.
    #[must_use]
    pub const fn new(role: &'a RoleArn, session_name: &'a str) -> Self {
        Self { role, session_name, external_id: None, duration: None, policy: None, source_identity: None }
    }

    /// Returns the call, which is made with the credentials of a session that may assume the role.
    pub(crate) fn request(&self) -> Request {
        let seconds = self.duration.map(|duration| duration.as_secs());
        Request::read(Product::Sts, "AssumeRole")
            .about(self.role.as_str())
            .ensure(is_session_name(self.session_name), || {
                format!("{:?} is no session name: 2 to 64 letters, digits and .@-_", self.session_name)
            })
            .ensure(seconds.is_none_or(|seconds| (MIN_SECONDS..=MAX_SECONDS).contains(&seconds)), || {
                format!("a token is good for {MIN_SECONDS} to {MAX_SECONDS} seconds")
            })
            .ensure(self.external_id.is_none_or(is_external_id), || {
                "an external id has 2 to 1224 letters, digits and +=,.@:/-_".to_owned()
            })
            .with("RoleArn", self.role.as_str())
            .with("RoleSessionName", self.session_name)
            .with_some("ExternalId", self.external_id)
            .with_some("DurationSeconds", seconds.map(|seconds| seconds.to_string()))
            .with_some("Policy", self.policy)
            .with_some("SourceIdentity", self.source_identity)
    }
}

/// The result of `AssumeRole`.
#[derive(Debug, Clone)]
pub struct AssumedRole {
    /// A key with a security token, good until `expiration`.
    pub credentials: Credentials,
    /// When the credentials expire.
    pub expiration: Timestamp,
    /// The ARN of the assumed identity.
    pub arn: Option<String>,
    /// The id of the assumed identity.
    pub id: Option<String>,
    /// The source identity, if one was given.
    pub source_identity: Option<String>,
}

impl AssumedRole {
    pub(crate) fn read(response: &ResponseObject<'_>) -> Result<Self, String> {
        let key = response.object("Credentials")?;
        let user = response.object("AssumedRoleUser").ok();
        let credentials = Credentials::new(key.required("AccessKeyId")?, key.required("AccessKeySecret")?)
            .with_security_token(key.required("SecurityToken")?);
        Ok(Self {
            credentials,
            expiration: key.parsed("Expiration")?,
            arn: user.as_ref().and_then(|user| user.text("Arn")),
            id: user.as_ref().and_then(|user| user.text("AssumedRoleId")),
            source_identity: response.text("SourceIdentity"),
        })
    }
}

fn is_session_name(text: &str) -> bool {
    (2..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'@' | b'-' | b'_'))
}

fn is_external_id(text: &str) -> bool {
    (2..=1224).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@:/-_".contains(&b))
}
