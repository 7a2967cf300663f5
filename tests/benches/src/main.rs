//! Compares speed, memory and cost with a bare hyper server and with the official Python SDKs.
//!
//! `cargo run --release -p benches` builds the functions and the `baseline` as they would be delivered, and
//! installs the SDKs. It runs all of them in turn against a stub cloud that answers at almost no cost, and prints the
//! tables of docs/benchmarks.md. With `--write docs/benchmarks.md` it replaces the tables there.

mod binaries;
mod certificate;
mod clock;
mod cost;
mod event;
mod fleet;
mod http;
mod listing;
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

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

use clap::{Parser, ValueEnum};
use fleet::REGIONS;
use measure::Runs;
use report::{Pair, Zips};
use stub::Cloud;
use subject::{Kind, Subject};
use sweep::Size;
use table::Table;

/// The plot that docs/benchmarks.md shows.
const CURVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sweeps.svg");
/// The plot of the sweeps of an organization.
const ORGANIZATION_CURVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/organization.svg");
/// Numbers of VPCs that are swept, spread over all regions.
const VPCS: [usize; 5] = [1_000, 3_000, 10_000, 30_000, 100_000];
/// The default number of VPCs for the sweep of a single region.
const VPCS_OF_ONE_REGION: usize = 10_000;

/// Compares Flowkeeper with a bare hyper server and the official Python SDKs, and prints Markdown tables.
#[derive(Debug, Parser)]
struct Arguments {
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

/// A part that can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Cold starts, jobs, ignored events, memory and cost: of Flowkeeper, the bare server and Python.
    Jobs,
    /// Signing, and listing flow logs.
    Signing,
    /// Sweeps of many VPCs, and their plot.
    Sweeps,
    /// Sweeps of many accounts, on the local cloud's Function Compute, and their plot.
    Organization,
}

fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let is_asked_for = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let mut is_kept = true;
    let mut tables = Vec::new();
    let mut show = |table: Table| {
        is_kept &= table.is_kept;
        #[expect(clippy::print_stdout, reason = "the tables are what this program is for")]
        {
            println!("{}", table.text);
        }
        tables.push(table);
    };
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
    match &arguments.write {
        Some(page) if is_kept => page::write(page, &tables)?,
        Some(page) => {
            return Err(io::Error::other(format!("a bound is not kept, so {} stays as it is", page.display())));
        }
        None => {}
    }
    Ok(if is_kept || !arguments.check { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures the comparison with the bare server, reqwest's share of it, the comparison with Python, and the cost.
fn jobs(arguments: &Arguments) -> io::Result<[Table; 4]> {
    let runs = Runs { starts: arguments.starts, rounds: arguments.rounds };
    let cores = thread::available_parallelism()?.get();
    let target = binaries::target_dir()?;
    let packages = python::packages(&target)?;
    let function = match &arguments.function {
        Some(binary) => binary.clone(),
        None => binaries::build("create-flow-log", "create-flow-log")?,
    };
    let baseline_binary = binaries::build("benches", "baseline")?;
    let reqwest_binary = binaries::build("benches", "on_reqwest")?;
    let zips = Zips { baseline: zip(&baseline_binary)?, ours: zip(&function)? };

    let (plain, tls) = (Cloud::start()?, Cloud::over_tls(&target)?);
    let subject = |kind, cloud| Subject { kind, cloud };
    let subjects = [
        subject(Kind::Baseline(baseline_binary.clone()), &plain),
        subject(Kind::Ours(function.clone()), &plain),
        subject(Kind::Baseline(baseline_binary), &tls),
        subject(Kind::Ours(function), &tls),
        subject(Kind::Python(&packages[0]), &plain),
        subject(Kind::Python(&packages[1]), &plain),
        subject(Kind::Baseline(reqwest_binary), &plain),
    ];
    let figures = measure::measure(&subjects, runs)?;
    let [baseline, ours, baseline_tls, ours_tls, old, new, on_reqwest] = &figures[..] else {
        return Err(io::Error::other("seven were measured"));
    };
    let pythons = [(packages[0].sdk, old), (packages[1].sdk, new)];
    Ok([
        report::baseline(&Pair { baseline, ours }, &Pair { baseline: baseline_tls, ours: ours_tls }, zips, runs, cores),
        report::on_reqwest(baseline, on_reqwest, ours),
        report::python(ours, zips.ours, &pythons),
        report::cost(&[("create-flow-log", ours), pythons[0], pythons[1]]),
    ])
}

/// The size of the ZIP file of a binary.
fn zip(binary: &Path) -> io::Result<usize> {
    Ok(packaging::archive::of_bootstrap(&fs::read(binary)?).map_err(io::Error::other)?.len())
}

fn sweeps(arguments: &Arguments) -> io::Result<Table> {
    let remediate = binaries::build("remediate-flow-logs", "remediate-flow-logs")?;
    let one_region = sweep::measure(&remediate, Size { vpcs: arguments.one_region, regions: 1 })?;
    let sizes = VPCS.map(|vpcs| Size { vpcs, regions: REGIONS.len() });
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
