//! The time of a line, to the millisecond.

use std::cell::Cell;

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};

thread_local! {
    /// The second that was written last, and its text up to the fraction. Lines come many a second.
    static LAST: Cell<Option<(i64, Vec<u8>)>> = const { Cell::new(None) };
}

/// Appends the time, as in `2026-03-01T12:00:00.000Z`.
pub(super) fn push(out: &mut Vec<u8>, time: Timestamp) {
    const MILLISECONDS: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    // Before 1970 it is negative.
    let Ok(millisecond) = u16::try_from(time.subsec_millisecond()) else {
        // Writing into a Vec cannot fail.
        let _ = MILLISECONDS.print_timestamp(&time, out);
        return;
    };
    let second = time.as_second();
    let text = match LAST.take() {
        Some((last, text)) if last == second => text,
        _ => {
            let mut text = Vec::new();
            let _ = MILLISECONDS.print_timestamp(&time, &mut text);
            text.truncate(text.len() - "000Z".len());
            text
        }
    };
    out.extend_from_slice(&text);
    let digit = |of: u16| b'0' + (of % 10) as u8;
    out.extend_from_slice(&[digit(millisecond / 100), digit(millisecond / 10), digit(millisecond), b'Z']);
    LAST.set(Some((second, text)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_is_written_as_jiff_writes_it(
            start in prop_oneof![0..4_000_000_000_000_i64, -4_000_000_000_000..4_000_000_000_000_i64],
            steps in prop::collection::vec(-1500..1500_i64, 1..20),
        ) {
            let mut at = start;
            for step in steps {
                at += step;
                let time = Timestamp::from_millisecond(at).unwrap();
                let mut written = Vec::new();
                push(&mut written, time);
                prop_assert_eq!(String::from_utf8(written).unwrap(), format!("{time:.3}"));
            }
        }
    }
}
