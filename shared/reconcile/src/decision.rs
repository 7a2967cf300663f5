//! Decides which changes a function makes to a resource. Nothing here performs I/O.

use flow_log::{
    Change, Desired, DesiredFlowLog, FlowLog, FlowLogId, FlowLogSpec, GovernedBy, Plan, Policy, Resource, Status,
    Verdict, desired, plan,
};
use jiff::Timestamp;

use crate::{Capabilities, Item, Listing, ObservedFlowLog, Outcome, Selection, items, limits::Withheld};

/// A resource, with its VPC if the VPC's tags decide about its level.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) resource: Resource,
    /// Its VPC, if that was read.
    pub(crate) vpc: Option<Resource>,
    /// When it was created, if an event should have announced it since, and seems not to have.
    pub(crate) unannounced: Option<Timestamp>,
}

/// What to do about a resource.
#[derive(Debug, Clone)]
pub(crate) struct Decision {
    pub(crate) plan: Plan<Change>,
    /// The changes of the plan that this function makes now.
    pub(crate) changes: Vec<Change>,
    /// Whether the function does not handle this resource at all.
    pub(crate) out_of_scope: bool,
    /// Why some of the plan's changes are left out, if they are.
    pub(crate) withheld: Option<String>,
    /// The flow log that the resource should have, if any.
    pub(crate) desired: Option<Box<DesiredFlowLog>>,
    /// Whether an event should have led to the missing flow log, and seems not to have.
    pub(crate) is_unannounced: bool,
}

/// The next step for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing is left to write.
    Finished,
    /// A dry run: the changes are only reported.
    Report,
    /// The flow log is changing its state, or does not show the latest change yet. It is read again.
    Wait,
    /// The changes are made.
    Write,
}

impl Decision {
    /// Returns what decides whether the flow log is on, if one is desired.
    pub(crate) fn governed_by(&self) -> Option<&GovernedBy> {
        self.desired.as_ref().map(|desired| &desired.governed_by)
    }

    /// Whether the resource needs no change and no finding.
    pub(crate) fn is_in_order(&self) -> bool {
        let plan = &self.plan;
        matches!(plan.verdict, Verdict::Compliant | Verdict::Paused) && plan.changes.is_empty() && plan.converges
    }

    /// Adds to the reason for a missing flow log that an event should have announced its resource, given when that was
    /// created. This is a hint: the policy may have changed since, or somebody may have deleted the flow log.
    pub(crate) fn hinting_at(mut self, unannounced: Option<Timestamp>) -> Self {
        let is_missing = self.plan.verdict == Verdict::Missing;
        if let Some(created) = unannounced.filter(|_| is_missing) {
            let hint = "it seems that no event announced it, or that its event failed";
            self.plan.reason.push_str(&format!("; it was created at {created}, and {hint}"));
            self.is_unannounced = true;
        }
        self
    }

    /// Returns the next step after this decision from the latest read. `made` are the changes that were made before it.
    pub(crate) fn next_step(&self, dry_run: bool, made: &[Change]) -> Step {
        match self.changes.first() {
            None => Step::Finished,
            Some(_) if dry_run => Step::Report,
            Some(_) if self.plan.verdict == Verdict::Pending => Step::Wait,
            Some(first) if made.contains(first) => Step::Wait,
            Some(_) => Step::Write,
        }
    }

    /// Returns the flow log that the verdict is about, as it was read.
    pub(crate) fn observed(&self, observed: &[FlowLog], listing: Listing) -> Option<Box<ObservedFlowLog>> {
        let id = self.plan.flow_log.as_ref().filter(|_| listing == Listing::Full)?;
        observed.iter().find(|flow_log| flow_log.id == *id).map(|flow_log| Box::new(flow_log.into()))
    }

    /// Returns the result for a resource that is not changed.
    pub(crate) fn into_item(self, resource: &Resource, observed: &[FlowLog], listing: Listing) -> Item {
        let item = Item::of_resource(resource, self.plan.verdict, Outcome::Unchanged, "");
        let observed = self.observed(observed, listing);
        let item = Item { observed, is_unannounced: self.is_unannounced, ..item };
        items::unchanged(item, self.plan, self.withheld.as_deref())
    }
}

/// Decides for one function at one time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decider<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) capabilities: Capabilities,
    pub(crate) now: Timestamp,
}

