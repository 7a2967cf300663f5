//! The attributes of a Compliance Finding, in the order in which they are written: first those of the event by their meaning,
//! then those of each object by the alphabet.

use serde::Serialize;

use crate::facts::{FlowLogState, ResourceResult};

/// `compliance.status_id`.
#[derive(Clone, Copy)]
pub(super) enum Compliance {
    Unknown = 0,
    Pass = 1,
    /// By its definition also for what has no result for lack of information.
    Warning = 2,
    Fail = 3,
}

/// The event's own `status_id`.
#[derive(Clone, Copy)]
pub(super) enum Status {
    New = 1,
    InProgress = 2,
    Suppressed = 3,
    Resolved = 4,
}

/// `severity_id`.
#[derive(Clone, Copy)]
pub(super) enum Severity {
    Informational = 1,
    Low = 2,
    Medium = 3,
    High = 4,
}

macro_rules! as_number {
    ($($name:ident),*) => { $(impl Serialize for $name {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_u8(*self as u8)
        }
    })* };
}
as_number!(Compliance, Status, Severity);

/// A Compliance Finding.
#[derive(Serialize)]
pub(super) struct ComplianceFinding<'a> {
    pub(super) class_uid: u32,
    pub(super) category_uid: u32,
    pub(super) activity_id: u32,
    pub(super) type_uid: u32,
    pub(super) time: i64,
    pub(super) severity_id: Severity,
    pub(super) status_id: Status,
    pub(super) status_code: &'a str,
    pub(super) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u64>,
    pub(super) metadata: Metadata<'a>,
    pub(super) cloud: Cloud<'a>,
    pub(super) finding_info: FindingInfo<'a>,
    pub(super) compliance: ComplianceObject<'a>,
    pub(super) resources: [Resource<'a>; 1],
    pub(super) evidences: [Evidences<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remediation: Option<Remediation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unmapped: Option<Unmapped<'a>>,
}

#[derive(Serialize)]
pub(super) struct Metadata<'a> {
    pub(super) product: Product<'a>,
    pub(super) profiles: [&'a str; 1],
    pub(super) uid: &'a str,
    pub(super) version: &'a str,
}

#[derive(Serialize)]
pub(super) struct Product<'a> {
    pub(super) name: &'a str,
    pub(super) vendor_name: &'a str,
    pub(super) version: &'a str,
}

#[derive(Serialize)]
pub(super) struct Cloud<'a> {
    pub(super) account: Account<'a>,
    pub(super) provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Account<'a> {
    pub(super) r#type: &'a str,
    pub(super) type_id: u32,
    pub(super) uid: &'a str,
}

#[derive(Serialize)]
pub(super) struct FindingInfo<'a> {
    pub(super) desc: &'a str,
    pub(super) last_seen_time: i64,
    pub(super) title: String,
    pub(super) types: [&'a str; 1],
    pub(super) uid: &'a str,
}

#[derive(Serialize)]
pub(super) struct ComplianceObject<'a> {
    pub(super) checks: Vec<Check<'a>>,
    pub(super) control: &'a str,
    pub(super) requirements: [&'a str; 1],
    pub(super) standards: [&'a str; 1],
    pub(super) status_code: &'a str,
    pub(super) status_details: [&'a str; 1],
    pub(super) status_id: Compliance,
}

#[derive(Serialize)]
pub(super) struct Check<'a> {
    pub(super) name: &'a str,
    pub(super) standards: [&'a str; 1],
    pub(super) status_id: Compliance,
    pub(super) uid: &'a str,
}

#[derive(Serialize)]
pub(super) struct Resource<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<&'a str>,
    pub(super) r#type: &'a str,
    pub(super) uid: &'a str,
}

#[derive(Serialize)]
pub(super) struct Evidences<'a> {
    pub(super) data: Data<'a>,
}

#[derive(Serialize)]
pub(super) struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<Call<'a>>,
    pub(super) policy_sha256: &'a str,
    pub(super) run: &'a str,
    pub(super) seal: &'a str,
}

/// A call that failed.
#[derive(Serialize)]
pub(super) struct Call<'a> {
    pub(super) code: &'a str,
    pub(super) operation: &'a str,
    pub(super) request_id: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Remediation<'a> {
    pub(super) desc: &'a str,
}

/// What OCSF has no attributes for: the flow log of a resource, and which of its traffic it records.
#[derive(Serialize)]
pub(super) struct Unmapped<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flow_log: Option<&'a FlowLogState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) has_ipv6: Option<bool>,
}

impl<'a> Unmapped<'a> {
    pub(super) fn of(result: &'a ResourceResult) -> Option<Self> {
        let unmapped = Self { flow_log: result.flow_log.as_ref(), has_ipv6: result.has_ipv6 };
        (unmapped.flow_log.is_some() || unmapped.has_ipv6.is_some()).then_some(unmapped)
    }
}
