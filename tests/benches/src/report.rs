//! The figures as the tables of the README.

use crate::listing::FLOW_LOGS;
use crate::measure::{CALLS, CONNECTIONS, Figures, IGNORED_BLOCK, IGNORED_BLOCKS, LOOKS, Runs, median, percentile};
use crate::money::{Bill, CNY_PER_CU, Event, USD_PER_CU, VCPU, WAIT_PER_CALL};
use crate::signature::Signing;
use crate::sweep::{LACKING, PAGE, Sweep, quota};
use crate::table::{Bound, Table, Wanted, thousands};

use Bound::{AtLeast, AtMost};

/// What there is of the bare server and of `create-flow-log`, over plain HTTP or over TLS.
pub(crate) struct Pair<'a> {
    pub(crate) floor: &'a Figures,
    pub(crate) ours: &'a Figures,
}

/// The sizes of the ZIP files of both, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zips {
    pub(crate) floor: usize,
    pub(crate) ours: usize,
}

impl Pair<'_> {
    /// Of what was measured in turn, each value is compared with the one beside it.
    fn ratio(&self, of: Series) -> f64 {
        let ratios = of(self.ours).iter().zip(of(self.floor)).map(|(ours, floor)| ours / floor);
        median(&ratios.collect::<Vec<_>>())
    }
}

/// A figure of the bare server and of ours, and how they compare.
type Beside = ([f64; 2], f64);
/// What is one of the figures.
type Figure = fn(&Figures) -> f64;
/// What was measured many times.
type Series = fn(&Figures) -> &[f64];

/// Beside the bare server.
pub(crate) fn floor(plain: &Pair<'_>, tls: &Pair<'_>, zips: Zips, runs: Runs, cores: usize) -> Table {
    let mut table = Table::new(&["median", "bare server", "create-flow-log", "ratio", "wanted"]);
    let mut add = |what: &str, ([floor, ours], ratio): Beside, decimals: usize, wanted: &dyn Fn(f64) -> Wanted| {
        let cells =
            [what.to_owned(), format!("{floor:.decimals$}"), format!("{ours:.decimals$}"), format!("{ratio:.2}")];
        table.judged(cells, wanted(ratio));
    };
    let of = |pair: &Pair<'_>, of: Series| ([median(of(pair.floor)), median(of(pair.ours))], pair.ratio(of));
    let both = |pair: &Pair<'_>, of: &dyn Fn(&Figures) -> f64| {
        let [floor, ours] = [of(pair.floor), of(pair.ours)];
        ([floor, ours], ours / floor)
    };
    let nothing = &|_| Wanted::NOTHING;

    let within = |most, some_day| move |ratio| Wanted::today(ratio, AtMost(most)).later(ratio, AtMost(some_day));
    let later = |bound| move |ratio| Wanted::NOTHING.later(ratio, bound);
    add("cold start, exec to the answer of a first job, ms", of(plain, |f| &f.cold_start), 2, &within(1.5, 1.25));
    add("its CPU, ms", of(plain, |f| &f.cold_start_cpu), 2, nothing);
    add("cold start over TLS, ms", of(tls, |f| &f.cold_start), 2, &later(AtMost(1.25)));
    add("its CPU, ms", of(tls, |f| &f.cold_start_cpu), 2, nothing);
    add("CPU of a job, µs", of(plain, |f| &f.job_cpu), 1, &within(2.5, 1.6));
    add("CPU of a job over TLS, µs", of(tls, |f| &f.job_cpu), 1, nothing);
    add("a job, p50, µs", both(plain, &|f| percentile(&f.job, 50)), 0, nothing);
    add("a job, p99, µs", both(plain, &|f| percentile(&f.job, 99)), 0, nothing);
    add("CPU of an ignored event, µs", of(plain, |f| &f.ignored_cpu), 1, nothing);
    add("ignored events in a second", of(plain, |f| &f.ignored_per_second), 0, &later(AtLeast(0.8)));

    let [first, middle, last] = LOOKS.map(|jobs| format!("resident memory after {} jobs", thousands(jobs)));
    let thrice = |ratio| Wanted::today(ratio, AtMost(3.0));
    add(&format!("{first}, KiB"), of(plain, |f| &f.resident[0]), 0, &thrice);
    add(&format!("{first} over TLS, KiB"), of(tls, |f| &f.resident[0]), 0, nothing);
    add(&format!("{middle} over TLS, KiB"), of(tls, |f| &f.resident[1]), 0, nothing);
    add(&format!("{last} over TLS, KiB"), of(tls, |f| &f.resident[2]), 0, &later(AtMost(2.0)));
    let growth = both(tls, &|f| median(&f.resident[2]) / median(&f.resident[0]));
    add("the last of these to the first", growth, 2, &|_| Wanted::today(growth.0[1], AtMost(1.1)));

    let size = both(plain, &|f| f.size as f64 / 1e6);
    add("static binary, MB", size, 2, &|_| Wanted::today(size.0[1], AtMost(3.5)));
    let [floor, ours] = [zips.floor, zips.ours].map(|bytes| bytes as f64 / 1e6);
    add("its ZIP file, MB", ([floor, ours], ours / floor), 2, nothing);

    let Runs { starts, rounds } = runs;
    table.say(&format!(
        "On {cores} cores, as released, static, with the log to `/dev/null`; of each, over either protocol, {starts} cold starts,\n\
         {} warm jobs and {} ignored events over {CONNECTIONS} connections, in turn with the others', in {rounds} processes.\n\
         Ratios are medians, too, of neighbours. A job makes {CALLS} calls.",
        thousands(rounds * (LOOKS[2] - LOOKS[0])),
        thousands(rounds * IGNORED_BLOCKS * IGNORED_BLOCK),
    ));
    if is_busy(plain.floor) {
        table.say(
            "**The machine was busy**: the bare server's cold starts took more than half as long again as the quickest tenth of\n\
             them. What is measured in time that passed, or in events a second, then says little; CPU and memory say more.\n\
             Repeat it.",
        );
    }
    table
}

