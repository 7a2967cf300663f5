//! Numbers, moments and lists of names as people read them.

use jiff::Timestamp;

/// How many names a sentence lists.
const MAX_NAMES: usize = 10;

/// Lists names, as the end of a sentence.
pub(crate) fn names<'a>(all: impl ExactSizeIterator<Item = &'a str>) -> String {
    let number = all.len();
    let listed: Vec<_> = all.take(MAX_NAMES).collect();
    let more = number.saturating_sub(MAX_NAMES);
    let listed = listed.join(", ");
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}

/// A noun whose plural ends in an s, as it follows this number.
pub(crate) fn plural(number: u64, one: &str) -> String {
    if number == 1 { one.to_owned() } else { format!("{one}s") }
}

/// A number with its noun, as in `1 finding` or `1,234 findings`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    format!("{} {}", count(number), plural(number, one))
}

/// A number with commas between thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A moment to the minute, as in `2026-11-26 03:00 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_not_told_in_the_plural() {
        assert_eq!([0, 1, 2_000].map(|number| counted(number, "page")), ["0 pages", "1 page", "2,000 pages"]);
    }

    #[test]
    fn thousands_are_set_apart() {
        let shown = [0, 999, 1000, 50_000, 1_234_567].map(count);
        assert_eq!(shown, ["0", "999", "1,000", "50,000", "1,234,567"]);
    }
}
