//! Rate limits: the documented ones, by account, region and operation.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::api::operations::{ECR, Operation, RESOURCE_DIRECTORY, STS};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60_000;

/// A caller's rate in the current window: a second or a minute. Each window starts with nothing used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// The calls that are left; `None` if this call exceeds the limit.
    pub(crate) remain: Option<u32>,
    pub(crate) time_left: Duration,
}

/// The calls in the current window, by account, region, product and operation.
#[derive(Debug, Default)]
pub(crate) struct RateLimits(BTreeMap<(String, String, &'static str, &'static str), (i64, u32)>);

impl RateLimits {
    /// Counts a call.
    pub(crate) fn count(&mut self, account: &str, region: &str, operation: &Operation, now: Timestamp) -> Rate {
        let key = (account.to_owned(), region.to_owned(), operation.product.name, operation.action);
        let (limit, length) = limit(operation);
        let (window, used) = self.0.entry(key).or_default();
        let this = now.as_millisecond().div_euclid(length);
        if *window != this {
            (*window, *used) = (this, 0);
        }
        *used = used.saturating_add(1);
        let time_left = length - now.as_millisecond().rem_euclid(length);
        Rate { remain: limit.checked_sub(*used), time_left: Duration::from_millis(time_left.unsigned_abs()) }
    }
}

/// Returns the limit, as a number of calls and the window that they are counted in, in milliseconds. Operations without
/// a documented limit have that of their family.
fn limit(operation: &Operation) -> (u32, i64) {
    let of_router = *operation.product == ECR;
    match (of_router, operation.is_write) {
        (true, true) => (120, MINUTE),
        _ if operation.action == "ListAccounts" => (20, SECOND),
        _ if *operation.product == RESOURCE_DIRECTORY => (50, SECOND),
        _ if *operation.product == STS => (100, SECOND),
        _ if of_router || operation.action.ends_with("TagResources") => (300, MINUTE),
        _ => (600, MINUTE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::operations::{VPC, find};

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    #[test]
    fn a_minute_has_its_own_calls_and_so_has_each_account_and_region() {
        let mut rates = RateLimits::default();
        let delete = find("DeleteFlowlog", ECR.version).unwrap();
        let time_left = Duration::from_millis(59_000);
        for used in 1..=120 {
            let rate = rates.count("1", "cn-hangzhou", delete, at(61_000));
            assert_eq!(rate, Rate { remain: Some(120 - used), time_left });
        }
        assert_eq!(rates.count("1", "cn-hangzhou", delete, at(119_999)).remain, None);
        assert_eq!(rates.count("2", "cn-hangzhou", delete, at(119_999)).remain, Some(119));
        assert_eq!(rates.count("1", "cn-shanghai", delete, at(119_999)).remain, Some(119));
        assert_eq!(rates.count("1", "cn-hangzhou", delete, at(120_000)).remain, Some(119));
        assert_eq!(limit(find("UnTagResources", VPC.version).unwrap()), (300, MINUTE));
        assert_eq!(limit(find("DeactiveFlowLog", VPC.version).unwrap()), (600, MINUTE));
    }

    #[test]
    fn some_limits_are_of_a_second() {
        let of_directory = |action| find(action, RESOURCE_DIRECTORY.version).unwrap();
        assert_eq!(limit(of_directory("ListAccounts")), (20, SECOND));
        assert_eq!(limit(find("AssumeRole", STS.version).unwrap()), (100, SECOND));
        let (mut rates, get) = (RateLimits::default(), of_directory("GetAccount"));
        for used in 1..=50 {
            let rate = rates.count("1", "cn-hangzhou", get, at(61_900));
            assert_eq!(rate, Rate { remain: Some(50 - used), time_left: Duration::from_millis(100) });
        }
        assert_eq!(rates.count("1", "cn-hangzhou", get, at(61_999)).remain, None);
        assert_eq!(rates.count("1", "cn-hangzhou", get, at(62_000)).remain, Some(49));
    }
}
