//! The known regions, and the likely meaning of a misspelled one.

/// The regions that were known at build time, one id per line; lines with `#` are comments.
const REGIONS: &str = include_str!("regions.txt");

/// The ids of the regions that were known at build time. New regions open, so a region that is missing here may exist.
pub(crate) fn known() -> impl Iterator<Item = &'static str> {
    REGIONS.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Returns the known region that `text`, which is not one, most likely means.
///
/// The two differ in case, or in one letter or hyphen that is missing, added, wrong or swapped with its neighbor; or
/// `text` is the city without `cn-`. Digits are not corrected: `ap-southeast-9` may open tomorrow.
pub(crate) fn meant_by(text: &str) -> Option<&'static str> {
    let text = text.trim().to_lowercase();
    known()
        .find(|region| *region == text)
        .or_else(|| known().find(|region| is_one_slip(&text, region)))
        .or_else(|| known().find(|region| region.strip_prefix("cn-") == Some(&text)))
}

/// Whether `given` differs from `meant` in one letter, or in two swapped neighbors.
fn is_one_slip(given: &str, meant: &str) -> bool {
    let (given, meant) = (given.as_bytes(), meant.as_bytes());
    let begin = given.iter().zip(meant).take_while(|(a, b)| a == b).count();
    let (given, meant) = (&given[begin..], &meant[begin..]);
    let end = given.iter().rev().zip(meant.iter().rev()).take_while(|(a, b)| a == b).count();
    match (&given[..given.len() - end], &meant[..meant.len() - end]) {
        ([added], []) => !added.is_ascii_digit(),
        ([], [missing]) => !missing.is_ascii_digit(),
        ([wrong], [_]) => !wrong.is_ascii_digit(),
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::RegionId;

    #[test]
    fn the_known_regions_are_region_ids_and_each_is_listed_once() {
        let regions: Vec<_> = known().collect();
        assert!(regions.len() > 60, "{regions:?}");
        assert_eq!(regions.iter().collect::<BTreeSet<_>>().len(), regions.len());
        for region in regions {
            assert!(RegionId::exact(region).is_ok_and(|id| id.is_known()), "{region}");
        }
    }

    #[test]
    fn a_region_with_one_letter_wrong_missing_added_or_swapped_is_known_for_the_one_that_was_meant() {
        for (given, meant) in [
            ("cn-shanghia", "cn-shanghai"),
            ("cn-shangai", "cn-shanghai"),
            ("cn-shhanghai", "cn-shanghai"),
            ("cm-shanghai", "cn-shanghai"),
            ("nc-shanghai", "cn-shanghai"),
            ("cnshanghai", "cn-shanghai"),
            ("cn--shanghai", "cn-shanghai"),
            ("CN-Shanghai", "cn-shanghai"),
            ("ap-southest-1", "ap-southeast-1"),
            ("ap-southeast1", "ap-southeast-1"),
            ("us-west-l", "us-west-1"),
            ("shanghai", "cn-shanghai"),
            ("Shanghai", "cn-shanghai"),
        ] {
            assert_eq!(meant_by(given), Some(meant), "{given}");
        }
    }

    #[test]
    fn what_differs_in_a_digit_or_in_more_than_a_letter_is_another_region() {
        for given in [
            "ap-southeast-9",
            "cn-hangzhou2",
            "us-west-2",
            "eu-north-1",
            "sa-west-1",
            "cn-hangzhou-h",
            "west-1",
            "mars",
        ] {
            assert_eq!(meant_by(given), None, "{given}");
        }
    }
}
