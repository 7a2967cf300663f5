//! The one class that each resource belongs to, so that the classes add up.

use flow_log::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::{Omitted, ResourceResult};

/// The class of a result. Each resource has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// It is as the policy wants it.
    Compliant,
    /// It was not, and the run repaired it. It was not read again.
    Changed,
    /// It is off or left alone on purpose.
    Exception,
    /// Its flow log is in a transitional state.
    Pending,
    /// It is not as the policy wants it, or a person should look at it.
    Finding,
    /// It could not be read.
    Unknown,
}

impl Class {
    /// The class as a word or two, for tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Compliant => "as wanted",
            Self::Changed => "repaired",
            Self::Exception => "exception",
            Self::Pending => "in transition",
            Self::Finding => "finding",
            Self::Unknown => "unknown",
        }
    }
}

/// What the class of a result depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judgment {
    pub(crate) verdict: Verdict,
    pub(crate) is_finding: bool,
    pub(crate) is_exception: bool,
    pub(crate) is_changed: bool,
}

impl Judgment {
    pub(crate) const fn class(self) -> Class {
        match self.verdict {
            // Whatever else is said of it.
            Verdict::Unknown => Class::Unknown,
            _ if self.is_finding => Class::Finding,
            Verdict::Compliant | Verdict::Foreign => Class::Compliant,
            Verdict::Paused | Verdict::Excluded | Verdict::Unsupported => Class::Exception,
            _ if self.is_changed => Class::Changed,
            Verdict::DueToPause if self.is_exception => Class::Exception,
            Verdict::Pending => Class::Pending,
            Verdict::DueToPause
            | Verdict::Missing
            | Verdict::Inactive
            | Verdict::Drifted
            | Verdict::Orphaned
            | Verdict::Undelivered => Class::Finding,
        }
    }

    const fn is_paused(self) -> bool {
        matches!(self.verdict, Verdict::Paused | Verdict::DueToPause)
    }
}

impl ResourceResult {
    const fn judgment(&self) -> Judgment {
        let Self { verdict, is_finding, is_exception, is_changed, .. } = *self;
        Judgment { verdict, is_finding, is_exception, is_changed }
    }

    /// The class of the result.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.judgment().class()
    }

    /// Whether its flow log is off, or about to be, at a time at which it should be.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.judgment().is_paused()
    }
}

impl Omitted {
    const fn judgment(&self) -> Judgment {
        let Self { verdict, is_finding, is_exception, is_changed, .. } = *self;
        Judgment { verdict, is_finding, is_exception, is_changed }
    }

    /// The class of these resources.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.judgment().class()
    }

    /// Whether their flow logs are off, or about to be, at a time at which they should be.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.judgment().is_paused()
    }
}
