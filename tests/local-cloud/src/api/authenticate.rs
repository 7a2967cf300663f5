//! Authentication of calls: key, token, time, nonce and signature.
//!
//! Each signature method is a function that reads a [`Claim`] from a request. Both kinds of claim are verified in the
//! same way.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Request, header};
use jiff::{SignedDuration, Timestamp};

use crate::{
    api::{acs3_signature, digest, parameters::Parameters, refusal::Refusal, rpc_signature},
    ram::{
        accounts::{Caller, Key},
        policy::SessionPolicy,
    },
    world::shared::World,
};

/// How far a client's clock may be off.
pub(crate) const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(15);

/// What a request claims about its sender.
struct Claim<'a> {
    access_key_id: &'a str,
    token: Option<&'a str>,
    time: &'a str,
    nonce: &'a str,
    signature: &'a str,
    /// The text that had to be signed.
    text: String,
    /// Computes the signature of a text with a secret.
    sign: fn(&str, &str) -> String,
}

/// An authenticated caller.
pub(crate) struct Identity {
    pub(crate) caller: Caller,
    /// Limits what the session may do, as set by the caller that assumed the role.
    pub(crate) session_policy: Option<SessionPolicy>,
}

/// Returns whether a request is signed in its headers, with ACS3-HMAC-SHA256.
pub(crate) fn by_headers(request: &Request<Bytes>) -> bool {
    text(request.headers(), header::AUTHORIZATION.as_str()).is_some_and(|value| value.starts_with("ACS3-"))
}

/// Returns the signature algorithm that a request names.
pub(crate) fn algorithm<'a>(request: &'a Request<Bytes>, parameters: &'a Parameters) -> Option<&'a str> {
    if by_headers(request) {
        text(request.headers(), header::AUTHORIZATION.as_str())?.split(' ').next()
    } else {
        parameters.get("SignatureMethod")
    }
}

/// Authenticates a call. Makes its checks in the order of the real gateway.
pub(crate) fn authenticate(
    world: &mut World,
    request: &Request<Bytes>,
    parameters: &Parameters,
    now: Timestamp,
) -> Result<Identity, Refusal> {
    let claim = if by_headers(request) { acs3(request)? } else { hmac_sha1(request.method().as_str(), parameters)? };
    let key = world.keys.get(claim.access_key_id);
    let key = key.ok_or_else(|| Refusal::documented("InvalidAccessKeyId.NotFound"))?;
    check_token(world, &key, claim.token, now)?;
    check_time(claim.time, now)?;
    let nonce = (key.credentials.access_key_id.clone(), claim.nonce.to_owned());
    if world.nonces.is_used(&nonce, now) {
        return Err(Refusal::documented("SignatureNonceUsed"));
    }
    if claim.signature != (claim.sign)(&key.credentials.access_key_secret, &claim.text) {
        return Err(mismatch(&claim.text));
    }
    world.nonces.add(nonce, now);
    if by_headers(request) {
        parameters.check_places(request.uri().query().unwrap_or_default())?;
    }
    Ok(Identity { caller: key.caller, session_policy: key.session_policy })
}

/// The nonces that were used lately, each with the key that it was used with.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    used: BTreeMap<(String, String), Timestamp>,
    /// How many were kept when the old ones were last dropped.
    kept: usize,
}

impl Nonces {
    /// Below this many, old ones are not dropped.
    const MIN_TO_DROP: usize = 1024;

    fn is_used(&self, nonce: &(String, String), now: Timestamp) -> bool {
        self.used.get(nonce).is_some_and(|used| is_recent(*used, now))
    }

    fn add(&mut self, nonce: (String, String), now: Timestamp) {
        // Not with each call: that would make each call slower than the one before.
        if self.used.len() >= (self.kept * 2).max(Self::MIN_TO_DROP) {
            self.used.retain(|_, used| is_recent(*used, now));
            self.kept = self.used.len();
        }
        self.used.insert(nonce, now);
    }
}

fn is_recent(used: Timestamp, now: Timestamp) -> bool {
    now.duration_since(used) <= MAX_CLOCK_SKEW * 2
}

fn mismatch(text: &str) -> Refusal {
    let refusal = Refusal::documented("SignatureDoesNotMatch");
    let message = format!("{} server string to sign is:{text}", refusal.message);
    refusal.saying(message)
}

