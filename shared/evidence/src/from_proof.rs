//! Facts from the proof of delivery.

use flow_log::proof::{Proof, Unproven};
use reconcile::{
    ErrorReport,
    delivery::{FlowLogProof, LogStoreProof},
};

use crate::{
    assessment::due,
    facts::{Delivery, DeliveryState, Facts, Failure, Head, Kind, LogStore, ResourceResult},
};

impl Facts {
    /// Adds what was found out about the Logstores of an account and region: for how long each keeps records, and
    /// whether those of each flow log arrive. Nothing has to arrive of a flow log that is off, so nothing is said of it.
    pub fn add_proofs(&mut self, account: &str, region: &str, proofs: &[LogStoreProof]) {
        for proof in proofs {
            // Flow logs without a Logstore in the API's answer come in one without a name.
            if !proof.log_store.is_empty() {
                let why = proof.retention_days.as_ref().err();
                self.log_stores.push(LogStore {
                    account: account.to_owned(),
                    region: region.to_owned(),
                    project: proof.project.clone(),
                    name: proof.log_store.clone(),
                    days: proof.retention_days.as_ref().ok().copied(),
                    why_unknown: why.map(ToString::to_string),
                    is_gone: matches!(why, Some(Unproven::NoDestination(_))),
                    error: why.and_then(|why| cause(why, &proof.failures)),
                    calls: Vec::new(),
                });
            }
            let named = |name: &String| Some(name.clone()).filter(|name| !name.is_empty());
            let found = proof.flow_logs.iter().filter_map(|it| {
                let why = match &it.proof {
                    Proof::Unknown(why) => Some(why),
                    _ => None,
                };
                let delivery = Delivery {
                    account: account.to_owned(),
                    region: region.to_owned(),
                    flow_log_id: it.id.to_string(),
                    project: named(&proof.project),
                    log_store: named(&proof.log_store),
                    from: proof.from,
                    to: proof.to,
                    state: DeliveryState::Unknown,
                    last_record: it.tally.and_then(|tally| tally.last),
                    records: it.tally.map(|tally| tally.records),
                    bytes: it.tally.and_then(|tally| if tally.records == 0 { Some(0) } else { tally.bytes }),
                    no_data: it.tally.map(|tally| tally.empty),
                    skip_data: it.tally.map(|tally| tally.skipped),
                    why_unknown: None,
                    error: why.and_then(|why| cause(why, &proof.failures)),
                };
                said(it, delivery)
            });
            self.deliveries.extend(found);
        }
    }
}

/// Why the records of routers are not counted.
const WHY_UNKNOWN_OF_ROUTERS: &str = "the documentation does not say which fields the records of Express Connect Routers have, so they cannot be told apart";

/// It is unknown whether the records of a router arrive: Alibaba Cloud does not document their fields, so no query can
/// tell those of one router from those of another. `None` if it is no router, or none are due.
pub(crate) fn of_router(head: &Head, result: &ResourceResult) -> Option<Delivery> {
    let is_router = matches!(result.kind, Kind::Vbr | Kind::Ecr);
    let flow_log_id = due(result).filter(|_| is_router)?.to_owned();
    Some(Delivery {
        account: result.account.clone(),
        region: result.region.clone(),
        flow_log_id,
        project: None,
        log_store: None,
        from: head.started,
        to: head.started,
        state: DeliveryState::Unknown,
        last_record: None,
        records: None,
        bytes: None,
        no_data: None,
        skip_data: None,
        why_unknown: Some(WHY_UNKNOWN_OF_ROUTERS.to_owned()),
        error: None,
    })
}

/// Returns the failed call that left something unknown, if there is one.
fn cause(why: &Unproven, failures: &[ErrorReport]) -> Option<Failure> {
    let error = match why {
        Unproven::NoPermission { action } => failures.iter().find(|error| error.action == *action),
        Unproven::Unread(what) => failures.iter().find(|error| what.starts_with(error.action)),
        Unproven::UnknownInterfaces => failures.iter().find(|error| error.action == "DescribeNetworkInterfaces"),
        Unproven::Incomplete => failures.last(),
        _ => None,
    };
    error.map(Failure::from)
}

/// Says what a proof proves; `None` if nothing has to arrive.
fn said(found: &FlowLogProof, unknown: Delivery) -> Option<Delivery> {
    use DeliveryState::{Delivers, NothingFlowed, NothingToRecord, RecordsLost, Silent};
    let proof = &found.proof;
    Some(match proof {
        Proof::Off => return None,
        Proof::Delivering { last, .. } => Delivery { state: Delivers, last_record: Some(*last), ..unknown },
        Proof::NoTraffic { last } => Delivery { state: NothingFlowed, last_record: Some(*last), ..unknown },
        Proof::RecordsLost { .. } => Delivery { state: RecordsLost, ..unknown },
        Proof::Silent { last } => Delivery { state: Silent, last_record: *last, ..unknown },
        Proof::NoDestination(_) => Delivery { state: Silent, why_unknown: Some(proof.to_string()), ..unknown },
        Proof::NothingToRecord => Delivery { state: NothingToRecord, ..unknown },
        Proof::TooEarly => Delivery { why_unknown: Some(proof.to_string()), ..unknown },
        Proof::Unknown(why) => Delivery { why_unknown: Some(why.to_string()), ..unknown },
    })
}
