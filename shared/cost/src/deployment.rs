//! How often the functions of a deployment run in a month, by its policy and by the timers of `template.yml`.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{Bytes, FunctionUsage, LogStoreUsage, Metering};

/// What an invocation takes by itself, and each region of an account in it, in milliseconds. A sweep of one account with
/// 30 regions took 2.1 s where every answer took 200 ms; docs/benchmarks.md says how that was measured.
const INVOCATION_MS: u64 = 100;
const REGION_MS: u64 = 52;
/// How long an event takes: a few calls.
const EVENT_MS: u64 = 1000;
/// How long an event takes that Flowkeeper caused itself: it is recognized, and nothing is read.
const OWN_EVENT_MS: u64 = 10;
/// What a report reads besides, for each region: three calls for a Logstore, at 200 ms an answer and eight regions at a
/// time.
const PROOF_MS: u64 = 75;
/// The processors and the memory of a function in the template, and those of `report-flow-logs`.
const SIZE: (u64, u64) = (50, 128);
const REPORT_SIZE: (u64, u64) = (500, 512);
/// The Logstore of the lines in the template: its shards, and the days that it keeps lines by default. The template gives it
/// no mode, so it is charged by feature.
const LOG_SHARDS: u32 = 1;
const LOG_DAYS: u32 = 30;
/// The lines of an invocation: its own, and what Function Compute writes of it.
const INVOCATION_LINES_BYTES: u64 = 4_000;
/// The line of a resource that an hourly sweep lists.
const RESOURCE_LINE_BYTES: u64 = 1_000;
/// How many resources that need nothing a sweep lists of a region.
const MAX_LISTED: u64 = 200;
/// The sweeps of `remediate-flow-logs` in a day.
const SWEEPS_A_DAY: u64 = 24;
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
    /// When resources were created in that time: each wakes `create-flow-log`. Those that are gone are not known. As many
    /// are assumed to be deleted, which wakes `delete-orphaned-flow-logs`.
    pub created: Vec<Timestamp>,
    /// How often flow logs are switched off by their schedules in that time. Each comes back as an event, and wakes
    /// `remediate-flow-logs`.
    pub switched_off: u64,
    /// How many resources each region has that is not empty: `remediate-flow-logs` writes a line of each, up to a limit.
    pub resources: Vec<u64>,
}

/// The Logstore that the functions write their lines to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogUsage {
    /// The Logstore.
    pub log_store: LogStoreUsage,
    /// What is written in the month.
    pub bytes: Bytes,
    /// The days of the month.
    pub days: u64,
}

impl Deployment {
    /// Returns what the functions write to their own Logstore, with the default timers and the default retention of the
    /// template. The sizes of lines are assumed.
    #[must_use]
    pub fn logs(&self) -> LogUsage {
        let invocations = self.functions().iter().map(|usage| usage.invocations).fold(0, u64::saturating_add);
        let listed = self.resources.iter().map(|count| (*count).min(MAX_LISTED)).fold(0, u64::saturating_add);
        let of_resources = listed.saturating_mul(SWEEPS_A_DAY * RESOURCE_LINE_BYTES).saturating_mul(self.days);
        let store = LogStoreUsage::unread("functions".to_owned());
        LogUsage {
            log_store: LogStoreUsage {
                metering: Some(Metering::ByFeature),
                retention_days: LOG_DAYS,
                shards: LOG_SHARDS,
                ..store
            },
            bytes: Bytes(invocations.saturating_mul(INVOCATION_LINES_BYTES).saturating_add(of_resources)),
            days: self.days,
        }
    }

    /// Returns how much each function runs, with the default timers of the template.
    #[must_use]
    pub fn functions(&self) -> Vec<FunctionUsage> {
        let hours: BTreeSet<i64> = self.created.iter().map(|at| at.as_second().div_euclid(HOUR)).collect();
        let created = Runs { number: self.created.len() as u64, milliseconds: EVENT_MS, hours: hours.len() as u64 };
        // In hours of their own, since the hours are unknown.
        let deleted = created;
        let own = Runs { number: self.switched_off, milliseconds: OWN_EVENT_MS, hours: self.switched_off };
        let mut functions = vec![
            self.usage("create-flow-log", &[created], SIZE),
            self.usage("activate-flow-logs", &[self.sweeps(96, REGION_MS)], SIZE),
            self.usage("deactivate-flow-logs", &[self.sweeps(96, REGION_MS)], SIZE),
            self.usage("remediate-flow-logs", &[self.sweeps(SWEEPS_A_DAY, REGION_MS), own], SIZE),
            self.usage("delete-orphaned-flow-logs", &[self.sweeps(1, REGION_MS), deleted], SIZE),
            self.usage("report-flow-logs", &[self.sweeps(1, REGION_MS + PROOF_MS)], REPORT_SIZE),
        ];
        if self.has_routers {
            functions.push(self.usage("create-ecr-flow-log", &[self.sweeps(96, REGION_MS)], SIZE));
        }
        functions
    }

