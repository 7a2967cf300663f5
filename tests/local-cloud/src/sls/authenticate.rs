//! Authentication of calls of Log Service: key, token, time and signature. There is no nonce.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, header};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{
    host,
    refusals::{documented, unauthorized},
    signature::{ALGORITHM, Signable},
};
use crate::{
    api::{
        authenticate::{Identity, MAX_CLOCK_SKEW, text},
        digest::sha256,
        refusal::Refusal,
        rest::query,
    },
    ram::accounts::Key,
    world::shared::World,
};

/// Authenticates a call.
pub(super) fn authenticate(world: &World, request: &Request<Bytes>, now: Timestamp) -> Result<Identity, Refusal> {
    let invalid = |name: &str| documented("ParameterInvalid").saying(format!("Http extend {name} is invalid."));
    let require = |name: &str| text(request.headers(), name).ok_or_else(|| invalid(name));
    let authorization = require(header::AUTHORIZATION.as_str())?;
    let fields = authorization.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(' '));
    let fields = fields.ok_or_else(|| invalid("authorization"))?;
    let fields: BTreeMap<&str, &str> = fields.split(',').filter_map(|field| field.trim().split_once('=')).collect();
    let field = |name: &str| fields.get(name).copied().ok_or_else(|| invalid("authorization"));
    let (access_key_id, scope) = field("Credential")?.split_once('/').ok_or_else(|| invalid("authorization"))?;
    let key = world.keys.get(access_key_id);
    let key = key.ok_or_else(|| unauthorized(format!("AccessKeyId not found: {access_key_id}")))?;
    check_token(&key, text(request.headers(), "x-acs-security-token"), now)?;
    let date = require("x-log-date")?;
    check_time(date, now)?;

    let mut headers = BTreeMap::new();
    for (name, value) in request.headers() {
        headers.insert(name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned());
    }
    let signable = Signable {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: &query(request).0,
        headers: &headers,
        body: request.body(),
        region: host(request).ok_or_else(|| documented("InvalidHost"))?.region,
        date,
    };
    let signature = signable.signature(&key.credentials.access_key_secret);
    let is_signed = require("x-log-content-sha256")? == sha256(request.body())
        && scope == signable.scope()
        && field("Signature")? == signature;
    if !is_signed {
        return Err(documented("SignatureNotMatch"));
    }
    Ok(Identity { caller: key.caller, session_policy: key.session_policy })
}

/// Checks the token. A temporary key needs its own unexpired token; a permanent key must have none.
fn check_token(key: &Key, given: Option<&str>, now: Timestamp) -> Result<(), Refusal> {
    if key.credentials.security_token.as_deref() != given {
        return Err(unauthorized("The security token you provided is invalid."));
    }
    if key.expires.is_some_and(|expires| expires <= now) {
        return Err(unauthorized("The security token you provided has expired."));
    }
    Ok(())
}

/// Checks that a time has its form and is close to the cloud's time.
fn check_time(date: &str, now: Timestamp) -> Result<(), Refusal> {
    let signed_at = DateTime::strptime("%Y%m%dT%H%M%SZ", date).and_then(|time| time.to_zoned(TimeZone::UTC));
    let signed_at = signed_at.map_err(|_| documented("InvalidRequestTime"))?.timestamp();
    if signed_at.duration_since(now).abs() > MAX_CLOCK_SKEW {
        return Err(documented("RequestTimeExpired"));
    }
    Ok(())
}
