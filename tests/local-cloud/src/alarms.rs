//! Evaluates the alarms of the template over what the functions really did.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    cloud::LocalCloud,
    cloud_monitor,
    error::Error,
    ros::alarms::{Alert, Query},
    sls::{
        alert,
        lines::{self, Written},
        query::{self, Table},
        records::{self, Span},
    },
    world::{
        clock::before,
        journal::{Entry, EntryKind},
        shared::{Shared, World},
    },
};

/// An alarm that fires.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alarm {
    /// Its name in the template.
    pub name: String,
    /// The severity of an alert of Log Service, from 2 to 10, or the level of a rule of CloudMonitor.
    pub severity: String,
    /// The rows for which an alert fires, or the resource of a rule.
    pub rows: Rows,
}

/// The rows of an answer.
type Rows = Vec<Map<String, Value>>;

impl LocalCloud {
    /// Returns the names of the template's alarms.
    pub fn alarm_names(&self) -> BTreeSet<String> {
        self.shared.read(|world| {
            let alerts = world.alarms.alerts.iter().map(|alert| alert.name.clone());
            alerts.chain(world.alarms.rules.iter().map(|rule| rule.name.clone())).collect()
        })
    }

    /// Returns the alarms that fire now: alerts of Log Service over the lines that the functions wrote, and rules of
    /// CloudMonitor over the metrics that are published here.
    ///
    /// An alert looks at lines that are older than now, so a manual clock has to be moved first. One that has to be reached
    /// several times in a row is asked as of those times.
    ///
    /// # Errors
    /// A query, a condition or a rule is not understood here, or names a field without an index.
    pub fn alarms(&self) -> Result<Vec<Alarm>, Error> {
        firing(&self.shared)
    }

    /// Returns the answer of each chart of the template's dashboards, by its title.
    ///
    /// # Errors
    /// A query is not understood here.
    pub fn charts(&self) -> Result<Vec<(String, Rows)>, Error> {
        self.answers(|world| &world.alarms.charts)
    }

    /// Returns the lines that each saved search of the template finds, by its name.
    ///
    /// # Errors
    /// A query is not understood here.
    pub fn saved_searches(&self) -> Result<Vec<(String, Rows)>, Error> {
        self.answers(|world| &world.alarms.searches)
    }

    /// Answers a query over all lines that the functions wrote so far.
    ///
    /// # Errors
    /// The query is not understood here, or the functions write to no Logstore.
    pub fn query_lines(&self, query: &str) -> Result<Rows, Error> {
        let deployed = self.shared.deployed.now();
        let log_store = deployed.hosts.iter().find_map(|host| host.function.log_store.clone()).unwrap_or_default();
        let query = Query { name: query.to_owned(), log_store, text: query.to_owned(), start: None };
        let now = self.shared.clock.now();
        self.shared.read(|world| Ok(answer(&self.shared, world, &query, now)?.to_json()))
    }

    /// Answers a query over all records of a Logstore that others write to, such as VPC. All values are texts.
    ///
    /// # Errors
    /// There is no such Logstore, or the query is not understood here.
    pub fn query_records(&self, project: &str, log_store: &str, query: &str) -> Result<Rows, Error> {
        let wrong = |problem: String| Error::Alarm { name: query.to_owned(), problem };
        self.shared.read(|world| {
            let found = world.state.log_service.projects.get(project);
            let found = found.and_then(|found| found.log_stores.get(log_store));
            let found = found.ok_or_else(|| wrong(format!("there is no {project}/{log_store}")))?;
            records::rows(found, Span { from: i64::MIN, to: i64::MAX }, query).map_err(wrong)
        })
    }

    fn answers(&self, of: impl FnOnce(&World) -> &Vec<Query>) -> Result<Vec<(String, Rows)>, Error> {
        let now = self.shared.clock.now();
        self.shared.read(|world| {
            let answer = |query: &Query| Ok((query.name.clone(), answer(&self.shared, world, query, now)?.to_json()));
            of(world).iter().map(answer).collect()
        })
    }
}

