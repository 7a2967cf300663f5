//! Formats the figures as the tables of docs/benchmarks.md.

use packaging::trained::{self, Tool};

use crate::{
    command::{self, Offline, Planned},
    cost::{Bill, CNY_PER_CU, Event, HOURS, MIN_CNY_AN_HOUR, USD_PER_CU, VCPU, WAIT_PER_CALL},
    evidence::{FORMS, Needed, RESOURCES, VPCS},
    fleet::REGIONS,
    listing::FLOW_LOGS,
    measure::{CALLS, CONNECTIONS, Figures, IGNORED_BLOCK, IGNORED_BLOCKS, LOOKS, Runs, median, percentile},
    organization,
    signature::Signing,
    sweep::{LACKING, PAGE, Sweep, quota},
    table::{Bound, Bounded, Table, thousands},
};

use Bound::{AtLeast, AtMost};

/// The figures of both servers and of `create-flow-log`, over plain HTTP or over TLS.
pub(crate) struct Beside<'a> {
    /// The bare server.
    pub(crate) bare: &'a Figures,
    /// The same on reqwest.
    pub(crate) on_reqwest: &'a Figures,
    pub(crate) ours: &'a Figures,
}

/// The figures of both servers and of `create-flow-log`, and the ratio of the last two.
#[derive(Debug, Clone, Copy)]
struct Row {
    figures: [f64; 3],
    ratio: f64,
}

impl Beside<'_> {
    /// Compares the medians. Their ratio is the median of the ratios of neighbors, since values were measured in turn.
    fn medians(&self, of: Series) -> Row {
        Row {
            figures: [self.bare, self.on_reqwest, self.ours].map(|figures| median(of(figures))),
            ratio: ratio(of(self.ours), of(self.on_reqwest)),
        }
    }

    /// Compares single figures.
    fn single(&self, of: Figure) -> Row {
        let figures @ [_, on_reqwest, ours] = [self.bare, self.on_reqwest, self.ours].map(of);
        Row { figures, ratio: ours / on_reqwest }
    }
}

/// The median ratio of values that were measured in turn: each is compared with its neighbor.
fn ratio(of: &[f64], to: &[f64]) -> f64 {
    let ratios = of.iter().zip(to).map(|(of, to)| of / to);
    median(&ratios.collect::<Vec<_>>())
}

/// Selects a single figure.
type Figure = fn(&Figures) -> f64;
/// Selects a figure that was measured many times.
type Series = fn(&Figures) -> &[f64];

