//! Functions of a template, with their settings for asynchronous invocations.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::json;

use super::{
    layer,
    log_store::{self, LogStore},
    mount::{Mount, mounts_of},
    queue::queue_of,
    resolve::{Resolver, Resource},
    template::TemplateError,
};
use crate::world::state::Place;

/// The maximum total size of the names and values of a function's environment variables.
const MAX_ENVIRONMENT_BYTES: usize = 4096;

/// Retries of an asynchronous invocation, unless the template says otherwise.
const DEFAULT_ASYNC_RETRIES: u32 = 3;
/// Seconds after which an asynchronous event is given up, unless the template says otherwise.
const DEFAULT_ASYNC_MAX_AGE: u64 = 86_400;

/// A function as the template describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The account and region of its stack.
    pub place: Place,
    /// `FunctionName`.
    pub name: String,
    /// The file stem of the package, which is also the name of the cargo binary.
    pub binary: String,
    /// `Handler`, which has no meaning in a custom runtime.
    pub handler: String,
    /// In seconds.
    pub timeout: u64,
    /// In megabytes.
    pub memory: u64,
    /// How many requests one instance handles concurrently.
    pub concurrency: usize,
    /// `ReservedConcurrency`: how many instances it may have at a time; `None` for no bound.
    pub reserved_concurrency: Option<usize>,
    /// The names of its layers, which must be in the template.
    pub layers: Vec<String>,
    /// `OssMountConfig`: the buckets that it mounts.
    pub mounts: Vec<Mount>,
    /// The name of its role, which must be in the template or in the account already.
    pub role: Option<String>,
    /// `EnvironmentVariables`.
    pub environment: BTreeMap<String, String>,
    /// `MaxAsyncRetryAttempts`.
    pub async_retries: u32,
    /// `MaxAsyncEventAgeInSeconds`: events that have waited longer are given up.
    pub async_max_age: u64,
    /// `AsyncTask`: FC remembers its asynchronous invocations, and takes the id of a task once.
    pub async_task: bool,
    /// The queue for events that exhausted FC's retries. It must be in the template.
    pub on_failure: Option<String>,
    /// The ARN of the Logstore for its log lines, which must be in the template.
    pub log_store: Option<String>,
    /// `LogConfig.EnableRequestMetrics`: FC writes a record of each attempt into that Logstore.
    pub request_metrics: bool,
    /// The time limit of `/initialize` in seconds; `None` if the hook is not called.
    pub initializer: Option<u64>,
    /// The time limit of `/pre-stop` in seconds; `None` if the hook is not called.
    pub pre_stop: Option<u64>,
}

impl Function {
    /// Returns the ARN of the function.
    pub(crate) fn arn(&self) -> String {
        let Place { account, region } = &self.place;
        format!("acs:fc:{region}:{account}:functions/{}", self.name)
    }
}

/// A function that the template creates only with other parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// `FunctionName`.
    pub name: String,
    /// See [`Function::binary`].
    pub binary: String,
    /// The parameters that would create it, such as `KeepEcrFlowLogs=true`.
    pub needed: String,
}

impl Absent {
    /// Finds a function by its name or binary.
    pub(crate) fn among<'a>(absent: &'a [Self], function: &str) -> Option<&'a Self> {
        absent.iter().find(|absent| absent.name == function || absent.binary == function)
    }
}

/// Returns the functions that a template creates in a place. `roles` are the names of those that they may have.
pub(super) fn functions(
    resolver: &Resolver,
    roles: &BTreeSet<String>,
    log_stores: &[LogStore],
    place: &Place,
) -> Result<Vec<Function>, TemplateError> {
    let Place { account, region } = place;
    let log_stores: Vec<String> = log_stores.iter().map(|log_store| log_store.arn(account, region)).collect();
    let function = |resource: &Resource<'_>| {
        check_runtime(resource)?;
        Ok(Function {
            place: place.clone(),
            name: resource.text("FunctionName")?,
            binary: binary(resource)?,
            handler: resource.optional_text("Handler")?.unwrap_or_else(|| "index.handler".into()),
            timeout: resource.number("Timeout", 3)?,
            memory: resource.number("MemorySize", 512)?,
            concurrency: usize::try_from(resource.number("InstanceConcurrency", 1)?).unwrap_or(usize::MAX),
            reserved_concurrency: None,
            layers: layer::layers_of(resource)?,
            mounts: mounts_of(resource)?,
            role: role_of(resource, roles)?,
            environment: environment(resource)?,
            async_retries: DEFAULT_ASYNC_RETRIES,
            async_max_age: DEFAULT_ASYNC_MAX_AGE,
            async_task: false,
            on_failure: None,
            log_store: log_store_of(resource, &log_stores, account, region)?,
            request_metrics: resource.optional_text("LogConfig.EnableRequestMetrics")?.as_deref() == Some("true"),
            initializer: hook(resource, "Initializer")?,
            pre_stop: hook(resource, "PreStop")?,
        })
    };
    resolver.resources("ALIYUN::FC3::Function")?.iter().map(function).collect()
}

