//! Facts from the proof of delivery.

use flow_log::proof::Proof;
use reconcile::delivery::LogStoreProof;

use crate::facts::{Delivery, DeliveryState, Facts, LogStore};

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
}

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
