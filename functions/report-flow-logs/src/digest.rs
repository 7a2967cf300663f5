//! SHA-256, as hexadecimal digits.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

/// Returns the digest of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes to another writer, and keeps the digest of what was written.
pub(crate) struct Digesting<W> {
    to: W,
    hash: Sha256,
}

impl<W: Write> Digesting<W> {
    pub(crate) fn new(to: W) -> Self {
        Self { to, hash: Sha256::new() }
    }

    /// Returns the digest.
    pub(crate) fn finish(self) -> String {
        hex(self.hash.finalize().as_slice())
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