    fn sweeps(&self, a_day: u64, region_ms: u64) -> Runs {
        let sweeps = a_day * self.days;
        // With several accounts: one invocation for each, the coordinator, and the step that collects.
        let each = if self.accounts > 1 { self.accounts + 2 } else { 1 };
        let milliseconds = INVOCATION_MS + region_ms.saturating_mul(self.regions).div_ceil(each);
        Runs { number: sweeps.saturating_mul(each), milliseconds, hours: a_day.min(24) * self.days }
    }

    fn usage(&self, name: &str, runs: &[Runs], (vcpu_thousandths, memory_mb): (u64, u64)) -> FunctionUsage {
        let sum = |of: fn(&Runs) -> u64| runs.iter().map(of).fold(0, u64::saturating_add);
        let invocations = sum(|some| some.number);
        let milliseconds = sum(|some| some.number.saturating_mul(some.milliseconds));
        FunctionUsage {
            name: name.to_owned(),
            invocations,
            milliseconds: milliseconds.div_ceil(invocations.max(1)),
            hours: sum(|some| some.hours).min(self.days.saturating_mul(24)),
            vcpu_thousandths,
            memory_mb,
        }
    }
}

/// Invocations of one kind.
#[derive(Debug, Clone, Copy)]
struct Runs {
    number: u64,
    /// How long each takes.
    milliseconds: u64,
    /// In how many hours there is one.
    hours: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, FunctionCost, PriceTable};

    fn deployment() -> Deployment {
        Deployment {
            accounts: 1,
            regions: 1,
            has_routers: false,
            days: 31,
            created: Vec::new(),
            switched_off: 0,
            resources: Vec::new(),
        }
    }

    fn costs(deployment: &Deployment, currency: Currency) -> Vec<FunctionCost> {
        let table = PriceTable::of(currency);
        deployment.functions().iter().map(|usage| usage.cost(&table)).collect()
    }

    #[test]
    fn in_china_the_hours_of_the_timers_dominate() {
        let totals: Vec<_> = costs(&deployment(), Currency::Cny).iter().map(|cost| cost.total().to_string()).collect();
        assert_eq!(totals, ["0.00", "7.44", "7.44", "7.44", "0.31", "0.31"]);
        let routers = Deployment { has_routers: true, ..deployment() };
        assert_eq!(costs(&routers, Currency::Cny).last().unwrap().total().to_string(), "7.44");
    }

    #[test]
    fn an_event_costs_the_hour_that_it_is_in() {
        let created = ["2026-11-26T03:00:00Z", "2026-11-26T03:59:59Z", "2026-11-26T04:00:00Z"];
        let created = created.map(|at| at.parse().unwrap()).into();
        let functions = Deployment { created, ..deployment() }.functions();
        assert_eq!((functions[0].invocations, functions[0].hours), (3, 2));
        let orphans = &functions[4];
        assert_eq!((orphans.invocations, orphans.hours), (31 + 3, 31 + 2), "as many are deleted");
        assert_eq!(orphans.milliseconds, (31_u64 * 152 + 3 * 1000).div_ceil(34), "each by its own length");
    }

    #[test]
    fn what_flowkeeper_switches_off_comes_back_as_an_event_and_costs_no_hour_that_a_sweep_does_not() {
        let functions = Deployment { switched_off: 2_200, ..deployment() }.functions();
        let sweeps = &functions[3];
        assert_eq!((sweeps.invocations, sweeps.hours), (744 + 2_200, 744));
        let table = PriceTable::of(Currency::Cny);
        assert_eq!(sweeps.cost(&table).total().to_string(), "7.44");
        assert!(sweeps.cost(&table).of_use > deployment().functions()[3].cost(&table).of_use);
    }

    #[test]
    fn a_line_is_counted_for_each_invocation_and_for_up_to_200_resources_of_a_region() {
        let invocations: u64 = deployment().functions().iter().map(|usage| usage.invocations).sum();
        let none = deployment().logs();
        assert_eq!((none.bytes, none.log_store.shards), (Bytes(invocations * 4_000), 1));
        let many = Deployment { resources: vec![10, 9_000], ..deployment() }.logs();
        assert_eq!(many.bytes - none.bytes, Bytes(210 * 744 * 1_000));
    }

    #[test]
    fn a_report_has_the_size_of_its_own_function() {
        let report = &deployment().functions()[5];
        assert_eq!((report.name.as_str(), report.invocations), ("report-flow-logs", 31));
        assert_eq!((report.vcpu_thousandths, report.memory_mb), (500, 512));
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
