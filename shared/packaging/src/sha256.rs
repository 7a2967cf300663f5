//! SHA-256, as people and container images write it.

use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 in hexadecimal.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
