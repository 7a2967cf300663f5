//! The number of shards of a run.

use serde::Serialize;

/// How many shards a run has: in the report of the coordinator, which submits them, and in that of a collect step, which
/// asks how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shards {
    /// Shards that were submitted.
    pub submitted: usize,
    /// Shards that have ended without a failure. Only a collect step knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<usize>,
    /// Shards that could not be submitted; for a collect step, shards that have failed.
    pub failed: usize,
    /// Shards that have not ended. Only a collect step knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<usize>,
}
