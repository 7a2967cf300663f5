//! Evidence as JSON, and its seal.

use std::io::{self, BufWriter, Write};

use sha2::{Digest as _, Sha256};

use crate::evidence::Evidence;

impl Evidence {
    /// Writes the evidence as JSON, in one line and in one order: the canonical form, whose SHA-256 is the
    /// [seal](Evidence::seal). No line break follows, so that the digest of a file with it is the seal, too.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_json(&self, to: impl Write) -> io::Result<()> {
        let mut to = BufWriter::new(to);
        serde_json::to_writer(&mut to, self)?;
        to.flush()
    }

    /// The SHA-256 of the canonical JSON, as 64 hexadecimal digits.
    #[must_use]
    pub fn seal(&self) -> String {
        let mut hash = Hash(Sha256::new());
        // Neither the hash nor the evidence can refuse.
        if self.write_json(&mut hash).is_err() {
            return String::new();
        }
        hash.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A writer that keeps nothing but the digest.
struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
