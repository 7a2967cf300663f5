//! A call that is to be made: built by the operations, made by the session.

use std::borrow::Cow;

use flow_log::names::Tags;

use crate::{CallError, Cause, Product};

/// How many tags the API takes at once.
const MOST_TAGS: usize = 20;

/// A call to be made.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) product: Product,
    pub(crate) action: &'static str,
    pub(crate) is_write: bool,
    is_repeatable: bool,
    resource: String,
    pub(crate) parameters: Vec<(Cow<'static, str>, String)>,
    /// Which parameters the documents put into the form; the others go into the query.
    in_form: &'static [&'static str],
    problem: Option<String>,
}

impl Request {
    /// A call that changes nothing.
    pub(crate) fn read(product: Product, action: &'static str) -> Self {
        Self {
            product,
            action,
            is_write: false,
            is_repeatable: true,
            resource: String::new(),
            parameters: Vec::new(),
            in_form: &[],
            problem: None,
        }
    }

    /// A call that changes something, and would change it again if it were made again.
    pub(crate) fn write(product: Product, action: &'static str) -> Self {
        Self { is_write: true, is_repeatable: false, ..Self::read(product, action) }
    }

    /// Names what the call is about, for its errors.
    pub(crate) fn of(mut self, resource: impl Into<String>) -> Self {
        self.resource = resource.into();
        self
    }

    /// Puts the parameters of these names into the form, as their documents say; of a list, all of it.
    pub(crate) fn in_form(self, names: &'static [&'static str]) -> Self {
        Self { in_form: names, ..self }
    }

    /// Whether the parameter `key` (`Name`, or `Name.1`, `Name.1.Key` of a list) belongs into the form.
    pub(crate) fn has_in_form(&self, key: &str) -> bool {
        let name = key.split_once('.').map_or(key, |(name, _)| name);
        self.in_form.contains(&name)
    }

    /// Makes of a write one that can be made again after an uncertain answer: twice is as good as once.
    pub(crate) fn repeatable(self) -> Self {
        Self { is_repeatable: true, ..self }
    }

    /// A token by which the API knows a call that is made again, and does not do it again.
    pub(crate) fn with_client_token(self, token: String) -> Self {
        self.with("ClientToken", token).repeatable()
    }

    /// Refuses the call, before it is sent, unless this holds.
    pub(crate) fn provided(mut self, holds: bool, otherwise: impl FnOnce() -> String) -> Self {
        if !holds && self.problem.is_none() {
            self.problem = Some(otherwise());
        }
        self
    }

    pub(crate) fn with(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.parameters.push((key.into(), value.into()));
        self
    }

    pub(crate) fn with_some(self, key: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// `true` or `false`, in lower case as the API wants it.
    pub(crate) fn with_flag(self, key: &'static str, value: Option<bool>) -> Self {
        self.with_some(key, value.map(|value| value.to_string()))
    }

    /// A list of at most `most`, flattened as the wire wants it: `Key.1`, `Key.2`, …
    pub(crate) fn with_list<T: Into<String>>(
        self,
        key: &str,
        most: usize,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let before = self.parameters.len();
        let request =
            values.into_iter().zip(1..).fold(self, |request, (value, nth)| request.with(format!("{key}.{nth}"), value));
        let count = request.parameters.len() - before;
        request.provided(count <= most, || format!("{count} of {key} are more than {most}"))
    }

    /// Tags, flattened as the wire wants them: `Key.1.Key`, `Key.1.Value`, …
    pub(crate) fn with_tags(self, key: &str, tags: Option<&Tags>) -> Self {
        let Some(tags) = tags else { return self };
        let request = tags.iter().zip(1..).fold(self, |request, ((name, value), nth)| {
            request.with(format!("{key}.{nth}.Key"), name.as_str()).with(format!("{key}.{nth}.Value"), value.as_str())
        });
        request.provided(tags.len() <= MOST_TAGS, || format!("{} tags are more than {MOST_TAGS}", tags.len()))
    }

    /// Why it is not to be sent, if so.
    pub(crate) fn is_invalid(&self) -> Option<CallError> {
        let problem = self.problem.clone()?;
        Some(self.failed(Cause::Invalid { problem }))
    }

    pub(crate) fn failed(&self, cause: Cause) -> CallError {
        CallError {
            action: self.action,
            product: self.product,
            resource: self.resource.clone(),
            request_id: None,
            is_write: self.is_write && !self.is_repeatable,
            retry_after: None,
            cause,
        }
    }
}
