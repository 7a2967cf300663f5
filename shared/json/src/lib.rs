//! Any JSON as a tree that borrows its strings from the body.
//!
//! Only a few fields of an event or a response are read. With [`serde_json::Value`], which owns its strings and sorts
//! its keys, a job took an eighth more instructions.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

/// Any JSON. A string is copied only if it contains escapes.
#[derive(Debug, Clone)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Self>),
    /// An object, with its keys in the order of the body.
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Json<'a> {
    /// Reads a body. UTF-8 is validated once for the whole body, not again for each string.
    ///
    /// A character that JSON does not allow inside a string does not invalidate the rest: half of a surrogate pair and
    /// bytes that are not UTF-8 are read as U+FFFD, and a control character as itself.
    ///
    /// # Errors
    /// The body is not JSON, even with such characters replaced.
    pub fn read(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        let read = match str::from_utf8(body) {
            Ok(text) => serde_json::from_str(text),
            // The error says where.
            Err(_) => serde_json::from_slice(body),
        };
        // If replacing such characters does not help, the first error says most.
        read.or_else(|error| match mend(body) {
            Some(mended) => serde_json::from_str::<Json<'_>>(&mended).map(Json::into_owned).map_err(|_| error),
            None => Err(error),
        })
    }
}

/// Replaces the characters that JSON does not allow inside a string; `None` if there are none.
fn mend(body: &[u8]) -> Option<String> {
    let body = String::from_utf8_lossy(body);
    let mut mended = String::with_capacity(body.len());
    let mut is_in_text = false;
    let mut rest = &*body;
    while let Some(character) = rest.chars().next() {
        let (taken, put) = match character {
            '"' => {
                is_in_text = !is_in_text;
                (1, None)
            }
            '\\' if is_in_text => match escaped(rest) {
                Escape::Unit(unit @ 0xd800..=0xdbff) => match escaped(&rest[6..]) {
                    Escape::Unit(0xdc00..=0xdfff) => (12, None),
                    _ => (6, Some(unit)),
                },
                Escape::Unit(unit @ 0xdc00..=0xdfff) => (6, Some(unit)),
                Escape::Unit(_) => (6, None),
                Escape::Other(length) => (length, None),
            },
            '\0'..='\x1f' if is_in_text => (1, Some(character as u16)),
            _ => (character.len_utf8(), None),
        };
        match put {
            Some(0xd800..=0xdfff) => mended.push(char::REPLACEMENT_CHARACTER),
            Some(control) => mended.push_str(&format!("\\u{control:04x}")),
            None => mended.push_str(&rest[..taken]),
        }
        rest = &rest[taken..];
    }
    (mended.as_bytes() != body.as_bytes() || matches!(body, Cow::Owned(_))).then_some(mended)
}

/// What follows a backslash.
enum Escape {
    /// `\uXXXX`, a UTF-16 code unit.
    Unit(u16),
    /// Anything else, with its length.
    Other(usize),
}

fn escaped(text: &str) -> Escape {
    let unit = text.strip_prefix("\\u").and_then(|rest| rest.get(..4));
    let unit = unit.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    match unit.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
        Some(unit) => Escape::Unit(unit),
        None => Escape::Other(text.chars().take(2).map(char::len_utf8).sum()),
    }
}

impl Json<'_> {
    /// Copies all borrowed strings.
    fn into_owned<'o>(self) -> Json<'o> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Number(number) => Json::Number(number),
            Self::Text(text) => Json::Text(own(text)),
            Self::Array(values) => Json::Array(values.into_iter().map(Json::into_owned).collect()),
            Self::Object(fields) => {
                Json::Object(fields.into_iter().map(|(key, value)| (own(key), value.into_owned())).collect())
            }
        }
    }

    /// The value under `key`, the last if there are several; `None` if this is not an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The string under `key`; `None` if it is missing, null or empty. A number or a boolean counts as the text that it
    /// is written as.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        match self.get(key)? {
            Self::Text(text) => Some(Cow::Borrowed(&**text)).filter(|text| !text.is_empty()),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            _ => None,
        }
    }

    /// The values of an array; empty if this is not an array.
    #[must_use]
    pub fn values(&self) -> &[Self] {
        if let Self::Array(values) = self { values } else { &[] }
    }

    /// The non-empty strings in an array; none if this is not an array.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let texts = self.values().iter().filter_map(|value| match value {
            Self::Text(text) => Some(&**text),
            _ => None,
        });
        texts.filter(|text| !text.is_empty())
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Tree(&mut Unfinished::new()).deserialize(deserializer)
    }
}

/// What was read of the arrays and objects that have not ended yet, the outermost first.
///
/// Each is moved out at its end, into memory of its exact size. If they grew by themselves, they would be moved several
/// times, and have room to spare: nested arrays of one element are what a body can hold most of, and the tree would be
/// seventy times as large as the body.
struct Unfinished<'a> {
    values: Vec<Json<'a>>,
    fields: Vec<(Cow<'a, str>, Json<'a>)>,
}

impl Unfinished<'_> {
    fn new() -> Self {
        // As many fields as an event or a response has in its unfinished objects.
        Self { values: Vec::new(), fields: Vec::with_capacity(48) }
    }
}

struct Tree<'u, 'a>(&'u mut Unfinished<'a>);

