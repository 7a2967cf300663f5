//! Names and options of flow logs, within the limits that the VPC API documents.
//!
//! These limits apply to what is sent. Responses are read as they come: the cloud's own examples break the limits.

mod choices;

use std::{collections::BTreeMap, ops::RangeInclusive};

pub use choices::{
    AggregationInterval, EcrInterval, InvalidChoice, IpVersion, SamplingRate, TagWord, TrafficPath, TrafficType,
};

use crate::text::checked_text;

/// The error for a text that is not a valid name or value; says which limit it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not {what}: {limit}")]
pub struct InvalidName {
    given: String,
    what: &'static str,
    limit: &'static str,
}

/// Defines a name: a [`checked_text!`] whose error says which limit the text breaks.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $limit:literal, $length:expr, $is_good:expr) => {
        checked_text!(
            $(#[$doc])*
            $name,
            InvalidName,
            |text| {
                let is_good: fn(&str) -> bool = $is_good;
                has_length(text, &Self::LENGTH) && is_good(text)
            },
            |text| InvalidName { given: text.chars().take(300).collect(), what: $what, limit: $limit }
        );

        impl $name {
            /// How many characters it may have.
            pub(crate) const LENGTH: RangeInclusive<usize> = $length;
        }
    };
}

name!(
    /// The name of a flow log.
    FlowLogName,
    "a flow log name",
    "1 to 128 characters, not starting with http:// or https://",
    1..=128,
    |text| !is_link(text)
);

name!(
    /// The description of a flow log.
    Description,
    "a description",
    "1 to 256 characters, not starting with http:// or https://",
    1..=256,
    |text| !is_link(text)
);

name!(
    /// The name of the SLS project that a flow log writes to.
    ProjectName,
    "an SLS project name",
    "3 to 63 lower-case letters, digits and hyphens, starting and ending with a letter or digit",
    3..=63,
    |text| is_lower_case_word(text, ProjectName::ALSO)
);

name!(
    /// The name of the SLS Logstore that a flow log writes to.
    LogStoreName,
    "a Logstore name",
    "3 to 63 lower-case letters, digits, hyphens and underscores, starting and ending with a letter or digit",
    3..=63,
    |text| is_lower_case_word(text, LogStoreName::ALSO)
);

name!(
    /// The id of a resource group.
    ResourceGroupId,
    "a resource group id",
    "\"rg-\" and letters, digits or hyphens",
    4..=63,
    |text| text
        .strip_prefix("rg-")
        .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
);

name!(
    /// The key of a tag.
    TagKey,
    "a tag key",
    "1 to 128 characters, not starting with aliyun or acs:, without http:// and https://",
    1..=128,
    |text| !text.starts_with("aliyun") && !text.starts_with("acs:") && !holds_link(text)
);

name!(
    /// The value of a tag.
    TagValue,
    "a tag value",
    "at most 128 characters, not starting with aliyun or acs:, without http:// and https://",
    0..=128,
    |text| !text.starts_with("aliyun") && !text.starts_with("acs:") && !holds_link(text)
);

/// Adds the wider limits of Express Connect Routers to a name.
///
/// Source: `CreateFlowLog`, 2023-09-01: name and description may be empty; it states no limits for tag values.
macro_rules! for_ecr {
    ($name:ident, $what:literal, $limit:literal, $length:expr, $is_good:expr) => {
        impl $name {
            /// How many characters it may have for an Express Connect Router.
            pub(crate) const ECR_LENGTH: RangeInclusive<usize> = $length;

            /// Reads a name for a flow log of an Express Connect Router, whose limits are wider.
            ///
            /// # Errors
            /// The text breaks a limit; the error says which.
            pub fn for_ecr(text: &str) -> Result<Self, InvalidName> {
                let is_good: fn(&str) -> bool = $is_good;
                if has_length(text, &Self::ECR_LENGTH) && is_good(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidName { given: text.chars().take(300).collect(), what: $what, limit: $limit })
                }
            }
        }
    };
}

