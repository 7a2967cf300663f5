//! The time zones that a policy may name, from 2020 on. `build.rs` writes the data.

use jiff::tz::TimeZone;

/// A line for each zone: its name, and where its data begin and end.
const ZONES: &str = include_str!(concat!(env!("OUT_DIR"), "/zones.txt"));
/// The data of all zones, in the format `TZif` (RFC 9636).
const DATA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/zones.bin"));

/// Returns the time zone with this IANA name, in capital or small letters; `None` if there is none. For times before 2020
/// it is the clock of 2020.
#[must_use]
pub fn time_zone(name: &str) -> Option<TimeZone> {
    let (name, place) =
        ZONES.lines().filter_map(|line| line.split_once(' ')).find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    let (begin, end) = place.split_once(' ')?;
    TimeZone::tzif(name, DATA.get(begin.parse().ok()?..end.parse().ok()?)?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_time_zone_shows_the_time_of_the_whole_database_from_2020_to_2100() {
        let (begin, end) = (at("2020-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z"));
        let mut changes = 0;
        for name in jiff::tz::db().available() {
            let (ours, whole) = (time_zone(name.as_str()).unwrap(), TimeZone::get(name.as_str()).unwrap());
            assert_eq!(ours.to_offset_info(begin), whole.to_offset_info(begin), "{name}");
            let until = |zone: &TimeZone| -> Vec<_> {
                let following = zone.following(begin).take_while(|change| change.timestamp() < end);
                following
                    .map(|change| (change.timestamp(), change.offset(), change.abbreviation().to_owned(), change.dst()))
                    .collect()
            };
            assert_eq!(until(&ours), until(&whole), "{name}");
            assert_eq!(ours.iana_name(), whole.iana_name());
            changes += until(&ours).len();
        }
        assert!(changes > 20_000, "{changes}");
    }

    #[test]
    fn the_names_are_those_of_the_whole_database() {
        let whole: Vec<_> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let ours: Vec<_> = ZONES.lines().map(|line| line.split_once(' ').unwrap().0).collect();
        assert_eq!(ours, whole);
        assert!(ours.len() > 500, "{}", ours.len());
        assert_eq!(time_zone("asia/shanghai").unwrap().iana_name(), Some("Asia/Shanghai"));
        for none in ["", "Mars/Olympus", "Asia", "Asia/Shanghai 0"] {
            assert_eq!(time_zone(none), None, "{none}");
        }
    }
}
