//! What the functions that keep flow logs have in common: from what woke them to what they answer.
//!
//! A function is a [`FlowLogFunction`]: its [`Capabilities`], and what an event makes it look at. [`Handler`] makes of it
//! what Function Compute invokes.

mod failure;
mod functions;
mod location;
mod routing;
mod run;

use std::{marker::PhantomData, sync::Arc};

use bytes::Bytes;
use fc_runtime::{Failure, Function, InvalidSettings, Invocation, Output, Settings};
use reconcile::{Job, Machine, Reconciler, ReconcilerSettings, Report};

pub use events::{Caller, EventKind, FlowLogCall};
pub use flow_log::Action;
pub use functions::{FUNCTIONS, is_function};
pub use location::Location;
pub use reconcile::{Capabilities, Selection, TargetKind};
use routing::Routes;
pub use routing::{Context, Scope};

/// A function that keeps flow logs.
pub trait FlowLogFunction: Send + Sync + 'static {
    /// What it looks at and may change.
    const CAPABILITIES: Capabilities;

    /// What `event` makes it look at. Events that are broken, or no business of Flowkeeper's, do not come here.
    fn scope(event: EventKind, context: &Context<'_>) -> Scope;
}

/// The function, as Function Compute invokes it.
#[derive(Debug)]
pub struct Handler<F> {
    reconciler: Reconciler,
    function: PhantomData<fn() -> F>,
}

impl<F: FlowLogFunction> Function for Handler<F> {
    const NAME: &'static str = {
        assert!(is_function(F::CAPABILITIES.function), "add the function to FUNCTIONS");
        F::CAPABILITIES.function
    };

    const SETTINGS_PREFIX: &'static str = SETTINGS_PREFIX;

    fn from_settings(settings: &Settings) -> Result<Self, InvalidSettings> {
        let mut invalid = InvalidSettings::default();
        let known = invalid.collect(reject_unknown(settings, ReconcilerSettings::names()));
        let reconciler_settings = invalid.collect(ReconcilerSettings::read(settings));
        let (Some(()), Some(reconciler_settings)) = (known, reconciler_settings) else { return Err(invalid) };
        let reconciler = Reconciler::new(F::CAPABILITIES, reconciler_settings, Arc::new(Machine));
        Ok(Self { reconciler, function: PhantomData })
    }

    async fn handle(&self, invocation: Invocation, event: Bytes) -> Result<Output, Failure> {
        let report = respond::<F>(&self.reconciler, invocation, &event).await;
        let answer = report.and_then(|report| answer(&report, &event));
        answer.inspect_err(|_| failure::warn_of_lost_letter(&event))
    }
}

/// What the names of all settings begin with.
pub const SETTINGS_PREFIX: &str = "FLOWKEEPER_";

/// Refuses settings that nobody knows: a misspelt `FLOWKEEPER_DRY_RUN` would otherwise write.
///
/// # Errors
/// Each one that is neither `known` nor read by the runtime itself.
pub fn reject_unknown(settings: &Settings, known: Vec<&str>) -> Result<(), InvalidSettings> {
    let of_runtime = fc_runtime::setting_names(SETTINGS_PREFIX);
    let known: Vec<_> = known.into_iter().chain(of_runtime.iter().map(String::as_str)).collect();
    settings.reject_unknown(SETTINGS_PREFIX, &known)
}

/// What the function does with the body that woke it.
///
/// # Errors
/// That is no event, or there is something to look at and no key to do so.
pub async fn respond<F: FlowLogFunction>(
    reconciler: &Reconciler,
    invocation: Invocation,
    event: &[u8],
) -> Result<Report, Failure> {
    let events = events::parse(event).map_err(|error| Failure::from_error("UnknownEvent", &error))?;
    let run = run::id(&events, &invocation.request_id);
    fc_runtime::record_run(&run);
    let location = Location::of(&invocation);
    let function = invocation.function_name.as_deref();
    let Routes { targets, items } = routing::route_all::<F>(events, &location, reconciler, function);
    if targets.is_empty() {
        return Ok(reconciler.report(run, invocation.request_id, items));
    }
    let job = job(invocation, location, run)?;
    Ok(reconciler.reconcile(job, targets, items).await)
}

/// The job of this invocation, in the run with this id.
///
/// # Errors
/// There is no key.
pub fn job(invocation: Invocation, location: Location, run: String) -> Result<Job, Failure> {
    Ok(Job {
        run,
        credentials: invocation.credentials()?.clone(),
        stop_at: Some(invocation.work_until()),
        account: location.account,
        request_id: invocation.request_id,
    })
}

/// The report as the answer to `request`.
///
/// # Errors
/// Something in it was not done: then the invocation fails, so that it is made again. The failure has as much of the
/// report as fits into a dead letter beside the request.
pub fn answer(report: &Report, request: &[u8]) -> Result<Output, Failure> {
    match report.incomplete() {
        None => Output::json(report),
        Some(incomplete) => Err(failure::of(&incomplete, report, request)),
    }
}
