//! The SLS4-HMAC-SHA256 signature, implemented from its description and not from the product's code.

use std::{collections::BTreeMap, fmt::Write};

use crate::api::{
    digest::{hex, hmac_sha256, sha256},
    rpc_signature::encode,
};

/// The algorithm's name, which starts the `Authorization` header.
pub(crate) const ALGORITHM: &str = "SLS4-HMAC-SHA256";
/// The end of a scope.
const TERMINATOR: &str = "aliyun_v4_request";

/// A request as it is signed.
pub(crate) struct Signable<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a BTreeMap<String, String>,
    /// All headers, in lower case. Not all of them are signed.
    pub(crate) headers: &'a BTreeMap<String, String>,
    pub(crate) body: &'a [u8],
    pub(crate) region: &'a str,
    /// The time in the form `20251125T000000Z`.
    pub(crate) date: &'a str,
}

impl Signable<'_> {
    /// Returns the scope of the signature: `20251125/cn-hangzhou/sls/aliyun_v4_request`.
    pub(crate) fn scope(&self) -> String {
        self.scope_parts().join("/")
    }

    fn scope_parts(&self) -> [&str; 4] {
        [self.date.split('T').next().unwrap_or_default(), self.region, "sls", TERMINATOR]
    }

    /// Returns the signature with an access key's secret.
    pub(crate) fn signature(&self, secret: &str) -> String {
        let signed: Vec<(&String, &String)> = self.headers.iter().filter(|(name, _)| is_signed(name)).collect();
        let mut canonical = format!("{}\n{}\n{}\n", self.method, self.path, canonical_query(self.query));
        for (name, value) in &signed {
            let _ = writeln!(canonical, "{name}:{}", value.trim());
        }
        let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
        let _ = write!(canonical, "\n{}\n{}", names.join(";"), sha256(self.body));
        let text = format!("{ALGORITHM}\n{}\n{}\n{}", self.date, self.scope(), sha256(canonical.as_bytes()));
        let first = format!("aliyun_v4{secret}").into_bytes();
        let key = self.scope_parts().iter().fold(first, |key, part| hmac_sha256(&key, part.as_bytes()));
        hex(&hmac_sha256(&key, text.as_bytes()))
    }
}

/// Returns whether a header is part of the signature. The client has no choice in this.
fn is_signed(name: &str) -> bool {
    match name {
        "content-type" | "host" => true,
        _ if name.starts_with("x-log-meta-") => false,
        _ => name.starts_with("x-log-") || name.starts_with("x-acs-"),
    }
}

/// Returns the query, sorted. Only values are encoded, and a name without a value stands alone.
fn canonical_query(query: &BTreeMap<String, String>) -> String {
    let pair = |(name, value): (&String, &String)| {
        if value.is_empty() { name.clone() } else { format!("{name}={}", encode(value)) }
    };
    query.iter().map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_of_the_official_sdk_is_reproduced() {
        let body = br#"{"from":1763942400,"to":1764028800,"query":"* | select \"vpc-id\" as v, count(*) as n group by v limit 1000"}"#;
        let content = sha256(body);
        let headers = [
            ("content-type", "application/json"),
            ("host", "flowlog-1000000000000001-cn-hangzhou.cn-hangzhou.log.aliyuncs.com"),
            ("user-agent", "not signed"),
            ("x-log-apiversion", "0.6.0"),
            ("x-log-bodyrawsize", "109"),
            ("x-log-content-sha256", &content),
            ("x-log-date", "20251125T000000Z"),
            ("x-log-meta-kind", "not signed"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let request = Signable {
            method: "POST",
            path: "/logstores/vpc/logs",
            query: &BTreeMap::new(),
            headers: &headers,
            body,
            region: "cn-hangzhou",
            date: "20251125T000000Z",
        };
        assert_eq!(request.scope(), "20251125/cn-hangzhou/sls/aliyun_v4_request");
        let expected = "d1600023d714e5f483f7a61e63e9e2726e6ba72f954ffe61384ac39dfee09a9e";
        assert_eq!(request.signature("test-secret"), expected);
    }

    #[test]
    fn a_name_without_a_value_stands_alone() {
        let query = [("offset", "0"), ("flag", ""), ("q", "云 x")];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(canonical_query(&query), "flag&offset=0&q=%E4%BA%91%20x");
    }
}
