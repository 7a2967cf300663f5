//! Conditions of accounts, regions and resources that no call can change, and that make a well-formed call fail.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::world::state::Place;

/// The conditions. By default every destination exists, every feature is available, and no account is locked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Constraints {
    /// Projects and Logstores that do not exist.
    missing: BTreeSet<Destination>,
    /// Where `TrafficPath` is not available.
    no_traffic_paths: BTreeSet<Spot>,
    /// Regions that an account may not use.
    closed: BTreeSet<Spot>,
    /// Regions without flow logs.
    no_flow_logs: BTreeSet<String>,
    /// Accounts with overdue payment.
    locked: BTreeSet<String>,
    /// Members of an organization that pay for themselves.
    own_payers: BTreeSet<String>,
    /// The resource groups of each account for which they have been set.
    groups: BTreeMap<String, BTreeSet<String>>,
    /// How long `CreateFlowLog` does not find a new resource, although lists show it.
    seen_after: Duration,
}

/// An account and a region.
type Spot = (String, String);

/// A project, or a Logstore in it.
type Destination = (Spot, String, Option<String>);

/// The resource group of everything that is in no other one.
const DEFAULT_GROUP: &str = "rg-default";

fn spot(account: &str, region: &str) -> Spot {
    (account.to_owned(), region.to_owned())
}

impl Constraints {
    pub(crate) fn new(seen_after: Duration) -> Self {
        Self { seen_after, ..Self::default() }
    }

    pub(crate) fn remove_project(&mut self, account: &str, region: &str, project: &str) {
        self.missing.insert((spot(account, region), project.to_owned(), None));
    }

    pub(crate) fn remove_log_store(&mut self, account: &str, region: &str, project: &str, log_store: &str) {
        self.missing.insert((spot(account, region), project.to_owned(), Some(log_store.to_owned())));
    }

    /// Restores a Logstore and its project.
    pub(crate) fn add_log_store(&mut self, account: &str, region: &str, project: &str, log_store: &str) {
        let spot = spot(account, region);
        self.missing.remove(&(spot.clone(), project.to_owned(), None));
        self.missing.remove(&(spot, project.to_owned(), Some(log_store.to_owned())));
    }

    /// Returns whether a flow log can deliver to this Logstore.
    pub(crate) fn has_log_store(&self, account: &str, region: &str, project: &str, log_store: &str) -> bool {
        let lacks = |part: Option<&str>| {
            self.missing.contains(&(spot(account, region), project.to_owned(), part.map(str::to_owned)))
        };
        !lacks(None) && !lacks(Some(log_store))
    }

    pub(crate) fn set_own_payer(&mut self, account: &str) {
        self.own_payers.insert(account.to_owned());
    }

    /// Returns whether a member of an organization pays for itself.
    pub(crate) fn pays_itself(&self, account: &str) -> bool {
        self.own_payers.contains(account)
    }

    pub(crate) fn set_traffic_paths(&mut self, account: &str, region: &str, are_there: bool) {
        if are_there {
            self.no_traffic_paths.remove(&spot(account, region))
        } else {
            self.no_traffic_paths.insert(spot(account, region))
        };
    }

    pub(crate) fn has_traffic_paths(&self, place: &Place) -> bool {
        !self.no_traffic_paths.contains(&spot(&place.account, &place.region))
    }

    pub(crate) fn set_region(&mut self, account: &str, region: &str, is_open: bool) {
        if is_open {
            self.closed.remove(&spot(account, region))
        } else {
            self.closed.insert(spot(account, region))
        };
    }

    /// Returns whether an account may use a region.
    pub(crate) fn is_open(&self, place: &Place) -> bool {
        !self.closed.contains(&spot(&place.account, &place.region))
    }

    pub(crate) fn set_flow_logs(&mut self, region: &str, are_there: bool) {
        if are_there {
            self.no_flow_logs.remove(region)
        } else {
            self.no_flow_logs.insert(region.to_owned())
        };
    }

    pub(crate) fn has_flow_logs(&self, region: &str) -> bool {
        !self.no_flow_logs.contains(region)
    }

    pub(crate) fn set_locked(&mut self, account: &str, is_locked: bool) {
        if is_locked {
            self.locked.insert(account.to_owned())
        } else {
            self.locked.remove(account)
        };
    }

    /// Returns the `BusinessStatus` of an account's resources.
    pub(crate) fn business_status(&self, account: &str) -> &'static str {
        if self.locked.contains(account) { "FinancialLocked" } else { "Normal" }
    }

    pub(crate) fn set_resource_groups(&mut self, account: &str, ids: &[&str]) {
        self.groups.insert(account.to_owned(), ids.iter().map(|id| (*id).to_owned()).collect());
    }

    /// Returns whether an account has a resource group. If its groups have not been set, every id is valid.
    pub(crate) fn has_resource_group(&self, account: &str, id: &str) -> bool {
        id == DEFAULT_GROUP || self.groups.get(account).is_none_or(|known| known.contains(id))
    }

    /// Returns whether `CreateFlowLog` finds a resource that was created at this time.
    pub(crate) fn is_seen(&self, created: Timestamp, now: Timestamp) -> bool {
        SignedDuration::try_from(self.seen_after).is_ok_and(|after| now.duration_since(created) >= after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_there_unless_it_is_said_otherwise() {
        let mut constraints = Constraints::default();
        let has = |it: &Constraints, log_store| it.has_log_store("1", "cn-hangzhou", "p", log_store);
        assert!(has(&constraints, "a") && constraints.has_resource_group("1", "rg-a"));
        constraints.remove_log_store("1", "cn-hangzhou", "p", "a");
        assert_eq!((has(&constraints, "a"), has(&constraints, "b")), (false, true));
        constraints.remove_project("1", "cn-hangzhou", "p");
        assert_eq!((has(&constraints, "a"), has(&constraints, "b")), (false, false));
        assert!(constraints.has_log_store("1", "cn-beijing", "p", "a"));
        constraints.add_log_store("1", "cn-hangzhou", "p", "a");
        assert_eq!((has(&constraints, "a"), has(&constraints, "b")), (true, true));
        constraints.set_resource_groups("1", &["rg-a"]);
        let has_group = |id| constraints.has_resource_group("1", id);
        assert_eq!((has_group("rg-a"), has_group("rg-b"), has_group("rg-default")), (true, false, true));
    }

    #[test]
    fn what_is_new_is_seen_after_a_while() {
        let constraints = Constraints::new(Duration::from_secs(5));
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!([4, 5].map(|second| constraints.is_seen(at(0), at(second))), [false, true]);
        assert!(Constraints::default().is_seen(at(0), at(0)));
    }
}