for_ecr!(
    FlowLogName,
    "a flow log name",
    "at most 128 characters, not starting with http:// or https://",
    0..=128,
    |text| !is_link(text)
);

for_ecr!(
    Description,
    "a description",
    "at most 256 characters, not starting with http:// or https://",
    0..=256,
    |text| !is_link(text)
);

for_ecr!(
    TagValue,
    "a tag value",
    "at most 128 characters, not starting with acs:, without http:// and https://",
    0..=128,
    |text| !text.starts_with("acs:") && !holds_link(text)
);

impl ProjectName {
    /// What it may contain besides lower-case letters and digits.
    pub(crate) const ALSO: &str = "-";
}

impl LogStoreName {
    /// What it may contain besides lower-case letters and digits.
    pub(crate) const ALSO: &str = "_-";
}

fn has_length(text: &str, length: &RangeInclusive<usize>) -> bool {
    length.contains(&text.chars().count())
}

fn is_link(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

fn holds_link(text: &str) -> bool {
    text.contains("http://") || text.contains("https://")
}

fn is_lower_case_word(text: &str, also: &str) -> bool {
    let is_edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.bytes().all(|b| is_edge(b) || also.as_bytes().contains(&b))
        && text.bytes().next().is_some_and(is_edge)
        && text.bytes().next_back().is_some_and(is_edge)
}

/// How many tags a flow log can have.
pub(crate) const MAX_TAGS: usize = 20;

/// Tags, with keys and values that the API accepts.
pub type Tags = BTreeMap<TagKey, TagValue>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_name_is_refused_with_the_limit_that_it_breaks() {
        let error = "FlowLogProject".parse::<ProjectName>().unwrap_err().to_string();
        assert_eq!(
            error,
            "\"FlowLogProject\" is not an SLS project name: 3 to 63 lower-case letters, digits and hyphens, starting \
             and ending with a letter or digit"
        );
    }

    #[test]
    fn names_are_held_to_the_limits_of_the_documents() {
        let of = |length: usize| "a".repeat(length);
        assert!(of(128).parse::<FlowLogName>().is_ok() && of(129).parse::<FlowLogName>().is_err());
        assert!("云".repeat(128).parse::<FlowLogName>().is_ok(), "characters, not bytes");
        assert!("".parse::<FlowLogName>().is_err() && "http://a".parse::<FlowLogName>().is_err());
        assert!(of(256).parse::<Description>().is_ok() && of(257).parse::<Description>().is_err());
        assert!(of(63).parse::<ProjectName>().is_ok() && of(64).parse::<ProjectName>().is_err());
        assert!("ab".parse::<ProjectName>().is_err() && "a_b".parse::<ProjectName>().is_err());
        assert!("-ab".parse::<ProjectName>().is_err() && "ab-".parse::<ProjectName>().is_err());
        assert!("a_b".parse::<LogStoreName>().is_ok() && "_ab".parse::<LogStoreName>().is_err());
        assert!("acs:x".parse::<TagKey>().is_err() && "aliyun1".parse::<TagKey>().is_err());
        assert!("".parse::<TagKey>().is_err() && "".parse::<TagValue>().is_ok());
    }

    #[test]
    fn a_router_takes_an_empty_name_and_description_and_values_that_begin_with_aliyun() {
        assert!(FlowLogName::for_ecr("").is_ok() && Description::for_ecr("").is_ok());
        assert!("aliyun-1".parse::<TagValue>().is_err() && TagValue::for_ecr("aliyun-1").is_ok());
        assert!(TagValue::for_ecr("acs:x").is_err() && TagValue::for_ecr("see http://x").is_err());
        assert!(FlowLogName::for_ecr("http://x").is_err() && FlowLogName::for_ecr(&"a".repeat(129)).is_err());
        assert!(Description::for_ecr("https://x").is_err() && Description::for_ecr(&"a".repeat(257)).is_err());
    }
}
