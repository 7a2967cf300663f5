//! How much one sweep may change in a region.
//!
//! Limits count only changes that can take recording away. Changes that restore recording are always made, so a mass
//! deletion or mass deactivation by others is repaired without raising a limit.

use flow_log::{Change, GovernedBy, policy::Limits};

/// Up to this number of changes, the percentage does not apply: it means little.
const MAX_CHANGES_WITHOUT_PERCENT: usize = 10;

/// The kinds of changes that a limit refuses in this sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Withheld {
    /// Changes that can take recording away.
    pub(crate) risky: bool,
    /// New flow logs.
    pub(crate) creations: bool,
}

impl Withheld {
    /// Returns why a change is not made, if a limit refuses it.
    pub(crate) fn objection(self, change: &Change, governed_by: Option<&GovernedBy>) -> Option<String> {
        if self.risky && is_risky(change, governed_by) {
            return Some("not done, as the sweep would change too much".to_owned());
        }
        let is_creation = matches!(change, Change::Create(_));
        (self.creations && is_creation).then(|| "not done, as the sweep would create too many flow logs".to_owned())
    }
}

/// Whether a change can take recording away: a modification, a move, or a deactivation that only a tag or the policy's
/// `never` asks for.
pub(crate) fn is_risky(change: &Change, governed_by: Option<&GovernedBy>) -> bool {
    match change {
        Change::Modify(..) | Change::Move(..) => true,
        Change::Deactivate(_) => is_risky_stop(governed_by),
        Change::Create(_) | Change::Activate(_) | Change::Tag(..) => false,
    }
}

/// Whether a deactivation counts as risky. One by a schedule does not: schedules deactivate flow logs every day.
pub(crate) fn is_risky_stop(governed_by: Option<&GovernedBy>) -> bool {
    match governed_by {
        Some(GovernedBy::Schedule(_)) => false,
        // A tag that names a schedule asks for nothing more than that schedule.
        Some(GovernedBy::Tag(value)) => !value.starts_with("schedule=") || value == "schedule=never",
        Some(GovernedBy::Never | GovernedBy::Always) | None => true,
    }
}

/// What one sweep is about to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// Resources with a change that can take recording away.
    pub(crate) risky: usize,
    /// Resources that get a new flow log.
    pub(crate) creations: usize,
    /// Resources that were judged.
    pub(crate) checked: usize,
}

/// Returns which kinds of changes the limits refuse, and one sentence for each limit that is exceeded.
pub(crate) fn check(limits: Limits, counts: Counts) -> (Withheld, Vec<String>) {
    let risky = exceeded(limits, counts.risky, counts.checked);
    let creations = creations_exceeded(limits, counts.creations);
    let withheld = Withheld { risky: risky.is_some(), creations: creations.is_some() };
    (withheld, risky.into_iter().chain(creations).collect())
}

/// Returns which limit is exceeded by this many risky changes to this many checked resources.
fn exceeded(limits: Limits, changes: usize, checked: usize) -> Option<String> {
    let Limits { max_changes, max_changes_percent, .. } = limits;
    let to_raise = |key: &str| format!("raise limits.{key} in the policy to allow them");
    if changes > max_changes as usize {
        let raise = to_raise("max_changes");
        return Some(format!("{changes} changes are more than max_changes: {max_changes}; {raise}"));
    }
    let is_flood = changes > MAX_CHANGES_WITHOUT_PERCENT && changes * 100 > max_changes_percent as usize * checked;
    is_flood.then(|| {
        let raise = to_raise("max_changes_percent");
        let percent = format!("more than max_changes_percent: {max_changes_percent}");
        format!("{changes} changes to {checked} resources are {percent}; {raise}")
    })
}

