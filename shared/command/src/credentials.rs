//! Whose credentials are used, and where they come from.
//!
//! The official SDKs' order, after a flag: `--profile`, keys in the environment, the OIDC variables, the profile of the
//! aliyun CLI, the SDKs' INI file, an ECS role or a URI that a variable names, and last the metadata service.
//! **The first source that is present wins.** If it cannot be used, that is an error with its remedy; the next one would
//! be another identity, and perhaps another account.

pub mod cloud_sso;
mod environment;
pub mod error;
pub mod exchange;
pub mod external;
mod ini;
pub mod key;
pub mod metadata;
pub mod oauth;
pub mod oidc;
mod profile;
pub mod provider;
pub mod role;
pub(crate) mod sts;
pub mod uri;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use settings::Settings;
use signing::Credentials;

use self::{
    environment::is_on, error::SourceError, exchange::Exchange, ini::Sections, key::Key, metadata::EcsRole,
    profile::Profiles, provider::Provider, uri::CredentialsUri,
};

const ECS_ROLE: &str = "ALIBABA_CLOUD_ECS_METADATA";
const ECS_DISABLED: &str = "ALIBABA_CLOUD_ECS_METADATA_DISABLED";
const CONFIG_FILE: &str = "ALIBABA_CLOUD_CONFIG_FILE";
const CREDENTIALS_FILE: &str = "ALIBABA_CLOUD_CREDENTIALS_FILE";

/// What says where credentials are.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The variables of the environment.
    pub env: &'a Settings,
    /// The person's home directory.
    pub home: Option<&'a Path>,
    /// The profile that `--profile` names.
    pub profile: Option<&'a str>,
    /// The current time.
    pub now: Timestamp,
}

/// The source that decides, and how to get its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The way to the key.
    pub provider: Provider,
    /// Where it was found.
    pub origin: Origin,
    /// The region that goes with it, and what names it.
    pub region: Option<(String, String)>,
    /// What a person should know about the choice, each a sentence.
    pub notes: Vec<String>,
}

/// Where a source was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The kind of source, as JSON calls it.
    pub kind: &'static str,
    /// The source in words, with its name and file.
    pub text: String,
}

/// Finds the source that decides.
///
/// # Errors
/// It cannot be used, or there is none.
pub fn find(sources: &Sources<'_>) -> Result<Found, SourceError> {
    let Sources { env, .. } = *sources;
    let files = Files::of(sources);
    let mut found = match sources.profile {
        Some(name) => files.named(name, "--profile", sources)?,
        None => match unnamed(&files, sources)? {
            Some(found) => found,
            None => return Err(files.nothing(sources)),
        },
    };
    if let Some((variable, region)) = environment::region(env) {
        found.region = Some((region.to_owned(), variable.to_owned()));
    }
    if found.provider.is_long_lived() {
        found
            .notes
            .push(format!("{} holds a key that never expires; a role or CloudSSO would be safer", found.origin.text));
    }
    Ok(found)
}

/// Gets the key of a source.
///
/// # Errors
/// The source gives none, or one that has expired.
pub async fn obtain(found: &Found, sources: &Sources<'_>, exchange: &Exchange) -> Result<Key, SourceError> {
    let key = found.provider.obtain(exchange, &found.origin.text).await;
    let key = key.map_err(|error| {
        if !found.is_probe() {
            return error;
        }
        // Nobody named the metadata service: without a role from it there is no source.
        let nothing = Files::of(sources).nothing(sources);
        SourceError { problem: format!("{}; {}", nothing.problem, error.problem), ..nothing }
    })?;
    match key.expiration {
        Some(expiration) if expiration <= exchange.now() => Err(SourceError::new(
            &found.origin.text,
            format!("it gave credentials that expired at {expiration}"),
            "get new ones, or set the clock of this machine",
        )),
        _ => Ok(key),
    }
}

/// The kind of the metadata service that nobody named.
const PROBE: &str = "ecs-metadata";

/// Returns the key of the local cloud, which is no secret.
#[must_use]
pub fn of_local_cloud() -> Found {
    let text = "the key of the local cloud, as no other was found";
    let key = Key::new(Credentials::new("test", "test-secret"));
    Found::new(Provider::Key(key), Origin { kind: "local-cloud", text: text.to_owned() })
}

