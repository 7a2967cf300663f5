//! Fetch, plan, apply, report: what every function does with the resources it was woken for.
//!
//! A [`Reconciler`] lives as long as the process. A function turns what woke it into [`Target`]s and hands them over with
//! the [`Job`] of the invocation; what comes back is the [`Report`].
//!
//! - What is planned is planned by `flow_log::plan`, from what was just read. **Nothing is kept between invocations**:
//!   the cloud is the state.
//! - A read that fails makes a resource `unknown`, never `missing`, and the others go on.
//! - A write whose answer is uncertain is followed by a read, never by another write.

mod capabilities;
mod claims;
mod converge;
mod items;
mod limits;
mod poll;
mod reconciler;
mod report;
mod resolve;
mod service;
mod settings;
mod sweep;
mod sweep_queue;
mod target;
mod writer;

pub use self::settings::ReconcilerSettings;
pub use capabilities::{Capabilities, Selection};
pub use openapi::{Machine, ROLE_SESSION_NAME, System};
pub use reconciler::{Reconciler, UnknownLocation};
pub use report::{DeletedFlowLog, ErrorReport, Incomplete, Item, Outcome, Report, Summary};
pub use service::ServiceOpener;
pub use target::{Job, Target, TargetKind};
