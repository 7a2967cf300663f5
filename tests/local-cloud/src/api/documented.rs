//! The documented API, for tests that compare the cloud with it.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Documented {
    pub(crate) operations: Vec<Operation>,
    pub(crate) errors: BTreeMap<String, Error>,
}

#[derive(Deserialize)]
pub(crate) struct Operation {
    pub(crate) product: String,
    pub(crate) version: String,
    pub(crate) action: String,
    /// By their names on the wire, with `N` for a list index.
    pub(crate) parameters: BTreeMap<String, Parameter>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Parameter {
    pub(crate) required: bool,
    pub(crate) values: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Error {
    pub(crate) statuses: Vec<u16>,
    pub(crate) messages: Vec<String>,
}

pub(crate) fn documented() -> Documented {
    serde_json::from_str(include_str!("../../../fixtures/openapi/documented.json")).unwrap()
}
