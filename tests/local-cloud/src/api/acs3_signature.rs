//! The ACS3-HMAC-SHA256 signature, implemented from its documentation and not from the product's code.

use std::collections::BTreeMap;

use crate::api::{
    digest::{hex, hmac_sha256, sha256},
    rpc_signature::encode,
};

/// The algorithm's name, which starts the `Authorization` header.
pub(crate) const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Returns the canonical form of a request, to be hashed and signed. `headers` are the signed ones, in lower case.
pub(crate) fn canonical_request(
    method: &str,
    path: &str,
    query: &BTreeMap<String, String>,
    headers: &BTreeMap<String, String>,
    signed_headers: &str,
    payload_hash: &str,
) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    format!("{method}\n{path}\n{}\n{headers}\n{signed_headers}\n{payload_hash}", canonical_query(query))
}

/// Returns the parameters, sorted and percent-encoded.
pub(crate) fn canonical_query(query: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// Returns the text that is signed.
pub(crate) fn string_to_sign(canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}", sha256(canonical_request.as_bytes()))
}

/// Returns the signature of a text with an access key's secret.
pub(crate) fn signature(secret: &str, string_to_sign: &str) -> String {
    hex(&hmac_sha256(secret.as_bytes(), string_to_sign.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    #[derive(serde::Deserialize)]
    struct Vector {
        id: String,
        method: String,
        pathname: String,
        query: BTreeMap<String, String>,
        headers: BTreeMap<String, String>,
        body: Option<String>,
        access_key_id: String,
        access_key_secret: String,
        hashed_payload: String,
        canonical_query_string: String,
        canonical_headers: String,
        signed_headers: String,
        canonical_request: String,
        hashed_canonical_request: String,
        string_to_sign: String,
        signature: String,
        authorization: String,
    }

    #[test]
    fn every_signature_of_the_official_sdks_is_reproduced() {
        let Vectors { vectors } = serde_json::from_str(include_str!("../../tests/acs3-signatures.json")).unwrap();
        assert_eq!(vectors.len(), 24);
        for vector in vectors {
            let id = &vector.id;
            let payload = sha256(vector.body.unwrap_or_default().as_bytes());
            assert_eq!(payload, vector.hashed_payload, "{id}");
            assert_eq!(canonical_query(&vector.query), vector.canonical_query_string, "{id}");
            let is_signed = |name: &str| vector.signed_headers.split(';').any(|signed| signed == name);
            let headers = vector.headers.into_iter().map(|(name, value)| (name.to_lowercase(), value));
            let headers = headers.filter(|(name, _)| is_signed(name)).collect();
            let canonical = canonical_request(
                &vector.method,
                &vector.pathname,
                &vector.query,
                &headers,
                &vector.signed_headers,
                &payload,
            );
            assert!(
                canonical.contains(&format!("\n{}\n{}\n", vector.canonical_headers, vector.signed_headers)),
                "{id}"
            );
            assert_eq!(canonical, vector.canonical_request, "{id}");
            assert_eq!(sha256(canonical.as_bytes()), vector.hashed_canonical_request, "{id}");
            let text = string_to_sign(&canonical);
            assert_eq!(text, vector.string_to_sign, "{id}");
            let signature = signature(&vector.access_key_secret, &text);
            assert_eq!(signature, vector.signature, "{id}");
            let (key, signed) = (&vector.access_key_id, &vector.signed_headers);
            let authorization = format!("{ALGORITHM} Credential={key},SignedHeaders={signed},Signature={signature}");
            assert_eq!(authorization, vector.authorization, "{id}");
        }
    }
}