/// The table that compares `create-flow-log` with the bare server and the same on reqwest.
pub(crate) fn functions(plain: &Beside<'_>, tls: &Beside<'_>, runs: Runs, cores: usize) -> Table {
    let heads = ["median", "bare server", "the same on reqwest", "create-flow-log", "ratio of the last two", "bound"];
    let mut table = Table::new("functions", &heads);
    let mut add = |what: &str, row: Row, decimals: usize, bound: Option<Bound>| {
        let figures = row.figures.map(|figure| format!("{figure:.decimals$}"));
        let cells = [what.to_owned()].into_iter().chain(figures).chain([format!("{:.2}", row.ratio)]);
        table.bounded(cells, bound.map(|bound| Bounded::new(row.ratio, bound)).unwrap_or_default());
    };
    add("cold start, exec to the answer of a first job, ms", plain.medians(|f| &f.cold_start), 2, Some(AtMost(1.3)));
    add("its CPU, ms", plain.medians(|f| &f.cold_start_cpu), 2, None);
    add("cold start over TLS, ms", tls.medians(|f| &f.cold_start), 2, Some(AtMost(1.25)));
    add("its CPU, ms", tls.medians(|f| &f.cold_start_cpu), 2, None);
    add("CPU of a job, µs", plain.medians(|f| &f.job_cpu), 1, Some(AtMost(2.35)));
    add("CPU of a job over TLS, µs", tls.medians(|f| &f.job_cpu), 1, Some(AtMost(2.25)));
    add("a job, p50, µs", plain.single(|f| percentile(&f.job, 50)), 0, None);
    add("a job, p99, µs", plain.single(|f| percentile(&f.job, 99)), 0, None);
    add("CPU of an ignored event, µs", plain.medians(|f| &f.ignored_cpu), 1, None);
    let ignored = plain.medians(|f| &f.ignored_per_second);
    add("ignored events in a second", ignored, 0, Some(AtLeast(0.52)));
    let [first, middle, last] = LOOKS.map(|jobs| format!("resident memory after {} jobs", thousands(jobs)));
    add(&format!("{last}, KiB"), plain.medians(|f| &f.resident[2]), 0, Some(AtMost(1.6)));
    add(&format!("{first} over TLS, KiB"), tls.medians(|f| &f.resident[0]), 0, None);
    add(&format!("{middle} over TLS, KiB"), tls.medians(|f| &f.resident[1]), 0, None);
    add(&format!("{last} over TLS, KiB"), tls.medians(|f| &f.resident[2]), 0, Some(AtMost(1.6)));
    let growth = tls.single(|f| median(&f.resident[2]) / median(&f.resident[0]));
    add("the last of these to the first", growth, 2, Some(AtMost(1.1)));
    add("static binary, MB", plain.single(|f| f.sizes.binary.unwrap_or(f64::NAN) / 1e6), 2, Some(AtMost(1.6)));
    add("its ZIP file, MB", plain.single(|f| f.sizes.zip / 1e6), 2, Some(AtMost(1.55)));

    let Runs { starts, rounds } = runs;
    table.say(&format!(
        "Release builds, static, on {cores} cores, logging to `/dev/null`. For each binary and protocol: {starts} cold starts,\n\
         {} warm jobs and {} ignored events over {CONNECTIONS} connections, interleaved with the other binaries', in {rounds} processes.\n\
         Each ratio is the median of ratios of neighboring measurements. A job makes {CALLS} calls.",
        thousands(rounds * (LOOKS[2] - LOOKS[0])),
        thousands(rounds * IGNORED_BLOCKS * IGNORED_BLOCK),
    ));
    if is_busy(plain.bare) {
        table.say(BUSY);
    }
    table
}

/// The table of trained binaries beside those that they are made from: the server on reqwest, and `create-flow-log`.
pub(crate) fn trained([server, trained_server, ours, trained]: [&Figures; 4], tool: &Tool) -> Table {
    let heads = ["median", "server on reqwest", "trained", "create-flow-log", "trained", "ratio", "bound"];
    let mut table = Table::new("trained", &heads);
    let mut add = |what: &str, of: Figure, ratio: f64, decimals: usize, bound: Option<Bound>| {
        let figures = [server, trained_server, ours, trained].map(|figures| format!("{:.decimals$}", of(figures)));
        let cells = [what.to_owned()].into_iter().chain(figures).chain([format!("{ratio:.2}")]);
        table.bounded(cells, bound.map(|bound| Bounded::new(ratio, bound)).unwrap_or_default());
    };
    let beside = |of: Series| ratio(of(trained), of(server));
    let single = |of: Figure| of(trained) / of(server);
    add("cold start, ms", |f| median(&f.cold_start), beside(|f| &f.cold_start), 2, Some(AtMost(1.25)));
    add("its CPU, ms", |f| median(&f.cold_start_cpu), beside(|f| &f.cold_start_cpu), 2, None);
    add("CPU of a job, µs", |f| median(&f.job_cpu), beside(|f| &f.job_cpu), 1, Some(AtMost(1.5)));
    add("CPU of an ignored event, µs", |f| median(&f.ignored_cpu), beside(|f| &f.ignored_cpu), 1, None);
    let per_second = beside(|f| &f.ignored_per_second);
    add(IGNORED_IN_A_SECOND, |f| median(&f.ignored_per_second), per_second, 0, None);
    add("resident memory in the end, KiB", |f| median(&f.resident[2]), beside(|f| &f.resident[2]), 0, None);
    let binary: Figure = |f| f.sizes.binary.unwrap_or(f64::NAN) / 1e6;
    add("static binary, MB", binary, single(binary), 2, None);
    let zip: Figure = |f| f.sizes.zip / 1e6;
    add("its ZIP file, MB", zip, single(zip), 2, None);
    table.say(&format!(
        "**ratio**: of the trained function to the server on reqwest that is not trained, as neighbors in one run over plain HTTP.\n\
         Both were trained by new VPCs and ignored events over TLS, with llvm-profdata {}. `--trained` trains all functions by\n\
         one profile.",
        tool.version
    ));
    if is_busy(server) {
        table.say(BUSY);
    }
    table
}

