//! The list of reports, as a page.

use std::{
    collections::BTreeSet,
    io::{self, BufWriter, Write},
};

use askama::Template as _;

use crate::{page::IndexView, summary::ReportSummary};

/// A list of reports, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    reports: Vec<ReportSummary>,
    /// Whether there are no others.
    is_whole: bool,
}

impl Index {
    /// Lists these reports, and of several reports of one run the last. `is_whole` says that there are no others.
    #[must_use]
    pub fn new(reports: impl IntoIterator<Item = ReportSummary>, is_whole: bool) -> Self {
        let sorted: BTreeSet<_> = reports.into_iter().collect();
        let mut runs = BTreeSet::new();
        let last = sorted.into_iter().rev().filter(|report| runs.insert(report.run.clone()));
        Self { reports: last.collect(), is_whole }
    }

    /// Leaves out all but this number of reports, the newest.
    #[must_use]
    pub fn up_to(mut self, max: usize) -> Self {
        self.is_whole &= self.reports.len() <= max;
        self.reports.truncate(max);
        self
    }

    /// Writes the page. It needs nothing but the reports beside it.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_page(&self, to: impl Write) -> io::Result<()> {
        let mut to = BufWriter::new(to);
        IndexView::of(&self.reports, self.is_whole).write_into(&mut to)?;
        to.flush()
    }
}
