//! Proof of delivery: whether what a flow log records arrives, judged by the records in its Logstore.
//!
//! "Active" is what the API says about a flow log. Records are what arrived. A record names no flow log, so it counts for
//! the flow log on the VPC, vSwitch or network interface that it names. **No records are no proof of a failure**: an idle
//! network interface writes `NODATA` once in an interval, a VPC without network interfaces writes nothing, and what could
//! not be read is [`Proof::Unknown`]. What remains is [`Proof::Silent`], and that is an alarm.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::{FlowLog, FlowLogId, ResourceId, ResourceType, Status};

/// How long it takes until a new network interface appears in the records, as documented.
const UNTIL_SEEN: SignedDuration = SignedDuration::from_mins(10);
/// The longest interval, which is the default of the API, in minutes.
const MAX_INTERVAL_MINUTES: u32 = 10;
/// How far a record may be ahead of the reader's clock.
const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Records, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many there are.
    pub records: u64,
    /// How many of them say that records were lost (`SKIPDATA`).
    pub skipped: u64,
    /// How many of them say that nothing flowed (`NODATA`).
    pub empty: u64,
    /// When the last of them ends.
    pub last: Option<Timestamp>,
    /// The bytes of the traffic in them; `None` if they were not added up.
    pub bytes: Option<u64>,
}

impl Tally {
    /// Adds the records of another tally.
    pub fn add(&mut self, other: Self) {
        self.bytes = match (self.records, other.records) {
            // Without records, there is nothing to add.
            (0, _) => other.bytes,
            (_, 0) => self.bytes,
            _ => self.bytes.zip(other.bytes).map(|(one, another)| one.saturating_add(another)),
        };
        self.records = self.records.saturating_add(other.records);
        self.skipped = self.skipped.saturating_add(other.skipped);
        self.empty = self.empty.saturating_add(other.empty);
        self.last = self.last.max(other.last);
    }

    /// Returns how many say that something flowed.
    const fn with_traffic(self) -> u64 {
        self.records.saturating_sub(self.skipped.saturating_add(self.empty))
    }
}

/// The records of one resource, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedResource {
    /// What the records name: of each type the id, as far as it was asked for.
    pub ids: Vec<(ResourceType, String)>,
    /// The records.
    pub tally: Tally,
}

/// The records that count for a flow log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Those that only this flow log can have written.
    pub own: Tally,
    /// Those that other flow logs over the same resource, into the same Logstore, may have written as well.
    pub shared: Tally,
    /// These other flow logs.
    pub with: Vec<FlowLogId>,
}

impl Seen {
    /// Returns what counts for `flow_log` in its Logstore, into which all of `writers` deliver.
    #[must_use]
    pub fn of(flow_log: &FlowLog, writers: &[&FlowLog], counted: &[CountedResource]) -> Self {
        let mut seen = Self::default();
        for resource in counted.iter().filter(|resource| is_of(flow_log, resource)) {
            let others: Vec<_> = writers
                .iter()
                .filter(|other| other.id != flow_log.id && other.status == Status::Active && is_of(other, resource))
                .collect();
            if others.is_empty() {
                seen.own.add(resource.tally);
            } else {
                seen.shared.add(resource.tally);
                seen.with.extend(others.into_iter().map(|other| other.id.clone()));
            }
        }
        seen.with.sort_unstable();
        seen.with.dedup();
        seen
    }

    /// All records that count for the flow log, its own and shared ones.
    #[must_use]
    pub fn all(&self) -> Tally {
        let mut all = self.own;
        all.add(self.shared);
        all
    }
}

/// Returns whether these records name what the flow log is on.
fn is_of(flow_log: &FlowLog, resource: &CountedResource) -> bool {
    let on = recorded(flow_log);
    on.is_some_and(|on| resource.ids.iter().any(|(kind, id)| *kind == on.resource_type() && id == on.as_str()))
}

/// Returns the resource that a flow log is on, if its type is known.
#[must_use]
pub fn recorded(flow_log: &FlowLog) -> Option<ResourceId> {
    flow_log.resource_id.parse().ok()
}

