//! Which accounts and regions a sweep covers.

use std::{error, fmt};

use flow_log::{AccountId, Policy, RegionId, policy::Regions};

use crate::{Selection, Target, TargetKind};

/// Returns every region of every account in the policy. The function runs in `own_account` and `own_region`.
///
/// # Errors
/// The policy relies on the function's own account or region, and that is not known, or on a list of regions or accounts
/// that no sweep reads yet.
pub(crate) fn all(
    policy: &Policy,
    selects: Selection,
    own_account: Option<&AccountId>,
    own_region: Option<&RegionId>,
) -> Result<Vec<Target>, UnknownLocation> {
    if policy.resource_directory.is_some() {
        return Err(UnknownLocation::NotListed("the accounts of a resource directory"));
    }
    let regions: Vec<_> = match &policy.regions {
        Regions::All if selects != Selection::Routers => {
            return Err(UnknownLocation::NotListed("all regions of an account"));
        }
        Regions::Own | Regions::All => vec![own_region.ok_or(UnknownLocation::Own("region"))?],
        Regions::Named(regions) => regions.iter().collect(),
    };
    let covered: Vec<_> = regions.iter().copied().filter(|region| policy.covers_region(region)).collect();
    // If no region is left, keep them all: each then gets a result that says why it was skipped.
    let regions = if covered.is_empty() { regions } else { covered };
    // Express Connect Routers belong to no region: one read per account returns them all.
    let regions = if selects == Selection::Routers { &regions[..regions.len().min(1)] } else { &regions[..] };
    let mut accounts: Vec<_> = policy.accounts.iter().map(|member| &member.id).collect();
    if policy.own_account {
        let own = own_account.ok_or(UnknownLocation::Own("account"))?;
        accounts.retain(|member| *member != own);
        accounts.insert(0, own);
    }
    let places = accounts.iter().flat_map(|account| regions.iter().map(move |region| (*account, *region)));
    let target = |(account, region): (&AccountId, &RegionId)| Target {
        account: account.clone(),
        region: region.clone(),
        kind: TargetKind::Sweep,
        since: None,
    };
    Ok(places.map(target).collect())
}

/// It is not known what to sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownLocation {
    /// The policy relies on this part of the function's own location, and that is not known.
    Own(&'static str),
    /// The policy relies on a list of these, which no sweep reads yet.
    NotListed(&'static str),
}

impl fmt::Display for UnknownLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(what) => {
                write!(f, "the function's {what} is not known, and the policy does not name one to sweep")
            }
            Self::NotListed(what) => write!(f, "the policy names {what}, which no sweep lists yet"),
        }
    }
}

impl error::Error for UnknownLocation {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn targets(lines: &str, selects: Selection) -> Vec<String> {
        let policy = testing::policy(lines);
        let (account, region) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let targets = all(&policy, selects, Some(&account), Some(&region)).unwrap();
        assert!(targets.iter().all(|target| target.kind == TargetKind::Sweep && target.since.is_none()));
        targets.iter().map(|target| format!("{} {}", target.account, target.region)).collect()
    }

    #[test]
    fn a_sweep_covers_each_region_of_each_account_with_the_own_account_first() {
        let accounts = "accounts: [{id: \"2\", role: \"acs:ram::2:role/a\"}, {id: \"1\", role: \"acs:ram::1:role/a\"}]";
        let swept = |lines: &str| targets(&format!("{accounts}\n{lines}"), Selection::Resources);
        assert_eq!(targets("", Selection::Resources), ["1 cn-hangzhou"]);
        assert_eq!(swept(""), ["1 cn-hangzhou", "2 cn-hangzhou"]);
        assert_eq!(
            swept("regions: [cn-shanghai, cn-beijing]"),
            ["1 cn-shanghai", "1 cn-beijing", "2 cn-shanghai", "2 cn-beijing"]
        );
    }

    #[test]
    fn an_excluded_region_stays_if_no_other_is_left_so_that_its_result_says_why() {
        assert_eq!(targets("exclude_regions: [cn-hangzhou]", Selection::Resources), ["1 cn-hangzhou"]);
    }

    #[test]
    fn routers_are_read_once_per_account() {
        assert_eq!(targets("regions: [cn-shanghai, cn-beijing]", Selection::Routers), ["1 cn-shanghai"]);
        assert_eq!(targets("regions: all", Selection::Routers), ["1 cn-hangzhou"]);
    }

    #[test]
    fn a_sweep_of_regions_or_accounts_that_have_to_be_listed_is_refused_and_not_cut_short() {
        for (lines, reason) in [
            ("regions: all", "the policy names all regions of an account, which no sweep lists yet"),
            (
                "resource_directory: {role: a}",
                "the policy names the accounts of a resource directory, which no sweep lists yet",
            ),
        ] {
            let (account, region) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
            let refused = all(&testing::policy(lines), Selection::Resources, Some(&account), Some(&region));
            assert_eq!(refused.unwrap_err().to_string(), reason);
        }
    }

    #[test]
    fn a_location_that_the_policy_relies_on_must_be_known() {
        let (account, region) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let unknown = |lines: &str, own_account, own_region| {
            let targets = all(&testing::policy(lines), Selection::Resources, own_account, own_region);
            targets.map_err(|error| error.to_string())
        };
        let no_region = unknown("", Some(&account), None).unwrap_err();
        assert_eq!(no_region, "the function's region is not known, and the policy does not name one to sweep");
        assert!(unknown("", None, Some(&region)).unwrap_err().starts_with("the function's account is not known"));
        assert!(unknown("regions: [cn-hangzhou]", Some(&account), None).is_ok());
        let others_only = "own_account: false\naccounts: [{id: \"2\", role: \"acs:ram::2:role/a\"}]";
        assert!(unknown(others_only, None, Some(&region)).is_ok());
    }
}