/// What the client alone takes, on which the calls are made: the bare server's, and the same server's on reqwest.
pub(crate) fn on_reqwest(floor: &Figures, on_reqwest: &Figures, ours: &Figures) -> Table {
    let mut table =
        Table::new(&["median", "bare server", "the same on reqwest", "ratio", "create-flow-log", "ratio to both"]);
    let measured: [(&str, Figure, usize); 6] = [
        ("cold start, ms", |f| median(&f.cold_start), 2),
        ("its CPU, ms", |f| median(&f.cold_start_cpu), 2),
        ("CPU of a job, µs", |f| median(&f.job_cpu), 1),
        ("ignored events in a second", |f| median(&f.ignored_per_second), 0),
        ("resident memory in the end, KiB", |f| median(&f.resident[2]), 0),
        ("static binary, MB", |f| f.size as f64 / 1e6, 2),
    ];
    for (what, of, decimals) in measured {
        let [floor, on_reqwest, ours] = [floor, on_reqwest, ours].map(of);
        table.row([
            what.to_owned(),
            format!("{floor:.decimals$}"),
            format!("{on_reqwest:.decimals$}"),
            format!("{:.2}", on_reqwest / floor),
            format!("{ours:.decimals$}"),
            format!("{:.2}, {:.2}", ours / floor, ours / on_reqwest),
        ]);
    }
    table
}

/// Whether others wanted the processors, too: half of the floor's starts are then far slower than a tenth of them.
fn is_busy(floor: &Figures) -> bool {
    median(&floor.cold_start) > 1.5 * percentile(&floor.cold_start, 10)
}