/// Checks that a function can start as a package does, and can reach the API.
fn check_runtime(resource: &Resource<'_>) -> Result<(), TemplateError> {
    let command = resource.value("CustomRuntimeConfig.Command")?;
    if command.is_some_and(|command| command != json!(["/code/bootstrap"])) {
        return Err(
            resource.error("CustomRuntimeConfig.Command", "is not /code/bootstrap, the only program in a package")
        );
    }
    let is_cut_off = resource.optional_text("InternetAccess")?.as_deref() == Some("false");
    if is_cut_off && resource.value("VpcConfig")?.is_none() {
        return Err(resource.error("InternetAccess", "is off, and without VpcConfig the function cannot reach the API"));
    }
    Ok(())
}

/// Returns the functions that a template does not create with its parameters.
pub(super) fn absent(resolver: &Resolver) -> Result<Vec<Absent>, TemplateError> {
    let absent = |(resource, needed): (Resource<'_>, String)| {
        Ok(Absent { name: resource.text("FunctionName")?, binary: binary(&resource)?, needed })
    };
    resolver.absent("ALIYUN::FC3::Function")?.into_iter().map(absent).collect()
}

/// Reads the settings for asynchronous invocations into the functions that they name.
pub(super) fn read_async_configs(
    resolver: &Resolver,
    functions: &mut [Function],
    queues: &[String],
) -> Result<(), TemplateError> {
    for resource in resolver.resources("ALIYUN::FC3::AsyncInvokeConfig")? {
        let retries = resource.number("MaxAsyncRetryAttempts", DEFAULT_ASYNC_RETRIES.into())?;
        let destination = queue_of(&resource, "DestinationConfig.OnFailure.Destination", queues)?;
        if resource.value("DestinationConfig.OnSuccess")?.is_some() {
            return Err(resource.error("DestinationConfig.OnSuccess", "local-cloud supports only OnFailure"));
        }
        let function = named(&resource, functions)?;
        function.async_retries = u32::try_from(retries).unwrap_or(u32::MAX);
        function.async_max_age = resource.number("MaxAsyncEventAgeInSeconds", DEFAULT_ASYNC_MAX_AGE)?;
        function.async_task = resource.optional_text("AsyncTask")?.as_deref() == Some("true");
        function.on_failure = destination;
    }
    Ok(())
}

/// Reads the bounds of instances into the functions that they name.
pub(super) fn read_concurrency_configs(resolver: &Resolver, functions: &mut [Function]) -> Result<(), TemplateError> {
    for resource in resolver.resources("ALIYUN::FC3::ConcurrencyConfig")? {
        resource.text("ReservedConcurrency")?;
        let instances = resource.number("ReservedConcurrency", 0)?;
        named(&resource, functions)?.reserved_concurrency = Some(usize::try_from(instances).unwrap_or(usize::MAX));
    }
    Ok(())
}

/// Returns the function that a resource names.
fn named<'f>(resource: &Resource<'_>, functions: &'f mut [Function]) -> Result<&'f mut Function, TemplateError> {
    let name = resource.text("FunctionName")?;
    let function = functions.iter_mut().find(|function| function.name == name);
    function.ok_or_else(|| resource.error("FunctionName", "no function of the template has this name"))
}

/// Returns the name of a function's role. It must be one of these, because the permissions of any other role are
/// unknown.
fn role_of(resource: &Resource<'_>, roles: &BTreeSet<String>) -> Result<Option<String>, TemplateError> {
    let Some(arn) = resource.optional_text("Role")? else { return Ok(None) };
    let name = arn.rsplit('/').next().unwrap_or_default().to_lowercase();
    if roles.contains(&name) {
        Ok(Some(name))
    } else {
        Err(resource.error("Role", &format!("{arn} is not a role of the template, nor of the account")))
    }
}

/// Returns a function's environment variables, within Function Compute's limit. FC counts bytes; ROS counts characters.
fn environment(resource: &Resource<'_>) -> Result<BTreeMap<String, String>, TemplateError> {
    let variables = resource.map("EnvironmentVariables")?;
    let bytes: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes <= MAX_ENVIRONMENT_BYTES {
        Ok(variables)
    } else {
        let problem = format!("take {bytes} bytes, and Function Compute allows {MAX_ENVIRONMENT_BYTES}");
        Err(resource.error("EnvironmentVariables", &problem))
    }
}

/// Returns the ARN of the Logstore for a function's log lines. It must be in the template, or they would be lost.
fn log_store_of(
    resource: &Resource<'_>,
    log_stores: &[String],
    account: &str,
    region: &str,
) -> Result<Option<String>, TemplateError> {
    let Some(log_store) = resource.optional_text("LogConfig.Logstore")? else { return Ok(None) };
    let arn = log_store::arn(account, region, &resource.text("LogConfig.Project")?, &log_store);
    if log_stores.contains(&arn) {
        Ok(Some(arn))
    } else {
        Err(resource.error("LogConfig", &format!("{arn} is not a Logstore of the template")))
    }
}

/// Returns the file stem of a function's package.
fn binary(resource: &Resource<'_>) -> Result<String, TemplateError> {
    let file = resource.text("Code.OssObjectName")?;
    Ok(Path::new(&file).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default())
}

/// Returns the time limit of a lifecycle hook in seconds, or `None` if it has no handler and is not called.
fn hook(resource: &Resource<'_>, name: &str) -> Result<Option<u64>, TemplateError> {
    let place = format!("InstanceLifecycleConfig.{name}");
    match resource.optional_text(&format!("{place}.Handler"))? {
        Some(handler) if !handler.is_empty() => resource.number(&format!("{place}.Timeout"), 3).map(Some),
        _ => Ok(None),
    }
}
