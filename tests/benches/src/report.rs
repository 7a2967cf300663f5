//! Formats the figures as the tables of docs/benchmarks.md.

use crate::{
    cost::{Bill, CNY_PER_CU, Event, HOURS, MIN_CNY_AN_HOUR, USD_PER_CU, VCPU, WAIT_PER_CALL},
    listing::FLOW_LOGS,
    measure::{CALLS, CONNECTIONS, Figures, IGNORED_BLOCK, IGNORED_BLOCKS, LOOKS, Runs, median, percentile},
    organization,
    signature::Signing,
    sweep::{LACKING, PAGE, Sweep, quota},
    table::{Bound, Bounded, Table, thousands},
};

use Bound::{AtLeast, AtMost};

/// The figures of the bare server and of `create-flow-log`, over plain HTTP or over TLS.
pub(crate) struct Pair<'a> {
    pub(crate) baseline: &'a Figures,
    pub(crate) ours: &'a Figures,
}

/// The sizes of both ZIP files, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zips {
    pub(crate) baseline: usize,
    pub(crate) ours: usize,
}

impl Pair<'_> {
    /// The median ratio. Values were measured in turn, so each is compared with its neighbor.
    fn ratio(&self, of: Series) -> f64 {
        let ratios = of(self.ours).iter().zip(of(self.baseline)).map(|(ours, baseline)| ours / baseline);
        median(&ratios.collect::<Vec<_>>())
    }
}

/// A figure of the bare server and of `create-flow-log`, and their ratio.
type Beside = ([f64; 2], f64);
/// Selects a single figure.
type Figure = fn(&Figures) -> f64;
/// Selects a figure that was measured many times.
type Series = fn(&Figures) -> &[f64];

/// The table that compares `create-flow-log` with the bare server.
pub(crate) fn baseline(plain: &Pair<'_>, tls: &Pair<'_>, zips: Zips, runs: Runs, cores: usize) -> Table {
    let mut table = Table::new("bare server", &["median", "bare server", "create-flow-log", "ratio", "bound"]);
    let mut add = |what: &str, ([baseline, ours], ratio): Beside, decimals: usize, bounded: Bounded| {
        let cells =
            [what.to_owned(), format!("{baseline:.decimals$}"), format!("{ours:.decimals$}"), format!("{ratio:.2}")];
        table.bounded(cells, bounded);
    };
    let medians = |pair: &Pair<'_>, of: Series| ([median(of(pair.baseline)), median(of(pair.ours))], pair.ratio(of));
    let both = |pair: &Pair<'_>, of: &dyn Fn(&Figures) -> f64| {
        let [baseline, ours] = [of(pair.baseline), of(pair.ours)];
        ([baseline, ours], ours / baseline)
    };
    let none = Bounded::UNBOUNDED;

    let cold_start = medians(plain, |f| &f.cold_start);
    add("cold start, exec to the answer of a first job, ms", cold_start, 2, Bounded::new(cold_start.1, AtMost(1.5)));
    add("its CPU, ms", medians(plain, |f| &f.cold_start_cpu), 2, none);
    add("cold start over TLS, ms", medians(tls, |f| &f.cold_start), 2, none);
    add("its CPU, ms", medians(tls, |f| &f.cold_start_cpu), 2, none);
    add("CPU of a job, µs", medians(plain, |f| &f.job_cpu), 1, none);
    add("CPU of a job over TLS, µs", medians(tls, |f| &f.job_cpu), 1, none);
    add("a job, p50, µs", both(plain, &|f| percentile(&f.job, 50)), 0, none);
    add("a job, p99, µs", both(plain, &|f| percentile(&f.job, 99)), 0, none);
    add("CPU of an ignored event, µs", medians(plain, |f| &f.ignored_cpu), 1, none);
    add("ignored events in a second", medians(plain, |f| &f.ignored_per_second), 0, none);

    let [first, middle, last] = LOOKS.map(|jobs| format!("resident memory after {} jobs", thousands(jobs)));
    let resident = medians(plain, |f| &f.resident[0]);
    add(&format!("{first}, KiB"), resident, 0, Bounded::new(resident.1, AtMost(3.0)));
    add(&format!("{first} over TLS, KiB"), medians(tls, |f| &f.resident[0]), 0, none);
    add(&format!("{middle} over TLS, KiB"), medians(tls, |f| &f.resident[1]), 0, none);
    add(&format!("{last} over TLS, KiB"), medians(tls, |f| &f.resident[2]), 0, none);
    let growth = both(tls, &|f| median(&f.resident[2]) / median(&f.resident[0]));
    add("the last of these to the first", growth, 2, Bounded::new(growth.0[1], AtMost(1.1)));

    add("static binary, MB", both(plain, &|f| f.size as f64 / 1e6), 2, none);
    let [baseline, ours] = [zips.baseline, zips.ours].map(|bytes| bytes as f64 / 1e6);
    add("its ZIP file, MB", ([baseline, ours], ours / baseline), 2, none);

    let Runs { starts, rounds } = runs;
    table.say(&format!(
        "Release builds, static, on {cores} cores, logging to `/dev/null`. For each binary and protocol: {starts} cold starts,\n\
         {} warm jobs and {} ignored events over {CONNECTIONS} connections, interleaved with the other binaries', in {rounds} processes.\n\
         Each ratio is the median of ratios of neighboring measurements. A job makes {CALLS} calls.",
        thousands(rounds * (LOOKS[2] - LOOKS[0])),
        thousands(rounds * IGNORED_BLOCKS * IGNORED_BLOCK),
    ));
    if is_busy(plain.baseline) {
        table.say(
            "**The machine was busy**: the median cold start of the bare server took over 1.5 times as long as its fastest tenth.\n\
             Elapsed times and events per second say little then; CPU and memory say more. Repeat the run.",
        );
    }
    table
}

