//! Why a source gives no credentials, and what to do about it.

/// A source that cannot be used. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct SourceError {
    /// Which source, and where it is.
    pub place: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do about it, as a command or a sentence.
    pub remedy: String,
}

impl SourceError {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into(), remedy: remedy.into() }
    }

    /// Puts the error of an inner step into its source: a role that a profile assumes, for example.
    pub(crate) fn within(self, place: &str) -> Self {
        Self { place: place.to_owned(), problem: format!("{}: {}", self.place, self.problem), ..self }
    }
}
