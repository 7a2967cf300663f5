//! A Markdown table whose rows state the bound of a figure, and whether it holds.

/// A bound on a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    /// NaN fails every bound.
    fn is_kept(self, figure: f64) -> bool {
        match self {
            Self::AtMost(most) => figure <= most,
            Self::AtLeast(least) => figure >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("at most {most}"),
            Self::AtLeast(least) => format!("at least {least}"),
        }
    }
}

/// A figure, and its bound, if it has one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bounded {
    figure: f64,
    bound: Option<Bound>,
}

impl Bounded {
    pub(crate) const UNBOUNDED: Self = Self { figure: 0.0, bound: None };

    pub(crate) const fn new(figure: f64, bound: Bound) -> Self {
        Self { figure, bound: Some(bound) }
    }

    pub(crate) fn is_kept(self) -> bool {
        self.bound.is_none_or(|bound| bound.is_kept(self.figure))
    }

    /// The bound in words, and whether the figure violates it.
    pub(crate) fn text(self) -> String {
        let Some(bound) = self.bound else { return String::new() };
        let text = bound.text();
        if self.is_kept() { text } else { format!("{text}: **not kept**") }
    }
}

/// A table, and whether all its bounds hold.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its name in the page.
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) is_kept: bool,
}

impl Table {
    /// Creates a table without rows. The first column and the one with bounds are text; all others are numbers.
    pub(crate) fn new(name: &'static str, heads: &[&str]) -> Self {
        let rule = heads.iter().enumerate().map(|(nth, head)| if nth == 0 || *head == "bound" { ":--" } else { "--:" });
        let rule = rule.collect::<Vec<_>>().join("|");
        Self { name, text: format!("| {} |\n|{rule}|\n", heads.join(" | ")), is_kept: true }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<_> = cells.into_iter().collect();
        self.text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }

    /// Adds a row whose last cell states the bound.
    pub(crate) fn bounded(&mut self, cells: impl IntoIterator<Item = String>, bounded: Bounded) {
        self.is_kept &= bounded.is_kept();
        self.row(cells.into_iter().chain([bounded.text()]));
    }

    /// Adds a paragraph.
    pub(crate) fn say(&mut self, text: &str) {
        self.text.push('\n');
        self.text.push_str(text);
        self.text.push('\n');
    }
}

/// Formats a number with commas.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_its_bound_and_the_table_knows_whether_all_hold() {
        let mut table = Table::new("jobs", &["", "Flowkeeper", "bound"]);
        let cells = || ["a job, µs".to_owned(), "30".to_owned()];
        table.bounded(cells(), Bounded::new(1.5, Bound::AtMost(2.0)));
        table.bounded(cells(), Bounded::UNBOUNDED);
        assert!(table.is_kept);
        table.bounded(cells(), Bounded::new(3.0, Bound::AtMost(2.5)));
        assert!(!table.is_kept);
        assert_eq!(
            table.text,
            "|  | Flowkeeper | bound |\n|:--|--:|:--|\n\
             | a job, µs | 30 | at most 2 |\n\
             | a job, µs | 30 |  |\n\
             | a job, µs | 30 | at most 2.5: **not kept** |\n"
        );
    }

    #[test]
    fn a_figure_that_is_not_a_number_misses_its_bound() {
        assert!(!Bounded::new(f64::NAN, Bound::AtMost(3.0)).is_kept());
        assert!(!Bounded::new(f64::NAN, Bound::AtLeast(3.0)).is_kept());
    }

    #[test]
    fn thousands_have_commas() {
        assert_eq!([7, 999, 1_000, 1_234_567].map(thousands), ["7", "999", "1,000", "1,234,567"]);
    }
}
