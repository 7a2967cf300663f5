//! Where the function runs, as far as a sweep relies on it.

use std::{error, fmt};

use flow_log::{AccountId, Policy, RegionId, policy::Regions};

/// There is nothing to sweep: the policy relies on the function's own location, and that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownLocation(&'static str);

impl UnknownLocation {
    pub(crate) const ACCOUNT: Self = Self("account");
    pub(crate) const REGION: Self = Self("region");
}

impl fmt::Display for UnknownLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the function's {} is not known, and the policy does not name one to sweep", self.0)
    }
}

impl error::Error for UnknownLocation {}

/// Checks that a sweep of every account in the policy knows what it relies on. The function runs in `own_account` and
/// `own_region`.
///
/// # Errors
/// The policy relies on one of them, and that is not known.
pub(crate) fn check(
    policy: &Policy,
    own_account: Option<&AccountId>,
    own_region: Option<&RegionId>,
) -> Result<(), UnknownLocation> {
    if any_region(policy, own_region).is_none() {
        return Err(UnknownLocation::REGION);
    }
    // Without it, nobody could tell which member of the directory it is.
    let needs_account = policy.own_account || policy.resource_directory.is_some();
    if needs_account && own_account.is_none() { Err(UnknownLocation::ACCOUNT) } else { Ok(()) }
}

/// Returns a region for calls that are about no region: the function's own, or the first one in the policy.
pub(crate) fn any_region<'a>(policy: &'a Policy, own_region: Option<&'a RegionId>) -> Option<&'a RegionId> {
    own_region.or_else(|| match &policy.regions {
        Regions::Named(regions) => regions.first(),
        Regions::Own | Regions::All => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_location_that_the_policy_relies_on_must_be_known() {
        let (account, region) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let unknown = |lines: &str, own_account, own_region| {
            check(&testing::policy(lines), own_account, own_region).map_err(|error| error.to_string())
        };
        let no_region = unknown("", Some(&account), None).unwrap_err();
        assert_eq!(no_region, "the function's region is not known, and the policy does not name one to sweep");
        assert!(unknown("", None, Some(&region)).unwrap_err().starts_with("the function's account is not known"));
        assert!(unknown("regions: all", Some(&account), None).unwrap_err().starts_with("the function's region"));
        assert!(unknown("regions: [cn-hangzhou]", Some(&account), None).is_ok());
        let others_only = "own_account: false\naccounts: [{id: \"2\", role: \"acs:ram::2:role/a\"}]";
        assert!(unknown(others_only, None, Some(&region)).is_ok());
        let members_only = "own_account: false\nresource_directory: {role: flowkeeper}";
        assert!(unknown(members_only, None, Some(&region)).unwrap_err().starts_with("the function's account"));
    }
}