/// Beside the functions in Python, each with the name of its SDK.
pub(crate) fn python(ours: &Figures, zip: usize, others: &[(&str, &Figures)]) -> Table {
    let heads = ["median", "create-flow-log"].into_iter().chain(others.iter().map(|(sdk, _)| *sdk)).chain(["wanted"]);
    let mut table = Table::new(&heads.collect::<Vec<_>>());
    let mut add = |what: &str, our: f64, theirs: Vec<f64>, decimals: usize, times_at_least: Option<f64>| {
        let times = theirs.iter().map(|their| their / our);
        let cells = theirs.iter().zip(times.clone()).map(|(their, times)| match times >= 10.0 {
            true => format!("{their:.decimals$} ({times:.0} ×)"),
            false => format!("{their:.decimals$} ({times:.2} ×)"),
        });
        let cells = [what.to_owned(), format!("{our:.decimals$}")].into_iter().chain(cells);
        let wanted = times_at_least.map(|least| Wanted::today(times.fold(f64::INFINITY, f64::min), AtLeast(least)));
        table.judged(cells, wanted.unwrap_or_default());
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

/// What signing takes, and listing.
pub(crate) fn signing_and_lists(signing: &Signing, listing: [f64; 2]) -> Table {
    let mut table = Table::new(&["", "the least", "ours", "ratio", "wanted"]);
    let mut add = |what: &str, [least, ours]: [f64; 2], decimals: usize, most: f64| {
        let ratio = ours / least;
        let cells =
            [what.to_owned(), format!("{least:.decimals$}"), format!("{ours:.decimals$}"), format!("{ratio:.2}")];
        table.judged(cells, Wanted::today(ratio, AtMost(most)));
    };
    let [short, long] = FLOW_LOGS.map(thousands);
    let Signing { signed_form, hmac, acs3, acs3_hashes, acs3_hmac } = *signing;
    add("a signed CreateFlowLog form, beside its HMAC-SHA1 alone, µs", [hmac, signed_form], 2, 3.0);
    add("the same with ACS3-HMAC-SHA256, beside its HMAC and hashes, µs", [acs3_hashes, acs3], 2, 3.0);
    add(&format!("most memory while {long} flow logs are listed, beside {short}, KiB"), listing, 0, 1.5);
    table.say(&format!(
        "ACS3 signs a short text, which holds the hash of all the rest: beside the HMAC of that text alone, {acs3_hmac:.2} µs, it\n\
         is {:.2} times as much.",
        acs3 / acs3_hmac
    ));
    table
}

/// Sweeps, the smallest first.
pub(crate) fn sweeps(sweeps: &[Sweep]) -> Table {
    /// Below this, in s, no quota holds a sweep up.
    const HELD_UP: f64 = 1.0;
    const TENFOLD: usize = 10;
    let mut table = Table::new(&[
        "VPCs",
        "regions",
        "calls",
        "least calls",
        "time, s",
        "pace, s",
        "time ÷ pace",
        "calls ÷ quota, s",
        "CPU, s",
        "memory, MiB",
        "wanted",
    ]);
    for Sweep { size, calls, wall, cpu, peak } in sweeps {
        let pace = size.pace_time();
        let ratio = wall / pace;
        let wanted = match calls.cmp(&size.least_calls()) {
            std::cmp::Ordering::Equal if pace >= HELD_UP => Wanted::today(ratio, AtMost(1.05)),
            std::cmp::Ordering::Equal => Wanted::NOTHING,
            _ => Wanted::today(*calls as f64 / size.least_calls() as f64, AtMost(1.0)),
        };
        let cells = [
            thousands(size.vpcs),
            size.regions.to_string(),
            thousands(*calls),
            thousands(size.least_calls()),
            format!("{wall:.2}"),
            format!("{pace:.1}"),
            if pace >= HELD_UP { format!("{ratio:.3}") } else { String::new() },
            format!("{:.1}", size.quota_time()),
            format!("{cpu:.2}"),
            format!("{:.1}", peak / 1024.0),
        ];
        table.judged(cells, wanted);
    }
    table.say(&format!(
        "One VPC in {LACKING} lacks its flow log. **least calls**: a page for every {PAGE} VPCs and for every {PAGE} flow logs, and one for each\n\
         flow log that is made. The quota is that of the documents: {} calls of an action in a region in a minute. **pace**: the\n\
         client lets a tenth of it go at once, and the rest evenly, so that no minute holds more; where it takes no second, nothing\n\
         is held up. **memory** is the most, VmHWM.",
        quota()
    ));
    let all_regions = || sweeps.iter().filter(|it| it.size.regions > 1);
    if let Some(many) = all_regions().next_back()
        && let Some(few) = all_regions().find(|it| it.size.vpcs * TENFOLD == many.size.vpcs)
    {
        let memory = many.peak / few.peak;
        let wanted = Wanted::today(memory, AtMost(TENFOLD as f64));
        table.is_kept &= wanted.is_kept();
        table.say(&format!(
            "Ten times the VPCs, {} beside {}, take {memory:.1} times the memory; wanted is {}.",
            thousands(many.size.vpcs),
            thousands(few.size.vpcs),
            wanted.text(),
        ));
    }
    table
}

/// What a million events cost, here and with each SDK.
pub(crate) fn money(all: &[(&str, &Figures)]) -> Table {
    let mut table =
        Table::new(&["a million events", "CPU of one, ms", "time of one, ms", "memory, MB", "CU", "CNY", "USD"]);
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
        "Function Compute's list prices, CNY {CNY_PER_CU} or USD {USD_PER_CU:.6} a CU, with {VCPU} vCPU and the least memory that\n\
         holds the process. The time is the worst: the measured CPU at {VCPU} of a processor, and an assumed {WAIT_PER_CALL} ms of waiting for\n\
         each of the {CALLS} calls; what is ignored makes none."
    ));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_one_of_neighbours() {
        let figures = |cold_start: [f64; 3]| Figures { cold_start: cold_start.into(), ..Figures::default() };
        let (floor, ours) = (figures([1.0, 10.0, 100.0]), figures([2.0, 30.0, 200.0]));
        assert_eq!(Pair { floor: &floor, ours: &ours }.ratio(|f| &f.cold_start), 2.0);
    }

    #[test]
    fn slow_starts_of_the_floor_give_a_busy_machine_away() {
        let floor = |cold_start: [f64; 4]| Figures { cold_start: cold_start.into(), ..Figures::default() };
        assert!(!is_busy(&floor([1.0, 1.1, 1.2, 9.0])));
        assert!(is_busy(&floor([1.0, 5.0, 6.0, 9.0])));
    }
}
