//! Whether what is recorded arrives, joined to what was found about resources.
//!
//! A flow log that is active and delivers nothing records nothing. Its resource is a finding, whatever its configuration
//! says; and while it is unknown whether records arrive, no control passes because of it.

use std::collections::{BTreeMap, BTreeSet};

use flow_log::{Verdict, one_by_one};

use super::{class::Class, scope::Unknown};
use crate::{
    facts::{Delivery, DeliveryState, Facts, Failure, Note, NoteState, ResourceResult},
    text::{self, moment, names},
};

/// Whether what the flow log of a resource records arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Nothing is due: there is no flow log, or it is off.
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
    let found = deliveries(&facts.deliveries, result, id);
    match found {
        _ if found.iter().any(|it| it.state.is_alarm()) => Arrival::Fails,
        // It was not counted, or the report only counts it.
        [] => Arrival::Unknown,
        _ if found.iter().any(|it| it.state == DeliveryState::Unknown) => Arrival::Unknown,
        _ => Arrival::Proven,
    }
}

/// What arrives of the records of the resources that are as the policy wants them, by resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Arrivals {
    /// Records arrive.
    pub(super) arrive: u64,
    /// The records say that nothing flowed, or no network interface is in use.
    pub(super) without_traffic: u64,
    /// That is not known.
    pub(super) unknown: u64,
}

/// Counts what arrives. The facts are sorted, and settled: what does not arrive is no resource as the policy wants it.
pub(super) fn arrivals(facts: &Facts) -> Arrivals {
    let mut found = Arrivals::default();
    for result in facts.results.iter().filter(|result| result.class() == Class::Compliant) {
        let delivers = |id| {
            let here = deliveries(&facts.deliveries, result, id);
            here.iter().any(|it| it.state == DeliveryState::Delivers)
        };
        match arrival(facts, result) {
            Arrival::Proven if due(result).is_some_and(delivers) => found.arrive += 1,
            Arrival::Proven => found.without_traffic += 1,
            // Of a resource as wanted, records are due: if its flow log is not known to be on, nothing is known.
            Arrival::NotDue | Arrival::Unknown | Arrival::Fails => found.unknown += 1,
        }
    }
    let counted = facts.omitted.iter().filter(|it| it.class() == Class::Compliant).map(|it| it.count);
    found.unknown = counted.fold(found.unknown, u64::saturating_add);
    found
}

/// The id of the flow log whose records are due.
pub(crate) fn due(result: &ResourceResult) -> Option<&str> {
    let flow_log = result.flow_log.as_ref()?;
    let is_off = flow_log.status.as_deref().is_some_and(|status| !status.eq_ignore_ascii_case("Active"));
    (!is_off).then_some(&*flow_log.id)
}

/// What was found out about a flow log in the place of a resource. All deliveries are sorted.
fn deliveries<'f>(all: &'f [Delivery], result: &ResourceResult, id: &str) -> &'f [Delivery] {
    let wanted = (result.account.as_str(), result.region.as_str(), id);
    let key = |it: &Delivery| wanted.cmp(&(&*it.account, &*it.region, &*it.flow_log_id));
    let from = all.partition_point(|it| key(it).is_gt());
    let later = all.get(from..).unwrap_or_default();
    later.get(..later.partition_point(|it| key(it).is_eq())).unwrap_or_default()
}

/// Says what is wrong with a delivery.
fn words(delivery: &Delivery) -> String {
    let Delivery { flow_log_id, from, to, .. } = delivery;
    match (delivery.state, &delivery.why_unknown, delivery.last_record) {
        (DeliveryState::RecordsLost, ..) => {
            let skipped =
                delivery.skip_data.map_or_else(|| "records".to_owned(), |count| text::counted(count, "record"));
            let say = if delivery.skip_data == Some(1) { "says" } else { "say" };
            format!("{skipped} of {flow_log_id} {say} that others were lost (SKIPDATA)")
        }
        (_, Some(why), _) => format!("the records of {flow_log_id} do not arrive: {why}"),
        (_, None, Some(last)) => format!("no record of {flow_log_id} has arrived since {}", moment(last)),
        (_, None, None) => {
            format!("the records of {flow_log_id} do not arrive: none from {} to {}", moment(*from), moment(*to))
        }
    }
}

/// An account, a region and the id of a flow log.
type FlowLogKey<'d> = (&'d str, &'d str, &'d str);

fn key(delivery: &Delivery) -> FlowLogKey<'_> {
    (&delivery.account, &delivery.region, &delivery.flow_log_id)
}

