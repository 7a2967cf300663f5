//! `cargo run -p signing --example sign`, as a process.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{acs3, hmac_sha1};

fn sign(request: &Value) -> Value {
    let mut example = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "signing", "--example", "sign"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    example.stdin.take().unwrap().write_all(request.to_string().as_bytes()).unwrap();
    let output = example.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_sign_example_prints_every_intermediate_of_hmac_sha1() {
    let vector = &hmac_sha1::vectors()[0];
    let answer = sign(&json!({
        "algorithm": "hmac-sha1",
        "method": vector.method,
        "params": vector.params,
        "access_key_secret": vector.access_key_secret,
    }));
    assert_eq!(answer["canonicalized_query_string"], vector.canonicalized_query_string);
    assert_eq!(answer["string_to_sign"], vector.string_to_sign);
    assert_eq!(answer["signature"], "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
}

#[test]
fn the_sign_example_prints_every_intermediate_of_acs3_hmac_sha256() {
    let vectors = acs3::vectors();
    // One without a body, one with, and one with headers that are not to be signed.
    for id in ["v3-001", "v3-023", "v3-026"] {
        let vector = vectors.iter().find(|vector| vector.id == id).unwrap();
        let answer = sign(&json!({
            "algorithm": "acs3-hmac-sha256",
            "method": vector.method,
            "path": vector.pathname,
            "query": vector.query,
            "headers": vector.headers,
            "body": vector.body,
            "access_key_id": vector.access_key_id,
            "access_key_secret": vector.access_key_secret,
        }));
        assert_eq!(
            answer,
            json!({
                "canonical_request": vector.canonical_request,
                "string_to_sign": vector.string_to_sign,
                "signature": vector.signature,
                "authorization": vector.authorization,
            }),
            "{id}"
        );
    }
}