impl Decider<'_> {
    /// Decides what this function does about the resource. `observed` are the flow logs on it, its vSwitch and its VPC.
    pub(crate) fn decide(
        &self,
        resource: &Resource,
        vpc: Option<&Resource>,
        observed: &[FlowLog],
        withheld: Withheld,
    ) -> Decision {
        let desired = desired(resource, vpc, self.policy, self.now);
        let mut plan = plan(resource, observed, &desired, self.policy.foreign);
        let out_of_scope = self.is_out_of_scope(&desired);
        let flow_log = match desired {
            Desired::FlowLog(flow_log) => Some(flow_log),
            _ => None,
        };
        let governed_by = flow_log.as_ref().map(|flow_log| &flow_log.governed_by);
        let (mut changes, mut why) = (Vec::new(), None);
        if plan.needs_replacement
            && let Some(word) = self.word_that_replacing_lacks()
        {
            plan.needs_replacement = false;
            why = self
                .policy
                .replace
                .then(|| format!("it is not replaced, as the policy's remediate does not list {word}"));
        }
        for change in plan.changes.iter().filter(|_| !out_of_scope) {
            match self.objection(change, plan.verdict, governed_by, withheld) {
                None => changes.push(change.clone()),
                Some(objection) => why = why.or(Some(objection)),
            }
        }
        Decision { plan, changes, out_of_scope, withheld: why, desired: flow_log, is_unannounced: false }
    }

    /// Decides how to create a flow log with this spec in place of the flow log `deleted`, as soon as no other one blocks
    /// it. The policy's `remediate` does not count, because there was a flow log before.
    pub(crate) fn decide_successor(
        &self,
        resource: &Resource,
        spec: &FlowLogSpec,
        deleted: &FlowLogId,
        observed: &[FlowLog],
    ) -> Decision {
        let flow_log = DesiredFlowLog { spec: spec.clone(), is_on: true, governed_by: GovernedBy::Always, note: None };
        // A list may still show a deleted flow log for a while.
        let mut observed = observed.to_vec();
        for it in observed.iter_mut().filter(|it| it.id == *deleted) {
            it.status = Status::Deleting;
        }
        let desired = Desired::FlowLog(Box::new(flow_log.clone()));
        let mut plan = plan(resource, &observed, &desired, self.policy.foreign);
        plan.changes.retain(|change| matches!(change, Change::Create(_)));
        Decision {
            changes: plan.changes.clone(),
            plan,
            out_of_scope: false,
            withheld: None,
            desired: Some(Box::new(flow_log)),
            is_unannounced: false,
        }
    }

    /// Whether this function does not handle a resource with this desired state.
    fn is_out_of_scope(&self, desired: &Desired) -> bool {
        let is_scheduled = match desired {
            Desired::OtherLevel(_) => return true,
            Desired::FlowLog(flow_log) => flow_log.governed_by != GovernedBy::Always,
            // A schedule may govern it.
            Desired::Unknown { .. } => true,
            Desired::Excluded { .. } | Desired::Invalid { .. } => false,
        };
        self.capabilities.selects == Selection::Scheduled && !is_scheduled
    }

    /// Returns the word that a replacement needs in the policy's `remediate` and that is not listed. It needs both
    /// words: if a run is cut off between deletion and creation, the next one has to create the missing flow log.
    fn word_that_replacing_lacks(&self) -> Option<&'static str> {
        let allowed = self.policy.remediate;
        [(allowed.drifted, "drifted"), (allowed.missing, "missing")]
            .into_iter()
            .find_map(|(is_listed, word)| (self.capabilities.repairs && !is_listed).then_some(word))
    }

    /// Returns why a change is not made now, if it is not.
    fn objection(
        &self,
        change: &Change,
        verdict: Verdict,
        governed_by: Option<&GovernedBy>,
        withheld: Withheld,
    ) -> Option<String> {
        let action = change.action();
        if !self.capabilities.may(action) {
            return Some(items::may_not_call(action));
        }
        // A change to an excluded resource is no repair.
        if self.capabilities.repairs
            && verdict != Verdict::Excluded
            && let Some(word) = word_that_repair_lacks(change, self.policy)
        {
            return Some(format!("{action} is left out, as the policy's remediate does not list {word}"));
        }
        withheld.objection(change, governed_by)
    }
}