/// How long a flow log may be silent: two intervals, and the time until a new network interface is seen.
#[must_use]
pub fn longest_silence(flow_log: &FlowLog) -> SignedDuration {
    // An interval that is not known, or absurd, is taken for the longest one.
    let minutes = flow_log.aggregation_interval.unwrap_or(MAX_INTERVAL_MINUTES).clamp(1, MAX_INTERVAL_MINUTES);
    SignedDuration::from_mins(2 * i64::from(minutes)) + UNTIL_SEEN
}

/// When a flow log began to record, if that is known.
fn began(flow_log: &FlowLog, expected: Expected) -> Option<Timestamp> {
    flow_log.creation_time.max(expected.on_since)
}

/// What is known about a flow log besides its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expected {
    /// Since when it has been on, if its schedule tells. Its creation counts if it is later.
    pub on_since: Option<Timestamp>,
    /// Whether any network interface is in use where it records; `None` if that is not known.
    pub has_interfaces: Option<bool>,
}

/// Whether what a flow log records arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It is not on, so nothing has to arrive.
    Off,
    /// It has been on for too short a time to tell.
    TooEarly,
    /// Records arrive.
    Delivering {
        /// How many arrived in the time that was looked at.
        records: u64,
        /// When the last one ends.
        last: Timestamp,
    },
    /// Only records arrive which say that nothing flowed.
    NoTraffic {
        /// When the last one ends.
        last: Timestamp,
    },
    /// Records arrive, and some say that others were lost.
    RecordsLost {
        /// How many say so.
        skipped: u64,
    },
    /// There is no network interface that it could record.
    NothingToRecord,
    /// Nothing has arrived for longer than the interval explains.
    Silent {
        /// When the last record ends, if there was any in the time that was looked at.
        last: Option<Timestamp>,
    },
    /// There is nothing that it could deliver to.
    NoDestination(Missing),
    /// It cannot be told.
    Unknown(Unproven),
}

/// The part of a destination that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The project.
    Project,
    /// The Logstore.
    LogStore,
}

/// Why it cannot be told whether records arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unproven {
    /// The caller may not make this call.
    NoPermission {
        /// The call.
        action: &'static str,
    },
    /// The Logstore has no index, or none on this field.
    NoIndex {
        /// The field; `None` if there is no index at all.
        field: Option<&'static str>,
    },
    /// Log Service had not counted all records.
    Incomplete,
    /// The project or the Logstore is not there.
    NoDestination(Missing),
    /// The records may be those of other flow logs over the same resource.
    Shared(Vec<FlowLogId>),
    /// The response about the flow log lacks its project, its Logstore, or what it is on.
    UnknownFlowLog,
    /// Its status is not known.
    UnknownStatus,
    /// The last record ends in the future.
    AheadOfTime,
    /// It is silent, and it is unknown whether there is anything to record.
    UnknownInterfaces,
    /// Something could not be read. Holds what, and why.
    Unread(String),
}

impl Proof {
    /// Judges what was counted for a flow log until `now`.
    #[must_use]
    pub fn judge(flow_log: &FlowLog, expected: Expected, seen: Result<&Seen, &Unproven>, now: Timestamp) -> Self {
        match flow_log.status {
            Status::Active => {}
            Status::Unknown(_) => return Self::Unknown(Unproven::UnknownStatus),
            _ => return Self::Off,
        }
        let seen = match seen {
            Ok(seen) => seen,
            Err(why) => return Self::Unknown(why.clone()),
        };
        let all = seen.all();
        match Self::of_times(flow_log, expected, seen, now) {
            // Nothing arrives any more, which says more than that some was lost before.
            silent @ Self::Silent { .. } => silent,
            // Nothing has arrived since it began: what was lost before was another flow log's.
            Self::TooEarly if began(flow_log, expected).is_some() => Self::TooEarly,
            // Whose they were does not matter: they are missing from what it records. Nor does it matter when.
            _ if all.skipped > 0 => Self::RecordsLost { skipped: all.skipped },
            proof => proof,
        }
    }

