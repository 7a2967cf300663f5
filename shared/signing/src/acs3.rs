//! The signature that every product accepts: `ACS3-HMAC-SHA256`.
//!
//! Source: Alibaba Cloud, "V3 request structure and signature", verified against the signatures of the official SDKs.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

use jiff::Timestamp;

use crate::{
    Call, Credentials,
    digest::{hex, hmac_sha256, sha256},
    encode::{push_query, sort},
};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";
/// The content type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// A request, before it is signed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path, encoded as sent.
    pub path: &'a str,
    /// The query parameters, not encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// The headers to sign, in any order and case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body as sent.
    pub body: &'a [u8],
}

/// A signature, with its intermediates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The query parameters, sorted, encoded and joined by `&`. Can also be sent as the query.
    pub canonical_query_string: String,
    /// The names of the headers, in lower case, sorted and joined by `;`.
    pub signed_headers: String,
    /// The request in canonical form.
    pub canonical_request: String,
    /// SHA-256 of the canonical request, in hexadecimal digits.
    pub hashed_canonical_request: String,
    /// The text that was signed.
    pub string_to_sign: String,
    /// The signature, in 64 hexadecimal digits.
    pub signature: String,
    /// The `Authorization` header.
    pub authorization: String,
}

/// Whether a header of this name must be signed according to the documents: `host`, `content-type` and every `x-acs-*`.
#[must_use]
pub fn must_be_signed(name: &str) -> bool {
    name.eq_ignore_ascii_case("host")
        || name.eq_ignore_ascii_case("content-type")
        || name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-acs-"))
}

/// Signs a request, including all of its headers.
#[must_use]
pub fn sign(request: &Request<'_>, access_key_id: &str, access_key_secret: &str) -> Signature {
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| (lower_case(name), value.trim())).collect();
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, *value)).collect();
    sort(&mut headers);

    let mut canonical_query_string = String::new();
    push_query(&mut canonical_query_string, request.query);
    let mut signed_headers = String::with_capacity(128);
    for (name, _) in &headers {
        if !signed_headers.is_empty() {
            signed_headers.push(';');
        }
        signed_headers.push_str(name);
    }

    let size: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let mut canonical_request =
        String::with_capacity(canonical_query_string.len() + signed_headers.len() + size + request.path.len() + 80);
    for part in [request.method, request.path, &canonical_query_string] {
        canonical_request.push_str(part);
        canonical_request.push('\n');
    }
    for (name, value) in &headers {
        canonical_request.push_str(name);
        canonical_request.push(':');
        canonical_request.push_str(value);
        canonical_request.push('\n');
    }
    canonical_request.push('\n');
    canonical_request.push_str(&signed_headers);
    canonical_request.push('\n');
    canonical_request.push_str(&content_sha256(request.body));

    let hashed_canonical_request = content_sha256(canonical_request.as_bytes());
    let string_to_sign = [ALGORITHM, &hashed_canonical_request].join("\n");
    let signature = hex(&hmac_sha256(access_key_secret.as_bytes(), string_to_sign.as_bytes()));
    let authorization =
        [ALGORITHM, " Credential=", access_key_id, ",SignedHeaders=", &signed_headers, ",Signature=", &signature]
            .concat();
    Signature {
        canonical_query_string,
        signed_headers,
        canonical_request,
        hashed_canonical_request,
        string_to_sign,
        signature,
        authorization,
    }
}

fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}

/// SHA-256 of `body`, in hexadecimal digits: the header `x-acs-content-sha256`.
#[must_use]
pub fn content_sha256(body: &[u8]) -> String {
    sha256(body)
}

/// A signed request. It contains the security token, so it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    /// The headers to send, including `host`.
    pub headers: Vec<(&'static str, String)>,
    /// The query to send, encoded.
    pub query: String,
    /// The form body of an RPC call to send; empty if there are no form parameters.
    pub form: String,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").finish_non_exhaustive()
    }
}

/// Signs a POST of `call` to `host`, which includes the port if it is not the scheme's default.
///
/// Each parameter goes where the documents put it, as in the official SDKs: unlike with HMAC-SHA1, the server does not
/// treat query and form alike. `nonce` must never have been used before with this key, and `time` must be within 15
/// minutes of the server's clock.
#[must_use]
pub fn signed_post(call: Call<'_>, host: &str, credentials: &Credentials, time: Timestamp, nonce: &str) -> Signed {
    let mut form = String::new();
    push_query(&mut form, call.form);
    let content_type = (!form.is_empty()).then_some(FORM);
    let rest = RestCall {
        action: call.action,
        version: call.version,
        method: "POST",
        path: "/",
        query: call.query,
        headers: &[],
        content_type,
        body: form.as_bytes(),
    };
    let Signed { headers, query, .. } = signed_request(&rest, host, credentials, time, nonce);
    Signed { headers, query, form }
}

/// A call of a product whose operations are paths (ROA style), such as Function Compute.
#[derive(Debug, Clone, Copy)]
pub struct RestCall<'a> {
    /// The operation, for example `InvokeFunction`.
    pub action: &'a str,
    /// The version of the product's API, for example `2023-03-30`.
    pub version: &'a str,
    /// The method, in upper case.
    pub method: &'a str,
    /// The path, encoded as sent.
    pub path: &'a str,
    /// The query parameters, not encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// More headers to send. They are signed, so that nobody on the way can add or change one.
    pub headers: &'a [(&'static str, &'a str)],
    /// The type of the body, if there is one.
    pub content_type: Option<&'a str>,
    /// The body as sent.
    pub body: &'a [u8],
}

