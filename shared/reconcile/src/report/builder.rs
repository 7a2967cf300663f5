//! Collects the results of one target or of several.

use flow_log::ResourceId;

use super::{Item, Outcome, Summary, summary::Unlisted};
use crate::claims::AccountRegion;

/// Which results a report lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listing {
    /// All that somebody should look at, and up to 200 others per region. Further ones are only counted, so that the
    /// report of a function and its memory stay small.
    #[default]
    Brief,
    /// Every resource, with the flow log that covers it and the details of each planned change.
    Full,
}

/// How many unremarkable resources are listed per region. Further ones are only counted, so that the report and its
/// memory stay small.
const MAX_UNREMARKABLE: usize = 200;

/// Collects results.
#[derive(Debug, Default)]
pub struct ReportBuilder {
    pub(crate) items: Vec<Item>,
    listing: Listing,
    /// The number of resources that were judged.
    checked: usize,
    /// How many of the items are about unremarkable resources.
    unremarkable: usize,
    unlisted: Unlisted,
    /// The limits that refused changes.
    limits: Vec<String>,
}

impl ReportBuilder {
    /// Creates one that lists these results.
    pub(crate) fn listing(listing: Listing) -> Self {
        Self { listing, ..Self::default() }
    }

    /// Whether a further unremarkable result is only counted.
    fn is_full(&self) -> bool {
        self.listing == Listing::Brief && self.unremarkable >= MAX_UNREMARKABLE
    }

    /// Adds the result of a resource that is not changed.
    pub(crate) fn add(&mut self, item: Item) {
        self.checked += 1;
        let is_unremarkable = matches!(item.outcome, Outcome::Unchanged | Outcome::Skipped) && !item.is_finding;
        if is_unremarkable && self.is_full() {
            self.unlisted.count(&item);
            return;
        }
        self.unremarkable += usize::from(is_unremarkable);
        self.items.push(item);
    }

    /// Adds the result of a resource that is as the policy wants it, or paused on purpose. `item` makes it, if it is
    /// listed: of a hundred thousand, most are not.
    pub(crate) fn add_in_order(&mut self, is_exception: bool, item: impl FnOnce() -> Item) {
        if self.is_full() {
            self.count_unlisted();
            self.unlisted.exceptions += usize::from(is_exception);
        } else {
            self.add(item());
        }
    }

    /// Adds a result that is about no resource.
    pub fn push(&mut self, item: Item) {
        self.items.push(item);
    }

    /// Adds the result of an account that is left out. Of many that need nobody's attention, only the first are listed.
    pub(crate) fn skip(&mut self, item: Item) {
        let is_unremarkable = item.outcome == Outcome::Skipped && !item.is_finding;
        if is_unremarkable && self.is_full() {
            self.unlisted.count_skipped();
            return;
        }
        self.unremarkable += usize::from(is_unremarkable);
        self.items.push(item);
    }

    /// Removes the result of a compliant resource.
    pub(crate) fn retract(&mut self, id: &ResourceId, is_exception: bool) {
        let before = self.items.len();
        self.items.retain(|item| item.resource_id.as_deref() != Some(id.as_str()));
        self.checked -= 1;
        if self.items.len() < before {
            self.unremarkable -= 1;
        } else {
            self.unlisted.resources -= 1;
            self.unlisted.compliant -= 1;
            self.unlisted.exceptions -= usize::from(is_exception);
        }
    }

    /// Counts a resource that is being worked on.
    pub(crate) const fn count_checked(&mut self) {
        self.checked += 1;
    }

    /// Counts a resource that needs no change and is not listed.
    pub(crate) const fn count_unlisted(&mut self) {
        self.checked += 1;
        self.unlisted.resources += 1;
        self.unlisted.compliant += 1;
    }

    /// Returns the number of resources that were judged.
    pub(crate) const fn checked(&self) -> usize {
        self.checked
    }

    /// Records that a limit refused changes in an account and region, and why.
    pub(crate) fn refuse(&mut self, (account, region): AccountRegion<'_>, why: &str) {
        self.limits.push(format!("{account} in {region}: {why}"));
    }

