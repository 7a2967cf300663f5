//! The signatures of the official SDKs, every intermediate included.
#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod acs3;
mod example;
mod hmac_sha1;

use std::collections::BTreeMap;

/// In reverse: the order in which they come is the signature's business.
fn pairs(map: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    map.iter().rev().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}
