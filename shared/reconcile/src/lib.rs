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
mod approvals;
mod capabilities;
mod change;
mod claims;
mod converge;
mod decision;
mod deletion;
pub mod delivery;
mod destinations;
mod invocations;
mod items;
mod limits;
mod location;
mod observer;
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
pub mod volumes;
mod write;
mod writer;

pub use self::settings::{PolicyText, ReconcilerSettings};
pub use accounts::Accounts;
pub use approvals::Approvals;
pub use capabilities::{Capabilities, Selection};
pub use change::{ChangeId, ChangeKind, ChangeParts, FieldChange, InvalidChangeId, PlannedChange, Source};
pub use location::UnknownLocation;
pub use observer::Observer;
pub use openapi::{
    AsyncInvocation, AsyncTask, CallCounter, CallCounts, Clock, ErrorKind, OsRng, PageObserver, PageRead,
    ROLE_SESSION_NAME, Rng, SystemClock, TaskStatus,
};
pub use reconciler::Reconciler;
pub use report::{
    DeletedFlowLog, ErrorReport, Incomplete, Item, Listing, MadeBy, ObservedFlowLog, Outcome, Report, ReportBuilder,
    Shards, Summary,
};
pub use service::ServiceOpener;
pub use target::{AccountSweep, Job, Target, TargetKind, Work};
