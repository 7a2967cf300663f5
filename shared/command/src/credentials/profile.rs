//! Profiles of the aliyun CLI: `~/.aliyun/config.json`. The file is read and never written.

use std::{fs, io, path::Path, time::Duration};

use jiff::Timestamp;
use serde_json::{Map, Value};
use settings::Settings;
use signing::Credentials;

use crate::credentials::{
    cloud_sso::CloudSso,
    environment::{self, is_on},
    error::SourceError,
    external::External,
    key::Key,
    metadata::EcsRole,
    oauth::{OAuth, Site},
    oidc::OidcRole,
    provider::Provider,
    role::RoleToAssume,
    sts,
    uri::{self, CredentialsUri},
};

/// The maximum size of a file of profiles, in bytes.
pub(crate) const MAX_FILE_BYTES: u64 = 1 << 20;
/// The maximum number of profiles that lead to one another.
const MAX_CHAIN: usize = 8;

/// The modes, as the aliyun CLI writes them.
const MODES: [&str; 13] = [
    "AK",
    "StsToken",
    "RamRoleArn",
    "EcsRamRole",
    "RamRoleArnWithRoleName",
    "ChainableRamRoleArn",
    "OIDC",
    "CredentialsURI",
    "External",
    "CloudSSO",
    "OAuth",
    "RsaKeyPair",
    "BearerToken",
];

/// The profiles in a file.
pub(crate) struct Profiles {
    /// The file, as people write it.
    file: String,
    current: Option<String>,
    profiles: Vec<Map<String, Value>>,
}

/// A profile that can be used.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) provider: Provider,
    pub(crate) mode: &'static str,
    pub(crate) region: Option<String>,
}

/// Reads a file of profiles. `None` if it does not exist. `shown` is its path as people write it.
pub(crate) fn read(path: &Path, shown: &str) -> Result<Option<Profiles>, SourceError> {
    let Some(text) = text_of(path, shown)? else { return Ok(None) };
    parse(&text, shown).map(Some)
}

/// Reads a file of at most [`MAX_FILE_BYTES`]. `None` if it does not exist.
pub(crate) fn text_of(path: &Path, shown: &str) -> Result<Option<String>, SourceError> {
    let failed = |problem: String| SourceError::new(shown, problem, "check the file and who may read it");
    match fs::metadata(path) {
        Ok(found) if found.len() > MAX_FILE_BYTES => {
            return Err(failed(format!("it is larger than {MAX_FILE_BYTES} bytes")));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => {}
    }
    fs::read_to_string(path).map(Some).map_err(|error| failed(format!("it cannot be read: {error}")))
}

/// Reads the text of a file of profiles.
pub(crate) fn parse(text: &str, shown: &str) -> Result<Profiles, SourceError> {
    let failed = |problem: String| SourceError::new(shown, problem, "correct it, or run `aliyun configure`");
    // Only the place of a mistake is shown: the text around it may be a secret.
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| failed(format!("it is no JSON from line {}, column {} on", error.line(), error.column())))?;
    let profiles = value.get("profiles").and_then(Value::as_array);
    let profiles = profiles.ok_or_else(|| failed("it has no list of profiles".to_owned()))?;
    Ok(Profiles {
        file: shown.to_owned(),
        current: value.get("current").and_then(Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned),
        profiles: profiles.iter().filter_map(Value::as_object).cloned().collect(),
    })
}

impl Profiles {
    /// The profile that the aliyun CLI uses if none is named.
    pub(crate) fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.profiles.iter().filter_map(|profile| text(profile, "name")).collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn get(&self, name: &str) -> Option<&Map<String, Value>> {
        self.profiles.iter().find(|profile| text(profile, "name") == Some(name))
    }

    /// Whether a profile is this key and nothing more. With it, others assume a role.
    pub(crate) fn is_key(&self, name: &str, access_key_id: &str) -> bool {
        self.get(name).is_some_and(|profile| {
            text(profile, "access_key_id") == Some(access_key_id) && matches!(mode(profile), Ok("AK" | "StsToken"))
        })
    }

    /// What a profile is called in messages.
    pub(crate) fn place(&self, name: &str) -> String {
        format!("profile {name:?} of {}", self.file)
    }

    /// Returns a profile, with the way to its key.
    pub(crate) fn profile(&self, name: &str, env: &Settings, now: Timestamp) -> Result<Profile, SourceError> {
        let (mode, provider) = self.provider(&mut vec![name], env, now)?;
        let region = self.get(name).and_then(|profile| text(profile, "region_id")).map(str::to_owned);
        Ok(Profile { provider, mode, region })
    }