/// Returns the word that a repair needs in the policy's `remediate` and that is not listed.
fn word_that_repair_lacks(change: &Change, policy: &Policy) -> Option<&'static str> {
    let allowed = policy.remediate;
    match change {
        // A flow log that is gone, or about to be, is missing.
        Change::Create(_) => (!allowed.missing).then_some("missing"),
        Change::Activate(_) => (!allowed.inactive).then_some("inactive"),
        Change::Modify(..) | Change::Move(..) | Change::Tag(..) => (!allowed.drifted).then_some("drifted"),
        // A schedule or tag asks for it, so it is not a repair.
        Change::Deactivate(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use flow_log::{Action, ObservedTags};

    use super::*;
    use crate::testing;

    const VERDICTS: [Verdict; 13] = [
        Verdict::Compliant,
        Verdict::Missing,
        Verdict::Inactive,
        Verdict::Paused,
        Verdict::DueToPause,
        Verdict::Drifted,
        Verdict::Foreign,
        Verdict::Orphaned,
        Verdict::Undelivered,
        Verdict::Pending,
        Verdict::Excluded,
        Verdict::Unsupported,
        Verdict::Unknown,
    ];

    fn decision(verdict: Verdict, changes: Vec<Change>) -> Decision {
        let plan = Plan {
            verdict,
            changes: changes.clone(),
            needs_replacement: false,
            flow_log: None,
            reason: String::new(),
            converges: true,
            is_exception: false,
        };
        Decision { plan, changes, out_of_scope: false, withheld: None, desired: None, is_unannounced: false }
    }

    fn activation() -> Change {
        Change::Activate("fl-1".parse().unwrap())
    }

    /// A function that may make every write.
    const REMEDIATES: Capabilities =
        Capabilities { function: "a-function", selects: Selection::Resources, actions: &Action::ALL, repairs: true };

    fn decide(capabilities: Capabilities, lines: &str, resource: &Resource, observed: &[FlowLog]) -> Decision {
        let policy = testing::policy(lines);
        let decider = Decider { policy: &policy, capabilities, now: testing::now() };
        decider.decide(resource, None, observed, Withheld::default())
    }

    fn actions(decision: &Decision) -> Vec<Action> {
        decision.changes.iter().map(Change::action).collect()
    }

    fn tagged(resource: Resource, key: &str, value: &str) -> Resource {
        let mut tags = ObservedTags::new();
        tags.insert(key.to_owned(), value.to_owned());
        Resource { tags: Some(tags), ..resource }
    }

    #[test]
    fn the_next_step_follows_from_the_changes_the_dry_run_and_the_verdict() {
        let change = activation;
        for verdict in VERDICTS {
            for dry_run in [false, true] {
                for changes in [vec![], vec![change()], vec![change(), change()]] {
                    let expected = match (changes.is_empty(), dry_run, verdict) {
                        (true, _, _) => Step::Finished,
                        (false, true, _) => Step::Report,
                        (false, false, Verdict::Pending) => Step::Wait,
                        (false, false, _) => Step::Write,
                    };
                    let decision = decision(verdict, changes);
                    assert_eq!(decision.next_step(dry_run, &[]), expected, "{decision:?}, dry run: {dry_run}");
                }
            }
        }
    }

    #[test]
    fn a_change_that_was_just_made_is_not_made_again_before_the_state_shows_it() {
        let (first, second) = (activation(), Change::Deactivate("fl-1".parse().unwrap()));
        let decision = decision(Verdict::Inactive, vec![first.clone(), second.clone()]);
        assert_eq!(decision.next_step(false, std::slice::from_ref(&first)), Step::Wait);
        assert_eq!(decision.next_step(false, &[second]), Step::Write, "only the first change is next");
        assert_eq!(decision.next_step(true, &[first]), Step::Report);
    }

    #[test]
    fn only_the_reason_for_a_missing_flow_log_hints_at_an_event_that_did_not_come() {
        let created: Timestamp = "2026-11-20T09:30:00Z".parse().unwrap();
        for verdict in VERDICTS {
            let plain = decision(verdict, vec![activation()]).hinting_at(None);
            assert_eq!((plain.plan.reason.as_str(), plain.is_unannounced), ("", false), "{verdict}");
            let hinting = decision(verdict, vec![activation()]).hinting_at(Some(created));
            let says = hinting.plan.reason.contains("created at 2026-11-20T09:30:00Z, and it seems that no event");
            let expected = verdict == Verdict::Missing;
            assert_eq!((says, hinting.is_unannounced), (expected, expected), "{verdict}");
            assert_eq!(
                hinting.into_item(&testing::vpc("vpc-1"), &[], Listing::Brief).is_unannounced,
                expected,
                "{verdict}"
            );
        }
    }

    #[test]
    fn a_planned_change_that_this_function_does_not_make_is_nothing_to_write() {
        let planned = decision(Verdict::Missing, vec![activation()]);
        let left_out = Decision { changes: Vec::new(), withheld: Some("not for this function".into()), ..planned };
        for dry_run in [false, true] {
            assert_eq!(left_out.next_step(dry_run, &[]), Step::Finished);
        }
    }

    #[test]
    fn only_a_compliant_or_paused_resource_without_changes_and_findings_is_in_order() {
        for verdict in VERDICTS {
            let expected = matches!(verdict, Verdict::Compliant | Verdict::Paused);
            assert_eq!(decision(verdict, vec![]).is_in_order(), expected, "{verdict}");
            assert!(!decision(verdict, vec![activation()]).is_in_order(), "{verdict} with a change");
            let mut finding = decision(verdict, vec![]);
            finding.plan.converges = false;
            assert!(!finding.is_in_order(), "{verdict} with a finding");
        }
    }

    #[test]
    fn a_scheduled_function_handles_only_resources_that_a_schedule_or_tag_governs_or_may_govern() {
        let schedules = "schedules: {office-hours: {time_zone: Asia/Shanghai, on: [\"Mon-Fri 07:00-21:00\"]}}";
        let scheduled = format!("{schedules}\nschedule: office-hours");
        let vpc = testing::vpc("vpc-1");
        let unread = Resource { tags: None, ..vpc.clone() };
        for (name, lines, resource, handled) in [
            ("always on", schedules, vpc.clone(), false),
            ("a schedule", &scheduled, vpc.clone(), true),
            ("a tag", schedules, tagged(vpc.clone(), "flowkeeper", "off"), true),
            ("never on", "schedule: never", vpc.clone(), true),
            ("unreadable tags", schedules, unread, true),
            ("excluded", "exclude: {ids: [vpc-1]}", vpc.clone(), false),
            ("a wrong tag", schedules, tagged(vpc, "flowkeeper", "sometimes"), false),
        ] {
            let of = |selects| decide(Capabilities { selects, ..REMEDIATES }, lines, &resource, &[]).out_of_scope;
            assert_eq!(!of(Selection::Scheduled), handled, "{name}");
            assert!(!of(Selection::Resources), "{name}: a function that selects all resources handles it");
        }
    }

    #[test]
    fn a_resource_at_another_level_is_out_of_scope_for_every_function() {
        let vswitch = testing::vswitch("vsw-1", "vpc-1");
        for selects in [Selection::Resources, Selection::Scheduled] {
            let decision = decide(Capabilities { selects, ..REMEDIATES }, "coverage: vpc", &vswitch, &[]);
            assert!(decision.out_of_scope && decision.changes.is_empty(), "{decision:?}");
        }
    }

    #[test]
    fn a_function_makes_only_the_changes_that_it_may_make_and_says_which_one_it_may_not() {
        let vpc = testing::vpc("vpc-1");
        let inactive = FlowLog { status: Status::Inactive, ..testing::flow_log("fl-1", "vpc-1") };
        let with = |actions| Capabilities { actions, repairs: false, ..REMEDIATES };
        let allowed = decide(with(&[Action::ActiveFlowLog]), "", &vpc, std::slice::from_ref(&inactive));
        assert_eq!((actions(&allowed), allowed.withheld), (vec![Action::ActiveFlowLog], None));
        let forbidden = decide(with(&[Action::CreateFlowLog]), "", &vpc, &[inactive]);
        assert_eq!(forbidden.changes, []);
        assert_eq!(forbidden.withheld.as_deref(), Some("this function may not call ActiveFlowLog"));
    }

    #[test]
    fn a_repair_needs_its_word_in_remediate() {
        let vpc = testing::vpc("vpc-1");
        let own = testing::flow_log("fl-1", "vpc-1");
        let inactive = FlowLog { status: Status::Inactive, ..own.clone() };
        let renamed = FlowLog { name: Some("renamed".to_owned()), ..own };
        for (word, others, observed) in [
            ("missing", "inactive, drifted", vec![]),
            ("inactive", "missing, drifted", vec![inactive]),
            ("drifted", "missing, inactive", vec![renamed]),
        ] {
            let repaired = decide(REMEDIATES, &format!("remediate: [{word}]"), &vpc, &observed);
            assert!(!repaired.changes.is_empty() && repaired.withheld.is_none(), "{repaired:?}");
            let left_out = decide(REMEDIATES, &format!("remediate: [{others}]"), &vpc, &observed);
            assert_eq!(left_out.changes, [], "{word}");
            let why = left_out.withheld.unwrap();
            assert!(why.ends_with(&format!("is left out, as the policy's remediate does not list {word}")), "{why}");
            let creates = Capabilities { repairs: false, ..REMEDIATES };
            let unasked = decide(creates, &format!("remediate: [{others}]"), &vpc, &observed);
            assert!(!unasked.changes.is_empty(), "{word}: it only binds the function that repairs");
        }
    }

    #[test]
    fn a_pause_is_no_repair() {
        let (vpc, own) = (testing::vpc("vpc-1"), testing::flow_log("fl-1", "vpc-1"));
        let decision = decide(REMEDIATES, "schedule: never\nremediate: [missing]", &vpc, &[own]);
        assert_eq!(actions(&decision), [Action::DeactiveFlowLog]);
    }

    #[test]
    fn a_function_that_repairs_needs_both_words_to_replace() {
        let vpc = testing::vpc("vpc-1");
        let elsewhere = FlowLog { project: Some("another-project".to_owned()), ..testing::flow_log("fl-1", "vpc-1") };
        let replaces = |lines: &str| {
            let decision = decide(REMEDIATES, lines, &vpc, std::slice::from_ref(&elsewhere));
            (decision.plan.needs_replacement, decision.withheld)
        };
        assert_eq!(replaces("replace: true"), (true, None));
        let lacks = |word: &str| Some(format!("it is not replaced, as the policy's remediate does not list {word}"));
        assert_eq!(replaces("replace: true\nremediate: [missing]"), (false, lacks("drifted")));
        assert_eq!(replaces("replace: true\nremediate: [drifted]"), (false, lacks("missing")));
        assert_eq!(replaces("replace: false\nremediate: [drifted]"), (false, None), "nobody asked for it");
    }

    #[test]
    fn a_change_that_a_limit_refuses_is_withheld() {
        let policy = testing::policy("");
        let decider = Decider { policy: &policy, capabilities: REMEDIATES, now: testing::now() };
        let vpc = testing::vpc("vpc-1");
        let creations = Withheld { risky: false, creations: true };
        let refused = decider.decide(&vpc, None, &[], creations);
        assert_eq!(refused.changes, []);
        assert_eq!(refused.withheld.as_deref(), Some("not done, as the sweep would create too many flow logs"));
        let risky = Withheld { risky: true, creations: false };
        assert_eq!(actions(&decider.decide(&vpc, None, &[], risky)), [Action::CreateFlowLog]);
    }

    #[test]
    fn a_successor_is_created_once_the_deleted_flow_log_is_gone_even_if_remediate_does_not_list_missing() {
        let policy = testing::policy("replace: true\nremediate: [inactive]");
        let decider = Decider { policy: &policy, capabilities: REMEDIATES, now: testing::now() };
        let (vpc, spec) = (testing::vpc("vpc-1"), testing::spec());
        let successor = |observed: &[FlowLog]| {
            let decision = decider.decide_successor(&vpc, &spec, &"fl-old".parse().unwrap(), observed);
            (decision.changes.clone(), decision.next_step(false, &[]))
        };
        let create = || vec![Change::Create(Box::new(spec.clone()))];
        assert_eq!(successor(&[]), (create(), Step::Write));
        let old = testing::flow_log("fl-old", "vpc-1");
        assert_eq!(successor(&[old]).1, Step::Wait, "a list may still show it");
        let another = testing::flow_log("fl-2", "vpc-1");
        assert_eq!(successor(&[another]), (vec![], Step::Finished), "somebody else was faster");
    }
}
