//! The model of flow logs: what one is, what a policy wants, and which calls bring one to its desired state.
//!
//! Nothing here performs I/O, reads a clock or awaits: callers read beforehand and write afterwards.

mod action;
mod directive;
mod ecr;
mod ids;
pub mod names;
mod next_switch;
mod plan;
pub mod policy;
mod regions;
pub mod schedule;
mod text;
mod vpc;

pub use action::Action;
pub use directive::KEY as TAG_KEY;
pub use ecr::model::{Ecr, EcrFlowLog, EcrFlowLogSpec, EcrInstance};
pub use ecr::plan::{AttachedVbr, EcrChange, EcrFlowLogUpdate, desired_ecr, plan_ecr};
pub use ids::{AccountId, EcrId, FlowLogId, InvalidId, RegionId, ResourceId, ResourceType, RoleArn, VbrId};
pub use next_switch::next_change;
pub use plan::{Plan, Verdict};
pub use policy::Policy;
pub use vpc::desired::{Desired, DesiredFlowLog, GovernedBy, desired, level};
pub use vpc::diff::superfluous_under;
pub use vpc::observed::{Delivery, FlowLog, ObservedTags, Resource, Status};
pub use vpc::plan::{Change, FlowLogUpdate, plan};
pub use vpc::replacement::{Recording, can_be_marked, marked, recreation};
pub use vpc::spec::FlowLogSpec;
