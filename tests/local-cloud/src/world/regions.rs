//! Alibaba Cloud's regions: those that exist here by default, and all names, to detect typos.

/// The regions that exist by default, with their names in English.
pub(crate) const DEFAULT: [(&str, &str); 8] = [
    ("cn-hangzhou", "China (Hangzhou)"),
    ("cn-shanghai", "China (Shanghai)"),
    ("cn-beijing", "China (Beijing)"),
    ("cn-shenzhen", "China (Shenzhen)"),
    ("cn-qingdao", "China (Qingdao)"),
    ("cn-hongkong", "China (Hong Kong)"),
    ("ap-southeast-1", "Singapore"),
    ("eu-central-1", "Germany (Frankfurt)"),
];

/// Returns the name of a region in English, or its id if the name is unknown.
pub(crate) fn local_name(id: &str) -> &str {
    DEFAULT.iter().find(|(known, _)| *known == id).map_or(id, |(_, name)| name)
}

/// The public regions, and some for finance and government.
const KNOWN: [&str; 38] = [
    "cn-qingdao",
    "cn-beijing",
    "cn-zhangjiakou",
    "cn-huhehaote",
    "cn-wulanchabu",
    "cn-hangzhou",
    "cn-shanghai",
    "cn-nanjing",
    "cn-fuzhou",
    "cn-shenzhen",
    "cn-heyuan",
    "cn-guangzhou",
    "cn-chengdu",
    "cn-hongkong",
    "cn-wuhan-lr",
    "cn-zhengzhou-jva",
    "cn-beijing-finance-1",
    "cn-hangzhou-finance",
    "cn-shanghai-finance-1",
    "cn-shenzhen-finance-1",
    "cn-north-2-gov-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "eu-central-1",
    "eu-west-1",
    "me-central-1",
    "me-east-1",
    "na-south-1",
    "us-east-1",
    "us-southeast-1",
    "us-west-1",
];

/// The result of checking a region's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegionName {
    /// A known region.
    Known,
    /// Possibly a region; a sentence that says so.
    Unknown(String),
    /// Not a region, or a typo; a sentence that says what would be right.
    Wrong(String),
}

impl RegionName {
    /// Checks a region's name.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if KNOWN.contains(&text) {
            return Self::Known;
        }
        let lower = text.to_lowercase();
        let has_letters_of = |known: &&&str| is_close(&lower, known) && digits(&lower) == digits(known);
        // Common mistakes: a zone is a region and a letter, and a place name is a region without its country.
        let is_zone_of = |known: &&&str| {
            lower.strip_prefix(**known).is_some_and(|rest| {
                rest.trim_start_matches('-').len() == 1 && rest.ends_with(|last: char| last.is_ascii_lowercase())
            })
        };
        let is_place_of = |known: &&&str| known.split_once('-').is_some_and(|(_, place)| is_close(&lower, place));
        let meant = KNOWN.iter().find(|known| **known == lower);
        let meant = meant.or_else(|| KNOWN.iter().find(is_zone_of)).or_else(|| KNOWN.iter().find(has_letters_of));
        let meant = meant.or_else(|| KNOWN.iter().find(is_place_of));
        match meant {
            Some(meant) => Self::Wrong(format!("{text:?} is not a region; did you mean {meant}?")),
            None if is_id(text) => Self::Unknown(format!("{text} is not a region that local-cloud knows")),
            None => Self::Wrong(format!("{text:?} is not a region id such as cn-hangzhou or eu-central-1")),
        }
    }
}

/// Returns whether a text has the format of a region id: two letters, then words of lower-case letters and digits after
/// hyphens.
fn is_id(text: &str) -> bool {
    let mut words = text.split('-');
    let country = words.next().unwrap_or_default();
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let rest: Vec<&str> = words.collect();
    country.len() == 2
        && country.chars().all(|c| c.is_ascii_lowercase())
        && !rest.is_empty()
        && rest.into_iter().all(is_word)
}

/// Returns the digits of a text. Regions that differ in a number are never typos of each other.
fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Returns whether two texts differ by at most one inserted, deleted or replaced letter, or by two swapped ones.
fn is_close(one: &str, other: &str) -> bool {
    strsim::osa_distance(one, other) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_distinguished_from_an_unknown_region() {
        for (text, meant) in [
            ("cn-shanghia", "cn-shanghai"),
            ("cn-hangzho", "cn-hangzhou"),
            ("cn-hangzhouu", "cn-hangzhou"),
            ("cn-hangzhuo", "cn-hangzhou"),
            ("cn-bejing", "cn-beijing"),
            ("CN-Hangzhou", "cn-hangzhou"),
            ("shanghai", "cn-shanghai"),
            ("cnhangzhou", "cn-hangzhou"),
            ("eu-centra-1", "eu-central-1"),
            ("ap-southeast1", "ap-southeast-1"),
            ("cn-hangzhou-h", "cn-hangzhou"),
            ("eu-central-1a", "eu-central-1"),
        ] {
            let expected = RegionName::Wrong(format!("{text:?} is not a region; did you mean {meant}?"));
            assert_eq!(RegionName::of(text), expected);
        }
        for text in ["cn-hangzhou", "ap-southeast-7", "cn-north-2-gov-1"] {
            assert_eq!(RegionName::of(text), RegionName::Known, "{text}");
        }
        for text in ["ap-southeast-4", "sa-east-1", "cn-xian", "cn-hangzhou-acdr-ut-1"] {
            assert!(matches!(RegionName::of(text), RegionName::Unknown(_)), "{text}");
        }
        for text in ["", "moon", "cn", "cn-", "cn_hangzhou_1", "cn-hang zhou-2", "all", "cn-*"] {
            assert!(matches!(RegionName::of(text), RegionName::Wrong(_)), "{text}");
        }
    }
}
