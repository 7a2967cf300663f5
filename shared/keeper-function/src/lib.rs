//! What the functions that keep flow logs have in common: from what woke them to what they answer.
//!
//! A function is a [`KeepsFlowLogs`]: its [`Duty`], and what an event makes it look at. [`KeeperFunction`] makes of it
//! what Function Compute invokes.

mod home;
mod scope;

use std::{marker::PhantomData, sync::Arc};

use bytes::Bytes;
use fc_runtime::{Answer, Failure, Function, InvalidSettings, Invocation, Settings};
use reconcile::{Job, Keeper, KeeperSettings, Machine, Report};

pub use events::{Event, FlowLogCall};
pub use home::Home;
pub use reconcile::{Duty, LooksAt, What};
pub use scope::{Circumstances, Look};

/// A function that keeps flow logs.
pub trait KeepsFlowLogs: Send + Sync + 'static {
    /// What it looks at and may change.
    const DUTY: Duty;

    /// What `event` makes it look at. Events that are broken, or no business of Flowkeeper's, do not come here.
    fn look(event: Event, circumstances: &Circumstances<'_>) -> Look;
}

/// The function, as Function Compute invokes it.
#[derive(Debug)]
pub struct KeeperFunction<F> {
    keeper: Keeper,
    function: PhantomData<fn() -> F>,
}

impl<F: KeepsFlowLogs> Function for KeeperFunction<F> {
    fn from_settings(settings: &Settings) -> Result<Self, InvalidSettings> {
        let setting = |name: &str| settings.get(name).map(str::to_owned);
        let mut invalid = InvalidSettings::default();
        invalid.note(settings.only_known(KeeperSettings::NAMES));
        let settings = invalid.note(KeeperSettings::read(&setting, &settings.beside_the_binary("policy.yml")));
        invalid.into_result()?;
        let keeper = settings.map(|settings| Keeper::new(F::DUTY, settings, Arc::new(Machine)));
        keeper.map(|keeper| Self { keeper, function: PhantomData }).ok_or_else(InvalidSettings::default)
    }

    async fn handle(&self, invocation: Invocation, event: Bytes) -> Result<Answer, Failure> {
        answer(&keep::<F>(&self.keeper, invocation, &event).await?)
    }
}

/// What the function does with the body that woke it.
///
/// # Errors
/// That is no event, or there is something to look at and no key to do so.
pub async fn keep<F: KeepsFlowLogs>(keeper: &Keeper, invocation: Invocation, event: &[u8]) -> Result<Report, Failure> {
    let woken = events::parse(event).map_err(|error| Failure::from_error("UnknownEvent", &error))?;
    let home = Home::of(&invocation);
    let function = invocation.function_name.as_deref();
    let scope = scope::scope::<F>(woken, &home, keeper, function);
    if scope.targets.is_empty() {
        return Ok(keeper.report(invocation.request_id, scope.items));
    }
    let job = job(invocation, home)?;
    Ok(keeper.keep(job, scope.targets, scope.items).await)
}

/// What the invocation has to work with.
///
/// # Errors
/// There is no key.
pub fn job(invocation: Invocation, home: Home) -> Result<Job, Failure> {
    Ok(Job {
        credentials: invocation.credentials()?.clone(),
        stop_at: Some(invocation.work_until()),
        account: home.account,
        request_id: invocation.request_id,
    })
}

/// The report as the answer.
///
/// # Errors
/// Something in it was not done: then the invocation fails, so that it is made again.
pub fn answer(report: &Report) -> Result<Answer, Failure> {
    match report.incomplete() {
        None => Answer::json(report),
        Some(why) => {
            Err(Failure::new(why.error_type, why.message).with_report(serde_json::to_value(report).unwrap_or_default()))
        }
    }
}
