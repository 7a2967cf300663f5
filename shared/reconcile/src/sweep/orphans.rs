//! The sweep of Flowkeeper's own flow logs whose resource is gone: they record nothing and count against the quota.
//!
//! If the policy says so, it also deletes its own flow logs that record what another one records already.
//!
//! A list only says where to look. Whatever it was read for and however long ago, each resource that it lacks is looked
//! up by itself before its flow log is deleted, and each superfluous flow log is read again with those above it.

use flow_log::{
    Action, Desired, FlowLog, Policy, Resource, ResourceType, Status, Verdict, desired, policy::Superfluous,
    superfluous_under,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use openapi::{FlowLogFilter, Session};

use super::{
    age::is_within_grace_period,
    own::{Listed, OwnFlowLogs},
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
    run::run(OrphanSweep { converger, known: None, follows: false }).await
}

/// The same, among flow logs that the sweep of resources has read just before. That one may have made changes since, and
/// waited for them, so each flow log is read again before it is deleted.
pub(crate) async fn sweep_among(converger: &Converger<'_>, known: OwnFlowLogs) -> ReportBuilder {
    run::run(OrphanSweep { converger, known: Some(known), follows: true }).await
}

struct OrphanSweep<'a> {
    converger: &'a Converger<'a>,
    /// What was read of the region before.
    known: Option<OwnFlowLogs>,
    /// Whether it follows a sweep of resources.
    follows: bool,
}

impl Sweep for OrphanSweep<'_> {
    type Work = Deletion;

    fn converger(&self) -> &Converger<'_> {
        self.converger
    }

    async fn assess(&mut self, report: &mut ReportBuilder) -> Vec<Deletion> {
        let Converger { session, policy, .. } = *self.converger;
        let known = match self.known.take() {
            Some(known) => Some(known),
            None => own_flow_logs(self.converger, report).await,
        };
        let Some(mut own) = known else { return Vec::new() };
        look_up(session, &mut own, report).await;
        (0..own.kept).for_each(|_| report.count_unlisted());
        let (mut deletions, mut missing) = (Vec::new(), Vec::new());
        for flow_log in &own.flow_logs {
            match judge(policy, flow_log, &own, session.now()) {
                Some(Judgment::Superfluous(deletion)) => deletions.push(*deletion),
                Some(Judgment::Missing) => missing.push(flow_log),
                Some(Judgment::OfUnknownAge) => report.add(of_unknown_age(session, flow_log)),
                Some(Judgment::Kept) => report.count_unlisted(),
                None => {}
            }
        }
        deletions.extend(self.confirm_gone(missing, report).await);
        deletions.iter().for_each(|_| report.count_checked());
        let (kept, work): (Vec<_>, Vec<_>) = deletions.into_iter().partition(|it| it.kept.is_some());
        report.items.extend(kept.iter().filter_map(|it| it.kept_item(session)));
        work
    }

    async fn apply(&self, work: Deletion, _: Withheld) -> Vec<Item> {
        if !self.follows || self.converger.writer.is_dry_run() {
            return vec![work.make(self.converger).await];
        }
        match read_again(self.converger.session, work).await {
            Ok(work) => vec![work.make(self.converger).await],
            Err(item) => vec![*item],
        }
    }

    async fn finish(self, _: Vec<Deletion>, _: &mut ReportBuilder) {}
}

/// Reads Flowkeeper's own flow logs. Reports what cannot be read.
async fn own_flow_logs(converger: &Converger<'_>, report: &mut ReportBuilder) -> Option<OwnFlowLogs> {
    let session = converger.session;
    match read::own_flow_logs(session).await {
        Ok(found) => {
            report.items.extend(found.unreadable.iter().map(|it| items::item_unread(session, "flow logs", it)));
            let mut own = OwnFlowLogs::for_policy(converger.policy);
            found.items.iter().for_each(|flow_log| own.add(flow_log, None));
            Some(own)
        }
        Err(error) => {
            report.items.push(items::region_unread(session, "flow logs", &error));
            None
        }
    }
}

