//! Who calls: the key, its token, the time, the nonce and the signature of a call.
//!
//! Each way of signing is a function here; [`authenticate`] picks one by what the request looks like.

use bytes::Bytes;
use http::Request;
use jiff::{SignedDuration, Timestamp};

use crate::{
    accounts::{Caller, Key},
    parameters::Parameters,
    refusal::Refusal,
    rpc_signature::{signature, string_to_sign},
    world::World,
};

/// How far a client's clock may be off.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(15);

/// Finds out who calls, or why nobody is believed.
pub(crate) fn authenticate(
    world: &mut World,
    request: &Request<Bytes>,
    parameters: &Parameters,
    now: Timestamp,
) -> Result<Caller, Refusal> {
    hmac_sha1(world, request.method().as_str(), parameters, now)
}

/// The checks of a call signed with HMAC-SHA1, in the order of the real gateway.
fn hmac_sha1(world: &mut World, method: &str, parameters: &Parameters, now: Timestamp) -> Result<Caller, Refusal> {
    let key = world
        .keys
        .get(parameters.require("AccessKeyId")?)
        .cloned()
        .ok_or_else(|| Refusal::not_found("InvalidAccessKeyId.NotFound", "Specified access key is not found."))?;
    check_token(world, &key, parameters.get("SecurityToken"), now)?;
    check_time(parameters.require("Timestamp")?, now)?;
    let nonce = (key.credentials.access_key_id, parameters.require("SignatureNonce")?.to_owned());
    world.nonces.retain(|_, used| now.duration_since(*used) <= TOLERANCE * 2);
    if world.nonces.contains_key(&nonce) {
        return Err(Refusal::new("SignatureNonceUsed", "Specified signature nonce was used already."));
    }
    let algorithm = (parameters.get("SignatureMethod"), parameters.get("SignatureVersion"));
    if algorithm != (Some("HMAC-SHA1"), Some("1.0")) {
        let message = "The request signature does not conform to Aliyun standards.";
        return Err(Refusal::new("IncompleteSignature", message));
    }
    let text = string_to_sign(method, &parameters.0);
    if parameters.require("Signature")? != signature(&key.credentials.access_key_secret, &text) {
        let message =
            format!("Specified signature is not matched with our calculation. server string to sign is:{text}");
        return Err(Refusal::new("SignatureDoesNotMatch", message));
    }
    world.nonces.insert(nonce, now);
    Ok(key.caller)
}

/// A temporary key goes with its own token, for as long as that lives; a lasting one with none.
fn check_token(world: &World, key: &Key, given: Option<&str>, now: Timestamp) -> Result<(), Refusal> {
    let (code, message) = match (key.credentials.security_token.as_deref(), given) {
        (Some(_), None) => ("MissingSecurityToken", "SecurityToken is mandatory for this action."),
        (own, given) if own == given => match key.expires {
            Some(expires) if expires <= now => ("InvalidSecurityToken.Expired", "Specified SecurityToken is expired."),
            _ => return Ok(()),
        },
        (_, Some(other)) if world.keys.issued(other) => {
            ("InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey.")
        }
        _ => ("InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed."),
    };
    Err(Refusal::new(code, message))
}

/// A time is written to the second, in UTC, and not far from the cloud's own.
fn check_time(timestamp: &str, now: Timestamp) -> Result<(), Refusal> {
    let signed_at = timestamp.parse::<Timestamp>().ok().filter(|_| timestamp.len() == "2016-02-23T12:46:24Z".len());
    let signed_at = signed_at.ok_or_else(|| {
        Refusal::new("InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
    })?;
    if signed_at.duration_since(now).abs() > TOLERANCE {
        return Err(Refusal::new("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."));
    }
    Ok(())
}
