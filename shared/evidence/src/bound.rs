//! How much a report takes. What is beyond is counted, and said.

use std::collections::BTreeMap;

use crate::{
    assessment::Class,
    facts::{Change, Delivery, DeliveryState, Facts, Omitted, OmittedDeliveries, ResourceResult},
    text::count,
};

/// How many more than the maximum may come together before the least important are left out: a part of it.
const SLACK: usize = 4;

/// The most important first.
const fn rank(class: Class) -> u8 {
    match class {
        Class::Finding => 0,
        Class::Unknown => 1,
        Class::Pending => 2,
        Class::Changed => 3,
        Class::Exception => 4,
        Class::Compliant => 5,
    }
}

/// The most important first.
const fn delivery_rank(state: DeliveryState) -> u8 {
    match state {
        DeliveryState::Silent => 0,
        DeliveryState::RecordsLost => 1,
        DeliveryState::Unknown => 2,
        DeliveryState::NothingToRecord => 3,
        DeliveryState::NothingFlowed => 4,
        DeliveryState::Delivers => 5,
    }
}

impl Facts {
    /// Leaves out the least important results, changes and deliveries beyond `max` of each, once there are a quarter more, or at
    /// the `end`. Those that are left out are counted. Which are left out depends on the whole alone, and not on the order
    /// in which it came together.
    pub(crate) fn bound(&mut self, max: usize, end: bool) {
        let allowed = if end { max } else { max.saturating_add(max / SLACK) };
        if self.results.len() > allowed {
            self.results.sort_unstable_by(|one, other| {
                rank(one.class()).cmp(&rank(other.class())).then_with(|| one.cmp(other))
            });
            self.results.dedup();
            let left_out = self.results.split_off(max.min(self.results.len()));
            self.omit(left_out);
        }
        if self.changes.len() > allowed {
            // What was made or tried says more than what would have been.
            let key = |it: &Change| it.outcome == "planned";
            self.changes.sort_unstable_by(|one, other| key(one).cmp(&key(other)).then_with(|| one.cmp(other)));
            self.changes.dedup();
            let left_out = self.changes.split_off(max.min(self.changes.len()));
            self.omitted_changes = self.omitted_changes.saturating_add(left_out.len() as u64);
        }
        if self.deliveries.len() > allowed {
            let key = |it: &Delivery| delivery_rank(it.state);
            self.deliveries.sort_unstable_by(|one, other| key(one).cmp(&key(other)).then_with(|| one.cmp(other)));
            self.deliveries.dedup();
            let left_out = self.deliveries.split_off(max.min(self.deliveries.len()));
            let counted = left_out.into_iter().map(|it| OmittedDeliveries {
                account: it.account,
                region: it.region,
                state: it.state,
                count: 1,
            });
            self.omit_deliveries(counted);
        }
    }

    /// Counts results instead of listing them.
    fn omit(&mut self, results: impl IntoIterator<Item = ResourceResult>) {
        let mut groups: BTreeMap<Omitted, u64> = BTreeMap::new();
        let known = std::mem::take(&mut self.omitted);
        let counted = results.into_iter().map(|it| Omitted {
            account: it.account,
            region: it.region,
            kind: it.kind,
            verdict: it.verdict,
            is_finding: it.is_finding,
            is_exception: it.is_exception,
            is_changed: it.is_changed,
            count: 1,
        });
        for omitted in known.into_iter().chain(counted) {
            let count = omitted.count;
            let sum = groups.entry(Omitted { count: 0, ..omitted }).or_default();
            *sum = sum.saturating_add(count);
        }
        self.omitted = groups.into_iter().map(|(group, count)| Omitted { count, ..group }).collect();
    }

    /// Counts the flow logs that have no delivery.
    pub fn omit_deliveries(&mut self, deliveries: impl IntoIterator<Item = OmittedDeliveries>) {
        let mut groups: BTreeMap<OmittedDeliveries, u64> = BTreeMap::new();
        let known = std::mem::take(&mut self.omitted_deliveries);
        for omitted in known.into_iter().chain(deliveries) {
            let count = omitted.count;
            let sum = groups.entry(OmittedDeliveries { count: 0, ..omitted }).or_default();
            *sum = sum.saturating_add(count);
        }
        self.omitted_deliveries =
            groups.into_iter().map(|(group, count)| OmittedDeliveries { count, ..group }).collect();
    }

    /// How many flow logs have no delivery, because the report takes no more.
    pub(crate) fn unlisted_deliveries(&self) -> u64 {
        self.omitted_deliveries.iter().fold(0, |sum, it| sum.saturating_add(it.count))
    }

    /// Whether every resource has a result, and every flow log a delivery: nothing is only counted.
    pub(crate) fn lists_everything(&self) -> bool {
        self.omitted.is_empty() && self.omitted_deliveries.is_empty()
    }

    /// How many resources have no result, because the report takes no more.
    #[must_use]
    pub fn omitted_resources(&self) -> u64 {
        self.omitted.iter().fold(0, |sum, it| sum.saturating_add(it.count))
    }
}

impl Omitted {
    /// Says how many there are.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (number, kind) = (count(self.count), self.kind.as_str());
        format!("{number} more of type {kind} with this verdict are only counted: a report lists no more")
    }
}
