//! What was read, and what could not be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All pages of one list in an account and region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Read {
    /// The account that was asked.
    pub account: String,
    /// The region that was asked.
    pub region: String,
    /// The API operation, such as `DescribeVpcs`.
    pub operation: String,
    /// The resource that the list is about, if it is not the list of the whole region. Such a list never shows that the
    /// region was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The number of pages that were read.
    pub pages: u64,
    /// The number of items on these pages.
    pub items: u64,
    /// The API's own count, `TotalCount`; absent if the operation has none that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The API's id of the first request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_request_id: Option<String>,
    /// The API's id of the last request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_request_id: Option<String>,
    /// Why the list is not whole, if a call failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// The calls of one operation about one thing that is no list, as they were answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Calls {
    /// The API operation, such as `GetLogsV2`.
    pub operation: String,
    /// How many calls were answered. An answer that is not complete is asked for again.
    pub count: u64,
    /// The number of rows in the complete answers, if they consist of rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The API's id of the first request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_request_id: Option<String>,
    /// The API's id of the last request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_request_id: Option<String>,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The API operation.
    pub operation: String,
    /// The API's error code, or a word for a failure on the way to the API.
    pub code: String,
    /// What happened.
    pub message: String,
    /// The API's id of the request, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How to fix it; empty if unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub advice: String,
}

/// How many resources one part of the run judged, counted while it judged them. The results must add up to this.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    /// The accounts that this part covers. No two parts cover the same account.
    pub accounts: Vec<String>,
    /// The number of resources, and of flow logs whose resource is gone.
    pub resources: u64,
    /// How many of them needed nothing and were only counted, so that no result names them.
    #[serde(default)]
    pub unlisted: u64,
}

/// Whether an account has opened the flow log service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    /// The account.
    pub account: String,
    /// Whether it is open; absent if that could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_open: Option<bool>,
    /// Why it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// The calls that read it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Calls>,
}

/// Something found about an account, a region, or another thing that is no resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// The account, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The region; absent if it is about the whole account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The thing itself, such as a Logstore; absent if it is about the whole region or account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What is the matter.
    pub state: NoteState,
    /// The details, as a sentence.
    pub reason: String,
    /// The call that failed, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// What is the matter with an account or a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoteState {
    /// It could not be read, or not all of it.
    Unread,
    /// A person should look at it.
    Finding,
    /// The region has no flow log service.
    Unsupported,
}
