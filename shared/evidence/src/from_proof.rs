//! Facts from the proof of delivery.

use flow_log::proof::Proof;
use reconcile::delivery::LogStoreProof;

use crate::facts::{Delivery, DeliveryState, Facts, FlowLogState, Kind, LogStore};

impl Facts {
    /// Adds what was found out about the Logstores of an account and region: for how long each keeps records, and
    /// whether those of each flow log arrive. Nothing has to arrive of a flow log that is off, so nothing is said of it.
    pub fn add_proofs(&mut self, account: &str, region: &str, proofs: &[LogStoreProof]) {
        for proof in proofs {
            // Flow logs of which the API names no Logstore come in one without a name.
            if !proof.log_store.is_empty() {
                self.log_stores.push(LogStore {
                    account: account.to_owned(),
                    region: region.to_owned(),
                    project: proof.project.clone(),
                    name: proof.log_store.clone(),
                    days: proof.retention_days.as_ref().ok().copied(),
                    why_unknown: proof.retention_days.as_ref().err().map(ToString::to_string),
                });
            }
            let found = proof.flow_logs.iter().filter_map(|(id, found)| {
                let delivery = Delivery {
                    account: account.to_owned(),
                    region: region.to_owned(),
                    flow_log_id: id.to_string(),
                    from: proof.from,
                    to: proof.to,
                    state: DeliveryState::Unknown,
                    last_record: None,
                    records: None,
                    no_data: None,
                    skip_data: None,
                    why_unknown: None,
                };
                said(found, delivery)
            });
            self.deliveries.extend(found);
        }
    }

    /// Adds that it is unknown whether the records of Express Connect Routers arrive: Alibaba Cloud does not document
    /// their fields, so no query can tell whose they are.
    pub fn add_deliveries_of_routers(&mut self) {
        let is_on = |flow_log: &&FlowLogState| {
            flow_log.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("Active"))
        };
        let routers = self.results.iter().filter(|result| matches!(result.kind, Kind::Vbr | Kind::Ecr));
        let found = routers.filter_map(|result| Some((result, result.flow_log.as_ref().filter(is_on)?)));
        let unknown = found.map(|(result, flow_log)| Delivery {
            account: result.account.clone(),
            region: result.region.clone(),
            flow_log_id: flow_log.id.clone(),
            from: self.head.started,
            to: self.head.started,
            state: DeliveryState::Unknown,
            last_record: None,
            records: None,
            no_data: None,
            skip_data: None,
            why_unknown: Some(WHY_UNKNOWN_OF_ROUTERS.to_owned()),
        });
        let unknown: Vec<_> = unknown.collect();
        self.deliveries.extend(unknown);
    }
}

/// Why nobody counts the records of routers.
const WHY_UNKNOWN_OF_ROUTERS: &str =
    "the fields of the records of Express Connect Routers are not documented, so nobody can tell whose they are";

/// Says what a proof proves; `None` if nothing has to arrive.
fn said(proof: &Proof, unknown: Delivery) -> Option<Delivery> {
    use DeliveryState::{Delivers, NothingFlowed, RecordsLost, Silent};
    Some(match proof {
        Proof::Off => return None,
        Proof::Delivering { records, last } => {
            Delivery { state: Delivers, last_record: Some(*last), records: Some(*records), ..unknown }
        }
        Proof::NoTraffic { last } => Delivery { state: NothingFlowed, last_record: Some(*last), ..unknown },
        Proof::RecordsLost { skipped } => Delivery { state: RecordsLost, skip_data: Some(*skipped), ..unknown },
        Proof::Silent { last } => Delivery { state: Silent, last_record: *last, ..unknown },
        Proof::NoDestination(_) => Delivery { state: Silent, why_unknown: Some(proof.to_string()), ..unknown },
        Proof::TooEarly | Proof::NothingToRecord => Delivery { why_unknown: Some(proof.to_string()), ..unknown },
        Proof::Unknown(why) => Delivery { why_unknown: Some(why.to_string()), ..unknown },
    })
}
