//! Runs `cargo run -p signing --example sign` as a process.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::{acs3, hmac_sha1};

fn sign(request: &Value) -> Value {
    let output = run(&request.to_string());
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs the example with this input on stdin.
fn run(input: &str) -> Output {
    let mut example = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "signing", "--example", "sign"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    example.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    example.wait_with_output().unwrap()
}

#[test]
fn the_sign_example_says_in_a_sentence_what_it_cannot_read() {
    for (input, expected) in [
        ("", "sign: standard input is empty; give a request as JSON, such as\n{"),
        (" \n", "sign: standard input is empty; "),
        (
            "{",
            "sign: standard input is not a valid request: EOF while parsing an object at line 1 column 1; one looks like\n{",
        ),
        (
            r#"{"algorithm":"md5"}"#,
            "sign: standard input is not a valid request: unknown variant `md5`, expected `hmac-sha1` or ",
        ),
    ] {
        let output = run(input);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{input:?}: {said}");
        assert!(said.starts_with(expected), "{input:?}: {said}");
    }
}

#[test]
fn the_readme_shows_what_the_sign_example_prints() {
    let readme = include_str!("../../README.md");
    let (_, command) = readme.split_once("echo '").unwrap();
    let output = run(command.split_once('\'').unwrap().0);
    let (_, shown) = readme.split_once("```json\n").unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), shown.split_once("```").unwrap().0);
}

#[test]
fn the_describe_regions_example_prints_a_signed_form_and_no_secret() {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "signing", "--example", "describe_regions", "--"])
        .args(["the-id", "the-secret", "nonce-1"])
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let start = "curl https://ecs.aliyuncs.com/ --data 'AccessKeyId=the-id&Action=DescribeRegions&Format=JSON&";
    assert!(printed.starts_with(start) && printed.contains("&Signature="), "{printed}");
    assert!(!printed.contains("the-secret"), "{printed}");
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
    // A request without a body, one with a body, and one with headers that must not be signed.
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
