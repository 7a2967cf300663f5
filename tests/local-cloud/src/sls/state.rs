//! The projects and Logstores that exist.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::records::LogRecord;
use crate::{ros::log_store::LogStore as StackLogStore, world::state::Place};

/// How many days a Logstore keeps records that is made without a call.
const DEFAULT_RETENTION_DAYS: u64 = 30;

/// A project of Log Service.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct LogProject {
    pub name: String,
    pub place: Place,
    pub description: String,
    /// By name.
    pub log_stores: BTreeMap<String, LogStore>,
    pub created: Timestamp,
}

/// A Logstore.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct LogStore {
    pub name: String,
    /// `ttl`: how many days it keeps records.
    pub retention_days: u64,
    pub shards: u64,
    /// `autoSplit`.
    pub splits: bool,
    pub max_split_shards: u64,
    /// `appendMeta`.
    pub appends_meta: bool,
    /// `enable_tracking`.
    pub tracks: bool,
    /// `standard` or `query`.
    pub mode: String,
    /// `ChargeByFunction` or `ChargeByDataIngest`.
    pub metering_mode: String,
    /// What was written to it.
    #[serde(skip)]
    pub records: Vec<LogRecord>,
    /// As the API has it; `None` if it has none.
    pub index: Option<Value>,
    pub created: Timestamp,
    pub modified: Timestamp,
}

impl LogStore {
    pub(crate) fn new(name: &str, retention_days: u64, now: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            retention_days,
            shards: 2,
            splits: false,
            max_split_shards: 1,
            appends_meta: false,
            tracks: false,
            mode: "standard".to_owned(),
            metering_mode: "ChargeByFunction".to_owned(),
            records: Vec::new(),
            index: None,
            created: now,
            modified: now,
        }
    }
}

/// Every project, by name. Names are unique over all accounts and regions.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogService {
    pub(crate) projects: BTreeMap<String, LogProject>,
    /// How long a new project or Logstore is not seen, except by those who make the same again.
    seen_after: Duration,
    /// Until when the flow logs have recorded by themselves; `None` if they do not.
    pub(crate) recorded_until: Option<Timestamp>,
}

impl LogService {
    pub(crate) fn new(seen_after: Duration) -> Self {
        Self { seen_after, ..Self::default() }
    }

    fn is_seen(&self, created: Timestamp, now: Timestamp) -> bool {
        SignedDuration::try_from(self.seen_after).is_ok_and(|after| now.duration_since(created) >= after)
    }

    /// Returns a project that is in this region and can be seen.
    pub(crate) fn project(&self, name: &str, region: &str, now: Timestamp) -> Option<&LogProject> {
        let project = self.projects.get(name)?;
        (project.place.region == region && self.is_seen(project.created, now)).then_some(project)
    }

    /// Returns a Logstore of a project, if it can be seen.
    pub(crate) fn log_store<'p>(&self, project: &'p LogProject, name: &str, now: Timestamp) -> Option<&'p LogStore> {
        project.log_stores.get(name).filter(|log_store| self.is_seen(log_store.created, now))
    }

    /// Returns whether a flow log in this place can deliver to a Logstore.
    pub(crate) fn has(&self, place: &Place, project: &str, log_store: &str, now: Timestamp) -> bool {
        let project = self.project(project, &place.region, now).filter(|project| project.place == *place);
        project.is_some_and(|project| self.log_store(project, log_store, now).is_some())
    }

    /// Makes a project and a Logstore without a call, unless they exist.
    pub(crate) fn seed(&mut self, place: &Place, project: &str, log_store: LogStore) {
        let project = self.projects.entry(project.to_owned()).or_insert_with(|| LogProject {
            name: project.to_owned(),
            place: place.clone(),
            description: String::new(),
            log_stores: BTreeMap::new(),
            created: log_store.created,
        });
        if project.place == *place {
            project.log_stores.entry(log_store.name.clone()).or_insert(log_store);
        }
    }

    /// Makes a Logstore without a call, long enough ago to be seen.
    pub(crate) fn seed_log_store(&mut self, place: &Place, project: &str, log_store: &str, now: Timestamp) {
        let created = now.checked_sub(self.seen_after).unwrap_or(Timestamp::MIN);
        self.seed(place, project, LogStore::new(log_store, DEFAULT_RETENTION_DAYS, created));
    }

    /// Makes what a stack has, long enough ago to be seen.
    pub(crate) fn seed_stack(&mut self, place: &Place, log_stores: &[StackLogStore], now: Timestamp) {
        let created = now.checked_sub(self.seen_after).unwrap_or(Timestamp::MIN);
        for of_stack in log_stores {
            let StackLogStore { project, name, retention_days, shards, index } = of_stack;
            let made = LogStore::new(name, *retention_days, created);
            self.seed(place, project, LogStore { shards: *shards, index: index.clone(), ..made });
        }
    }

    /// Removes a project of this place without a call.
    pub(crate) fn remove_project(&mut self, place: &Place, project: &str) {
        self.projects.retain(|name, known| name != project || known.place != *place);
    }

    /// Removes a Logstore of this place without a call.
    pub(crate) fn remove_log_store(&mut self, place: &Place, project: &str, log_store: &str) {
        if let Some(project) = self.projects.get_mut(project).filter(|known| known.place == *place) {
            project.log_stores.remove(log_store);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_destination_is_of_one_place_and_seen_after_a_while() {
        let place = |account: &str, region: &str| Place { account: account.into(), region: region.into() };
        let mut service = LogService::new(Duration::from_secs(5));
        let home = place("1", "cn-hangzhou");
        service.seed(&home, "flowlog", LogStore::new("vpc", 30, at(0)));
        assert_eq!([4, 5].map(|second| service.has(&home, "flowlog", "vpc", at(second))), [false, true]);
        assert!(!service.has(&home, "flowlog", "other", at(5)));
        assert!(!service.has(&place("2", "cn-hangzhou"), "flowlog", "vpc", at(5)));
        assert!(!service.has(&place("1", "cn-beijing"), "flowlog", "vpc", at(5)));
        service.remove_project(&place("2", "cn-hangzhou"), "flowlog");
        assert!(service.has(&home, "flowlog", "vpc", at(5)));
        service.remove_log_store(&home, "flowlog", "vpc");
        assert!(!service.has(&home, "flowlog", "vpc", at(5)) && service.projects.contains_key("flowlog"));
        service.remove_project(&home, "flowlog");
        assert!(service.projects.is_empty());
    }
}
