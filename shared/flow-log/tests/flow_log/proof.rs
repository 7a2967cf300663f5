//! Proof that what a flow log records arrives.

use flow_log::{
    FlowLog, ResourceType, Status,
    proof::{CountedResource, Expected, Proof, Seen, Tally, Unproven, longest_silence},
};
use jiff::{SignedDuration, Timestamp};

use crate::support::own;

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

/// A flow log of an interval of ten minutes, a day old.
fn flow_log(id: &str, on: &str) -> FlowLog {
    FlowLog { creation_time: Some(now() - SignedDuration::from_hours(24)), ..own(id, on) }
}

fn tally(records: u64, skipped: u64, empty: u64, minutes_ago: i64) -> Tally {
    let last = Some(now() - SignedDuration::from_mins(minutes_ago));
    Tally { records, skipped, empty, last, bytes: None }
}

fn seen(tally: Tally) -> Seen {
    Seen { own: tally, ..Seen::default() }
}

const WITH_INTERFACES: Expected = Expected { on_since: None, has_interfaces: Some(true) };

fn judge(flow_log: &FlowLog, expected: Expected, seen: &Seen) -> Proof {
    Proof::judge(flow_log, expected, Ok(seen), now())
}

#[test]
fn records_within_two_intervals_and_ten_minutes_are_proof() {
    let flow_log = flow_log("fl-1", "vpc-1");
    assert_eq!(longest_silence(&flow_log), SignedDuration::from_mins(30));
    let minute = FlowLog { aggregation_interval: Some(1), ..flow_log.clone() };
    assert_eq!(longest_silence(&minute), SignedDuration::from_mins(12));
    for odd in [None, Some(0), Some(10_000)] {
        let of_odd = longest_silence(&FlowLog { aggregation_interval: odd, ..flow_log.clone() });
        assert!(of_odd <= SignedDuration::from_mins(30), "{odd:?}");
    }
    let recent = judge(&flow_log, WITH_INTERFACES, &seen(tally(12, 0, 2, 30)));
    assert_eq!(recent, Proof::Delivering { records: 10, last: now() - SignedDuration::from_mins(30) });
    let old = judge(&flow_log, WITH_INTERFACES, &seen(tally(12, 0, 2, 31)));
    assert_eq!(old, Proof::Silent { last: Some(now() - SignedDuration::from_mins(31)) });
    assert!(!recent.is_alarm() && old.is_alarm());
}

#[test]
fn no_traffic_is_no_failure_and_lost_records_are() {
    let flow_log = flow_log("fl-1", "vpc-1");
    let nothing_flowed = judge(&flow_log, WITH_INTERFACES, &seen(tally(6, 0, 6, 5)));
    assert_eq!((nothing_flowed.name(), nothing_flowed.is_alarm()), ("no-traffic", false));
    for lost in [tally(12, 1, 0, 5), tally(1, 1, 0, 5), tally(6, 1, 5, 5)] {
        let lossy = judge(&flow_log, WITH_INTERFACES, &seen(lost));
        assert_eq!((&lossy, lossy.is_alarm()), (&Proof::RecordsLost { skipped: 1 }, true));
    }
}

#[test]
fn lost_records_are_lost_whatever_else_is_true() {
    let flow_log = flow_log("fl-1", "vpc-1");
    let lost = |minutes_ago| seen(tally(6, 2, 0, minutes_ago));
    let empty = Expected { has_interfaces: Some(false), ..Expected::default() };
    for (expected, minutes_ago) in [(empty, 300), (Expected::default(), 300), (WITH_INTERFACES, -6)] {
        let proof = judge(&flow_log, expected, &lost(minutes_ago));
        assert_eq!(proof, Proof::RecordsLost { skipped: 2 }, "{expected:?}, {minutes_ago}");
    }
    let just_on = Expected { on_since: Some(now() - SignedDuration::from_mins(5)), ..WITH_INTERFACES };
    let successor = judge(&flow_log, just_on, &lost(300));
    assert_eq!(successor, Proof::TooEarly, "they were lost before it was on");
    assert_eq!(judge(&flow_log, just_on, &lost(4)), Proof::RecordsLost { skipped: 2 });
    let silent = judge(&flow_log, WITH_INTERFACES, &lost(300));
    assert_eq!(silent.name(), "silent", "nothing arrives any more");
    let off = FlowLog { status: Status::Inactive, ..flow_log };
    assert_eq!(judge(&off, empty, &lost(300)), Proof::Off);
}

#[test]
fn silence_is_an_alarm_only_where_something_could_be_recorded_for_long_enough() {
    let flow_log = flow_log("fl-1", "vpc-1");
    let nothing = Seen::default();
    let of = |changed: &FlowLog, expected: Expected| judge(changed, expected, &nothing);
    assert_eq!(of(&flow_log, WITH_INTERFACES), Proof::Silent { last: None });
    let empty = Expected { has_interfaces: Some(false), ..Expected::default() };
    assert_eq!(of(&flow_log, empty), Proof::NothingToRecord);
    assert_eq!(of(&flow_log, Expected::default()), Proof::Unknown(Unproven::UnknownInterfaces));
    let young = FlowLog { creation_time: Some(now() - SignedDuration::from_mins(30)), ..flow_log.clone() };
    assert_eq!(of(&young, WITH_INTERFACES), Proof::TooEarly);
    let unknown_age = FlowLog { creation_time: None, ..flow_log.clone() };
    assert_eq!(of(&unknown_age, WITH_INTERFACES), Proof::TooEarly);
    let just_on = Expected { on_since: Some(now() - SignedDuration::from_mins(5)), ..WITH_INTERFACES };
    assert_eq!(of(&flow_log, just_on), Proof::TooEarly, "a schedule has just switched it on");
}

