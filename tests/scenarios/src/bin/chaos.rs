//! `chaos <first seed> <how many> <steps>`: runs that many chaos histories one after the other.
//!
//! Exits with a failure if any of them did not converge.

use std::{
    io::{Write as _, stdout},
    process::ExitCode,
};

use scenarios::chaos;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut next = |otherwise| arguments.next().and_then(Result::ok).unwrap_or(otherwise);
    let (first, seeds, steps) = (next(1), next(200), next(150));
    let mut failures = 0;
    for seed in first..first + seeds {
        let said = match chaos::run(seed, steps).await {
            Ok(tally) => format!("seed {seed}: {tally}"),
            Err(problem) => {
                failures += 1;
                format!("seed {seed} FAILED: {problem}")
            }
        };
        if writeln!(stdout(), "{said}").is_err() {
            break;
        }
    }
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
