//! HMAC-SHA1, as RPC-style products accept it.

use std::collections::BTreeMap;

use serde::Deserialize;
use signing::rpc;

use crate::pairs;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
pub(crate) struct Vector {
    id: String,
    pub(crate) method: String,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) access_key_secret: String,
    pub(crate) canonicalized_query_string: String,
    pub(crate) string_to_sign: String,
    signature: String,
    signature_encoded: String,
}

pub(crate) fn vectors() -> Vec<Vector> {
    let file: Vectors = serde_json::from_str(include_str!("vectors/hmac-sha1.json")).unwrap();
    assert_eq!(file.vectors.len(), 46);
    file.vectors
}

#[test]
fn every_intermediate_equals_that_of_the_official_sdks() {
    for vector in vectors() {
        let id = &vector.id;
        let signed = rpc::sign(&vector.method, &pairs(&vector.params), &vector.access_key_secret);
        assert_eq!(signed.canonicalized_query_string, vector.canonicalized_query_string, "{id}");
        assert_eq!(signed.string_to_sign, vector.string_to_sign, "{id}");
        assert_eq!(signed.signature, vector.signature, "{id}");
        assert_eq!(signing::percent_encode(&signed.signature), vector.signature_encoded, "{id}");
    }
}
