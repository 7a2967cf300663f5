//! The state that the server, the functions and the `LocalCloud` handle share, behind one lock.

use std::{
    collections::BTreeMap,
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    api::{authenticate::Nonces, authorize::Roles, faults::Faults, rate_limits::RateLimits},
    error::Error,
    eventbridge::{bus::EventBus, delivery, routing::Routing},
    function_compute::{buckets::Buckets, deployed::Deployed, host::Host, layer::Unpacked, tasks::Tasks},
    mns::Messages,
    options::Options,
    ram::accounts::{Accounts, Keys, OWN_ACCOUNT},
    ros::{alarms::Alarms, function::Absent, trigger::Trigger},
    sls::state::LogService,
    world::{
        clock::Clock,
        constraints::Constraints,
        journal::{Entry, EntryKind},
        state::{Place, State},
    },
};

/// Everything that calls read and change.
pub(crate) struct World {
    pub(crate) state: State,
    /// The state before the last write, kept only if a stale read may have to show it.
    pub(crate) before: Option<State>,
    pub(crate) keys: Keys,
    pub(crate) nonces: Nonces,
    pub(crate) faults: Faults,
    pub(crate) rates: RateLimits,
    pub(crate) journal: Vec<Entry>,
    /// When this cloud, and with it the stack of the functions, came to be.
    pub(crate) began: Timestamp,
    /// What happened to the messages of queues.
    pub(crate) messages: Messages,
    /// The alarms of the functions' template.
    pub(crate) alarms: Alarms,
    /// The custom buses, rules and queues.
    pub(crate) routing: Routing,
    /// Events that are held back until the next one is published, with their buses.
    held_back: Vec<(EventBus, Value)>,
    requests: u64,
    /// When the next timer is due.
    pub(crate) next_timer: Option<Timestamp>,
    /// The asynchronous tasks of functions in task mode.
    pub(crate) tasks: Tasks,
    /// When the delays of asynchronous invocations are over, each by a number of its own.
    pub(crate) delayed: BTreeMap<u64, Timestamp>,
    /// Deliveries, retries and transitions in progress.
    outstanding: usize,
}

impl World {
    /// Returns whether no delivery, retry or transition is in progress, and no timer or delayed invocation is due at
    /// this time.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        self.outstanding == 0 && self.next_timer.iter().chain(self.delayed.values()).all(|due| *due > now)
    }
}

/// What the server, the functions and the `LocalCloud` handle share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) address: SocketAddr,
    /// The functions and triggers.
    pub(crate) deployed: Deployed,
    /// The functions that the first stack has not, with its parameters.
    pub(crate) absent: Vec<Absent>,
    pub(crate) roles: Roles,
    pub(crate) layer: Option<Unpacked>,
    pub(crate) buckets: Buckets,
    world: Mutex<World>,
    changed: watch::Sender<()>,
    /// Is sent to when the delays of asynchronous invocations end before their time.
    pub(crate) delays_end: watch::Sender<()>,
    tasks: Mutex<JoinSet<()>>,
    me: Weak<Self>,
}

