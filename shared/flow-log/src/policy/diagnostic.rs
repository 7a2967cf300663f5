//! What is wrong with a policy, and where.

use std::fmt;

/// A place in the text of a policy. Both count from 1; line 0 is the policy as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// One thing that is wrong, with its place and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where it is.
    pub place: Place,
    /// What it is, and what would be right. One line, and no long one, whatever the policy holds.
    pub problem: String,
}

impl Mistake {
    /// So much of the beginning and of the end of a long problem is kept, in characters: what is quoted stands between.
    const KEPT: usize = 200;

    pub(crate) fn new(place: Place, problem: impl AsRef<str>) -> Self {
        let problem = problem.as_ref();
        let begins = problem.char_indices().nth(Self::KEPT).map_or(problem.len(), |(at, _)| at);
        let ends = problem.char_indices().nth_back(Self::KEPT).map_or(0, |(at, _)| at);
        let shown =
            if begins < ends { format!("{} … {}", &problem[..begins], &problem[ends..]) } else { problem.to_owned() };
        Self { place, problem: shown.replace(char::is_control, " ") }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column } = self.place;
        if line > 0 {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.problem)
    }
}

/// Everything that is wrong with a policy, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mistakes {
    kept: Vec<Mistake>,
    more: usize,
}

impl Mistakes {
    /// So many are printed. Who makes more has a file of another kind at hand.
    const PRINTED: usize = 50;
    /// So many are kept; the others are only counted.
    const KEPT: usize = 1000;

    pub(crate) fn add(&mut self, place: Place, problem: impl AsRef<str>) {
        self.push(Mistake::new(place, problem));
    }

    pub(crate) fn push(&mut self, mistake: Mistake) {
        if self.kept.len() < Self::KEPT { self.kept.push(mistake) } else { self.more += 1 }
    }

    pub(crate) fn into_sorted(mut self) -> Vec<Mistake> {
        self.kept.sort();
        self.kept
    }

    pub(crate) fn into_result<T>(mut self, good: Option<T>) -> Result<T, Self> {
        match good {
            Some(good) if self.kept.is_empty() => Ok(good),
            _ => {
                self.kept.sort();
                Err(self)
            }
        }
    }

    /// One after the other, up to a thousand.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.kept.iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.kept.iter().take(Self::PRINTED).enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            mistake.fmt(f)?;
        }
        match self.kept.len().saturating_sub(Self::PRINTED) + self.more {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for Mistakes {}
