//! The sweep of a region's resources.

use flow_log::{Action, Policy, Verdict};
use futures_util::FutureExt as _;

use super::{
    destinations_in_use::DestinationsInUse,
    evidence::Evidence,
    inventory::Inventory,
    judge::judge,
    own::OwnFlowLogs,
    replacements,
    run::{self, Sweep},
    superfluous,
    work::ResourceWork,
};
use crate::{
    Item, Outcome, Selection, claims::Claims, converge::Converger, decision::Subject, limits::Withheld,
    report::ReportBuilder,
};

/// Reads the region of the session, and brings its resources to their desired state. Only a sweep of everything `by_timer`
/// may replace, because it runs again, and tells which resources an event should have announced before.
///
/// Leaves in `own` what a sweep of orphans after it would have to read again; nothing if that could not be read.
pub(crate) async fn sweep(
    converger: &Converger<'_>,
    claims: &Claims,
    by_timer: bool,
    own: &mut Option<OwnFlowLogs>,
) -> ReportBuilder {
    let may_replace =
        by_timer && allows_replacing(converger.policy) && converger.capabilities.may(Action::DeleteFlowLog);
    // In a dry run, the function that reacts to events creates nothing either. For a person, there may be no function.
    let is_function = converger.capabilities.selects == Selection::Resources;
    let expects_events = by_timer && is_function && !converger.writer.is_dry_run();
    let (evidence, destinations, stuck) = (Evidence::default(), DestinationsInUse::default(), Vec::new());
    run::run(ResourceSweep { converger, claims, may_replace, expects_events, evidence, destinations, stuck, own }).await
}

/// Whether the policy allows replacements. A replacement repairs drift. If it is cut off, only the repair of a missing
/// flow log restores recording.
const fn allows_replacing(policy: &Policy) -> bool {
    policy.replace && policy.remediate.drifted && policy.remediate.missing
}

struct ResourceSweep<'a> {
    converger: &'a Converger<'a>,
    claims: &'a Claims,
    may_replace: bool,
    expects_events: bool,
    evidence: Evidence,
    destinations: DestinationsInUse,
    /// The resources whose flow log should have left a transitional state long ago.
    stuck: Vec<Subject>,
    own: &'a mut Option<OwnFlowLogs>,
}

impl Sweep for ResourceSweep<'_> {
    type Work = ResourceWork;

    fn converger(&self) -> &Converger<'_> {
        self.converger
    }

    async fn assess(&mut self, report: &mut ReportBuilder) -> Vec<ResourceWork> {
        let Some(mut inventory) = Inventory::read(self.converger, report).await else { return Vec::new() };
        *self.own = inventory.own.take();
        self.evidence = std::mem::take(&mut inventory.evidence);
        self.destinations = std::mem::take(&mut inventory.destinations);
        superfluous::report(self.converger, &inventory, report).await;
        let (may_replace, expects_events) = (self.may_replace, self.expects_events);
        let destinations = &mut self.destinations;
        let (work, stuck) = judge(self.converger, inventory, may_replace, destinations, expects_events, report);
        self.stuck = stuck;
        work
    }

    fn claim(&self, work: &ResourceWork) -> bool {
        let session = self.converger.session;
        self.claims.claim((session.account(), session.region()), work.subject.resource.id.as_str())
    }

    async fn apply(&self, work: ResourceWork, withheld: Withheld) -> Vec<Item> {
        self.converger.converge(&work.subject, work.observed, withheld).await
    }

    /// Replaces flow logs, completes what they write to, and reads again those that were still changing their state.
    async fn finish(self, waiting: Vec<ResourceWork>, report: &mut ReportBuilder) {
        let not_created = report.items.iter().find(|item| is_creation_not_made(item)).map(|item| {
            let id = item.resource_id.as_deref().unwrap_or_default();
            format!("the flow log of {id} was not created in this run")
        });
        let replacements =
            replacements::replace(self.converger, waiting, self.evidence, not_created, &mut report.items);
        replacements.boxed().await;
        if self.converger.writer.may(Action::CreateIndex) {
            report.items.extend(self.destinations.keep(self.converger).boxed().await);
        }
        for subject in self.stuck {
            let items = self.converger.converge(&subject, None, Withheld::default()).await;
            report.items.extend(items.into_iter().map(second_look));
        }
    }
}

/// Whether the item is about a flow log that should have been created in this run, and was not.
fn is_creation_not_made(item: &Item) -> bool {
    let is_made = matches!(item.outcome, Outcome::Done | Outcome::Planned | Outcome::Unchanged);
    // A creation that the policy's `remediate` leaves out is not even tried.
    let is_left_out = item.action.is_none() && item.verdict == Some(Verdict::Missing);
    (item.action == Some(Action::CreateFlowLog) || is_left_out) && !is_made
}

/// Makes a finding of a flow log that was created long ago and is still changing its state.
fn second_look(item: Item) -> Item {
    if item.verdict != Some(Verdict::Pending) || item.action.is_some() {
        return item;
    }
    let reason = format!("{}, and has been for more than an hour; look at it in the VPC console", item.reason);
    Item { reason, outcome: Outcome::Skipped, ..item }.finding()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_creation_that_failed_or_was_left_out_forbids_replacements() {
        let item = |verdict, action, outcome| Item {
            action,
            ..Item::of_resource(&testing::vpc("vpc-1"), verdict, outcome, "a reason")
        };
        let create = Some(Action::CreateFlowLog);
        for (verdict, action, outcome, expected) in [
            (Verdict::Missing, create, Outcome::Failed, true),
            (Verdict::Missing, create, Outcome::Unfinished, true),
            (Verdict::Missing, create, Outcome::Skipped, true),
            (Verdict::Missing, None, Outcome::Skipped, true),
            (Verdict::Missing, create, Outcome::Done, false),
            (Verdict::Missing, create, Outcome::Planned, false),
            (Verdict::Inactive, Some(Action::ActiveFlowLog), Outcome::Failed, false),
            (Verdict::Drifted, None, Outcome::Skipped, false),
        ] {
            let item = item(verdict, action, outcome);
            assert_eq!(is_creation_not_made(&item), expected, "{item:?}");
        }
    }

    #[test]
    fn replacing_needs_the_policys_word_and_both_repairs() {
        for (lines, expected) in [
            ("replace: true", true),
            ("replace: false", false),
            ("replace: true\nremediate: [drifted, missing]", true),
            ("replace: true\nremediate: [drifted, inactive]", false),
            ("replace: true\nremediate: [missing, inactive]", false),
        ] {
            assert_eq!(allows_replacing(&testing::policy(lines)), expected, "{lines}");
        }
    }
}
