//! Routes events to the targets of an invocation.

use events::{Event, EventKind};
use reconcile::{Item, Reconciler, Target};

use crate::{Context, FlowLogFunction, Location, Scope};

/// The targets of an invocation, and the results of events without a target.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    pub(crate) targets: Vec<Target>,
    pub(crate) items: Vec<Item>,
}

/// Routes every event. An event without a target does not stop the others.
pub(crate) fn route_all<F: FlowLogFunction>(
    events: Vec<Event>,
    location: &Location,
    reconciler: &Reconciler,
    function_name: Option<&str>,
) -> Routes {
    let context = Context { policy: reconciler.policy(), function_name, account: location.account.as_ref() };
    let mut routes = Routes::default();
    for event in events {
        match route::<F>(event, location, reconciler, &context) {
            Ok(targets) => routes.targets.extend(targets),
            Err(item) => routes.items.push(*item),
        }
    }
    routes
}

/// Returns the targets of one event.
///
/// # Errors
/// Returns the result of an event without a target.
fn route<F: FlowLogFunction>(
    event: Event,
    location: &Location,
    reconciler: &Reconciler,
    context: &Context<'_>,
) -> Result<Vec<Target>, Box<Item>> {
    let account = event.account.or_else(|| location.account.clone());
    let region = event.region.or_else(|| location.region.clone());
    let nowhere = |item: Item| Err(Box::new(item.at(account.as_ref(), region.as_ref())));
    let scope = match event.event {
        EventKind::Ignored(reason) => return nowhere(Item::skipped_event(reason)),
        EventKind::Malformed(reason) => return nowhere(Item::broken_event(reason)),
        kind => F::scope(kind, context),
    };
    let kinds = match scope {
        Scope::Skip(reason) => return nowhere(Item::skipped_event(reason)),
        Scope::AllRegions => {
            let all = reconciler.all_regions(location.account.as_ref(), location.region.as_ref());
            return all.or_else(|unknown| nowhere(Item::broken_event(unknown.to_string())));
        }
        Scope::Targets(kinds) => kinds,
    };
    let (Some(account), Some(region)) = (&account, &region) else {
        let reason = "neither the event nor the function says in which account and region";
        return Err(Box::new(Item::broken_event(reason)));
    };
    let target = |kind| Target { account: account.clone(), region: region.clone(), kind, since: event.time };
    Ok(kinds.into_iter().map(target).collect())
}