/// The table of reqwest's share: the bare server, and the same server with its calls made by reqwest.
pub(crate) fn on_reqwest(baseline: &Figures, on_reqwest: &Figures, ours: &Figures) -> Table {
    let mut table = Table::new(
        "reqwest",
        &["median", "bare server", "the same on reqwest", "ratio", "create-flow-log", "ratio to both"],
    );
    let measured: [(&str, Figure, usize); 6] = [
        ("cold start, ms", |f| median(&f.cold_start), 2),
        ("its CPU, ms", |f| median(&f.cold_start_cpu), 2),
        ("CPU of a job, µs", |f| median(&f.job_cpu), 1),
        ("ignored events in a second", |f| median(&f.ignored_per_second), 0),
        ("resident memory in the end, KiB", |f| median(&f.resident[2]), 0),
        ("static binary, MB", |f| f.size as f64 / 1e6, 2),
    ];
    for (what, of, decimals) in measured {
        let [baseline, on_reqwest, ours] = [baseline, on_reqwest, ours].map(of);
        table.row([
            what.to_owned(),
            format!("{baseline:.decimals$}"),
            format!("{on_reqwest:.decimals$}"),
            format!("{:.2}", on_reqwest / baseline),
            format!("{ours:.decimals$}"),
            format!("{:.2}, {:.2}", ours / baseline, ours / on_reqwest),
        ]);
    }
    table
}

/// Whether the machine was busy: the baseline's median start is then far slower than its fastest tenth.
fn is_busy(baseline: &Figures) -> bool {
    median(&baseline.cold_start) > 1.5 * percentile(&baseline.cold_start, 10)
}

/// The table that compares `create-flow-log` with the functions in Python, each named after its SDK.
pub(crate) fn python(ours: &Figures, zip: usize, others: &[(&str, &Figures)]) -> Table {
    let heads = ["median", "create-flow-log"].into_iter().chain(others.iter().map(|(sdk, _)| *sdk)).chain(["bound"]);
    let mut table = Table::new("Python", &heads.collect::<Vec<_>>());
    let mut add = |what: &str, our: f64, theirs: Vec<f64>, decimals: usize, times_at_least: Option<f64>| {
        let times = theirs.iter().map(|their| their / our);
        let cells = theirs.iter().zip(times.clone()).map(|(their, times)| {
            if times >= 10.0 {
                format!("{their:.decimals$} ({times:.0} ×)")
            } else {
                format!("{their:.decimals$} ({times:.2} ×)")
            }
        });
        let cells = [what.to_owned(), format!("{our:.decimals$}")].into_iter().chain(cells);
        let bounded = times_at_least.map(|least| Bounded::new(times.fold(f64::INFINITY, f64::min), AtLeast(least)));
        table.bounded(cells, bounded.unwrap_or_default());
    };
    let theirs = |of: Figure| others.iter().map(|(_, figures)| of(figures)).collect();
    let measured: [(&str, Figure, usize, Option<f64>); 7] = [
        ("cold start, ms", |f| median(&f.cold_start), 1, Some(50.0)),
        ("its CPU, ms", |f| median(&f.cold_start_cpu), 1, None),
        ("CPU of a job, ms", |f| median(&f.job_cpu) / 1e3, 3, None),
        ("a job, p50, ms", |f| percentile(&f.job, 50) / 1e3, 2, None),
        ("a job, p99, ms", |f| percentile(&f.job, 99) / 1e3, 2, None),
        ("ignored events in a second", |f| median(&f.ignored_per_second), 0, None),
        ("resident memory in the end, MiB", |f| median(&f.resident[2]) / 1024.0, 1, None),
    ];
    for (what, of, decimals, times_at_least) in measured {
        add(what, of(ours), theirs(of), decimals, times_at_least);
    }
    add("ZIP file, MB", zip as f64 / 1e6, theirs(|f| f.size as f64 / 1e6), 1, None);
    table
}

