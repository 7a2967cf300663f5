//! What a flow log is, what a policy wants of it, and which calls make it so.
//!
//! Nothing here performs I/O, reads a clock or awaits: whoever calls has fetched before and acts after.

mod ecr;
mod ids;
pub mod names;
mod next_change;
mod plan;
mod plan_ecr;
pub mod policy;
pub mod schedule;
mod seen;
mod spec;
mod tag;
mod text;
mod wanted;

pub use ecr::{Ecr, EcrFlowLog, EcrFlowLogSpec, EcrInstance};
pub use ids::{AccountId, EcrId, FlowLogId, InvalidId, RegionId, ResourceId, ResourceType, RoleArn, VbrId};
pub use next_change::next_change;
pub use plan::{Change, Modification, Plan, Rules, Verdict, plan, plan_orphan};
pub use plan_ecr::{AttachedVbr, EcrChange, plan_ecr, wanted_ecr};
pub use policy::Policy;
pub use seen::{Delivery, FlowLog, Resource, SeenTags, Status};
pub use spec::FlowLogSpec;
pub use tag::KEY as TAG_KEY;
pub use wanted::{GovernedBy, Kept, Wanted, level, wanted};
