//! The figures as a Markdown table, each beside the floor and its bounds.

use std::fmt::Write as _;

use crate::listing::FLOW_LOGS;
use crate::measure::{CONNECTIONS, FIRST_JOBS, Figures, IGNORED_BLOCK, IGNORED_BLOCKS, JOBS, Runs, median, percentile};
use crate::signature::Signing;

/// Everything that was measured.
pub(crate) struct Results {
    pub(crate) runs: Runs,
    pub(crate) cores: usize,
    /// How many calls we make for a job, and so does the floor that the bounds are about.
    pub(crate) calls: usize,
    pub(crate) ours: Figures,
    /// The floor with two calls, and with three.
    pub(crate) floors: [Figures; 2],
    pub(crate) signing: Signing,
    /// The most memory while a short list is read, and a long one, in KiB.
    pub(crate) listing: [f64; 2],
}

/// The table, and whether every bound of today is kept.
pub(crate) struct Table {
    pub(crate) text: String,
    pub(crate) is_kept: bool,
}

/// How good a figure has to be.
#[derive(Debug, Clone, Copy)]
enum Bound {
    /// No bound.
    None,
    /// At most so many times the floor.
    AtMost(f64),
    /// At least so many times the floor.
    AtLeast(f64),
    /// At most so much, in the row's unit.
    Absolute(f64),
}

struct Row {
    what: String,
    /// Two calls, three calls, ours.
    values: [f64; 3],
    /// Ours to two calls, and to three.
    ratios: [f64; 2],
    decimals: usize,
    today: Bound,
    later: Bound,
}

impl Bound {
    /// Whether it is kept, and the cell that says so.
    fn judge(self, ours: f64, ratio: f64) -> (bool, String) {
        let (is_kept, text) = match self {
            Self::None => return (true, String::new()),
            Self::AtMost(times) => (ratio <= times, format!("≤ {times} ×")),
            Self::AtLeast(times) => (ratio >= times, format!("≥ {times} ×")),
            Self::Absolute(most) => (ours <= most, format!("≤ {most}")),
        };
        (is_kept, format!("{} {text}", if is_kept { '✓' } else { '✗' }))
    }
}

/// Puts the results into words.
pub(crate) fn table(results: &Results) -> Table {
    let mut text = String::from(
        "| median | floor, 2 calls | floor, 3 calls | ours | ours / 2 calls | ours / 3 calls | bound today | bound later |\n\
         |:--|--:|--:|--:|--:|--:|:--|:--|\n",
    );
    let mut is_kept = true;
    for row in rows(results) {
        is_kept &= line(&mut text, &row, results.calls);
    }
    text.push_str(&foot(results));
    if is_busy(&results.floors) {
        text.push_str(
            "\n**The machine was busy**: the floor's cold starts took more than half as long again as the quickest tenth of them. \
             What is measured in time that passed, or in events a second, then says little; what is measured in CPU \
             and memory says more. Repeat it.\n",
        );
    }
    Table { text, is_kept }
}

fn rows(results: &Results) -> Vec<Row> {
    let Results { ours, floors: [two, three], signing, listing: [few, many], .. } = results;
    // Of what was measured in turn, each value is compared with the one beside it.
    let in_turn = |what: &str, of: &dyn Fn(&Figures) -> &[f64], decimals, today, later| Row {
        what: what.to_owned(),
        values: [median(of(two)), median(of(three)), median(of(ours))],
        ratios: [median_ratio(of(ours), of(two)), median_ratio(of(ours), of(three))],
        decimals,
        today,
        later,
    };
    let alone = |what: &str, values: [f64; 3], decimals, today, later| Row {
        what: what.to_owned(),
        values,
        ratios: [values[2] / values[0], values[2] / values[1]],
        decimals,
        today,
        later,
    };
    let percentiles = |percent| [two, three, ours].map(|figures| percentile(&figures.job, percent));
    let sizes = [two, three, ours].map(|figures| figures.size as f64 / 1e6);
    let (none, at_most) = (Bound::None, Bound::AtMost);
    let first = format!("memory after {FIRST_JOBS} jobs, KiB");
    let last = format!("memory after {JOBS} jobs, KiB");
    let [short, long] = FLOW_LOGS;
    let list = format!("peak memory, {long} flow logs listed, and for a floor {short}, KiB");
    let form = "signed form of a CreateFlowLog, and for a floor its HMAC alone, µs";
    let post = "the same with ACS3-HMAC-SHA256, for the floors its HMAC alone and with the two hashes before it, µs";
    vec![
        in_turn("cold start, ms", &|f| &f.cold_start, 2, at_most(1.5), at_most(1.25)),
        in_turn("CPU of a cold start, ms", &|f| &f.cold_start_cpu, 2, none, none),
        in_turn("CPU of a job, µs", &|f| &f.job_cpu, 1, at_most(2.5), at_most(1.6)),
        alone("a job, p50, µs", percentiles(50), 0, none, none),
        alone("a job, p99, µs", percentiles(99), 0, none, none),
        in_turn("CPU of an ignored event, µs", &|f| &f.ignored_cpu, 1, none, none),
        in_turn("ignored events in a second", &|f| &f.ignored_per_second, 0, none, Bound::AtLeast(0.8)),
        in_turn(&first, &|f| &f.resident_first, 0, at_most(3.0), none),
        in_turn(&last, &|f| &f.resident_last, 0, none, at_most(2.0)),
        alone("binary, MB", sizes, 2, Bound::Absolute(3.5), none),
        alone(&list, [*few, *few, *many], 0, at_most(1.5), none),
        alone(form, [signing.hmac, signing.hmac, signing.signed_form], 2, at_most(3.0), none),
        alone(post, [signing.acs3_hmac, signing.acs3_hashes, signing.acs3], 2, at_most(3.0), none),
    ]
}

