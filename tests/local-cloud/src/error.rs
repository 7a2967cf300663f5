//! Errors of starting and using a local cloud.

use std::{path::PathBuf, time::Duration};

use crate::{
    ros::{
        function::{Absent, Function},
        template::TemplateError,
    },
    suggestion::{did_you_mean, is_like},
};

/// How long tests wait for something.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(10);

/// Why a cloud cannot start, or did not do what the caller waited for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cloud cannot listen on the port.
    #[error("cannot listen on 127.0.0.1:{port}; choose another port with --port, or 0 for any free one")]
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
    #[error("the binary of function {function} is missing at {}", path.display())]
    NoProgram {
        /// The function.
        function: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// The folders of buckets cannot be made.
    #[error("the buckets that functions mount cannot be made: {0}")]
    Buckets(String),
    /// The layer cannot be used.
    #[error("the layer cannot be used: {0}")]
    Layer(String),
    /// Building the functions failed.
    #[error("the functions could not be built: {0}")]
    Build(String),
    /// There is no such function.
    #[error("the template has no function {name:?}{hint}; it has {}", known.join(", "))]
    NoFunction {
        /// The function that was asked for.
        name: String,
        /// The name that was probably meant, or nothing.
        hint: String,
        /// The functions that exist.
        known: Vec<String>,
    },
    /// The function does not exist with these parameters of the template.
    #[error("the template creates the function {function} only with the parameter {needed}")]
    NotMade {
        /// The function.
        function: String,
        /// The parameters that would create it.
        needed: String,
    },
    /// There is no such timer.
    #[error("the template has no timer {name:?}{hint}; it has {}", if known.is_empty() { "none".into() } else { known.join(", ") })]
    NoTimer {
        /// The timer that was asked for: a function and the name of its trigger.
        name: String,
        /// The name that was probably meant, or nothing.
        hint: String,
        /// The timers that exist.
        known: Vec<String>,
    },
    /// There is no such account or region.
    #[error("there is no account {account} with a region {region} here")]
    NoPlace {
        /// The account.
        account: String,
        /// The region.
        region: String,
    },
    /// An alarm, a chart or a saved search of the template cannot be evaluated.
    #[error("{name} of the template cannot be evaluated: {problem}")]
    Alarm {
        /// Its name, or the title of the chart.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// What the caller waited for did not happen in time.
    #[error("timed out after {} s waiting until {what}; the journal:\n{journal}", limit.as_secs())]
    Timeout {
        /// What the caller waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// What happened instead.
        journal: String,
    },
}

impl Error {
    /// The error for a function that does not exist, among these names and binaries of functions.
    pub(crate) fn no_function<'a>(name: &str, functions: impl Iterator<Item = &'a Function>) -> Self {
        let functions: Vec<&Function> = functions.collect();
        let names = functions.iter().flat_map(|function| [function.name.as_str(), &function.binary]);
        let known = functions.iter().map(|function| function.name.clone()).collect();
        Self::NoFunction { name: name.to_owned(), hint: did_you_mean(name, names), known }
    }

    /// The error for a timer that does not exist, among these: the function and the name of each.
    pub(crate) fn no_timer(function: &str, trigger: &str, timers: &[(&str, &str)]) -> Self {
        let full = |timer: &(&str, &str)| format!("{}/{}", timer.0, timer.1);
        // The names of functions are long, so both together would be like many others.
        let meant = timers.iter().find(|timer| is_like(function, timer.0) && is_like(trigger, timer.1));
        let hint = meant.map(|timer| format!(" (did you mean {}?)", full(timer))).unwrap_or_default();
        Self::NoTimer { name: full(&(function, trigger)), hint, known: timers.iter().map(full).collect() }
    }
}

impl From<&Absent> for Error {
    fn from(absent: &Absent) -> Self {
        Self::NotMade { function: absent.name.clone(), needed: absent.needed.clone() }
    }
}
