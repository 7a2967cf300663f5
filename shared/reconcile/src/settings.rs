//! The settings of a function that reconciles flow logs.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use flow_log::Policy;
use openapi::ClientSettings;
use settings::{InvalidSettings, Settings};

const POLICY: &str = "FLOWKEEPER_POLICY";
const POLICY_FILE: &str = "FLOWKEEPER_POLICY_FILE";
const DRY_RUN: &str = "FLOWKEEPER_DRY_RUN";
const TASK_MODE: &str = "FLOWKEEPER_TASK_MODE";

/// The settings of a [`crate::Reconciler`].
#[derive(Debug, Clone)]
pub struct ReconcilerSettings {
    /// What flow logs should look like, and where.
    pub policy: Policy,
    /// How to reach the cloud.
    pub client: ClientSettings,
    /// Whether to plan and report without writing.
    pub dry_run: bool,
    /// Whether the function is deployed with the task mode of Function Compute.
    pub task_mode: bool,
}

impl ReconcilerSettings {
    /// Returns the names of the settings that [`ReconcilerSettings::read`] reads.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        [POLICY, POLICY_FILE, DRY_RUN, TASK_MODE].into_iter().chain(ClientSettings::NAMES).collect()
    }

    /// Reads the policy, `FLOWKEEPER_DRY_RUN`, `FLOWKEEPER_TASK_MODE` and the settings of the client.
    ///
    /// The policy comes from `FLOWKEEPER_POLICY`, else from the file that `FLOWKEEPER_POLICY_FILE` names, else from
    /// `policy.yml` next to the binary.
    ///
    /// # Errors
    /// Names every setting that cannot be used.
    pub fn read(settings: &Settings) -> Result<Self, InvalidSettings> {
        let mut invalid = InvalidSettings::default();
        let policy = invalid.collect(policy(settings));
        let client = invalid.collect(ClientSettings::read(settings));
        let dry_run = invalid.collect(dry_run(settings));
        let task_mode = invalid.collect(is_true(settings, TASK_MODE, true));
        match (policy, client, dry_run, task_mode) {
            (Some(policy), Some(client), Some(dry_run), Some(task_mode)) => {
                Ok(Self { policy, client, dry_run, task_mode })
            }
            _ => Err(invalid),
        }
    }
}

/// Reads whether this is a dry run.
pub(crate) fn dry_run(settings: &Settings) -> Result<bool, InvalidSettings> {
    is_true(settings, DRY_RUN, false)
}

/// Reads a setting that is true or false, with its default.
fn is_true(settings: &Settings, name: &str, default: bool) -> Result<bool, InvalidSettings> {
    let value = settings.parse(name, |text| match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be true or false"),
    })?;
    Ok(value.unwrap_or(default))
}

/// Reads a file, up to the size limit of a policy. A file without end would take all memory.
fn read(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.take(Policy::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > Policy::MAX_BYTES {
        return Err(io::Error::other(format!(
            "it has more than the {} bytes of the largest policy",
            Policy::MAX_BYTES
        )));
    }
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn policy(settings: &Settings) -> Result<Policy, InvalidSettings> {
    let PolicyText { name, text } = PolicyText::read(settings)?;
    Policy::parse(&text)
        .map_err(|mistakes| InvalidSettings::new(format_args!("{name} is not a valid policy: {mistakes}")))
}

/// The text of the policy, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText {
    /// The setting that holds the policy, or that names its file, with the file.
    pub name: String,
    /// The text.
    pub text: String,
}

impl PolicyText {
    /// Reads the policy that [`ReconcilerSettings::read`] parses.
    ///
    /// # Errors
    /// There is none, or its file cannot be read.
    pub fn read(settings: &Settings) -> Result<Self, InvalidSettings> {
        if let Some(text) = settings.get(POLICY) {
            return Ok(Self { name: POLICY.to_owned(), text: text.to_owned() });
        }
        let named = settings.get(POLICY_FILE);
        let file = named.map_or_else(|| settings.next_to_binary("policy.yml"), Into::into);
        let shown = file.display();
        match read(&file) {
            Ok(text) => Ok(Self { name: format!("{POLICY_FILE} {shown}"), text }),
            Err(error) if named.is_some() => {
                Err(InvalidSettings::new(format_args!("{POLICY_FILE} {shown} cannot be read: {error}")))
            }
            Err(error) => Err(InvalidSettings::new(format_args!(
                "{POLICY} is not set, nor is {POLICY_FILE}, and there is no policy in {shown} ({error})"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_with_a_mistake_is_refused_in_the_words_of_the_documentation() {
        let page = include_str!("../../../docs/policy.md");
        let (_, from) = page.split_once("```text\nFLOWKEEPER_POLICY is").unwrap();
        let (shown, _) = from.split_once(", …").unwrap();
        let shown = format!("FLOWKEEPER_POLICY is{}", shown.replace('\n', " "));
        let text = "flow_log:\n  project: flowlog\n  log_stor: vpc\n";
        let refused = policy(&Settings::from_pairs([(POLICY, text)])).unwrap_err();
        assert!(
            refused.messages().iter().any(|message| message.starts_with(&shown)),
            "{shown}: {:?}",
            refused.messages()
        );
    }
}
