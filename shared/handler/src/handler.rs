//! From the body of an invocation to its answer.

use std::{marker::PhantomData, sync::Arc};

use bytes::Bytes;
use events::Collect;
use fc_runtime::{Failure, Function, InvalidSettings, Invocation, Output, Settings};
use futures_util::FutureExt as _;
use reconcile::{CallCounter, Item, Job, OsRng, Reconciler, ReconcilerSettings, ReportBuilder, SystemClock, Work};

use crate::{
    FlowLogFunction, InvocationKind, Location, Measurement, SETTINGS_PREFIX,
    answer::{Ended, answered},
    fan_out, is_function, reject_unknown,
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
        let new = if F::SWEEPS { Reconciler::new } else { Reconciler::without_sweeps };
        let reconciler = new(F::CAPABILITIES, reconciler_settings, Arc::new(SystemClock), Arc::new(OsRng));
        Ok(Self { reconciler, function: PhantomData })
    }

    async fn handle(&self, invocation: Invocation, event: Bytes) -> Result<Output, Failure> {
        let measurement = Measurement::begin(&invocation);
        let ended = respond::<F>(&self.reconciler, invocation, &event, measurement.calls()).await;
        answered(&measurement, ended, self.reconciler.now(), &event)
    }
}

/// How an invocation begins.
#[derive(Debug)]
pub enum Begun {
    /// There is nothing to do: its events lead nowhere. The report says why.
    Ended(Box<Ended>),
    /// There is something to do.
    Busy(Box<Busy>),
}

/// What an invocation has to do.
#[derive(Debug)]
pub struct Busy {
    /// What its parts share.
    pub job: Job,
    /// What it is for.
    pub kind: InvocationKind,
    /// The work that is done in place.
    pub work: Vec<Work>,
    /// The step of a sweep of several accounts, if it is one that sweeps nothing itself.
    pub step: Option<FanOut>,
    /// The results of events that lead to no work.
    pub items: Vec<Item>,
}

/// A step of a sweep of several accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FanOut {
    /// Submit a shard for each account, as invocations of this function.
    Coordinate(String),
    /// Count how the shards ended; `None` if the name of the function is not known.
    Collect(Option<String>, Collect),
}

/// Parses and routes the body of an invocation. `calls` counts its calls.
///
/// # Errors
/// The body is not an event, or there is work but no credentials.
pub fn begin<F: FlowLogFunction>(
    reconciler: &Reconciler,
    invocation: Invocation,
    event: &[u8],
    calls: CallCounter,
) -> Result<Begun, Failure> {
    let events = events::parse(event).map_err(|error| Failure::from_error("UnknownEvent", &error))?;
    let run = run::id(&events, &invocation.request_id);
    let location = Location::of(&invocation);
    let function = invocation.function_name.as_deref();
    let Routes { mut work, sweep, collect, items } = routing::route_all::<F>(events, &location, reconciler, function);
    // A sweep of one account is done here.
    let is_split = || fan_out::applies(reconciler.policy(), &location, function);
    let is_used = collect.is_some() || (sweep.is_some() && is_split());
    let function = function.filter(|_| is_used).map(str::to_owned);
    let run = match &sweep {
        Some(sweep) if function.is_some() => fan_out::run_id(sweep.at, &invocation.request_id),
        _ => run,
    };
    fc_runtime::record_run(&run);
    let kind = match (&collect, &sweep) {
        (Some(_), _) => InvocationKind::Collect,
        (None, Some(_)) if function.is_some() => InvocationKind::Coordinator,
        (None, Some(_)) => InvocationKind::Sweep,
        (None, None) => InvocationKind::of(&work),
    };
    if work.is_empty() && sweep.is_none() && collect.is_none() {
        let report = reconciler.report(run, invocation.request_id, items);
        return Ok(Begun::Ended(Box::new(Ended { kind, report })));
    }
    let job = job(invocation, location, run, calls)?;
    let step = match (collect, sweep, function) {
        (Some(collect), _, function) => Some(FanOut::Collect(function, collect)),
        (None, Some(_), Some(function)) => Some(FanOut::Coordinate(function)),
        (None, Some(sweep), None) => {
            work.push(Work::AllAccounts { at: sweep.at });
            None
        }
        (None, None, _) => None,
    };
    Ok(Begun::Busy(Box::new(Busy { job, kind, work, step, items })))
}

