//! The file of the SDKs: `~/.alibabacloud/credentials`, in INI.

use std::collections::BTreeMap;

use settings::Settings;
use signing::Credentials;

use crate::credentials::{
    error::SourceError, key::Key, metadata::EcsRole, oidc::OidcRole, provider::Provider, role::RoleToAssume, sts,
};

/// The sections of a file.
pub(crate) struct Sections {
    /// The file, as people write it.
    file: String,
    sections: BTreeMap<String, BTreeMap<String, String>>,
}

/// A section that can be used.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) provider: Provider,
    pub(crate) source_type: &'static str,
}

/// Reads the text of a file. `shown` is its path as people write it.
pub(crate) fn parse(text: &str, shown: &str) -> Result<Sections, SourceError> {
    let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut section = None;
    for (line, nth) in text.trim_start_matches('\u{feff}').lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let name = name.trim().to_owned();
            sections.entry(name.clone()).or_default();
            section = Some(name);
            continue;
        }
        let found = section.as_ref().and_then(|name| sections.get_mut(name)).zip(line.split_once('='));
        let Some((keys, (key, value))) = found else {
            // The line itself may be a secret.
            let problem = format!("line {nth} is neither [section] nor key = value in a section");
            return Err(SourceError::new(shown, problem, "correct it"));
        };
        let value = value.split(" #").next().unwrap_or_default().trim();
        keys.insert(key.trim().to_lowercase(), value.to_owned());
    }
    Ok(Sections { file: shown.to_owned(), sections })
}

impl Sections {
    /// What a section is called in messages.
    pub(crate) fn place(&self, name: &str) -> String {
        format!("section [{name}] of {}", self.file)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.sections.contains_key(name)
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.sections.keys().map(String::as_str).collect()
    }

    /// Returns whether the section exists and is not switched off with `enable = false`.
    pub(crate) fn is_enabled(&self, name: &str) -> bool {
        self.sections
            .get(name)
            .is_some_and(|section| !section.get("enable").is_some_and(|value| value.eq_ignore_ascii_case("false")))
    }

    /// Returns a section, with the way to its key.
    pub(crate) fn section(&self, name: &str, env: &Settings) -> Result<Section, SourceError> {
        let place = self.place(name);
        let Some(section) = self.sections.get(name) else {
            let names = self.names().join(", ");
            return Err(SourceError::new(
                &self.file,
                format!("it has no section [{name}]"),
                format!("use one of {names}"),
            ));
        };
        let get = |key: &str| section.get(key).map(String::as_str).filter(|value| !value.is_empty());
        let source_type = get("type").unwrap_or_default();
        let required = |key: &str| {
            get(key).ok_or_else(|| {
                let problem = format!("its type {source_type} needs {key}, which it does not have");
                SourceError::new(&place, problem, format!("add {key} = …"))
            })
        };
        let key = || Ok(Credentials::new(required("access_key_id")?, required("access_key_secret")?));
        let role = || {
            let url = sts::url(get("sts_endpoint"), get("sts_region"), false, env, &place)?;
            let role = RoleToAssume::new(required("role_arn")?, get("role_session_name"), url, &place)?;
            Ok(RoleToAssume { policy: get("policy").map(str::to_owned), ..role })
        };
        let (source_type, provider) = match source_type {
            "access_key" => ("access_key", Provider::Key(Key::new(key()?))),
            "ecs_ram_role" => ("ecs_ram_role", Provider::Ecs(EcsRole { name: get("role_name").map(str::to_owned) })),
            "ram_role_arn" => {
                let source = Box::new(Provider::Key(Key::new(key()?)));
                ("ram_role_arn", Provider::Role { source, role: role()? })
            }
            "oidc_role_arn" => {
                let file = match get("oidc_token_file_path") {
                    Some(file) => file,
                    None => required("oidc_token_file")?,
                };
                let provider = required("oidc_provider_arn")?.to_owned();
                ("oidc_role_arn", Provider::Oidc(OidcRole { role: role()?, provider, token_file: file.into() }))
            }
            other => {
                let shown: String = other.chars().filter(|c| !c.is_control()).take(40).collect();
                let problem = match other {
                    "" => "it has no type".to_owned(),
                    "rsa_key_pair" | "bearer" => format!("its type {other} is not supported here"),
                    _ => format!("its type {shown:?} is not known here"),
                };
                let known = "access_key, ecs_ram_role, ram_role_arn or oidc_role_arn";
                return Err(SourceError::new(&place, problem, format!("use a section of the type {known}")));
            }
        };
        Ok(Section { provider, source_type })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# Keys of the team.
[default]
enable = true
type = access_key
access_key_id = id
access_key_secret = planted # the old one

[node]
type = ecs_ram_role
role_name = node
[audit]
type = ram_role_arn
access_key_id = id
access_key_secret = planted
role_arn = acs:ram::2:role/audit
role_session_name = me
policy = {\"Version\":\"1\"}
[rrsa]
type = oidc_role_arn
role_arn = acs:ram::2:role/audit
oidc_provider_arn = acs:ram::2:oidc-provider/a
oidc_token_file_path = /run/token
[off]
enable = false
type = access_key
[rsa]
type = rsa_key_pair
[odd]
type = planned
[none]
";

    fn section(name: &str) -> Result<Section, SourceError> {
        parse(FILE, "~/.alibabacloud/credentials").unwrap().section(name, &Settings::default())
    }

    #[test]
    fn each_type_of_a_section_is_a_way_to_a_key() {
        let found = section("default").unwrap();
        assert_eq!(found.source_type, "access_key");
        assert_eq!(found.provider, Provider::Key(Key::new(Credentials::new("id", "planted"))));
        assert_eq!(section("node").unwrap().provider, Provider::Ecs(EcsRole { name: Some("node".to_owned()) }));
        let Provider::Role { role, .. } = section("audit").unwrap().provider else { panic!() };
        assert_eq!((role.session_name.as_str(), role.policy.as_deref()), ("me", Some(r#"{"Version":"1"}"#)));
        let Provider::Oidc(rrsa) = section("rrsa").unwrap().provider else { panic!() };
        assert_eq!(rrsa.token_file, std::path::Path::new("/run/token"));
    }

    #[test]
    fn a_section_that_cannot_be_used_says_why() {
        for (name, says) in [
            ("off", "section [off] of ~/.alibabacloud/credentials: its type access_key needs access_key_id"),
            ("rsa", "its type rsa_key_pair is not supported here"),
            ("odd", "its type \"planned\" is not known here"),
            ("none", "it has no type"),
            ("gone", "~/.alibabacloud/credentials: it has no section [gone]"),
        ] {
            let error = section(name).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        }
        let sections = parse(FILE, "x").unwrap();
        assert!(sections.is_enabled("default") && !sections.is_enabled("off") && !sections.is_enabled("gone"));
    }

    #[test]
    fn a_line_that_is_none_is_named_by_its_number_alone() {
        for (text, line) in [("[default]\nplanted\n", 2), ("access_key_secret = planted\n", 1)] {
            let Err(error) = parse(text, "x") else { panic!("{text}") };
            assert!(error.problem.starts_with(&format!("line {line} is neither")), "{error}");
            assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        }
    }
}
