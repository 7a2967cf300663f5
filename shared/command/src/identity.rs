//! Who calls the cloud. Every subcommand that does finds this out first, and says it.

use std::{num::NonZeroUsize, path::Path, sync::Arc};

use flow_log::RegionId;
use openapi::{CallerIdentity, Client, ClientSettings, ErrorKind, OsRng};
use settings::Settings;

use crate::{
    cli::CloudOptions,
    context::Context,
    credentials::{
        self, Found, Sources,
        exchange::{Exchange, Hosts},
        key::Key,
    },
    failure::{Failure, USAGE},
    http::Http,
};

/// How many pages of a long list are asked for together: far fewer than a tenth of a minute's quota, which may go at once.
const PAGES_AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).unwrap();
const EXTRA_ROOT_FILE: &str = "FLOWKEEPER_EXTRA_ROOT_FILE";
/// The variables that name a proxy for https.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const ENDPOINT: &str = "FLOWKEEPER_ENDPOINT";

/// Who calls the cloud, and how it is reached.
pub(crate) struct Identity {
    pub(crate) found: Found,
    pub(crate) key: Key,
    pub(crate) caller: CallerIdentity,
    /// The regions in the options, or else the region of the credentials' source.
    pub(crate) regions: Vec<RegionId>,
    /// What names the region.
    pub(crate) region_by: Option<String>,
    /// The endpoint, if it is another one than Alibaba Cloud's.
    pub(crate) endpoint: Option<String>,
    /// How the cloud is reached.
    exchange: Exchange,
}

impl Identity {
    /// Returns a client for this person's calls. It may write.
    pub(crate) fn client(&self) -> Client {
        let Exchange { http, settings, clock, .. } = &self.exchange;
        let http = http.for_cloud(settings.endpoints.vpc.as_ref()).clone();
        let client = Client::new(settings.clone(), Arc::clone(clock), Arc::new(OsRng)).with_http(http);
        client.with_pages_at_once(PAGES_AT_ONCE)
    }

    /// Returns a region for calls that are about none.
    pub(crate) fn any_region(&self) -> RegionId {
        self.regions.first().cloned().unwrap_or_else(credentials::role::any_region)
    }

    /// Says who calls, in a line.
    pub(crate) fn text(&self) -> String {
        let arn = self.caller.arn.as_deref().map(|arn| format!(", {arn}")).unwrap_or_default();
        format!("account {}{arn}, by {}", self.caller.account, self.found.origin.text)
    }
}

/// Finds the credentials, gets their key, and asks whose it is.
pub(crate) async fn identify(options: &CloudOptions, context: &Context) -> Result<Identity, Failure> {
    let sources = Sources {
        env: &context.env,
        home: context.home.as_deref(),
        profile: options.profile.as_deref(),
        now: context.now(),
    };
    let mut found = credentials::find(&sources)?;
    found.notes.iter().for_each(|note| context.terminal.note(note));
    let (regions, region_by) = regions(options, &found)?;
    let (exchange, endpoint) = exchange(options, context)?;
    if let Some(endpoint) = &endpoint {
        context.terminal.warn(format_args!("calls go to {endpoint}, which is not Alibaba Cloud"));
    }
    // Plain http is allowed for this machine alone, where no real key is needed.
    if found.is_probe() && endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://")) {
        let region = found.region.take();
        found = Found { region, ..credentials::of_local_cloud() };
    }
    let key = credentials::obtain(&found, &sources, &exchange).await?;
    let caller = caller(&key, &found, regions.first(), &context.env, &exchange).await?;
    Ok(Identity { found, key, caller, regions, region_by, endpoint, exchange })
}

/// Reads the regions in the options, or else the region of the credentials' source.
fn regions(options: &CloudOptions, found: &Found) -> Result<(Vec<RegionId>, Option<String>), Failure> {
    let exact = |text: &str, by: &str| {
        RegionId::exact(text)
            .map_err(|error| Failure::usage(format!("{by}: {error}"), "name a region, as in cn-hangzhou"))
    };
    if !options.region.is_empty() {
        let regions = options.region.iter().map(|text| exact(text, "--region")).collect::<Result<_, _>>()?;
        return Ok((regions, Some("--region".to_owned())));
    }
    match &found.region {
        Some((text, by)) => Ok((vec![exact(text, by)?], Some(by.clone()))),
        None => Ok((Vec::new(), None)),
    }
}

/// Prepares HTTP and the client's settings. The functions' settings count here, too.
fn exchange(options: &CloudOptions, context: &Context) -> Result<(Exchange, Option<String>), Failure> {
    let Context { env, clock, .. } = context;
    let endpoint = options.endpoint.as_deref().or_else(|| env.get(ENDPOINT)).map(str::to_owned);
    // The file is read here, since more than one form of certificate is accepted.
    let names = ClientSettings::NAMES.into_iter().filter(|name| ![EXTRA_ROOT_FILE, ENDPOINT].contains(name));
    let mut pairs: Vec<_> = names.filter_map(|name| Some((name, env.get(name)?.to_owned()))).collect();
    pairs.extend(endpoint.clone().map(|endpoint| (ENDPOINT, endpoint)));
    let settings = ClientSettings::read(&Settings::from_pairs(pairs)).map_err(|invalid| {
        let by_option = |message: &String| match options.endpoint {
            Some(_) => message.replace(ENDPOINT, "--endpoint"),
            None => message.clone(),
        };
        let remedy = Some("correct it, or leave it out".to_owned());
        Failure { exit_code: USAGE, messages: invalid.messages().iter().map(by_option).collect(), remedy }
    })?;
    // It would be passed over, and the calls would go past the proxy that is meant.
    for name in PROXIES {
        if env.get(name).is_some_and(|proxy| reqwest::Proxy::https(proxy).is_err()) {
            let remedy = "correct it, as in http://proxy.example.com:3128, or leave it out";
            return Err(Failure::usage(format!("{name} is no address of a proxy"), remedy));
        }
    }
    let http = Http::new(env.get(EXTRA_ROOT_FILE).map(Path::new)).map_err(|problem| {
        Failure::usage(format!("{EXTRA_ROOT_FILE}: {problem}"), "name a file with certificates in PEM or DER")
    })?;
    Ok((Exchange { http, settings, clock: Arc::clone(clock), hosts: Hosts::default() }, endpoint))
}

/// Asks STS whose key it is.
async fn caller(
    key: &Key,
    found: &Found,
    region: Option<&RegionId>,
    env: &Settings,
    exchange: &Exchange,
) -> Result<CallerIdentity, Failure> {
    let url = match region {
        Some(region) => exchange.settings.endpoints.sts_url(region),
        None => credentials::sts::url(None, None, false, env, "the environment")?,
    };
    let client = exchange.sts_client(url);
    let region = region.cloned().unwrap_or_else(credentials::role::any_region);
    // The account is what is asked for.
    let nobody = "0".parse().map_err(|error| Failure::failed(format!("{error}"), "report it"))?;
    let session = client.session(key.credentials.clone(), nobody, region, None);
    session.get_caller_identity().await.map_err(|error| {
        let kind = error.kind();
        let mut failure = Failure::from(error);
        let is_about_the_key = matches!(kind, ErrorKind::Credentials | ErrorKind::Expired);
        if is_about_the_key {
            failure.messages = failure.messages.iter().map(|text| format!("{}: {text}", found.origin.text)).collect();
        }
        failure
    })
}
