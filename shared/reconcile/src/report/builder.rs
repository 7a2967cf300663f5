//! Collects the results of one target or of several.

use flow_log::ResourceId;
use openapi::Session;

use super::{Item, Outcome, Summary, summary::Unlisted};

/// How many unremarkable resources are listed per region. Further ones are only counted, so that the report and its
/// memory stay small.
const MAX_UNREMARKABLE: usize = 200;

/// Collects results.
#[derive(Debug, Default)]
pub(crate) struct ReportBuilder {
    pub(crate) items: Vec<Item>,
    /// The number of resources that were judged.
    checked: usize,
    /// How many of the items are about unremarkable resources.
    unremarkable: usize,
    unlisted: Unlisted,
    /// The limits that refused changes.
    limits: Vec<String>,
}

impl ReportBuilder {
    /// Adds the result of a resource that is not changed.
    pub(crate) fn add(&mut self, item: Item) {
        self.checked += 1;
        let is_unremarkable = matches!(item.outcome, Outcome::Unchanged | Outcome::Skipped) && !item.is_finding;
        if is_unremarkable && self.unremarkable >= MAX_UNREMARKABLE {
            self.unlisted.count(&item);
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

    /// Records that a limit refused changes in the region of the session, and why.
    pub(crate) fn refuse(&mut self, session: &Session<'_>, why: &str) {
        self.limits.push(format!("{} in {}: {why}", session.account(), session.region()));
    }

    /// Sorts the items, so that their order does not depend on which call was answered first.
    pub(crate) fn sort(&mut self) {
        self.items.sort_by(|one, other| one.resource_id.cmp(&other.resource_id));
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.items.extend(other.items);
        self.checked += other.checked;
        self.unlisted.add(other.unlisted);
        self.limits.extend(other.limits);
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
