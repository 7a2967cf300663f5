//! Measures how long it takes to sign a call, compared with the HMAC alone.

use std::hint::black_box;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use signing::{Call, Credentials, acs3, rpc};

use crate::{clock, measure::median};

const BLOCKS: usize = 400;
const BLOCK: usize = 100;
const SECRET: &str = "example0000000000000000000001";
const TOKEN: &str = "CAISexampleexampleexampleexampleexampleexampleexampleexample";
const NONCE: &str = "0123456789abcdef0123456789abcdef";
const HOST: &str = "vpc.cn-hangzhou.aliyuncs.com";
const ACTION: &str = "CreateFlowLog";
const VERSION: &str = "2016-04-28";
/// The parameters that `create-flow-log` sends.
const PARAMETERS: [(&str, &str); 11] = [
    ("RegionId", "cn-hangzhou"),
    ("ResourceType", "VPC"),
    ("ResourceId", "vpc-bp1example00000000001"),
    ("TrafficType", "All"),
    ("ProjectName", "flowlog-1000000000000001-cn-hangzhou"),
    ("LogStoreName", "vpc"),
    ("FlowLogName", "flowkeeper-vpc-bp1example00000000001"),
    ("Description", "Kept by Flowkeeper"),
    ("AggregationInterval", "10"),
    ("Tag.1.Key", "managed-by"),
    ("Tag.1.Value", "flowkeeper"),
];

/// Medians per call, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signing {
    /// The whole signed form of a `CreateFlowLog`.
    pub(crate) signed_form: f64,
    /// HMAC-SHA1 over its string to sign.
    pub(crate) hmac: f64,
    /// The same call with the headers of ACS3-HMAC-SHA256.
    pub(crate) acs3: f64,
    /// HMAC-SHA256 over its string to sign, which is short because it contains only a hash of the request.
    pub(crate) acs3_hmac: f64,
    /// That HMAC, and SHA-256 over the body and over the canonical request: the minimum that the signature needs.
    pub(crate) acs3_hashes: f64,
}

/// Signs repeatedly, in turn with the HMAC alone.
pub(crate) fn measure() -> Signing {
    let credentials = Credentials::new("STS.example0000000000000001", SECRET).with_security_token(TOKEN);
    let call = Call { action: ACTION, version: VERSION, query: &PARAMETERS, form: &[] };
    let text = string_to_sign();
    let key = format!("{SECRET}&");

    let signed = acs3_signature(call, &credentials);

    let (mut forms, mut hmacs) = (Vec::new(), Vec::new());
    let (mut posts, mut post_hmacs, mut post_hashes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..BLOCKS {
        forms.push(block(|| {
            black_box(rpc::signed_form(call, black_box(&credentials), Timestamp::UNIX_EPOCH, NONCE));
        }));
        hmacs.push(block(|| {
            #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
            let mut mac = Hmac::<Sha1>::new_from_slice(black_box(key.as_bytes())).expect("a key of any length");
            mac.update(black_box(text.as_bytes()));
            black_box(mac.finalize());
        }));
        posts.push(block(|| {
            black_box(acs3::signed_post(call, HOST, black_box(&credentials), Timestamp::UNIX_EPOCH, NONCE));
        }));
        let hmac_sha256 = || {
            #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
            let mut mac = Hmac::<Sha256>::new_from_slice(black_box(SECRET.as_bytes())).expect("a key of any length");
            mac.update(black_box(signed.0.string_to_sign.as_bytes()));
            black_box(mac.finalize());
        };
        post_hmacs.push(block(hmac_sha256));
        post_hashes.push(block(|| {
            black_box(Sha256::digest(black_box(signed.1.as_bytes())));
            black_box(Sha256::digest(black_box(signed.0.canonical_request.as_bytes())));
            hmac_sha256();
        }));
    }
    Signing {
        signed_form: median(&forms),
        hmac: median(&hmacs),
        acs3: median(&posts),
        acs3_hmac: median(&post_hmacs),
        acs3_hashes: median(&post_hashes),
    }
}

/// The intermediate values of [`acs3::signed_post`] for a call, and the body.
fn acs3_signature(call: Call<'_>, credentials: &Credentials) -> (acs3::Signature, String) {
    let acs3::Signed { headers, form, .. } = acs3::signed_post(call, HOST, credentials, Timestamp::UNIX_EPOCH, NONCE);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (signed, authorization): (Vec<_>, Vec<_>) = headers.iter().partition(|(name, _)| acs3::must_be_signed(name));
    let request =
        acs3::Request { method: "POST", path: "/", query: call.query, headers: &signed, body: form.as_bytes() };
    let signature = acs3::sign(&request, credentials.access_key_id(), credentials.access_key_secret());
    assert_eq!(authorization, [("authorization", signature.authorization.as_str())], "another request was signed");
    (signature, form)
}

/// The string to sign of `signed_form` for the same call.
fn string_to_sign() -> String {
    let mut parameters = vec![
        ("AccessKeyId", "STS.example0000000000000001"),
        ("Action", ACTION),
        ("Format", "JSON"),
        ("SecurityToken", TOKEN),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", NONCE),
        ("SignatureVersion", "1.0"),
        ("Timestamp", "1970-01-01T00:00:00Z"),
        ("Version", VERSION),
    ];
    parameters.extend(PARAMETERS);
    rpc::sign("POST", &parameters, SECRET).string_to_sign
}

fn block(mut once: impl FnMut()) -> f64 {
    let started = clock::now();
    for _ in 0..BLOCK {
        once();
    }
    started.elapsed().as_secs_f64() * 1e6 / BLOCK as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hmac_is_over_what_the_form_signs() {
        let credentials = Credentials::new("STS.example0000000000000001", SECRET).with_security_token(TOKEN);
        let call = Call { action: ACTION, version: VERSION, query: &PARAMETERS, form: &[] };
        let form = rpc::signed_form(call, &credentials, Timestamp::UNIX_EPOCH, NONCE);
        let (query, _) = form.split_once("&Signature=").unwrap();
        assert_eq!(string_to_sign(), format!("POST&%2F&{}", signing::percent_encode(query)));
    }

    #[test]
    fn the_hashes_are_those_of_the_post_that_is_signed() {
        let credentials = Credentials::new("STS.example0000000000000001", SECRET).with_security_token(TOKEN);
        let call = Call { action: ACTION, version: VERSION, query: &PARAMETERS, form: &[] };
        let (signature, form) = acs3_signature(call, &credentials);
        assert!(signature.canonical_request.ends_with(&acs3::content_sha256(form.as_bytes())));
    }
}
