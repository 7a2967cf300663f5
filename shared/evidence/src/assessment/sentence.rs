//! The result in one sentence.

use std::collections::BTreeMap;

use flow_log::{Verdict, one_by_one};

use super::{
    arrival::{Arrivals, arrivals},
    class::Class,
    scope::ScopeRead,
    sums::Sums,
};
use crate::{
    facts::{Facts, Kind, NoteState},
    text::{count, moment},
};

/// How findings are told, in the order in which they matter.
const FINDINGS: [(Verdict, &str, &str); 7] = [
    (Verdict::Missing, "has no flow log", "have no flow log"),
    (Verdict::Inactive, "has a flow log that does not record", "have a flow log that does not record"),
    (
        Verdict::Undelivered,
        "is recorded, but its records are lost or do not arrive",
        "are recorded, but their records are lost or do not arrive",
    ),
    (Verdict::Drifted, "differs from the policy", "differ from the policy"),
    (Verdict::Orphaned, "more is gone and still has a flow log", "more are gone and still have flow logs"),
    (Verdict::Unsupported, "cannot have the flow log", "cannot have the flow log"),
    (Verdict::DueToPause, "records and should not", "record and should not"),
];

/// What the resources are called.
fn noun(facts: &Facts, number: u64) -> &'static str {
    match (&facts.asked.kinds[..], number) {
        ([Kind::Vpc], 1) => "VPC",
        ([Kind::Vpc], _) => "VPCs",
        (_, 1) => "resource",
        _ => "resources",
    }
}

/// Says what of the records of resources that are as wanted arrives, in brackets. Nothing if there are none.
fn arrive(found: Arrivals, compliant: u64) -> String {
    let Arrivals { arrive, without_traffic, unknown } = found;
    let said = match [arrive, without_traffic, unknown].map(|number| number == compliant) {
        [true, ..] if compliant == 1 => "its records arrive".to_owned(),
        [true, ..] => "their records arrive".to_owned(),
        [_, true, _] if compliant == 1 => "it had no traffic".to_owned(),
        [_, true, _] => "they had no traffic".to_owned(),
        [.., true] if compliant == 1 => "whether its records arrive is unknown".to_owned(),
        [.., true] => "whether their records arrive is unknown".to_owned(),
        _ => {
            let parts = [
                (arrive, "records of ", " arrive"),
                (without_traffic, "", " had no traffic"),
                (unknown, "whether those of ", " arrive is unknown"),
            ];
            let parts = parts.iter().filter(|(number, ..)| *number > 0);
            parts
                .map(|(number, before, after)| format!("{before}{}{after}", count(*number)))
                .collect::<Vec<_>>()
                .join(", ")
        }
    };
    if compliant == 0 { String::new() } else { format!(" ({said})") }
}

/// Says how many resources are as the policy wants them and what of their records arrives, and what is the matter with the
/// others.
pub(super) fn verdict(facts: &Facts, scope: &ScopeRead, sums: &Sums) -> String {
    let mut parts = Vec::new();
    // What is gone is no resource any more.
    let resources = sums.resources.saturating_sub(sums.gone());
    if scope.regions_read + scope.regions_unsupported == 0 && sums.resources == 0 {
        return "Nothing could be read.".to_owned();
    }
    if resources == 0 {
        parts.push("No resource was found".to_owned());
    } else {
        let (compliant, whole, noun) = (count(sums.compliant), count(resources), noun(facts, resources));
        let arrive = arrive(arrivals(facts), sums.compliant);
        parts.push(match (sums.compliant, resources) {
            (1, 1) => format!("The one {noun} is as the policy wants it{arrive}"),
            (0, 1) => format!("One {noun} was read"),
            (all, _) if all == resources => format!("All {whole} {noun} are as the policy wants them{arrive}"),
            (1, _) => format!("1 of {whole} {noun} is as the policy wants it{arrive}"),
            _ => format!("{compliant} of {whole} {noun} are as the policy wants them{arrive}"),
        });
    }
    let mut tell = |number: u64, one: &str, many: &str| {
        if number > 0 {
            parts.push(format!("{} {}", count(number), if number == 1 { one } else { many }));
        }
    };
    tell(sums.unlisted, "more needs nothing and is not listed", "more need nothing and are not listed");
    tell(sums.changed, "was repaired", "were repaired");
    let until = until(facts).unwrap_or_default();
    tell(sums.paused, &format!("is off on purpose{until}"), &format!("are off on purpose{until}"));
    tell(sums.excluded, "is left alone on purpose", "are left alone on purpose");
    tell(sums.pending, "is being switched", "are being switched");
    let mut findings: BTreeMap<Verdict, u64> = BTreeMap::new();
    let results = facts.results.iter().map(|it| (it.class(), it.verdict, 1));
    for (class, verdict, number) in results.chain(facts.omitted.iter().map(|it| (it.class(), it.verdict, it.count))) {
        if class == Class::Finding {
            let sum = findings.entry(verdict).or_default();
            *sum = sum.saturating_add(number);
        }
    }
    for (verdict, one, many) in FINDINGS {
        tell(findings.remove(&verdict).unwrap_or_default(), one, many);
    }
    let others = findings.into_values().fold(0, u64::saturating_add);
    let notes = facts.notes.iter().filter(|note| note.state == NoteState::Finding).count() as u64;
    let closed = facts.services.iter().filter(|service| service.is_open == Some(false)).count() as u64;
    // Each that is closed has a note.
    tell(others.saturating_add(notes.saturating_sub(closed)), "needs a look", "need a look");
    tell(closed, "account has not opened the flow log service", "accounts have not opened the flow log service");
    tell(sums.unknown, "could not be read", "could not be read");
    let unread = scope.regions_asked - scope.regions_read - scope.regions_unsupported;
    if unread > 0 {
        parts.push(format!("{} of {} regions could not be read", count(unread), count(scope.regions_asked)));
    } else if !scope.is_whole {
        parts.push("not all of the scope could be read".to_owned());
    }
    if sums.omitted > 0 {
        parts.push(format!(
            "{} of them {} only counted here",
            count(sums.omitted),
            if sums.omitted == 1 { "is" } else { "are" }
        ));
    }
    format!("{}.", parts.join("; "))
}

/// Until when paused resources are off, if that is the same for all.
fn until(facts: &Facts) -> Option<String> {
    if facts.omitted.iter().any(|it| it.class() == Class::Exception && it.is_paused()) {
        return None;
    }
    let paused = facts.results.iter().filter(|result| result.class() == Class::Exception && result.is_paused());
    let ends = one_by_one::set(paused.map(|result| result.next_change.as_ref().map(|next| next.at)));
    match ends.into_iter().collect::<Vec<_>>()[..] {
        [Some(at)] => Some(format!(" until {}", moment(at))),
        _ => None,
    }
}
