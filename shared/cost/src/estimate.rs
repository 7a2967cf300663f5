//! A volume without any data.

use crate::{Basis, Bytes, Volume};

/// The size of a record with all 21 fields, uncompressed: about 150 bytes of names and 190 of values, counted by hand.
pub const RECORD_BYTES: u64 = 340;

/// The minutes of a day.
const DAY_MINUTES: u64 = 24 * 60;

/// Traffic that is assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// How many network interfaces there are.
    pub interfaces: u64,
    /// How many connections each has in an interval.
    pub connections: u64,
    /// The aggregation interval, in minutes.
    pub interval_minutes: u64,
    /// How many days.
    pub days: u64,
    /// The size of a record.
    pub record_bytes: u64,
}

impl Traffic {
    /// Returns how many records are written. An interface without traffic writes one in each interval.
    #[must_use]
    pub fn records(&self) -> u64 {
        let intervals = DAY_MINUTES / self.interval_minutes.max(1) * self.days;
        self.interfaces.saturating_mul(self.connections.max(1)).saturating_mul(intervals)
    }

    /// Returns how many bytes they have.
    #[must_use]
    pub fn volume(&self) -> Volume {
        let bytes = Bytes(self.records().saturating_mul(self.record_bytes));
        Volume::Estimated { bytes, basis: Basis::AssumedTraffic }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_interfaces_write_a_record_in_each_interval() {
        let idle = Traffic { interfaces: 3, connections: 0, interval_minutes: 10, days: 1, record_bytes: RECORD_BYTES };
        assert_eq!(idle.records(), 3 * 144);
        assert_eq!(Traffic { interval_minutes: 1, ..idle }.records(), 3 * 1440);
        let none = Traffic { interfaces: 0, ..idle };
        assert_eq!(none.volume().bytes(), Some(Bytes(0)));
    }
}
