//! How often the functions of a deployment run in a month, by its policy and by the timers of `template.yml`.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::FunctionUsage;

/// What an invocation takes by itself, and each region of an account in it, in milliseconds. A sweep of one account with
/// 30 regions took 2.1 s where every answer took 200 ms; docs/benchmarks.md says how that was measured.
const INVOCATION_MS: u64 = 100;
const REGION_MS: u64 = 52;
/// How long an event takes: a few calls.
const EVENT_MS: u64 = 1000;
/// The processors and the memory of a function in the template.
const VCPU_THOUSANDTHS: u64 = 50;
const MEMORY_MB: u64 = 128;
/// The seconds of an hour.
const HOUR: i64 = 3600;

/// What a deployment looks after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// How many accounts a sweep has.
    pub accounts: u64,
    /// How many regions all of them have together.
    pub regions: u64,
    /// Whether `create-ecr-flow-log` is deployed.
    pub has_routers: bool,
    /// The days of the month.
    pub days: u64,
    /// When resources were created in that time: each wakes `create-flow-log`. Those that are gone are not known.
    pub created: Vec<Timestamp>,
}

impl Deployment {
    /// Returns how much each function runs, with the default timers of the template.
    #[must_use]
    pub fn functions(&self) -> Vec<FunctionUsage> {
        let timed = |name: &str, a_day: u64| {
            let sweeps = a_day * self.days;
            // With several accounts: one invocation for each, the coordinator, and the step that collects.
            let each = if self.accounts > 1 { self.accounts + 2 } else { 1 };
            let milliseconds = INVOCATION_MS + (REGION_MS * self.regions).div_ceil(each);
            usage(name, sweeps.saturating_mul(each), milliseconds, a_day.min(24) * self.days)
        };
        let hours: BTreeSet<i64> = self.created.iter().map(|at| at.as_second().div_euclid(HOUR)).collect();
        let mut functions = vec![
            usage("create-flow-log", self.created.len() as u64, EVENT_MS, hours.len() as u64),
            timed("activate-flow-logs", 96),
            timed("deactivate-flow-logs", 96),
            timed("remediate-flow-logs", 24),
            timed("delete-orphaned-flow-logs", 1),
        ];
        if self.has_routers {
            functions.push(timed("create-ecr-flow-log", 96));
        }
        functions
    }
}

fn usage(name: &str, invocations: u64, milliseconds: u64, hours: u64) -> FunctionUsage {
    FunctionUsage {
        name: name.to_owned(),
        invocations,
        milliseconds,
        hours,
        vcpu_thousandths: VCPU_THOUSANDTHS,
        memory_mb: MEMORY_MB,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, FunctionCost, PriceTable};

    fn deployment() -> Deployment {
        Deployment { accounts: 1, regions: 1, has_routers: false, days: 31, created: Vec::new() }
    }

    fn costs(deployment: &Deployment, currency: Currency) -> Vec<FunctionCost> {
        let table = PriceTable::of(currency);
        deployment.functions().iter().map(|usage| usage.cost(&table)).collect()
    }

    #[test]
    fn in_china_the_hours_of_the_timers_dominate() {
        let totals: Vec<_> = costs(&deployment(), Currency::Cny).iter().map(|cost| cost.total().to_string()).collect();
        assert_eq!(totals, ["0.00", "7.44", "7.44", "7.44", "0.31"]);
        let routers = Deployment { has_routers: true, ..deployment() };
        assert_eq!(costs(&routers, Currency::Cny).last().unwrap().total().to_string(), "7.44");
    }

    #[test]
    fn an_event_costs_the_hour_that_it_is_in() {
        let created = ["2026-11-26T03:00:00Z", "2026-11-26T03:59:59Z", "2026-11-26T04:00:00Z"];
        let created = created.map(|at| at.parse().unwrap()).into();
        let functions = Deployment { created, ..deployment() }.functions();
        assert_eq!((functions[0].invocations, functions[0].hours), (3, 2));
    }

    #[test]
    fn a_sweep_of_an_organization_is_as_dear_as_it_was_measured() {
        let organization = Deployment { accounts: 500, regions: 15_000, days: 1, ..deployment() };
        let sweeps = &organization.functions()[3];
        assert_eq!(sweeps.invocations, 24 * 502);
        let cu = sweeps.cost(&PriceTable::of(Currency::Usd)).cu_tenths / 24;
        assert!((500..700).contains(&cu), "57 CU were measured, and these are {cu} tenths");
    }
}
