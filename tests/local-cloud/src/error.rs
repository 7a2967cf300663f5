//! Why a cloud does not start, or does not do what was waited for.

use std::{path::PathBuf, time::Duration};

use crate::template::{Absent, TemplateError};

/// How long a test waits for something.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Why a cloud cannot start, or did not do what was waited for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port cannot be listened on.
    #[error("cannot listen on 127.0.0.1:{port}, where --port chooses another one and 0 any that is free")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The template is not understood.
    #[error("the template cannot be used")]
    Template(#[from] TemplateError),
    /// An option does not fit the template.
    #[error("{option}={value} does not fit the template")]
    Option {
        /// Such as `--parameter Prefix`: its flag, and the name before the value.
        option: String,
        /// The value.
        value: String,
        /// What would be right.
        #[source]
        source: TemplateError,
    },
    /// A function's program is not there.
    #[error("the program of function {function} is not at {}", path.display())]
    NoProgram {
        /// The function.
        function: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// The functions could not be built.
    #[error("the functions could not be built: {0}")]
    Build(String),
    /// There is no such function.
    #[error("the template has no function {wanted:?}; it has {}", known.join(", "))]
    NoFunction {
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: Vec<String>,
    },
    /// There is no such function with these parameters of the template.
    #[error("the template makes the function {function} only with the parameter {needed}")]
    NotMade {
        /// The function.
        function: String,
        /// The parameters with which it would be there.
        needed: String,
    },
    /// There is no such timer.
    #[error("the template has no timer {wanted:?}; it has {}", if known.is_empty() { "none".into() } else { known.join(", ") })]
    NoTimer {
        /// What was asked for: a function and the name of its trigger.
        wanted: String,
        /// What there is.
        known: Vec<String>,
    },
    /// What was waited for did not come.
    #[error("within {} s it never came true that {what}; the journal:\n{journal}", LIMIT.as_secs())]
    Timeout {
        /// What was waited for.
        what: String,
        /// What happened instead.
        journal: String,
    },
}

impl From<&Absent> for Error {
    fn from(absent: &Absent) -> Self {
        Self::NotMade { function: absent.name.clone(), needed: absent.needed.clone() }
    }
}
