//! What the packages of the command are made of.

use crate::entry::Entry;

/// The name of the command, of its crate and of its packages.
pub const NAME: &str = "flowkeeper";

/// One line about the command, for registries.
pub const SUMMARY: &str = "VPC flow logs on Alibaba Cloud, as a policy wants them";

/// The target of the binary. Since it is static, it needs Linux on x86-64 and nothing else.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The README of every package.
pub const README: &str = include_str!("README.md");

/// What the packages of the command are made of.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// The version, such as `0.2.0`.
    pub version: String,
    /// The license of the command, as an SPDX expression.
    pub license: String,
    /// The text of that license.
    pub license_text: Vec<u8>,
    /// The licenses of everything that the binary contains besides.
    pub third_party: String,
    /// The static binary.
    pub binary: Vec<u8>,
    /// The pages of the manual: each one's file name, such as `flowkeeper.1`, and text.
    pub pages: Vec<(String, Vec<u8>)>,
    /// The completions: each one's file name, such as `flowkeeper.bash`, and text.
    pub completions: Vec<(String, Vec<u8>)>,
}

impl Contents {
    /// The program, at this path of an archive.
    pub(crate) fn program(&self, path: String) -> Entry<'_> {
        Entry::program(path, self.binary.as_slice())
    }

    /// The licenses, in this folder of an archive. Everyone who passes the binary on must pass them on, too.
    pub(crate) fn licenses(&self, folder: &str) -> [Entry<'_>; 2] {
        [
            Entry::file(format!("{folder}/LICENSE"), self.license_text.as_slice()),
            Entry::file(format!("{folder}/THIRD-PARTY.txt"), self.third_party.as_bytes()),
        ]
    }
}