/// The table of trained binaries where none can be made.
pub(crate) fn untrained(missing: &trained::Error) -> Table {
    let mut table = Table::new("trained", &["median", "server on reqwest", "create-flow-log", "ratio", "bound"]);
    table.say(&format!("Trained binaries were not measured: {missing}."));
    table
}

/// What is said of figures that were measured on a busy machine.
const BUSY: &str = "**The machine was busy**: the median cold start of the server took over 1.5 times as long as its fastest tenth.\n\
                    Elapsed times and events per second say little then; CPU and memory say more. Repeat the run.";

/// Whether the machine was busy: the baseline's median start is then far slower than its fastest tenth.
fn is_busy(baseline: &Figures) -> bool {
    median(&baseline.cold_start) > 1.5 * percentile(&baseline.cold_start, 10)
}

/// A figure of the functions in other languages: what it is, its decimals, and how many times Flowkeeper's it is at least
/// in Python.
type OfPeers = (&'static str, Figure, usize, Option<f64>);

/// What is compared with other languages. More is better only of what is counted in a second.
const OF_PEERS: [OfPeers; 9] = [
    ("cold start, ms", |f| median(&f.cold_start), 1, Some(40.0)),
    ("its CPU, ms", |f| median(&f.cold_start_cpu), 1, None),
    ("CPU of a job, ms", |f| median(&f.job_cpu) / 1e3, 3, None),
    ("a job, p50, ms", |f| percentile(&f.job, 50) / 1e3, 2, None),
    ("a job, p99, ms", |f| percentile(&f.job, 99) / 1e3, 2, None),
    ("CPU of an ignored event, ms", |f| median(&f.ignored_cpu) / 1e3, 4, None),
    (IGNORED_IN_A_SECOND, |f| median(&f.ignored_per_second), 0, None),
    ("resident memory in the end, MiB", |f| median(&f.resident[2]) / 1024.0, 1, None),
    ("ZIP file, MB", |f| f.sizes.zip / 1e6, 1, None),
];
const IGNORED_IN_A_SECOND: &str = "ignored events in a second";

/// The table that compares `create-flow-log` with the same function in Go, or says why not, and in Python, each named after
/// its SDK. That Flowkeeper is ahead of Go in every row is a bound.
pub(crate) fn peers(ours: &Figures, go: Result<(&str, &Figures), &str>, pythons: &[(&str, &Figures)]) -> Table {
    let others: Vec<_> = go.into_iter().chain(pythons.iter().copied()).collect();
    let heads = ["median", "create-flow-log"].into_iter().chain(others.iter().map(|(name, _)| *name)).chain(["bound"]);
    let mut table = Table::new("peers", &heads.collect::<Vec<_>>());
    for (what, of, decimals, least) in OF_PEERS {
        let our = of(ours);
        let cells = others.iter().map(|(_, figures)| {
            let (their, times) = (of(figures), of(figures) / our);
            if times >= 10.0 {
                format!("{their:.decimals$} ({times:.0} ×)")
            } else {
                format!("{their:.decimals$} ({times:.2} ×)")
            }
        });
        let cells = [what.to_owned(), format!("{our:.decimals$}")].into_iter().chain(cells);
        let times = pythons.iter().map(|(_, figures)| of(figures) / our).fold(f64::INFINITY, f64::min);
        table.bounded(cells, least.map(|least| Bounded::new(times, AtLeast(least))).unwrap_or_default());
    }
    let behind = match go {
        Ok((_, go)) => not_ahead(ours, go),
        Err(why) => {
            table.say(&format!("Go was not measured: {why}."));
            return table;
        }
    };
    table.is_kept &= behind.is_empty();
    table.say(&if behind.is_empty() {
        "Flowkeeper is ahead of Go in every row, which is a bound.".to_owned()
    } else {
        format!("Flowkeeper is to be ahead of Go in every row. **Not kept** in: {}.", behind.join("; "))
    });
    table
}

/// The rows in which Flowkeeper is not better than the function in Go.
fn not_ahead(ours: &Figures, go: &Figures) -> Vec<&'static str> {
    let is_ahead = |what, our: f64, their: f64| if what == IGNORED_IN_A_SECOND { our > their } else { our < their };
    let rows = OF_PEERS.iter().filter(|(what, of, ..)| !is_ahead(*what, of(ours), of(go)));
    rows.map(|(what, ..)| *what).collect()
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

/// The table of evidence: the report of a large account, and the forms of one with many resources.
pub(crate) fn evidence(reported: Needed, forms: [Needed; FORMS.len()]) -> Table {
    /// Of a function with the smallest memory, in MiB.
    const MAX_REPORT_MIB: f64 = 128.0;
    /// Of writing one form.
    const MAX_FORM_MIB: f64 = 100.0;
    const MAX_FORM_SECONDS: f64 = 1.0;
    let mut table = Table::new("evidence", &["", "measured", "bound"]);
    let mut add = |what: &str, figure: f64, decimals: usize, bound: Option<Bound>| {
        let bounded = bound.map(|bound| Bounded::new(figure, bound)).unwrap_or_default();
        table.bounded([what.to_owned(), format!("{figure:.decimals$}")], bounded);
    };
    let report = format!("`report-flow-logs` over {} VPCs, peak memory, MiB", thousands(VPCS));
    add(&report, reported.peak, 1, Some(AtMost(MAX_REPORT_MIB)));
    add("its CPU, s", reported.cpu, 2, None);
    add("its time, s", reported.wall, 2, None);
    for (form, Needed { cpu, peak, .. }) in FORMS.into_iter().zip(forms) {
        let name = form.to_uppercase();
        let what = if form == "page" { "the page" } else { name.as_str() };
        add(&format!("{what} of {} resources, CPU, s", thousands(RESOURCES)), cpu, 2, Some(AtMost(MAX_FORM_SECONDS)));
        add("its peak memory, MiB", peak, 1, Some(AtMost(MAX_FORM_MIB)));
    }
    table.say(&format!(
        "The function's {} VPCs are in {} regions, and records of each that has a flow log have arrived. One in {LACKING} has none. It\n\
         reads them, and writes all five forms. The other rows are about a process that makes up the facts, and writes one form.",
        thousands(VPCS),
        REGIONS.len(),
    ));
    table
}

/// The table of the plan of a large account.
pub(crate) fn plan(planned: &Planned) -> Table {
    const MAX_FIRST_MS: f64 = 300.0;
    const MAX_RATIO: f64 = 1.1;
    let Planned { account, calls, first, wall } = planned;
    let (least, first_ms) = (account.least_time(), first * 1e3);
    let mut table = Table::new("plan", &["", "measured", "least", "ratio", "bound"]);
    let min_calls = account.min_calls();
    let [more, longer] = [*calls as f64 / min_calls as f64, wall / least];
    let counts = [thousands(*calls), thousands(min_calls), format!("{more:.2}")];
    table.bounded(["calls".to_owned()].into_iter().chain(counts), Bounded::new(more, AtMost(MAX_RATIO)));
    let times = [format!("{wall:.2}"), format!("{least:.2}"), format!("{longer:.2}")];
    table.bounded(["time, s".to_owned()].into_iter().chain(times), Bounded::new(longer, AtMost(MAX_RATIO)));
    let first_output =
        ["first output, from exec, ms".to_owned(), format!("{first_ms:.1}"), String::new(), String::new()];
    table.bounded(first_output, Bounded::new(first_ms, AtMost(MAX_FIRST_MS)));
    table.say(&format!(
        "{} VPCs in {} regions. One VPC in {LACKING} lacks its flow log, and every answer comes after {} ms. **least**: who calls and\n\
         which regions there are, then page after page of {PAGE} VPCs and of {PAGE} flow logs in each region, all regions at once. The\n\
         documented quota, {} calls of each action in a region and a minute, holds up none of them. A plan makes one call more\n\
         in each region with changes: the network interfaces, which say what these cost. It takes less time, as it asks for\n\
         several pages together once the first has said how many there are.",
        thousands(account.vpcs),
        account.regions,
        command::LATENCY.as_millis(),
        quota(),
    ));
    table
}

/// The table of what needs no cloud.
pub(crate) fn offline(times: &Offline) -> Table {
    const MAX_MS: f64 = 20.0;
    let heads = ["median, exec to the end, ms", "flowkeeper", "Python", "terraform validate", "bound"];
    let mut table = Table::new("offline", &heads);
    let ms = |all: &[f64]| format!("{:.1}", median(all));
    let validate = times.terraform.as_deref().map_or("no Terraform".to_owned(), ms);
    let Offline { check, explain, python_check, python_explain, .. } = times;
    for (what, ours, python, others) in [
        ("check a policy", check, python_check, validate),
        ("explain a resource of a file", explain, python_explain, String::new()),
    ] {
        let cells = [what.to_owned(), ms(ours), ms(python), others];
        table.bounded(cells, Bounded::new(median(ours), AtMost(MAX_MS)));
    }
    table.say(
        "The policy and the resource of `shared/command/examples`. Python: PyYAML and `json`, which find fewer mistakes and name\n\
         no lines. Terraform: the same values and conditions, without a provider.",
    );
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
    /// Of the time of a part of a sweep to the least.
    const MAX_RATIO: f64 = 1.1;
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
    if let Some(largest) = sweeps.last() {
        let accounts = thousands(largest.accounts);
        let (least, of_shards) = (largest.least_of_coordinator(), largest.shards.len());
        let what = format!("time of the coordinator of {accounts} accounts ÷ the least, {least:.1} s");
        add(&what, largest.coordinator / least, 2, MAX_RATIO);
        let (of_shard, regions) = (largest.least_of_shard(), organization::REGIONS.len());
        let shard =
            format!("time of a shard of {regions} regions, median of {of_shards}, ÷ the least, {of_shard:.1} s");
        add(&shard, median(&largest.shards) / of_shard, 2, MAX_RATIO);
    }
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
    use crate::subject::Sizes;

    #[test]
    fn a_ratio_compares_runs_that_were_made_next_to_each_other() {
        assert_eq!(ratio(&[2.0, 30.0, 200.0], &[1.0, 10.0, 100.0]), 2.0);
    }

    /// Figures that are all the same.
    fn figures(value: f64) -> Figures {
        let many = || vec![value];
        let sizes = Sizes { binary: Some(value), zip: value };
        let resident = [many(), many(), many()];
        let (cold_start, cold_start_cpu, job_cpu) = (many(), many(), many());
        let (job, ignored_cpu, ignored_per_second) = (many(), many(), many());
        Figures { cold_start, cold_start_cpu, job_cpu, job, ignored_cpu, ignored_per_second, resident, sizes }
    }

    #[test]
    fn being_ahead_of_go_in_every_row_is_a_bound_and_the_page_says_where_it_is_not_kept() {
        let (ours, python) = (figures(2.0), figures(100.0));
        let slower = Figures { ignored_per_second: vec![1.0], ..figures(3.0) };
        let said = |go| {
            let table = peers(&ours, go, &[("Python", &python)]);
            (table.text.lines().last().unwrap_or_default().to_owned(), table.is_kept)
        };
        let ahead = "Flowkeeper is ahead of Go in every row, which is a bound.".to_owned();
        assert_eq!(said(Ok(("Go", &slower))), (ahead, true));
        let start = "Flowkeeper is to be ahead of Go in every row. **Not kept** in:";
        let quicker = Figures { cold_start: vec![1.0], ignored_per_second: vec![2.0], ..slower.clone() };
        assert_eq!(said(Ok(("Go", &quicker))), (format!("{start} cold start, ms; ignored events in a second."), false));
        let unmeasured = Figures { job: Vec::new(), ..slower.clone() };
        assert_eq!(said(Ok(("Go", &unmeasured))), (format!("{start} a job, p50, ms; a job, p99, ms."), false));
        assert_eq!(said(Err("there is no Go")), ("Go was not measured: there is no Go.".to_owned(), true));
    }

    #[test]
    fn the_bounds_of_the_functions_are_about_the_server_on_reqwest() {
        let table = |ours: f64| {
            let [bare, on_reqwest, ours] = [0.5, 1.0, ours].map(figures);
            let beside = Beside { bare: &bare, on_reqwest: &on_reqwest, ours: &ours };
            functions(&beside, &beside, Runs { starts: 1, rounds: 1 }, 2)
        };
        assert!(table(1.1).is_kept);
        for (ours, broken) in
            [(1.22, 0), (1.3, 1), (1.4, 2), (1.57, 3), (1.65, 6), (2.2, 6), (2.3, 7), (2.4, 8), (0.5, 1)]
        {
            let text = table(ours).text;
            assert_eq!(text.matches("**not kept**").count(), broken, "{ours}: {text}");
        }
    }

    #[test]
    fn a_trained_function_is_bounded_by_the_server_that_is_not_trained() {
        let figures =
            |value: f64| Figures { cold_start: vec![value], job_cpu: vec![value * 10.0], ..Figures::default() };
        let tool = Tool { program: "llvm-profdata".into(), version: "22.1.8".into() };
        let table = |of_trained: f64| {
            let [server, trained_server, ours, trained_function] = [1.0, 0.5, 2.0, of_trained].map(figures);
            trained([&server, &trained_server, &ours, &trained_function], &tool)
        };
        assert!(table(1.14).is_kept);
        assert!(table(1.14).text.contains("| CPU of a job, µs | 10.0 | 5.0 | 20.0 | 11.4 | 1.14 | at most 1.5 |"));
        for (of_trained, broken) in [(1.27, 1), (1.55, 2)] {
            assert_eq!(table(of_trained).text.matches("**not kept**").count(), broken);
        }
    }

    #[test]
    fn the_page_says_what_is_missing_for_trained_binaries() {
        let table = untrained(&trained::Error::NoTool { major: 22, found: "there is none".into() });
        assert!(table.is_kept && table.text.contains("not measured: training needs llvm-profdata of LLVM 22"));
    }

    #[test]
    fn evidence_is_bounded_in_memory_and_in_time() {
        let table = |mib: f64, cpu: f64| {
            let needed = Needed { wall: 9.0, cpu, peak: mib };
            evidence(needed, [needed; FORMS.len()]).text.matches("**not kept**").count()
        };
        assert_eq!([table(99.0, 0.9), table(99.0, 1.1), table(127.0, 0.9), table(129.0, 1.1)], [0, 5, 5, 11]);
    }

    #[test]
    fn slow_cold_starts_of_the_baseline_reveal_a_busy_machine() {
        let baseline = |cold_start: [f64; 4]| Figures { cold_start: cold_start.into(), ..Figures::default() };
        assert!(!is_busy(&baseline([1.0, 1.1, 1.2, 9.0])));
        assert!(is_busy(&baseline([1.0, 5.0, 6.0, 9.0])));
    }
}