/// The table of signing and listing.
pub(crate) fn signing_and_lists(signing: &Signing, listing: [f64; 2]) -> Table {
    let mut table = Table::new("signing", &["", "minimum", "Flowkeeper", "ratio", "bound"]);
    let mut add = |what: &str, [least, ours]: [f64; 2], decimals: usize, most: f64| {
        let ratio = ours / least;
        let cells =
            [what.to_owned(), format!("{least:.decimals$}"), format!("{ours:.decimals$}"), format!("{ratio:.2}")];
        table.bounded(cells, Bounded::new(ratio, AtMost(most)));
    };
    let [short, long] = FLOW_LOGS.map(thousands);
    let Signing { signed_form, hmac, acs3, acs3_hashes, acs3_hmac } = *signing;
    add("a signed CreateFlowLog form; its HMAC-SHA1 alone, µs", [hmac, signed_form], 2, 3.0);
    add("the same with ACS3-HMAC-SHA256; its HMAC and hashes, µs", [acs3_hashes, acs3], 2, 3.0);
    add(&format!("peak memory while {long} flow logs are listed; {short}, KiB"), listing, 0, 1.5);
    table.say(&format!(
        "ACS3 signs a short text that holds the hash of everything else. The HMAC of that text alone takes {acs3_hmac:.2} µs; signing\n\
         takes {:.2} times as long.",
        acs3 / acs3_hmac
    ));
    table
}

/// The table of sweeps, the smallest first.
pub(crate) fn sweeps(sweeps: &[Sweep], empty_target: f64) -> Table {
    /// A sweep with a pace below this, in s, counts as not delayed by the quota.
    const MIN_PACE: f64 = 1.0;
    const TENFOLD: usize = 10;
    /// The most memory of the largest sweep, in MiB.
    const MAX_MIB: f64 = 60.0;
    /// The most memory of a target with nothing in it, in bytes.
    const MAX_EMPTY: f64 = 512.0;
    let heads = [
        "VPCs",
        "regions",
        "calls",
        "minimum",
        "time, s",
        "pace, s",
        "time ÷ pace",
        "calls ÷ quota, s",
        "CPU, s",
        "memory, MiB",
        "bound",
    ];
    let mut table = Table::new("sweeps", &heads);
    for Sweep { size, calls, wall, cpu, peak } in sweeps {
        let pace = size.pace_time();
        let ratio = wall / pace;
        let bounded = match calls.cmp(&size.min_calls()) {
            std::cmp::Ordering::Equal if pace >= MIN_PACE => Bounded::new(ratio, AtMost(1.05)),
            std::cmp::Ordering::Equal => Bounded::UNBOUNDED,
            _ => Bounded::new(*calls as f64 / size.min_calls() as f64, AtMost(1.0)),
        };
        let cells = [
            thousands(size.vpcs),
            size.regions.to_string(),
            thousands(*calls),
            thousands(size.min_calls()),
            format!("{wall:.2}"),
            format!("{pace:.1}"),
            if pace >= MIN_PACE { format!("{ratio:.3}") } else { String::new() },
            format!("{:.1}", size.quota_time()),
            format!("{cpu:.2}"),
            format!("{:.1}", peak / 1024.0),
        ];
        table.bounded(cells, bounded);
    }
    table.say(&format!(
        "One VPC in {LACKING} lacks its flow log. **minimum**: one call per {PAGE} VPCs, one per {PAGE} flow logs, and one per flow log\n\
         created. **quota**: {} calls per action, region and minute, as documented. **pace**: the rate limiter spends a tenth of the\n\
         quota at once and the rest evenly, so that no minute exceeds it; below a second, nothing is delayed. **memory**: peak,\n\
         VmHWM.",
        quota()
    ));
    let all_regions = || sweeps.iter().filter(|it| it.size.regions > 1);
    if let Some(many) = all_regions().next_back()
        && let Some(few) = all_regions().find(|it| it.size.vpcs * TENFOLD == many.size.vpcs)
    {
        let memory = many.peak / few.peak;
        let bounded = Bounded::new(memory, AtMost(TENFOLD as f64));
        table.is_kept &= bounded.is_kept();
        table.say(&format!(
            "Ten times the VPCs, {} instead of {}, take {memory:.1} times the memory; the bound is {}.",
            thousands(many.size.vpcs),
            thousands(few.size.vpcs),
            bounded.text(),
        ));
        let (mib, bytes) = (many.peak / 1024.0, empty_target);
        let [of_all, of_empty] = [(mib, MAX_MIB), (bytes, MAX_EMPTY)].map(|(it, max)| Bounded::new(it, AtMost(max)));
        table.is_kept &= of_all.is_kept() && of_empty.is_kept();
        table.say(&format!(
            "{} VPCs take {mib:.1} MiB; the bound is {}. An account and region with nothing in it takes {bytes:.0} bytes, by\n\
             the difference of 100 and 500 accounts in 30 regions and one process; the bound is {}.",
            thousands(many.size.vpcs),
            of_all.text(),
            of_empty.text(),
        ));
    }
    table
}

