//! Counts, and whether they add up.

use std::collections::BTreeMap;

use flow_log::{Verdict, one_by_one};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::Class;
use crate::{
    facts::{Facts, Kind},
    text,
};

/// The number of resources in each class: `resources` is the sum of `compliant`, `exceptions`, `findings`, `pending`,
/// `changed`, `unknown` and `unlisted`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Sums {
    /// Resources that the run judged, counted while it judged them.
    pub resources: u64,
    /// Resources that are as the policy wants them.
    pub compliant: u64,
    /// Resources that are off or left alone on purpose: the sum of `paused` and `excluded`.
    pub exceptions: u64,
    /// Exceptions whose flow log is off, by a schedule or a tag.
    pub paused: u64,
    /// Exceptions that are left alone.
    pub excluded: u64,
    /// Resources that are not as the policy wants them, or that a person should look at.
    pub findings: u64,
    /// Resources whose flow log is in a transitional state.
    pub pending: u64,
    /// Resources that the run repaired.
    pub changed: u64,
    /// Resources that could not be read.
    pub unknown: u64,
    /// Resources that needed nothing and were only counted.
    pub unlisted: u64,
    /// Resources that are in the other sums and that no result names, because a report takes no more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted: u64,
    /// The number of resources with each verdict, without those that needed nothing and were only counted.
    pub verdicts: Vec<VerdictCount>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The number of resources with a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictCount {
    /// The verdict, as in a result.
    pub verdict: String,
    /// The number of resources.
    pub count: u64,
}

impl Sums {
    /// The number of resources by class, with what was only counted.
    #[must_use]
    pub const fn counted(&self) -> u64 {
        self.listed().saturating_add(self.unlisted)
    }

    /// The equation of the classes, as in `41 = 32 as wanted + 4 exceptions + 5 findings`; with `≠` if they do not add up.
    #[must_use]
    pub fn equation(&self) -> String {
        let parts = [
            (self.compliant, format!("{} as wanted", text::count(self.compliant))),
            (self.exceptions, text::counted(self.exceptions, "exception")),
            (self.findings, text::counted(self.findings, "finding")),
            (self.pending, format!("{} in transition", text::count(self.pending))),
            (self.changed, format!("{} repaired", text::count(self.changed))),
            (self.unknown, format!("{} unknown", text::count(self.unknown))),
            (self.unlisted, format!("{} counted only", text::count(self.unlisted))),
        ];
        let parts = parts.into_iter().enumerate().filter(|(nth, (number, _))| *nth < 3 || *number > 0);
        let parts: Vec<_> = parts.map(|(_, (_, part))| part).collect();
        let sign = if self.resources == self.counted() { "=" } else { "≠" };
        format!("{} {sign} {}", text::count(self.resources), parts.join(" + "))
    }

    /// How many of the resources are gone, and counted because they still have a flow log.
    #[must_use]
    pub fn gone(&self) -> u64 {
        let orphaned = Verdict::Orphaned.to_string();
        self.verdicts.iter().filter(|it| it.verdict == orphaned).map(|it| it.count).fold(0, u64::saturating_add)
    }

    /// The number of resources that were judged one by one.
    #[must_use]
    pub const fn listed(&self) -> u64 {
        let one = self.compliant.saturating_add(self.exceptions).saturating_add(self.findings);
        one.saturating_add(self.pending).saturating_add(self.changed).saturating_add(self.unknown)
    }
}

/// Counts the results.
pub(super) fn count(facts: &Facts) -> Sums {
    let mut sums = Sums {
        resources: facts.judged.iter().map(|part| part.resources).fold(0, u64::saturating_add),
        unlisted: facts.judged.iter().map(|part| part.unlisted).fold(0, u64::saturating_add),
        omitted: facts.omitted_resources(),
        ..Sums::default()
    };
    let mut verdicts: BTreeMap<Verdict, u64> = BTreeMap::new();
    let results = facts.results.iter().map(|it| (it.verdict, it.class(), it.is_paused(), 1));
    let omitted = facts.omitted.iter().map(|it| (it.verdict, it.class(), it.is_paused(), it.count));
    for (verdict, class, is_paused, number) in results.chain(omitted) {
        let of_verdict = verdicts.entry(verdict).or_default();
        let of_class = match class {
            Class::Compliant => &mut sums.compliant,
            Class::Changed => &mut sums.changed,
            Class::Exception if is_paused => &mut sums.paused,
            Class::Exception => &mut sums.excluded,
            Class::Pending => &mut sums.pending,
            Class::Finding => &mut sums.findings,
            Class::Unknown => &mut sums.unknown,
        };
        for sum in [of_verdict, of_class] {
            *sum = sum.saturating_add(number);
        }
    }
    sums.exceptions = sums.paused.saturating_add(sums.excluded);
    sums.verdicts =
        verdicts.into_iter().map(|(verdict, count)| VerdictCount { verdict: verdict.to_string(), count }).collect();
    sums
}

