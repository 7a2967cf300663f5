//! How much a flow log has written in a month.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, Sub},
};

use serde::Serialize;

/// The bytes of a GB, as the vendor counts it.
pub(crate) const GB: u64 = 1 << 30;

/// A number of bytes, uncompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Serialize)]
pub struct Bytes(pub u64);

impl Bytes {
    /// Returns this number of GB.
    #[must_use]
    pub const fn gigabytes(gigabytes: u64) -> Self {
        Self(gigabytes.saturating_mul(GB))
    }

    /// Returns `self × times / of`, rounded down.
    #[must_use]
    pub fn scaled(self, times: u64, of: u64) -> Self {
        let scaled = u128::from(self.0) * u128::from(times) / u128::from(of.max(1));
        Self(u64::try_from(scaled).unwrap_or(u64::MAX))
    }
}

impl Add for Bytes {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Bytes {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self(0), Add::add)
    }
}

/// In GB, with one decimal.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (u128::from(self.0) * 10 + u128::from(GB / 2)) / u128::from(GB);
        let text = format!("{}.{}", tenths / 10, tenths % 10);
        f.pad(&text)
    }
}

/// How much a flow log writes in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Volume {
    /// Counted, for the whole month.
    Measured {
        /// What it wrote.
        bytes: Bytes,
    },
    /// Computed from something else.
    Estimated {
        /// What it probably wrote.
        bytes: Bytes,
        /// From what.
        basis: Basis,
    },
    /// Nothing is known. It is not zero.
    Unknown {
        /// Why, in a sentence.
        reason: String,
    },
}

/// What an estimate rests on, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Records and bytes were counted, and extended from a part of the month.
    PartOfTheMonth,
    /// Records were counted together with those of other flow logs over the same traffic, and split evenly.
    SplitEvenly,
    /// Records were counted, and their size was assumed.
    AssumedSize,
    /// The traffic was assumed: it may be off by a factor of ten.
    AssumedTraffic,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PartOfTheMonth => "extended from the part of the month that was counted",
            Self::SplitEvenly => "counted with other flow logs over the same traffic, and split evenly",
            Self::AssumedSize => "records were counted, and their size was assumed",
            Self::AssumedTraffic => "the traffic was assumed, which may be off by a factor of ten",
        })
    }
}

impl Volume {
    /// Returns the bytes, if anything is known.
    #[must_use]
    pub const fn bytes(&self) -> Option<Bytes> {
        match self {
            Self::Measured { bytes } | Self::Estimated { bytes, .. } => Some(*bytes),
            Self::Unknown { .. } => None,
        }
    }

    /// Returns what the volume was estimated from, if it was.
    #[must_use]
    pub const fn basis(&self) -> Option<Basis> {
        match self {
            Self::Estimated { basis, .. } => Some(*basis),
            Self::Measured { .. } | Self::Unknown { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_written_in_gigabytes_with_one_decimal() {
        for (bytes, text) in
            [(0, "0.0"), (GB, "1.0"), (GB * 73 / 10, "7.3"), (GB / 20 + 1, "0.1"), (1 << 50, "1048576.0")]
        {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
        assert_eq!(format!("{:>6}", Bytes::gigabytes(2)), "   2.0");
        assert_eq!(Bytes(u64::MAX).scaled(3, 2), Bytes(u64::MAX));
    }
}
