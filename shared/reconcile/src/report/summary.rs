//! How many results there are of each kind.

use std::collections::BTreeSet;

use flow_log::{Action, Verdict};
use serde::Serialize;

use super::{Item, Outcome};

/// How many results there are of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Resources that were read.
    pub checked: usize,
    /// Resources that are as the policy wants them, or off or left alone on purpose.
    pub compliant: usize,
    /// Changes that were made.
    pub changed: usize,
    /// Changes that would have been made, but for a dry run.
    pub planned: usize,
    /// What was left as it is, on purpose.
    pub skipped: usize,
    /// What was tried and failed.
    pub failed: usize,
    /// What could not be read.
    pub unknown: usize,
    /// What there was no time for.
    pub unfinished: usize,
    /// What somebody should look at, whatever the cause.
    pub findings: usize,
    /// Resources that are off, or left alone, on purpose: by a tag, a schedule or the policy's `exclude`. They are among
    /// the compliant ones.
    pub exceptions: usize,
    /// Resources of which traffic that the policy wants is not known to be recorded and delivered after the run.
    pub uncovered: usize,
    /// The limits that refused changes, or would but for the dry run: a sentence each, with the key to raise.
    pub limits: Vec<String>,
    /// Resources that need nothing and are counted only, because the report already lists many such resources.
    #[serde(skip_serializing_if = "is_zero")]
    pub unlisted: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Resources that are only counted.
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

/// What tells one resource from another.
const fn place(item: &Item) -> (&Option<String>, &Option<String>, &Option<String>) {
    (&item.account, &item.region, &item.resource_id)
}

impl Summary {
    pub(super) fn of(results: &[Item], unlisted: Unlisted, limits: Vec<String>) -> Self {
        let count = |is: &dyn Fn(&Item) -> bool| results.iter().filter(|item| is(item)).count();
        // One resource may have several results. A region that could not be read is no resource.
        let resources = |is: &dyn Fn(&Item) -> bool| {
            let is_counted = |item: &&Item| item.verdict.is_some() && item.resource_type.is_some() && is(item);
            let mut ids: Vec<_> = results.iter().filter(is_counted).map(place).collect();
            ids.sort_unstable();
            ids.dedup();
            ids.len()
        };
        // Where the flow log was made after all, as it was before, an attempt that failed leaves nothing uncovered.
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
