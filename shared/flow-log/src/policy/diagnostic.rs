//! Mistakes in a policy, with their positions.

use std::fmt;

/// A position in the text of a policy. Line and column count from 1; line 0 means the policy as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// One mistake, with its position and a correction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Where it is.
    pub position: Position,
    /// The mistake and its correction: a single line of limited length, whatever the policy holds.
    pub problem: String,
}

impl Diagnostic {
    /// How many characters to keep at each end of a long problem. What is cut is in the middle, where the policy is
    /// quoted.
    const MAX_END: usize = 200;

    pub(crate) fn new(position: Position, problem: impl AsRef<str>) -> Self {
        let problem = problem.as_ref();
        let begins = problem.char_indices().nth(Self::MAX_END).map_or(problem.len(), |(at, _)| at);
        let ends = problem.char_indices().nth_back(Self::MAX_END).map_or(0, |(at, _)| at);
        let shown =
            if begins < ends { format!("{} … {}", &problem[..begins], &problem[ends..]) } else { problem.to_owned() };
        Self { position, problem: shown.replace(char::is_control, " ") }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position;
        if line > 0 {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.problem)
    }
}

/// All mistakes in a policy, in line order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics {
    /// Sorted.
    kept: Vec<Diagnostic>,
    more: usize,
}

impl Diagnostics {
    /// How many mistakes are printed at most. More usually means that this is the wrong file.
    const MAX_PRINTED: usize = 50;
    /// How many mistakes are kept at most; the rest are only counted.
    const MAX_KEPT: usize = 1000;

    pub(crate) fn add(&mut self, position: Position, problem: impl AsRef<str>) {
        self.push(Diagnostic::new(position, problem));
    }

    pub(crate) fn push(&mut self, mistake: Diagnostic) {
        if self.kept.len() < Self::MAX_KEPT {
            let at = self.kept.partition_point(|kept| *kept <= mistake);
            self.kept.insert(at, mistake);
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn into_kept(self) -> Vec<Diagnostic> {
        self.kept
    }

    pub(crate) fn into_result<T>(self, good: Option<T>) -> Result<T, Self> {
        match good {
            Some(good) if self.kept.is_empty() => Ok(good),
            _ => Err(self),
        }
    }

    /// Returns the mistakes, at most a thousand.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.kept.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.kept.iter().take(Self::MAX_PRINTED).enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            mistake.fmt(f)?;
        }
        match self.kept.len().saturating_sub(Self::MAX_PRINTED) + self.more {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_listed_by_line_in_whatever_order_they_are_found() {
        let mut found = Diagnostics::default();
        for (line, problem) in [(7, "b"), (2, "c"), (7, "a"), (1, "d")] {
            found.add(Position { line, column: 3 }, problem);
        }
        assert_eq!(
            found.to_string(),
            "line 1, column 3: d; line 2, column 3: c; line 7, column 3: a; line 7, column 3: b"
        );
    }
}
