//! Compares signatures with those of the official SDKs, including every intermediate.
#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod acs3;
mod example;
mod hmac_sha1;

use std::collections::BTreeMap;

/// In reverse order, as sorting is up to the signature.
fn pairs(map: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    map.iter().rev().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}
