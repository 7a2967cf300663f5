//! What this invocation handles already.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use flow_log::{AccountId, RegionId};

/// The resources and regions that this invocation handles already. Several targets may lead to the same resource, and
/// it must be changed only once.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<BTreeSet<(AccountId, RegionId, String)>>);

/// An account and a region.
pub(crate) type AccountRegion<'p> = (&'p AccountId, &'p RegionId);

impl Claims {
    /// Claims a resource in an account and region. Returns false if it is already claimed.
    pub(crate) fn claim(&self, (account, region): AccountRegion<'_>, id: &str) -> bool {
        let key = (account.clone(), region.clone(), id.to_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
    }

    /// Claims a whole region of an account. Returns false if it is already claimed.
    pub(crate) fn claim_region(&self, place: AccountRegion<'_>) -> bool {
        const WHOLE: &str = "";
        self.claim(place, WHOLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_resource_and_each_region_can_be_claimed_once_in_its_account_and_region() {
        let accounts: [AccountId; 2] = ["1", "2"].map(|id| id.parse().unwrap());
        let regions: [RegionId; 2] = ["cn-hangzhou", "cn-shanghai"].map(|id| id.parse().unwrap());
        let claims = Claims::default();
        for place in accounts.iter().flat_map(|account| regions.iter().map(move |region| (account, region))) {
            for id in ["vpc-1", "vpc-2"] {
                assert!(claims.claim(place, id), "{id} in {place:?}");
                assert!(!claims.claim(place, id), "{id} in {place:?} is claimed already");
            }
            assert!(claims.claim_region(place), "a claimed resource does not claim its region");
            assert!(!claims.claim_region(place), "{place:?} is claimed already");
        }
    }

    #[test]
    fn a_claimed_region_does_not_claim_the_resources_in_it() {
        let (account, region) = ("1".parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let claims = Claims::default();
        assert!(claims.claim_region((&account, &region)));
        assert!(claims.claim((&account, &region), "vpc-1"));
    }
}
