//! ACS3-HMAC-SHA256, which every product accepts.

use std::collections::BTreeMap;

use serde::Deserialize;
use signing::acs3::{self, Request};

use crate::pairs;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
pub(crate) struct Vector {
    pub(crate) id: String,
    /// `signs-all-headers`: a complete call of an SDK that signs more headers than the documents require.
    pub(crate) tags: Vec<String>,
    pub(crate) method: String,
    pub(crate) pathname: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<String>,
    pub(crate) access_key_id: String,
    pub(crate) access_key_secret: String,
    hashed_payload: String,
    canonical_query_string: String,
    signed_headers: String,
    pub(crate) canonical_request: String,
    hashed_canonical_request: String,
    pub(crate) string_to_sign: String,
    pub(crate) signature: String,
    pub(crate) authorization: String,
}

impl Vector {
    pub(crate) fn signs_all_headers(&self) -> bool {
        self.tags.iter().any(|tag| tag == "signs-all-headers")
    }
}

pub(crate) fn vectors() -> Vec<Vector> {
    let file: Vectors = serde_json::from_str(include_str!("vectors/acs3-hmac-sha256.json")).unwrap();
    assert_eq!(file.vectors.len(), 24);
    file.vectors
}

#[test]
fn every_intermediate_equals_that_of_the_official_sdks() {
    for vector in vectors() {
        let id = &vector.id;
        let mut headers = pairs(&vector.headers);
        headers.retain(|(name, _)| vector.signs_all_headers() || acs3::must_be_signed(name));
        let body = vector.body.as_deref().unwrap_or_default().as_bytes();
        let request = Request {
            method: &vector.method,
            path: &vector.pathname,
            query: &pairs(&vector.query),
            headers: &headers,
            body,
        };
        let signed = acs3::sign(&request, &vector.access_key_id, &vector.access_key_secret);
        assert_eq!(acs3::content_sha256(body), vector.hashed_payload, "{id}");
        assert_eq!(signed.canonical_query_string, vector.canonical_query_string, "{id}");
        assert_eq!(signed.signed_headers, vector.signed_headers, "{id}");
        assert_eq!(signed.canonical_request, vector.canonical_request, "{id}");
        assert_eq!(signed.hashed_canonical_request, vector.hashed_canonical_request, "{id}");
        assert_eq!(signed.string_to_sign, vector.string_to_sign, "{id}");
        assert_eq!(signed.signature, vector.signature, "{id}");
        assert_eq!(signed.authorization, vector.authorization, "{id}");
    }
}

#[test]
fn the_example_of_the_documents_gives_the_signature_that_they_print() {
    let documented: Vec<_> =
        vectors().into_iter().filter(|vector| vector.tags.iter().any(|tag| tag == "documented")).collect();
    let signatures: Vec<_> = documented.iter().map(|vector| vector.signature.as_str()).collect();
    assert_eq!(signatures, ["06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"]);
}
