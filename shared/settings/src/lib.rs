//! Settings by name, with all mistakes reported at once.
//!
//! [`Settings`] holds what the operator set. Each crate reads its own settings by name and returns mistakes as
//! [`InvalidSettings`]; [`InvalidSettings::collect`] lets reading go on, so that a process that fails to start names
//! every bad setting and not just the first.
//!
//! ```
//! use settings::{InvalidSettings, Settings};
//!
//! let settings = Settings::from_pairs([("APP_PORT", "http"), ("APP_SIZE", "-1")]);
//! let mut invalid = InvalidSettings::default();
//! let port = invalid.collect(settings.parse("APP_PORT", str::parse::<u16>));
//! let size = invalid.collect(settings.parse("APP_SIZE", str::parse::<u8>));
//! assert_eq!((port, size, invalid.messages().len()), (None, None, 2));
//! ```

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

/// The settings of a process: its environment, and the directory of its binary.
///
/// An empty setting counts as absent. Values are never printed, since some of them are keys.
#[derive(Clone, Default)]
pub struct Settings {
    values: BTreeMap<String, String>,
    directory: PathBuf,
}

impl Settings {
    /// Reads the settings of this process. This is the only place that reads the environment.
    ///
    /// A byte that is not UTF-8 becomes `U+FFFD`, so that the value is rejected when parsed instead of being
    /// overlooked.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_process() -> Self {
        let lossy = |text: OsString| text.to_string_lossy().into_owned();
        let directory = std::env::current_exe().ok().and_then(|binary| binary.parent().map(Path::to_owned));
        Self::from_pairs(std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))))
            .with_directory(directory.unwrap_or_default())
    }

    /// Makes settings of their names and values. The binary is assumed to be in the working directory.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        // `collect` would bring a sort along, 5 KB of code.
        let mut values = BTreeMap::new();
        values.extend(pairs.into_iter().map(|(name, value)| (name.into(), value.into())));
        Self { values, directory: PathBuf::new() }
    }

    /// Returns the same settings with the binary in another directory.
    #[must_use]
    pub fn with_directory(self, directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), ..self }
    }

    /// The value of a setting; `None` if it is absent or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The parsed value of a setting; `None` if it is absent or empty.
    ///
    /// # Errors
    /// The message `NAME is "x": why`, if `parse` rejects the value. It contains the value, so it is not for secrets.
    pub fn parse<T, E: fmt::Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, InvalidSettings> {
        let Some(value) = self.get(name) else { return Ok(None) };
        parse(value).map(Some).map_err(|why| InvalidSettings::of(name, value, why))
    }

    /// Rejects unknown settings whose names begin with `prefix`: a misspelled one would otherwise be ignored silently.
    ///
    /// # Errors
    /// Each setting that is not in `known`, followed once by the list of known ones.
    pub fn reject_unknown(&self, prefix: &str, known: &[&str]) -> Result<(), InvalidSettings> {
        let is_unknown = |name: &&String| name.starts_with(prefix) && !known.contains(&name.as_str());
        let unknown = self.values.keys().filter(is_unknown);
        let mut messages: Vec<_> = unknown.map(|name| format!("{name} is not a known setting")).collect();
        if !messages.is_empty() {
            messages.push(format!("the known ones are {}", known.join(", ")));
        }
        InvalidSettings { messages }.into_result()
    }

    /// The path of a file next to the binary, such as `policy.yml`, whether or not it exists.
    #[must_use]
    pub fn next_to_binary(&self, file: impl AsRef<Path>) -> PathBuf {
        self.directory.join(file)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.values.keys().collect();
        f.debug_struct("Settings").field("names", &names).field("directory", &self.directory).finish()
    }
}

/// All mistakes in the settings, each a sentence: `NAME is "x": why, and what would be right`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InvalidSettings {
    messages: Vec<String>,
}

impl InvalidSettings {
    /// A single mistake.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { messages: vec![message.to_string()] }
    }

    /// A single mistake in a setting whose value may be shown.
    pub fn of(name: &str, value: &str, problem: impl fmt::Display) -> Self {
        Self::new(format_args!("{name} is {value:?}: {problem}"))
    }

    /// Adds a mistake.
    pub fn push(&mut self, message: impl fmt::Display) {
        self.messages.push(message.to_string());
    }

    /// Returns the value in `result`, or keeps its mistakes, so that the next setting can be read too.
    pub fn collect<T>(&mut self, result: Result<T, Self>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(mut invalid) => {
                self.messages.append(&mut invalid.messages);
                None
            }
        }
    }

    /// The mistakes, in the order in which they were collected.
    #[must_use]
    pub fn messages(&self) -> &[String] {
        &self.messages
    }

    /// Returns `Ok` if there are no mistakes.
    ///
    /// # Errors
    /// The collected mistakes.
    pub fn into_result(self) -> Result<(), Self> {
        if self.messages.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid settings: {}", self.messages.join("; "))
    }
}

impl std::error::Error for InvalidSettings {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_setting_counts_as_absent() {
        let settings = Settings::from_pairs([("APP_POLICY", ""), ("APP_NETWORK", "vpc")]);
        assert_eq!(settings.get("APP_POLICY"), None);
        assert_eq!(settings.get("APP_NETWORK"), Some("vpc"));
        assert_eq!(settings.get("APP_LOG"), None);
    }

    #[test]
    fn every_bad_setting_is_named() {
        let settings = Settings::from_pairs([("SIZE", "big"), ("COUNT", "-1"), ("PORT", "80")]);
        let mut invalid = InvalidSettings::default();
        assert_eq!(invalid.collect(settings.parse("SIZE", str::parse::<u8>)), None);
        assert_eq!(invalid.collect(settings.parse("COUNT", |_| Err::<u8, _>("want 0 or more"))), None);
        assert_eq!(invalid.collect(settings.parse("PORT", str::parse::<u16>)), Some(Some(80)));
        assert_eq!(
            invalid.into_result().unwrap_err().to_string(),
            r#"invalid settings: SIZE is "big": invalid digit found in string; COUNT is "-1": want 0 or more"#
        );
    }

    #[test]
    fn each_unknown_setting_is_named_and_the_known_ones_are_listed_once() {
        let settings = Settings::from_pairs([("APP_B", "1"), ("APP_A", "1"), ("APP_KNOWN", "1"), ("OTHER", "1")]);
        assert_eq!(
            settings.reject_unknown("APP_", &["APP_KNOWN", "APP_C"]).unwrap_err().to_string(),
            "invalid settings: APP_A is not a known setting; APP_B is not a known setting; the known ones are \
             APP_KNOWN, APP_C"
        );
        assert_eq!(settings.reject_unknown("APP_", &["APP_KNOWN", "APP_A", "APP_B"]), Ok(()));
    }

    #[test]
    fn no_value_can_be_printed() {
        let settings = Settings::from_pairs([("ACCESS_KEY_SECRET", "planted"), ("A", "planted")]);
        let printed = format!("{settings:?}");
        assert!(!printed.contains("planted"), "{printed}");
        assert!(printed.contains("ACCESS_KEY_SECRET"), "{printed}");
    }
}