fn unnamed(files: &Files, sources: &Sources<'_>) -> Result<Option<Found>, SourceError> {
    let Sources { env, now, .. } = *sources;
    if let Some(exported) = environment::key(env)? {
        let origin = Origin { kind: "environment", text: format!("the environment ({})", exported.variable) };
        let id = exported.credentials.access_key_id().to_owned();
        let found = Found::new(Provider::Key(Key::new(exported.credentials)), origin);
        let notes = files.other_identity(&id, sources).into_iter().collect();
        return Ok(Some(Found { notes, ..found }));
    }
    if let Some(role) = oidc::of_environment(env)? {
        let text = format!("the environment (OIDC, the role {})", role.role.arn);
        return Ok(Some(Found::new(Provider::Oidc(role), Origin { kind: "oidc", text })));
    }
    if let Some((variable, name)) = environment::profile(env)
        && !environment::ignores_profiles(env)
    {
        return files.named(name, variable, sources).map(Some);
    }
    if !environment::ignores_profiles(env)
        && let Some(profiles) = files.profiles()?
        && let Some(name) = profile::chosen(&profiles, env)
    {
        return files.of_profile(&profiles, name, env, now).map(Some);
    }
    if let Some(sections) = files.sections()? {
        let name = environment::profile(env).map_or("default", |(_, name)| name);
        if sections.is_enabled(name) {
            return files.of_section(&sections, name, env).map(Some);
        }
    }
    let is_disabled = is_on(env, ECS_DISABLED);
    if let Some(name) = env.get(ECS_ROLE) {
        if is_disabled {
            let problem = format!("{ECS_ROLE} names a role, and {ECS_DISABLED} forbids asking for it");
            return Err(SourceError::new("the environment", problem, "unset one of them"));
        }
        let origin = Origin { kind: "ecs-role", text: format!("the ECS role {name} ({ECS_ROLE})") };
        return Ok(Some(Found::new(Provider::Ecs(EcsRole { name: Some(name.to_owned()) }), origin)));
    }
    if let Some(text) = env.get(uri::VARIABLE) {
        let place = format!("the environment ({})", uri::VARIABLE);
        let uri = CredentialsUri::new(text, env, &place)?;
        return Ok(Some(Found::new(Provider::Uri(uri), Origin { kind: "uri", text: place })));
    }
    let probe = Origin { kind: PROBE, text: "the metadata service of this ECS instance".to_owned() };
    Ok((!is_disabled).then(|| Found::new(Provider::Ecs(EcsRole { name: None }), probe)))
}

impl Found {
    /// Whether no source was found, and only the metadata service that nobody named is left to ask.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.origin.kind == PROBE
    }

    const fn new(provider: Provider, origin: Origin) -> Self {
        Self { provider, origin, region: None, notes: Vec::new() }
    }
}

/// The files that may hold credentials.
struct Files {
    /// The aliyun CLI's file, and whether a variable names it.
    config: Option<(PathBuf, bool)>,
    /// The SDKs' files, in order, each with whether a variable names it. The first one that exists is used.
    ini: Vec<(PathBuf, bool)>,
    home: Option<PathBuf>,
}

impl Files {
    fn of(sources: &Sources<'_>) -> Self {
        let Sources { env, home, .. } = *sources;
        let named = |name: &str| env.get(name).map(|path| (PathBuf::from(path), true));
        let in_home = |path: &str| home.map(|home| (home.join(path), false));
        // One variable has two meanings: Terraform gives it the aliyun CLI's file.
        let credentials = named(CREDENTIALS_FILE);
        let is_json = credentials.as_ref().is_some_and(|(path, _)| is_json(path));
        let (of_json, of_ini) = if is_json { (credentials, None) } else { (None, credentials) };
        let config = named(CONFIG_FILE).or(of_json).or_else(|| in_home(".aliyun/config.json"));
        let ini = match of_ini {
            Some(file) => vec![file],
            None => {
                [".alibabacloud/credentials", ".alibabacloud/credentials.ini"].into_iter().filter_map(in_home).collect()
            }
        };
        Self { config, ini, home: home.map(Path::to_owned) }
    }

    /// The path as people write it.
    fn shown(&self, path: &Path) -> String {
        match self.home.as_ref().and_then(|home| path.strip_prefix(home).ok()) {
            Some(rest) => format!("~/{}", rest.display()),
            None => path.display().to_string(),
        }
    }

