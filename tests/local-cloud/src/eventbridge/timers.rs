//! Timers: fired on schedule, or at once on request.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use crate::{
    error::Error,
    eventbridge::delivery,
    ros::{
        schedule::Schedule,
        trigger::{Source, Trigger},
    },
    world::{clock::iso, journal::EntryKind, shared::Shared},
};

/// When each timer fires next.
pub(crate) struct Timetable(Vec<Entry>);

struct Entry {
    due: Timestamp,
    trigger: Trigger,
    schedule: Schedule,
}

impl Timetable {
    /// Collects the enabled timers, starting from now.
    pub(crate) fn new(triggers: &[Trigger], now: Timestamp) -> Self {
        let entries = triggers.iter().filter(|trigger| trigger.enabled).filter_map(|trigger| {
            let Source::Timer { schedule, .. } = &trigger.source else { return None };
            Some(Entry { due: schedule.next_after(now)?, trigger: trigger.clone(), schedule: schedule.clone() })
        });
        Self(entries.collect())
    }

    /// Returns when the next timer is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.0.iter().map(|entry| entry.due).min()
    }

    /// Takes the timer that is due first, and schedules its next time.
    fn take(&mut self) -> Option<(Trigger, Timestamp)> {
        let first = self.0.iter_mut().min_by_key(|entry| entry.due)?;
        let taken = (first.trigger.clone(), first.due);
        match first.schedule.next_after(first.due) {
            Some(due) => first.due = due,
            None => {
                let name = &taken.0.name;
                self.0.retain(|entry| entry.trigger.name != *name || entry.trigger.function != taken.0.function);
            }
        }
        Some(taken)
    }
}

/// Fires the timers when they are due, one after the other, while the cloud exists. If the clock jumps, every moment
/// that it skips fires.
pub(crate) fn start(shared: &Shared, mut timetable: Timetable) {
    let clock = shared.clock.clone();
    shared.write(|world| world.next_timer = timetable.next_due());
    shared.spawn_background(move |shared| async move {
        while let Some(next) = timetable.next_due() {
            clock.wait_until(next).await;
            let Some(shared) = shared.upgrade() else { return };
            if let Some((trigger, due)) = timetable.take() {
                fire(&shared, &trigger, due);
            }
            shared.write(|world| world.next_timer = timetable.next_due());
        }
    });
}

/// Fires a timer now, regardless of its schedule.
pub(crate) fn fire_now(shared: &Arc<Shared>, function: &str, name: &str) -> Result<(), Error> {
    let timers = timers(shared);
    let deployed = shared.deployed.now();
    let binary = |trigger: &Trigger| deployed.woken_by(trigger).map(|host| host.function.binary.clone());
    let is_meant = |trigger: &&Trigger| {
        trigger.name == name && (trigger.function == function || binary(trigger).as_deref() == Some(function))
    };
    match timers.iter().find(is_meant) {
        Some(trigger) => {
            fire(shared, trigger, shared.clock.unshifted());
            Ok(())
        }
        None => Err(shared.not_made(function).unwrap_or_else(|| {
            let known: Vec<_> = timers.iter().map(|timer| (timer.function.as_str(), timer.name.as_str())).collect();
            Error::no_timer(function, name, &known)
        })),
    }
}

/// Returns the triggers that are timers.
pub(crate) fn timers(shared: &Shared) -> Vec<Trigger> {
    let is_timer = |trigger: &&Trigger| matches!(trigger.source, Source::Timer { .. });
    shared.deployed.now().triggers.iter().filter(is_timer).cloned().collect()
}

fn fire(shared: &Shared, trigger: &Trigger, at: Timestamp) {
    let Source::Timer { payload, .. } = &trigger.source else { return };
    let event = json!({"triggerTime": iso(at), "triggerName": trigger.name, "payload": payload});
    shared.record(EntryKind::Timer {
        function: trigger.function.clone(),
        trigger: trigger.name.clone(),
        event: event.clone(),
    });
    if let Some(host) = shared.deployed.now().woken_by(trigger) {
        delivery::by_fc(shared, host, &event);
    }
}
