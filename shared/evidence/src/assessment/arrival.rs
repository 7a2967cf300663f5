//! Whether what is recorded arrives, joined to what was found about resources.
//!
//! A flow log that is active and delivers nothing records nothing. Its resource is a finding, whatever its configuration
//! says; and while it is unknown whether records arrive, no control passes because of it.

use std::collections::{BTreeMap, BTreeSet};

use flow_log::Verdict;

use super::{class::Class, scope::Unknown};
use crate::{
    facts::{Delivery, DeliveryState, Facts, Failure, Kind, Note, NoteState, ResourceResult},
    text::{moment, names},
};

/// Whether what the flow log of a resource records arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Nothing is due: there is no flow log, it is off, or it is that of a router, whose records cannot be counted.
    NotDue,
    /// It does, or the records prove that nothing was due.
    Proven,
    /// It does not, or not all of it.
    Fails,
    /// That is not known.
    Unknown,
}

/// Tells whether what the flow log of a resource records arrives. The facts are sorted.
pub(crate) fn arrival(facts: &Facts, result: &ResourceResult) -> Arrival {
    let Some(id) = due(result) else { return Arrival::NotDue };
    let found = deliveries(facts, result, id);
    match found {
        _ if found.iter().any(|it| it.state.is_alarm()) => Arrival::Fails,
        // One that nobody looked at.
        [] => Arrival::Unknown,
        _ if found.iter().any(|it| it.state == DeliveryState::Unknown) => Arrival::Unknown,
        _ => Arrival::Proven,
    }
}

/// The id of the flow log whose records are due.
fn due(result: &ResourceResult) -> Option<&str> {
    let flow_log = result.flow_log.as_ref()?;
    let is_off = flow_log.status.as_deref().is_some_and(|status| !status.eq_ignore_ascii_case("Active"));
    let is_router = matches!(result.kind, Kind::Vbr | Kind::Ecr);
    (!is_off && !is_router).then_some(&*flow_log.id)
}

/// What was found out about a flow log in the place of a resource.
fn deliveries<'f>(facts: &'f Facts, result: &ResourceResult, id: &str) -> &'f [Delivery] {
    let wanted = (result.account.as_str(), result.region.as_str(), id);
    let key = |it: &Delivery| wanted.cmp(&(&*it.account, &*it.region, &*it.flow_log_id));
    let from = facts.deliveries.partition_point(|it| key(it).is_gt());
    let later = facts.deliveries.get(from..).unwrap_or_default();
    later.get(..later.partition_point(|it| key(it).is_eq())).unwrap_or_default()
}

/// Says what is wrong with a delivery.
fn words(delivery: &Delivery) -> String {
    let Delivery { flow_log_id, from, to, .. } = delivery;
    match (delivery.state, &delivery.why_unknown, delivery.last_record) {
        (DeliveryState::RecordsLost, ..) => {
            let skipped = delivery.skip_data.map_or_else(|| "records".to_owned(), |count| format!("{count} records"));
            format!("{skipped} of {flow_log_id} say that others were lost (SKIPDATA)")
        }
        (_, Some(why), _) => format!("what {flow_log_id} records does not arrive: {why}"),
        (_, None, Some(last)) => format!("what {flow_log_id} records has not arrived since {}", moment(last)),
        (_, None, None) => {
            format!("what {flow_log_id} records does not arrive: no record from {} to {}", moment(*from), moment(*to))
        }
    }
}

/// Makes resources whose records do not arrive findings with the verdict `undelivered`. Any other flow log whose records
/// do not arrive becomes a note. The facts are sorted. Doing it twice changes nothing more.
pub(crate) fn settle(facts: &mut Facts) {
    if !facts.deliveries.iter().any(|it| it.state.is_alarm()) {
        return;
    }
    let mut results = std::mem::take(&mut facts.results);
    let mut named = BTreeSet::new();
    for result in &mut results {
        let Some(id) = result.flow_log.as_ref().map(|flow_log| flow_log.id.clone()) else { continue };
        let found = deliveries(facts, result, &id).iter().find(|it| it.state.is_alarm());
        let Some(found) = found else { continue };
        if matches!(result.verdict, Verdict::Compliant | Verdict::Foreign) && due(result).is_some() {
            result.verdict = Verdict::Undelivered;
            result.is_finding = true;
            result.reason = format!("{}; {}", result.reason, words(found));
        }
        if result.class() == Class::Finding {
            named.insert((found.account.as_str(), found.region.as_str(), found.flow_log_id.as_str()));
        }
    }
    let others = facts.deliveries.iter().filter(|it| it.state.is_alarm());
    let others = others.filter(|it| !named.contains(&(&*it.account, &*it.region, &*it.flow_log_id)));
    let notes: Vec<_> = others
        .map(|it| Note {
            account: Some(it.account.clone()),
            region: Some(it.region.clone()),
            subject: Some(it.flow_log_id.clone()),
            state: NoteState::Finding,
            reason: words(it),
            error: None,
        })
        .collect();
    facts.notes.extend(notes);
    facts.results = results;
}

/// The flow logs whose delivery is unknown, in groups of one reason in one region.
pub(super) fn unknown(facts: &Facts) -> Vec<Unknown> {
    type Group<'f> = (&'f str, &'f str, &'f str);
    let mut groups: BTreeMap<Group<'_>, (BTreeSet<&str>, Option<&Failure>)> = BTreeMap::new();
    for it in facts.deliveries.iter().filter(|it| it.state == DeliveryState::Unknown) {
        let why = it.why_unknown.as_deref().unwrap_or("it was not read");
        let (ids, error) = groups.entry((&it.account, &it.region, why)).or_default();
        ids.insert(&it.flow_log_id);
        *error = error.or(it.error.as_ref());
    }
    for result in &facts.results {
        if let Some(id) = due(result)
            && result.verdict != Verdict::Unknown
            && deliveries(facts, result, id).is_empty()
        {
            groups.entry((&result.account, &result.region, "it was not read")).or_default().0.insert(id);
        }
    }
    let of = |((account, region, why), (ids, error)): (Group<'_>, (BTreeSet<&str>, Option<&Failure>))| Unknown {
        account: Some(account.to_owned()),
        region: Some(region.to_owned()),
        subject: if ids.len() == 1 { ids.first().map(|id| (*id).to_owned()) } else { None },
        has_result: false,
        why: format!("whether what {} records arrives: {why}", names(ids.iter().copied())),
        error: error.cloned(),
    };
    groups.into_iter().map(of).collect()
}