    /// Sorts the items, so that their order does not depend on which call was answered first.
    pub(crate) fn sort(&mut self) {
        self.items.sort_by(|one, other| one.resource_id.cmp(&other.resource_id));
    }

    /// Adds the results of another part of the work.
    pub fn extend(&mut self, other: Self) {
        // The first part, which is often the only one, is moved as a whole.
        if self.items.is_empty() {
            self.items = other.items;
        } else {
            self.items.extend(other.items);
        }
        self.checked += other.checked;
        self.unlisted.add(other.unlisted);
        self.limits.extend(other.limits);
    }

    /// Returns the results so far.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Returns the number of results of each kind so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(&self.items, self.unlisted, self.limits.clone())
    }

    /// Adds the results of a sweep of orphans after those of the resources in the same region. It says more about the
    /// flow logs that both have seen, and counts no resource that the other has not counted.
    pub(crate) fn follow_up(&mut self, orphans: Self) {
        let is_same = |one: &Item, other: &Item| one.flow_log_id.is_some() && one.flow_log_id == other.flow_log_id;
        self.items.retain(|item| item.action.is_some() || !orphans.items.iter().any(|other| is_same(item, other)));
        // A list that could not be read is said once.
        let is_new = |other: &Item| {
            !self.items.iter().any(|item| item.reason == other.reason && item.resource_id == other.resource_id)
        };
        let items: Vec<_> = orphans.items.into_iter().filter(is_new).collect();
        self.items.extend(items);
        self.limits.extend(orphans.limits);
    }

    /// Whether no item is open and no limit refused a change.
    pub(crate) fn is_complete(&self) -> bool {
        self.limits.is_empty() && !self.items.iter().any(Item::is_open)
    }

    /// Returns the results, the summary, and the limits that refused changes.
    pub(super) fn finish(self) -> (Vec<Item>, Summary, Vec<String>) {
        let Self { items, unlisted, limits, .. } = self;
        let summary = Summary::of(&items, unlisted, limits.clone());
        (items, summary, limits)
    }
}

impl From<Vec<Item>> for ReportBuilder {
    fn from(items: Vec<Item>) -> Self {
        Self { items, ..Self::default() }
    }
}

impl From<Item> for ReportBuilder {
    fn from(item: Item) -> Self {
        vec![item].into()
    }
}

#[cfg(test)]
mod tests {
    use flow_log::Verdict;

    use super::*;
    use crate::testing;

    fn item(nth: usize, outcome: Outcome) -> Item {
        Item::of_resource(&testing::vpc(&format!("vpc-{nth}")), Verdict::Compliant, outcome, "it records")
    }

    /// A report with one more compliant resource than are listed.
    fn long() -> ReportBuilder {
        let mut builder = ReportBuilder::default();
        for nth in 0..=MAX_UNREMARKABLE {
            builder.add(item(nth, Outcome::Unchanged));
        }
        builder
    }

    #[test]
    fn unremarkable_resources_beyond_the_maximum_are_counted_and_not_listed() {
        let (items, summary, _) = long().finish();
        assert_eq!((items.len(), summary.unlisted), (MAX_UNREMARKABLE, 1));
        assert_eq!((summary.checked, summary.compliant), (MAX_UNREMARKABLE + 1, MAX_UNREMARKABLE + 1));
    }

    #[test]
    fn a_full_listing_leaves_nothing_out() {
        let mut builder = ReportBuilder::listing(Listing::Full);
        for nth in 0..2 * MAX_UNREMARKABLE {
            builder.add(item(nth, Outcome::Unchanged));
            builder.skip(item(nth, Outcome::Skipped));
        }
        let (items, summary, _) = builder.finish();
        assert_eq!((items.len(), summary.unlisted), (4 * MAX_UNREMARKABLE, 0));
    }

    #[test]
    fn findings_and_changes_are_listed_however_many_there_are() {
        let mut builder = long();
        builder.add(item(1000, Outcome::Skipped).finding());
        builder.add(item(1001, Outcome::Done));
        builder.add(item(1002, Outcome::Failed));
        let (items, summary, _) = builder.finish();
        assert_eq!((items.len(), summary.unlisted), (MAX_UNREMARKABLE + 3, 1));
        assert_eq!((summary.findings, summary.changed, summary.failed), (1, 1, 1));
    }

