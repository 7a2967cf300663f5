//! What a keeper needs to know, read by name.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use flow_log::Policy;
use openapi::ClientSettings;
pub use openapi::InvalidSetting;

/// What a [`crate::Keeper`] works by.
#[derive(Debug, Clone)]
pub struct KeeperSettings {
    /// What is wanted.
    pub policy: Policy,
    /// How the cloud is reached.
    pub client: ClientSettings,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
}

impl KeeperSettings {
    /// The names of all that can be set.
    pub const NAMES: &[&str] = &[
        "FLOWKEEPER_POLICY",
        "FLOWKEEPER_POLICY_FILE",
        "FLOWKEEPER_ENDPOINT",
        "FLOWKEEPER_VPC_ENDPOINT",
        "FLOWKEEPER_ECS_ENDPOINT",
        "FLOWKEEPER_ECR_ENDPOINT",
        "FLOWKEEPER_STS_ENDPOINT",
        "FLOWKEEPER_NETWORK",
        "FLOWKEEPER_SIGNATURE",
        "FLOWKEEPER_EXTRA_ROOT_FILE",
        "FLOWKEEPER_DRY_RUN",
    ];

    /// Reads `FLOWKEEPER_POLICY`, or the file that `FLOWKEEPER_POLICY_FILE` names, or else `default_policy_file`;
    /// `FLOWKEEPER_DRY_RUN`; and the settings of the client.
    ///
    /// # Errors
    /// Every one that cannot be used.
    pub fn read(
        setting: &dyn Fn(&str) -> Option<String>,
        default_policy_file: &Path,
    ) -> Result<Self, Vec<InvalidSetting>> {
        let mut problems = Vec::new();
        let policy = policy(setting, default_policy_file).map_err(|problem| problems.push(problem)).ok();
        let client = ClientSettings::read(setting).map_err(|found| problems.extend(found)).ok();
        let dry_run = dry_run(setting).map_err(|problem| problems.push(problem)).ok();
        match (policy, client, dry_run) {
            (Some(policy), Some(client), Some(dry_run)) => Ok(Self { policy, client, dry_run }),
            _ => Err(problems),
        }
    }
}

/// Whether nothing is to be changed.
pub(crate) fn dry_run(setting: &dyn Fn(&str) -> Option<String>) -> Result<bool, InvalidSetting> {
    match setting("FLOWKEEPER_DRY_RUN").as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(InvalidSetting::new("FLOWKEEPER_DRY_RUN", other, "must be true or false")),
    }
}

/// What is in the file. No more is read than a policy may have: one without end would take all the memory there is.
fn read(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.take(Policy::LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > Policy::LARGEST {
        return Err(io::Error::other(format!("it has more than the {} bytes of the largest policy", Policy::LARGEST)));
    }
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn policy(setting: &dyn Fn(&str) -> Option<String>, default_file: &Path) -> Result<Policy, InvalidSetting> {
    const TEXT: &str = "FLOWKEEPER_POLICY";
    const FILE: &str = "FLOWKEEPER_POLICY_FILE";
    let bad = |name, problem| InvalidSetting { name, problem };

    if let Some(text) = setting(TEXT) {
        return Policy::parse(&text).map_err(|mistakes| bad(TEXT, format!("is not a valid policy: {mistakes}")));
    }
    let named = setting(FILE);
    let file = named.as_deref().map_or(default_file, Path::new);
    match read(file) {
        Ok(text) => Policy::parse(&text)
            .map_err(|mistakes| bad(FILE, format!("{} is not a valid policy: {mistakes}", file.display()))),
        Err(error) if named.is_some() => Err(bad(FILE, format!("{} cannot be read: {error}", file.display()))),
        Err(error) => {
            Err(bad(TEXT, format!("is not set, nor is {FILE}, and there is no policy in {} ({error})", file.display())))
        }
    }
}
