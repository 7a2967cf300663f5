//! The parameters of a call: query and form combined, accessed by name, list and tag.

use std::collections::BTreeMap;

use crate::api::{operations::ECR, refusal::Refusal};

/// The tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// The maximum number of tags in one call.
const MAX_TAGS: usize = 20;
/// The maximum length of a tag's key or value, in characters.
const MAX_TAG_CHARS: usize = 128;

/// Parameters that every call has besides its own. They are never part of an event or of the journal.
const COMMON: [&str; 11] = [
    "AccessKeyId",
    "Action",
    "Format",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

/// What each operation of Express Connect Router reads from the form. It reads everything else from the query.
const IN_FORM: [(&str, &[&str]); 8] = [
    ("CreateFlowLog", &["ClientToken", "DryRun", "EcrId", "FlowLogName", "ResourceGroupId"]),
    ("DeleteFlowlog", &["ClientToken", "DryRun", "EcrId"]),
    ("ActivateFlowLog", &["ClientToken", "DryRun", "EcrId", "FlowLogId"]),
    ("DeactivateFlowLog", &["ClientToken", "DryRun", "EcrId", "FlowLogId"]),
    ("ModifyFlowLogAttribute", &["ClientToken", "DryRun", "EcrId", "FlowLogName"]),
    ("DescribeFlowLogs", &["ClientToken", "DryRun", "EcrId"]),
    (
        "DescribeExpressConnectRouter",
        &["ClientToken", "DryRun", "EcrId", "MaxResults", "Name", "NextToken", "ResourceGroupId", "Tag"],
    ),
    (
        "DescribeExpressConnectRouterChildInstance",
        &[
            "AssociationId",
            "ChildInstanceId",
            "ChildInstanceRegionId",
            "ChildInstanceType",
            "ClientToken",
            "DryRun",
            "EcrId",
            "MaxResults",
            "NextToken",
        ],
    ),
];

/// The parameters of one call, sorted by name as the signature needs them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(pub(crate) BTreeMap<String, String>);

impl Parameters {
    /// Adds the parameters of a query string or a form.
    pub(crate) fn add_form(&mut self, form: &str) {
        for pair in form.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.0.insert(decode(name), decode(value));
        }
    }

    /// Returns a parameter that is given and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns a parameter as owned text, empty if it is not given.
    pub(crate) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    pub(crate) fn require(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>, Refusal> {
        self.get(name).map(|text| text.parse().map_err(|_| Refusal::invalid(name))).transpose()
    }

    /// Returns whether a switch is on. The Python SDK writes `True`.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Overwrites a field if the parameter is given and not empty.
    pub(crate) fn set(&self, field: &mut String, name: &str) {
        if let Some(value) = self.get(name) {
            value.clone_into(field);
        }
    }

    /// Returns the values of `Name.1`, `Name.2` and so on.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        (1..).map_while(|n| self.get(&format!("{name}.{n}"))).collect()
    }

    /// Returns whether tag values may begin with `aliyun`. Express Connect Router allows it, except in its tag
    /// operations.
    fn takes_aliyun(&self) -> bool {
        self.get("Version") == Some(ECR.version) && !self.text("Action").ends_with("TagResources")
    }

    /// Overwrites a field if the parameter is given, even if it is empty.
    pub(crate) fn set_or_clear(&self, field: &mut String, name: &str) {
        if let Some(value) = self.0.get(name) {
            value.clone_into(field);
        }
    }

    /// Returns the tags of `Name.1.Key`, `Name.1.Value` and so on, within the documented limits.
    pub(crate) fn tags(&self, name: &str) -> Result<Tags, Refusal> {
        let mut tags = Tags::new();
        let reserved: &[&str] = if self.takes_aliyun() { &["acs:"] } else { &["aliyun", "acs:"] };
        let given = |n: usize, part: &str| self.0.get(&format!("{name}.{n}.{part}"));
        for (key, value) in (1..).map_while(|n| given(n, "Key").map(|key| (key, given(n, "Value")))) {
            let value = value.map(String::as_str).unwrap_or_default();
            if key.is_empty() || !is_tag_text(key, &["aliyun", "acs:"]) {
                return Err(Refusal::new("InvalidTagKey", "The tag keys are not valid."));
            }
            if !is_tag_text(value, reserved) {
                return Err(Refusal::new("InvalidTagValue", "The tag values are not valid."));
            }
            if tags.insert(key.clone(), value.to_owned()).is_some() {
                return Err(Refusal::new("Duplicate.TagKey", "The specified tag key is duplicated."));
            }
        }
        if tags.len() > MAX_TAGS {
            return Err(Refusal::new("NumberExceed.Tags", "The maximum number of tags is exceeded."));
        }
        Ok(tags)
    }

    /// Refuses a call with parameters in the query that its operation reads from the form, or the reverse: the API does
    /// not find them there. With HMAC-SHA1, which signs both as one, it does. For ACS3-HMAC-SHA256 that is unproven.
    pub(crate) fn check_places(&self, query: &str) -> Result<(), Refusal> {
        let (version, action) = (self.text("Version"), self.text("Action"));
        let known = IN_FORM.iter().find(|(known, _)| version == ECR.version && *known == action);
        let Some((_, in_form)) = known else { return Ok(()) };
        let mut in_query = Self::default();
        in_query.add_form(query);
        let misplaced = self.own().into_keys().find(|name| {
            let is_for_form = in_form.contains(&name.split('.').next().unwrap_or_default());
            is_for_form == in_query.0.contains_key(name)
        });
        match misplaced {
            None => Ok(()),
            Some(name) => Err(Refusal::missing(&name).saying(format!(
                "The input parameter \"{name}\" is not supplied where {action} reads it: in the {}.",
                if in_query.0.contains_key(&name) { "form" } else { "query" }
            ))),
        }
    }

    /// Returns the parameters without the common ones, and so without secrets.
    pub(crate) fn own(&self) -> BTreeMap<String, String> {
        self.0
            .iter()
            .filter(|(name, _)| !COMMON.contains(&name.as_str()))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }
}