    /// Judges by when records arrived, as if none were lost.
    fn of_times(flow_log: &FlowLog, expected: Expected, seen: &Seen, now: Timestamp) -> Self {
        let is_recent = |time: Timestamp| now.duration_since(time) <= longest_silence(flow_log);
        let all = seen.all();
        if all.last.is_some_and(|last| last.duration_since(now) > MAX_AHEAD) {
            return Self::Unknown(Unproven::AheadOfTime);
        }
        match (seen.own.last.filter(|last| is_recent(*last)), all.last.filter(|last| is_recent(*last))) {
            (Some(last), _) if seen.own.with_traffic() > 0 => {
                Self::Delivering { records: seen.own.with_traffic(), last }
            }
            (Some(last), _) => Self::NoTraffic { last },
            (None, Some(_)) => Self::Unknown(Unproven::Shared(seen.with.clone())),
            (None, None) => {
                match (began(flow_log, expected), expected.has_interfaces) {
                    // An unknown age is young.
                    (None, _) => Self::TooEarly,
                    (Some(began), _) if is_recent(began) => Self::TooEarly,
                    (_, Some(true)) => Self::Silent { last: all.last },
                    (_, Some(false)) => Self::NothingToRecord,
                    (_, None) => Self::Unknown(Unproven::UnknownInterfaces),
                }
            }
        }
    }

    /// Returns whether somebody has to look: records are lost, or do not arrive.
    #[must_use]
    pub const fn is_alarm(&self) -> bool {
        matches!(self, Self::RecordsLost { .. } | Self::Silent { .. } | Self::NoDestination(_))
    }

    /// Returns whether it cannot be told.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Returns its name, for programs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::TooEarly => "too-early",
            Self::Delivering { .. } => "delivering",
            Self::NoTraffic { .. } => "no-traffic",
            Self::RecordsLost { .. } => "records-lost",
            Self::NothingToRecord => "nothing-to-record",
            Self::Silent { .. } => "silent",
            Self::NoDestination(_) => "no-destination",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("it is off, so nothing has to arrive"),
            Self::TooEarly => f.write_str("it has not been on for long enough to tell"),
            Self::Delivering { records, last } => write!(f, "{records} records arrived, the last one of {last}"),
            Self::NoTraffic { last } => write!(f, "nothing flowed (NODATA), as its last record of {last} says"),
            Self::RecordsLost { skipped } => write!(f, "{skipped} records say that others were lost (SKIPDATA)"),
            Self::NothingToRecord => f.write_str("no network interface is in use where it records"),
            Self::Silent { last: Some(last) } => write!(f, "nothing has arrived since {last}"),
            Self::Silent { last: None } => f.write_str("nothing has arrived"),
            Self::NoDestination(Missing::Project) => f.write_str("its project is not there"),
            Self::NoDestination(Missing::LogStore) => f.write_str("its Logstore is not there"),
            Self::Unknown(why) => write!(f, "unknown: {why}"),
        }
    }
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPermission { action } => write!(f, "{action} is not allowed"),
            Self::NoIndex { field: None } => f.write_str("the Logstore has no index"),
            Self::NoIndex { field: Some(field) } => write!(f, "the Logstore has no index on {field}"),
            Self::NoDestination(Missing::Project) => f.write_str("the project is not there"),
            Self::NoDestination(Missing::LogStore) => f.write_str("the Logstore is not there"),
            Self::Incomplete => f.write_str("Log Service had not counted all records"),
            Self::Shared(with) => {
                let with: Vec<_> = with.iter().map(FlowLogId::as_str).collect();
                write!(f, "the records may be those of {}", with.join(", "))
            }
            Self::UnknownFlowLog => f.write_str("its resource, project or Logstore is not known"),
            Self::UnknownStatus => f.write_str("its status is not known"),
            Self::AheadOfTime => f.write_str("its last record ends in the future"),
            Self::UnknownInterfaces => {
                f.write_str("nothing has arrived, and the network interfaces there could not be read")
            }
            Self::Unread(what) => f.write_str(what),
        }
    }
}
