//! The part that functions which reconcile flow logs share: from the event to the answer.
//!
//! A function implements [`FlowLogFunction`]: its [`Capabilities`] and the scope of an event. [`Handler`] turns that
//! into a function that Function Compute can invoke.

mod answer;
mod failure;
pub mod fan_out;
mod flow_log_function;
mod functions;
mod handler;
mod location;
mod routing;
mod run;
mod settings;
mod summary_line;

pub use answer::{Ended, answer, answered};
pub use events::{Caller, Collect, EventKind, FlowLogCall};
pub use flow_log::Action;
pub use flow_log_function::{Context, FlowLogFunction, Scope};
pub use functions::{FUNCTIONS, is_function};
pub use handler::{Begun, Busy, FanOut, Handler, begin, job, respond};
pub use location::Location;
pub use reconcile::{Capabilities, Selection, TargetKind};
pub use summary_line::{InvocationKind, Measurement};

pub use self::settings::{SETTINGS_PREFIX, reject_unknown};