    #[test]
    fn a_retracted_result_counts_nowhere_whether_it_was_listed_or_not() {
        let listed = "vpc-0".parse().unwrap();
        let unlisted = format!("vpc-{MAX_UNREMARKABLE}").parse().unwrap();
        for (id, left) in [(&listed, (MAX_UNREMARKABLE - 1, 1)), (&unlisted, (MAX_UNREMARKABLE, 0))] {
            let mut builder = long();
            builder.retract(id, false);
            assert_eq!(builder.checked(), MAX_UNREMARKABLE);
            let (items, summary, _) = builder.finish();
            assert_eq!((items.len(), summary.unlisted), left, "{id}");
            assert_eq!((summary.checked, summary.compliant), (MAX_UNREMARKABLE, MAX_UNREMARKABLE), "{id}");
        }
    }

    #[test]
    fn a_resource_in_order_counts_the_same_whether_its_result_is_made_or_not() {
        for is_exception in [false, true] {
            let one = |nth| Item { is_exception, ..item(nth, Outcome::Unchanged) };
            let (mut made, mut not_made) = (ReportBuilder::default(), ReportBuilder::default());
            let mut times = 0;
            for nth in 0..2 * MAX_UNREMARKABLE {
                made.add(one(nth));
                not_made.add_in_order(is_exception, || {
                    times += 1;
                    one(nth)
                });
            }
            assert_eq!((made.checked(), times), (not_made.checked(), MAX_UNREMARKABLE));
            assert_eq!(made.finish(), not_made.finish());
        }
    }

    #[test]
    fn a_retracted_result_makes_room_for_another() {
        let mut builder = long();
        builder.retract(&"vpc-0".parse().unwrap(), false);
        builder.add(item(1000, Outcome::Unchanged));
        assert_eq!(builder.finish().0.len(), MAX_UNREMARKABLE);
    }

    #[test]
    fn parts_add_up() {
        let mut whole = long();
        let mut part = long();
        part.count_checked();
        part.count_unlisted();
        part.refuse((&"1".parse().unwrap(), &"cn-hangzhou".parse().unwrap()), "too many");
        assert!(whole.is_complete() && !part.is_complete());
        whole.extend(part);
        assert_eq!(whole.checked(), 2 * (MAX_UNREMARKABLE + 1) + 2);
        assert!(!whole.is_complete(), "a limit of a part is one of the whole");
        let (items, summary, limits) = whole.finish();
        assert_eq!((items.len(), summary.unlisted), (2 * MAX_UNREMARKABLE, 3));
        assert_eq!(limits, ["1 in cn-hangzhou: too many"]);
    }

    #[test]
    fn a_sweep_of_orphans_says_more_about_a_flow_log_than_the_sweep_before_it_and_repeats_nothing() {
        let about = |nth, flow_log: &str, reason: &str| Item {
            flow_log_id: flow_log.parse().ok(),
            reason: reason.to_owned(),
            ..item(nth, Outcome::Skipped)
        };
        let mut report = ReportBuilder::from(vec![about(1, "fl-1", "it is gone"), about(2, "fl-2", "it records")]);
        report.push(item(3, Outcome::Failed));
        let mut orphans = ReportBuilder::from(vec![about(1, "fl-1", "it is deleted"), item(3, Outcome::Failed)]);
        orphans.count_unlisted();
        report.follow_up(orphans);
        let (items, summary, _) = report.finish();
        let reasons: Vec<_> = items.iter().map(|item| item.reason.as_str()).collect();
        assert_eq!(reasons, ["it records", "it records", "it is deleted"]);
        assert_eq!((summary.checked, summary.failed), (3, 1));
    }

    #[test]
    fn results_are_sorted_by_resource_and_those_of_one_resource_keep_their_order() {
        let named = |nth, reason: &str| Item { reason: reason.to_owned(), ..item(nth, Outcome::Done) };
        let mut builder = ReportBuilder::from(vec![named(2, "a"), named(1, "deleted"), named(1, "created")]);
        builder.sort();
        let reasons: Vec<_> = builder.items.iter().map(|item| item.reason.as_str()).collect();
        assert_eq!(reasons, ["deleted", "created", "a"]);
    }
}
