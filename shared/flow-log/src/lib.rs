//! What a flow log is, what a policy wants of it, and which calls make it so.
//!
//! Nothing here performs I/O, reads a clock or awaits: whoever calls has fetched before and acts after.

mod ids;
pub mod names;
mod seen;
mod spec;

pub use ids::{AccountId, FlowLogId, InvalidId, RegionId, ResourceId, ResourceType};
pub use seen::{Delivery, FlowLog, Resource, Status};
pub use spec::FlowLogSpec;
