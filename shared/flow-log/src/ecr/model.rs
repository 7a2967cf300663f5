//! Express Connect Routers, the instances attached to them, and their flow logs.

use jiff::Timestamp;

use crate::{
    AccountId, EcrId, FlowLogId, ObservedTags, RegionId, Status, VbrId,
    names::{Description, EcrInterval, FlowLogName, LogStoreName, ProjectName, ResourceGroupId, SamplingRate, Tags},
};

/// The complete specification of the flow log of a virtual border router: the parameters of `CreateFlowLog`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrFlowLogSpec {
    /// `FlowLogName`; may be empty.
    pub name: FlowLogName,
    /// `Description`; may be empty.
    pub description: Description,
    /// The SLS project that it writes to.
    pub project: ProjectName,
    /// The Logstore that it writes to.
    pub log_store: LogStoreName,
    /// How long traffic is aggregated before a line is written.
    pub interval: EcrInterval,
    /// Which share of the packets is sampled.
    pub sampling_rate: SamplingRate,
    /// The region of the SLS project; not sent if `None`.
    pub target_sls_region: Option<RegionId>,
    /// Its resource group; not sent if `None`.
    pub resource_group_id: Option<ResourceGroupId>,
    /// Its tags, including the one that marks it as Flowkeeper's own.
    pub tags: Tags,
}

/// An Express Connect Router as the API describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ecr {
    /// `EcrId`.
    pub id: EcrId,
    /// `Name`; may be empty.
    pub name: String,
    /// `Description`; may be empty.
    pub description: String,
    /// `ACTIVE` if it can be used.
    pub status: String,
    /// `FinancialLocked` if the account has unpaid bills, otherwise `Normal`.
    pub business_status: Option<String>,
    /// The account that owns it, if given.
    pub owner: Option<String>,
    /// Its autonomous system number.
    pub alibaba_side_asn: Option<u32>,
    /// Its resource group, if given.
    pub resource_group_id: Option<String>,
    /// When it was created, as the API writes it.
    pub created: Option<String>,
    /// When it was last changed, as the API writes it.
    pub modified: Option<String>,
    /// Its tags; `None` if they could not be read.
    pub tags: Option<ObservedTags>,
}

/// An instance attached to an Express Connect Router: a virtual border router, or another kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrInstance {
    /// The id of the router that it is attached to.
    pub ecr: String,
    /// The id of what is attached, for example of a virtual border router.
    pub id: String,
    /// Its type: `VBR` for a virtual border router.
    pub instance_type: String,
    /// `Name`; may be empty.
    pub name: String,
    /// The region that it is in.
    pub region: Option<String>,
    /// The account that owns it, if given.
    pub owner: Option<String>,
    /// `ACTIVE` if it is attached and works.
    pub status: String,
    /// The id of its attachment.
    pub association_id: Option<String>,
    /// The description of its attachment.
    pub description: String,
    /// When it was attached, as the API writes it.
    pub created: Option<String>,
    /// When the attachment was last changed, as the API writes it.
    pub modified: Option<String>,
}

impl EcrInstance {
    /// Its id, if it is a virtual border router; no other instance can have a flow log.
    #[must_use]
    pub fn vbr(&self) -> Option<VbrId> {
        if self.instance_type.eq_ignore_ascii_case("VBR") { self.id.parse().ok() } else { None }
    }
}

/// A virtual border router attached to an Express Connect Router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedVbr {
    /// The account that owns the Express Connect Router, and so also its flow logs.
    pub account: AccountId,
    /// The region of the virtual border router.
    pub region: RegionId,
    /// The Express Connect Router.
    pub ecr: EcrId,
    /// The id of the virtual border router.
    pub id: VbrId,
    /// The tags of the Express Connect Router; the virtual border router has none of its own here.
    pub tags: Option<ObservedTags>,
    /// Whether the Express Connect Router is locked, because its account has unpaid bills.
    pub is_locked: bool,
}

/// A flow log of an Express Connect Router as `DescribeFlowLogs` lists it. A field that the response lacks is `None`:
/// absent, not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrFlowLog {
    /// `FlowLogId`.
    pub id: FlowLogId,
    /// The id of the router that it records.
    pub ecr: String,
    /// The id of the instance that it records.
    pub instance_id: String,
    /// The type of that instance: `VBR` for a virtual border router.
    pub instance_type: String,
    /// Its name, if given.
    pub name: Option<String>,
    /// Its description, if given.
    pub description: Option<String>,
    /// The SLS project that it writes to, if given.
    pub project: Option<String>,
    /// The Logstore that it writes to, if given.
    pub log_store: Option<String>,
    /// The region of the SLS project, if given.
    pub sls_region: Option<String>,
    /// The region of the instance that it records, if given.
    pub region: Option<String>,
    /// The aggregation interval in seconds, if given.
    pub interval: Option<u32>,
    /// Which share of the packets it samples, if given.
    pub sampling_rate: Option<String>,
    /// Its resource group, if given.
    pub resource_group_id: Option<String>,
    /// Its tags; `None` if they could not be read.
    pub tags: Option<ObservedTags>,
    /// Whether it records.
    pub status: Status,
    /// When it was created, if given and readable.
    pub creation_time: Option<Timestamp>,
}

impl EcrFlowLog {
    /// Whether Flowkeeper made it. Its tag decides, never its name; false if the tags are unknown.
    #[must_use]
    pub fn is_own(&self) -> bool {
        crate::vpc::observed::has_own_tag(self.tags.as_ref())
    }

    /// Whether its tags could not be read, so that its owner is unknown.
    #[must_use]
    pub const fn has_unknown_tags(&self) -> bool {
        self.tags.is_none()
    }
}