/// Signs `call` to `host`, as [`signed_post`] does. The body is sent as it is in the call.
#[must_use]
pub fn signed_request(
    call: &RestCall<'_>,
    host: &str,
    credentials: &Credentials,
    time: Timestamp,
    nonce: &str,
) -> Signed {
    let mut date = String::with_capacity(20);
    _ = write!(date, "{time:.0}");

    let mut headers = vec![
        ("host", host.to_owned()),
        ("x-acs-action", call.action.to_owned()),
        ("x-acs-content-sha256", content_sha256(call.body)),
        ("x-acs-date", date),
        ("x-acs-signature-nonce", nonce.to_owned()),
        ("x-acs-version", call.version.to_owned()),
    ];
    headers.extend(credentials.security_token().map(|token| ("x-acs-security-token", token.to_owned())));
    headers.extend(call.content_type.map(|content_type| ("content-type", content_type.to_owned())));
    headers.extend(call.headers.iter().map(|(name, value)| (*name, (*value).to_owned())));

    let signed: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let request =
        Request { method: call.method, path: call.path, query: call.query, headers: &signed, body: call.body };
    let signature = sign(&request, credentials.access_key_id(), credentials.access_key_secret());
    headers.push(("authorization", signature.authorization));
    Signed { headers, query: signature.canonical_query_string, form: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(call: Call<'_>) -> Signed {
        let credentials = Credentials::new("STS.id", "the-secret").with_security_token("a token");
        signed_post(call, "127.0.0.1:9900", &credentials, Timestamp::from_second(1_456_231_584).unwrap(), "nonce-1")
    }

    fn header<'a>(signed: &'a Signed, name: &str) -> Option<&'a str> {
        signed.headers.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_signed_post_carries_the_call_the_token_and_the_signature_but_not_the_secret() {
        let signed = signed(Call {
            action: "DescribeFlowLogs",
            version: "2016-04-28",
            query: &[("RegionId", "cn-hangzhou"), ("FlowLogName", "a b")],
            form: &[],
        });
        assert_eq!((signed.query.as_str(), signed.form.as_str()), ("FlowLogName=a%20b&RegionId=cn-hangzhou", ""));
        let header = |name| header(&signed, name).unwrap_or_default();
        assert_eq!(header("host"), "127.0.0.1:9900");
        assert_eq!(header("x-acs-date"), "2016-02-23T12:46:24Z");
        assert_eq!(header("x-acs-content-sha256"), content_sha256(b""));
        assert_eq!(header("x-acs-security-token"), "a token");
        let authorization = header("authorization");
        let start = "ACS3-HMAC-SHA256 Credential=STS.id,SignedHeaders=host;x-acs-action;\
                     x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version,Signature=";
        assert!(authorization.starts_with(start), "{authorization}");
        assert!(!authorization.contains("the-secret"));
        assert_eq!(format!("{signed:?}"), "Signed { .. }", "the token cannot be printed");
    }

    #[test]
    fn what_belongs_into_the_form_is_there_with_its_type_and_its_hash() {
        let (query, form) = ([("FlowLogId", "1")], [("EcrId", "ecr-1"), ("DryRun", "true")]);
        let signed = signed(Call { action: "DeleteFlowlog", version: "2023-09-01", query: &query, form: &form });
        assert_eq!((signed.query.as_str(), signed.form.as_str()), ("FlowLogId=1", "DryRun=true&EcrId=ecr-1"));
        assert_eq!(header(&signed, "content-type"), Some(FORM));
        assert_eq!(header(&signed, "x-acs-content-sha256").unwrap(), content_sha256(b"DryRun=true&EcrId=ecr-1"));
        assert!(header(&signed, "authorization").unwrap().contains("SignedHeaders=content-type;host;"));
    }

    #[test]
    fn an_asynchronous_invocation_has_the_signature_of_the_official_sdk() {
        let credentials = Credentials::new("testid", "testsecret").with_security_token("TOKEN");
        let sign = |headers: &[(&'static str, &str)]| {
            let call = RestCall {
                action: "InvokeFunction",
                version: "2023-03-30",
                method: "POST",
                path: "/2023-03-30/functions/flowkeeper-remediate-flow-logs/invocations",
                query: &[("qualifier", "LATEST")],
                headers,
                content_type: Some("application/octet-stream"),
                body: br#"{"run":"r20261126T0300","account":"1000000000000002"}"#,
            };
            let time = "2026-11-26T03:00:00Z".parse().unwrap();
            signed_request(
                &call,
                "fcv3.cn-hangzhou.aliyuncs.com",
                &credentials,
                time,
                "0123456789abcdef0123456789abcdef",
            )
        };
        let asynchronous =
            sign(&[("x-fc-invocation-type", "Async"), ("x-fc-async-task-id", "r20261126T0300_1000000000000002")]);
        assert_eq!(
            header(&asynchronous, "authorization"),
            Some(
                "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=content-type;host;x-acs-action;\
                 x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version;\
                 x-fc-async-task-id;x-fc-invocation-type,\
                 Signature=a9e97e8249007b5d89725627460c4971e9f32d9b5fd61c809552402cf6d56689"
            )
        );
        let synchronous = sign(&[]);
        let signature = "e54756a57163bcbf32148eb745459a7fd91bcd2033765512a071b2cca3da273b";
        assert!(header(&synchronous, "authorization").unwrap().ends_with(signature));
    }

    #[test]
    fn the_documents_want_host_content_type_and_every_acs_header_signed() {
        for name in ["host", "Host", "Content-Type", "x-acs-date", "X-Acs-Security-Token"] {
            assert!(must_be_signed(name), "{name}");
        }
        for name in ["accept", "user-agent", "authorization", "x-acs", "x-fc-request-id"] {
            assert!(!must_be_signed(name), "{name}");
        }
    }
}
