//! Writes the tables into the page that shows them.

use std::{fs, io, path::Path};

use crate::table::Table;

/// Replaces the tables in a page. Each is between `<!-- begin NAME -->` and `<!-- end NAME -->`.
pub(crate) fn write(page: &Path, tables: &[Table]) -> io::Result<()> {
    let mut text = fs::read_to_string(page)?;
    for table in tables {
        text = replaced(&text, table)
            .ok_or_else(|| io::Error::other(format!("{} has no place for {:?}", page.display(), table.name)))?;
    }
    fs::write(page, text)
}

/// Returns the page with this table inserted; `None` if the page has no place for it.
fn replaced(page: &str, table: &Table) -> Option<String> {
    let [begin, end] = ["begin", "end"].map(|word| format!("<!-- {word} {} -->\n", table.name));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some([before, &begin, "\n", &table.text, "\n", &end, after].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &'static str) -> Table {
        let mut table = Table::new(name, &["a", "b"]);
        table.row(["x".to_owned(), "1".to_owned()]);
        table
    }

    #[test]
    fn a_table_is_replaced_and_the_rest_of_the_page_stays() {
        let page = "# Page\n<!-- begin jobs -->\nold\n<!-- end jobs -->\nprose\n";
        let new = replaced(page, &table("jobs")).unwrap();
        assert_eq!(new, "# Page\n<!-- begin jobs -->\n\n| a | b |\n|:--|--:|\n| x | 1 |\n\n<!-- end jobs -->\nprose\n");
        assert_eq!(replaced(&new, &table("jobs")).unwrap(), new, "replacing it again changes nothing");
    }

    #[test]
    fn a_page_without_a_place_for_a_table_is_refused() {
        assert!(replaced("# Page\n<!-- begin jobs -->\n", &table("jobs")).is_none());
        assert!(replaced("# Page\n", &table("jobs")).is_none());
    }

    #[test]
    fn the_page_of_this_repository_has_a_place_for_each_table() {
        let page = include_str!("../../../docs/benchmarks.md");
        for name in [
            "machine",
            "functions",
            "trained",
            "peers",
            "cost",
            "signing",
            "sweeps",
            "organization",
            "organization's bounds",
            "evidence",
            "plan",
            "offline",
        ] {
            assert!(replaced(page, &table(name)).is_some(), "{name}");
            assert!(!page.contains(": **not"), "every bound that the page shows is kept");
        }
    }
}
