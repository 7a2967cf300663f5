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
    /// What it is, and what would be right.
    pub problem: String,
}

impl Mistake {
    pub(crate) fn new(place: Place, problem: impl Into<String>) -> Self {
        Self { place, problem: problem.into() }
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
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// So many are printed. Who makes more has a file of another kind at hand.
    const PRINTED: usize = 50;

    pub(crate) fn add(&mut self, place: Place, problem: impl Into<String>) {
        self.push(Mistake::new(place, problem));
    }

    pub(crate) fn push(&mut self, mistake: Mistake) {
        self.0.push(mistake);
    }

    pub(crate) fn into_result<T>(mut self, good: Option<T>) -> Result<T, Self> {
        match good {
            Some(good) if self.0.is_empty() => Ok(good),
            _ => {
                self.0.sort();
                Err(self)
            }
        }
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.0.iter().take(Self::PRINTED).enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            mistake.fmt(f)?;
        }
        match self.0.len().saturating_sub(Self::PRINTED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for Mistakes {}
