//! The number of results of each kind.

use flow_log::{Action, Verdict, one_by_one};
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
    /// Resources without a flow log that an event should have announced before this sweep, and seems not to have. Left
    /// out if there are none.
    #[serde(skip_serializing_if = "is_zero")]
    pub unannounced: usize,
    /// The limits that refused changes, or that would have in a dry run: one sentence each, with the key to raise.
    pub limits: Vec<String>,
    /// Unremarkable resources, and accounts that are left out, that are only counted, because the report already lists
    /// many of them.
    #[serde(skip_serializing_if = "is_zero")]
    pub unlisted: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Resources and accounts that are counted but not listed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Unlisted {
    pub(super) resources: usize,
    pub(super) accounts: usize,
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

    /// Counts an account that is left out.
    pub(super) const fn count_skipped(&mut self) {
        self.accounts += 1;
        self.skipped += 1;
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.resources += other.resources;
        self.accounts += other.accounts;
        self.compliant += other.compliant;
        self.skipped += other.skipped;
        self.exceptions += other.exceptions;
    }
}

/// The key that identifies a resource.
const fn resource_key(item: &Item) -> (&Option<String>, &Option<String>, &Option<String>) {
    (&item.account, &item.region, &item.resource_id)
}

impl Summary {
    pub(super) fn of(results: &[Item], unlisted: Unlisted, limits: Vec<String>) -> Self {
        let count = |is: &dyn Fn(&Item) -> bool| results.iter().filter(|item| is(item)).count();
        // A resource may have several results, so count distinct resources. A region that could not be read is not a
        // resource.
        let resources = |is: &dyn Fn(&Item) -> bool| {
            let is_counted = |item: &&Item| item.verdict.is_some() && item.resource_type.is_some() && is(item);
            one_by_one::set(results.iter().filter(is_counted).map(resource_key)).len()
        };
        // If a flow log was created after all, as after a rollback, an earlier failed attempt leaves nothing uncovered.
        let is_made = |item: &Item| item.action == Some(Action::CreateFlowLog) && item.outcome == Outcome::Done;
        let made = one_by_one::set(results.iter().filter(|item| is_made(item)).map(resource_key));
        let is_uncovered = |item: &Item| {
            item.is_uncovered()
                && !(matches!(item.verdict, Some(Verdict::Missing | Verdict::Unsupported))
                    && made.contains(&resource_key(item)))
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
            unannounced: resources(&|item| item.is_unannounced),
            limits,
            unlisted: unlisted.resources + unlisted.accounts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn item(id: &str, verdict: Verdict, outcome: Outcome) -> Item {
        Item::of_resource(&testing::vpc(id), verdict, outcome, "a reason")
    }

    fn with_action(action: Action, item: Item) -> Item {
        Item { action: Some(action), ..item }
    }

    fn summary(results: &[Item]) -> Summary {
        Summary::of(results, Unlisted::default(), Vec::new())
    }

    #[test]
    fn each_outcome_has_its_count() {
        let outcomes = [
            Outcome::Done,
            Outcome::Planned,
            Outcome::Planned,
            Outcome::Skipped,
            Outcome::Failed,
            Outcome::Unfinished,
            Outcome::Unchanged,
        ];
        let results: Vec<_> = outcomes.iter().map(|outcome| item("vpc-1", Verdict::Drifted, *outcome)).collect();
        let sums = summary(&results);
        let counts = (sums.changed, sums.planned, sums.skipped, sums.failed, sums.unfinished);
        assert_eq!(counts, (1, 2, 1, 1, 1));
    }

    #[test]
    fn a_resource_with_several_results_is_checked_once_and_a_region_is_no_resource() {
        let deleted = with_action(Action::DeleteFlowLog, item("vpc-1", Verdict::Drifted, Outcome::Done));
        let created = with_action(Action::CreateFlowLog, item("vpc-1", Verdict::Drifted, Outcome::Done));
        let region = Item { verdict: Some(Verdict::Unknown), ..Item::new(Outcome::Failed, "not read") };
        let other = item("vpc-2", Verdict::Compliant, Outcome::Unchanged);
        let sums = summary(&[deleted, created, region, other]);
        assert_eq!((sums.checked, sums.changed, sums.unknown), (2, 2, 1));
    }

    #[test]
    fn the_same_id_in_another_region_is_another_resource() {
        let here = item("vpc-1", Verdict::Compliant, Outcome::Unchanged);
        let there = Item { region: Some("cn-shanghai".to_owned()), ..here.clone() };
        assert_eq!(summary(&[here, there]).checked, 2);
    }

    #[test]
    fn paused_and_excluded_resources_are_exceptions_and_compliant() {
        let exception = |verdict| Item { is_exception: true, ..item("vpc-1", verdict, Outcome::Unchanged) };
        for verdict in [Verdict::Paused, Verdict::Excluded] {
            let sums = summary(&[exception(verdict)]);
            assert_eq!((sums.compliant, sums.exceptions), (1, 1), "{verdict}");
        }
        let unasked = item("vpc-1", Verdict::Excluded, Outcome::Skipped);
        assert_eq!(summary(&[unasked]).compliant, 0, "excluded, but not on purpose");
    }

    #[test]
    fn a_finding_is_not_compliant() {
        let sums = summary(&[item("vpc-1", Verdict::Compliant, Outcome::Unchanged).finding()]);
        assert_eq!((sums.findings, sums.compliant), (1, 0));
    }

    #[test]
    fn a_resource_is_uncovered_until_its_repair_is_made() {
        for verdict in [Verdict::Missing, Verdict::Inactive, Verdict::Undelivered, Verdict::Unknown] {
            for (outcome, expected) in
                [(Outcome::Failed, 1), (Outcome::Skipped, 1), (Outcome::Planned, 1), (Outcome::Done, 0)]
            {
                assert_eq!(summary(&[item("vpc-1", verdict, outcome)]).uncovered, expected, "{verdict} {outcome:?}");
            }
        }
        for verdict in [Verdict::Compliant, Verdict::Paused, Verdict::Drifted, Verdict::Foreign, Verdict::Excluded] {
            assert_eq!(summary(&[item("vpc-1", verdict, Outcome::Skipped)]).uncovered, 0, "{verdict}");
        }
    }

    #[test]
    fn a_resource_that_never_can_have_a_flow_log_is_not_uncovered_and_one_whose_flow_log_was_refused_is() {
        let never = item("vpc-1", Verdict::Unsupported, Outcome::Skipped);
        assert_eq!(summary(std::slice::from_ref(&never)).uncovered, 0);
        assert_eq!(summary(&[with_action(Action::CreateFlowLog, never)]).uncovered, 1);
    }

    #[test]
    fn a_creation_that_succeeds_after_a_failed_one_leaves_nothing_uncovered() {
        let failed = with_action(Action::CreateFlowLog, item("vpc-1", Verdict::Missing, Outcome::Failed));
        let rolled_back = with_action(Action::CreateFlowLog, item("vpc-1", Verdict::Drifted, Outcome::Done));
        assert_eq!(summary(&[failed.clone(), rolled_back.clone()]).uncovered, 0);
        let other = Item { resource_id: Some("vpc-2".to_owned()), ..rolled_back };
        assert_eq!(summary(&[failed, other]).uncovered, 1, "it was created on another resource");
    }

    #[test]
    fn a_resource_that_no_event_announced_counts_once_whatever_became_of_its_flow_log() {
        let hinting = |id, outcome| Item { is_unannounced: true, ..item(id, Verdict::Missing, outcome) };
        let items = [
            hinting("vpc-1", Outcome::Failed),
            hinting("vpc-1", Outcome::Done),
            hinting("vpc-2", Outcome::Skipped),
            item("vpc-3", Verdict::Missing, Outcome::Done),
        ];
        let sums = summary(&items);
        assert_eq!((sums.unannounced, sums.changed), (2, 2));
        let wire = |of: &Summary| serde_json::to_value(of).unwrap().get("unannounced").cloned();
        assert_eq!(wire(&sums), Some(2.into()));
        assert_eq!(wire(&summary(&items[3..])), None, "left out if there are none");
    }

    #[test]
    fn unlisted_resources_count_as_what_they_are() {
        let mut unlisted = Unlisted::default();
        unlisted.count(&item("vpc-1", Verdict::Compliant, Outcome::Unchanged));
        unlisted.count(&Item { is_exception: true, ..item("vpc-2", Verdict::Excluded, Outcome::Skipped) });
        let listed = item("vpc-3", Verdict::Compliant, Outcome::Unchanged);
        let sums = Summary::of(&[listed], unlisted, Vec::new());
        assert_eq!((sums.checked, sums.compliant, sums.skipped), (3, 3, 1));
        assert_eq!((sums.exceptions, sums.unlisted), (1, 2));
    }
}