/// Whether others wanted the processors, too: half of the floor's starts are then far slower than a tenth of them.
fn is_busy(floors: &[Figures]) -> bool {
    floors.iter().any(|floor| median(&floor.cold_start) > 1.5 * percentile(&floor.cold_start, 10))
}

fn median_ratio(ours: &[f64], floor: &[f64]) -> f64 {
    median(&ours.iter().zip(floor).map(|(ours, floor)| ours / floor).collect::<Vec<_>>())
}

/// Writes one row, and says whether today's bound is kept.
fn line(text: &mut String, row: &Row, calls: usize) -> bool {
    let [two, three, ours] = row.values;
    let [to_two, to_three] = row.ratios;
    let ratio = if calls == 2 { to_two } else { to_three };
    let (is_kept, today) = row.today.judge(ours, ratio);
    let (_, later) = row.later.judge(ours, ratio);
    // Writing into a String cannot fail.
    let _ = writeln!(
        text,
        "| {} | {two:.d$} | {three:.d$} | {ours:.d$} | {to_two:.2} | {to_three:.2} | {today} | {later} |",
        row.what,
        d = row.decimals
    );
    is_kept
}

fn foot(results: &Results) -> String {
    let Results { runs: Runs { starts, rounds }, cores, calls, .. } = results;
    let warm = rounds * (JOBS - FIRST_JOBS);
    let ignored = rounds * IGNORED_BLOCKS * IGNORED_BLOCK;
    format!(
        "\n\
         `cargo run --release -p benches`, on {cores} cores; of each column {starts} cold starts, {warm} warm jobs and \
         {ignored} ignored events, in turn with the others', in {rounds} processes. Ratios \
         are medians too: of what was measured in turn, of the ratios of neighbours.\n\
         \n\
         - **ours** is `create-flow-log` for a new VPC, release profile, static, its log to `/dev/null`. It makes \
           {calls} calls for a job, so its bounds are judged against the floor with {calls}.\n\
         - **floor** is `bare`: a hyper server that makes the same calls over one kept connection, and does nothing else: \
           no TLS, signing, reading, logging or retry. 2 calls are describe and create, 3 are both describes and create.\n\
         - **cold start** is from exec to the answer of a first job. **CPU** is user and system time of the process. \
           **memory** is its VmRSS. Ignored events come over {CONNECTIONS} connections. 1 MB is 1,000,000 bytes.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_judged_against_the_floor_with_as_many_calls_as_we_make() {
        let row = Row {
            what: "what, µs".to_owned(),
            values: [10.0, 20.0, 30.0],
            ratios: [3.0, 1.5],
            decimals: 1,
            today: Bound::AtMost(2.0),
            later: Bound::AtLeast(1.6),
        };
        let mut text = String::new();
        assert!(!line(&mut text, &row, 2));
        assert!(line(&mut text, &row, 3));
        assert_eq!(
            text,
            "| what, µs | 10.0 | 20.0 | 30.0 | 3.00 | 1.50 | ✗ ≤ 2 × | ✓ ≥ 1.6 × |\n\
             | what, µs | 10.0 | 20.0 | 30.0 | 3.00 | 1.50 | ✓ ≤ 2 × | ✗ ≥ 1.6 × |\n"
        );
    }

    #[test]
    fn a_ratio_is_one_of_neighbours() {
        assert_eq!(median_ratio(&[2.0, 30.0, 200.0], &[1.0, 10.0, 100.0]), 2.0);
    }

    #[test]
    fn slow_starts_of_the_floor_give_a_busy_machine_away() {
        let floor = |cold_start: [f64; 4]| Figures { cold_start: cold_start.into(), ..Figures::default() };
        assert!(!is_busy(&[floor([1.0, 1.1, 1.2, 9.0])]));
        assert!(is_busy(&[floor([1.0, 1.1, 1.2, 9.0]), floor([1.0, 5.0, 6.0, 9.0])]));
    }

    #[test]
    fn a_figure_that_is_no_number_keeps_no_bound() {
        assert!(!Bound::AtMost(3.0).judge(1.0, f64::NAN).0);
        assert!(!Bound::Absolute(3.5).judge(f64::NAN, 1.0).0);
    }
}
