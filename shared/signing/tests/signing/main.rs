//! The signatures of the official SDKs, every intermediate included.
#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
};

use serde::Deserialize;
use signing::rpc;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    method: String,
    params: BTreeMap<String, String>,
    access_key_secret: String,
    canonicalized_query_string: String,
    string_to_sign: String,
    signature: String,
    signature_encoded: String,
}

fn vectors() -> Vec<Vector> {
    let file: Vectors = serde_json::from_str(include_str!("vectors/hmac-sha1.json")).unwrap();
    assert_eq!(file.vectors.len(), 46);
    file.vectors
}

#[test]
fn every_intermediate_equals_that_of_the_official_sdks() {
    for vector in vectors() {
        let id = &vector.id;
        // Handed over in reverse: the order of the parameters is the signature's business.
        let params: Vec<_> = vector.params.iter().rev().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let signed = rpc::sign(&vector.method, &params, &vector.access_key_secret);
        assert_eq!(signed.canonicalized_query_string, vector.canonicalized_query_string, "{id}");
        assert_eq!(signed.string_to_sign, vector.string_to_sign, "{id}");
        assert_eq!(signed.signature, vector.signature, "{id}");
        assert_eq!(signing::percent_encode(&signed.signature), vector.signature_encoded, "{id}");
    }
}

#[test]
fn the_sign_example_prints_every_intermediate() {
    let vector = &vectors()[0];
    let mut example = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "signing", "--example", "sign"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let request = serde_json::json!({
        "algorithm": "hmac-sha1",
        "method": vector.method,
        "params": vector.params,
        "access_key_secret": vector.access_key_secret,
    });
    example.stdin.take().unwrap().write_all(request.to_string().as_bytes()).unwrap();
    let output = example.wait_with_output().unwrap();
    assert!(output.status.success());
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["canonicalized_query_string"], vector.canonicalized_query_string);
    assert_eq!(answer["string_to_sign"], vector.string_to_sign);
    assert_eq!(answer["signature"], "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
}
