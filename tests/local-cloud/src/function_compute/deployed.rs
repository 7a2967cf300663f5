//! What is deployed: the functions of all stacks, and what wakes them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::host::Host;
use crate::{ros::trigger::Trigger, world::state::Place};

/// The functions and triggers of all stacks, in the order in which the stacks were deployed.
#[derive(Default)]
pub(crate) struct Deployed(Mutex<Arc<Stacks>>);

/// The functions and triggers at one time.
#[derive(Clone, Default)]
pub(crate) struct Stacks {
    pub(crate) hosts: Vec<Arc<Host>>,
    pub(crate) triggers: Vec<Trigger>,
}

impl Deployed {
    /// Returns what is deployed now.
    pub(crate) fn now(&self) -> Arc<Stacks> {
        Arc::clone(&self.lock())
    }

    /// Adds the functions and triggers of a stack.
    pub(crate) fn add(&self, hosts: Vec<Host>, triggers: Vec<Trigger>) {
        let mut deployed = self.lock();
        let stacks = Arc::make_mut(&mut deployed);
        stacks.hosts.extend(hosts.into_iter().map(Arc::new));
        stacks.triggers.extend(triggers);
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Stacks>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stacks {
    /// Returns the function with this name in an account and region.
    pub(crate) fn function(&self, place: &Place, name: &str) -> Option<&Arc<Host>> {
        self.hosts.iter().find(|host| host.function.place == *place && host.function.name == name)
    }

    /// Returns the function that a trigger invokes.
    pub(crate) fn woken_by(&self, trigger: &Trigger) -> Option<&Arc<Host>> {
        self.function(&trigger.place, &trigger.function)
    }

    /// Returns the function with this name or binary, of the stack that was deployed first if there are several. In a
    /// region, if one is given.
    pub(crate) fn named(&self, region: Option<&str>, name: &str) -> Option<&Arc<Host>> {
        let mut here =
            self.hosts.iter().filter(|host| region.is_none_or(|region| host.function.place.region == region));
        let by_binary = here.clone().find(|host| host.function.binary == name);
        here.find(|host| host.function.name == name).or(by_binary)
    }
}