/// Says where counts disagree. The run's own count, the lists that it read and the results must agree.
pub(super) fn discrepancies(facts: &Facts, sums: &Sums) -> Vec<String> {
    let mut found = Vec::new();
    if facts.head.ended < facts.head.started {
        found.push(format!("the run ended at {}, before it began at {}", facts.head.ended, facts.head.started));
    }
    let mut by_account: BTreeMap<&str, u64> = BTreeMap::new();
    let results = facts.results.iter().map(|it| (&it.account, 1));
    for (account, number) in results.chain(facts.omitted.iter().map(|it| (&it.account, it.count))) {
        let sum = by_account.entry(account).or_default();
        *sum = sum.saturating_add(number);
    }
    for part in &facts.judged {
        let accounts = one_by_one::set(part.accounts.iter().map(String::as_str));
        let listed = accounts.iter().filter_map(|account| by_account.remove(account)).fold(0, u64::saturating_add);
        let counted = listed.saturating_add(part.unlisted);
        if counted != part.resources {
            found.push(format!(
                "in {} the run judged {}, and {counted} are accounted for",
                part.accounts.join(", "),
                text::counted(part.resources, "resource")
            ));
        }
    }
    for (account, listed) in by_account {
        found.push(format!("the run counted no resources in {account}, and {listed} results name it"));
    }
    for pair in facts.results.windows(2) {
        let [one, next] = pair else { continue };
        if (&one.account, &one.region, one.kind, &one.id) == (&next.account, &next.region, next.kind, &next.id) {
            found.push(format!("{} in {} of {} has more than one result", one.id, one.region, one.account));
        }
    }
    found.extend(lists_against_results(facts, sums));
    found
}

/// Says where a list that was read has fewer resources than were judged. If flow logs are kept at one level, each
/// resource of the list was judged.
fn lists_against_results(facts: &Facts, sums: &Sums) -> Vec<String> {
    let mut read: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for list in facts.reads.iter().filter(|list| list.problem().is_none() && list.about.is_none()) {
        let items = read.entry((&list.account, &list.region, &list.operation)).or_default();
        // Two sweeps of one run may both read it.
        *items = (*items).max(list.items.min(list.total.unwrap_or(list.items)));
    }
    let mut judged: BTreeMap<(&str, &str, Kind), u64> = BTreeMap::new();
    // The resource of an orphaned flow log is gone, so no list has it.
    let results = facts.results.iter().map(|it| (&it.account, &it.region, it.kind, it.verdict, 1));
    let omitted = facts.omitted.iter().map(|it| (&it.account, &it.region, it.kind, it.verdict, it.count));
    for (account, region, kind, verdict, number) in results.chain(omitted) {
        if verdict != Verdict::Orphaned {
            let sum = judged.entry((account, region, kind)).or_default();
            *sum = sum.saturating_add(number);
        }
    }
    let mut found = Vec::new();
    for ((account, region, kind), count) in &judged {
        let Some(items) = kind.listed_by().and_then(|operation| read.get(&(*account, *region, operation))) else {
            continue;
        };
        if count > items {
            let kind = kind.as_str();
            found.push(format!("{count} results name a {kind} in {region} of {account}, and the list has {items}"));
        }
    }
    let [level] = facts.asked.kinds[..] else { return found };
    let Some(list) = level.listed_by().filter(|_| sums.unlisted == 0) else { return found };
    for ((account, region, _), items) in read.iter().filter(|((_, _, operation), _)| *operation == list) {
        let count = judged.get(&(*account, *region, level)).copied().unwrap_or_default();
        if count < *items {
            let kind = level.as_str();
            found.push(format!(
                "{items} resources of type {kind} are in {region} of {account}, and {count} were judged"
            ));
        }
    }
    found
}
