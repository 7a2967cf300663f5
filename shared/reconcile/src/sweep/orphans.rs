//! The sweep of Flowkeeper's own flow logs whose resource is gone: they record nothing and count against the quota.
//!
//! If the policy says so, it also deletes its own flow logs that record what another one records already.

use flow_log::{
    Action, Desired, FlowLog, Policy, Resource, ResourceId, ResourceType, Status, Verdict, desired,
    policy::Superfluous, superfluous_under,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use openapi::{Listing, Session};

use super::{
    age::is_within_grace_period,
    run::{self, MAX_CONCURRENT, Sweep, Work},
};
use crate::{
    Item, Outcome,
    converge::Converger,
    deletion::{Deletion, recorded_resource},
    items,
    limits::Withheld,
    read,
    report::ReportBuilder,
};

/// Deletes Flowkeeper's own flow logs in the region of the session whose resource is gone, and the superfluous ones if
/// the policy says so.
pub(crate) async fn sweep(converger: &Converger<'_>) -> ReportBuilder {
    run::run(OrphanSweep { converger }).await
}

struct OrphanSweep<'a> {
    converger: &'a Converger<'a>,
}

impl Sweep for OrphanSweep<'_> {
    type Work = Deletion;

    fn converger(&self) -> &Converger<'_> {
        self.converger
    }

    async fn assess(&mut self, report: &mut ReportBuilder) -> Vec<Deletion> {
        let session = self.converger.session;
        let own = match read::own_flow_logs(session).await {
            Ok(found) => {
                report.items.extend(found.unreadable.iter().map(|it| items::item_unread(session, "flow logs", it)));
                found.items.into_iter().filter(is_deletable).collect::<Vec<_>>()
            }
            Err(error) => {
                report.items.push(items::region_unread(session, "flow logs", &error));
                return Vec::new();
            }
        };
        let (mut deletions, mut missing) = (Vec::new(), Vec::new());
        for resource_type in ResourceType::ALL {
            let of_type: Vec<_> = own
                .iter()
                .filter_map(|it| Some((it, recorded_resource(it)?)))
                .filter(|(_, id)| id.resource_type() == resource_type)
                .collect();
            let ids: Vec<_> = of_type.iter().map(|(_, id)| id.clone()).collect();
            match read::resources(session, resource_type, &ids).await {
                Ok(found) => {
                    let unread = found.unreadable.iter();
                    report.items.extend(unread.map(|it| items::item_unread(session, resource_type.plural(), it)));
                    for (flow_log, id) in of_type {
                        match judge(self.converger.policy, flow_log, &id, &found, &own, session.now()) {
                            Judgment::Superfluous(deletion) => deletions.push(*deletion),
                            Judgment::Missing => missing.push((flow_log, id)),
                            Judgment::OfUnknownAge => report.add(of_unknown_age(session, flow_log)),
                            Judgment::Kept => report.count_unlisted(),
                        }
                    }
                }
                Err(error) => report.items.push(items::region_unread(session, resource_type.plural(), &error)),
            }
        }
        deletions.extend(confirm_gone(self.converger, missing, report).await);
        deletions.iter().for_each(|_| report.count_checked());
        let (kept, work): (Vec<_>, Vec<_>) = deletions.into_iter().partition(|it| it.kept.is_some());
        report.items.extend(kept.iter().filter_map(|it| it.kept_item(session)));
        work
    }

    async fn apply(&self, work: Deletion, _: Withheld) -> Vec<Item> {
        vec![work.make(self.converger).await]
    }

    async fn finish(self, _: Vec<Deletion>, _: &mut ReportBuilder) {}
}

impl Work for Deletion {
    fn resource_id(&self) -> &str {
        &self.flow_log.resource_id
    }

    fn is_risky(&self) -> bool {
        true
    }

    fn withhold(self, withheld: Withheld, session: &Session<'_>, items: &mut Vec<Item>) -> Option<Self> {
        if !withheld.risky {
            return Some(self);
        }
        let item = self.item(session, Outcome::Skipped, self.reason.clone());
        let suffix = "; not done, as the sweep would delete too much";
        items.push(items::not_applied(item, Action::DeleteFlowLog, Some(&self.flow_log.id), suffix));
        None
    }
}

/// Whether a flow log may be deleted. This does not rely on the filter of the API call.
pub(super) fn is_deletable(flow_log: &FlowLog) -> bool {
    flow_log.is_own() && flow_log.status != Status::Deleting
}

