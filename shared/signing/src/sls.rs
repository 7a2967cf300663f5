//! The signature of Simple Log Service: `SLS4-HMAC-SHA256`.
//!
//! Source: the official Go SDK (`aliyun-log-go-sdk`, signature version 4), whose test vectors it reproduces.

use std::fmt;

use jiff::Timestamp;

use crate::{
    Credentials,
    digest::{hex, hmac_sha256, sha256},
    encode::{push_encoded, seconds, sort},
};

const ALGORITHM: &str = "SLS4-HMAC-SHA256";
/// The last part of the scope of a signature.
const TERMINATOR: &str = "aliyun_v4_request";
/// The version of the API, which every request names.
const API_VERSION: &str = "0.6.0";

/// A request, before it is signed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The project's host, as in `flowlog.cn-hangzhou.log.aliyuncs.com`.
    pub host: &'a str,
    /// The region of the project.
    pub region: &'a str,
    /// The path, encoded as sent.
    pub path: &'a str,
    /// The query parameters. Their values are not encoded yet.
    pub query: &'a [(&'a str, &'a str)],
    /// The body: JSON, or empty.
    pub body: &'a [u8],
}

/// A signed request. It contains the security token, so it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    /// The headers to send, including `host`.
    pub headers: Vec<(&'static str, String)>,
    /// The query to send, encoded.
    pub query: String,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").finish_non_exhaustive()
    }
}

/// Signs a request.
///
/// `time` must be within 15 minutes of the server's clock. The signature needs no nonce.
#[must_use]
pub fn signed(request: &Request<'_>, credentials: &Credentials, time: Timestamp) -> Signed {
    let date = seconds(time).replace(['-', ':'], "");
    let mut headers = vec![
        ("host", request.host.to_owned()),
        ("x-log-apiversion", API_VERSION.to_owned()),
        ("x-log-bodyrawsize", request.body.len().to_string()),
        ("x-log-content-sha256", sha256(request.body)),
        ("x-log-date", date.clone()),
    ];
    headers.extend(credentials.security_token().map(|token| ("x-acs-security-token", token.to_owned())));
    headers.extend((!request.body.is_empty()).then(|| ("content-type", "application/json".to_owned())));

    let signed: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let query = canonical_query(request.query);
    let authorization = authorization(request, &query, &signed, &date, credentials);
    headers.push(("authorization", authorization));
    Signed { headers, query }
}

/// Returns the `authorization` header. All `headers` are signed; their names are in lower case.
fn authorization(
    request: &Request<'_>,
    query: &str,
    headers: &[(&str, &str)],
    date: &str,
    credentials: &Credentials,
) -> String {
    let mut sorted = headers.to_vec();
    sort(&mut sorted);
    let lines: String = sorted.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names: Vec<_> = sorted.iter().map(|(name, _)| *name).collect();
    let body = sha256(request.body);
    let canonical = [request.method, request.path, query, &lines, &names.join(";"), &body].join("\n");

    let scope = [date.get(..8).unwrap_or_default(), request.region, "sls", TERMINATOR];
    let to_sign = [ALGORITHM, date, &scope.join("/"), &sha256(canonical.as_bytes())].join("\n");
    let secret = ["aliyun_v4", credentials.access_key_secret()].concat();
    let key = scope.iter().fold(secret.into_bytes(), |key, part| hmac_sha256(&key, part.as_bytes()).to_vec());
    let signature = hex(&hmac_sha256(&key, to_sign.as_bytes()));
    format!("{ALGORITHM} Credential={}/{},Signature={signature}", credentials.access_key_id(), scope.join("/"))
}