    /// Returns the way to the key of the last profile in `chain`; each profile in it is the source of the one before.
    fn provider<'a>(
        &'a self,
        chain: &mut Vec<&'a str>,
        env: &Settings,
        now: Timestamp,
    ) -> Result<(&'static str, Provider), SourceError> {
        let name = chain.last().copied().unwrap_or_default();
        let place = self.place(name);
        let Some(profile) = self.get(name) else {
            let run = format!("run `aliyun configure --profile {name}`");
            let remedy = match self.names().join(", ").as_str() {
                "" => run,
                names => format!("use one of {names}, or {run}"),
            };
            return Err(SourceError::new(&self.file, format!("it has no profile {name:?}"), remedy));
        };
        let mode = mode(profile)
            .map_err(|problem| SourceError::new(&place, problem, format!("run `aliyun configure --profile {name}`")))?;
        let is_source = chain.len() > 1;
        let reader = Reader { profile, place: &place, name, mode, is_source, env, now };
        let provider = match mode {
            "AK" => Provider::Key(Key::new(reader.key()?)),
            "StsToken" => {
                let token = reader.required("sts_token")?;
                Provider::Key(Key::new(reader.key()?.with_security_token(token)))
            }
            "RamRoleArn" => {
                let key = match reader.text("sts_token") {
                    Some(token) => reader.key()?.with_security_token(token),
                    None => reader.key()?,
                };
                Provider::Role { source: Box::new(Provider::Key(Key::new(key))), role: reader.role()? }
            }
            "EcsRamRole" => Provider::Ecs(reader.ecs_role()),
            "RamRoleArnWithRoleName" => {
                Provider::Role { source: Box::new(Provider::Ecs(reader.ecs_role())), role: reader.role()? }
            }
            "ChainableRamRoleArn" => {
                let source = reader.required("source_profile")?;
                let is_circle = chain.contains(&source);
                chain.push(source);
                if is_circle || chain.len() > MAX_CHAIN {
                    let names = chain.join(" -> ");
                    let problem = if is_circle {
                        format!("its sources go round in a circle: {names}")
                    } else {
                        format!("more than {MAX_CHAIN} profiles lead to it: {names}")
                    };
                    return Err(reader.failed(problem, "correct source_profile in one of them".to_owned()));
                }
                let (_, provider) = self.provider(chain, env, now).map_err(|error| error.within(&place))?;
                Provider::Role { source: Box::new(provider), role: reader.role()? }
            }
            "OIDC" => Provider::Oidc(OidcRole {
                role: reader.role()?,
                provider: reader.required("oidc_provider_arn")?.to_owned(),
                token_file: reader.required("oidc_token_file")?.into(),
            }),
            "CredentialsURI" => {
                let text = match reader.text("credentials_uri").or_else(|| env.get(uri::VARIABLE)) {
                    Some(text) => text,
                    None => reader.required("credentials_uri")?,
                };
                Provider::Uri(CredentialsUri::new(text, env, &place)?)
            }
            "External" => Provider::External(External::new(reader.required("process_command")?, env, &place)?),
            "CloudSSO" => match reader.stored_key() {
                Some(key) => Provider::Key(key),
                None => Provider::CloudSso(CloudSso {
                    sign_in_url: reader.required("cloud_sso_sign_in_url")?.to_owned(),
                    account: reader.required("cloud_sso_account_id")?.to_owned(),
                    access_configuration: reader.required("cloud_sso_access_config")?.to_owned(),
                    access_token: reader.required("access_token")?.to_owned(),
                    expires: reader.seconds("cloud_sso_access_token_expire"),
                    remedy: reader.configure(),
                }),
            },
            "OAuth" => match reader.stored_key() {
                Some(key) => Provider::Key(key),
                None => Provider::OAuth(OAuth {
                    access_token: reader.required("oauth_access_token")?.to_owned(),
                    site: reader.oauth_site()?,
                    expires: reader.seconds("oauth_access_token_expire"),
                    remedy: reader.configure(),
                }),
            },
            other => {
                let remedy = "use a profile of another mode, such as AK, RamRoleArn or CloudSSO".to_owned();
                return Err(reader.failed(format!("its mode {other} is not supported here"), remedy));
            }
        };
        Ok((mode, provider))
    }
}

