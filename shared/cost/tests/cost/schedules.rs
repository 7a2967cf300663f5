//! What a schedule saves, by the traffic of the hours in which flow logs are off.

use cost::{
    Amount, Bytes, Currency, HOURS, Hour, LogStoreUsage, Metering, PriceTable, Profile, Saved, Saving, hours_on, saved,
};
use flow_log::Policy;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use crate::regions::log_store;

/// A Monday at 00:00 in Shanghai.
fn monday() -> Timestamp {
    "2026-11-16T00:00+08:00".parse().unwrap()
}

fn shanghai() -> TimeZone {
    flow_log::time_zone("Asia/Shanghai").unwrap()
}

/// What is written in each hour of two weeks: 3 GB from 07:00 to 21:00, and 1 GB in other hours.
fn two_weeks(scale: u64) -> Vec<(Timestamp, Bytes)> {
    let hour = |nth: i64| {
        let is_day = (7..21).contains(&(nth % 24));
        (monday() + nth.hours(), Bytes::gigabytes(if is_day { 3 * scale } else { scale }))
    };
    (0..2 * HOURS as i64).map(hour).collect()
}

fn span() -> (Timestamp, Timestamp) {
    (monday(), monday() + (2 * HOURS as i64).hours())
}

/// On from Monday to Friday, 07:00 to 21:00.
fn on() -> [bool; HOURS] {
    let text = "flow_log: {project: flowlog, log_store: vpc}\nschedule: office\n\
                schedules: {office: {time_zone: Asia/Shanghai, on: [Mon-Fri 07:00-21:00]}}";
    let policy = Policy::parse(text).unwrap();
    let (_, schedule) = policy.schedules.iter().next().unwrap();
    hours_on(schedule, "2026-11-19".parse().unwrap())
}

fn by_ingest() -> LogStoreUsage {
    log_store(Metering::ByIngest, 30)
}

/// What a schedule saves beside others that write 6 GB.
fn priced(saving: Saving) -> Saved {
    saved(&[(saving, &by_ingest())], Bytes::gigabytes(6), &usd())[0]
}

fn usd() -> PriceTable {
    PriceTable::of(Currency::Usd)
}

#[test]
fn a_schedule_is_on_in_the_hours_of_its_week() {
    let on = on();
    assert_eq!(on.iter().filter(|is_on| **is_on).count(), 70);
    assert_eq!([6, 7, 20, 21].map(|hour| on[hour]), [false, true, true, false]);
    assert!(on[5 * 24..].iter().all(|is_on| !is_on), "on Saturday and Sunday it is off");
}

#[test]
fn nights_save_less_than_their_number_says() {
    let profile = Profile::measured(&shanghai(), span(), &two_weeks(1), |_, _| true);
    assert_eq!(profile.hours()[..8].iter().filter(|hour| **hour == Hour::Measured(Bytes::gigabytes(1))).count(), 7);
    let saving = profile.saving(&on(), 28);
    // Off: 5 nights of 10 hours at 1 GB, and 2 days of 14 hours at 3 GB and 10 hours at 1 GB: 154 GB a week.
    assert_eq!((saving.off_hours, saving.measured_hours, saving.unknown_hours), (98, 98, 0));
    assert_eq!(saving.bytes, Bytes::gigabytes(154 * 4));
    assert_eq!(priced(saving).by_traffic.to_string(), "265.50", "616 × (0.37 + 0.061)");
    assert_eq!(priced(saving).by_clock.to_string(), "506.86", "98 hours × 3 GB × 4 weeks × (0.37 + 0.061)");
}

#[test]
fn hours_that_were_never_recorded_are_unknown_or_assumed_from_others_in_proportion() {
    let on = on();
    let hour_of = |begin: Timestamp| (begin.duration_since(monday()).as_hours() as usize) % HOURS;
    let own = Profile::measured(&shanghai(), span(), &two_weeks(2), |begin, _| on[hour_of(begin)]);
    assert_eq!(own.hours().iter().filter(|hour| **hour == Hour::Unknown).count(), 98);
    let alone = own.filled(&[]).saving(&on, 28);
    assert_eq!((alone.unknown_hours, alone.bytes, alone.is_known()), (98, Bytes(0), false));
    assert_eq!(Saving::unknown(&on), Saving { bytes_by_clock: Bytes(0), ..alone });
    // The other one has half of the traffic, and was on all the time.
    let other = Profile::measured(&shanghai(), span(), &two_weeks(1), |_, _| true);
    let filled = own.filled(&[other.clone(), other]);
    assert_eq!(filled.hours()[0], Hour::Assumed(Bytes::gigabytes(2)));
    let saving = filled.saving(&on, 28);
    assert_eq!((saving.measured_hours, saving.assumed_hours), (0, 98));
    assert_eq!(saving.bytes, Bytes::gigabytes(2 * 154 * 4));
    let nothing_in_common = Profile::measured(&shanghai(), span(), &[], |begin, _| !on[hour_of(begin)]);
    assert_eq!(own.filled(&[nothing_in_common]).hours()[0], Hour::Unknown);
}

#[test]
fn an_hour_without_records_counts_only_if_it_was_on() {
    let quiet = Profile::measured(&shanghai(), span(), &[], |_, _| true);
    assert!(quiet.hours().iter().all(|hour| *hour == Hour::Measured(Bytes(0))));
    let off = Profile::measured(&shanghai(), span(), &two_weeks(1), |_, _| false);
    assert!(off.hours().iter().all(|hour| *hour == Hour::Unknown));
    let part = (monday() + 30.minutes(), monday() + 150.minutes());
    let begun = Profile::measured(&shanghai(), part, &two_weeks(1), |_, _| true);
    assert_eq!(begun.hours().iter().filter(|hour| **hour != Hour::Unknown).count(), 1, "01:00 is the only whole hour");
}

#[test]
fn an_hour_goes_on_if_there_are_records_in_it_and_in_the_next_one() {
    let written: Vec<_> = [0, 1, 2, 5].map(|nth: i64| (monday() + nth.hours(), Bytes::gigabytes(1))).into();
    let profile = Profile::measured(&shanghai(), span(), &written, |_, goes_on| goes_on);
    let known = |hour: &Hour| *hour != Hour::Unknown;
    assert_eq!(
        profile.hours().iter().filter(|hour| known(hour)).count(),
        2,
        "after 02:00 and 05:00 it may have been off"
    );
    assert!(profile.hours()[..2].iter().all(known));
}

#[test]
fn what_schedules_save_together_is_split_among_them() {
    let saving =
        |gigabytes| Saving { bytes: Bytes::gigabytes(gigabytes), off_hours: 1, measured_hours: 1, ..Saving::default() };
    // 3 GB are recorded, and 5 are free: each schedule by itself would save nothing of what VPC charges.
    let store = by_ingest();
    let both = [(saving(2), &store), (saving(6), &store)];
    let alone = both.map(|one| saved(&[one], Bytes::gigabytes(3), &usd())[0].by_traffic);
    assert_eq!(alone.map(|amount| amount.to_string()), ["0.12", "1.85"]);
    let together = saved(&both, Bytes::gigabytes(3), &usd());
    let parts: Vec<_> = together.iter().map(|one| one.by_traffic.to_string()).collect();
    assert_eq!(parts, ["0.68", "2.03"], "6 GB × 0.37, a quarter and three quarters, and 0.061 for each GB");
    let sum: Amount = together.iter().map(|one| one.by_traffic).sum();
    assert_eq!(sum.to_string(), "2.71");
}
