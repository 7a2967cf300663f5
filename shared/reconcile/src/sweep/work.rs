//! The work of a sweep on one resource.

use flow_log::{Action, Change, FlowLog, FlowLogSpec};
use openapi::Session;

use super::run::Work;
use crate::{
    Item, Outcome,
    decision::{Decision, Subject},
    items,
    limits::{Withheld, is_risky},
};

/// A resource that is changed, or read again before that is decided.
#[derive(Debug)]
pub(super) struct ResourceWork {
    pub(super) subject: Subject,
    /// The flow logs that were read on it, its vSwitch and its VPC; `None` if they must be read again before anything can
    /// be decided.
    pub(super) observed: Option<Vec<FlowLog>>,
    pub(super) decision: Decision,
    /// Whether what is known so far requires a change that can take recording away.
    is_risky: bool,
    /// Whether it requires a new flow log.
    is_creation: bool,
}

impl ResourceWork {
    /// Creates work from the flow logs that were observed.
    pub(super) fn new(subject: Subject, observed: Vec<FlowLog>, decision: Decision) -> Self {
        let governed_by = decision.governed_by();
        let is_replaced = decision.plan.needs_replacement;
        let is_risky = is_replaced || decision.changes.iter().any(|change| is_risky(change, governed_by));
        let is_creation = decision.changes.iter().any(|change| matches!(change, Change::Create(_)));
        Self { subject, observed: Some(observed), decision, is_risky, is_creation }
    }

    /// Defers the decision until the flow logs have been read again. The limits count what it requires now.
    pub(super) fn deferred(self) -> Self {
        let decision = Decision { changes: Vec::new(), ..self.decision };
        Self { observed: None, decision, ..self }
    }

    /// Returns the spec of the flow log that replaces the current one, if one does.
    pub(super) fn replacement(&self) -> Option<&FlowLogSpec> {
        let desired = self.decision.desired.as_ref().filter(|_| self.decision.plan.needs_replacement)?;
        Some(&desired.spec)
    }
}

impl Work for ResourceWork {
    fn resource_id(&self) -> &str {
        self.subject.resource.id.as_str()
    }

    fn is_risky(&self) -> bool {
        self.is_risky
    }

    fn is_creation(&self) -> bool {
        self.is_creation
    }

    fn waits(&self) -> bool {
        self.decision.plan.needs_replacement
    }

    fn withhold(mut self, withheld: Withheld, _: &Session<'_>, items: &mut Vec<Item>) -> Option<Self> {
        let Decision { plan, changes, desired, is_unannounced, .. } = &mut self.decision;
        let item = Item::of_resource(&self.subject.resource, plan.verdict, Outcome::Skipped, plan.reason.clone());
        let item = Item { is_unannounced: *is_unannounced, ..item };
        let governed_by = desired.as_ref().map(|desired| &desired.governed_by);
        changes.retain(|change| match withheld.objection(change, governed_by) {
            None => true,
            Some(why) => {
                let suffix = format!("; {why}");
                items.push(items::not_applied(item.clone(), change.action(), change.flow_log(), &suffix));
                false
            }
        });
        if withheld.risky && std::mem::take(&mut plan.needs_replacement) {
            let suffix = "; not replaced, as the sweep would change too much";
            items.push(items::not_applied(item, Action::DeleteFlowLog, plan.flow_log.as_ref(), suffix));
        }
        let is_left = self.observed.is_none() || !changes.is_empty() || plan.needs_replacement;
        is_left.then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use flow_log::{FlowLogUpdate, Plan, Verdict};

    use super::*;
    use crate::testing;

    fn work(changes: Vec<Change>, needs_replacement: bool) -> ResourceWork {
        let plan = Plan {
            verdict: Verdict::Drifted,
            changes: changes.clone(),
            converges: true,
            is_exception: false,
            needs_replacement,
            reason: "it differs".to_owned(),
            flow_log: Some("fl-1".parse().unwrap()),
        };
        let decision =
            Decision { plan, changes, out_of_scope: false, withheld: None, desired: None, is_unannounced: false };
        ResourceWork::new(
            Subject { resource: testing::vpc("vpc-1"), vpc: None, unannounced: None },
            Vec::new(),
            decision,
        )
    }

    fn withhold(work: ResourceWork, withheld: Withheld) -> (Option<ResourceWork>, Vec<Item>) {
        let client = testing::client_of(1);
        let mut items = Vec::new();
        let left = work.withhold(withheld, &testing::session(&client), &mut items);
        (left, items)
    }

    const RISKY: Withheld = Withheld { risky: true, creations: false };

    #[test]
    fn limits_count_replacements_and_modifications_as_risky_and_creations_apart() {
        let id: flow_log::FlowLogId = "fl-1".parse().unwrap();
        let modify = Change::Modify(id.clone(), FlowLogUpdate::default());
        let create = Change::Create(Box::new(testing::spec()));
        for (name, work, expected) in [
            ("an activation", work(vec![Change::Activate(id.clone())], false), (false, false)),
            ("a modification", work(vec![Change::Activate(id.clone()), modify], false), (true, false)),
            ("a deactivation", work(vec![Change::Deactivate(id)], false), (true, false)),
            ("a replacement", work(vec![], true), (true, false)),
            ("a creation", work(vec![create], false), (false, true)),
        ] {
            assert_eq!((work.is_risky(), work.is_creation()), expected, "{name}");
            let deferred = work.deferred();
            assert_eq!((deferred.is_risky(), deferred.is_creation()), expected, "{name}, to be read again");
        }
    }

    #[test]
    fn a_refused_change_is_reported_and_the_others_go_on() {
        let id: flow_log::FlowLogId = "fl-1".parse().unwrap();
        let changes = vec![Change::Activate(id.clone()), Change::Modify(id, FlowLogUpdate::default())];
        let (left, items) = withhold(work(changes, false), RISKY);
        let left = left.unwrap();
        assert_eq!(left.decision.changes.iter().map(Change::action).collect::<Vec<_>>(), [Action::ActiveFlowLog]);
        let [item] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!((item.action, item.outcome), (Some(Action::ModifyFlowLogAttribute), Outcome::Skipped));
        assert_eq!(item.reason, "it differs; not done, as the sweep would change too much");
        assert!(item.is_finding);
    }

    #[test]
    fn a_refused_replacement_is_reported_and_nothing_is_left() {
        let (left, items) = withhold(work(vec![], true), RISKY);
        assert!(left.is_none());
        let [item] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!(item.action, Some(Action::DeleteFlowLog));
        assert_eq!(item.reason, "it differs; not replaced, as the sweep would change too much");
    }

    #[test]
    fn work_that_must_be_read_again_is_left_although_a_limit_refuses_what_is_known_so_far() {
        let id: flow_log::FlowLogId = "fl-1".parse().unwrap();
        let deferred = work(vec![Change::Modify(id, FlowLogUpdate::default())], false).deferred();
        let (left, items) = withhold(deferred, RISKY);
        assert!(left.is_some_and(|left| left.observed.is_none()));
        assert_eq!(items, [], "the decision is made after the next read");
    }
}
