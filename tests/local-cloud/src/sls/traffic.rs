//! The records that flow logs write by themselves. They are made when somebody asks for them: nothing runs in between.

use jiff::{Timestamp, ToSpan as _};

use super::records::LogRecord;
use crate::world::state::{FlowLog, NetworkInterface, State};

/// How far back they are made.
const MAX_HOURS: i64 = 48;
/// How many network interfaces of a flow log have traffic.
pub(crate) const MAX_WITH_TRAFFIC: usize = 3;

impl State {
    /// Writes what active flow logs have recorded since this was last done, one record in an interval for some of the
    /// network interfaces that are in use. It does nothing unless flow logs record by themselves.
    pub(crate) fn record_until(&mut self, now: Timestamp) {
        let Some(since) = self.log_service.recorded_until.filter(|since| *since < now) else { return };
        self.log_service.recorded_until = Some(now);
        let since = since.max(now.checked_sub(MAX_HOURS.hours()).unwrap_or(since));
        for flow_log in self.flow_logs.values().filter(|flow_log| flow_log.status == "Active") {
            let projects = &mut self.log_service.projects;
            let project = projects.get_mut(&flow_log.project).filter(|found| found.place == flow_log.place);
            let Some(log_store) = project.and_then(|found| found.log_stores.get_mut(&flow_log.log_store)) else {
                continue;
            };
            let ends = ends(flow_log, since.max(flow_log.created), now);
            let interfaces = self.network_interfaces.values().filter(|interface| is_recorded(interface, flow_log));
            let records = interfaces.take(MAX_WITH_TRAFFIC).flat_map(|interface| {
                let NetworkInterface { id, vswitch_id, vpc_id, .. } = interface;
                ends.iter().map(move |end| LogRecord::of_flow_log(vpc_id, vswitch_id, id, "OK", *end))
            });
            log_store.records.extend(records);
        }
    }
}

fn is_recorded(interface: &NetworkInterface, flow_log: &FlowLog) -> bool {
    let NetworkInterface { id, vswitch_id, vpc_id, instance_id, .. } = interface;
    !instance_id.is_empty() && [id, vswitch_id, vpc_id].contains(&&flow_log.resource_id)
}

/// The ends of the flow log's intervals after `since`, until `now`. They are the same for every flow log of an interval.
fn ends(flow_log: &FlowLog, since: Timestamp, now: Timestamp) -> Vec<Timestamp> {
    let step = i64::from(flow_log.aggregation_interval.max(1)) * 60;
    let first = since.as_second().div_euclid(step) + 1;
    let last = now.as_second().div_euclid(step);
    (first..=last).filter_map(|nth| Timestamp::from_second(nth * step).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        options::Options,
        sls::state::LogService,
        world::{constraints::Constraints, sample},
    };

    fn empty() -> State {
        State::new(true, Constraints::default(), LogService::default())
    }

    /// When the last record that names a VPC ends, by the VPC.
    fn last(state: &State) -> BTreeMap<String, Timestamp> {
        let mut last = BTreeMap::new();
        let log_stores = state.log_service.projects.values().flat_map(|project| project.log_stores.values());
        for record in log_stores.flat_map(|log_store| &log_store.records) {
            let time: &mut Timestamp = last.entry(record.fields["vpc-id"].clone()).or_insert(record.time);
            *time = record.time.max(*time);
        }
        last
    }

    fn count(state: &State) -> usize {
        state.log_service.projects.values().map(|project| project.log_stores["vpc"].records.len()).sum()
    }

    #[test]
    fn the_flow_logs_of_the_sample_go_on_recording_while_they_are_active() {
        let start: Timestamp = "2026-11-26T10:03:00Z".parse().unwrap();
        let mut state = empty();
        sample::seed(&mut state, &Options::default(), start);
        let stopped = "vpc-bp1local0000000000001";
        let active: Vec<_> = state.flow_logs.values().filter(|it| it.status == "Active").cloned().collect();
        let of_stopped = active.iter().find(|it| it.resource_id == stopped).unwrap().id.clone();
        state.flow_logs.get_mut(&of_stopped).unwrap().status = "Inactive".to_owned();
        let later = start + 3.hours();
        state.record_until(later);
        let found = last(&state);
        assert_eq!(found[stopped], start - 5.minutes(), "what is off records nothing");
        for flow_log in active.iter().filter(|it| it.id != of_stopped && state.vpcs.contains_key(&it.resource_id)) {
            let interval = i64::from(flow_log.aggregation_interval).minutes();
            let end = found[&flow_log.resource_id];
            assert!(end <= later && end > later - interval, "{flow_log:?}: {end}");
        }
        let before = count(&state);
        state.record_until(later);
        assert_eq!(count(&state), before, "nothing is recorded twice");
        state.record_until(later + 8784.hours());
        assert!(count(&state) < 2 * before + 60_000, "a year without a question is no year of records");
    }

    #[test]
    fn nothing_is_recorded_where_nobody_asked_for_it() {
        let mut state = empty();
        state.record_until("2026-11-26T10:00:00Z".parse().unwrap());
        assert!(state.log_service.projects.is_empty());
    }
}
