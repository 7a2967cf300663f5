//! What a schedule saves: by the traffic of the hours in which it keeps flow logs off, and not by their number.
//!
//! Nights carry less traffic than days, so the share of hours off is not the share saved. The traffic of an hour that was
//! never recorded is not known. It is assumed from other flow logs, in proportion, and said to be.

use std::collections::BTreeMap;

use flow_log::schedule::Schedule;
use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use crate::{Amount, Bytes, LogStoreUsage, PriceTable};

/// The hours of a week.
pub const HOURS: usize = 7 * 24;

/// What is known about an hour of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hour {
    /// What was written in it, on average over the weeks in which it was recorded.
    Measured(Bytes),
    /// What would probably have been written, by what others wrote.
    Assumed(Bytes),
    /// It was never recorded.
    Unknown,
}

impl Hour {
    const fn measured(self) -> Option<Bytes> {
        if let Self::Measured(bytes) = self { Some(bytes) } else { None }
    }

    const fn bytes(self) -> Bytes {
        match self {
            Self::Measured(bytes) | Self::Assumed(bytes) => bytes,
            Self::Unknown => Bytes(0),
        }
    }
}

/// What a flow log writes in each hour of the week, from Monday at 00:00 in the schedule's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile([Hour; HOURS]);

impl Profile {
    /// Computes a profile from what was written in each hour from `from` to `to`. `was_on` says whether the flow log
    /// recorded the whole hour that begins then. It is told whether there are records in this hour and in the next one: then
    /// the flow log was on in between, whatever its schedule says today.
    #[must_use]
    pub fn measured(
        time_zone: &TimeZone,
        (from, to): (Timestamp, Timestamp),
        written: &[(Timestamp, Bytes)],
        was_on: impl Fn(Timestamp, bool) -> bool,
    ) -> Self {
        let mut by_hour: BTreeMap<i64, Bytes> = BTreeMap::new();
        for (at, bytes) in written {
            let sum = by_hour.entry(at.as_second()).or_default();
            *sum = *sum + *bytes;
        }
        let mut sums = [(Bytes(0), 0_u64); HOURS];
        let hour = 3600;
        let first = from.as_second().div_euclid(hour) + i64::from(from.as_second().rem_euclid(hour) > 0);
        for begin in first..to.as_second().div_euclid(hour) {
            let Ok(begin) = Timestamp::from_second(begin * hour) else { continue };
            let bytes_from = |second: i64| by_hour.get(&second).copied().unwrap_or_default();
            let bytes = bytes_from(begin.as_second());
            let goes_on = bytes > Bytes(0) && bytes_from(begin.as_second() + hour) > Bytes(0);
            if was_on(begin, goes_on) {
                let (sum, weeks) = &mut sums[hour_of_week(time_zone, begin)];
                *sum = *sum + bytes;
                *weeks += 1;
            }
        }
        Self(sums.map(|(sum, weeks)| if weeks == 0 { Hour::Unknown } else { Hour::Measured(sum.scaled(1, weeks)) }))
    }

    /// Returns the hours.
    #[must_use]
    pub const fn hours(&self) -> &[Hour; HOURS] {
        &self.0
    }

    /// Assumes the hours that were never recorded from the like hours of others: these are scaled so that they agree with
    /// this one in the hours that both have.
    #[must_use]
    pub fn filled(&self, others: &[Self]) -> Self {
        let (mut own, mut theirs) = (Bytes(0), Bytes(0));
        for other in others {
            for (mine, their) in self.0.iter().zip(&other.0) {
                if let (Some(mine), Some(their)) = (mine.measured(), their.measured()) {
                    (own, theirs) = (own + mine, theirs + their);
                }
            }
        }
        let assumed = |at: usize| {
            let like: Vec<Bytes> = others.iter().filter_map(|other| other.0[at].measured()).collect();
            // Without anything in common there is no proportion.
            if like.is_empty() || theirs == Bytes(0) {
                return Hour::Unknown;
            }
            let mean = like.iter().copied().sum::<Bytes>().scaled(1, like.len() as u64);
            // The sums are of as many flow logs as there are others with that hour, so the proportion is of one.
            Hour::Assumed(mean.scaled(own.0, theirs.0))
        };
        let mut filled = self.clone();
        for (at, hour) in filled.0.iter_mut().enumerate() {
            if *hour == Hour::Unknown {
                *hour = assumed(at);
            }
        }
        filled
    }

