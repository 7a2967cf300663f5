//! The number of results of each kind.

use std::collections::BTreeSet;

use flow_log::{Action, Verdict};
use serde::Serialize;

use super::{Item, Outcome};

/// The number of results of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Resources that were read.
    pub checked: usize,
    /// Resources that are as the policy wants them, or paused or left alone on purpose.
    pub compliant: usize,
    /// Changes that were made.
    pub changed: usize,
    /// Changes that a dry run would have made.
    pub planned: usize,
    /// Resources, changes and events that were left alone on purpose.
    pub skipped: usize,
    /// Attempts that failed.
    pub failed: usize,
    /// Resources whose state could not be read.
    pub unknown: usize,
    /// Work that ran out of time.
    pub unfinished: usize,
    /// Results that a person should look at, whatever the cause.
    pub findings: usize,
    /// Resources that are paused or left alone on purpose, by a tag, a schedule or the policy's `exclude`. They also
    /// count as compliant.
    pub exceptions: usize,
    /// Resources that the policy wants recorded and whose traffic is not known to be recorded and delivered after the
    /// run.
    pub uncovered: usize,
    /// The limits that refused changes, or that would have in a dry run: one sentence each, with the key to raise.
    pub limits: Vec<String>,
    /// Unremarkable resources that are only counted, because the report already lists many of them.
    #[serde(skip_serializing_if = "is_zero")]
    pub unlisted: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Resources that are counted but not listed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Unlisted {
    pub(super) resources: usize,
    pub(super) compliant: usize,
    pub(super) skipped: usize,
    pub(super) exceptions: usize,
}

impl Unlisted {
    pub(super) fn count(&mut self, item: &Item) {
        self.resources += 1;
        self.compliant += usize::from(item.is_compliant());
        self.skipped += usize::from(item.outcome == Outcome::Skipped);
        self.exceptions += usize::from(item.is_exception);
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.resources += other.resources;
        self.compliant += other.compliant;
        self.skipped += other.skipped;
        self.exceptions += other.exceptions;
    }
}

/// The key that identifies a resource.
const fn place(item: &Item) -> (&Option<String>, &Option<String>, &Option<String>) {
    (&item.account, &item.region, &item.resource_id)
}

impl Summary {
    pub(super) fn of(results: &[Item], unlisted: Unlisted, limits: Vec<String>) -> Self {
        let count = |is: &dyn Fn(&Item) -> bool| results.iter().filter(|item| is(item)).count();
        // A resource may have several results, so count distinct resources. A region that could not be read is not a
        // resource.
        let resources = |is: &dyn Fn(&Item) -> bool| {
            let is_counted = |item: &&Item| item.verdict.is_some() && item.resource_type.is_some() && is(item);
            let mut ids: Vec<_> = results.iter().filter(is_counted).map(place).collect();
            ids.sort_unstable();
            ids.dedup();
            ids.len()
        };
        // If a flow log was created after all, as after a rollback, an earlier failed attempt leaves nothing uncovered.
        let is_made = |item: &Item| item.action == Some(Action::CreateFlowLog) && item.outcome == Outcome::Done;
        let made: BTreeSet<_> = results.iter().filter(|item| is_made(item)).map(place).collect();
        let is_uncovered = |item: &Item| {
            item.is_uncovered()
                && !(matches!(item.verdict, Some(Verdict::Missing | Verdict::Unsupported))
                    && made.contains(&place(item)))
        };
        let outcome = |outcome| count(&|item| item.outcome == outcome);
        Self {
            checked: resources(&|_| true) + unlisted.resources,
            compliant: count(&Item::is_compliant) + unlisted.compliant,
            changed: outcome(Outcome::Done),
            planned: outcome(Outcome::Planned),
            skipped: outcome(Outcome::Skipped) + unlisted.skipped,
            failed: outcome(Outcome::Failed),
            unknown: count(&Item::is_unknown),
            unfinished: outcome(Outcome::Unfinished),
            findings: count(&|item| item.is_finding),
            exceptions: resources(&|item| item.is_exception) + unlisted.exceptions,
            uncovered: resources(&is_uncovered),
            limits,
            unlisted: unlisted.resources,
        }
    }
}