/// Reads the mode, or guesses it as the aliyun CLI does if there is none.
fn mode(profile: &Map<String, Value>) -> Result<&'static str, String> {
    if let Some(given) = text(profile, "mode") {
        if given.eq_ignore_ascii_case("Anonymous") {
            return Err("its mode Anonymous is not supported here: every call is signed".to_owned());
        }
        let known = MODES.into_iter().find(|mode| mode.eq_ignore_ascii_case(given));
        return known.ok_or_else(|| {
            let shown: String = given.chars().filter(|c| !c.is_control()).take(40).collect();
            format!("its mode {shown:?} is not known here: one of {}", MODES.join(", "))
        });
    }
    let has = |name: &str| text(profile, name).is_some();
    let has_key = has("access_key_id") && has("access_key_secret");
    let guesses = [
        // In this order, a role beside a token is not assumed.
        (has_key && has("sts_token"), "StsToken"),
        (has_key && has("ram_role_arn"), "RamRoleArn"),
        (has_key, "AK"),
        (has("private_key") && has("key_pair_name"), "RsaKeyPair"),
        (has("ram_role_name"), "EcsRamRole"),
        (has("process_command"), "External"),
        (has("oidc_provider_arn") && has("oidc_token_file") && has("ram_role_arn"), "OIDC"),
        (has("cloud_sso_sign_in_url"), "CloudSSO"),
        (has("bearer_token"), "BearerToken"),
        // Half of a key or of an OIDC role is an error that names the other half.
        (has("access_key_id") || has("access_key_secret"), "AK"),
        (has("oidc_provider_arn") || has("oidc_token_file"), "OIDC"),
    ];
    let guess = guesses.into_iter().find(|(is_it, _)| *is_it).map(|(_, mode)| mode);
    guess.ok_or_else(|| "it is empty: it has no mode and no credentials".to_owned())
}

/// A text of a profile. Whatever else is there counts as absent: new releases of the CLI add fields.
fn text<'a>(profile: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    profile.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// Reads the fields of one profile.
struct Reader<'p, 'r> {
    profile: &'p Map<String, Value>,
    place: &'r str,
    name: &'r str,
    mode: &'static str,
    /// Whether another profile begins with this one.
    is_source: bool,
    env: &'r Settings,
    now: Timestamp,
}

impl<'p> Reader<'p, '_> {
    fn text(&self, name: &str) -> Option<&'p str> {
        text(self.profile, name)
    }

    fn required(&self, name: &str) -> Result<&'p str, SourceError> {
        self.text(name).ok_or_else(|| {
            self.failed(format!("its mode {} needs {name}, which it does not have", self.mode), self.configure())
        })
    }

    /// Unix seconds; 0 if there are none.
    fn seconds(&self, name: &str) -> i64 {
        self.profile.get(name).and_then(Value::as_i64).unwrap_or_default()
    }

    fn failed(&self, problem: String, remedy: String) -> SourceError {
        SourceError::new(self.place, problem, remedy)
    }

    fn configure(&self) -> String {
        format!("run `aliyun configure --profile {} --mode {}`", self.name, self.mode)
    }

    fn key(&self) -> Result<Credentials, SourceError> {
        Ok(Credentials::new(self.required("access_key_id")?, self.required("access_key_secret")?))
    }

    /// The key that the CLI stored after a sign-in, unless it has expired.
    fn stored_key(&self) -> Option<Key> {
        let expires = self.seconds("sts_expiration");
        if expires <= self.now.as_second() {
            return None;
        }
        let credentials = Credentials::new(self.text("access_key_id")?, self.text("access_key_secret")?)
            .with_security_token(self.text("sts_token")?);
        Some(Key { credentials, expiration: Timestamp::from_second(expires).ok() })
    }

    /// Where the person signed in. The access token goes nowhere else.
    fn oauth_site(&self) -> Result<Site, SourceError> {
        let site = self.required("oauth_site_type")?;
        match [("CN", Site::China), ("INTL", Site::International)].into_iter().find(|(name, _)| site == *name) {
            Some((_, site)) => Ok(site),
            None => Err(self.failed("its oauth_site_type is neither CN nor INTL".to_owned(), self.configure())),
        }
    }

    fn ecs_role(&self) -> EcsRole {
        EcsRole { name: self.text("ram_role_name").map(str::to_owned) }
    }

    fn role(&self) -> Result<RoleToAssume, SourceError> {
        let is_vpc = self.profile.get("enable_vpc").and_then(Value::as_bool).unwrap_or_default();
        let is_vpc = is_vpc || is_on(self.env, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED");
        let url = sts::url(self.text("sts_endpoint"), self.text("sts_region"), is_vpc, self.env, self.place)?;
        // The CLI writes one name, and an SDK reads the other.
        let session = self.text("ram_session_name").or_else(|| self.text("role_session_name"));
        let seconds = u64::try_from(self.seconds("expired_seconds")).ok().filter(|seconds| *seconds > 0);
        // As for the aliyun CLI, the environment completes the profile that is used, and not the one that it begins with.
        let of_environment = || environment::external_id(self.env).filter(|_| !self.is_source);
        Ok(RoleToAssume {
            external_id: self.text("external_id").or_else(of_environment).map(str::to_owned),
            policy: self.text("policy").map(str::to_owned),
            duration: seconds.map(Duration::from_secs),
            ..RoleToAssume::new(self.required("ram_role_arn")?, session, url, self.place)?
        })
    }
}

