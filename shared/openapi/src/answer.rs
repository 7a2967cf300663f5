//! Reads what the API answers, leniently: lists wrapped or flat, numbers or strings, fields missing or new.

use std::borrow::Cow;

use flow_log::SeenTags;
use json::Json;

/// One object of an answer, with the place it stands at, for the error when something is not there.
#[derive(Debug, Clone)]
pub(crate) struct Object<'a> {
    value: &'a Json<'a>,
    place: String,
}

impl<'a> Object<'a> {
    /// The answer as a whole.
    pub(crate) fn whole(value: &'a Json<'a>) -> Self {
        Self { value, place: String::new() }
    }

    /// A text that must be there.
    pub(crate) fn required(&self, key: &'static str) -> Result<String, String> {
        self.text(key).ok_or_else(|| format!("it has no {}{key}", self.place))
    }

    /// A text that must be there and be read as `T`.
    pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, key: &'static str) -> Result<T, String> {
        self.required(key)?.parse().map_err(|error| format!("{}{key}: {error}", self.place))
    }

    /// A text, `None` where it is missing, null or empty. A number or a boolean counts as the text it is written as.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.value.text(key).map(Cow::into_owned)
    }

    /// An object that must be there.
    pub(crate) fn object(&self, key: &'static str) -> Result<Object<'a>, String> {
        let value = self.value.get(key).filter(|value| matches!(value, Json::Object(_)));
        let value = value.ok_or_else(|| format!("it has no {}{key}", self.place))?;
        Ok(Object { value, place: format!("{}{key}.", self.place) })
    }

    /// A yes or no, also where it comes as a text or a number.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        match self.text(key)?.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// A time, `None` where it is missing or none.
    pub(crate) fn time(&self, key: &str) -> Option<jiff::Timestamp> {
        self.text(key)?.parse().ok()
    }

    /// A number, also where it comes as a text.
    pub(crate) fn number(&self, key: &str) -> Option<u32> {
        self.text(key)?.parse().ok()
    }

    /// The members of a list that must be there, though it may be empty: `{"FlowLogs": {"FlowLog": [..]}}` as the API
    /// answers it, or `{"FlowLogs": [..]}` as some of its pages print it.
    ///
    /// An answer without the list says nothing, and above all not that there is none.
    pub(crate) fn required_list(
        &self,
        outer: &'static str,
        inner: &str,
    ) -> Result<impl Iterator<Item = Object<'a>> + use<'a>, String> {
        match self.value.get(outer) {
            Some(Json::Array(_) | Json::Object(_)) => Ok(self.list(outer, inner)),
            _ => Err(format!("it has no {}{outer}", self.place)),
        }
    }

    /// The members of a list, none where there is no list; wrapped or flat.
    pub(crate) fn list(&self, outer: &str, inner: &str) -> impl Iterator<Item = Object<'a>> + use<'a> {
        let place = format!("{}{outer}", self.place);
        let values = self.list_at(outer, inner).map(Json::values).unwrap_or_default();
        values.iter().enumerate().map(move |(at, value)| Object { value, place: format!("{place}[{at}].") })
    }

    /// The texts of a list, wrapped or flat.
    pub(crate) fn texts(&self, outer: &str, inner: &str) -> Vec<String> {
        self.list_at(outer, inner).into_iter().flat_map(Json::texts).map(str::to_owned).collect()
    }

    /// Tags: a list of keys and values, under either pair of names.
    pub(crate) fn tags(&self) -> SeenTags {
        let list = self.list("Tags", "Tag");
        // No larger than it must be: they are kept for each of many.
        let mut tags = SeenTags::with_capacity(list.size_hint().0);
        for tag in list {
            let Some(key) = tag.text("Key").or_else(|| tag.text("TagKey")) else { continue };
            tags.insert(key, tag.text("Value").or_else(|| tag.text("TagValue")).unwrap_or_default());
        }
        tags
    }

    /// What may be the list, wrapped or flat.
    fn list_at(&self, outer: &str, inner: &str) -> Option<&'a Json<'a>> {
        match self.value.get(outer)? {
            // One SDK spells the inner name with a small letter.
            Json::Object(wrapper) => {
                wrapper.iter().find(|(name, _)| name.eq_ignore_ascii_case(inner)).map(|(_, list)| list)
            }
            list => Some(list),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize as _;
    use serde_json::{Value, json};

    fn read(answer: &Value) -> Json<'_> {
        Json::deserialize(answer).unwrap()
    }

    #[test]
    fn a_list_is_read_wrapped_and_flat() {
        for answer in [json!({"Vpcs": {"Vpc": [{"VpcId": "vpc-1"}]}}), json!({"Vpcs": [{"VpcId": "vpc-1"}]})] {
            let answer = read(&answer);
            let ids: Vec<_> = Object::whole(&answer).list("Vpcs", "Vpc").map(|vpc| vpc.text("VpcId")).collect();
            assert_eq!(ids, [Some("vpc-1".to_owned())]);
        }
        let empty = json!({"Vpcs": {}});
        assert_eq!(Object::whole(&read(&empty)).required_list("Vpcs", "Vpc").map(Iterator::count), Ok(0));
    }

    #[test]
    fn an_answer_without_the_list_that_was_asked_for_is_not_an_empty_list() {
        for answer in [json!({}), json!({"Vpcs": null}), json!({"Vpcs": "none"}), json!({"TotalCount": 3})] {
            let list = Object::whole(&read(&answer)).required_list("Vpcs", "Vpc").map(Iterator::count);
            assert_eq!(list, Err("it has no Vpcs".to_owned()), "{answer}");
        }
    }

    #[test]
    fn a_number_is_read_as_number_and_as_text() {
        for answer in [json!({"TotalCount": 51}), json!({"TotalCount": "51"})] {
            assert_eq!(Object::whole(&read(&answer)).number("TotalCount"), Some(51));
        }
    }

    #[test]
    fn what_is_missing_is_named_with_its_place() {
        let answer = json!({"FlowLogs": {"FlowLog": [{}]}});
        let answer = read(&answer);
        let flow_log = Object::whole(&answer).list("FlowLogs", "FlowLog").next().unwrap();
        assert_eq!(flow_log.required("FlowLogId").unwrap_err(), "it has no FlowLogs[0].FlowLogId");
    }

    #[test]
    fn of_a_tag_that_comes_twice_the_last_counts() {
        let answer = json!({"Tags": {"Tag": [{"Key": "a", "Value": "1"}, {"Key": "b"}, {"Key": "a", "Value": "2"}]}});
        let tags = Object::whole(&read(&answer)).tags();
        assert_eq!((tags.len(), tags.get("a").map(String::as_str)), (2, Some("2")));
    }

    #[test]
    fn tags_are_read_under_either_pair_of_names() {
        let answer =
            json!({"Tags": {"Tag": [{"Key": "a", "Value": "1"}, {"TagKey": "b", "TagValue": ""}, {"Key": "c"}]}});
        let tags = Object::whole(&read(&answer)).tags();
        assert_eq!(
            tags.into_iter().collect::<Vec<_>>(),
            [("a", "1"), ("b", ""), ("c", "")].map(|(k, v)| (k.into(), v.into()))
        );
    }
}
