//! Which accounts and regions a policy is about.

use super::{AccountScope, Policy, Regions, directory};
use crate::{AccountId, RegionId};

impl Policy {
    /// How the policy is about `account`. `own` is the account of the function or command; if that is unknown, it may be
    /// `account`.
    #[must_use]
    pub fn account_scope(&self, own: Option<&AccountId>, account: &AccountId) -> AccountScope<'_> {
        if own == Some(account) {
            return if self.own_account {
                AccountScope::Own
            } else {
                AccountScope::Out(format!("the account {account} is out of scope: own_account is false in the policy"))
            };
        }
        if let Some(member) = self.accounts.iter().find(|member| member.id == *account) {
            return AccountScope::Named(member);
        }
        match &self.resource_directory {
            Some(directory) if directory.exclude.accounts.contains(account) => {
                AccountScope::Out(directory::excluded(account))
            }
            // An own account that is unknown may be in the directory, too, and asking is safer than guessing.
            Some(directory) => AccountScope::InDirectory(directory),
            None if self.own_account && own.is_none() => AccountScope::Own,
            None => AccountScope::Out(format!(
                "the account {account} is out of scope: the policy's accounts do not name it"
            )),
        }
    }

    /// Explains why a region is out of scope; `None` if it is not. The policy does not say which regions an account has.
    #[must_use]
    pub fn region_scope(&self, region: &RegionId) -> Option<String> {
        if self.exclude_regions.contains(region) {
            return Some(format!("the region {region} is out of scope: the policy's exclude_regions names it"));
        }
        match &self.regions {
            Regions::Named(regions) if !regions.contains(region) => {
                Some(format!("the region {region} is out of scope: the policy's regions do not name it"))
            }
            Regions::Own | Regions::All | Regions::Named(_) => None,
        }
    }

    /// Whether `region` is in scope: not if `regions` is a list that lacks it, and not if `exclude_regions` names it.
    #[must_use]
    pub fn covers_region(&self, region: &RegionId) -> bool {
        self.region_scope(region).is_none()
    }
}
