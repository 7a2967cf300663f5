//! `AssumeRoleWithOIDC`: temporary credentials for a role, for the token of another identity provider. It needs no key.

use std::time::Duration;

use flow_log::{RegionId, RoleArn};
use jiff::Timestamp;
use signing::Credentials;

use crate::{
    AssumedRole, CallError, Cause, Client, Product,
    call::{pipeline::Pipeline, request::Request, response_object::ResponseObject},
    limits::rate_limiter::QuotaScope,
};

/// The parameters that carry the identity. They are in the form, so that no proxy's log of URLs has the token.
const FORM: &[&str] = &["RoleArn", "OIDCProviderArn", "OIDCToken", "RoleSessionName", "DurationSeconds", "Policy"];

/// The parameters of `AssumeRoleWithOIDC`. The token cannot be printed.
#[derive(Clone, Copy)]
pub struct AssumeRoleWithOidc<'a> {
    /// The ARN of the role.
    pub role: &'a RoleArn,
    /// The ARN of the identity provider, as it is registered in the role's account.
    pub provider: &'a str,
    /// The token that the identity provider issued.
    pub token: &'a str,
    /// The session name that the role's account sees: 2 to 64 letters, digits and `.@-_`.
    pub session_name: &'a str,
    /// How long the credentials are valid: at least 15 minutes, at most what the role allows, an hour by default.
    pub duration: Option<Duration>,
    /// A policy that restricts the credentials to less than the role allows.
    pub policy: Option<&'a str>,
}

impl Client {
    /// `AssumeRoleWithOIDC`: obtains temporary credentials for a role. The call is not signed: the token proves who makes
    /// it.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn assume_role_with_oidc(
        &self,
        asked: &AssumeRoleWithOidc<'_>,
        region: &RegionId,
        stop_at: Option<Timestamp>,
    ) -> Result<AssumedRole, CallError> {
        let is_token = !asked.token.is_empty() && asked.token.bytes().all(|byte| byte.is_ascii_graphic());
        let request = Request::read(Product::Sts, "AssumeRoleWithOIDC")
            .unsigned()
            .about(asked.role.as_str())
            .ensure(is_token, || "the OIDC token is empty, or holds a space or a line break".to_owned())
            .form_parameters(FORM)
            .with("RoleArn", asked.role.as_str())
            .with("OIDCProviderArn", asked.provider)
            .with("OIDCToken", asked.token)
            .with("RoleSessionName", asked.session_name)
            .with_some("DurationSeconds", asked.duration.map(|duration| duration.as_secs().to_string()))
            .with_some("Policy", asked.policy);
        // There is no key. The token takes the place of a security token, so that it is removed from errors like one.
        let credentials = Credentials::new("", "").with_security_token(asked.token);
        let scope = QuotaScope { account: asked.role.account().clone(), region: region.clone() };
        let mut assumed = None;
        let mut read = |response: &ResponseObject<'_>, _: &Credentials| {
            assumed = Some(AssumedRole::read(response)?);
            Ok(())
        };
        Pipeline { client: self, scope, stop_at, counter: None }.call(&request, &credentials, &mut read).await?;
        assumed.ok_or_else(|| {
            request.failed(Cause::Unreadable { status: 200, reason: "it has no credentials".to_owned() })
        })
    }
}
