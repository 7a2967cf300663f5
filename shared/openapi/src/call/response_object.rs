//! Reads the API's responses leniently: lists wrapped or flat, numbers or strings, fields missing or new.

use std::borrow::Cow;

use flow_log::ObservedTags;
use json::Json;

/// An object in a response, with its path, which errors about missing fields name.
#[derive(Debug, Clone)]
pub(crate) struct ResponseObject<'a> {
    value: &'a Json<'a>,
    place: String,
}

impl<'a> ResponseObject<'a> {
    /// Wraps a whole response.
    pub(crate) fn whole(value: &'a Json<'a>) -> Self {
        Self { value, place: String::new() }
    }

    /// Returns a text that must be present.
    pub(crate) fn required(&self, key: &'static str) -> Result<String, String> {
        self.text(key).ok_or_else(|| format!("it has no {}{key}", self.place))
    }

    /// Returns a text that must be present and parse as `T`.
    pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, key: &'static str) -> Result<T, String> {
        let text = self.value.text(key).ok_or_else(|| format!("it has no {}{key}", self.place))?;
        text.parse().map_err(|error| format!("{}{key}: {error}", self.place))
    }

    /// Returns a text, or `None` if it is missing, null or empty. Numbers and booleans are converted to text.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.value.text(key).map(Cow::into_owned)
    }

    /// Returns a text, even an empty one, or `None` if it is missing, null or not a text.
    pub(crate) fn given(&self, key: &str) -> Option<String> {
        match self.value.get(key)? {
            Json::Text(text) => Some(text.to_string()),
            _ => self.text(key),
        }
    }

    /// Returns a text, or `None` if it is missing, null or empty. An array or an object is an error.
    pub(crate) fn optional_text(&self, key: &'static str) -> Result<Option<String>, String> {
        match self.value.get(key) {
            Some(Json::Array(_) | Json::Object(_)) => Err(format!("its {}{key} is no text", self.place)),
            _ => Ok(self.text(key)),
        }
    }

    /// Returns an object that must be present.
    pub(crate) fn object(&self, key: &'static str) -> Result<ResponseObject<'a>, String> {
        let value = self.value.get(key).filter(|value| matches!(value, Json::Object(_)));
        let value = value.ok_or_else(|| format!("it has no {}{key}", self.place))?;
        Ok(ResponseObject { value, place: format!("{}{key}.", self.place) })
    }

    /// Returns the names of the members of an object that must be present.
    pub(crate) fn member_names(&self, key: &'static str) -> Result<impl Iterator<Item = &'a str>, String> {
        match self.value.get(key) {
            Some(Json::Object(members)) => Ok(members.iter().map(|(name, _)| &**name)),
            _ => Err(format!("it has no {}{key}", self.place)),
        }
    }

    /// Returns a value as JSON, to be sent back as it came; `None` if it is missing or null.
    pub(crate) fn as_json(&self, key: &str) -> Option<String> {
        self.value
            .get(key)
            .filter(|value| !matches!(value, Json::Null))
            .and_then(|value| serde_json::to_string(value).ok())
    }

    /// Returns a boolean, which may also be written as a text or a number.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        let text = self.value.text(key)?;
        let is = |words: [&str; 2]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        if is(["true", "1"]) { Some(true) } else { is(["false", "0"]).then_some(false) }
    }

    /// Returns a timestamp, or `None` if it is missing or cannot be read.
    pub(crate) fn time(&self, key: &str) -> Option<jiff::Timestamp> {
        self.value.text(key)?.parse().ok()
    }

    /// Returns a number, which may also be written as a text.
    pub(crate) fn number(&self, key: &str) -> Option<u32> {
        match self.value.get(key)? {
            Json::Number(number) => number.as_u64()?.try_into().ok(),
            _ => self.value.text(key)?.parse().ok(),
        }
    }

    /// Returns the `TotalCount` of a list, or `None` if it is missing, null or empty. Anything but a number is an error:
    /// the list may have more items than it shows.
    pub(crate) fn total_count(&self) -> Result<Option<u32>, String> {
        let total = self.optional_text("TotalCount")?;
        total.map(|total| total.parse().map_err(|error| format!("{}TotalCount: {error}", self.place))).transpose()
    }

    /// Returns the items of a list that must be present but may be empty: `{"FlowLogs": {"FlowLog": [..]}}` as the API
    /// returns it, or `{"FlowLogs": [..]}` as some documentation pages show it.
    ///
    /// Anything else is an error, because it does not prove that there are no items. If `TotalCount` is 0, an empty
    /// wrapper is an empty list, and so is null for the products that write it this way.
    pub(crate) fn items(
        &self,
        outer: &'static str,
        inner: &str,
        may_be_null: bool,
    ) -> Result<impl Iterator<Item = ResponseObject<'a>> + use<'a>, String> {
        let is_none = self.number("TotalCount") == Some(0);
        let values = match self.value.get(outer) {
            None => return Err(format!("it has no {}{outer}", self.place)),
            Some(Json::Array(values)) => values.as_slice(),
            Some(Json::Object(wrapper)) if wrapper.is_empty() && is_none => &[],
            Some(Json::Null) if may_be_null && is_none => &[],
            Some(Json::Object(_)) => match self.list_at(outer, inner) {
                Some(Json::Array(values)) => values.as_slice(),
                _ => return Err(format!("its {}{outer} is no list", self.place)),
            },
            Some(_) => return Err(format!("its {}{outer} is no list", self.place)),
        };
        let place = format!("{}{outer}", self.place);
        Ok(values.iter().enumerate().map(move |(at, value)| ResponseObject { value, place: format!("{place}[{at}].") }))
    }

    /// Returns the object's path in the response.
    pub(crate) fn place(&self) -> &str {
        self.place.trim_end_matches('.')
    }

    /// Returns a text that is equal for equal objects only.
    pub(crate) fn fingerprint(&self) -> String {
        serde_json::to_string(self.value).unwrap_or_default()
    }

    /// Returns the members of a list, wrapped or flat. Empty if there is no list.
    pub(crate) fn list(&self, outer: &str, inner: &str) -> impl Iterator<Item = ResponseObject<'a>> + use<'a> {
        let place = format!("{}{outer}", self.place);
        let values = self.list_at(outer, inner).map(Json::values).unwrap_or_default();
        values.iter().enumerate().map(move |(at, value)| ResponseObject { value, place: format!("{place}[{at}].") })
    }

    /// Returns the texts of a list, wrapped or flat.
    pub(crate) fn texts(&self, outer: &str, inner: &str) -> Vec<String> {
        self.list_at(outer, inner).into_iter().flat_map(Json::texts).map(str::to_owned).collect()
    }

    /// The same, but `None` if there is no such list or it contains anything but texts.
    pub(crate) fn given_texts(&self, outer: &str, inner: &str) -> Option<Vec<String>> {
        let values = match self.value.get(outer)? {
            Json::Object(wrapper) if wrapper.is_empty() => &[],
            _ => match self.list_at(outer, inner)? {
                Json::Array(values) => values.as_slice(),
                _ => return None,
            },
        };
        let texts = values.iter().map(|value| if let Json::Text(text) = value { Some(text.to_string()) } else { None });
        texts.filter(|text| text.as_deref() != Some("")).collect()
    }

    /// Returns the tags: a list of keys and values, under either pair of names. A response without tags means that
    /// there are none. `None` means that there are tags but they cannot be read, or that one key has two values.
    pub(crate) fn tags(&self) -> Option<ObservedTags> {
        let values = match self.value.get("Tags") {
            None | Some(Json::Null) => return Some(ObservedTags::new()),
            Some(Json::Object(wrapper)) if wrapper.is_empty() => return Some(ObservedTags::new()),
            Some(_) => match self.list_at("Tags", "Tag")? {
                Json::Array(values) => values,
                Json::Null => return Some(ObservedTags::new()),
                _ => return None,
            },
        };
        // Exact capacity: the tags of many resources are kept.
        let mut tags = ObservedTags::with_capacity(values.len());
        for tag in values {
            let one = |name: &str, other: &str| match tag.get(name).or_else(|| tag.get(other)) {
                None | Some(Json::Null) => Some(String::new()),
                Some(Json::Text(text)) => Some(text.to_string()),
                Some(Json::Number(number)) => Some(number.to_string()),
                Some(Json::Bool(value)) => Some(value.to_string()),
                Some(Json::Array(_) | Json::Object(_)) => None,
            };
            let key = one("Key", "TagKey").filter(|key| !key.is_empty())?;
            let value = one("Value", "TagValue")?;
            if tags.get(&key).is_some_and(|other| *other != value) {
                return None;
            }
            tags.insert(key, value);
        }
        Some(tags)
    }

    /// Returns the value that should be the list, wrapped or flat.
    fn list_at(&self, outer: &str, inner: &str) -> Option<&'a Json<'a>> {
        match self.value.get(outer)? {
            // One SDK writes the inner name with a lower-case initial.
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

    fn read(response: &Value) -> Json<'_> {
        Json::deserialize(response).unwrap()
    }

    #[test]
    fn a_list_is_read_wrapped_and_flat() {
        for response in [json!({"Vpcs": {"Vpc": [{"VpcId": "vpc-1"}]}}), json!({"Vpcs": [{"VpcId": "vpc-1"}]})] {
            let response = read(&response);
            let ids: Vec<_> =
                ResponseObject::whole(&response).list("Vpcs", "Vpc").map(|vpc| vpc.text("VpcId")).collect();
            assert_eq!(ids, [Some("vpc-1".to_owned())]);
        }
    }

    fn count(response: &Value, may_be_null: bool) -> Result<usize, String> {
        ResponseObject::whole(&read(response)).items("Vpcs", "Vpc", may_be_null).map(Iterator::count)
    }

    #[test]
    fn what_is_no_list_is_not_an_empty_list() {
        let one = json!({"VpcId": "vpc-1"});
        for response in [
            json!({}),
            json!({"TotalCount": 0}),
            json!({"Vpcs": null, "TotalCount": 0}),
            json!({"Vpcs": "none", "TotalCount": 0}),
            json!({"Vpcs": {}}),
            json!({"Vpcs": {}, "TotalCount": 1}),
            json!({"Vpcs": one}),
            json!({"Vpcs": {"Vpc": one}}),
            json!({"Vpcs": {"Vpc": null}}),
            json!({"Vpcs": {"Other": []}, "TotalCount": 0}),
        ] {
            let said = count(&response, false).unwrap_err();
            assert!(["it has no Vpcs", "its Vpcs is no list"].contains(&said.as_str()), "{response}: {said}");
        }
        assert_eq!(count(&json!({"Vpcs": {}, "TotalCount": "0"}), false), Ok(0));
        assert_eq!(count(&json!({"Vpcs": {"Vpc": []}}), false), Ok(0));
        assert_eq!(count(&json!({"Vpcs": []}), false), Ok(0));
    }

    #[test]
    fn null_is_an_empty_list_for_the_products_that_write_it_so_and_say_that_there_are_none() {
        assert_eq!(count(&json!({"Vpcs": null, "TotalCount": 0}), true), Ok(0));
        for response in [json!({"Vpcs": null}), json!({"Vpcs": null, "TotalCount": 1}), json!({"TotalCount": 0})] {
            assert!(count(&response, true).is_err(), "{response}");
        }
    }

    #[test]
    fn a_field_that_is_not_there_is_absent_and_one_that_is_empty_is_not() {
        let response = json!({"Empty": "", "Null": null, "List": [], "Number": 5, "Text": "x",
            "Paths": {"Path": ["a", "b"]}, "None": {}, "Odd": {"Path": "a"}, "Mixed": ["a", {}]});
        let response = read(&response);
        let response = ResponseObject::whole(&response);
        let given = ["Empty", "Number", "Text", "Null", "List", "Missing"].map(|key| response.given(key));
        let expected = [Some(""), Some("5"), Some("x"), None, None, None];
        assert_eq!(given, expected.map(|text| text.map(str::to_owned)));
        let texts = |key| response.given_texts(key, "Path");
        assert_eq!(texts("Paths"), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!((texts("List"), texts("None")), (Some(vec![]), Some(vec![])));
        assert_eq!(["Odd", "Mixed", "Null", "Missing", "Text"].map(texts), [const { None }; 5]);
    }

    #[test]
    fn a_number_is_read_as_number_and_as_text() {
        for response in [json!({"TotalCount": 51}), json!({"TotalCount": "51"})] {
            assert_eq!(ResponseObject::whole(&read(&response)).number("TotalCount"), Some(51));
        }
    }

    #[test]
    fn what_is_missing_is_named_with_its_place() {
        let response = json!({"FlowLogs": {"FlowLog": [{}]}});
        let response = read(&response);
        let flow_log = ResponseObject::whole(&response).list("FlowLogs", "FlowLog").next().unwrap();
        assert_eq!(flow_log.required("FlowLogId").unwrap_err(), "it has no FlowLogs[0].FlowLogId");
    }

    #[test]
    fn two_tags_of_one_key_are_unknown_unless_they_say_the_same() {
        for (value, count) in [("2", None), ("1", Some(2))] {
            let a = |text: &str| json!({"Key": "a", "Value": text});
            let response = json!({"Tags": {"Tag": [a("1"), {"Key": "b"}, a(value)]}});
            assert_eq!(ResponseObject::whole(&read(&response)).tags().map(|tags| tags.len()), count, "{value}");
        }
    }

    #[test]
    fn tags_are_read_under_either_pair_of_names() {
        let response =
            json!({"Tags": {"Tag": [{"Key": "a", "Value": "1"}, {"TagKey": "b", "TagValue": ""}, {"Key": "c"}]}});
        let tags = ResponseObject::whole(&read(&response)).tags().unwrap();
        assert_eq!(
            tags.into_iter().collect::<Vec<_>>(),
            [("a", "1"), ("b", ""), ("c", "")].map(|(k, v)| (k.into(), v.into()))
        );
    }

    #[test]
    fn no_tags_are_none_and_tags_that_cannot_be_read_are_unknown() {
        for tags in [json!(null), json!([]), json!({}), json!({"Tag": []}), json!({"Tag": null})] {
            let response = json!({"Tags": tags});
            assert_eq!(ResponseObject::whole(&read(&response)).tags(), Some(ObservedTags::new()), "{response}");
        }
        assert_eq!(ResponseObject::whole(&read(&json!({}))).tags(), Some(ObservedTags::new()));
        let good = json!({"Key": "a", "Value": "1"});
        for tags in [
            json!({"Tag": good}),
            good.clone(),
            json!("a=1"),
            json!(7),
            json!([good, {"Value": "no key"}]),
            json!([good, {"Key": "", "Value": "1"}]),
            json!([good, {"Key": "b", "Value": {"is": "odd"}}]),
            json!([good, null]),
            json!({"Other": [good]}),
        ] {
            let response = json!({"Tags": tags});
            assert_eq!(ResponseObject::whole(&read(&response)).tags(), None, "{response}");
        }
    }
}