/// Returns the alarms that fire now.
pub(crate) fn firing(shared: &Shared) -> Result<Vec<Alarm>, Error> {
    let now = shared.clock.now();
    shared.read(|world| {
        let mut firing = Vec::new();
        for alert in &world.alarms.alerts {
            if let Some((severity, rows)) = reached(shared, world, alert, now)? {
                let (name, severity) = (alert.name.clone(), severity.to_string());
                firing.push(Alarm { name, severity, rows: rows.to_json() });
            }
        }
        for rule in &world.alarms.rules {
            let wrong = |problem| Error::Alarm { name: rule.name.clone(), problem };
            let level = cloud_monitor::evaluate(rule, &shared.home(), &world.journal, now).map_err(wrong)?;
            if let Some((severity, resource)) = level {
                let row = Map::from_iter([("resource".to_owned(), Value::String(resource))]);
                firing.push(Alarm { name: rule.name.clone(), severity, rows: vec![row] });
            }
        }
        Ok(firing)
    })
}

/// Returns the severity that an alert has now, and its rows: the latest, if it has reached one each of the last times.
fn reached(shared: &Shared, world: &World, alert: &Alert, now: Timestamp) -> Result<Option<(u64, Table)>, Error> {
    let wrong = |problem| Error::Alarm { name: alert.name.clone(), problem };
    let span = alert.query.start.as_deref().map(alert::look_back).transpose().map_err(wrong)?;
    if span.is_none_or(|span| span > alert::MAX_SPAN) {
        return Err(wrong(format!("looks back further than {:?}, which Log Service refuses", alert::MAX_SPAN)));
    }
    let interval = alert::interval(&alert.interval).map_err(wrong)?;
    let mut at = now;
    let mut latest = None;
    for nth in 0..alert.threshold {
        // An alert does not ask before it was made.
        if nth > 0 && at < world.began {
            return Ok(None);
        }
        let answer = answer(shared, world, &alert.query, at)?;
        let Some(found) = alert::evaluate(&alert.severities, &answer).map_err(wrong)? else { return Ok(None) };
        latest.get_or_insert(found);
        at = before(at, interval);
    }
    Ok(latest)
}

/// Answers a query over the records of the functions whose log goes to its Logstore.
fn answer(shared: &Shared, world: &World, of: &Query, now: Timestamp) -> Result<Table, Error> {
    let wrong = |problem: String| Error::Alarm { name: of.name.clone(), problem };
    let stores = world.state.log_service.projects.values().flat_map(|project| {
        let place = &project.place;
        project.log_stores.values().map(move |store| {
            (
                format!("acs:log:{}:{}:project/{}/logstore/{}", place.region, place.account, project.name, store.name),
                store,
            )
        })
    });
    let mut stores = stores.filter(|(arn, _)| *arn == of.log_store);
    let Some((_, store)) = stores.next() else { return Err(wrong(format!("there is no {}", of.log_store))) };
    let index = store.index.as_ref().ok_or_else(|| wrong("the Logstore has no index".to_owned()))?;
    let deployed = shared.deployed.now();
    let writes_there = |function: &str, of_requests: bool| {
        let mut named = deployed.hosts.iter().map(|host| &host.function).filter(|it| it.name == function);
        named.any(|it| it.log_store.as_ref() == Some(&of.log_store) && (it.request_metrics || !of_requests))
    };
    let since = match &of.start {
        Some(start) => before(now, alert::look_back(start).map_err(wrong)?),
        None => Timestamp::MIN,
    };
    let in_time = world.journal.iter().filter(|entry| since <= entry.at && entry.at < now);
    let written = in_time.filter_map(|Entry { at, what }| match what {
        EntryKind::Line { function, text } => {
            writes_there(function, false).then_some((*at, Written::Line { function, text }))
        }
        EntryKind::Invocation(it) => writes_there(&it.function, true).then_some((*at, Written::Request(it))),
        _ => None,
    });
    let records = lines::records(index, written).map_err(wrong)?;
    query::run(&of.text, &records).map_err(wrong)
}
