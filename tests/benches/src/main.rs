//! Compares speed, memory and cost with bare servers, with Go, and with the official Python SDKs.
//!
//! `cargo run --release -p benches` builds the functions, the servers and the command as they would be delivered, and
//! installs the SDKs. It runs all of them in turn against a stub cloud that answers at almost no cost, and prints the
//! tables of docs/benchmarks.md. With `--write docs/benchmarks.md` it replaces the tables there.

mod binaries;
mod certificate;
mod clock;
mod command;
mod cost;
mod event;
mod evidence;
mod fleet;
mod go;
mod http;
mod listing;
mod machine;
mod measure;
mod organization;
mod page;
mod plot;
mod process;
mod python;
mod report;
mod signature;
mod stub;
mod subject;
mod sweep;
mod table;
mod training;

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

use binaries::written_alike;
use clap::{Parser, Subcommand, ValueEnum};
use measure::Runs;
use report::Beside;
use stub::Cloud;
use subject::{Kind, Subject};
use sweep::Size;
use table::Table;
use training::Trained;

/// The plot that docs/benchmarks.md shows.
const CURVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sweeps.svg");
/// The plot of the sweeps of an organization.
const ORGANIZATION_CURVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/organization.svg");
/// Numbers of VPCs that are swept, spread evenly.
const VPCS: [usize; 5] = [1_000, 3_000, 10_000, 30_000, 100_000];
/// The number of regions that they are spread over.
const REGIONS: usize = 5;
/// The default number of VPCs for the sweep of a single region.
const VPCS_OF_ONE_REGION: usize = 10_000;

/// Compares Flowkeeper with bare servers, with Go and with the official Python SDKs, and prints Markdown tables.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    instead: Option<Instead>,
    /// Exit with 1 if a bound is violated.
    #[arg(long)]
    check: bool,
    /// Replace the tables in this page, unless a bound is violated.
    #[arg(long, value_name = "PAGE")]
    write: Option<PathBuf>,
    /// Measure only this part; may be given several times.
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    /// Measure this binary instead of building create-flow-log.
    #[arg(long, value_name = "BINARY")]
    function: Option<PathBuf>,
    /// Cold starts of each binary; Python gets a tenth.
    #[arg(long, default_value_t = 60)]
    starts: usize,
    /// Processes of each binary, each with 10,000 jobs and 32,000 ignored events; Python gets a tenth.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// VPCs in the sweep of a single region. Because of the quota, 100000 take nine minutes.
    #[arg(long, value_name = "VPCS", default_value_t = VPCS_OF_ONE_REGION)]
    one_region: usize,
    /// The numbers of accounts of the organizations that are swept. 500 take half a minute.
    #[arg(long, value_name = "ACCOUNTS", value_delimiter = ',', default_values_t = [1, 10, 100, 500])]
    accounts: Vec<u32>,
}

/// What to do instead of measuring.
#[derive(Debug, Subcommand)]
enum Instead {
    /// Has binaries with counters do their work, for `cargo run -p packaging -- --trained`
    Play {
        /// The folder for their profiles.
        #[arg(long, value_name = "FOLDER")]
        profiles: PathBuf,
        /// The binaries, each named as its function.
        #[arg(required = true, value_name = "BINARY")]
        binaries: Vec<PathBuf>,
    },
}

/// A part that can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Cold starts, jobs, ignored events, memory and cost: of Flowkeeper, the bare servers, Go and Python.
    Jobs,
    /// Signing, and listing flow logs.
    Signing,
    /// Sweeps of many VPCs, and their plot.
    Sweeps,
    /// Sweeps of many accounts, on the local cloud's Function Compute, and their plot.
    Organization,
    /// Evidence: the daily report of a large account, and its forms.
    Report,
    /// The command: plans of large accounts, and what needs no cloud.
    Command,
}

fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(Instead::Play { profiles, binaries }) = &arguments.instead {
        training::play(binaries, profiles)?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_asked_for = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let mut tables = Vec::new();
    let mut show = |table: Table| {
        #[expect(clippy::print_stdout, reason = "the tables are what this program is for")]
        {
            println!("{}", table.text);
        }
        tables.push(table);
    };
    show(machine::table()?);
    if is_asked_for(Part::Jobs) {
        jobs(&arguments)?.into_iter().for_each(&mut show);
    }
    if is_asked_for(Part::Signing) {
        let list = binaries::build("benches", "list")?;
        show(report::signing_and_lists(&signature::measure(), listing::measure(&list)?));
    }
    if is_asked_for(Part::Sweeps) {
        show(sweeps(&arguments)?);
    }
    if is_asked_for(Part::Organization) {
        organizations(&arguments)?.into_iter().for_each(&mut show);
    }
    if is_asked_for(Part::Report) {
        show(of_evidence()?);
    }
    if is_asked_for(Part::Command) {
        of_command()?.into_iter().for_each(&mut show);
    }
    conclude(&tables, arguments.check, arguments.write.as_deref())
}

/// Writes the tables into a page, if there is one and every bound is kept. Returns how the program ends: with `check`,
/// a bound that is not kept is a failure.
fn conclude(tables: &[Table], check: bool, page: Option<&Path>) -> io::Result<ExitCode> {
    let is_kept = tables.iter().all(|table| table.is_kept);
    match page {
        Some(page) if is_kept => page::write(page, tables)?,
        Some(page) => {
            return Err(io::Error::other(format!("a bound is not kept, so {} stays as it is", page.display())));
        }
        None => {}
    }
    Ok(if is_kept || !check { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures the comparison with the bare servers, that of trained binaries, the one with other languages, and the cost.
fn jobs(arguments: &Arguments) -> io::Result<[Table; 4]> {
    let runs = Runs { starts: arguments.starts, rounds: arguments.rounds };
    let cores = thread::available_parallelism()?.get();
    let target = binaries::target_dir()?;
    let packages = python::packages(&target)?;
    let go = go::build(&target)?;
    let trained = training::build()?;
    let function = match &arguments.function {
        Some(binary) => written_alike(binary, "create-flow-log")?,
        None => binaries::build("create-flow-log", "create-flow-log")?,
    };
    let bare_binary = binaries::build("baselines", "baseline")?;
    let reqwest_binary = binaries::build("baselines", training::ON_REQWEST)?;

    let (plain, tls) = (Cloud::start()?, Cloud::over_tls(&target, None)?);
    let subject = |kind, cloud| Subject { kind, cloud };
    let mut subjects = vec![
        subject(Kind::Baseline(bare_binary.clone()), &plain),
        subject(Kind::Baseline(reqwest_binary.clone()), &plain),
        subject(Kind::Ours(function.clone()), &plain),
        subject(Kind::Baseline(bare_binary), &tls),
        subject(Kind::Baseline(reqwest_binary), &tls),
        subject(Kind::Ours(function), &tls),
        subject(Kind::Python(&packages[0]), &plain),
        subject(Kind::Python(&packages[1]), &plain),
    ];
    if let Ok(built) = &trained {
        let of_server = written_alike(&built.on_reqwest, "on_reqwest-trained")?;
        let of_function = written_alike(&built.function, "create-flow-log-trained")?;
        subjects.push(subject(Kind::Baseline(of_server), &plain));
        subjects.push(subject(Kind::Ours(of_function), &plain));
    }
    subjects.extend(go.iter().map(|go| subject(Kind::Go(go), &plain)));
    let figures = measure::measure(&subjects, runs)?;
    let [bare, on_reqwest, ours, bare_tls, on_reqwest_tls, ours_tls, old, new, others @ ..] = &figures[..] else {
        return Err(io::Error::other("eight were measured, and trained ones, and Go"));
    };
    let (of_trained, of_go) = others.split_at(if trained.is_ok() { 2 } else { 0 });
    let of_trained = match (&trained, of_trained) {
        (Ok(Trained { tool, .. }), [trained_server, trained]) => {
            report::trained([on_reqwest, trained_server, ours, trained], tool)
        }
        (Ok(_), _) => return Err(io::Error::other("two are trained")),
        (Err(missing), _) => report::untrained(missing),
    };
    let of_plain = Beside { bare, on_reqwest, ours };
    let of_tls = Beside { bare: bare_tls, on_reqwest: on_reqwest_tls, ours: ours_tls };
    let go = match &go {
        Ok(go) => Ok((go.version.as_str(), of_go.first().ok_or_else(|| io::Error::other("Go was not measured"))?)),
        Err(why) => Err(why.as_str()),
    };
    let pythons = [(packages[0].sdk, old), (packages[1].sdk, new)];
    let all: Vec<_> = [("create-flow-log", ours)].into_iter().chain(go).chain(pythons).collect();
    let functions = report::functions(&of_plain, &of_tls, runs, cores);
    Ok([functions, of_trained, report::peers(ours, go, &pythons), report::cost(&all)])
}

/// Measures evidence.
fn of_evidence() -> io::Result<Table> {
    let target = binaries::target_dir()?;
    let reported = evidence::report(&binaries::build("report-flow-logs", "report-flow-logs")?, &target)?;
    let sample = binaries::build_example("evidence", "sample")?;
    Ok(report::evidence(reported, evidence::forms(&sample, &target)?))
}

/// Measures the command.
fn of_command() -> io::Result<[Table; 2]> {
    let flowkeeper = binaries::build("flowkeeper", "flowkeeper")?;
    let folder = binaries::target_dir()?;
    let planned = command::plan(&flowkeeper, &folder, command::ACCOUNT)?;
    Ok([report::plan(&planned), report::offline(&command::offline(&flowkeeper, &folder)?)])
}

fn sweeps(arguments: &Arguments) -> io::Result<Table> {
    let remediate = binaries::build("remediate-flow-logs", "remediate-flow-logs")?;
    let one_region = sweep::measure(&remediate, Size { vpcs: arguments.one_region, regions: 1 })?;
    let sizes = VPCS.map(|vpcs| Size { vpcs, regions: REGIONS });
    let mut sweeps = sizes.map(|size| sweep::measure(&remediate, size)).into_iter().collect::<io::Result<Vec<_>>>()?;
    plot::draw(&sweeps, Path::new(CURVE)).map_err(|error| io::Error::other(error.to_string()))?;
    sweeps.push(one_region);
    Ok(report::sweeps(&sweeps, sweep::measure_empty_target(&remediate)?))
}

fn organizations(arguments: &Arguments) -> io::Result<[Table; 2]> {
    let remediate = binaries::build("remediate-flow-logs", "remediate-flow-logs")?;
    let load = organization::load()?;
    let sweeps = arguments.accounts.iter().map(|accounts| organization::measure(&remediate, *accounts));
    let sweeps = sweeps.collect::<io::Result<Vec<_>>>()?;
    let plotted = plot::draw_organization(&sweeps, Path::new(ORGANIZATION_CURVE));
    plotted.map_err(|error| io::Error::other(error.to_string()))?;
    Ok(report::organization(&sweeps, load, thread::available_parallelism()?.get()))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::ErrorKind};

    use super::*;
    use table::{Bound, Bounded};

    /// A table whose figure is at most 2, or should be.
    fn bounded(figure: f64) -> Table {
        let mut table = Table::new("jobs", &["", "bound"]);
        table.bounded(["a job, µs".to_owned()], Bounded::new(figure, Bound::AtMost(2.0)));
        table
    }

    #[test]
    fn with_check_one_bound_that_is_not_kept_is_a_failure() {
        let (kept, broken) = ([bounded(1.0), bounded(2.0)], [bounded(1.0), bounded(2.1), bounded(1.0)]);
        let ends = |tables, check| conclude(tables, check, None).unwrap();
        assert_eq!([ends(&kept, true), ends(&kept, false), ends(&broken, false)], [ExitCode::SUCCESS; 3]);
        assert_eq!(ends(&broken, true), ExitCode::FAILURE);
    }

    #[test]
    fn a_page_stays_as_it_is_if_a_bound_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.md");
        let text = "<!-- begin jobs -->\nold\n<!-- end jobs -->\n";
        fs::write(&page, text).unwrap();
        let error = conclude(&[bounded(2.1)], false, Some(&page)).unwrap_err();
        assert_eq!((error.kind(), fs::read_to_string(&page).unwrap().as_str()), (ErrorKind::Other, text));
        conclude(&[bounded(1.9)], false, Some(&page)).unwrap();
        assert!(fs::read_to_string(&page).unwrap().contains("| a job, µs | at most 2 |"));
    }
}
