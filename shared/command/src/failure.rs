//! Why the command ends without what it was asked for.

use std::process::ExitCode;

use openapi::CallError;

use crate::{call_remedy::remedy, credentials::error::SourceError};

/// Something failed, or is unknown.
pub(crate) const FAILED: u8 = 1;
/// Everything was read, and there is something to do: only where that is asked for.
pub(crate) const CHANGES: u8 = 2;
/// Wrong usage, or a policy with mistakes. The functions exit with it for settings, too.
pub(crate) const USAGE: u8 = 64;
/// Interrupted, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why the command ends, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit_code: u8,
    /// The place and the cause, one line each. Empty if everything has been said.
    pub(crate) messages: Vec<String>,
    pub(crate) remedy: Option<String>,
}

impl Failure {
    pub(crate) fn failed(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { exit_code: FAILED, messages: vec![message.into()], remedy: Some(remedy.into()) }
    }

    pub(crate) fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { exit_code: USAGE, messages: vec![message.into()], remedy: Some(remedy.into()) }
    }

    /// What the person was told already.
    pub(crate) const fn told(exit_code: u8) -> Self {
        Self { exit_code, messages: Vec::new(), remedy: None }
    }

    pub(crate) fn code(&self) -> ExitCode {
        self.exit_code.into()
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::failed(error.to_string(), error.remedy)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::failed(format!("{error}: {}", error.cause), remedy(&error))
    }
}
