//! The HMAC-SHA1 signature of RPC-style products (`SignatureVersion=1.0`).
//!
//! Source: Alibaba Cloud, "Signature method V2 for RPC APIs", verified against the signatures of the official SDKs.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use sha1::Sha1;

use crate::{
    Call, Credentials,
    credentials::hmac_sha1,
    encode::{buffers, merged, push_encoded, push_query_and_encoded, seconds, sort},
};

/// A signature, with its intermediates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// All parameters, sorted, encoded and joined by `&`. Can also be sent, as a query or as a form.
    pub canonicalized_query_string: String,
    /// The text that was signed.
    pub string_to_sign: String,
    /// The signature, in base64: 28 characters.
    pub signature: String,
}

/// Signs `parameters` (all that are sent, except `Signature`) as a request of `method` to the path `/`.
#[must_use]
pub fn sign(method: &str, parameters: &[(&str, &str)], access_key_secret: &str) -> Signature {
    let mut sorted = parameters.to_vec();
    sort(&mut sorted);
    sign_sorted(method, &sorted, hmac_sha1(access_key_secret))
}

fn sign_sorted(method: &str, parameters: &[(&str, &str)], hmac: Hmac<Sha1>) -> Signature {
    let (mut canonicalized_query_string, mut string_to_sign) = buffers(parameters);
    string_to_sign.push_str(method);
    string_to_sign.push_str("&%2F&");
    push_query_and_encoded(&mut canonicalized_query_string, &mut string_to_sign, parameters);

    let signature = STANDARD.encode(hmac.chain_update(&string_to_sign).finalize().into_bytes());
    Signature { canonicalized_query_string, string_to_sign, signature }
}

/// Returns the form body of a signed POST of `call`. It holds all parameters, as query and form are signed as one.
///
/// `nonce` must never have been used before with this key, and `time` must be within 15 minutes of the server's clock.
#[must_use]
pub fn signed_form(call: Call<'_>, credentials: &Credentials, time: Timestamp, nonce: &str) -> String {
    let time = seconds(time);
    let mut given = [call.query, call.form].concat();
    sort(&mut given);
    let first = [("AccessKeyId", credentials.access_key_id()), ("Action", call.action), ("Format", "JSON")];
    let token = credentials.security_token().map(|token| ("SecurityToken", token));
    let last = [
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", nonce),
        ("SignatureVersion", "1.0"),
        ("Timestamp", &time),
        ("Version", call.version),
    ];
    let parameters = merged(first.into_iter().chain(token).chain(last), given);

    let signed = sign_sorted("POST", &parameters, credentials.hmac_sha1());
    let mut form = signed.canonicalized_query_string;
    form.push_str("&Signature=");
    push_encoded(&mut form, &signed.signature);
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_form_carries_the_common_parameters_and_the_token_but_not_the_secret() {
        let form = signed_form(
            Call {
                action: "DescribeFlowLogs",
                version: "2016-04-28",
                query: &[("RegionId", "cn-hangzhou")],
                form: &[],
            },
            &Credentials::new("STS.id", "the-secret").with_security_token("a token"),
            Timestamp::from_second(1_456_231_584).unwrap(),
            "nonce-1",
        );
        assert_eq!(
            form,
            "AccessKeyId=STS.id&Action=DescribeFlowLogs&Format=JSON&RegionId=cn-hangzhou&SecurityToken=a%20token\
             &SignatureMethod=HMAC-SHA1&SignatureNonce=nonce-1&SignatureVersion=1.0\
             &Timestamp=2016-02-23T12%3A46%3A24Z&Version=2016-04-28&Signature=aBURMdqxcpyiErWJeMthFi9atOo%3D"
        );
    }
}
