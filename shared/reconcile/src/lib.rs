//! Fetch, plan, apply, report: what every function does with the resources it was woken for.
//!
//! A [`Keeper`] lives as long as the process. A function turns what woke it into [`Target`]s and hands them over with
//! the [`Job`] of the invocation; what comes back is the [`Report`].
//!
//! - What is planned is planned by `flow_log::plan`, from what was just read. **Nothing is kept between invocations**:
//!   the cloud is the state.
//! - A read that fails makes a resource `unknown`, never `missing`, and the others go on.
//! - A write whose answer is uncertain is followed by a read, never by another write.

mod duty;
mod keeper;
mod orphans;
mod report;
mod resolve;
mod routers;
mod service;
mod settings;
mod settle;
mod sweep;
mod target;
mod wait;

pub use duty::{Duty, LooksAt};
pub use keeper::{Keeper, NowhereToSweep};
pub use openapi::{Machine, ROLE_SESSION_NAME, System};
pub use report::{ErrorReport, Incomplete, Item, Outcome, Report, Summary};
pub use service::ServiceOpener;
pub use settings::{InvalidSetting, KeeperSettings};
pub use target::{Job, Target, What};
