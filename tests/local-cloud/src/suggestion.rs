//! Suggestions for names that do not exist.

/// Returns ` (did you mean …?)` with the known name that is most like this one; empty if none is like it.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let closest = known.into_iter().filter(|one| is_like(name, one)).min_by_key(|one| distance(name, one));
    closest.map(|closest| format!(" (did you mean {closest}?)")).unwrap_or_default()
}

/// Returns whether a name is probably a typo of a known one: at most a third of its letters differ, ignoring case.
pub(crate) fn is_like(name: &str, known: &str) -> bool {
    distance(name, known) * 3 <= name.chars().count()
}

fn distance(one: &str, other: &str) -> usize {
    strsim::osa_distance(&one.to_lowercase(), &other.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_recognized_and_an_unrelated_name_is_not() {
        let known = ["throttled", "throttled-for", "hang", "CreateFlowLog"];
        for (name, expected) in [
            ("throtled", " (did you mean throttled?)"),
            ("Throttled", " (did you mean throttled?)"),
            ("throttled-fro", " (did you mean throttled-for?)"),
            ("CreateFlowlog", " (did you mean CreateFlowLog?)"),
            ("hagn", " (did you mean hang?)"),
            ("gremlins", ""),
            ("", ""),
        ] {
            assert_eq!(did_you_mean(name, known), expected, "{name}");
        }
        assert_eq!(did_you_mean("hang", []), "");
    }
}
