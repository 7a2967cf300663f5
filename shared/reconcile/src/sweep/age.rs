//! What the age of a flow log or a resource tells.

use flow_log::{FlowLog, Resource, Status};
use jiff::{SignedDuration, Timestamp};

/// A younger flow log is never an orphan: its resource may not be visible everywhere yet.
const GRACE_PERIOD: SignedDuration = SignedDuration::from_mins(15);

/// A flow log created longer ago than this should not be `Activating` or `Modifying` any more.
const MAX_PENDING: SignedDuration = SignedDuration::from_hours(1);

/// The event of a younger resource may still be on its way.
const MIN_UNANNOUNCED: SignedDuration = SignedDuration::from_mins(10);

/// An older resource has another reason to be without a flow log, as an hourly sweep would have found it before.
const MAX_UNANNOUNCED: SignedDuration = SignedDuration::from_hours(2);

/// Returns when a resource was created, if that is long enough ago for its event to have arrived, and not so long that an
/// earlier sweep would have found it.
pub(super) fn should_have_been_announced(resource: &Resource, now: Timestamp) -> Option<Timestamp> {
    let is_due = |created: &Timestamp| {
        let age = now.duration_since(*created);
        MIN_UNANNOUNCED < age && age < MAX_UNANNOUNCED
    };
    resource.creation_time.filter(is_due)
}

/// Whether a flow log should have left a transitional state long ago. One of unknown age counts as young.
pub(super) fn is_stuck(status: &Status, creation_time: Option<Timestamp>, now: Timestamp) -> bool {
    matches!(status, Status::Activating | Status::Modifying)
        && creation_time.is_some_and(|created| now.duration_since(created) > MAX_PENDING)
}

/// Whether a flow log is too young to conclude anything from a missing resource. A flow log of unknown age counts as
/// young.
pub(super) fn is_within_grace_period(flow_log: &FlowLog, now: Timestamp) -> bool {
    flow_log.creation_time.is_none_or(|created| now.duration_since(created) < GRACE_PERIOD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn an_event_is_missed_after_ten_minutes_and_before_two_hours() {
        let now = testing::now();
        let ago = |minutes: i64| Some(now - SignedDuration::from_mins(minutes));
        for (created, expected) in
            [(ago(-1), false), (ago(10), false), (ago(11), true), (ago(119), true), (ago(120), false), (None, false)]
        {
            let vpc = Resource { creation_time: created, ..testing::vpc("vpc-1") };
            let expected = if expected { created } else { None };
            assert_eq!(should_have_been_announced(&vpc, now), expected, "{created:?}");
        }
    }

    #[test]
    fn a_flow_log_is_stuck_after_more_than_an_hour_in_a_transitional_state() {
        let now = testing::now();
        let ago = |minutes: i64| Some(now - SignedDuration::from_mins(minutes));
        for (status, created, expected) in [
            (Status::Activating, ago(61), true),
            (Status::Modifying, ago(61), true),
            (Status::Activating, ago(60), false),
            (Status::Activating, None, false),
            (Status::Active, ago(61), false),
            (Status::Deleting, ago(61), false),
        ] {
            assert_eq!(is_stuck(&status, created, now), expected, "{status:?}, created at {created:?}");
        }
    }

    #[test]
    fn a_flow_log_proves_nothing_about_its_resource_in_its_first_quarter_of_an_hour_or_at_an_unknown_age() {
        let now = testing::now();
        let flow_log = |minutes: i64| FlowLog {
            creation_time: Some(now - SignedDuration::from_mins(minutes)),
            ..testing::flow_log("fl-1", "vpc-1")
        };
        assert!(is_within_grace_period(&flow_log(14), now));
        assert!(!is_within_grace_period(&flow_log(15), now));
        assert!(is_within_grace_period(&FlowLog { creation_time: None, ..flow_log(60) }, now));
    }
}
