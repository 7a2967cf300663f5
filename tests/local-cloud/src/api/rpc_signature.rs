//! The HMAC-SHA1 signature of RPC-style calls, implemented from its documentation and not from the product's code.

use std::{collections::BTreeMap, fmt::Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Returns the text that is signed: method, path and sorted parameters, each percent-encoded.
pub(crate) fn string_to_sign(method: &str, parameters: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = parameters
        .iter()
        .filter(|(name, _)| *name != "Signature")
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    format!("{method}&%2F&{}", encode(&pairs.join("&")))
}

/// Returns the signature of a text with an access key's secret.
pub(crate) fn signature(secret: &str, string_to_sign: &str) -> String {
    BASE64_STANDARD.encode(hmac_sha1(format!("{secret}&").as_bytes(), string_to_sign.as_bytes()))
}

pub(crate) fn hmac_sha1(key: &[u8], text: &[u8]) -> Vec<u8> {
    // HMAC accepts keys of any length, so this cannot fail.
    Hmac::<Sha1>::new_from_slice(key)
        .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// Percent-encodes everything except the unreserved characters of RFC 3986.
pub(crate) fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
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
        access_key_secret: String,
        params: BTreeMap<String, String>,
        string_to_sign: String,
        signature: String,
    }

    #[test]
    fn every_signature_of_the_official_sdks_is_reproduced() {
        let Vectors { vectors } = serde_json::from_str(include_str!("../../tests/rpc-signatures.json")).unwrap();
        assert_eq!(vectors.len(), 46);
        for vector in vectors {
            let text = string_to_sign(&vector.method, &vector.params);
            assert_eq!(text, vector.string_to_sign, "{}", vector.id);
            assert_eq!(signature(&vector.access_key_secret, &text), vector.signature, "{}", vector.id);
        }
    }
}