/// Makes a resource whose records do not arrive a finding with the verdict `undelivered`. The deliveries are sorted.
/// Returns the flow log, if records of it do not arrive and the resource is a finding: then nothing else has to say it.
pub(crate) fn settle_result<'d>(all: &'d [Delivery], result: &mut ResourceResult) -> Option<FlowLogKey<'d>> {
    let id = &result.flow_log.as_ref()?.id;
    let found = deliveries(all, result, id).iter().find(|it| it.state.is_alarm())?;
    if matches!(result.verdict, Verdict::Compliant | Verdict::Foreign) && due(result).is_some() {
        result.verdict = Verdict::Undelivered;
        result.is_finding = true;
        result.reason = format!("{}; {}", result.reason, words(found));
    }
    (result.class() == Class::Finding).then(|| key(found))
}

/// The flow logs whose records do not arrive and that no finding about a resource names, as findings of their own.
pub(crate) fn unnamed(all: &[Delivery], named: &BTreeSet<FlowLogKey<'_>>) -> Vec<Note> {
    let others = all.iter().filter(|it| it.state.is_alarm());
    let others = others.filter(|it| !named.contains(&key(it)));
    let note = |it: &Delivery| Note {
        account: Some(it.account.clone()),
        region: Some(it.region.clone()),
        subject: Some(it.flow_log_id.clone()),
        state: NoteState::Finding,
        reason: words(it),
        error: None,
    };
    others.map(note).collect()
}

/// Makes resources whose records do not arrive findings with the verdict `undelivered`. Any other flow log whose records
/// do not arrive becomes a note. The facts are sorted. Doing it twice changes nothing more.
///
/// Where findings are only counted, the resource may be one of them, and the flow logs that belong to none have their
/// notes already: they came when nothing had been left out.
pub(crate) fn settle(facts: &mut Facts) {
    if !facts.deliveries.iter().any(|it| it.state.is_alarm()) {
        return;
    }
    let mut named: BTreeSet<_> =
        facts.results.iter_mut().filter_map(|result| settle_result(&facts.deliveries, result)).collect();
    let counted = facts.omitted.iter().filter(|it| it.class() == Class::Finding);
    let counted = one_by_one::set(counted.map(|it| (it.account.as_str(), it.region.as_str())));
    let may_be_counted = facts.deliveries.iter().filter(|it| counted.contains(&(&*it.account, &*it.region)));
    named.extend(may_be_counted.map(key));
    let notes = unnamed(&facts.deliveries, &named);
    facts.notes.extend(notes);
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
    // The reason for places in which flow logs are only counted.
    let mut counted: BTreeMap<(&str, &str), (u64, bool)> = BTreeMap::new();
    for it in &facts.omitted_deliveries {
        let (count, is_unknown) = counted.entry((&it.account, &it.region)).or_default();
        if it.state == DeliveryState::Unknown {
            *count = count.saturating_add(it.count);
            *is_unknown = true;
        }
    }
    for result in &facts.results {
        let counted = counted.get(&(result.account.as_str(), result.region.as_str()));
        let why = match counted {
            None => "it was not read",
            Some((_, false)) => "this report only counts it",
            // Said below, together with the other flow logs whose delivery is unknown.
            Some((_, true)) => continue,
        };
        if let Some(id) = due(result)
            && result.verdict != Verdict::Unknown
            && deliveries(&facts.deliveries, result, id).is_empty()
        {
            groups.entry((&result.account, &result.region, why)).or_default().0.insert(id);
        }
    }
    let of = |((account, region, why), (ids, error)): (Group<'_>, (BTreeSet<&str>, Option<&Failure>))| Unknown {
        account: Some(account.to_owned()),
        region: Some(region.to_owned()),
        subject: if ids.len() == 1 { ids.first().map(|id| (*id).to_owned()) } else { None },
        has_result: false,
        why: format!("whether the records of {} arrive: {why}", names(ids.iter().copied())),
        error: error.cloned(),
    };
    let unlooked = counted.into_iter().filter(|(_, (_, is_unknown))| *is_unknown);
    let unlooked = unlooked.map(|((account, region), (number, _))| Unknown {
        account: Some(account.to_owned()),
        region: Some(region.to_owned()),
        subject: None,
        has_result: false,
        why: format!("whether the records of {} arrive: there are too many", text::counted(number, "flow log")),
        error: None,
    });
    groups.into_iter().map(of).chain(unlooked).collect()
}
