//! Express Connect Routers, what is attached to them, and their flow logs.

use jiff::Timestamp;

use crate::{
    EcrId, FlowLogId, ObservedTags, RegionId, Status, VbrId,
    names::{Description, EcrInterval, FlowLogName, LogStoreName, ProjectName, ResourceGroupId, SamplingRate, Tags},
};

/// What the flow log of a virtual border router should look like, to the last field: what `CreateFlowLog` is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrFlowLogSpec {
    /// Its name.
    pub name: FlowLogName,
    /// Its description.
    pub description: Description,
    /// The SLS project that it writes to.
    pub project: ProjectName,
    /// The Logstore that it writes to.
    pub log_store: LogStoreName,
    /// How long traffic is gathered before a line is written.
    pub interval: EcrInterval,
    /// Which share of the packets is looked at.
    pub sampling_rate: SamplingRate,
    /// The region of the SLS project; not sent where `None`.
    pub target_sls_region: Option<RegionId>,
    /// The resource group that it is put in; not sent where `None`.
    pub resource_group_id: Option<ResourceGroupId>,
    /// Its tags, the one that marks it as ours among them.
    pub tags: Tags,
}

/// An Express Connect Router as the API describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ecr {
    /// Its id.
    pub id: EcrId,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// `ACTIVE` where it can be used.
    pub status: String,
    /// `FinancialLocked` where the account has not paid for it, else `Normal`.
    pub business_status: Option<String>,
    /// The account that it is of, where it is given.
    pub owner: Option<String>,
    /// The number of its autonomous system.
    pub alibaba_side_asn: Option<u32>,
    /// The resource group that it is in, where it is given.
    pub resource_group_id: Option<String>,
    /// When it was made, as the API writes it.
    pub created: Option<String>,
    /// When it was last changed, as the API writes it.
    pub modified: Option<String>,
    /// Its tags; `None` where they could not be read, so that nobody knows which it has.
    pub tags: Option<ObservedTags>,
}

/// Something that is attached to an Express Connect Router: a virtual border router, or another instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrInstance {
    /// The router.
    pub ecr: String,
    /// Its own id.
    pub id: String,
    /// What it is: `VBR` for a virtual border router.
    pub instance_type: String,
    /// Its name.
    pub name: String,
    /// The region that it is in.
    pub region: Option<String>,
    /// The account that it is of, where it is given.
    pub owner: Option<String>,
    /// `ACTIVE` where it is attached and works.
    pub status: String,
    /// The id of its attachment.
    pub association_id: Option<String>,
    /// The description of its attachment.
    pub description: String,
    /// When it was attached, as the API writes it.
    pub created: Option<String>,
    /// When that was last changed, as the API writes it.
    pub modified: Option<String>,
}

impl EcrInstance {
    /// Its id, where it is a virtual border router: what can have a flow log.
    #[must_use]
    pub fn vbr(&self) -> Option<VbrId> {
        if self.instance_type.eq_ignore_ascii_case("VBR") { self.id.parse().ok() } else { None }
    }
}

/// A flow log of an Express Connect Router as `DescribeFlowLogs` lists it. A field that the answer lacks is `None`: absent,
/// and not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrFlowLog {
    /// Its id.
    pub id: FlowLogId,
    /// The router.
    pub ecr: String,
    /// The id of what it records.
    pub instance_id: String,
    /// What that is: `VBR` for a virtual border router.
    pub instance_type: String,
    /// Its name, where it is given.
    pub name: Option<String>,
    /// Its description, where it is given.
    pub description: Option<String>,
    /// The SLS project that it writes to, where it is given.
    pub project: Option<String>,
    /// The Logstore that it writes to, where it is given.
    pub log_store: Option<String>,
    /// The region of the SLS project, where it is given.
    pub sls_region: Option<String>,
    /// The region of what it records, where it is given.
    pub region: Option<String>,
    /// In seconds, where it is given.
    pub interval: Option<u32>,
    /// Which share of the packets it looks at, where it is given.
    pub sampling_rate: Option<String>,
    /// The resource group that it is in, where it is given.
    pub resource_group_id: Option<String>,
    /// Its tags; `None` where they could not be read, so that nobody knows which it has.
    pub tags: Option<ObservedTags>,
    /// Whether it records.
    pub status: Status,
    /// When it was made, where it is given and can be read.
    pub creation_time: Option<Timestamp>,
}

impl EcrFlowLog {
    /// Whether Flowkeeper made it, by its tag and never by its name. False where its tags are not known.
    #[must_use]
    pub fn is_own(&self) -> bool {
        crate::vpc::observed::has_own_tag(self.tags.as_ref())
    }

    /// Whether its tags could not be read, so that nobody knows whose it is.
    #[must_use]
    pub const fn has_unknown_tags(&self) -> bool {
        self.tags.is_none()
    }
}
