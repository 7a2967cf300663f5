//! Routes events to the work of an invocation.

use events::{Collect, Event, EventKind};
use jiff::Timestamp;
use reconcile::{AccountSweep, Item, Reconciler, Target, Work};

use crate::{Context, FlowLogFunction, Location, Scope, fan_out::run_time};

/// The work of an invocation, and the results of events that lead to none.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    pub(crate) work: Vec<Work>,
    /// The sweep of every account in the policy, if a timer asks for it.
    pub(crate) sweep: Option<Sweep>,
    /// The step that counts how the shards of a run ended.
    pub(crate) collect: Option<Collect>,
    pub(crate) items: Vec<Item>,
}

/// A sweep of every account in the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sweep {
    /// When the timer fired, if that is known.
    pub(crate) at: Option<Timestamp>,
}

/// Where one event leads.
enum Route {
    Work(Vec<Work>),
    Sweep(Sweep),
    Collect(Collect),
}

/// Routes every event. An event that leads to no work does not stop the others.
pub(crate) fn route_all<F: FlowLogFunction>(
    events: Vec<Event>,
    location: &Location,
    reconciler: &Reconciler,
    function_name: Option<&str>,
) -> Routes {
    let context = Context { policy: reconciler.policy(), function_name, account: location.account.as_ref() };
    let router = Router { location, reconciler, context, is_alone: events.len() == 1 };
    // Most invocations have one event, and its result is large.
    let mut routes = Routes { items: Vec::with_capacity(1), ..Routes::default() };
    for event in events {
        match router.route::<F>(event) {
            Ok(Route::Work(work)) => routes.work.extend(work),
            Ok(Route::Sweep(sweep)) => _ = routes.sweep.get_or_insert(sweep),
            Ok(Route::Collect(collect)) => routes.collect = Some(collect),
            Err(item) => routes.items.push(*item),
        }
    }
    routes
}

struct Router<'a> {
    location: &'a Location,
    reconciler: &'a Reconciler,
    context: Context<'a>,
    /// Whether the invocation has one event.
    is_alone: bool,
}

impl Router<'_> {
    /// Returns where one event leads.
    ///
    /// # Errors
    /// Returns the result of an event that leads to no work.
    fn route<F: FlowLogFunction>(&self, event: Event) -> Result<Route, Box<Item>> {
        let location = self.location;
        let account = event.account.or_else(|| location.account.clone());
        let region = event.region.or_else(|| location.region.clone());
        let nowhere = |item: Item| Err(Box::new(item.at(account.as_ref(), region.as_ref())));
        let event_kind = match event.event {
            EventKind::Ignored(reason) => return nowhere(Item::skipped_event(reason)),
            EventKind::Malformed(reason) => return nowhere(Item::broken_event(reason)),
            EventKind::Shard(_) | EventKind::Collect(_) if !self.is_alone => {
                return nowhere(Item::broken_event("a step of a sweep comes alone, and not with other events"));
            }
            event_kind => event_kind,
        };
        // The steps of a sweep are parts of what a timer asks for.
        let step = match &event_kind {
            EventKind::Shard(shard) => {
                let sweep = AccountSweep {
                    account: shard.account.clone(),
                    regions: shard.regions.clone(),
                    at: run_time(&shard.run),
                };
                Some(Route::Work(vec![Work::Account(sweep)]))
            }
            EventKind::Collect(collect) => Some(Route::Collect(collect.clone())),
            _ => None,
        };
        let timer = || EventKind::Timer { name: String::new(), payload: None };
        let scope = F::scope(if step.is_some() { timer() } else { event_kind }, &self.context);
        let kinds = match (scope, step) {
            (Scope::Skip(reason), _) => return nowhere(Item::skipped_event(reason)),
            (Scope::AllRegions, _) if !F::SWEEPS => return nowhere(Item::broken_event("this function sweeps nothing")),
            (Scope::AllRegions, Some(step)) => return Ok(step),
            (Scope::AllRegions, None) => {
                let known = self.reconciler.check_location(location.account.as_ref(), location.region.as_ref());
                return match known {
                    Ok(()) => Ok(Route::Sweep(Sweep { at: event.time })),
                    Err(unknown) => nowhere(Item::broken_event(unknown.to_string())),
                };
            }
            (Scope::Targets(kinds), _) => kinds,
        };
        let (Some(account), Some(region)) = (&account, &region) else {
            let reason = "neither the event nor the function says in which account and region";
            return Err(Box::new(Item::broken_event(reason)));
        };
        let since = event.time;
        let target = |kind| Target { account: account.clone(), region: region.clone(), kind, since }.into();
        Ok(Route::Work(kinds.into_iter().map(target).collect()))
    }
}
