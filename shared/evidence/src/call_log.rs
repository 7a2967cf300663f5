//! What was read and is no list, from the calls of a run.

use std::collections::BTreeMap;

use flow_log::{AccountId, RegionId};
use reconcile::CallRead;

use crate::facts::{Calls, Facts};

/// Collects the calls by which a run reads something other than lists, into one [`Calls`] for each operation and what it is
/// about. An observer of the run fills it.
#[derive(Debug, Clone, Default)]
pub struct CallLog {
    /// By account, region and what the calls are about, as `project/log-store`.
    by_subject: BTreeMap<Subject, Vec<Calls>>,
    /// By account, of those about the account.
    by_account: BTreeMap<String, Vec<Calls>>,
}

/// The account, the region, and what a call is about.
type Subject = (String, String, String);

impl CallLog {
    /// Adds a call.
    pub fn call_read(&mut self, account: &AccountId, region: &RegionId, call: &CallRead) {
        let account = account.to_string();
        let all = match call.about.as_str() {
            // One region is asked for the account.
            "" => self.by_account.entry(account).or_default(),
            about => self.by_subject.entry((account, region.to_string(), about.to_owned())).or_default(),
        };
        let rows = call.rows.map(|rows| rows as u64);
        let id = &call.request_id;
        match all.iter_mut().find(|known| known.operation == call.action) {
            Some(known) => {
                known.count += 1;
                known.rows = [known.rows, rows].into_iter().flatten().reduce(u64::saturating_add);
                known.first_request_id = known.first_request_id.take().or_else(|| id.clone());
                known.last_request_id = id.clone().or_else(|| known.last_request_id.take());
            }
            None => all.push(Calls {
                operation: call.action.to_owned(),
                count: 1,
                rows,
                first_request_id: id.clone(),
                last_request_id: id.clone(),
            }),
        }
    }
}

impl Facts {
    /// Adds how the Logstores and the services were read, once they are there.
    pub fn add_calls(&mut self, mut log: CallLog) {
        for store in &mut self.log_stores {
            // A Logstore that is not there makes its project a question.
            for about in [format!("{}/{}", store.project, store.name), store.project.clone()] {
                let subject = (store.account.clone(), store.region.clone(), about);
                store.calls.extend(log.by_subject.get(&subject).into_iter().flatten().cloned());
            }
            store.calls.sort_unstable();
        }
        for service in &mut self.services {
            service.calls.extend(log.by_account.remove(&service.account).into_iter().flatten());
            service.calls.sort_unstable();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(action: &'static str, about: &str, rows: Option<usize>, request: Option<&str>) -> CallRead {
        CallRead { action, about: about.to_owned(), rows, request_id: request.map(str::to_owned) }
    }

    #[test]
    fn calls_of_one_operation_are_counted_together_with_their_rows_and_first_and_last_request() {
        let (account, region) = ("1000000000000001".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let mut log = CallLog::default();
        for made in [
            call("GetLogsV2", "p/vpc", None, None),
            call("GetLogsV2", "p/vpc", Some(2), Some("R-1")),
            call("GetLogsV2", "p/vpc", Some(5), Some("R-2")),
            call("GetIndex", "p/vpc", None, Some("R-3")),
            call("GetLogsV2", "p/other", Some(1), Some("R-4")),
        ] {
            log.call_read(&account, &region, &made);
        }
        let subject = (account.to_string(), region.to_string(), "p/vpc".to_owned());
        let [logs, index] = &log.by_subject[&subject][..] else { panic!("{log:?}") };
        let ids = |calls: &Calls| (calls.first_request_id.clone().unwrap(), calls.last_request_id.clone().unwrap());
        assert_eq!((logs.count, logs.rows, ids(logs)), (3, Some(7), ("R-1".to_owned(), "R-2".to_owned())));
        assert_eq!((index.count, index.rows, ids(index)), (1, None, ("R-3".to_owned(), "R-3".to_owned())));
    }
}
