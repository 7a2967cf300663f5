//! The licenses of the crates that a binary contains. Pure: works in, text out.

use std::collections::BTreeMap;

/// A crate that somebody else wrote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Work {
    /// Name and version, such as `bytes 1.11.0`.
    pub name: String,
    /// Its license, as an SPDX expression.
    pub license: String,
    /// The texts that it says must go with it: licenses and notices.
    pub texts: Vec<String>,
}

/// What a static binary contains besides crates.
const LIBRARIES: &str = "\
The binary also contains:

  the standard library of Rust: MIT OR Apache-2.0, texts as below
  the GNU C Library, linked statically: LGPL-2.1-or-later. Flowkeeper's source is open, so you may link it with another
  version of that library: build it anew.
";

/// The license of the GNU C Library. It asks for a copy beside each binary that contains the library.
const LGPL: &str = include_str!("lgpl-2.1.txt");

/// Lists the works, then each text once, with the works that it belongs to.
#[must_use]
pub fn notice(mut works: Vec<Work>) -> String {
    works.sort();
    let mut notice = "flowkeeper contains these works of others:\n\n".to_owned();
    let mut texts = BTreeMap::<&str, Vec<&str>>::new();
    for Work { name, license, texts: own } in &works {
        notice += &format!("  {name}: {license}\n");
        for text in own {
            texts.entry(text.trim()).or_default().push(name);
        }
    }
    notice += "\n";
    notice += LIBRARIES;
    texts.entry(LGPL.trim()).or_default().push("the GNU C Library");
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by(|(_, left), (_, right)| left.cmp(right));
    for (text, names) in texts {
        notice += &format!("\n{}\n{}\n\n{text}\n", "=".repeat(80), names.join(", "));
    }
    notice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_work_is_named_and_each_text_is_there_once() {
        let work = |name: &str, texts: &[&str]| Work {
            name: name.into(),
            license: "MIT".into(),
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        };
        let works = vec![work("b 2", &["Copyright B\n"]), work("c 3", &["Shared"]), work("a 1", &["Shared\n"])];
        let notice = notice(works);
        let (list, texts) = notice.split_once(LIBRARIES).unwrap();
        assert_eq!(list, "flowkeeper contains these works of others:\n\n  a 1: MIT\n  b 2: MIT\n  c 3: MIT\n\n");
        let line = "=".repeat(80);
        let library = format!("\n{line}\nthe GNU C Library\n\n{}\n", LGPL.trim());
        assert_eq!(texts, format!("\n{line}\na 1, c 3\n\nShared\n\n{line}\nb 2\n\nCopyright B\n{library}"));
    }
}