    fn profiles(&self) -> Result<Option<Profiles>, SourceError> {
        let Some((path, is_named)) = &self.config else { return Ok(None) };
        let shown = self.shown(path);
        match profile::read(path, &shown)? {
            None if *is_named => Err(missing(&shown, CONFIG_FILE)),
            found => Ok(found),
        }
    }

    fn sections(&self) -> Result<Option<Sections>, SourceError> {
        for (path, is_named) in &self.ini {
            let shown = self.shown(path);
            match profile::text_of(path, &shown)? {
                Some(text) => return ini::parse(&text, &shown).map(Some),
                None if *is_named => return Err(missing(&shown, CREDENTIALS_FILE)),
                None => {}
            }
        }
        Ok(None)
    }

    /// Returns the profile or section that `by` names: of the aliyun CLI's file, or else of the SDKs' file.
    fn named(&self, name: &str, by: &str, sources: &Sources<'_>) -> Result<Found, SourceError> {
        let profiles = self.profiles()?;
        if let Some(profiles) = profiles.as_ref().filter(|profiles| profiles.has(name)) {
            return self.of_profile(profiles, name, sources.env, sources.now);
        }
        let sections = self.sections()?;
        if let Some(sections) = sections.as_ref().filter(|sections| sections.has(name)) {
            return self.of_section(sections, name, sources.env);
        }
        let mut known: Vec<_> = profiles.iter().flat_map(Profiles::names).collect();
        known.extend(sections.iter().flat_map(Sections::names));
        let remedy = if known.is_empty() {
            format!("run `aliyun configure --profile {name}`")
        } else {
            format!("use one of {}, or run `aliyun configure --profile {name}`", known.join(", "))
        };
        let files = self.config.iter().chain(&self.ini).map(|(path, _)| self.shown(path)).collect::<Vec<_>>();
        let problem = format!("there is no profile {name:?} in {}", files.join(", "));
        Err(SourceError::new(by, problem, remedy))
    }

    fn of_profile(
        &self,
        profiles: &Profiles,
        name: &str,
        env: &Settings,
        now: Timestamp,
    ) -> Result<Found, SourceError> {
        let found = profiles.profile(name, env, now)?;
        let place = profiles.place(name);
        let origin = Origin { kind: "profile", text: format!("{place} ({})", found.mode) };
        let region = found.region.map(|region| (region, place));
        Ok(Found { region, ..Found::new(found.provider, origin) })
    }

    fn of_section(&self, sections: &Sections, name: &str, env: &Settings) -> Result<Found, SourceError> {
        let found = sections.section(name, env)?;
        let text = format!("{} ({})", sections.place(name), found.source_type);
        Ok(Found::new(found.provider, Origin { kind: "ini", text }))
    }

    /// Says which other identity the aliyun CLI would use while the key `id` is exported.
    fn other_identity(&self, id: &str, sources: &Sources<'_>) -> Option<String> {
        if environment::ignores_profiles(sources.env) {
            return None;
        }
        // A file that cannot be read is not asked for anything here, and so is no error.
        let profiles = self.profiles().ok().flatten()?;
        let name = profile::chosen(&profiles, sources.env)?;
        if profiles.is_key(name, id) {
            return None;
        }
        let place = profiles.place(name);
        Some(format!(
            "the exported key {id} is used; the aliyun CLI would use {place}; `--profile {name}` chooses that"
        ))
    }

    /// The error that there is no source at all.
    fn nothing(&self, sources: &Sources<'_>) -> SourceError {
        let mut looked = vec!["the environment".to_owned()];
        looked.extend(self.config.iter().chain(&self.ini).map(|(path, _)| self.shown(path)));
        if !is_on(sources.env, ECS_DISABLED) {
            looked.push("the metadata service".to_owned());
        }
        SourceError::new(
            "no credentials",
            format!("none in {}", looked.join(", ")),
            "run `aliyun configure`, or export ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        )
    }
}

fn missing(file: &str, variable: &str) -> SourceError {
    SourceError::new(variable, format!("{file} does not exist"), format!("correct {variable}, or unset it"))
}

/// Returns whether a file begins like JSON. A file that cannot be read is no JSON; who reads it next reports that.
fn is_json(path: &Path) -> bool {
    profile::text_of(path, "")
        .ok()
        .flatten()
        .is_some_and(|text| text.trim_start_matches('\u{feff}').trim_start().starts_with('{'))
}
