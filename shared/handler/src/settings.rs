//! The settings that all functions have in common.

use fc_runtime::{InvalidSettings, Settings};

/// The prefix of the names of all settings.
pub const SETTINGS_PREFIX: &str = "FLOWKEEPER_";

/// Rejects unknown settings: a misspelled `FLOWKEEPER_DRY_RUN` would otherwise write.
///
/// # Errors
/// Names each setting that is neither `known` nor read by the runtime itself.
pub fn reject_unknown(settings: &Settings, known: Vec<&str>) -> Result<(), InvalidSettings> {
    let of_runtime = fc_runtime::setting_names(SETTINGS_PREFIX);
    let known: Vec<_> = known.into_iter().chain(of_runtime.iter().map(String::as_str)).collect();
    settings.reject_unknown(SETTINGS_PREFIX, &known)
}
