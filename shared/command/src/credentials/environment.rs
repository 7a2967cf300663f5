//! What the environment says: keys, region, the name of a profile, and which sources to leave out.

use settings::Settings;
use signing::Credentials;

use crate::credentials::error::SourceError;

/// The prefixes of variables, in the order in which the aliyun CLI reads them. The last is none.
const PREFIXES: [&str; 4] = ["ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_", ""];
/// The variables of a region: those of the aliyun CLI, and that of Terraform.
const REGIONS: [&str; 6] = [
    "ALIBABA_CLOUD_REGION_ID",
    "ALIBABACLOUD_REGION_ID",
    "ALICLOUD_REGION_ID",
    "REGION_ID",
    "REGION",
    "ALIBABA_CLOUD_REGION",
];
/// The variables of the external id that the owner of a role asks for.
const EXTERNAL_IDS: [&str; 2] = ["ALIBABA_CLOUD_EXTERNAL_ID", "ALIBABACLOUD_EXTERNAL_ID"];
const PROFILES: [&str; 3] = ["ALIBABACLOUD_PROFILE", "ALIBABA_CLOUD_PROFILE", "ALICLOUD_PROFILE"];

/// A key from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExportedKey {
    pub(crate) credentials: Credentials,
    /// The variable with the key's id.
    pub(crate) variable: String,
}

/// Returns the exported key, if there is one. The first prefix with an id counts, and the secret and the token have to
/// have the same: a token of another key would spoil a good one.
pub(crate) fn key(env: &Settings) -> Result<Option<ExportedKey>, SourceError> {
    let Some(prefix) = PREFIXES.into_iter().find(|prefix| env.get(&format!("{prefix}ACCESS_KEY_ID")).is_some()) else {
        return match PREFIXES.iter().find(|prefix| env.get(&format!("{prefix}ACCESS_KEY_SECRET")).is_some()) {
            Some(prefix) => Err(incomplete(&format!("{prefix}ACCESS_KEY_SECRET"), &format!("{prefix}ACCESS_KEY_ID"))),
            None => Ok(None),
        };
    };
    let [id, secret, token] =
        ["ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"].map(|it| format!("{prefix}{it}"));
    let Some((id_value, secret_value)) = env.get(&id).zip(env.get(&secret)) else {
        return Err(incomplete(&id, &secret));
    };
    let credentials = Credentials::new(id_value, secret_value);
    let credentials = match env.get(&token) {
        Some(token) => credentials.with_security_token(token),
        None => credentials,
    };
    Ok(Some(ExportedKey { credentials, variable: id }))
}

fn incomplete(is_set: &str, is_not: &str) -> SourceError {
    SourceError::new(
        "the environment",
        format!("{is_set} is set, and {is_not} is not"),
        format!("export {is_not} as well, or unset {is_set}"),
    )
}

/// Returns the region, with the variable that names it.
pub(crate) fn region(env: &Settings) -> Option<(&'static str, &str)> {
    REGIONS.into_iter().find_map(|name| Some((name, env.get(name)?)))
}

/// Returns the name of the profile, with the variable that names it.
pub(crate) fn profile(env: &Settings) -> Option<(&'static str, &str)> {
    PROFILES.into_iter().find_map(|name| Some((name, env.get(name)?)))
}

/// Returns the external id for the role of a profile that has none itself.
pub(crate) fn external_id(env: &Settings) -> Option<&str> {
    EXTERNAL_IDS.into_iter().find_map(|name| env.get(name))
}

/// Returns whether the aliyun CLI's file is to be ignored.
pub(crate) fn ignores_profiles(env: &Settings) -> bool {
    is_on(env, "ALIBABA_CLOUD_IGNORE_PROFILE") || is_on(env, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED")
}

/// Returns whether a switch is on: `true` in any case, or `1`.
pub(crate) fn is_on(env: &Settings, name: &str) -> bool {
    env.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Settings {
        Settings::from_pairs(pairs.iter().copied())
    }

    #[test]
    fn the_first_prefix_with_an_id_counts_for_all_three_parts() {
        let all: Vec<_> = PREFIXES
            .iter()
            .flat_map(|prefix| {
                [
                    (format!("{prefix}ACCESS_KEY_ID"), format!("id of {prefix}")),
                    (format!("{prefix}ACCESS_KEY_SECRET"), format!("secret of {prefix}")),
                ]
            })
            .collect();
        for (first, prefix) in PREFIXES.iter().enumerate() {
            let found = key(&Settings::from_pairs(all[first * 2..].iter().cloned())).unwrap().unwrap();
            assert_eq!(found.variable, format!("{prefix}ACCESS_KEY_ID"));
            assert_eq!(found.credentials.access_key_id(), format!("id of {prefix}"));
            assert_eq!(found.credentials.access_key_secret(), format!("secret of {prefix}"));
            assert_eq!(found.credentials.security_token(), None);
        }
        let mixed = [
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret"),
            ("ALICLOUD_SECURITY_TOKEN", "of another key"),
        ];
        assert_eq!(key(&env(&mixed)).unwrap().unwrap().credentials.security_token(), None);
    }

    #[test]
    fn a_key_of_which_a_part_is_missing_is_an_error_and_not_absent() {
        for (pairs, says) in [
            (
                &[("ALICLOUD_ACCESS_KEY_ID", "planted"), ("ACCESS_KEY_SECRET", "planted")][..],
                "ALICLOUD_ACCESS_KEY_ID is set, and ALICLOUD_ACCESS_KEY_SECRET is not",
            ),
            (
                &[("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "planted")][..],
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET is set, and ALIBABA_CLOUD_ACCESS_KEY_ID is not",
            ),
        ] {
            let error = key(&env(pairs)).unwrap_err();
            assert_eq!(error.problem, says);
            assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        }
        assert_eq!(key(&env(&[("ALIBABA_CLOUD_ACCESS_KEY_ID", "")])), Ok(None), "an empty one is absent");
    }

    #[test]
    fn region_and_profile_come_from_the_first_variable_that_is_set() {
        let both = env(&[
            ("REGION", "eu-central-1"),
            ("ALICLOUD_REGION_ID", "cn-beijing"),
            ("ALIBABA_CLOUD_PROFILE", "second"),
            ("ALIBABACLOUD_PROFILE", "first"),
        ]);
        assert_eq!(region(&both), Some(("ALICLOUD_REGION_ID", "cn-beijing")));
        assert_eq!(profile(&both), Some(("ALIBABACLOUD_PROFILE", "first")));
        assert_eq!((region(&env(&[])), profile(&env(&[]))), (None, None));
    }

    #[test]
    fn a_switch_is_on_if_it_says_so() {
        for (value, expected) in
            [("TRUE", true), ("true", true), ("1", true), ("false", false), ("0", false), ("", false)]
        {
            assert_eq!(ignores_profiles(&env(&[("ALIBABA_CLOUD_IGNORE_PROFILE", value)])), expected, "{value}");
        }
    }
}
