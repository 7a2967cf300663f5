//! From the end of an invocation to its answer, and to the line about it.

use fc_runtime::{Failure, Output};
use jiff::Timestamp;
use reconcile::Report;

use crate::{InvocationKind, Measurement, failure};

/// The end of an invocation that has a report.
#[derive(Debug)]
pub struct Ended {
    /// What the invocation was for.
    pub kind: InvocationKind,
    /// What it did.
    pub report: Report,
}

/// Writes the line of an invocation that has a report, and turns its end into the answer to `request`. Warns if a failure
/// fits no dead letter. `now` is when the invocation has ended.
///
/// # Errors
/// The invocation failed. If it has no report, its line is written when the runtime logs the failure.
pub fn answered(
    measurement: &Measurement,
    ended: Result<Ended, Failure>,
    now: Timestamp,
    request: &[u8],
) -> Result<Output, Failure> {
    let answer = ended.and_then(|Ended { kind, report }| {
        measurement.log(&kind, &report, now);
        answer(&report, request)
    });
    answer.inspect_err(|_| failure::warn_of_lost_letter(request))
}

/// Turns the report into the answer to `request`.
///
/// # Errors
/// Something in the report was not done. The invocation then fails, so that it is retried. The failure holds as much of
/// the report as fits into a dead letter beside the request.
pub fn answer(report: &Report, request: &[u8]) -> Result<Output, Failure> {
    match report.incomplete() {
        None => Output::json(report),
        Some(incomplete) => Err(failure::build(&incomplete, report, request)),
    }
}
