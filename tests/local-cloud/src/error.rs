//! Errors of starting and using a local cloud.

use std::{path::PathBuf, time::Duration};

use crate::ros::{function::Absent, template::TemplateError};

/// How long tests wait for something.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(10);

/// Why a cloud cannot start, or did not do what the caller waited for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cloud cannot listen on the port.
    #[error("cannot listen on 127.0.0.1:{port}, where --port chooses another one and 0 any that is free")]
    Listen {
        /// The port.
        port: u16,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The template is invalid.
    #[error("the template cannot be used")]
    Template(#[from] TemplateError),
    /// An option does not fit the template.
    #[error("{option}={value} does not fit the template")]
    Option {
        /// The option's flag and the name before the value, such as `--parameter Prefix`.
        option: String,
        /// The value.
        value: String,
        /// What would be valid.
        #[source]
        source: TemplateError,
    },
    /// A function's binary is missing.
    #[error("the program of function {function} is not at {}", path.display())]
    NoProgram {
        /// The function.
        function: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// Building the functions failed.
    #[error("the functions could not be built: {0}")]
    Build(String),
    /// There is no such function.
    #[error("the template has no function {name:?}; it has {}", known.join(", "))]
    NoFunction {
        /// The function that was asked for.
        name: String,
        /// The functions that exist.
        known: Vec<String>,
    },
    /// The function does not exist with these parameters of the template.
    #[error("the template makes the function {function} only with the parameter {needed}")]
    NotMade {
        /// The function.
        function: String,
        /// The parameters that would create it.
        needed: String,
    },
    /// There is no such timer.
    #[error("the template has no timer {name:?}; it has {}", if known.is_empty() { "none".into() } else { known.join(", ") })]
    NoTimer {
        /// The timer that was asked for: a function and the name of its trigger.
        name: String,
        /// The timers that exist.
        known: Vec<String>,
    },
    /// What the caller waited for did not happen in time.
    #[error("within {} s it never came true that {what}; the journal:\n{journal}", MAX_WAIT.as_secs())]
    Timeout {
        /// What the caller waited for.
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
