//! Sweeps of `remediate-flow-logs` over many VPCs, triggered by its timer: calls, time and memory.

use std::{io, path::Path, process::Command};

use openapi::Quotas;

use crate::{
    clock, event,
    fleet::{Fleet, REGIONS},
    http::find,
    organization,
    process::Process,
    stub::Cloud,
    subject::function,
};

/// One of this many VPCs has no flow log.
pub(crate) const LACKING: usize = 100;
/// The maximum page size of the API.
pub(crate) const PAGE: usize = 50;

/// The size of a sweep: a number of VPCs, spread over a number of regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) vpcs: usize,
    pub(crate) regions: usize,
}

/// The measurements of a sweep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sweep {
    pub(crate) size: Size,
    pub(crate) calls: usize,
    /// Time from sending the event to its answer, in s.
    pub(crate) wall: f64,
    /// CPU time, in s.
    pub(crate) cpu: f64,
    /// Peak resident memory, in KiB.
    pub(crate) peak: f64,
}

impl Size {
    /// The fleet in each region.
    const fn fleet(self) -> Fleet {
        Fleet { vpcs: self.vpcs / self.regions, lacking: LACKING }
    }

    /// The calls of each action in a region: one for every 50 VPCs, one for every 50 flow logs, and one for each
    /// missing flow log. The actions run one after the other.
    fn calls_of_each(self) -> [usize; 3] {
        let fleet = self.fleet();
        let pages = |items: usize| items.div_ceil(PAGE).max(1);
        [pages(fleet.vpcs), pages(fleet.vpcs - fleet.repairs()), fleet.repairs()]
    }

    /// The minimum number of calls that the sweep needs.
    pub(crate) fn min_calls(self) -> usize {
        self.regions * self.calls_of_each().iter().sum::<usize>()
    }

    /// The time that these calls take if every minute uses the whole quota of an action, in s. Regions do not wait for
    /// each other.
    pub(crate) fn quota_time(self) -> f64 {
        self.calls_of_each().iter().sum::<usize>() as f64 * 60.0 / quota()
    }

    /// The time that they take at the client's pace, in s: a tenth of the quota at once and the rest evenly, so that no
    /// minute exceeds the quota.
    pub(crate) fn pace_time(self) -> f64 {
        self.calls_of_each().map(paced).iter().sum()
    }
}

/// The time that calls of one action in a region take at the client's pace, in s.
pub(crate) fn paced(calls: usize) -> f64 {
    let burst = quota() / 10.0;
    (calls as f64 - burst).max(0.0) * 60.0 / (quota() - burst)
}

/// The quota of each of the three actions, per region and minute.
pub(crate) fn quota() -> f64 {
    f64::from(Quotas::default().vpc.get())
}

/// Measures a sweep of this size.
pub(crate) fn measure(remediate: &Path, size: Size) -> io::Result<Sweep> {
    let fleet = size.fleet();
    let cloud = Cloud::with(fleet)?;
    let mut process = start(remediate, &cloud, size)?;
    let mut connection = process.connect()?;
    let idle = process.cpu()?;

    let sent = clock::now();
    let answer = connection.invoke(&event::timer())?;
    let wall = sent.elapsed().as_secs_f64();

    let summary = [("checked", fleet.vpcs), ("changed", fleet.repairs())];
    for (what, count) in summary {
        if find(answer, format!("\"{what}\":{}", count * size.regions).as_bytes()).is_none() {
            let end = String::from_utf8_lossy(&answer[answer.len().saturating_sub(400)..]);
            return Err(io::Error::other(format!("{size:?}: {what} is not as expected: …{end}")));
        }
    }
    let cpu = (process.cpu()? - idle) / 1e6;
    Ok(Sweep { size, calls: cloud.calls(), wall, cpu, peak: process.peak()? })
}

/// The accounts whose empty regions are swept in one process.
const ACCOUNTS: [usize; 2] = [100, 500];

/// Measures the peak memory that a sweep takes for each further target, an account and region with nothing in it, in
/// bytes: the difference between two numbers of accounts.
pub(crate) fn measure_empty_target(remediate: &Path) -> io::Result<f64> {
    let [few, many] = ACCOUNTS.map(|accounts| peak_of_empty(remediate, accounts));
    let targets = (ACCOUNTS[1] - ACCOUNTS[0]) * organization::REGIONS.len();
    Ok((many? - few?) * 1024.0 / targets as f64)
}

/// The peak memory of a sweep of this many accounts in every region, in KiB.
fn peak_of_empty(remediate: &Path, accounts: usize) -> io::Result<f64> {
    let cloud = Cloud::with(Fleet::in_order(0))?;
    let ids = (0..accounts).map(|nth| format!("2{nth:015}"));
    let members: Vec<_> =
        ids.map(|id| format!(r#"{{"id": "{id}", "role": "acs:ram::{id}:role/flowkeeper"}}"#)).collect();
    let policy = format!(
        r#"{{"flow_log": {{"project": "flowlog", "log_store": "vpc"}}, "regions": ["{}"],
"own_account": false, "accounts": [{}]}}"#,
        organization::REGIONS.join(r#"", ""#),
        members.join(", ")
    );
    let mut command = function(remediate, &cloud);
    let mut process = Process::start(command.env("FLOWKEEPER_POLICY", policy), "FC_CUSTOM_LISTEN_PORT")?;
    // A function that does not know its name cannot invoke itself, and sweeps all accounts in one process.
    let event = String::from_utf8_lossy(&event::timer()).replace("x-fc-function-name: create-flow-log\r\n", "");
    process.connect()?.invoke(event.as_bytes())?;
    let (calls, targets) = (cloud.calls_of_each(), accounts * organization::REGIONS.len());
    if calls[..4] != [targets, targets, 0, accounts] || calls.iter().sum::<usize>() != 2 * targets + accounts {
        return Err(io::Error::other(format!("{accounts} accounts with nothing in them took {calls:?} calls")));
    }
    process.peak()
}

fn start(remediate: &Path, cloud: &Cloud, size: Size) -> io::Result<Process> {
    let regions = REGIONS[..size.regions].join(r#"", ""#);
    let policy = format!(
        r#"{{"flow_log": {{"project": "flowlog-{{account}}-{{region}}", "log_store": "vpc"}}, "regions": ["{regions}"],
"limits": {{"max_changes": 1000000, "max_changes_percent": 100}}}}"#
    );
    let command: &mut Command = &mut function(remediate, cloud);
    Process::start(command.env("FLOWKEEPER_POLICY", policy), "FC_CUSTOM_LISTEN_PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_of_calls_is_the_pages_and_the_repairs() {
        assert_eq!(Size { vpcs: 10_000, regions: 1 }.calls_of_each(), [200, 198, 100]);
        assert_eq!(Size { vpcs: 100_000, regions: 5 }.min_calls(), 5 * (400 + 396 + 200));
        assert_eq!(Size { vpcs: 1_000, regions: 5 }.calls_of_each(), [4, 4, 2]);
    }

    #[test]
    fn a_tenth_of_the_quota_goes_at_once_and_regions_do_not_wait_for_each_other() {
        assert_eq!(quota(), 600.0);
        assert_eq!(Size { vpcs: 1_000, regions: 5 }.pace_time(), 0.0);
        let one = Size { vpcs: 10_000, regions: 1 };
        assert!((one.pace_time() - (140.0 + 138.0 + 40.0) / 9.0).abs() < 1e-9);
        assert!((one.quota_time() - 49.8).abs() < 1e-9);
        assert_eq!(Size { vpcs: 50_000, regions: 5 }.pace_time(), one.pace_time());
    }
}