/// Looks up the resources of levels that were not listed. Reports what cannot be read.
async fn look_up(session: &Session<'_>, own: &mut OwnFlowLogs, report: &mut ReportBuilder) {
    for resource_type in ResourceType::ALL {
        if own.levels.contains_key(&resource_type) {
            continue;
        }
        let listed = match read::resources(session, resource_type, &own.ids(resource_type)).await {
            Ok(found) => {
                let unread = found.unreadable.iter();
                report.items.extend(unread.map(|it| items::item_unread(session, resource_type.plural(), it)));
                let is_whole = found.is_complete();
                own.resources.extend(found.items.into_iter().map(|resource| (resource.id.clone(), resource)));
                if is_whole { Listed::Whole } else { Listed::InPart }
            }
            Err(error) => {
                report.items.push(items::region_unread(session, resource_type.plural(), &error));
                Listed::Unread
            }
        };
        own.levels.insert(resource_type, listed);
    }
}

/// Reads a flow log again, just before it is deleted.
///
/// # Errors
/// Returns the result for one that is gone, or that cannot be read.
async fn read_again(session: &Session<'_>, mut work: Deletion) -> Result<Deletion, Box<Item>> {
    let id = work.flow_log.id.clone();
    let found = session.describe_flow_logs(&FlowLogFilter { id: Some(&id), ..FlowLogFilter::default() }).await;
    let unknown = |why: &str| Item {
        verdict: Some(Verdict::Unknown),
        ..work.item(session, Outcome::Failed, format!("{}; not deleted, as it {why}", work.reason))
    };
    let found = found.map_err(|error| Box::new(unknown("could not be read again").with_error(&error)))?;
    let is_complete = found.is_complete();
    match found.items.into_iter().find(|it| it.status != Status::Deleting) {
        Some(found) if found.resource_id != work.flow_log.resource_id => {
            Err(Box::new(unknown("records another resource than before")))
        }
        Some(found) => {
            work.flow_log = found;
            Ok(work)
        }
        None if is_complete => {
            let reason = format!("{}; somebody else has deleted it", work.reason);
            Err(Box::new(Item { is_finding: false, ..work.item(session, Outcome::Unchanged, reason) }))
        }
        None => Err(Box::new(unknown("could not be read again"))),
    }
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

/// Judges one of Flowkeeper's `own` flow logs. Returns nothing for one on a resource of an unknown kind, or at a level that
/// could not be read.
fn judge(policy: &Policy, flow_log: &FlowLog, own: &OwnFlowLogs, now: Timestamp) -> Option<Judgment> {
    let id = recorded_resource(flow_log)?;
    let listed = *own.levels.get(&id.resource_type())?;
    if listed == Listed::Unread {
        return None;
    }
    Some(match own.resources.get(&id) {
        Some(resource) => superfluous(policy, flow_log, resource, &own.flow_logs, now)
            .map_or(Judgment::Kept, |deletion| Judgment::Superfluous(Box::new(deletion))),
        None if listed == Listed::InPart => Judgment::Kept,
        None if flow_log.creation_time.is_none() => Judgment::OfUnknownAge,
        None if is_within_grace_period(flow_log, now) => Judgment::Kept,
        None => Judgment::Missing,
    })
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

/// Returns the result for a flow log on a resource that is there, although the list of the sweep before lacked it. That
/// sweep judged neither, and what else the list lacks is unknown.
fn of_missed(session: &Session<'_>, flow_log: &FlowLog) -> Item {
    let (id, resource) = (&flow_log.id, &flow_log.resource_id);
    let reason =
        format!("{resource}, which {id} records, is there, and the list that was read lacks it: read it again");
    Item::of_flow_log(session, flow_log, Verdict::Unknown, Outcome::Skipped, reason).finding()
}

impl OrphanSweep<'_> {
    /// Returns the deletions of flow logs whose resource is also not found when it is looked up by itself. A deletion cannot
    /// be undone, so it must not depend on one incomplete answer.
    async fn confirm_gone(&self, missing: Vec<&FlowLog>, report: &mut ReportBuilder) -> Vec<Deletion> {
        let Converger { session, policy, .. } = *self.converger;
        let reads = missing.into_iter().filter_map(|flow_log| Some((flow_log, recorded_resource(flow_log)?)));
        let reads = reads.map(|(flow_log, id)| {
            Box::pin(async move {
                let found = read::resource(session, &id).await;
                (flow_log, found.map(|found| found.items.is_empty() && found.is_complete()))
            })
        });
        let mut answers = stream::iter(reads.collect::<Vec<_>>()).buffered(MAX_CONCURRENT);
        let mut gone = Vec::new();
        while let Some((flow_log, is_gone)) = answers.next().await {
            match is_gone {
                Ok(true) => gone.push(Deletion::of_orphan(policy, flow_log.clone())),
                Ok(false) if self.follows => report.items.push(of_missed(session, flow_log)),
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
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::testing;

    /// These flow logs, beside lists of all levels that showed these resources.
    fn own(flow_logs: &[FlowLog], found: Vec<Resource>, listed: Listed) -> OwnFlowLogs {
        OwnFlowLogs {
            flow_logs: flow_logs.to_vec(),
            resources: found.into_iter().map(|resource| (resource.id.clone(), resource)).collect(),
            levels: ResourceType::ALL.into_iter().map(|level| (level, listed)).collect(),
            ..OwnFlowLogs::default()
        }
    }

    fn judged(lines: &str, flow_log: &FlowLog, own: &OwnFlowLogs) -> Option<Judgment> {
        judge(&testing::policy(lines), flow_log, own, testing::now())
    }

    #[test]
    fn a_flow_log_is_an_orphan_candidate_only_if_a_complete_list_lacks_its_resource_and_it_is_old_enough() {
        use Judgment::{Kept, Missing, OfUnknownAge};
        let old = testing::flow_log("fl-1", "vpc-1");
        let young = FlowLog { creation_time: Some(testing::now() - SignedDuration::from_mins(5)), ..old.clone() };
        let ageless = FlowLog { creation_time: None, ..old.clone() };
        let odd = FlowLog { resource_id: "tgw-1".to_owned(), ..old.clone() };
        let [whole, part, unread] = [Listed::Whole, Listed::InPart, Listed::Unread].map(|it| own(&[], Vec::new(), it));
        let there = own(&[], vec![testing::vpc("vpc-1")], Listed::Whole);
        assert!(matches!(judged("", &old, &whole), Some(Missing)));
        assert!(matches!(judged("", &old, &there), Some(Kept)), "it exists");
        assert!(matches!(judged("", &young, &whole), Some(Kept)), "its resource may be new");
        assert!(matches!(judged("", &ageless, &whole), Some(OfUnknownAge)));
        assert!(matches!(judged("", &old, &part), Some(Kept)), "it may be the unreadable one");
        assert!(matches!(judged("", &ageless, &part), Some(Kept)), "it may be the unreadable one");
        assert!(judged("", &old, &unread).is_none(), "nothing is known of its level");
        assert!(judged("", &odd, &whole).is_none(), "nothing is known of its kind");
    }

    #[test]
    fn a_superfluous_flow_log_is_deleted_only_if_the_policy_says_so_and_keeps_the_other_one() {
        let vswitch = testing::vswitch("vsw-1", "vpc-1");
        let flow_logs = [testing::flow_log("fl-1", "vpc-1"), testing::flow_log("fl-2", "vsw-1")];
        let own = own(&flow_logs, vec![vswitch], Listed::Whole);
        let judged = |lines: &str| judged(lines, &flow_logs[1], &own).unwrap();
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
        let flow_logs = [testing::flow_log("fl-1", "vpc-1"), testing::flow_log("fl-2", "eni-1")];
        let interface = testing::network_interface("eni-1", "vsw-1", "vpc-1");
        let own = own(&flow_logs, vec![interface], Listed::Whole);
        let judged =
            |level: &str| judged(&format!("superfluous: delete\ncoverage: {level}"), &flow_logs[1], &own).unwrap();
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
}
