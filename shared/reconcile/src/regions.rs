//! Which accounts and regions a sweep covers.

use std::{error, fmt};

use flow_log::{AccountId, Policy, RegionId};

use crate::{Selection, Target, TargetKind};

/// Returns every region of every account in the policy. The function runs in `own_account` and `own_region`.
///
/// # Errors
/// The policy relies on the function's own account or region, and that is not known.
pub(crate) fn all(
    policy: &Policy,
    selects: Selection,
    own_account: Option<&AccountId>,
    own_region: Option<&RegionId>,
) -> Result<Vec<Target>, UnknownLocation> {
    let regions: Vec<_> = match policy.regions.as_slice() {
        [] => vec![own_region.ok_or(UnknownLocation("region"))?],
        regions => regions.iter().collect(),
    };
    let covered: Vec<_> = regions.iter().copied().filter(|region| policy.covers_region(region)).collect();
    // If no region is left, keep them all: each then gets a result that says why it was skipped.
    let regions = if covered.is_empty() { regions } else { covered };
    // Express Connect Routers belong to no region: one read per account returns them all.
    let regions = if selects == Selection::Routers { &regions[..regions.len().min(1)] } else { &regions[..] };
    let mut accounts: Vec<_> = policy.accounts.iter().map(|member| &member.id).collect();
    if policy.own_account {
        let own = own_account.ok_or(UnknownLocation("account"))?;
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

/// There is nothing to sweep: the policy relies on the function's own location, and that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownLocation(&'static str);

impl fmt::Display for UnknownLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the function's {} is not known, and the policy does not name one to sweep", self.0)
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
