//! The tag `flowkeeper` on a resource: what its owner says of this one resource.

use jiff::Timestamp;

/// The key of the tag.
pub const KEY: &str = "flowkeeper";

/// What the tag says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// Leave it alone.
    Ignore,
    /// Its flow log is on.
    On,
    /// Its flow log is off.
    Off,
    /// Its flow log is as this schedule says.
    Schedule(String),
}

/// What the tag's value says at `now`: nothing, where it has expired.
///
/// # Errors
/// The value is not known; the sentence says which there are.
pub(crate) fn read(value: &str, now: Timestamp) -> Result<Option<Word>, String> {
    let until = |text: &str, word| match text.parse::<Timestamp>() {
        Ok(end) => Ok((now < end).then_some(word)),
        Err(_) => Err(format!(
            "its tag {KEY} holds {text:?}, which is no time with an offset, as in \"2026-11-30T18:00+08:00\""
        )),
    };
    match value.split_once('=') {
        None if value == "ignore" => Ok(Some(Word::Ignore)),
        None if value == "on" => Ok(Some(Word::On)),
        None if value == "off" => Ok(Some(Word::Off)),
        Some(("on-until", text)) => until(text, Word::On),
        Some(("off-until", text)) => until(text, Word::Off),
        Some(("schedule", name)) => Ok(Some(Word::Schedule(name.to_owned()))),
        _ => Err(format!(
            "its tag {KEY} is {value:?}, which is none of ignore, on, off, on-until=…, off-until=…, schedule=…"
        )),
    }
}

/// When what the tag's value says comes to its end, where it does.
pub(crate) fn expiry(value: &str) -> Option<Timestamp> {
    let (word, end) = value.split_once('=')?;
    end.parse().ok().filter(|_| matches!(word, "on-until" | "off-until"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_word_is_as_if_absent() {
        let before = "2026-11-30T09:59:59Z".parse().unwrap();
        let after = "2026-11-30T10:00:00Z".parse().unwrap();
        assert_eq!(read("on-until=2026-11-30T18:00+08:00", before), Ok(Some(Word::On)));
        assert_eq!(read("on-until=2026-11-30T18:00+08:00", after), Ok(None));
        assert_eq!(read("off-until=2026-11-30T10:00:00Z", before), Ok(Some(Word::Off)));
    }

    #[test]
    fn an_unknown_word_is_answered_with_those_there_are() {
        let now = Timestamp::UNIX_EPOCH;
        for value in ["", "ON", "ingore", "on=1", "on-until=tomorrow", "on-until=2026-11-30T18:00"] {
            assert!(read(value, now).is_err(), "{value}");
        }
    }
}
