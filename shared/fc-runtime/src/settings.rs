//! What the operator set, by name.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use signing::Credentials;

use crate::process::ProcessSettings;

/// The settings of a process: its environment, and the directory its binary is in.
///
/// An empty setting is an absent one. Values cannot be printed, since keys are among them.
#[derive(Clone, Default)]
pub struct Settings {
    values: HashMap<String, String>,
    directory: PathBuf,
}

impl Settings {
    /// The settings of this process. The only place that reads the environment.
    ///
    /// A byte that is not UTF-8 becomes `U+FFFD`, so that the value is refused by whoever reads it, and not overlooked.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_process() -> Self {
        let values = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        let directory = std::env::current_exe().ok().and_then(|binary| binary.parent().map(Path::to_owned));
        Self { values, directory: directory.unwrap_or_default() }
    }

    /// Settings as given, for a test. The binary is taken to be in the working directory.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let values = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { values, directory: PathBuf::new() }
    }

    /// The same settings with the binary in another directory.
    #[must_use]
    pub fn with_directory(self, directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), ..self }
    }

    /// The setting of that name, unless it is absent or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The setting of that name as a value, or `None` if it is absent or empty.
    ///
    /// # Errors
    ///
    /// The sentence `NAME is "x": why` if `parse` refuses it. The value is part of it: not for secrets.
    pub fn parse<T, E: fmt::Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, InvalidSettings> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match parse(value) {
            Ok(parsed) => Ok(Some(parsed)),
            Err(why) => Err(InvalidSettings::new(format!("{name} is {value:?}: {why}"))),
        }
    }

    /// Refuses the settings under `FLOWKEEPER_` that nobody knows: one letter too few in `FLOWKEEPER_DRY_RUN` would make
    /// a function write that was not to.
    ///
    /// # Errors
    ///
    /// Each one that is neither `known` nor read by the runtime itself.
    pub fn only_known(&self, known: &[&str]) -> Result<(), InvalidSettings> {
        let known = [known, &ProcessSettings::NAMES].concat();
        let is_unknown = |name: &&String| name.starts_with("FLOWKEEPER_") && !known.contains(&name.as_str());
        let mut unknown: Vec<_> = self.values.keys().filter(is_unknown).collect();
        unknown.sort_unstable();
        let mut invalid = InvalidSettings::default();
        for name in unknown {
            invalid.push(format!("{name} is no setting; there are {}", known.join(", ")));
        }
        invalid.into_result()
    }

    /// Where a file beside the binary would be, such as `policy.yml`. Whether it is there has not been looked at.
    #[must_use]
    pub fn beside_the_binary(&self, file: impl AsRef<Path>) -> PathBuf {
        self.directory.join(file)
    }

    /// The key that Function Compute puts into the environment of a function with a role.
    ///
    /// A user's own key may come without a token. A key id without a secret, or the reverse, is no key.
    #[must_use]
    pub fn credentials(&self) -> Option<Credentials> {
        let id = self.get("ALIBABA_CLOUD_ACCESS_KEY_ID")?;
        let secret = self.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET")?;
        let credentials = Credentials::new(id, secret);
        Some(match self.get("ALIBABA_CLOUD_SECURITY_TOKEN") {
            Some(token) => credentials.with_security_token(token),
            None => credentials,
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.values.keys().collect();
        names.sort_unstable();
        f.debug_struct("Settings").field("names", &names).field("directory", &self.directory).finish()
    }
}

/// Everything that is wrong with the settings, each as a sentence: `NAME is "x": why, and what would be right`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InvalidSettings {
    sentences: Vec<String>,
}

impl InvalidSettings {
    /// One bad setting.
    pub fn new(sentence: impl fmt::Display) -> Self {
        Self { sentences: vec![sentence.to_string()] }
    }

    /// One more bad setting.
    pub fn push(&mut self, sentence: impl fmt::Display) {
        self.sentences.push(sentence.to_string());
    }

    /// Takes the value out of `result`, or notes what is wrong, so that the next setting can be looked at too.
    pub fn note<T, E: Into<Self>>(&mut self, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.sentences.append(&mut invalid.into().sentences);
                None
            }
        }
    }

    /// Each sentence, in the order in which it was noted.
    #[must_use]
    pub fn sentences(&self) -> &[String] {
        &self.sentences
    }

    /// Nothing, if nothing was noted.
    ///
    /// # Errors
    ///
    /// What was noted.
    pub fn into_result(self) -> Result<(), Self> {
        if self.sentences.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl<T: fmt::Display> From<Vec<T>> for InvalidSettings {
    fn from(sentences: Vec<T>) -> Self {
        Self { sentences: sentences.iter().map(T::to_string).collect() }
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid settings: {}", self.sentences.join("; "))
    }
}

impl std::error::Error for InvalidSettings {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_setting_is_an_absent_one() {
        let settings = Settings::from_pairs([("FLOWKEEPER_POLICY", ""), ("FLOWKEEPER_NETWORK", "vpc")]);
        assert_eq!(settings.get("FLOWKEEPER_POLICY"), None);
        assert_eq!(settings.get("FLOWKEEPER_NETWORK"), Some("vpc"));
        assert_eq!(settings.get("FLOWKEEPER_LOG"), None);
    }

    #[test]
    fn every_bad_setting_is_named() {
        let settings = Settings::from_pairs([("SIZE", "big"), ("COUNT", "-1"), ("PORT", "80")]);
        let mut invalid = InvalidSettings::default();
        assert_eq!(invalid.note(settings.parse("SIZE", str::parse::<u8>)), None);
        assert_eq!(invalid.note(settings.parse("COUNT", |_| Err::<u8, _>("want 0 or more"))), None);
        assert_eq!(invalid.note(settings.parse("PORT", str::parse::<u16>)), Some(Some(80)));
        assert_eq!(
            invalid.into_result().unwrap_err().to_string(),
            r#"invalid settings: SIZE is "big": invalid digit found in string; COUNT is "-1": want 0 or more"#
        );
    }

    #[test]
    fn no_value_can_be_printed() {
        let settings = Settings::from_pairs([("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "planted"), ("A", "planted")]);
        let printed = format!("{settings:?}");
        assert!(!printed.contains("planted"), "{printed}");
        assert!(printed.contains("ALIBABA_CLOUD_ACCESS_KEY_SECRET"), "{printed}");
    }

    #[test]
    fn a_key_of_the_environment_needs_no_token_but_both_of_its_halves() {
        const ID: (&str, &str) = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id");
        const SECRET: (&str, &str) = ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret");
        const TOKEN: (&str, &str) = ("ALIBABA_CLOUD_SECURITY_TOKEN", "token");
        let key = Credentials::new("id", "secret");
        assert_eq!(Settings::from_pairs([ID, SECRET]).credentials(), Some(key.clone()));
        assert_eq!(Settings::from_pairs([ID, SECRET, TOKEN]).credentials(), Some(key.with_security_token("token")));
        assert_eq!(Settings::from_pairs([ID, TOKEN]).credentials(), None);
        assert_eq!(Settings::from_pairs([SECRET, TOKEN]).credentials(), None);
        assert_eq!(Settings::from_pairs([ID, ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")]).credentials(), None);
    }
}