#[test]
fn what_is_off_has_nothing_to_deliver_and_what_is_unknown_is_never_fine() {
    let flow_log = flow_log("fl-1", "vpc-1");
    for status in [Status::Inactive, Status::Deactivating, Status::Activating, Status::Modifying, Status::Deleting] {
        let other = FlowLog { status, ..flow_log.clone() };
        assert_eq!(judge(&other, WITH_INTERFACES, &seen(tally(12, 0, 0, 5))), Proof::Off);
    }
    let odd = FlowLog { status: Status::Unknown("Running".to_owned()), ..flow_log.clone() };
    assert!(judge(&odd, WITH_INTERFACES, &seen(tally(12, 0, 0, 5))).is_unknown());
    for why in [Unproven::Incomplete, Unproven::NoIndex { field: None }, Unproven::NoPermission { action: "GetLogsV2" }]
    {
        let proof = Proof::judge(&flow_log, WITH_INTERFACES, Err(&why), now());
        assert_eq!((&proof, proof.is_alarm()), (&Proof::Unknown(why), false));
    }
    let ahead = Proof::judge(&flow_log, WITH_INTERFACES, Ok(&seen(tally(12, 0, 0, -6))), now());
    assert_eq!(ahead, Proof::Unknown(Unproven::AheadOfTime), "a record that ends in the future proves nothing");
}

fn counted(vpc: &str, vswitch: &str, tally: Tally) -> CountedResource {
    let ids = vec![(ResourceType::Vpc, vpc.to_owned()), (ResourceType::VSwitch, vswitch.to_owned())];
    CountedResource { ids, tally }
}

#[test]
fn records_that_two_flow_logs_may_have_written_prove_neither() {
    let (of_vpc, of_vswitch) = (flow_log("fl-1", "vpc-1"), flow_log("fl-2", "vsw-1"));
    let writers = [&of_vpc, &of_vswitch];
    let counts = [counted("vpc-1", "vsw-1", tally(4, 0, 0, 5)), counted("vpc-1", "vsw-2", tally(3, 0, 0, 5))];
    let vpc = Seen::of(&of_vpc, &writers, &counts);
    assert_eq!((vpc.own.records, vpc.shared.records), (3, 4));
    assert_eq!(judge(&of_vpc, WITH_INTERFACES, &vpc).name(), "delivering");
    let vswitch = Seen::of(&of_vswitch, &writers, &counts);
    assert_eq!((vswitch.own.records, vswitch.shared.records), (0, 4));
    let shared = Unproven::Shared(vec![of_vpc.id.clone()]);
    assert_eq!(judge(&of_vswitch, WITH_INTERFACES, &vswitch), Proof::Unknown(shared));

    let paused = FlowLog { status: Status::Inactive, ..of_vpc };
    let alone = Seen::of(&of_vswitch, &[&paused, &of_vswitch], &counts);
    assert_eq!(judge(&of_vswitch, WITH_INTERFACES, &alone).name(), "delivering");
}

#[test]
fn records_that_are_lost_are_missing_from_both() {
    let (of_vpc, of_vswitch) = (flow_log("fl-1", "vpc-1"), flow_log("fl-2", "vsw-1"));
    let writers = [&of_vpc, &of_vswitch];
    let counts = [counted("vpc-1", "vsw-1", tally(4, 1, 0, 5))];
    for of in writers {
        assert_eq!(judge(of, WITH_INTERFACES, &Seen::of(of, &writers, &counts)), Proof::RecordsLost { skipped: 1 });
    }
}

#[test]
fn records_of_other_resources_count_for_nothing() {
    let of_vpc = flow_log("fl-1", "vpc-1");
    let counts = [counted("vpc-2", "vsw-2", tally(4, 0, 0, 5)), counted("vsw-2", "vpc-1", tally(4, 0, 0, 5))];
    assert_eq!(Seen::of(&of_vpc, &[&of_vpc], &counts), Seen::default());
}

#[test]
fn bytes_add_up_only_if_those_of_all_records_are_known() {
    let of = |records, bytes| Tally { records, bytes, ..Tally::default() };
    for (one, other, expected) in [
        (of(0, None), of(2, Some(840)), Some(840)),
        (of(2, Some(840)), of(0, None), Some(840)),
        (of(2, Some(840)), of(3, Some(160)), Some(1000)),
        (of(2, Some(840)), of(3, None), None),
        (of(2, None), of(3, Some(160)), None),
        (of(1, Some(u64::MAX)), of(1, Some(1)), Some(u64::MAX)),
    ] {
        let mut sum = one;
        sum.add(other);
        assert_eq!(sum.bytes, expected, "{one:?} {other:?}");
    }
}
