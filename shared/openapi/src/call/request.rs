//! A call to make, built by the operations and made by the session.

use std::borrow::Cow;

use flow_log::names::Tags;
use reqwest::Method;

use crate::{CallError, Cause, Product, call::response::Answer};

/// How many tags the API accepts at once.
const MAX_TAGS: usize = 20;

/// A call to make.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) product: Product,
    pub(crate) action: &'static str,
    pub(crate) is_write: bool,
    is_idempotent: bool,
    /// Whether a key signs the call.
    pub(crate) is_signed: bool,
    pub(crate) resource: String,
    pub(crate) parameters: Vec<(Cow<'static, str>, String)>,
    /// The parameters that the documentation puts into the form. The others go into the query.
    form_parameters: &'static [&'static str],
    /// How the call is made if its operation is a path; `parameters` are its query. Boxed because it is rare.
    pub(crate) rest: Option<Box<Rest>>,
    problem: Option<String>,
}

/// The part of a call that only operations with a path have.
#[derive(Clone, Default)]
pub(crate) struct Rest {
    pub(crate) method: Method,
    /// The path, encoded as sent.
    pub(crate) path: String,
    /// The project, for Simple Log Service.
    pub(crate) project: String,
    /// Headers besides those that the signature adds.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Vec<u8>,
    /// Whether a response without a body is a success.
    pub(crate) may_answer_nothing: bool,
    /// Whether the response is an array instead of an object.
    pub(crate) answers_list: bool,
}

impl Request {
    /// Creates a call that changes nothing.
    pub(crate) fn read(product: Product, action: &'static str) -> Self {
        Self {
            product,
            action,
            is_write: false,
            is_idempotent: true,
            is_signed: true,
            resource: String::new(),
            // More than most calls have.
            parameters: Vec::with_capacity(16),
            form_parameters: &[],
            rest: None,
            problem: None,
        }
    }

    /// Creates a call that changes something and is not idempotent.
    pub(crate) fn write(product: Product, action: &'static str) -> Self {
        Self { is_write: true, is_idempotent: false, ..Self::read(product, action) }
    }

    /// Sends the call without key and signature.
    pub(crate) fn unsigned(self) -> Self {
        Self { is_signed: false, ..self }
    }

    /// Names the resource that the call is about, for its errors.
    pub(crate) fn about(mut self, resource: impl Into<String>) -> Self {
        self.resource = resource.into();
        self
    }

    /// Sends the parameters with these names in the form, as the documentation says. A list goes there as a whole.
    pub(crate) fn form_parameters(self, names: &'static [&'static str]) -> Self {
        Self { form_parameters: names, ..self }
    }

    /// Returns whether the parameter `key` (`Name`, or `Name.1`, `Name.1.Key` of a list) belongs in the form.
    pub(crate) fn belongs_in_form(&self, key: &str) -> bool {
        let name = key.split_once('.').map_or(key, |(name, _)| name);
        self.form_parameters.contains(&name)
    }

    /// Marks a write as idempotent, so that it is retried even if the outcome is unknown.
    pub(crate) fn idempotent(self) -> Self {
        Self { is_idempotent: true, ..self }
    }

    /// Adds a client token, by which the API recognizes a repeated call and does not apply it again.
    pub(crate) fn with_client_token(self, token: String) -> Self {
        self.with("ClientToken", token).idempotent()
    }

    /// Makes it a call of an operation that has a path.
    pub(crate) fn with_path(self, rest: Rest) -> Self {
        Self { rest: Some(Box::new(rest)), ..self }
    }

    /// Returns what a successful response looks like.
    pub(crate) fn answer(&self) -> Answer {
        match &self.rest {
            Some(rest) if rest.may_answer_nothing => Answer::ObjectOrNothing,
            Some(rest) if rest.answers_list => Answer::List,
            _ => Answer::Object,
        }
    }

    /// Fails the call before it is sent, unless `holds`.
    pub(crate) fn ensure(mut self, holds: bool, otherwise: impl FnOnce() -> String) -> Self {
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

    /// Adds `true` or `false`, in lower case as the API requires.
    pub(crate) fn with_flag(self, key: &'static str, value: Option<bool>) -> Self {
        self.with_some(key, value.map(|value| value.to_string()))
    }

    /// Adds a list of at most `max` values, flattened as the API requires: `Key.1`, `Key.2`, …
    pub(crate) fn with_list<T: Into<String>>(self, key: &str, max: usize, values: impl IntoIterator<Item = T>) -> Self {
        let before = self.parameters.len();
        let request =
            values.into_iter().zip(1..).fold(self, |request, (value, nth)| request.with(member(key, nth, ""), value));
        let count = request.parameters.len() - before;
        request.ensure(count <= max, || format!("{count} of {key} are more than {max}"))
    }

    /// Adds tags, flattened as the API requires: `Key.1.Key`, `Key.1.Value`, …
    pub(crate) fn with_tags(self, key: &str, tags: Option<&Tags>) -> Self {
        let Some(tags) = tags else { return self };
        let request = tags.iter().zip(1..).fold(self, |request, ((name, value), nth)| {
            request.with(member(key, nth, ".Key"), name.as_str()).with(member(key, nth, ".Value"), value.as_str())
        });
        request.ensure(tags.len() <= MAX_TAGS, || format!("{} tags are more than {MAX_TAGS}", tags.len()))
    }

    /// Returns whether a list is asked for items with certain properties alone.
    pub(crate) fn is_filtered(&self) -> bool {
        const OF_EVERY_LIST: [&str; 6] = ["AcceptLanguage", "MaxResults", "Limit", "limit", "PageNumber", "PageSize"];
        self.parameters.iter().any(|(key, _)| !OF_EVERY_LIST.contains(&key.as_ref()))
    }

    /// Returns whether a read-only client may make the call. Goes by the name of the operation as well, so that a write
    /// that is built as a read by mistake is refused, too.
    pub(crate) fn is_read(&self) -> bool {
        let is_named_a_read = ["Describe", "List", "Get"].iter().any(|verb| {
            self.action.strip_prefix(verb).is_some_and(|what| what.starts_with(|c: char| c.is_ascii_uppercase()))
        });
        !self.is_write && (is_named_a_read || ["AssumeRole", "AssumeRoleWithOIDC"].contains(&self.action))
    }

    /// Returns the error if the call must not be sent.
    pub(crate) fn invalid(&self) -> Option<CallError> {
        let problem = self.problem.clone()?;
        Some(self.failed(Cause::Invalid { problem }))
    }

    pub(crate) fn failed(&self, cause: Cause) -> CallError {
        CallError {
            action: self.action,
            product: self.product,
            resource: self.resource.clone(),
            request_id: None,
            is_write: self.is_write && !self.is_idempotent,
            retry_after: None,
            cause,
        }
    }
}

/// Returns the name of a parameter that belongs to the item `nth` of a list. Quicker than `format!`.
fn member(list: &str, nth: u32, field: &str) -> String {
    [list, ".", &nth.to_string(), field].concat()
}
