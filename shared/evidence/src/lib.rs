//! Evidence for an auditor: what was read, by whom, with which policy, how much of the scope, and what follows from it.
//!
//! [`Facts`] hold what a run read. [`Evidence`] adds what follows from them: sums that close, controls, and what is
//! unknown. It is made in one place and cannot be edited, so a report never says more than its facts. It is rendered as
//! [a page](Evidence::write_page), [CSV](Evidence::write_csv), [JSON](Evidence::write_json),
//! [OCSF](Evidence::write_ocsf) and [JUnit](Evidence::write_junit).
//!
//! **What was not read is unknown, and never fine.** A control passes only if everything that it is about was read.
//!
//! Nothing here performs I/O or reads a clock: values go in, and bytes come out.

mod assessment;
mod bound;
mod call_log;
mod csv;
mod evidence;
mod facts;
mod from_proof;
mod from_report;
mod index;
mod join;
mod json;
mod junit;
mod ocsf;
mod page;
mod read_log;
mod summary;
mod text;

pub use assessment::{
    Assessment, Class, Control, ControlStatus, Relation, Retention, ScopeRead, Sums, Unknown, VerdictCount,
};
pub use call_log::CallLog;
pub use csv::as_text;
pub use evidence::{Evidence, InvalidEvidence, SCHEMA, schema};
pub use facts::{
    Asked, AskedAccount, BilledMonth, Binary, Caller, Calls, Change, Cost, CostPart, CostRow, Currency, Day, Delivery,
    DeliveryState, ExceptionsCountAs, Facts, Failure, FlowLogState, Head, Judged, Kind, LeftOut, LogStore, NextChange,
    Note, NoteState, Omitted, OmittedDeliveries, OtherCost, OtherKind, Part, PolicyName, Read, ResourceResult, Service,
    Span, TagUsed, Week, Word,
};
pub use from_report::Observed;
pub use index::Index;
pub use join::{Joining, NotJoined};
pub use read_log::ReadLog;
pub use summary::ReportSummary;
