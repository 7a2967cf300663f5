//! A Markdown table whose rows say what was wanted, and whether it is so.

/// How good a figure has to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    /// A figure that is no number keeps no bound.
    fn is_kept(self, figure: f64) -> bool {
        match self {
            Self::AtMost(most) => figure <= most,
            Self::AtLeast(least) => figure >= least,
        }
    }

    fn text(self, figure: f64) -> String {
        let text = match self {
            Self::AtMost(most) => format!("at most {most}"),
            Self::AtLeast(least) => format!("at least {least}"),
        };
        if self.is_kept(figure) { text } else { format!("{text}: **not reached**") }
    }
}

/// What is wanted of a figure, today and some day.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    figure: f64,
    today: Option<Bound>,
    later: Option<Bound>,
}

impl Wanted {
    pub(crate) const NOTHING: Self = Self { figure: 0.0, today: None, later: None };

    pub(crate) const fn today(figure: f64, bound: Bound) -> Self {
        Self { figure, today: Some(bound), later: None }
    }

    pub(crate) const fn later(self, figure: f64, bound: Bound) -> Self {
        Self { figure, later: Some(bound), ..self }
    }

    /// Whether it is what is wanted today.
    pub(crate) fn is_kept(self) -> bool {
        self.today.is_none_or(|bound| bound.is_kept(self.figure))
    }

    /// What is wanted, in words.
    pub(crate) fn text(self) -> String {
        let today = self.today.map(|bound| bound.text(self.figure));
        let later = self.later.map(|bound| format!("later {}", bound.text(self.figure)));
        [today, later].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// A table, and whether every bound of today is kept.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) text: String,
    pub(crate) is_kept: bool,
}

impl Table {
    /// One without rows. The first column is text, and the others are numbers, but for one with what is wanted.
    pub(crate) fn new(heads: &[&str]) -> Self {
        let rule =
            heads.iter().enumerate().map(|(nth, head)| if nth == 0 || *head == "wanted" { ":--" } else { "--:" });
        let rule = rule.collect::<Vec<_>>().join("|");
        Self { text: format!("| {} |\n|{rule}|\n", heads.join(" | ")), is_kept: true }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<_> = cells.into_iter().collect();
        self.text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }

    /// Adds a row with what is wanted in its last cell.
    pub(crate) fn judged(&mut self, cells: impl IntoIterator<Item = String>, wanted: Wanted) {
        self.is_kept &= wanted.is_kept();
        self.row(cells.into_iter().chain([wanted.text()]));
    }

    /// Adds a paragraph.
    pub(crate) fn say(&mut self, text: &str) {
        self.text.push('\n');
        self.text.push_str(text);
        self.text.push('\n');
    }
}

/// With commas.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_is_wanted_and_the_table_whether_it_is_so_today() {
        let mut table = Table::new(&["", "ours", "wanted"]);
        let cells = || ["a job, µs".to_owned(), "30".to_owned()];
        table.judged(cells(), Wanted::today(1.5, Bound::AtMost(2.0)).later(1.5, Bound::AtLeast(1.6)));
        assert!(table.is_kept, "what is wanted later does not count today");
        table.judged(cells(), Wanted::NOTHING);
        table.judged(cells(), Wanted::today(3.0, Bound::AtMost(2.5)));
        assert!(!table.is_kept);
        assert_eq!(
            table.text,
            "|  | ours | wanted |\n|:--|--:|:--|\n\
             | a job, µs | 30 | at most 2; later at least 1.6: **not reached** |\n\
             | a job, µs | 30 |  |\n\
             | a job, µs | 30 | at most 2.5: **not reached** |\n"
        );
    }

    #[test]
    fn a_figure_that_is_no_number_keeps_no_bound() {
        assert!(!Wanted::today(f64::NAN, Bound::AtMost(3.0)).is_kept());
        assert!(!Wanted::today(f64::NAN, Bound::AtLeast(3.0)).is_kept());
    }

    #[test]
    fn thousands_have_commas() {
        assert_eq!([7, 999, 1_000, 1_234_567].map(thousands), ["7", "999", "1,000", "1,234,567"]);
    }
}