impl Shared {
    /// Returns an empty world, in which nothing is deployed.
    pub(crate) fn new(
        options: Options,
        address: SocketAddr,
        absent: Vec<Absent>,
        roles: Roles,
        layer: Option<Unpacked>,
        buckets: Buckets,
    ) -> Arc<Self> {
        let accounts = Accounts::new(options.accounts);
        let mut state = State::new(
            options.flow_log_service,
            Constraints::new(options.flow_logs_see_after),
            LogService::new(options.destinations_seen_after),
        );
        state.directory = options.directory.clone().map(|directory| directory.joined_by(accounts));
        let world = World {
            state,
            before: None,
            keys: Keys::new(accounts),
            nonces: Nonces::default(),
            faults: Faults::default(),
            rates: RateLimits::default(),
            messages: Messages::default(),
            alarms: Alarms::default(),
            routing: Routing::default(),
            held_back: Vec::new(),
            journal: Vec::new(),
            began: options.clock.now(),
            requests: 0,
            next_timer: None,
            tasks: Tasks::default(),
            delayed: BTreeMap::new(),
            outstanding: 0,
        };
        Arc::new_cyclic(|me| Self {
            clock: options.clock.clone(),
            options,
            address,
            deployed: Deployed::default(),
            absent,
            roles,
            layer,
            buckets,
            world: Mutex::new(world),
            changed: watch::Sender::new(()),
            delays_end: watch::Sender::new(()),
            tasks: Mutex::default(),
            me: Weak::clone(me),
        })
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&lock(&self.world))
    }

    /// Changes the world and notifies everyone who waits for a change.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut lock(&self.world));
        self.changed.send_replace(());
        result
    }

    pub(crate) fn record(&self, what: EntryKind) {
        let at = self.clock.now();
        self.write(|world| world.journal.push(Entry { at, what }));
    }

    /// Returns the next number for a request id.
    pub(crate) fn next_number(&self) -> u64 {
        let mut world = lock(&self.world);
        world.requests += 1;
        world.requests
    }

    /// Adds the functions of a stack, and those of its triggers that may fire.
    pub(crate) fn deploy(&self, hosts: Vec<Host>, mut triggers: Vec<Trigger>) {
        if let Some(function) = &self.options.triggers_of {
            triggers.retain(|trigger| trigger.function == *function);
        }
        self.deployed.add(hosts, triggers);
    }

    /// Returns the error for a function that the template would create only with other parameters.
    pub(crate) fn not_made(&self, function: &str) -> Option<Error> {
        Absent::among(&self.absent, function).map(Error::from)
    }

    /// Spawns work that [`crate::LocalCloud::settled`] waits for.
    pub(crate) fn spawn<F: Future<Output = ()> + Send + 'static>(&self, work: impl FnOnce(Arc<Self>) -> F) {
        let Some(me) = self.me.upgrade() else { return };
        self.write(|world| world.outstanding += 1);
        let work = work(Arc::clone(&me));
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            work.await;
            me.write(|world| world.outstanding -= 1);
        });
    }

    /// Spawns background work that nobody waits for. It gets a weak reference, so it does not keep the cloud alive.
    pub(crate) fn spawn_background<F: Future<Output = ()> + Send + 'static>(&self, work: impl FnOnce(Weak<Self>) -> F) {
        lock(&self.tasks).spawn(work(Weak::clone(&self.me)));
    }

    /// Returns a receiver that is notified of every change of the world.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Aborts all spawned work.
    pub(crate) fn abort(&self) {
        lock(&self.tasks).abort_all();
    }

    /// Returns the bus that the triggers of the first stack listen to.
    pub(crate) fn home_bus(&self) -> EventBus {
        EventBus::default_of(&self.home())
    }

    /// Returns the account and region of the first stack.
    pub(crate) fn home(&self) -> Place {
        Place { account: OWN_ACCOUNT.to_owned(), region: self.options.region.clone() }
    }

    /// Publishes an event on a bus, followed by the events that were held back.
    pub(crate) fn publish(&self, bus: &EventBus, event: &Value) {
        let waited = self.write(|world| std::mem::take(&mut world.held_back));
        self.publish_one(bus, event);
        for (its_bus, held_back) in &waited {
            self.publish_one(its_bus, held_back);
        }
    }

    fn publish_one(&self, bus: &EventBus, event: &Value) {
        let is_home = *bus == self.home_bus();
        self.record(EntryKind::Event { bus: bus.clone(), is_home, event: event.clone() });
        delivery::deliver(self, bus, event);
    }

    /// Clears all pending faults and corrects the clock.
    pub(crate) fn heal(&self) {
        self.clock.set_ahead(Duration::ZERO);
        self.write(|world| world.faults.clear());
    }

    /// Holds an event back until the next one is published.
    pub(crate) fn hold_back(&self, bus: EventBus, event: Value) {
        self.write(|world| world.held_back.push((bus, event)));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