    /// Computes what a schedule keeps from being written in a month of `days` days. `on` are the hours of the week in which
    /// it keeps the flow log on.
    #[must_use]
    pub fn saving(&self, on: &[bool; HOURS], days: u64) -> Saving {
        let mut saving = Saving::default();
        let (mut in_on_hours, mut on_hours, mut in_off_hours) = (Bytes(0), 0, Bytes(0));
        for (hour, is_on) in self.0.iter().zip(on) {
            if *is_on {
                if let Some(bytes) = hour.measured() {
                    in_on_hours = in_on_hours + bytes;
                    on_hours += 1;
                }
                continue;
            }
            saving.off_hours += 1;
            in_off_hours = in_off_hours + hour.bytes();
            match hour {
                Hour::Measured(_) => saving.measured_hours += 1,
                Hour::Assumed(_) => saving.assumed_hours += 1,
                Hour::Unknown => saving.unknown_hours += 1,
            }
        }
        saving.bytes = in_off_hours.scaled(days, 7);
        saving.bytes_by_clock = in_on_hours.scaled(saving.off_hours.into(), on_hours).scaled(days, 7);
        saving
    }
}

/// What a schedule keeps from being written in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Saving {
    /// How many hours of the week it keeps flow logs off.
    pub off_hours: u32,
    /// In how many of these the traffic was measured.
    pub measured_hours: u32,
    /// In how many it was assumed.
    pub assumed_hours: u32,
    /// In how many it is not known. Their traffic is in no amount.
    pub unknown_hours: u32,
    /// What is not written because of it.
    pub bytes: Bytes,
    /// The same if every hour had the traffic of the mean hour that is on: what a clock would say.
    pub bytes_by_clock: Bytes,
}

impl Saving {
    /// The saving of a schedule that is on in these hours of the week, if nothing is known of the traffic.
    #[must_use]
    pub fn unknown(on: &[bool; HOURS]) -> Self {
        Profile([Hour::Unknown; HOURS]).saving(on, 0)
    }

    /// Returns whether anything is known of what it saves. If it is never off, it saves nothing.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.unknown_hours < self.off_hours || self.off_hours == 0
    }

    /// Returns whether some of its traffic was not measured.
    #[must_use]
    pub const fn is_estimated(&self) -> bool {
        self.measured_hours < self.off_hours
    }
}

/// What a schedule saves in a month, in money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Saved {
    /// What is not charged because of it.
    pub by_traffic: Amount,
    /// What a clock would say.
    pub by_clock: Amount,
}

/// Returns what the schedules of a region save in the month, each with the Logstore that it spares.
///
/// `volume` is what all flow logs of the account write in the region and month, with their schedules. Without any of these,
/// VPC would charge more: that is split by bytes, so the parts add up to what all schedules save together.
#[must_use]
pub fn saved(savings: &[(Saving, &LogStoreUsage)], volume: Bytes, table: &PriceTable) -> Vec<Saved> {
    let priced = |unwritten: fn(&Saving) -> Bytes| {
        let all: Vec<Bytes> = savings.iter().map(|(saving, _)| unwritten(saving)).collect();
        let generation = table.generation(volume + all.iter().copied().sum()) - table.generation(volume);
        let weights: Vec<u64> = all.iter().map(|bytes| bytes.0).collect();
        let parts = generation.split(&weights).into_iter().zip(all);
        let cost = |((part, bytes), (_, log_store)): ((Amount, Bytes), &(Saving, &LogStoreUsage))| {
            part + log_store.cost(bytes, table)
        };
        parts.zip(savings).map(cost).collect::<Vec<Amount>>()
    };
    let by_clock = priced(|saving| saving.bytes_by_clock);
    priced(|saving| saving.bytes)
        .into_iter()
        .zip(by_clock)
        .map(|(by_traffic, by_clock)| Saved { by_traffic, by_clock })
        .collect()
}

/// Returns the hours of a week in which a schedule is on, as at half past each hour. The week is that of `day`.
#[must_use]
pub fn hours_on(schedule: &Schedule, day: Date) -> [bool; HOURS] {
    let monday = day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).unwrap_or(day);
    let mut on = [false; HOURS];
    for (at, is_on) in on.iter_mut().enumerate() {
        let half_past = i64::try_from(at).unwrap_or_default().hours().minutes(30);
        let local = monday.to_datetime(jiff::civil::Time::midnight()).checked_add(half_past);
        let moment = local.and_then(|local| schedule.time_zone.to_timestamp(local));
        *is_on = moment.is_ok_and(|moment| schedule.is_on(moment));
    }
    on
}

fn hour_of_week(time_zone: &TimeZone, begin: Timestamp) -> usize {
    let local = time_zone.to_datetime(begin);
    let days = Weekday::Monday.until(local.weekday());
    usize::try_from(i64::from(days) * 24 + i64::from(local.hour())).unwrap_or_default() % HOURS
}
