//! From the body of an invocation to its answer.

use std::{marker::PhantomData, sync::Arc};

use bytes::Bytes;
use fc_runtime::{Failure, Function, InvalidSettings, Invocation, Output, Settings};
use reconcile::{Job, OsRng, Reconciler, ReconcilerSettings, Report, SystemClock};

use crate::{
    FlowLogFunction, Location, SETTINGS_PREFIX, failure, is_function, reject_unknown,
    routing::{self, Routes},
    run,
};

/// Adapts a [`FlowLogFunction`] to Function Compute.
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
        let reconciler = Reconciler::new(F::CAPABILITIES, reconciler_settings, Arc::new(SystemClock), Arc::new(OsRng));
        Ok(Self { reconciler, function: PhantomData })
    }

    async fn handle(&self, invocation: Invocation, event: Bytes) -> Result<Output, Failure> {
        let report = respond::<F>(&self.reconciler, invocation, &event).await;
        let answer = report.and_then(|report| answer(&report, &event));
        answer.inspect_err(|_| failure::warn_of_lost_letter(&event))
    }
}

/// Handles the body of an invocation and returns the report.
///
/// # Errors
/// The body is not an event, or there are targets but no credentials.
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

/// Returns the job of this invocation, in the run with this id.
///
/// # Errors
/// The invocation has no credentials.
pub fn job(invocation: Invocation, location: Location, run: String) -> Result<Job, Failure> {
    Ok(Job {
        run,
        credentials: invocation.credentials()?.clone(),
        stop_at: Some(invocation.soft_deadline()),
        account: location.account,
        request_id: invocation.request_id,
    })
}

/// Turns the report into the answer to `request`.
///
/// # Errors
/// Something in the report was not done. The invocation then fails, so that it is retried. The failure holds as much of
/// the report as fits into a dead letter beside the request.
pub fn answer(report: &Report, request: &[u8]) -> Result<Output, Failure> {
    match report.incomplete() {
        None => Output::json(report),
        Some(incomplete) => Err(failure::build(&incomplete, report, request)),
    }
}