/// The tables of the sweeps of organizations, the smallest first, and of their bounds. `load` is that of the machine
/// before they began.
pub(crate) fn organization(sweeps: &[organization::Sweep], load: f64, cores: usize) -> [Table; 2] {
    let heads = [
        "accounts",
        "time, s",
        "at 0.05 vCPU, s",
        "calls",
        "least",
        "AssumeRole",
        "refused",
        "instances",
        "memory of one, MiB",
        "CPU, s",
        "CU",
        "CNY a month",
        "USD a month",
    ];
    let mut table = Table::new("organization", &heads);
    for sweep in sweeps {
        let bill = sweep.bill();
        table.row([
            thousands(sweep.accounts),
            format!("{:.1}", sweep.wall),
            format!("{:.1}", sweep.wall_at(VCPU)),
            thousands(sweep.total_calls()),
            thousands(sweep.min_calls()),
            thousands(sweep.calls_of("AssumeRole")),
            sweep.refused.to_string(),
            sweep.instances.to_string(),
            format!("{:.1}", sweep.peak / 1024.0),
            format!("{:.2}", sweep.cpu[0]),
            thousands(bill.cu as usize),
            format!("{:.2}", bill.cny()),
            format!("{:.2}", bill.usd()),
        ]);
    }
    let (regions, in_use, vpcs) = (organization::REGIONS.len(), organization::REGIONS_IN_USE, organization::VPCS);
    let latency = organization::LATENCY.as_millis();
    table.say(&format!(
        "{regions} regions, every answer after {latency} ms, at most {} instances. Each account has {vpcs} VPCs in each of {in_use} regions, and one of\n\
         them lacks its flow log. **time**: from the timer to the end of the last account; the step that counts them comes ten\n\
         minutes later by design, and is in all other columns. **at {VCPU} vCPU**: as if the busiest instance waited for nothing\n\
         while it computes. **least**: a call per 100 accounts and per 100 tasks, one submission per account and one of the last\n\
         step; per member, one look into the directory and one AssumeRole; per account, its regions, a page of VPCs and one of\n\
         flow logs in each region, and the flow log that is created. **refused**: calls that the cloud refused. It counts them\n\
         against the documented quotas: 600 a minute per action of VPC, account and region; 20 ListAccounts, 50 GetAccount and\n\
         100 AssumeRole a second.",
        organization::MAX_INSTANCES,
    ));
    table.say(&format!(
        "**CU** of one sweep: 75 for 10,000 invocations, and the time in which an instance had any, with the measured CPU at\n\
         {VCPU} of a processor added, for {VCPU} vCPU and 128 MB. **a month**: one sweep in each of {HOURS} hours at list prices, CNY {CNY_PER_CU}\n\
         or USD {USD_PER_CU:.6} per CU, and at least CNY {MIN_CNY_AN_HOUR} an hour. Plain HTTP: TLS would add its handshakes.",
    ));
    table.say(&format!(
        "Static release builds as processes on {cores} cores, beside the cloud itself. The load average was {load:.1} before they began."
    ));
    [table, bounds_of_organization(sweeps)]
}

