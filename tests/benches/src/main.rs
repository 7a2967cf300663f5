//! Speed and memory beside a bare hyper server that makes the same calls.
//!
//! `cargo run --release -p benches` builds `create-flow-log` and `bare`, the floor, as they would be delivered, runs
//! both against a cloud that costs nothing, in turn, and prints a Markdown table of medians and ratios.

mod binaries;
mod clock;
mod event;
mod http;
mod listing;
mod measure;
mod signature;
mod stub;
mod subject;
mod table;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::Parser;

use measure::Runs;
use stub::Cloud;
use subject::{Kind, Subject};
use table::{Results, Table};

/// Measures create-flow-log beside a bare hyper server that makes the same calls, and prints a Markdown table.
#[derive(Debug, Parser)]
struct Arguments {
    /// Exit with 1 if a bound of today is not kept.
    #[arg(long)]
    check: bool,
    /// Measure this binary, and build no create-flow-log.
    #[arg(long, value_name = "BINARY")]
    function: Option<PathBuf>,
    /// Cold starts of each binary.
    #[arg(long, default_value_t = 60)]
    starts: usize,
    /// Processes of each binary, each with 10,000 jobs and 32,000 ignored events.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let Table { text, is_kept } = table::table(&measure(&arguments)?);
    #[expect(clippy::print_stdout, reason = "the table is what this program is for")]
    {
        print!("{text}");
    }
    Ok(if is_kept || !arguments.check { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(arguments: &Arguments) -> io::Result<Results> {
    let runs = Runs { starts: arguments.starts, rounds: arguments.rounds };
    let function = match &arguments.function {
        Some(binary) => binary.clone(),
        None => binaries::build("create-flow-log", "create-flow-log")?,
    };
    let bare = binaries::build("benches", "bare")?;
    let list = binaries::build("benches", "list")?;
    let ours = Subject { kind: Kind::Ours, binary: function };
    let [two, three] = [2, 3].map(|calls| Subject { kind: Kind::Floor { calls }, binary: bare.clone() });

    let cloud = Cloud::start()?;
    let calls = measure::calls_of_a_job(&ours, &cloud)?;
    if !(2..=3).contains(&calls) {
        return Err(io::Error::other(format!("create-flow-log makes {calls} calls for a job, and the floor 2 or 3")));
    }
    let figures = measure::measure(&[two, three, ours], &cloud, runs)?;
    let [two, three, ours] = <[_; 3]>::try_from(figures).map_err(|_| io::Error::other("three were measured"))?;
    Ok(Results {
        runs,
        cores: thread::available_parallelism()?.get(),
        calls,
        ours,
        floors: [two, three],
        signing: signature::measure(),
        listing: listing::measure(&list)?,
    })
}
