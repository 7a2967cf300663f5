//! The list of reports as a template sees it.

use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::{
    parts::{Shown, Time},
    view::STYLE,
};
use crate::{
    summary::ReportSummary,
    text::{count, counted},
};

/// The files of a report, by what they are called.
const FILES: [(&str, &str); 6] = [
    ("page", "evidence.html"),
    ("CSV", "evidence.csv"),
    ("JSON", "evidence.json"),
    ("OCSF", "evidence.ocsf.json"),
    ("JUnit", "evidence.junit.xml"),
    ("digests", "SHA256SUMS"),
];

/// The page that lists reports.
#[derive(Template)]
#[template(path = "index.html")]
pub(crate) struct IndexView<'a> {
    reports: &'a [ReportSummary],
    is_whole: bool,
    number: String,
    csp: String,
    style: &'static str,
}

impl<'a> IndexView<'a> {
    pub(crate) fn of(reports: &'a [ReportSummary], is_whole: bool) -> Self {
        let csp = format!(
            "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
            STANDARD.encode(Sha256::digest(STYLE))
        );
        let number = counted(reports.len() as u64, "report");
        Self { reports, is_whole, number, csp, style: STYLE }
    }
}