/// Returns the query, sorted. The API's keys are plain words; only values are encoded. A key without a value stands
/// alone, without `=`.
fn canonical_query(query: &[(&str, &str)]) -> String {
    let mut sorted = query.to_vec();
    sort(&mut sorted);
    let mut out = String::new();
    for (key, value) in sorted {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(key);
        if !value.is_empty() {
            out.push('=');
            push_encoded(&mut out, value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] =
        br#"{"from":1763942400,"to":1764028800,"query":"* | select \"vpc-id\" as v, count(*) as n group by v limit 1000"}"#;

    fn request<'a>(body: &'a [u8], query: &'a [(&'a str, &'a str)]) -> Request<'a> {
        Request {
            method: "POST",
            host: "flowlog-1000000000000001-cn-hangzhou.cn-hangzhou.log.aliyuncs.com",
            region: "cn-hangzhou",
            path: "/logstores/vpc/logs",
            query,
            body,
        }
    }

    fn header<'a>(signed: &'a Signed, name: &str) -> Option<&'a str> {
        signed.headers.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_query_for_records_has_the_signature_of_the_official_sdk() {
        let credentials = Credentials::new("test", "test-secret");
        let time = "2025-11-25T00:00:00Z".parse().unwrap();
        let signed = signed(&request(BODY, &[]), &credentials, time);
        assert_eq!(header(&signed, "x-log-bodyrawsize"), Some("109"));
        assert_eq!(header(&signed, "x-log-date"), Some("20251125T000000Z"));
        assert_eq!(
            header(&signed, "authorization"),
            Some(
                "SLS4-HMAC-SHA256 Credential=test/20251125/cn-hangzhou/sls/aliyun_v4_request,\
                 Signature=d1600023d714e5f483f7a61e63e9e2726e6ba72f954ffe61384ac39dfee09a9e"
            )
        );
    }

    /// A vector of the official Go SDK: method, region, path, further query parameters, whether it has headers of its own,
    /// body, signature.
    type Vector = (
        &'static str,
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str)],
        bool,
        &'static str,
        &'static str,
    );

    #[rustfmt::skip]
    const VECTORS: [Vector; 5] = [
        ("POST", "cn-hangzhou", "/logstores", &[], true, "adasd= -asd zcas", "a98f5632e93836e63839cd836a54055f480020a9364ca944e2d34f2eb9bf1bed"),
        ("POST", "cn-shanghai", "/logstores", &[], false, "adasd= -asd zcas", "8a10a5e723cb2e75964816de660b2c16a58af8bc0261f7f0722d832468c76ce8"),
        ("POST", "cn-hangzhou", "/logstores", &[], true, "", "5a66d8f8051983e0e9d08e0f960ef9252ef971eead5bb5c7acec8617a2eb2701"),
        ("GET", "cn-hangzhou", "/logstores", &[], true, "", "d92741852500791d662a8d469ff61627c0559ecd86c3f59b7bf6772b6c62666a"),
        ("POST", "cn-hangzhou", "/logstores/hello/a+*~bb/cc", &[("abs-ij*asd/vc", "a~js+d ada"), ("a abAas123/vc", "a~jdad a2ADFs+d ada")], true, "adasd= -asd zcas", "2c204068e961a8813a6bcf7ac422f7fa6e9bf9a5da493e0165dfe100854d18ff"),
    ];

    #[test]
    fn the_vectors_of_the_official_sdk_are_reproduced() {
        let credentials = Credentials::new("acsddda21dsd", "zxasdasdasw2");
        let date = "20220808T032330Z";
        for (method, region, path, further, has_own, body, expected) in VECTORS {
            let hash = sha256(body.as_bytes());
            let mut headers = vec![("x-log-date", date), ("x-log-content-sha256", &hash)];
            let mut parameters = Vec::new();
            if has_own {
                headers.extend([("x-log-test", "het123"), ("x-acs-ppp", "dds")]);
                parameters.extend([(" abc", "efg"), (" agc ", ""), ("", "efg"), ("A-bc", "eFg")]);
            }
            parameters.extend_from_slice(further);
            let request = Request { method, host: "", region, path, query: &[], body: body.as_bytes() };
            let found = authorization(&request, &canonical_query(&parameters), &headers, date, &credentials);
            let scope = format!("Credential=acsddda21dsd/20220808/{region}/sls/aliyun_v4_request");
            assert_eq!(found, format!("SLS4-HMAC-SHA256 {scope},Signature={expected}"), "{method} {region} {path}");
        }
    }

    #[test]
    fn every_part_of_a_request_is_signed() {
        let credentials = Credentials::new("test", "test-secret").with_security_token("a token");
        let time = "2025-11-25T00:00:00Z".parse().unwrap();
        let of = |changed: Request<'_>, signer: &Credentials, at| {
            header(&signed(&changed, signer, at), "authorization").unwrap().to_owned()
        };
        let base = request(BODY, &[("a", "1")]);
        let signature = of(base, &credentials, time);
        for (part, changed) in [
            ("method", of(Request { method: "PUT", ..base }, &credentials, time)),
            ("host", of(Request { host: "other", ..base }, &credentials, time)),
            ("region", of(Request { region: "cn-beijing", ..base }, &credentials, time)),
            ("path", of(Request { path: "/logstores/eni/logs", ..base }, &credentials, time)),
            ("query", of(Request { query: &[("a", "2")], ..base }, &credentials, time)),
            ("body", of(Request { body: b"{}", ..base }, &credentials, time)),
            ("token", of(base, &Credentials::new("test", "test-secret").with_security_token("b"), time)),
            ("time", of(base, &credentials, "2025-11-25T00:00:01Z".parse().unwrap())),
        ] {
            assert_ne!(changed, signature, "{part}");
        }
    }

    #[test]
    fn a_query_is_sorted_and_a_key_without_a_value_stands_alone() {
        assert_eq!(
            canonical_query(&[("offset", "0"), ("query", "a 云"), ("flag", "")]),
            "flag&offset=0&query=a%20%E4%BA%91"
        );
    }

    #[test]
    fn a_request_without_a_body_has_no_content_type_and_its_token_cannot_be_printed() {
        let credentials = Credentials::new("test", "test-secret").with_security_token("a token");
        let signed = signed(&request(b"", &[]), &credentials, "2025-11-25T00:00:00Z".parse().unwrap());
        assert_eq!(header(&signed, "content-type"), None);
        assert_eq!(header(&signed, "x-acs-security-token"), Some("a token"));
        assert!(!header(&signed, "authorization").unwrap().contains("test-secret"));
        assert_eq!(format!("{signed:?}"), "Signed { .. }");
    }
}