/// Handles the body of an invocation. `calls` counts its calls.
///
/// # Errors
/// The body is not an event, or there is work but no credentials.
pub async fn respond<F: FlowLogFunction>(
    reconciler: &Reconciler,
    invocation: Invocation,
    event: &[u8],
    calls: CallCounter,
) -> Result<Ended, Failure> {
    let Busy { job, kind, work, step, items } = match begin::<F>(reconciler, invocation, event, calls)? {
        Begun::Ended(ended) => return Ok(*ended),
        Begun::Busy(busy) => *busy,
    };
    // Routing gives a step only to functions that sweep. Boxed, so that the others do not contain the code of steps.
    let step = if F::SWEEPS { take(reconciler, &job, step).boxed().await } else { None };
    let mut results = ReportBuilder::from(items);
    let shards = step.and_then(|step| {
        results.extend(step.results);
        step.shards
    });
    let mut report = reconciler.reconcile(job, work, results).await;
    report.shards = shards;
    Ok(Ended { kind, report })
}

/// Takes the step of a sweep of several accounts.
async fn take(reconciler: &Reconciler, job: &Job, step: Option<FanOut>) -> Option<fan_out::Step> {
    Some(match step? {
        FanOut::Collect(Some(function), collect) => fan_out::collect(reconciler, job, &function, collect).await,
        FanOut::Collect(None, _) => fan_out::nameless().into(),
        FanOut::Coordinate(function) => {
            let accounts = reconciler.accounts(job).await;
            fan_out::coordinate(reconciler, job, &function, accounts, reconciler.has_task_mode()).await
        }
    })
}

/// Returns the job of this invocation, in the run with this id. `calls` counts its calls.
///
/// # Errors
/// The invocation has no credentials.
pub fn job(invocation: Invocation, location: Location, run: String, calls: CallCounter) -> Result<Job, Failure> {
    Ok(Job {
        run,
        credentials: invocation.credentials()?.clone(),
        stop_at: Some(invocation.soft_deadline()),
        account: location.account,
        region: location.region,
        request_id: invocation.request_id,
        calls,
    })
}

#[cfg(test)]
mod tests {
    use reconcile::{Capabilities, Outcome, Selection};

    use super::*;
    use crate::{Context, EventKind, Scope};

    struct Confused;

    impl FlowLogFunction for Confused {
        const CAPABILITIES: Capabilities =
            Capabilities { function: "create-flow-log", selects: Selection::Resources, actions: &[], repairs: false };

        const SWEEPS: bool = false;

        fn scope(_: EventKind, _: &Context<'_>) -> Scope {
            Scope::AllRegions
        }
    }

    #[test]
    fn a_function_without_sweeps_fails_an_event_that_would_make_it_sweep() {
        let settings = Settings::from_pairs([("FLOWKEEPER_POLICY", "flow_log: {project: flowlog, log_store: vpc}")]);
        let handler = Handler::<Confused>::from_settings(&settings).unwrap();
        let timer = br#"{"triggerTime":"2026-11-20T10:00:00Z","triggerName":"timer","payload":""}"#;
        let mut invocation = Invocation::new("1-request", "2026-11-20T10:00:00Z".parse().unwrap());
        invocation.account_id = Some("1000000000000001".to_owned());
        invocation.region = Some("cn-hangzhou".to_owned());
        let begun = begin::<Confused>(&handler.reconciler, invocation, timer, CallCounter::default()).unwrap();
        let Begun::Ended(ended) = begun else { panic!("{begun:?}") };
        let report = ended.report;
        assert_eq!(report.results[0].outcome, Outcome::Failed, "{report:?}");
        assert!(report.incomplete().is_some(), "{report:?}");
    }
}