/// Returns the limit that this many new flow logs exceed, if the policy sets one.
fn creations_exceeded(limits: Limits, creations: usize) -> Option<String> {
    let max = limits.max_creations.filter(|max| creations > *max as usize)?;
    let raise = "raise limits.max_creations in the policy to allow them";
    Some(format!("{creations} new flow logs are more than max_creations: {max}; {raise}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_changes: 50, max_changes_percent: 30, max_creations: None };

    #[test]
    fn a_number_and_a_percentage_above_ten_limit_the_changes() {
        let is_too_many = |changes, checked| exceeded(LIMITS, changes, checked).is_some();
        assert!(!is_too_many(50, 1000) && is_too_many(51, 1000), "in number");
        assert!(!is_too_many(30, 100) && is_too_many(31, 100), "in percent");
        assert!(!is_too_many(10, 10) && is_too_many(11, 11), "up to ten changes are no flood, whatever the percentage");
        let none = Limits { max_changes: 0, max_changes_percent: 0, ..LIMITS };
        assert!(exceeded(none, 0, 0).is_none() && exceeded(none, 1, 100).is_some());
    }

    #[test]
    fn creations_have_no_limit_unless_the_policy_sets_one() {
        assert_eq!(creations_exceeded(LIMITS, 100_000), None);
        let limited = Limits { max_creations: Some(10), ..LIMITS };
        assert_eq!(creations_exceeded(limited, 10), None);
        let refused = creations_exceeded(limited, 11).unwrap();
        assert!(refused.starts_with("11 new flow logs are more than max_creations: 10"), "{refused}");
    }

    #[test]
    fn only_what_can_take_recording_away_counts() {
        let id: flow_log::FlowLogId = "fl-1".parse().unwrap();
        let deactivate = Change::Deactivate(id.clone());
        let tag = |value: &str| GovernedBy::Tag(value.to_owned());
        for (by, counts) in [
            (GovernedBy::Schedule("office-hours".to_owned()), false),
            (tag("schedule=office-hours"), false),
            (tag("schedule=never"), true),
            (tag("off"), true),
            (tag("off-until=2026-12-01T00:00Z"), true),
            (GovernedBy::Never, true),
        ] {
            assert_eq!(is_risky(&deactivate, Some(&by)), counts, "{by:?}");
        }
        assert!(!is_risky(&Change::Activate(id.clone()), None));
        assert!(!is_risky(&Change::Tag(id.clone(), flow_log::names::Tags::new()), None));
        assert!(is_risky(&Change::Modify(id, flow_log::FlowLogUpdate::default()), None));
    }

    #[test]
    fn a_refused_sweep_still_gives_recording_back() {
        let id: flow_log::FlowLogId = "fl-1".parse().unwrap();
        let withheld = Withheld { risky: true, creations: false };
        assert_eq!(withheld.objection(&Change::Activate(id.clone()), Some(&GovernedBy::Always)), None);
        assert!(withheld.objection(&Change::Deactivate(id), Some(&GovernedBy::Never)).is_some());
    }

    #[test]
    fn each_limit_refuses_its_own_kind_of_change_and_names_the_key_to_raise() {
        let limits = Limits { max_creations: Some(5), ..LIMITS };
        for (risky, creations, expected, keys) in [
            (50, 5, Withheld::default(), vec![]),
            (51, 5, Withheld { risky: true, creations: false }, vec!["max_changes"]),
            (50, 6, Withheld { risky: false, creations: true }, vec!["max_creations"]),
            (51, 6, Withheld { risky: true, creations: true }, vec!["max_changes", "max_creations"]),
        ] {
            let (withheld, exceeded) = check(limits, Counts { risky, creations, checked: 1000 });
            assert_eq!(withheld, expected);
            assert_eq!(exceeded.len(), keys.len(), "{exceeded:?}");
            for (sentence, key) in exceeded.iter().zip(keys) {
                assert!(sentence.ends_with(&format!("raise limits.{key} in the policy to allow them")), "{sentence}");
            }
        }
        let (_, exceeded) = check(LIMITS, Counts { risky: 31, creations: 0, checked: 100 });
        let percent = "31 changes to 100 resources are more than max_changes_percent: 30; \
                       raise limits.max_changes_percent in the policy to allow them";
        assert_eq!(exceeded, [percent]);
    }

    #[test]
    fn a_limit_on_creations_refuses_only_new_flow_logs() {
        let id: flow_log::FlowLogId = "fl-1".parse().unwrap();
        let withheld = Withheld { risky: false, creations: true };
        let create = Change::Create(Box::new(crate::testing::spec()));
        assert!(withheld.objection(&create, None).is_some());
        assert_eq!(Withheld { risky: true, creations: false }.objection(&create, None), None);
        for change in [Change::Activate(id.clone()), Change::Modify(id, flow_log::FlowLogUpdate::default())] {
            assert_eq!(withheld.objection(&change, None), None, "{change:?}");
        }
    }
}
