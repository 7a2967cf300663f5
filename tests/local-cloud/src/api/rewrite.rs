//! Rewrites of answers: what a call did is answered in an undocumented shape.

use std::{fmt, sync::Arc};

use serde_json::Value;

/// A change to the answer of a successful call. The call takes effect as usual, and its event is correct.
#[derive(Clone)]
pub struct Rewrite(Kind);

#[derive(Clone)]
enum Kind {
    Value(Arc<dyn Fn(&mut Value) + Send + Sync>),
    Text(Arc<dyn Fn(&str) -> String + Send + Sync>),
}

impl Rewrite {
    /// Changes the answer's JSON: for example, removes a field, empties a list or replaces a list by an object.
    pub fn value(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self(Kind::Value(Arc::new(change)))
    }

    /// Changes the answer's text, to write what no JSON value can hold, such as half of a surrogate pair.
    pub fn text(change: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self(Kind::Text(Arc::new(change)))
    }

    /// Replaces the answer by this body, which need not be JSON.
    pub fn body(body: impl Into<String>) -> Self {
        let body = body.into();
        Self::text(move |_| body.clone())
    }
}

impl fmt::Debug for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rewrite")
    }
}

/// The name by which the journal marks a call whose answer was rewritten.
pub(crate) const NAME: &str = "rewritten";

/// An answer after all its rewrites.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rewritten {
    /// JSON, which can still be written as XML.
    Value(Value),
    /// A text that is sent as it is.
    Text(String),
}

/// Applies rewrites to an answer, in order. Once the text is not JSON, only text rewrites apply.
pub(crate) fn rewrite(answer: Value, rewrites: &[Rewrite]) -> Rewritten {
    rewrites.iter().fold(Rewritten::Value(answer), |answer, Rewrite(kind)| match (kind, answer) {
        (Kind::Value(change), Rewritten::Value(mut value)) => {
            change(&mut value);
            Rewritten::Value(value)
        }
        (Kind::Value(change), Rewritten::Text(text)) => match serde_json::from_str(&text) {
            Ok(mut value) => {
                change(&mut value);
                Rewritten::Value(value)
            }
            Err(_) => Rewritten::Text(text),
        },
        (Kind::Text(change), Rewritten::Value(value)) => Rewritten::Text(change(&value.to_string())),
        (Kind::Text(change), Rewritten::Text(text)) => Rewritten::Text(change(&text)),
    })
}

impl Rewritten {
    /// Returns the answer for the journal: its JSON, or its text if it is not JSON.
    pub(crate) fn for_journal(&self) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Text(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rewrites_follow_each_other_and_the_last_decides() {
        let remove = Rewrite::value(|answer| drop(answer.as_object_mut().and_then(|answer| answer.remove("Name"))));
        let halve = Rewrite::text(|text| text.replace("HALF", "\\ud83d"));
        let answer = || json!({"Id": "vpc-1", "Name": "a", "Description": "HALF"});
        assert_eq!(rewrite(answer(), &[]), Rewritten::Value(answer()));
        let both = Rewritten::Text(r#"{"Description":"\ud83d","Id":"vpc-1"}"#.into());
        assert_eq!(rewrite(answer(), &[remove.clone(), halve.clone()]), both);
        assert_eq!(
            rewrite(answer(), &[halve, remove.clone()]),
            Rewritten::Text(r#"{"Description":"\ud83d","Id":"vpc-1","Name":"a"}"#.into()),
            "a text that is no JSON stays as it is"
        );
        assert_eq!(rewrite(answer(), &[remove, Rewrite::body("[]")]), Rewritten::Text("[]".into()));
    }

    #[test]
    fn the_journal_shows_a_text_that_is_no_json_as_it_is() {
        assert_eq!(Rewritten::Text("{\"a\":1}".into()).for_journal(), json!({"a": 1}));
        assert_eq!(Rewritten::Text("<html>".into()).for_journal(), json!("<html>"));
    }
}
