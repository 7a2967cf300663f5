//! The model of flow logs: what one is, what a policy wants, and which calls bring one to its desired state.
//!
//! Nothing here performs I/O, reads a clock or awaits: callers read beforehand and write afterwards.
//!
//! ```
//! use flow_log::{Change, Policy, Resource, Verdict, desired, plan};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::parse("flow_log: {project: flowlog, log_store: vpc}")?;
//! let vpc = Resource {
//!     account: "1000000000000001".parse()?,
//!     region: "cn-hangzhou".parse()?,
//!     id: "vpc-bp1example00000000001".parse()?,
//!     parents: Vec::new(),
//!     tags: Some([("env".to_owned(), "prod".to_owned())].into_iter().collect()),
//!     name: None,
//!     is_service_managed: false,
//!     creation_time: None,
//!     has_ipv6: None,
//! };
//! let now = "2026-03-02T09:00+08:00".parse()?;
//!
//! let desired = desired(&vpc, None, &policy, now);
//! // No flow log was observed on it.
//! let plan = plan(&vpc, &[], &desired, policy.foreign);
//! assert_eq!(plan.verdict, Verdict::Missing);
//! let [Change::Create(spec)] = &plan.changes[..] else { panic!("{plan:?}") };
//! assert_eq!(spec.name.as_str(), "flowkeeper-vpc-bp1example00000000001");
//! # Ok(())
//! # }
//! ```

mod action;
mod desired;
mod directive;
mod directory_member;
mod ecr;
mod ids;
pub mod names;
mod next_switch;
pub mod one_by_one;
mod plan;
pub mod policy;
pub mod proof;
mod regions;
mod resource_type;
pub mod schedule;
mod text;
mod vpc;
mod zones;

pub use action::Action;
pub use desired::{Desired, DesiredFlowLog, GovernedBy};
pub use directory_member::DirectoryMember;
pub use ecr::change::{EcrChange, EcrFlowLogUpdate};
pub use ecr::desired::desired_ecr;
pub use ecr::model::{AttachedVbr, Ecr, EcrFlowLog, EcrFlowLogSpec, EcrInstance};
pub use ecr::plan::plan_ecr;
pub use ids::{AccountId, EcrId, FlowLogId, FolderId, InvalidId, RegionId, ResourceId, RoleArn, RoleName, VbrId};
pub use next_switch::next_change;
pub use plan::{Plan, Verdict};
pub use policy::Policy;
pub use resource_type::ResourceType;
pub use vpc::change::{Change, FlowLogUpdate};
pub use vpc::desired::{DecidingTag, TagUse, deciding_tags, desired, level};
pub use vpc::diff::superfluous_under;
pub use vpc::observed::{Delivery, FlowLog, ObservedTags, Resource, Status};
pub use vpc::plan::plan;
pub use vpc::replacement::{Recording, can_be_marked, marked, recreation};
pub use vpc::spec::{CreateDestination, FlowLogSpec};
pub use zones::time_zone;
