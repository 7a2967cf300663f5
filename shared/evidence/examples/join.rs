//! Joins the parts of an organization, for measurements: `cargo run --release -p evidence --example join`, with the number
//! of accounts, regions and VPCs in each region, and how many VPCs the report lists. With a 1 at the end, no VPC has a flow
//! log.
//!
//! It prints how many bytes the parts have. The time and the memory are those of the process: `/usr/bin/time -v`.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use evidence::{Evidence, Facts, Joining};

#[path = "sample/samples.rs"]
#[expect(dead_code, reason = "the samples are shared with another example")]
mod samples;

fn main() -> ExitCode {
    let numbers: Option<Vec<usize>> = std::env::args().skip(1).map(|number| number.parse().ok()).collect();
    let (numbers, is_missing) = match numbers.as_deref() {
        Some([four @ .., 1]) if four.len() == 4 => (four.to_vec(), true),
        Some(four) => (four.to_vec(), false),
        None => return ExitCode::from(64),
    };
    let Ok([accounts, regions, vpcs, max]) = <[usize; 4]>::try_from(numbers) else { return ExitCode::from(64) };
    let Some((bytes, joined)) = join([accounts, regions, vpcs], is_missing, max) else { return ExitCode::FAILURE };
    let (sums, verdict) = (&joined.assessment().sums, &joined.assessment().verdict);
    let said = format!(
        "{bytes} bytes of parts, {} resources, {} findings, {} only counted\n{verdict}\n",
        sums.resources, sums.findings, sums.omitted
    );
    io::stdout().write_all(said.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

/// Joins parts as the function reads them: one after another, from their text.
fn join([accounts, regions, vpcs]: [usize; 3], is_missing: bool, max: usize) -> Option<(usize, Evidence)> {
    let mut joining = Joining::up_to(max);
    let mut bytes = 0;
    for nth in 0..accounts {
        let mut text = Vec::new();
        let mut facts = part(nth, regions, vpcs);
        if is_missing {
            facts.results.iter_mut().for_each(samples::lose_flow_log);
        }
        Evidence::new(facts).write_json(&mut text).ok()?;
        bytes += text.len();
        joining.add(Evidence::from_reader(&text[..]).ok()?).ok()?;
    }
    Some((bytes, joining.finish().ok()?))
}

/// The part of one account.
fn part(nth: usize, regions: usize, vpcs: usize) -> Facts {
    let account = (1_000_000_000_000_001 + nth as u64).to_string();
    let mut facts = samples::minimal();
    facts.asked.accounts.push(evidence::AskedAccount {
        account: account.clone(),
        name: None,
        regions: (0..regions).map(|region| format!("region-{region}")).collect(),
    });
    for region in (0..regions).map(|region| format!("region-{region}")) {
        for list in ["DescribeVpcs", "DescribeFlowLogs"] {
            facts.reads.push(samples::read(&account, &region, list, vpcs as u64));
        }
        facts.results.extend((0..vpcs).map(|vpc| samples::vpc(&account, &region, vpc, "a-name")));
    }
    let resources = facts.results.len() as u64;
    facts.judged.push(evidence::Judged { accounts: vec![account], resources, unlisted: 0 });
    facts
}
