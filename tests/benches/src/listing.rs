//! Measures how much memory it takes to list many flow logs.

use std::{io, path::Path, process::Command};

use crate::{fleet::Fleet, stub::Cloud};

/// A short list and a long one: 20 pages and 200, and a few more, because pages overlap.
pub(crate) const FLOW_LOGS: [usize; 2] = [1_000, 10_000];

/// Returns the peak resident memory (`VmHWM`) of `list` in KiB, for each of the two lists.
pub(crate) fn measure(list: &Path) -> io::Result<[f64; 2]> {
    let peak = |count: usize| {
        let cloud = Cloud::with(Fleet::in_order(count))?;
        let output = Command::new(list).env_clear().env("LIST_CLOUD", cloud.address.to_string()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let mut words = said.split_whitespace().map(str::parse::<f64>);
        match (words.next(), words.next()) {
            (Some(Ok(listed)), Some(Ok(peak))) if listed == count as f64 => Ok(peak),
            _ => Err(io::Error::other(format!("{count} flow logs were not listed: {said:?}, {output:?}"))),
        }
    };
    let [short, long] = FLOW_LOGS.map(peak);
    Ok([short?, long?])
}
