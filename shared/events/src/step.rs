//! The steps of a sweep of many accounts: events that a function sends to itself.
//!
//! A sweep of many accounts is one invocation for each account, a *shard*, and a last one that *collects* how they
//! ended. Both name the run that they belong to.

use flow_log::{AccountId, RegionId};
use json::Json;

use crate::lenient::{account, short, text};

/// The key that marks an event as a step, with its kind.
pub(crate) const KEY: &str = "flowkeeper";
/// The longest id of a run, in characters. It becomes part of a task id.
const MAX_RUN: usize = 64;

/// The sweep of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// The run that it belongs to.
    pub run: String,
    /// The account to sweep.
    pub account: AccountId,
    /// The regions to sweep; `None` for every region of the account.
    pub regions: Option<Vec<RegionId>>,
    /// Counted from 1.
    pub attempt: u32,
}

/// The end of a run: how its shards ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collect {
    /// The run that is counted.
    pub run: String,
    /// How many shards were submitted.
    pub submitted: u32,
    /// Counted from 1.
    pub attempt: u32,
}

impl Shard {
    /// Returns the event as it is sent.
    #[must_use]
    pub fn to_json(&self) -> String {
        let regions = match &self.regions {
            None => serde_json::json!("all"),
            Some(regions) => regions.iter().map(RegionId::as_str).collect(),
        };
        serde_json::json!({
            KEY: "shard",
            "run": self.run,
            "account": self.account.as_str(),
            "regions": regions,
            "attempt": self.attempt,
        })
        .to_string()
    }
}

impl Collect {
    /// Returns the event as it is sent.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::json!({
            KEY: "collect",
            "run": self.run,
            "submitted": self.submitted,
            "attempt": self.attempt,
        })
        .to_string()
    }
}

/// A step of a sweep.
pub(crate) enum Step {
    Shard(Shard),
    Collect(Collect),
}

/// Reads a step.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn read(value: &Json<'_>) -> Result<Step, String> {
    let kind = text(value, KEY).unwrap_or_default();
    let step = match &*kind {
        "shard" => shard(value).map(Step::Shard),
        "collect" => collect(value).map(Step::Collect),
        other => Err(format!("{KEY} is {:?}, and must be shard or collect", short(other))),
    };
    step.map_err(|reason| format!("a step of a sweep: {reason}"))
}

fn shard(value: &Json<'_>) -> Result<Shard, String> {
    let account = account(value, &["account"]).ok_or("it names no account")?;
    let regions = match value.get("regions") {
        Some(Json::Text(all)) if all == "all" => None,
        Some(Json::Array(regions)) => Some(regions.iter().map(region).collect::<Result<Vec<_>, _>>()?),
        _ => return Err("regions must be all or a list".to_owned()),
    };
    if regions.as_ref().is_some_and(Vec::is_empty) {
        return Err("regions is an empty list".to_owned());
    }
    Ok(Shard { run: run(value)?, account, regions, attempt: number(value, "attempt")? })
}

fn collect(value: &Json<'_>) -> Result<Collect, String> {
    let (submitted, attempt) = (number(value, "submitted")?, number(value, "attempt")?);
    Ok(Collect { run: run(value)?, submitted, attempt })
}

fn region(value: &Json<'_>) -> Result<RegionId, String> {
    let Json::Text(text) = value else { return Err("a region must be a string".to_owned()) };
    text.parse().map_err(|error| format!("the region {:?} {error}", short(text)))
}

fn number(value: &Json<'_>, key: &str) -> Result<u32, String> {
    text(value, key).and_then(|text| text.parse().ok()).ok_or_else(|| format!("{key} must be a number"))
}

fn run(value: &Json<'_>) -> Result<String, String> {
    let run = text(value, "run").unwrap_or_default();
    let is_word =
        !run.is_empty() && run.len() <= MAX_RUN && run.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_word { Ok(run.into_owned()) } else { Err(format!("run must have 1 to {MAX_RUN} letters, digits and -")) }
}