/// What a list of resources says about one of Flowkeeper's own flow logs.
#[derive(Debug)]
enum Judgment {
    /// It is needed, or nothing can be concluded.
    Kept,
    /// Another flow log above its resource records the same.
    Superfluous(Box<Deletion>),
    /// Its resource is not in the list.
    Missing,
    /// Its resource is not in the list, and its age is not known.
    OfUnknownAge,
}

/// Judges a flow log on the resource `id`. `found` are the resources of that type, and `own` all of Flowkeeper's flow
/// logs.
fn judge(
    policy: &Policy,
    flow_log: &FlowLog,
    id: &ResourceId,
    found: &Listing<Resource>,
    own: &[FlowLog],
    now: Timestamp,
) -> Judgment {
    match found.items.iter().find(|resource| resource.id == *id) {
        Some(resource) => superfluous(policy, flow_log, resource, own, now)
            .map_or(Judgment::Kept, |deletion| Judgment::Superfluous(Box::new(deletion))),
        None if !found.is_complete() => Judgment::Kept,
        None if flow_log.creation_time.is_none() => Judgment::OfUnknownAge,
        None if is_within_grace_period(flow_log, now) => Judgment::Kept,
        None => Judgment::Missing,
    }
}

/// Returns the deletion of a flow log that another own one above its resource makes superfluous. The policy must allow
/// its deletion and keep the flow log of that resource at the higher level.
fn superfluous(
    policy: &Policy,
    flow_log: &FlowLog,
    resource: &Resource,
    own: &[FlowLog],
    now: Timestamp,
) -> Option<Deletion> {
    if policy.superfluous != Superfluous::Delete {
        return None;
    }
    let (_, cover) = superfluous_under(resource, own).into_iter().find(|(found, _)| found.id == flow_log.id)?;
    let covered_at = recorded_resource(cover)?.resource_type();
    let kept = match desired(resource, None, policy, now) {
        Desired::OtherLevel(level) if level == covered_at => None,
        Desired::Excluded { reason } => Some(reason),
        // The flow log is kept here or at another level, or the level is unknown, as when the tags of its VPC decide.
        _ => return None,
    };
    let reason = format!(
        "{} on {} records what {} on {} records already: it is paid for twice",
        flow_log.id, resource.id, cover.id, cover.resource_id
    );
    let covered = Some(resource.clone());
    Some(Deletion { flow_log: flow_log.clone(), verdict: Verdict::Drifted, reason, covered, kept })
}

/// Returns the result for a flow log whose resource is not visible, and which may be new, as far as is known.
fn of_unknown_age(session: &Session<'_>, flow_log: &FlowLog) -> Item {
    let (id, resource) = (&flow_log.id, &flow_log.resource_id);
    let reason = format!(
        "{resource} is not visible, and {id} recorded it; the creation time of {id} cannot be read, so it may be new, and \
         is not deleted"
    );
    Item::of_flow_log(session, flow_log, Verdict::Orphaned, Outcome::Skipped, reason)
}