/// The table of what must hold for the sweeps of organizations.
fn bounds_of_organization(sweeps: &[organization::Sweep]) -> Table {
    const MAX_SECONDS: f64 = 600.0;
    let mut table = Table::new("organization's bounds", &["", "measured", "bound"]);
    let mut add = |what: &str, figure: f64, decimals: usize, most: f64| {
        table.bounded([what.to_owned(), format!("{figure:.decimals$}")], Bounded::new(figure, AtMost(most)));
    };
    let worst = |of: fn(&organization::Sweep) -> f64| sweeps.iter().map(of).fold(0.0, f64::max);
    if let Some(largest) = sweeps.last() {
        let what = format!("time of the sweep of {} accounts at {VCPU} vCPU, s", thousands(largest.accounts));
        add(&what, largest.wall_at(VCPU), 1, MAX_SECONDS);
    }
    add("calls ÷ the least number, at worst", worst(|it| it.total_calls() as f64 / it.min_calls() as f64), 4, 1.02);
    let assumed = |it: &organization::Sweep| it.calls_of("AssumeRole") as f64 / it.members().max(1) as f64;
    add("AssumeRole calls per member, at worst", worst(assumed), 4, 1.0);
    add("calls refused", worst(|it| it.refused as f64), 0, 0.0);
    add("instances, at most", worst(|it| it.instances as f64), 0, organization::MAX_INSTANCES as f64);
    let of = |accounts: usize| sweeps.iter().find(|it| it.accounts == accounts);
    if let (Some(few), Some(many)) = (of(10), of(500)) {
        add("memory of an instance: 500 accounts ÷ 10", many.peak / few.peak, 2, 1.2);
    }
    table
}

/// The table of what a million events cost, with Flowkeeper and with each SDK.
pub(crate) fn cost(all: &[(&str, &Figures)]) -> Table {
    let mut table = Table::new(
        "cost",
        &["a million events", "CPU of one, ms", "time of one, ms", "memory, MB", "CU", "CNY", "USD"],
    );
    let kinds: [(&str, f64, Series); 2] =
        [("a new VPC", CALLS as f64, |f| &f.job_cpu), ("ignored", 0.0, |f| &f.ignored_cpu)];
    for (kind, calls, of) in kinds {
        for (name, figures) in all {
            let cpu = median(of(figures)) / 1e3;
            let bill = Bill::of(Event { cpu, calls, resident: median(&figures.resident[2]) });
            table.row([
                format!("{kind}: {name}"),
                format!("{cpu:.3}"),
                format!("{:.0}", bill.duration),
                format!("{:.0}", bill.memory),
                thousands(bill.cu.round() as usize),
                format!("{:.2}", bill.cny()),
                format!("{:.2}", bill.usd()),
            ]);
        }
    }
    table.say(&format!(
        "Function Compute's list prices, CNY {CNY_PER_CU} or USD {USD_PER_CU:.6} per CU, with {VCPU} vCPU and the smallest memory that\n\
         holds the process. The time is the worst case: the measured CPU at {VCPU} of a processor, plus an assumed {WAIT_PER_CALL} ms of waiting\n\
         for each of the {CALLS} calls; an ignored event makes none."
    ));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_compares_runs_that_were_made_next_to_each_other() {
        let figures = |cold_start: [f64; 3]| Figures { cold_start: cold_start.into(), ..Figures::default() };
        let (baseline, ours) = (figures([1.0, 10.0, 100.0]), figures([2.0, 30.0, 200.0]));
        assert_eq!(Pair { baseline: &baseline, ours: &ours }.ratio(|f| &f.cold_start), 2.0);
    }

    #[test]
    fn slow_cold_starts_of_the_baseline_reveal_a_busy_machine() {
        let baseline = |cold_start: [f64; 4]| Figures { cold_start: cold_start.into(), ..Figures::default() };
        assert!(!is_busy(&baseline([1.0, 1.1, 1.2, 9.0])));
        assert!(is_busy(&baseline([1.0, 5.0, 6.0, 9.0])));
    }
}