/// Returns the claim of a call signed with HMAC-SHA1, in its parameters.
fn hmac_sha1<'a>(method: &str, parameters: &'a Parameters) -> Result<Claim<'a>, Refusal> {
    let claim = Claim {
        access_key_id: parameters.require("AccessKeyId")?,
        token: parameters.get("SecurityToken"),
        time: parameters.require("Timestamp")?,
        nonce: parameters.require("SignatureNonce")?,
        signature: parameters.get("Signature").unwrap_or_default(),
        text: rpc_signature::string_to_sign(method, &parameters.0),
        sign: rpc_signature::signature,
    };
    if (parameters.get("SignatureMethod"), parameters.get("SignatureVersion")) != (Some("HMAC-SHA1"), Some("1.0")) {
        return Err(Refusal::documented("IncompleteSignature"));
    }
    parameters.require("Signature")?;
    Ok(claim)
}

/// Returns the claim of a call signed with ACS3-HMAC-SHA256, in its headers. The client chooses which headers to sign,
/// but `host` and every `x-acs-*` header must be among them.
fn acs3(request: &Request<Bytes>) -> Result<Claim<'_>, Refusal> {
    let headers = request.headers();
    let incomplete = || Refusal::documented("IncompleteSignature");
    let require = |name: &str| text(headers, name).ok_or_else(|| Refusal::missing(name));
    let (algorithm, fields) = require("authorization")?.split_once(' ').ok_or_else(incomplete)?;
    let fields: BTreeMap<&str, &str> = fields.split(',').filter_map(|field| field.trim().split_once('=')).collect();
    let field = |name: &str| fields.get(name).copied().filter(|value| !value.is_empty()).ok_or_else(incomplete);
    let signed_headers = field("SignedHeaders")?;
    let names: Vec<&str> = signed_headers.split(';').collect();
    let sent = headers.keys().map(header::HeaderName::as_str).filter(|name| name.starts_with("x-acs-"));
    if algorithm != acs3_signature::ALGORITHM || !sent.chain(["host"]).all(|name| names.contains(&name)) {
        return Err(incomplete());
    }
    let signed = names.iter().map(|name| Some(((*name).to_owned(), text(headers, name)?.to_owned())));
    let signed = signed.collect::<Option<BTreeMap<_, _>>>().ok_or_else(incomplete)?;
    let mut query = Parameters::default();
    query.add_form(request.uri().query().unwrap_or_default());
    let payload = digest::sha256(request.body());
    let (method, path) = (request.method().as_str(), request.uri().path());
    let canonical = acs3_signature::canonical_request(method, path, &query.0, &signed, signed_headers, &payload);
    let text_to_sign = acs3_signature::string_to_sign(&canonical);
    if require("x-acs-content-sha256")? != payload {
        return Err(mismatch(&text_to_sign));
    }
    Ok(Claim {
        access_key_id: field("Credential")?,
        token: text(headers, "x-acs-security-token"),
        time: require("x-acs-date")?,
        nonce: require("x-acs-signature-nonce")?,
        signature: field("Signature")?,
        text: text_to_sign,
        sign: acs3_signature::signature,
    })
}

/// Returns a header that is present and not empty.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty())
}

/// Checks the token. A temporary key needs its own unexpired token; a permanent key must have none.
fn check_token(world: &World, key: &Key, given: Option<&str>, now: Timestamp) -> Result<(), Refusal> {
    let code = match (key.credentials.security_token.as_deref(), given) {
        (Some(_), None) => "MissingSecurityToken",
        (own, given) if own == given => match key.expires {
            Some(expires) if expires <= now => "InvalidSecurityToken.Expired",
            _ => return Ok(()),
        },
        (_, Some(other)) if world.keys.issued(other) => "InvalidSecurityToken.MismatchWithAccessKey",
        _ => "InvalidSecurityToken.Malformed",
    };
    Err(Refusal::documented(code))
}

/// Checks that a time is in UTC, written to the second, and close to the cloud's time.
fn check_time(timestamp: &str, now: Timestamp) -> Result<(), Refusal> {
    let signed_at = timestamp.parse::<Timestamp>().ok().filter(|_| timestamp.len() == "2016-02-23T12:46:24Z".len());
    let signed_at = signed_at.ok_or_else(|| Refusal::documented("InvalidTimeStamp.Format"))?;
    if signed_at.duration_since(now).abs() > MAX_CLOCK_SKEW {
        return Err(Refusal::documented("InvalidTimeStamp.Expired"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_used_for_twice_the_skew_and_not_kept_much_longer() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let nonce = |nth: i64| ("key".to_owned(), nth.to_string());
        let mut nonces = Nonces::default();
        for second in 0..20_000 {
            assert!(!nonces.is_used(&nonce(second), at(second)));
            nonces.add(nonce(second), at(second));
        }
        let twice = (MAX_CLOCK_SKEW * 2).as_secs();
        for (age, expected) in [(0, true), (twice, true), (twice + 1, false)] {
            assert_eq!(nonces.is_used(&nonce(19_999 - age), at(19_999)), expected, "{age}");
        }
        assert!(nonces.used.len() < 10_000, "{}", nonces.used.len());
    }
}
