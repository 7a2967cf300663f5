//! What was seen in the cloud. Read leniently: an unknown status or value is kept, not refused.

use std::fmt;

use jiff::Timestamp;
use litemap::LiteMap;

use crate::{AccountId, FlowLogId, RegionId, ResourceId, ResourceType};

/// Tags as they were seen. What others write need not be what a policy may.
pub type SeenTags = LiteMap<String, String>;

/// A VPC, vSwitch or network interface as the API describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The account that owns it.
    pub account: AccountId,
    /// The region that it is in.
    pub region: RegionId,
    /// Its id, and so what it is.
    pub id: ResourceId,
    /// What it is part of: its vSwitch and its VPC, as far as it has them, the nearest first.
    pub parents: Vec<ResourceId>,
    /// Its tags.
    pub tags: SeenTags,
}

impl Resource {
    /// The VPC that it is, or is in.
    #[must_use]
    pub fn vpc(&self) -> Option<&ResourceId> {
        std::iter::once(&self.id).chain(&self.parents).find(|id| id.resource_type() == ResourceType::Vpc)
    }
}

/// A flow log as `DescribeFlowLogs` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLog {
    /// Its id.
    pub id: FlowLogId,
    /// The id of the resource that it records. Text, as it may be of a kind that is not known here.
    pub resource_id: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Which traffic it records.
    pub traffic_type: String,
    /// Which paths of the traffic it records.
    pub traffic_path: Vec<String>,
    /// The SLS project that it writes to.
    pub project: String,
    /// The Logstore that it writes to.
    pub log_store: String,
    /// In minutes, where it is given.
    pub aggregation_interval: Option<u32>,
    /// Which IP version it records, where it is given.
    pub ip_version: Option<String>,
    /// The resource group that it is in, where it is given.
    pub resource_group_id: Option<String>,
    /// Its tags.
    pub tags: SeenTags,
    /// Whether it records.
    pub status: Status,
    /// Which service manages it: `sls` where SLS made it, and then the VPC API may not change it.
    pub service_type: Option<String>,
    /// Whether what it records arrives.
    pub delivery: Delivery,
    /// What kind of resource it records, as the API calls it, where it is given.
    pub resource_type: Option<String>,
    /// The region that it is in, where it is given.
    pub region: Option<String>,
    /// When it was made, where it is given.
    pub creation_time: Option<Timestamp>,
    /// `FinancialLocked` where the account has not paid for it, else `Normal`.
    pub business_status: Option<String>,
    /// The format of what it records. The documents do not say which there are.
    pub log_format: Option<String>,
}

impl FlowLog {
    /// The tag that every flow log of ours carries, and what it says.
    pub const OWN_TAG: (&'static str, &'static str) = ("managed-by", "flowkeeper");

    /// Whether Flowkeeper made it: told by its tag, never by its name.
    #[must_use]
    pub fn is_own(&self) -> bool {
        let (key, value) = Self::OWN_TAG;
        !self.is_managed_by_sls() && self.tags.get(key).is_some_and(|found| found == value)
    }

    /// Whether SLS made it, so that no call of the VPC API may change it.
    #[must_use]
    pub fn is_managed_by_sls(&self) -> bool {
        self.service_type.as_deref().is_some_and(|service| service.eq_ignore_ascii_case("sls"))
    }
}

/// Whether a flow log records, or is about to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Being created or switched on.
    Activating,
    /// Records.
    Active,
    /// Being switched off.
    Deactivating,
    /// Does not record.
    Inactive,
    /// Being changed.
    Modifying,
    /// About to be gone.
    Deleting,
    /// A status that the documents did not know.
    Unknown(String),
}

impl Status {
    /// How far it is from recording.
    pub(crate) const fn steps_to_active(&self) -> u8 {
        match self {
            Self::Active => 0,
            Self::Activating | Self::Modifying => 1,
            Self::Deactivating | Self::Inactive | Self::Deleting | Self::Unknown(_) => 2,
        }
    }
}

impl From<&str> for Status {
    fn from(text: &str) -> Self {
        match text {
            "Activating" => Self::Activating,
            "Active" => Self::Active,
            "Deactivating" => Self::Deactivating,
            "Inactive" => Self::Inactive,
            "Modifying" => Self::Modifying,
            "Deleting" => Self::Deleting,
            _ => Self::Unknown(text.to_owned()),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(text) => write!(f, "in the unknown status {text:?}"),
            known => fmt::Debug::fmt(known, f),
        }
    }
}

/// Whether what a flow log records arrives in its Logstore.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Delivery {
    /// Nothing is said against it.
    #[default]
    Working,
    /// It does not arrive; with the reason that the API gives, such as `ProjectNotExist`.
    Failed(String),
}
