//! From what woke the function to what it looks at.

use events::{Event, Woken};
use fc_runtime::Invocation;
use flow_log::{AccountId, RegionId};
use reconcile::{Item, Target, What};

/// Where the function runs: where something is that does not say where it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Home {
    pub(crate) account: Option<AccountId>,
    pub(crate) region: Option<RegionId>,
}

impl Home {
    pub(crate) fn of(invocation: &Invocation) -> Self {
        Self {
            account: invocation.account_id.as_deref().and_then(|id| id.parse().ok()),
            region: invocation.region.as_deref().and_then(|id| id.parse().ok()),
        }
    }
}

/// What is to be looked at, and what there is to say of the other events.
pub(crate) fn scope(woken: Vec<Woken>, home: &Home) -> (Vec<Target>, Vec<Item>) {
    let mut targets = Vec::new();
    let mut items = Vec::new();
    for Woken { time, account, region, event, .. } in woken {
        let account = account.or_else(|| home.account.clone());
        let region = region.or_else(|| home.region.clone());
        let item = |item: Item| item.at(account.as_ref(), region.as_ref());
        let found = match event {
            Event::Created(id) => vec![What::Resource(id)],
            Event::Launched(ids) => ids.into_iter().map(What::Instance).collect(),
            Event::NotForUs(reason) => {
                items.push(item(Item::skipped_event(reason)));
                continue;
            }
            Event::Broken(reason) => {
                items.push(item(Item::broken_event(reason)));
                continue;
            }
            Event::Deleted(_) | Event::FlowLogTouched { .. } | Event::NonCompliant(_) | Event::Timer { .. } => {
                items.push(item(Item::skipped_event("nothing new has come into being")));
                continue;
            }
        };
        match (account, region) {
            (Some(account), Some(region)) => targets.extend(found.into_iter().map(|what| Target {
                account: account.clone(),
                region: region.clone(),
                what,
                since: time,
            })),
            _ => items.push(Item::broken_event("neither the event nor the function says in which account and region")),
        }
    }
    (targets, items)
}
