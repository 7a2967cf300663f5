//! The model of flow logs: what one is, what a policy wants, and which calls bring one to its desired state.
//!
//! Nothing here performs I/O, reads a clock or awaits: callers read beforehand and write afterwards.

mod action;
mod desired;
mod directive;
mod ecr;
mod ids;
pub mod names;
mod next_switch;
mod plan;
pub mod policy;
mod regions;
mod resource_type;
pub mod schedule;
mod text;
mod vpc;

pub use action::Action;
pub use desired::{Desired, DesiredFlowLog, GovernedBy};
pub use ecr::change::{EcrChange, EcrFlowLogUpdate};
pub use ecr::desired::desired_ecr;
pub use ecr::model::{AttachedVbr, Ecr, EcrFlowLog, EcrFlowLogSpec, EcrInstance};
pub use ecr::plan::plan_ecr;
pub use ids::{AccountId, EcrId, FlowLogId, InvalidId, RegionId, ResourceId, RoleArn, VbrId};
pub use next_switch::next_change;
pub use plan::{Plan, Verdict};
pub use policy::Policy;
pub use resource_type::ResourceType;
pub use vpc::change::{Change, FlowLogUpdate};
pub use vpc::desired::{desired, level};
pub use vpc::diff::superfluous_under;
pub use vpc::observed::{Delivery, FlowLog, ObservedTags, Resource, Status};
pub use vpc::plan::plan;
pub use vpc::replacement::{Recording, can_be_marked, marked, recreation};
pub use vpc::spec::FlowLogSpec;