fn is_tag_text(text: &str, reserved: &[&str]) -> bool {
    text.chars().count() <= MAX_TAG_CHARS
        && !reserved.iter().any(|prefix| text.starts_with(prefix))
        && !["http://", "https://"].iter().any(|part| text.contains(part))
}

/// Decodes percent-encoding and `+`. Bytes that are not UTF-8 become U+FFFD, so the signature does not match.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |digit: u8| char::from(digit).to_digit(16);
        let pair = match tail {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        rest = match pair {
            Some((high, low)) => {
                bytes.push((high * 16 + low) as u8);
                &tail[2..]
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                tail
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(form: &str) -> Parameters {
        let mut parameters = Parameters::default();
        parameters.add_form(form);
        parameters
    }

    #[test]
    fn text_is_decoded_once() {
        let given = parameters("a=%E6%88%91+%2B%7E&b=%2525&c=100%&d");
        assert_eq!(given.0["a"], "我 +~");
        assert_eq!(given.0["b"], "%25");
        assert_eq!(given.0["c"], "100%");
        assert_eq!(given.0["d"], "");
    }

    #[test]
    fn tags_have_the_documented_limits() {
        assert_eq!(parameters("Tag.1.Key=a&Tag.1.Value=&Tag.2.Key=b").tags("Tag").unwrap().len(), 2);
        for (form, code) in [
            ("Tag.1.Key=", "InvalidTagKey"),
            ("Tag.1.Key=aliyun-x", "InvalidTagKey"),
            ("Tag.1.Key=a&Tag.1.Value=http://x", "InvalidTagValue"),
            ("Tag.1.Key=a&Tag.2.Key=a", "Duplicate.TagKey"),
        ] {
            assert_eq!(parameters(form).tags("Tag").unwrap_err().code, code, "{form}");
        }
        for (form, code) in [
            ("Version=2023-09-01&Action=CreateFlowLog&Tag.1.Key=a&Tag.1.Value=aliyun-x", None),
            ("Version=2023-09-01&Action=CreateFlowLog&Tag.1.Key=a&Tag.1.Value=acs:x", Some("InvalidTagValue")),
            ("Version=2023-09-01&Action=CreateFlowLog&Tag.1.Key=aliyun&Tag.1.Value=x", Some("InvalidTagKey")),
            ("Version=2023-09-01&Action=TagResources&Tag.1.Key=a&Tag.1.Value=aliyun-x", Some("InvalidTagValue")),
            ("Version=2016-04-28&Action=CreateFlowLog&Tag.1.Key=a&Tag.1.Value=aliyun-x", Some("InvalidTagValue")),
        ] {
            assert_eq!(parameters(form).tags("Tag").err().map(|refusal| refusal.code), code, "{form}");
        }
        let many: Vec<String> = (1..=21).map(|n| format!("Tag.{n}.Key=k{n}")).collect();
        assert_eq!(parameters(&many.join("&")).tags("Tag").unwrap_err().code, "NumberExceed.Tags");
    }

    #[test]
    fn common_parameters_are_not_a_calls_own() {
        let own = parameters("AccessKeyId=test&SecurityToken=secret&RegionId=cn-hangzhou").own();
        assert_eq!(own.keys().collect::<Vec<_>>(), ["RegionId"]);
    }
}
