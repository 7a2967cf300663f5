//! The changes that a person has approved. Nothing else is written.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::ChangeId;

/// The changes that a person has approved, and whether they still stand.
///
/// A change is approved by its id, which says from which state it leads to which. So a change that is decided anew, from
/// what was just read, is made only if it is exactly the one that was approved.
#[derive(Debug, Default)]
pub struct Approvals {
    approved: BTreeSet<ChangeId>,
    /// The resources of the changes; `None` if they are not known.
    resources: Option<BTreeSet<String>>,
    is_stopped: AtomicBool,
    /// How many writes are being made that must not be cut off.
    under_way: AtomicUsize,
}

impl Approvals {
    /// Approves these changes.
    pub fn of(approved: impl IntoIterator<Item = ChangeId>) -> Self {
        Self { approved: approved.into_iter().collect(), ..Self::default() }
    }

    /// Names the resources of the changes, by their ids: limits count what is approved, and not what else is wanted.
    #[must_use]
    pub fn on(self, resources: impl IntoIterator<Item = String>) -> Self {
        Self { resources: Some(resources.into_iter().collect()), ..self }
    }

    /// Makes no further write. A replacement whose first half was made is completed.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
    }

    /// Returns whether no write is being made. After [`Self::stop`], none follows.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) == 0
    }

    /// Returns why a change is not made, if it is not.
    pub(crate) fn objection(&self, id: &ChangeId) -> Option<Objection> {
        if !self.approved.contains(id) {
            return Some(Objection::NotInPlan);
        }
        self.is_stopped.load(Ordering::SeqCst).then_some(Objection::Stopped)
    }

    /// Returns whether a change to a resource may be approved.
    pub(crate) fn is_about(&self, resource_id: &str) -> bool {
        self.resources.as_ref().is_none_or(|resources| resources.contains(resource_id))
    }

    /// Marks a write as under way until the guard is dropped.
    pub(crate) fn begin(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        UnderWay(self)
    }
}

/// Why a change is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Objection {
    /// Nobody approved it.
    NotInPlan,
    /// The work was stopped before it.
    Stopped,
}

/// A write that is being made.
#[derive(Debug)]
pub(crate) struct UnderWay<'a>(&'a Approvals);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}