/// Returns the name of the profile to use: the one named in the environment, or else the current one.
pub(crate) fn chosen<'a>(profiles: &'a Profiles, env: &'a Settings) -> Option<&'a str> {
    environment::profile(env).map(|(_, name)| name).or_else(|| profiles.current())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_795_000_000;

    fn profile(fields: Value) -> Result<Profile, SourceError> {
        profiles(&json!([with_name("x", fields)])).profile("x", &Settings::default(), now())
    }

    fn with_name(name: &str, mut fields: Value) -> Value {
        fields["name"] = json!(name);
        fields
    }

    fn profiles(list: &Value) -> Profiles {
        let text = json!({"current": "x", "profiles": list, "meta_path": ""}).to_string();
        parse(&text, "~/.aliyun/config.json").unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn key() -> Credentials {
        Credentials::new("id", "planted")
    }

    const AK: &str = r#""access_key_id": "id", "access_key_secret": "planted""#;

    fn fields(mode: &str, more: &str) -> Value {
        let mode = if mode.is_empty() { String::new() } else { format!(r#""mode": "{mode}", "#) };
        let text = format!("{{{mode}{more}}}").replace(", }", "}");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_key_pair_is_a_key_with_or_without_a_token() {
        let ak =
            profile(fields("ak", &format!(r#"{AK}, "region_id": "cn-beijing", "new_field": {{"a": [1]}}"#))).unwrap();
        assert_eq!((ak.mode, ak.region.as_deref()), ("AK", Some("cn-beijing")));
        assert_eq!(ak.provider, Provider::Key(Key::new(key())));
        assert!(ak.provider.is_long_lived());
        let sts = profile(fields("StsToken", &format!(r#"{AK}, "sts_token": "planted-token""#))).unwrap();
        assert_eq!(sts.provider, Provider::Key(Key::new(key().with_security_token("planted-token"))));
        assert!(!sts.provider.is_long_lived());
    }

    #[test]
    fn a_role_is_assumed_with_the_profiles_own_key() {
        let more = format!(
            r#"{AK}, "sts_token": "t", "ram_role_arn": "acs:ram::2:role/audit", "ram_session_name": "me",
               "external_id": "agreed", "expired_seconds": 1800, "sts_region": "cn-beijing""#
        );
        let Provider::Role { source, role } = profile(fields("RamRoleArn", &more)).unwrap().provider else { panic!() };
        assert_eq!(*source, Provider::Key(Key::new(key().with_security_token("t"))));
        assert_eq!((role.arn.as_str(), role.session_name.as_str()), ("acs:ram::2:role/audit", "me"));
        assert_eq!(role.external_id.as_deref(), Some("agreed"));
        assert_eq!(role.duration, Some(Duration::from_secs(1800)));
        assert_eq!(role.sts.as_str(), "https://sts.cn-beijing.aliyuncs.com/");
        let odd = format!(r#"{AK}, "ram_role_arn": "audit""#);
        assert!(profile(fields("RamRoleArn", &odd)).unwrap_err().remedy.contains("acs:ram::"));
    }

    #[test]
    fn roles_of_an_instance_are_asked_of_it() {
        let named = profile(fields("EcsRamRole", r#""ram_role_name": "node""#)).unwrap().provider;
        assert_eq!(named, Provider::Ecs(EcsRole { name: Some("node".to_owned()) }));
        let unnamed = profile(fields("EcsRamRole", "")).unwrap().provider;
        assert_eq!(unnamed, Provider::Ecs(EcsRole { name: None }));
        let more = r#""ram_role_name": "node", "ram_role_arn": "acs:ram::2:role/audit""#;
        let Provider::Role { source, .. } = profile(fields("RamRoleArnWithRoleName", more)).unwrap().provider else {
            panic!()
        };
        assert_eq!(*source, named);
    }

    fn chained(source: &str) -> Value {
        json!({"mode": "ChainableRamRoleArn", "source_profile": source, "ram_role_arn": "acs:ram::2:role/a"})
    }

    #[test]
    fn a_chain_of_roles_begins_at_the_profile_with_a_key() {
        let all = profiles(&json!([
            with_name("x", chained("middle")),
            with_name("middle", chained("base")),
            with_name("base", fields("AK", AK)),
        ]));
        let Provider::Role { source, .. } = all.profile("x", &Settings::default(), now()).unwrap().provider else {
            panic!()
        };
        let Provider::Role { source: base, .. } = *source else { panic!() };
        assert_eq!(*base, Provider::Key(Key::new(key())));
    }

    #[test]
    fn a_chain_that_is_a_circle_or_leads_nowhere_is_refused_with_its_profiles() {
        for (list, says) in [
            (json!([with_name("x", chained("x"))]), "its sources go round in a circle: x -> x"),
            (
                json!([with_name("x", chained("y")), with_name("y", chained("z")), with_name("z", chained("y"))]),
                "its sources go round in a circle: x -> y -> z -> y",
            ),
            (json!([with_name("x", chained("gone"))]), "it has no profile \"gone\""),
            (
                json!([with_name("x", chained("y")), with_name("y", fields("AK", r#""access_key_id": "id""#))]),
                "profile \"y\" of ~/.aliyun/config.json: its mode AK needs access_key_secret",
            ),
        ] {
            let error = profiles(&list).profile("x", &Settings::default(), now()).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert!(error.place.starts_with("profile \"x\" of ~/.aliyun/config.json"), "{error}");
        }
        let many: Vec<_> = (0..20)
            .map(|nth| {
                with_name(&if nth == 0 { "x".to_owned() } else { nth.to_string() }, chained(&(nth + 1).to_string()))
            })
            .collect();
        let error = profiles(&json!(many)).profile("x", &Settings::default(), now()).unwrap_err();
        assert!(error.problem.contains("more than 8 profiles lead to it"), "{error}");
    }

    #[test]
    fn an_oidc_profile_names_its_provider_and_its_token() {
        let more = r#""oidc_provider_arn": "acs:ram::2:oidc-provider/a", "oidc_token_file": "/run/token",
            "ram_role_arn": "acs:ram::2:role/audit", "ram_session_name": "ci""#;
        let Provider::Oidc(found) = profile(fields("OIDC", more)).unwrap().provider else { panic!() };
        assert_eq!((found.provider.as_str(), found.role.session_name.as_str()), ("acs:ram::2:oidc-provider/a", "ci"));
        assert_eq!(found.token_file, Path::new("/run/token"));
    }

    #[test]
    fn a_uri_and_a_program_are_taken_unless_they_are_forbidden() {
        let uri = fields("CredentialsURI", r#""credentials_uri": "http://127.0.0.1:1/x""#);
        let external = fields("External", r#""process_command": "sso get""#);
        assert!(matches!(profile(uri.clone()).unwrap().provider, Provider::Uri(_)));
        assert!(matches!(profile(external.clone()).unwrap().provider, Provider::External(_)));
        let forbidden = Settings::from_pairs([(uri::DISABLED, "true")]);
        for fields in [uri, external] {
            let error = profiles(&json!([with_name("x", fields)])).profile("x", &forbidden, now()).unwrap_err();
            assert!(error.problem.contains(uri::DISABLED), "{error}");
        }
        let env = Settings::from_pairs([(uri::VARIABLE, "http://127.0.0.1:1/y")]);
        let by_variable = profiles(&json!([with_name("x", fields("CredentialsURI", ""))])).profile("x", &env, now());
        assert!(matches!(by_variable.unwrap().provider, Provider::Uri(_)));
    }

    #[test]
    fn a_sign_in_gives_the_stored_key_until_it_expires_and_is_exchanged_then() {
        let stored = |expires: i64| format!(r#"{AK}, "sts_token": "t", "sts_expiration": {expires}, "#);
        let sso = r#""cloud_sso_sign_in_url": "https://signin.example.com/login", "cloud_sso_account_id": "2",
            "cloud_sso_access_config": "ac-1", "access_token": "planted", "cloud_sso_access_token_expire": 1795000600"#;
        let oauth = r#""oauth_site_type": "INTL", "oauth_access_token": "planted", "oauth_refresh_token": "planted",
            "oauth_access_token_expire": 1795000600"#;
        for (mode, more) in [("CloudSSO", sso), ("OAuth", oauth)] {
            let fresh = profile(fields(mode, &(stored(NOW + 60) + more))).unwrap().provider;
            let Provider::Key(key) = &fresh else { panic!("{fresh:?}") };
            assert_eq!(key.expiration, Timestamp::from_second(NOW + 60).ok());
            assert!(!fresh.is_long_lived());
            for without in [stored(NOW) + more, more.to_owned()] {
                let provider = profile(fields(mode, &without)).unwrap().provider;
                match &provider {
                    Provider::CloudSso(found) => assert_eq!(found.expires, NOW + 600),
                    Provider::OAuth(found) => assert_eq!((found.expires, found.site), (NOW + 600, Site::International)),
                    other => panic!("{other:?}"),
                }
                assert!(!format!("{provider:?}").contains("planted"), "{provider:?}");
            }
        }
    }

    #[test]
    fn what_a_mode_needs_is_said_and_a_mode_that_cannot_be_used_too() {
        for (fields, says) in [
            (fields("AK", r#""access_key_id": "id""#), "its mode AK needs access_key_secret, which it does not have"),
            (fields("StsToken", AK), "its mode StsToken needs sts_token"),
            (fields("RamRoleArn", AK), "its mode RamRoleArn needs ram_role_arn"),
            (fields("CloudSSO", ""), "its mode CloudSSO needs cloud_sso_sign_in_url"),
            (fields("OAuth", ""), "its mode OAuth needs oauth_access_token"),
            (fields("OAuth", r#""oauth_access_token": "planted""#), "its mode OAuth needs oauth_site_type"),
            (
                fields("OAuth", r#""oauth_access_token": "planted", "oauth_site_type": "planted""#),
                "its oauth_site_type is neither CN nor INTL",
            ),
            (fields("", r#""access_key_id": "id""#), "its mode AK needs access_key_secret"),
            (fields("", r#""oidc_provider_arn": "a""#), "its mode OIDC needs ram_role_arn"),
            (fields("RsaKeyPair", r#""private_key": "planted""#), "its mode RsaKeyPair is not supported here"),
            (fields("BearerToken", r#""bearer_token": "planted""#), "its mode BearerToken is not supported here"),
            (fields("Anonymous", ""), "its mode Anonymous is not supported here"),
            (fields("Quantum", ""), "its mode \"Quantum\" is not known here: one of AK, StsToken"),
            (json!({}), "it is empty: it has no mode and no credentials"),
        ] {
            let error = profile(fields).unwrap_err();
            assert!(error.problem.starts_with(says), "{error}");
            assert!(!error.remedy.is_empty() && !format!("{error:?}").contains("planted"), "{error:?}");
        }
    }

    #[test]
    fn a_mode_that_is_not_given_is_guessed_like_the_cli_does() {
        for (more, mode) in [
            (AK.to_owned(), "AK"),
            (format!(r#"{AK}, "sts_token": "t""#), "StsToken"),
            (format!(r#"{AK}, "ram_role_arn": "acs:ram::2:role/a""#), "RamRoleArn"),
            (format!(r#"{AK}, "sts_token": "t", "ram_role_arn": "acs:ram::2:role/a""#), "StsToken"),
            (r#""access_key_id": "id", "ram_role_name": "node""#.to_owned(), "EcsRamRole"),
            (r#""ram_role_name": "node""#.to_owned(), "EcsRamRole"),
            (r#""process_command": "sso""#.to_owned(), "External"),
        ] {
            assert_eq!(profile(fields("", &more)).unwrap().mode, mode);
        }
    }

    #[test]
    fn a_file_that_is_none_is_refused_with_the_place_and_without_its_text() {
        for (text, says) in [
            (r#"{"profiles": [{"access_key_secret": "planted" "#, "it is no JSON from line 1, column 4"),
            (r#"{"current": "planted"}"#, "it has no list of profiles"),
            ("[default]\nplanted = 1", "it is no JSON from line 1"),
        ] {
            let Err(error) = parse(text, "~/.aliyun/config.json") else { panic!("{text}") };
            assert!(error.problem.starts_with(says), "{error}");
            assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        }
        assert!(parse("\u{feff}{\"profiles\": []}", "x").is_ok(), "a byte order mark is not a mistake");
    }
}
