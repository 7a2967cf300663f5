//! The operations of Security Token Service, version 2015-04-01.

use std::time::Duration;

use flow_log::{AccountId, RoleArn};
use jiff::Timestamp;
use signing::Credentials;

use crate::{CallError, Product, Session, call::request::Request, call::response::Object};

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
}

/// The result of `AssumeRole`.
#[derive(Debug, Clone)]
pub struct AssumedRole {
    /// The temporary credentials.
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

/// The owner of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account.
    pub account: AccountId,
    /// The ARN of the user, role or account.
    pub arn: Option<String>,
    /// `Account`, `RAMUser` or `AssumedRoleUser`.
    pub identity_type: Option<String>,
    /// The id of the user, role or account.
    pub principal_id: Option<String>,
    /// The user's id, if the owner is a user.
    pub user_id: Option<String>,
    /// The role's id, if the owner is a role.
    pub role_id: Option<String>,
}

impl Session<'_> {
    /// `AssumeRole`: obtains temporary credentials for a role. [`Session::in_role`] caches them and renews them in
    /// time.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn assume_role(&self, asked: &AssumeRole<'_>) -> Result<AssumedRole, CallError> {
        let seconds = asked.duration.map(|duration| duration.as_secs());
        let request = Request::read(Product::Sts, "AssumeRole")
            .of(asked.role.as_str())
            .provided(is_session_name(asked.session_name), || {
                format!("{:?} is no session name: 2 to 64 letters, digits and .@-_", asked.session_name)
            })
            .provided(seconds.is_none_or(|seconds| (900..=43_200).contains(&seconds)), || {
                "a token is good for 900 to 43200 seconds".to_owned()
            })
            .provided(asked.external_id.is_none_or(is_external_id), || {
                "an external id has 2 to 1224 letters, digits and +=,.@:/-_".to_owned()
            })
            .with("RoleArn", asked.role.as_str())
            .with("RoleSessionName", asked.session_name)
            .with_some("ExternalId", asked.external_id)
            .with_some("DurationSeconds", seconds.map(|seconds| seconds.to_string()))
            .with_some("Policy", asked.policy)
            .with_some("SourceIdentity", asked.source_identity);
        self.call_and_read(request, |answer| {
            let key = answer.object("Credentials")?;
            let who = answer.object("AssumedRoleUser").ok();
            let credentials = Credentials::new(key.required("AccessKeyId")?, key.required("AccessKeySecret")?)
                .with_security_token(key.required("SecurityToken")?);
            Ok(AssumedRole {
                credentials,
                expiration: key.parsed("Expiration")?,
                arn: who.as_ref().and_then(|who| who.text("Arn")),
                id: who.as_ref().and_then(|who| who.text("AssumedRoleId")),
                source_identity: answer.text("SourceIdentity"),
            })
        })
        .await
    }

    /// `GetCallerIdentity`: returns the owner of the session's key.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn get_caller_identity(&self) -> Result<CallerIdentity, CallError> {
        let read = |answer: &Object<'_>| {
            Ok(CallerIdentity {
                account: answer.parsed("AccountId")?,
                arn: answer.text("Arn"),
                identity_type: answer.text("IdentityType"),
                principal_id: answer.text("PrincipalId"),
                user_id: answer.text("UserId"),
                role_id: answer.text("RoleId"),
            })
        };
        self.call_and_read(Request::read(Product::Sts, "GetCallerIdentity"), read).await
    }
}

fn is_session_name(text: &str) -> bool {
    (2..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'@' | b'-' | b'_'))
}

fn is_external_id(text: &str) -> bool {
    (2..=1224).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@:/-_".contains(&b))
}
