//! Deletes Flowkeeper's own flow logs on a resource that an event says was deleted.

use flow_log::{ResourceId, Status, Verdict};
use jiff::{SignedDuration, Timestamp};

use crate::{Item, Outcome, Target, converge::Converger, deletion::Deletion, items, poll::Poll, read};

/// A resource that is still visible this long after its deletion event was not deleted.
const EXISTS_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// Deletes Flowkeeper's own flow logs on the resource `id`, which `target` says was deleted.
pub(crate) async fn delete_for_resource(converger: &Converger<'_>, target: &Target, id: &ResourceId) -> Vec<Item> {
    let session = converger.session;
    let on_it = match read::flow_logs_on(session, id).await {
        Ok(found) => found,
        Err(error) => return vec![items::target_unread(target, &error)],
    };
    let mut items: Vec<_> = on_it.unreadable.iter().map(|it| items::item_unread(session, "flow logs", it)).collect();
    let deletable: Vec<_> = on_it.items.into_iter().filter(|it| it.status != Status::Deleting).collect();
    if deletable.is_empty() {
        if items.is_empty() {
            items.push(Item::of_target(target, Outcome::Skipped, format!("{id} had no flow log")));
        }
        return items;
    }
    if let Some(item) = confirm_gone(converger, target, id).await {
        items.push(item);
        return items;
    }
    for flow_log in deletable {
        items.push(Deletion::of_orphan(converger.policy, flow_log).make(converger).await);
    }
    items
}

/// Polls until the resource is not visible. Returns the result for one that stays visible or cannot be read.
async fn confirm_gone(converger: &Converger<'_>, target: &Target, id: &ResourceId) -> Option<Item> {
    let session = converger.session;
    let mut poll = Poll::new(session);
    loop {
        match read::resource(session, id).await {
            Ok(found) if found.items.is_empty() && found.is_complete() => return None,
            Ok(_) if poll.wait(session).await => {}
            Ok(_) => return Some(still_visible(target, session.now())),
            Err(error) => return Some(items::target_unread(target, &error)),
        }
    }
}

/// Returns the result for a resource that was deleted and is still visible.
fn still_visible(target: &Target, now: Timestamp) -> Item {
    let id = &target.kind;
    if target.is_older_than(EXISTS_AFTER, now) {
        return Item::of_target(target, Outcome::Skipped, format!("{id} still exists"));
    }
    let item = Item::of_target(target, Outcome::Failed, format!("{id} was deleted, and is still visible"));
    Item { verdict: Some(Verdict::Unknown), ..item }.finding()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TargetKind, testing};

    #[test]
    fn a_deleted_resource_that_stays_visible_counts_as_existing_after_a_quarter_of_an_hour() {
        let now = testing::now();
        let deleted_ago = |minutes: i64| Target {
            since: Some(now - SignedDuration::from_mins(minutes)),
            ..testing::target(TargetKind::Resource("vpc-1".parse().unwrap()))
        };
        let early = still_visible(&deleted_ago(15), now);
        assert_eq!((early.outcome, early.verdict), (Outcome::Failed, Some(Verdict::Unknown)), "it is tried again");
        let late = still_visible(&deleted_ago(16), now);
        assert_eq!((late.outcome, late.reason.as_str()), (Outcome::Skipped, "vpc-1 still exists"));
    }
}
