//! Reads, plans, applies and reports: the part that all functions share.
//!
//! A [`Reconciler`] lives as long as the process. A function turns its event into [`Target`]s and passes them with the
//! [`Job`] of the invocation. It gets back a [`Report`].
//!
//! - `flow_log::plan` makes every plan, from state that was just read. **Nothing is kept between invocations**: the
//!   cloud holds the state.
//! - A failed read makes a resource `unknown`, never `missing`. The other resources go on.
//! - A write with an uncertain answer is followed by a read, never directly by another write.

mod accounts;
mod capabilities;
mod claims;
mod converge;
mod decision;
mod deletion;
mod destinations;
mod invocations;
mod items;
mod limits;
mod location;
mod orphan;
mod poll;
mod read;
mod reconciler;
mod regions;
mod report;
mod resolve;
mod service;
mod sessions;
mod settings;
mod sweep;
mod target;
mod target_run;
#[cfg(test)]
mod testing;
mod visibility;
mod writer;

pub use self::settings::ReconcilerSettings;
pub use accounts::Accounts;
pub use capabilities::{Capabilities, Selection};
pub use location::UnknownLocation;
pub use openapi::{AsyncInvocation, AsyncTask, Clock, OsRng, ROLE_SESSION_NAME, Rng, SystemClock, TaskStatus};
pub use reconciler::Reconciler;
pub use report::{DeletedFlowLog, ErrorReport, Incomplete, Item, Outcome, Report, ReportBuilder, Shards, Summary};
pub use service::ServiceOpener;
pub use target::{AccountSweep, Job, Target, TargetKind, Work};