/// Returns the deletions of flow logs whose resource is also not found when it is looked up by itself. A deletion cannot
/// be undone, so it must not depend on one incomplete answer.
async fn confirm_gone(
    converger: &Converger<'_>,
    missing: Vec<(&FlowLog, ResourceId)>,
    report: &mut ReportBuilder,
) -> Vec<Deletion> {
    let session = converger.session;
    let reads = missing.into_iter().map(|(flow_log, id)| {
        Box::pin(async move {
            let found = read::resource(session, &id).await;
            (flow_log, found.map(|found| found.items.is_empty() && found.is_complete()))
        })
    });
    let mut answers = stream::iter(reads.collect::<Vec<_>>()).buffered(MAX_CONCURRENT);
    let mut gone = Vec::new();
    while let Some((flow_log, is_gone)) = answers.next().await {
        match is_gone {
            Ok(true) => gone.push(Deletion::of_orphan(converger.policy, flow_log.clone())),
            Ok(false) => report.count_unlisted(),
            Err(error) => {
                let reason = format!("{} could not be read", flow_log.resource_id);
                let item = Item::of_flow_log(session, flow_log, Verdict::Unknown, Outcome::Failed, reason);
                report.items.push(item.with_error(&error));
            }
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use openapi::UnreadableItem;

    use super::*;
    use crate::testing;

    fn found(resources: Vec<Resource>) -> Listing<Resource> {
        Listing { items: resources, unreadable: Vec::new() }
    }

    fn judged(lines: &str, flow_log: &FlowLog, found: &Listing<Resource>, own: &[FlowLog]) -> Judgment {
        let id = flow_log.resource_id.parse().unwrap();
        judge(&testing::policy(lines), flow_log, &id, found, own, testing::now())
    }

    #[test]
    fn a_flow_log_is_an_orphan_candidate_only_if_a_complete_list_lacks_its_resource_and_it_is_old_enough() {
        let old = testing::flow_log("fl-1", "vpc-1");
        let young = FlowLog { creation_time: Some(testing::now() - SignedDuration::from_mins(5)), ..old.clone() };
        let ageless = FlowLog { creation_time: None, ..old.clone() };
        let unreadable = UnreadableItem { id: None, place: "Vpcs[0]".to_owned(), reason: "no id".to_owned() };
        let incomplete = Listing { unreadable: vec![unreadable], ..found(Vec::new()) };
        assert!(matches!(judged("", &old, &found(Vec::new()), &[]), Judgment::Missing));
        assert!(matches!(judged("", &old, &found(vec![testing::vpc("vpc-1")]), &[]), Judgment::Kept), "it exists");
        assert!(matches!(judged("", &young, &found(Vec::new()), &[]), Judgment::Kept), "its resource may be new");
        assert!(matches!(judged("", &ageless, &found(Vec::new()), &[]), Judgment::OfUnknownAge));
        assert!(matches!(judged("", &old, &incomplete, &[]), Judgment::Kept), "it may be the unreadable one");
        assert!(matches!(judged("", &ageless, &incomplete, &[]), Judgment::Kept), "it may be the unreadable one");
    }

    #[test]
    fn a_superfluous_flow_log_is_deleted_only_if_the_policy_says_so_and_keeps_the_other_one() {
        let vswitch = testing::vswitch("vsw-1", "vpc-1");
        let own = [testing::flow_log("fl-1", "vpc-1"), testing::flow_log("fl-2", "vsw-1")];
        let found = found(vec![vswitch]);
        let judged = |lines: &str| judged(lines, &own[1], &found, &own);
        let Judgment::Superfluous(deletion) = judged("superfluous: delete") else { panic!("it is paid for twice") };
        assert_eq!((deletion.verdict, deletion.flow_log.id.as_str()), (Verdict::Drifted, "fl-2"));
        assert_eq!(deletion.kept, None);
        assert!(matches!(judged("superfluous: report"), Judgment::Kept));
        assert!(matches!(judged("superfluous: delete\ncoverage: vswitch"), Judgment::Kept), "it is kept at this level");
        let excluded = judged("superfluous: delete\nexclude: {ids: [vsw-1]}");
        assert!(matches!(excluded, Judgment::Superfluous(it) if it.kept.is_some()));
    }

    #[test]
    fn a_flow_log_is_not_superfluous_beside_one_at_a_level_that_the_policy_does_not_keep() {
        let own = [testing::flow_log("fl-1", "vpc-1"), testing::flow_log("fl-2", "eni-1")];
        let found = found(vec![testing::network_interface("eni-1", "vsw-1", "vpc-1")]);
        let judged = |level: &str| judged(&format!("superfluous: delete\ncoverage: {level}"), &own[1], &found, &own);
        assert!(matches!(judged("vpc"), Judgment::Superfluous(_)));
        assert!(matches!(judged("vswitch"), Judgment::Kept), "the flow log of the VPC is kept at no level");
    }

    #[test]
    fn the_orphan_of_an_excluded_resource_is_kept() {
        let policy = testing::policy("exclude: {ids: [vpc-1]}");
        let kept = Deletion::of_orphan(&policy, testing::flow_log("fl-1", "vpc-1"));
        assert_eq!(kept.kept.as_deref(), Some("the policy excludes it"));
        let deleted = Deletion::of_orphan(&policy, testing::flow_log("fl-2", "vpc-2"));
        assert_eq!((deleted.kept, deleted.reason.as_str()), (None, "vpc-2 is gone, and fl-2 recorded it"));
    }

    #[test]
    fn only_own_flow_logs_that_are_not_being_deleted_are_deletable() {
        let own = testing::flow_log("fl-1", "vpc-1");
        assert!(is_deletable(&own));
        assert!(!is_deletable(&FlowLog { status: Status::Deleting, ..own.clone() }));
        assert!(!is_deletable(&FlowLog { tags: None, ..own.clone() }), "its owner is not known");
        assert!(!is_deletable(&FlowLog { tags: Some(flow_log::ObservedTags::new()), ..own }), "others made it");
    }
}
