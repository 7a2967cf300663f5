//! Amounts and rates, in millionths of a currency.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Sub},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// How many parts a unit of a currency has here.
const PARTS: u64 = 1_000_000;
/// How many decimals that is.
const DECIMALS: usize = 6;

/// The currency of a price table and of everything that is computed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Of accounts of the site for China.
    Cny,
    /// Of accounts of the international site.
    Usd,
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cny => "CNY",
            Self::Usd => "USD",
        })
    }
}

/// An amount of money, in millionths of the currency of its table. It never overflows: it stays at its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Amount(i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Returns an amount of this number of millionths.
    #[must_use]
    pub const fn from_millionths(millionths: i64) -> Self {
        Self(millionths)
    }

    /// Returns the millionths.
    #[must_use]
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// Returns `rate × times / per`, rounded to the nearest millionth, half of one up.
    pub(crate) fn of(rate: Rate, times: u128, per: u128) -> Self {
        Self::of_all(&[(rate, times)], per)
    }

    /// Returns the sum of `rate × times / per`, rounded once.
    pub(crate) fn of_all(parts: &[(Rate, u128)], per: u128) -> Self {
        let exact = parts
            .iter()
            .fold(0_u128, |sum, (rate, times)| sum.saturating_add(u128::from(rate.0).saturating_mul(*times)));
        let per = per.max(1);
        Self(i64::try_from(exact.saturating_add(per / 2) / per).unwrap_or(i64::MAX))
    }

    /// Splits the amount by weights. The parts add up to it exactly: what rounding down leaves goes to those that lost
    /// most, one millionth each. Without any weight, nothing can be split, and each part is zero.
    #[must_use]
    pub(crate) fn split(self, weights: &[u64]) -> Vec<Self> {
        let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
        let whole = u128::try_from(self.0).unwrap_or_default();
        if total == 0 {
            return vec![Self::ZERO; weights.len()];
        }
        let exact: Vec<u128> = weights.iter().map(|weight| whole * u128::from(*weight)).collect();
        let mut parts: Vec<u128> = exact.iter().map(|part| part / total).collect();
        let left = usize::try_from(whole - parts.iter().sum::<u128>()).unwrap_or_default();
        let mut by_loss: Vec<usize> = (0..weights.len()).collect();
        by_loss.sort_by_key(|at| std::cmp::Reverse(exact[*at] % total));
        for at in by_loss.into_iter().take(left) {
            parts[at] += 1;
        }
        parts.into_iter().map(|part| Self(i64::try_from(part).unwrap_or(i64::MAX))).collect()
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Written with as many decimals as asked for, two by default, rounded half up.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(2).min(DECIMALS);
        let unit = 10_u64.pow(u32::try_from(DECIMALS - decimals).unwrap_or_default());
        let rounded = (self.0.unsigned_abs() + unit / 2) / unit;
        let per = PARTS / unit;
        let (whole, part) = (rounded / per, rounded % per);
        let sign = if self.0 < 0 && rounded > 0 { "-" } else { "" };
        let text = match decimals {
            0 => format!("{sign}{whole}"),
            _ => format!("{sign}{whole}.{part:0decimals$}"),
        };
        // Precision has been used up; what is left is the width.
        match f.width() {
            Some(width) => write!(f, "{text:>width$}"),
            None => f.write_str(&text),
        }
    }
}

/// Amounts are texts in JSON, so that no reader makes floating point numbers of them.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{self:.6}"))
    }
}

/// Returned for a text that is no amount of a bill and no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no amount: write digits and at most six decimals, as in \"0.002875\"")]
pub struct InvalidRate(String);

/// An amount may be below zero, as in a refund. Decimals beyond the sixth are rounded away: bills have them.
impl FromStr for Amount {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidRate(text.chars().take(40).collect());
        let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return Err(invalid());
        }
        let kept = fraction.get(..fraction.len().min(DECIMALS)).unwrap_or_default();
        let millionths: u64 = format!("{kept:0<DECIMALS$}").parse().map_err(|_| invalid())?;
        let up = u64::from(fraction.as_bytes().get(DECIMALS).is_some_and(|digit| *digit >= b'5'));
        let whole: u64 = whole.parse().map_err(|_| invalid())?;
        let all = whole.checked_mul(PARTS).and_then(|all| all.checked_add(millionths + up)).ok_or_else(invalid)?;
        let all = i64::try_from(all).map_err(|_| invalid())?;
        Ok(Self(if is_negative { -all } else { all }))
    }
}

/// A price of one unit of something, in millionths. Never below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Rate(u64);

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let has_more = text.split_once('.').is_some_and(|(_, fraction)| fraction.len() > DECIMALS);
        let amount: Amount = text.parse()?;
        match u64::try_from(amount.0) {
            Ok(millionths) if !has_more => Ok(Self(millionths)),
            _ => Err(InvalidRate(text.chars().take(40).collect())),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.0 / PARTS, self.0 % PARTS);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_is_written_with_two_decimals_half_up() {
        for (millionths, text) in
            [(0, "0.00"), (1_005_000, "1.01"), (4_999, "0.00"), (-1_234_567, "-1.23"), (-1, "0.00")]
        {
            assert_eq!(Amount(millionths).to_string(), text);
        }
        assert_eq!(
            format!("{:.6}|{:8.2}|{:.0}", Amount(2_875), Amount(1_300_000), Amount(1_500_000)),
            "0.002875|    1.30|2"
        );
    }

    #[test]
    fn a_price_has_at_most_six_decimals_and_a_bill_may_have_more() {
        assert_eq!("0.002875".parse(), Ok(Rate(2_875)));
        assert_eq!("3".parse(), Ok(Rate(3_000_000)));
        assert_eq!("0.0000005".parse(), Ok(Amount(1)));
        assert_eq!("-2.5".parse(), Ok(Amount(-2_500_000)));
        for bad in ["", ".", "1.", ".5", "1e3", "0,4", "-0.1", "0.0000001", "99999999999999", "¥1"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
        assert_eq!("0.37".parse::<Rate>().unwrap().to_string(), "0.37");
    }

    proptest! {
        #[test]
        fn the_parts_of_an_amount_add_up_to_it(
            amount in 0_i64..1_000_000_000_000,
            weights in prop::collection::vec(0_u64..1 << 50, 1..20),
        ) {
            let parts = Amount(amount).split(&weights);
            let sum: Amount = parts.iter().copied().sum();
            let expected = if weights.iter().all(|weight| *weight == 0) { 0 } else { amount };
            prop_assert_eq!(sum, Amount(expected));
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!(*weight > 0 || part.0 == 0, "what has no weight has no part");
            }
        }

        #[test]
        fn what_is_written_is_read_again(millionths in any::<i32>()) {
            let amount = Amount(millionths.into());
            prop_assert_eq!(format!("{amount:.6}").parse(), Ok(amount));
        }
    }
}