impl<'de> DeserializeSeed<'de> for Tree<'_, 'de> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_, 'de> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json<'de>, A::Error> {
        let Self(unfinished) = self;
        let start = unfinished.values.len();
        while let Some(value) = values.next_element_seed(Tree(unfinished))? {
            unfinished.values.push(value);
        }
        Ok(Json::Array(unfinished.values.split_off(start)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json<'de>, A::Error> {
        let Self(unfinished) = self;
        let start = unfinished.fields.len();
        while let Some(key) = entries.next_key_seed(Key)? {
            let value = entries.next_value_seed(Tree(unfinished))?;
            unfinished.fields.push((key, value));
        }
        Ok(Json::Object(unfinished.fields.split_off(start)))
    }
}

/// A key, which is not copied either unless it contains escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(values) => serializer.collect_seq(values),
            Self::Object(fields) => serializer.collect_map(fields.iter().map(|(key, value)| (key, value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_without_escapes_stays_where_it_is() {
        let Json::Object(fields) = serde_json::from_str(r#"{"a":"plain","b\n":"\u4e91"}"#).unwrap() else { panic!() };
        let [(a, Json::Text(plain)), (b, Json::Text(escaped))] = fields.as_slice() else { panic!() };
        assert!(matches!((a, plain), (Cow::Borrowed("a"), Cow::Borrowed("plain"))));
        assert_eq!((&**b, &**escaped), ("b\n", "云"));
    }

    #[test]
    fn of_a_key_that_comes_twice_the_last_counts() {
        let json: Json<'_> = serde_json::from_str(r#"{"a":1,"a":2}"#).unwrap();
        assert!(matches!(json.get("a"), Some(Json::Number(number)) if number.as_u64() == Some(2)));
    }

    #[test]
    fn no_array_and_no_object_has_room_to_spare() {
        for (text, room) in
            [("{}", 0), ("[]", 0), ("[[]]", 1), ("[1,[2],{},[],3]", 5), (r#"{"a":1,"b":[2],"c":{"d":3,"e":4}}"#, 3)]
        {
            let found = match Json::read(text.as_bytes()).unwrap() {
                Json::Object(fields) => fields.capacity(),
                Json::Array(values) => values.capacity(),
                other => panic!("{other:?}"),
            };
            assert_eq!(found, room, "{text}");
        }
    }

    fn text_of<'j>(json: &'j Json<'_>, key: &str) -> Cow<'j, str> {
        json.text(key).unwrap()
    }

    #[test]
    fn a_character_that_json_does_not_allow_inside_a_text_does_not_spoil_the_rest() {
        for (odd, read) in [
            (r"half \ud83d", "half \u{fffd}"),
            (r"half \uDE00 \n", "half \u{fffd} \n"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ud83dA", "\u{fffd}A"),
            (r"\ud83d\\ude00", "\u{fffd}\\ude00"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\\ud83d", r"\ud83d"),
            ("tab\tand\nmore\u{0}", "tab\tand\nmore\0"),
            (r#"\"云\ud83d"#, "\"云\u{fffd}"),
        ] {
            let body = format!(r#"{{"a":"{odd}","b": ["\ud83d\ude00"], "c":"plain" }}"#);
            let json = Json::read(body.as_bytes()).unwrap_or_else(|error| panic!("{odd:?}: {error}"));
            assert_eq!((&*text_of(&json, "a"), &*text_of(&json, "c")), (read, "plain"), "{odd:?}");
            assert_eq!(json.get("b").unwrap().texts().collect::<Vec<_>>(), ["😀"]);
        }
        let body = b"{\"a\":\"\xff\xfe\",\"c\":\"plain\"}";
        let json = Json::read(body).unwrap();
        assert_eq!((&*text_of(&json, "a"), &*text_of(&json, "c")), ("\u{fffd}\u{fffd}", "plain"));
    }

    #[test]
    fn what_is_no_json_is_an_error_that_says_where() {
        for (body, said) in [
            ("{", "line 1 column 1"),
            (r#"{"a": \ud83d}"#, "line 1 column 7"),
            ("{\"a\":\"\n\", b}", "line 2 column 0"),
            ("{\"a\u{1}", "line 1 column 4"),
            (r#"{"a":"\u12"}"#, "column"),
            (r#"{"a":"\x"}"#, "column"),
            ("\u{1}{}", "column"),
        ] {
            let error = Json::read(body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(said), "{body:?}: {error}");
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".*".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(".*", inner, 0..6).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_as_serde_json_reads_it_or_is_mended_or_refused(
            body in prop_oneof![
                "[\\[\\]{}:,\"\\\\u dD8cCe0-9a\u{0}-\u{1f}云]{0,40}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..40),
            ],
        ) {
            let read = Json::read(&body);
            if let Ok(value) = serde_json::from_slice::<serde_json::Value>(&body) {
                let again: serde_json::Value = serde_json::to_value(read.unwrap()).unwrap();
                prop_assert_eq!(again, value);
            } else if let Ok(read) = read {
                let mended = mend(&body).unwrap();
                prop_assert_eq!(
                    serde_json::from_str::<serde_json::Value>(&mended).unwrap(),
                    serde_json::to_value(read).unwrap()
                );
            }
        }

        #[test]
        fn any_text_with_odd_characters_in_it_is_read(
            parts in prop::collection::vec(
                prop_oneof![Just("\\ud800"), Just("\\udfff"), Just("\u{1}"), Just("\n"), Just("a"), Just("\\\\"), Just("\\\"")],
                0..12,
            ),
        ) {
            let body = format!(r#"{{"odd":"{}","plain":"x"}}"#, parts.concat());
            let json = Json::read(body.as_bytes()).unwrap();
            prop_assert_eq!(&*text_of(&json, "plain"), "x");
        }

        #[test]
        fn what_is_read_is_what_a_tree_of_owned_texts_would_hold(value in any_json()) {
            let text = value.to_string();
            let owned: serde_json::Value = serde_json::from_str(&text).unwrap();
            let json: Json<'_> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::to_string(&json).unwrap(), owned.to_string());
        }
    }
}
