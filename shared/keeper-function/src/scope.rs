//! From what woke the function to what it looks at.

use events::{Event, Woken};
use flow_log::Policy;
use reconcile::{Item, Keeper, Target, What};

use crate::{Home, KeepsFlowLogs};

/// What an event makes a function look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// These, where the event happened.
    At(Vec<What>),
    /// Every region of every account that the policy names.
    Everywhere,
    /// Nothing, for this reason.
    Nowhere(&'static str),
}

/// What else a function may go by.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// What the function is called where it is deployed.
    pub function_name: Option<&'a str>,
}

/// What is to be looked at, and what there is to say of the other events.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) targets: Vec<Target>,
    pub(crate) items: Vec<Item>,
}

pub(crate) fn scope<F: KeepsFlowLogs>(
    woken: Vec<Woken>,
    home: &Home,
    keeper: &Keeper,
    function_name: Option<&str>,
) -> Scope {
    let circumstances = Circumstances { policy: keeper.policy(), function_name };
    let mut scope = Scope::default();
    for Woken { time, account, region, event, .. } in woken {
        let account = account.or_else(|| home.account.clone());
        let region = region.or_else(|| home.region.clone());
        let item = |item: Item| item.at(account.as_ref(), region.as_ref());
        let look = match event {
            Event::NotForUs(reason) => {
                scope.items.push(item(Item::skipped_event(reason)));
                continue;
            }
            Event::Broken(reason) => {
                scope.items.push(item(Item::broken_event(reason)));
                continue;
            }
            event => F::look(event, &circumstances),
        };
        match look {
            Look::Nowhere(reason) => scope.items.push(item(Item::skipped_event(reason))),
            Look::Everywhere => match keeper.everywhere(home.account.as_ref(), home.region.as_ref()) {
                Ok(targets) => scope.targets.extend(targets),
                Err(nowhere) => scope.items.push(item(Item::broken_event(nowhere.to_string()))),
            },
            Look::At(found) => match (&account, &region) {
                (Some(account), Some(region)) => scope.targets.extend(found.into_iter().map(|what| Target {
                    account: account.clone(),
                    region: region.clone(),
                    what,
                    since: time,
                })),
                _ => scope
                    .items
                    .push(Item::broken_event("neither the event nor the function says in which account and region")),
            },
        }
    }
    scope
}
