//! Rate limits: the documented ones, by account, region and operation.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::api::operations::{ECR, Operation, RESOURCE_DIRECTORY};

const MINUTE: i64 = 60_000;

/// A caller's rate in the current minute. Each minute starts with nothing used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// The calls that are left; `None` if this call exceeds the limit.
    pub(crate) remain: Option<u32>,
    pub(crate) time_left: Duration,
}

/// The calls in the current minute, by account, region, product and operation.
#[derive(Debug, Default)]
pub(crate) struct RateLimits(BTreeMap<(String, String, &'static str, &'static str), (i64, u32)>);

impl RateLimits {
    /// Counts a call.
    pub(crate) fn count(&mut self, account: &str, region: &str, operation: &Operation, now: Timestamp) -> Rate {
        let key = (account.to_owned(), region.to_owned(), operation.product.name, operation.action);
        let (minute, used) = self.0.entry(key).or_default();
        let this = now.as_millisecond().div_euclid(MINUTE);
        if *minute != this {
            (*minute, *used) = (this, 0);
        }
        *used = used.saturating_add(1);
        let time_left = MINUTE - now.as_millisecond().rem_euclid(MINUTE);
        Rate { remain: limit(operation).checked_sub(*used), time_left: Duration::from_millis(time_left.unsigned_abs()) }
    }
}

/// Returns the limit in calls per minute. Operations without a documented limit have that of their family.
fn limit(operation: &Operation) -> u32 {
    let of_router = *operation.product == ECR;
    match (of_router, operation.is_write) {
        (true, true) => 120,
        _ if operation.action == "ListAccounts" => 1_200,
        _ if *operation.product == RESOURCE_DIRECTORY => 3_000,
        _ if of_router || operation.action.ends_with("TagResources") => 300,
        _ => 600,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::operations::{VPC, find};

    #[test]
    fn a_minute_has_its_own_calls_and_so_has_each_account_and_region() {
        let mut rates = RateLimits::default();
        let delete = find("DeleteFlowlog", ECR.version).unwrap();
        let at = |millisecond| Timestamp::from_millisecond(millisecond).unwrap();
        let time_left = Duration::from_millis(59_000);
        for used in 1..=120 {
            let rate = rates.count("1", "cn-hangzhou", delete, at(61_000));
            assert_eq!(rate, Rate { remain: Some(120 - used), time_left });
        }
        assert_eq!(rates.count("1", "cn-hangzhou", delete, at(119_999)).remain, None);
        assert_eq!(rates.count("2", "cn-hangzhou", delete, at(119_999)).remain, Some(119));
        assert_eq!(rates.count("1", "cn-shanghai", delete, at(119_999)).remain, Some(119));
        assert_eq!(rates.count("1", "cn-hangzhou", delete, at(120_000)).remain, Some(119));
        let of_directory = |action| limit(find(action, RESOURCE_DIRECTORY.version).unwrap());
        assert_eq!((of_directory("ListAccounts"), of_directory("GetAccount")), (1_200, 3_000));
        assert_eq!(limit(find("UnTagResources", VPC.version).unwrap()), 300);
        assert_eq!(limit(find("DeactiveFlowLog", VPC.version).unwrap()), 600);
    }
}
