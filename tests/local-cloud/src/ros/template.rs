//! The functions and triggers that a ROS template describes, with parameters, conditions and references resolved.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

use super::resolve::{self, Resolver};
pub use super::schedule::Schedule;
pub use crate::eventbridge::pattern::Pattern;
use crate::{
    error::Error,
    ram::{accounts::OWN_ACCOUNT, policy::Role, trust::Trust},
};

/// The maximum total size of the names and values of a function's environment variables.
const MOST_BYTES_OF_VARIABLES: usize = 4096;

/// An error in a template, with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct TemplateError {
    /// The file, or the path in the template such as `Resources.MyFunction.Properties.Timeout`.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

/// A function as the template describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
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
    /// The name of its role, which must be in the template.
    pub role: Option<String>,
    /// `EnvironmentVariables`.
    pub environment: BTreeMap<String, String>,
    /// `MaxAsyncRetryAttempts`.
    pub async_retries: u32,
    /// `MaxAsyncEventAgeInSeconds`: events that have waited longer are given up.
    pub async_max_age: u64,
    /// The queue for events that exhausted FC's retries. It must be in the template.
    pub on_failure: Option<String>,
    /// The ARN of the Logstore for its log lines, which must be in the template.
    pub log_store: Option<String>,
    /// The time limit of `/initialize` in seconds; `None` if the hook is not called.
    pub initializer: Option<u64>,
    /// The time limit of `/pre-stop` in seconds; `None` if the hook is not called.
    pub pre_stop: Option<u64>,
}

/// A function that the template creates only with other parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// What invokes a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// `TriggerName`.
    pub name: String,
    /// The function's name.
    pub function: String,
    /// Whether the trigger is enabled.
    pub enabled: bool,
    /// What the trigger listens to.
    pub source: Source,
}

impl Trigger {
    /// Returns whether an event on the default bus triggers its function.
    #[must_use]
    pub fn matches(&self, event: &Value) -> bool {
        self.enabled && matches!(&self.source, Source::Events { pattern, .. } if pattern.matches(event))
    }
}

/// The kinds of triggers.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Events on the default bus.
    Events {
        /// `eventRuleFilterPattern`.
        pattern: Pattern,
        /// `asyncInvocationType`: FC retries, not EventBridge.
        asynchronous: bool,
        /// EventBridge's retry strategy.
        retries: RetryStrategy,
        /// EventBridge's dead-letter queue.
        dead_letters: Option<String>,
    },
    /// A timer.
    Timer {
        /// When it fires.
        schedule: Schedule,
        /// The payload that the function receives, as text.
        payload: String,
    },
}

/// `EventBridge`'s `PushRetryStrategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryStrategy {
    /// `BACKOFF_RETRY`: three retries, each after 10 to 20 seconds.
    Backoff,
    /// `EXPONENTIAL_DECAY_RETRY`: 176 retries, after 1, 2, 4 and so on up to 512 seconds, which is a day in total.
    ExponentialDecay,
}

/// The part of a template that the local cloud uses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    /// The functions.
    pub functions: Vec<Function>,
    /// The functions that it does not create with these parameters.
    pub absent: Vec<Absent>,
    /// The triggers.
    pub triggers: Vec<Trigger>,
    /// The roles, with their policies.
    pub roles: Vec<Role>,
}

impl Template {
    /// Checks that the template creates a function with this name or binary.
    pub(crate) fn has(&self, function: &str) -> Result<(), Error> {
        if self.functions.iter().any(|known| known.name == function || known.binary == function) {
            return Ok(());
        }
        let known = || self.functions.iter().map(|known| known.name.clone()).collect();
        let unknown = || Error::NoFunction { wanted: function.to_owned(), known: known() };
        Err(Absent::among(&self.absent, function).map_or_else(unknown, Error::from))
    }

    /// Reads a template file for an account and region.
    pub fn read(
        path: &Path,
        parameters: &BTreeMap<String, String>,
        account: &str,
        region: &str,
    ) -> Result<Self, TemplateError> {
        let at_file = |problem: String| TemplateError { place: path.display().to_string(), problem };
        let text = std::fs::read_to_string(path).map_err(|error| at_file(format!("it cannot be read: {error}")))?;
        Self::parse(&text, parameters, account, region)
            .map_err(|error| if error.place.is_empty() { at_file(error.problem) } else { error })
    }

    /// Parses the text of a template.
    pub fn parse(
        text: &str,
        parameters: &BTreeMap<String, String>,
        account: &str,
        region: &str,
    ) -> Result<Self, TemplateError> {
        let resolver = Resolver::new(document(text)?, parameters, account, region)?;
        let mut template =
            Self { roles: roles(&resolver, resolver.resources("ALIYUN::RAM::Role")?)?, ..Self::default() };
        let (queues, log_stores) = (queues(&resolver)?, log_stores(&resolver, account, region)?);
        for resource in resolver.resources("ALIYUN::FC3::Function")? {
            let command = resource.value("CustomRuntimeConfig.Command")?;
            if command.is_some_and(|command| command != json!(["/code/bootstrap"])) {
                return Err(
                    resource.error("CustomRuntimeConfig.Command", "is not /code/bootstrap, all that a package has")
                );
            }
            let is_cut_off = resource.optional_text("InternetAccess")?.as_deref() == Some("false");
            if is_cut_off && resource.value("VpcConfig")?.is_none() {
                return Err(resource.error("InternetAccess", "is off, and without VpcConfig there is no other way out"));
            }
            template.functions.push(Function {
                name: resource.text("FunctionName")?,
                binary: binary(&resource)?,
                handler: resource.optional_text("Handler")?.unwrap_or_else(|| "index.handler".into()),
                timeout: resource.number("Timeout", 3)?,
                memory: resource.number("MemorySize", 512)?,
                concurrency: usize::try_from(resource.number("InstanceConcurrency", 1)?).unwrap_or(usize::MAX),
                role: role_of(&resource, &template.roles)?,
                environment: environment(&resource)?,
                async_retries: 3,
                async_max_age: 86_400,
                on_failure: None,
                log_store: log_store_of(&resource, &log_stores, account, region)?,
                initializer: hook(&resource, "Initializer")?,
                pre_stop: hook(&resource, "PreStop")?,
            });
        }
        for (resource, needed) in resolver.absent("ALIYUN::FC3::Function")? {
            let name = resource.text("FunctionName")?;
            template.absent.push(Absent { name, binary: binary(&resource)?, needed });
        }
        for resource in resolver.resources("ALIYUN::FC3::AsyncInvokeConfig")? {
            let name = resource.text("FunctionName")?;
            let retries = resource.number("MaxAsyncRetryAttempts", 3)?;
            let destination = queue_of(&resource, "DestinationConfig.OnFailure.Destination", &queues)?;
            let function = template.functions.iter_mut().find(|function| function.name == name);
            let function = function.ok_or_else(|| resource.error("FunctionName", "no function has this name"))?;
            for (place, problem) in [
                ("DestinationConfig.OnSuccess", "local-cloud sends only failures on"),
                ("AsyncTask", "local-cloud has no task mode"),
            ] {
                if resource.value(place)?.is_some_and(|value| value != false) {
                    return Err(resource.error(place, problem));
                }
            }
            function.async_retries = u32::try_from(retries).unwrap_or(u32::MAX);
            function.async_max_age = resource.number("MaxAsyncEventAgeInSeconds", 86_400)?;
            function.on_failure = destination;
        }
        for resource in resolver.resources("ALIYUN::FC3::Trigger")? {
            let function = resource.text("FunctionName")?;
            if !template.functions.iter().any(|known| known.name == function) {
                return Err(resource.error("FunctionName", "no function has this name"));
            }
            let (switch, source) = match resource.text("TriggerType")?.as_str() {
                "eventbridge" => ("TriggerConfig.triggerEnable", events(&resource, &queues)?),
                "timer" => ("TriggerConfig.enable", timer(&resource)?),
                other => return Err(resource.error("TriggerType", &format!("{other:?} is not known to local-cloud"))),
            };
            if resource.optional_text("Qualifier")?.is_some_and(|qualifier| qualifier != "LATEST") {
                return Err(resource.error("Qualifier", "is not LATEST, which alone local-cloud knows"));
            }
            // The setting is optional for event triggers, which are enabled by default. Timers require it.
            let enabled = resource.optional_text(switch)?.as_deref() != Some("false");
            template.triggers.push(Trigger { name: resource.text("TriggerName")?, function, enabled, source });
        }
        template.check_names()?;
        Ok(template)
    }

    /// Checks that no name is used twice, which the services would refuse.
    fn check_names(&self) -> Result<(), TemplateError> {
        let roles = self.roles.iter().map(|role| format!("the role {}", role.name));
        let functions = self.functions.iter().map(|function| format!("the function {}", function.name));
        let triggers =
            self.triggers.iter().map(|trigger| format!("the trigger {} of {}", trigger.name, trigger.function));
        let mut names = BTreeSet::new();
        for name in roles.chain(functions).chain(triggers) {
            if names.contains(&name) {
                return Err(TemplateError { place: "Resources".into(), problem: format!("{name} is there twice") });
            }
            names.insert(name);
        }
        Ok(())
    }

    /// Returns the role with this name as a template describes it for another account. Ignores the role's condition,
    /// which is about the own account.
    pub(crate) fn role_elsewhere(
        path: &Path,
        parameters: &BTreeMap<String, String>,
        external_id: Option<&str>,
        account: &str,
        region: &str,
        name: &str,
    ) -> Result<Option<Role>, TemplateError> {
        let at_file = |problem: String| TemplateError { place: path.display().to_string(), problem };
        let text = std::fs::read_to_string(path).map_err(|error| at_file(format!("it cannot be read: {error}")))?;
        let document = document(&text)?;
        // The parameters of the own account's stack also apply to the other account's, as far as its template has them.
        let mut given = parameters.clone();
        given.insert("MainAccountId".into(), OWN_ACCOUNT.into());
        given.retain(|name, _| document["Parameters"].get(name).is_some());
        given.extend(external_id.map(|id| ("ExternalId".to_owned(), id.to_owned())));
        let resolver = Resolver::new(document, &given, account, region)?;
        let mut named = Vec::new();
        for resource in resolver.declared("ALIYUN::RAM::Role") {
            if resource.text("RoleName")?.eq_ignore_ascii_case(name) {
                named.push(resource);
            }
        }
        Ok(roles(&resolver, named)?.pop())
    }

    /// Denies an action to a role, which is given by its name in the template.
    pub(crate) fn revoke(&mut self, role: &str, action: &str) -> Result<(), TemplateError> {
        let error = |problem: String| TemplateError { place: format!("Resources.{role}"), problem };
        let known: Vec<String> = self.roles.iter().map(|role| role.id.clone()).collect();
        let found = self.roles.iter_mut().find(|known| known.id == role);
        let found = found.ok_or_else(|| error(format!("is no role of the template; there is {}", known.join(", "))))?;
        if found.revoke(action) {
            Ok(())
        } else {
            Err(error(format!(
                "does not allow {action:?}, so that it cannot be taken away; it allows {}",
                found.allowed_actions().join(", ")
            )))
        }
    }
}

fn document(text: &str) -> Result<Value, TemplateError> {
    let at_top = |problem: String| TemplateError { place: String::new(), problem };
    let documents = Yaml::load_from_str(text).map_err(|error| at_top(error.to_string()))?;
    documents.first().map(plain).ok_or_else(|| at_top("the template is empty".into()))
}

/// Returns the roles with their trust, their own policies and the policies attached to them.
fn roles(resolver: &Resolver, resources: Vec<resolve::Resource<'_>>) -> Result<Vec<Role>, TemplateError> {
    let mut roles = Vec::new();
    for resource in resources {
        for elsewhere in ["PolicyAttachments", "ManagedPolicyArns"] {
            if resource.value(elsewhere)?.is_some() {
                return Err(resource.error(elsewhere, "local-cloud knows only what the template itself says of a role"));
            }
        }
        let mut role = Role::new(resource.id(), &resource.text("RoleName")?);
        if let Some(document) = resource.value("AssumeRolePolicyDocument")? {
            let at = |(place, problem): (String, String)| {
                resource.error(&format!("AssumeRolePolicyDocument{place}"), &problem)
            };
            role.trust = Trust::read(&document).map_err(at)?;
        }
        let policies = resource.value("Policies")?.unwrap_or_default();
        for (n, policy) in policies.as_array().into_iter().flatten().enumerate() {
            let at = |(place, problem): (String, String)| {
                resource.error(&format!("Policies[{n}].PolicyDocument{place}"), &problem)
            };
            role.attach(&policy["PolicyDocument"]).map_err(at)?;
        }
        roles.push(role);
    }
    for resource in resolver.resources("ALIYUN::RAM::ManagedPolicy")? {
        let document = resource.value("PolicyDocument")?.unwrap_or_default();
        let names = resource.value("Roles")?.unwrap_or_default();
        for name in names.as_array().into_iter().flatten().filter_map(Value::as_str) {
            let at = |(place, problem): (String, String)| resource.error(&format!("PolicyDocument{place}"), &problem);
            if let Some(role) = roles.iter_mut().find(|role| role.name == name.to_lowercase()) {
                role.attach(&document).map_err(at)?;
            }
        }
    }
    if let Some(resource) = resolver.resources("ALIYUN::RAM::AttachPolicyToRole")?.first() {
        return Err(resource.error("PolicyName", "local-cloud knows only what the template itself says of a role"));
    }
    Ok(roles)
}

/// Returns the name of a function's role. It must be in the template, because the permissions of any other role are
/// unknown.
fn role_of(resource: &resolve::Resource<'_>, roles: &[Role]) -> Result<Option<String>, TemplateError> {
    let Some(arn) = resource.optional_text("Role")? else { return Ok(None) };
    let name = arn.rsplit('/').next().unwrap_or_default().to_lowercase();
    if roles.iter().any(|role| role.name == name) {
        Ok(Some(name))
    } else {
        Err(resource.error("Role", &format!("{arn} is no role of the template")))
    }
}

/// Returns a function's environment variables, within Function Compute's limit. FC counts bytes; ROS counts characters.
fn environment(resource: &resolve::Resource<'_>) -> Result<BTreeMap<String, String>, TemplateError> {
    let variables = resource.map("EnvironmentVariables")?;
    let bytes: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes <= MOST_BYTES_OF_VARIABLES {
        Ok(variables)
    } else {
        let problem = format!("are {bytes} bytes, of which Function Compute takes {MOST_BYTES_OF_VARIABLES}");
        Err(resource.error("EnvironmentVariables", &problem))
    }
}

/// Returns the ARNs of the queues that a template creates.
fn queues(resolver: &Resolver) -> Result<Vec<String>, TemplateError> {
    resolver.resources("ALIYUN::MNS::Queue")?.iter().map(|queue| queue.attribute("ARN.WithSlash")).collect()
}

/// Returns the ARN of a queue, or of its messages. It must be in the template, or the dead letters would be lost.
fn queue_of(resource: &resolve::Resource<'_>, place: &str, queues: &[String]) -> Result<Option<String>, TemplateError> {
    let Some(arn) = resource.optional_text(place)? else { return Ok(None) };
    if queues.iter().any(|queue| queue == arn.strip_suffix("/messages").unwrap_or(&arn)) {
        Ok(Some(arn))
    } else {
        Err(resource.error(place, &format!("{arn} is no queue of the template")))
    }
}

fn log_store_arn(account: &str, region: &str, project: &str, log_store: &str) -> String {
    format!("acs:log:{region}:{account}:project/{project}/logstore/{log_store}")
}

/// Returns the ARNs of the Logstores that a template creates.
fn log_stores(resolver: &Resolver, account: &str, region: &str) -> Result<Vec<String>, TemplateError> {
    let arn = |resource: &resolve::Resource<'_>| {
        Ok(log_store_arn(account, region, &resource.text("ProjectName")?, &resource.text("LogstoreName")?))
    };
    resolver.resources("ALIYUN::SLS::Logstore")?.iter().map(arn).collect()
}

/// Returns the ARN of the Logstore for a function's log lines. It must be in the template, or nobody would find them.
fn log_store_of(
    resource: &resolve::Resource<'_>,
    log_stores: &[String],
    account: &str,
    region: &str,
) -> Result<Option<String>, TemplateError> {
    let Some(log_store) = resource.optional_text("LogConfig.Logstore")? else { return Ok(None) };
    let arn = log_store_arn(account, region, &resource.text("LogConfig.Project")?, &log_store);
    if log_stores.contains(&arn) {
        Ok(Some(arn))
    } else {
        Err(resource.error("LogConfig", &format!("{arn} is no Logstore of the template")))
    }
}

/// Returns the file stem of a function's package.
fn binary(resource: &resolve::Resource<'_>) -> Result<String, TemplateError> {
    let file = resource.text("Code.OssObjectName")?;
    Ok(Path::new(&file).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default())
}

/// Returns the time limit of a lifecycle hook in seconds, or `None` if it has no handler and is not called.
fn hook(resource: &resolve::Resource<'_>, name: &str) -> Result<Option<u64>, TemplateError> {
    let place = format!("InstanceLifecycleConfig.{name}");
    match resource.optional_text(&format!("{place}.Handler"))? {
        Some(handler) if !handler.is_empty() => resource.number(&format!("{place}.Timeout"), 3).map(Some),
        _ => Ok(None),
    }
}

fn timer(resource: &resolve::Resource<'_>) -> Result<Source, TemplateError> {
    resource.text("TriggerConfig.enable")?;
    let place = "TriggerConfig.cronExpression";
    let schedule = Schedule::parse(&resource.text(place)?).map_err(|problem| resource.error(place, &problem))?;
    Ok(Source::Timer { schedule, payload: resource.optional_text("TriggerConfig.payload")?.unwrap_or_default() })
}

fn events(resource: &resolve::Resource<'_>, queues: &[String]) -> Result<Source, TemplateError> {
    let text = resource.text("TriggerConfig.eventRuleFilterPattern")?;
    let bad =
        |error: &dyn std::fmt::Display| resource.error("TriggerConfig.eventRuleFilterPattern", &error.to_string());
    for (place, known) in [
        ("TriggerConfig.eventSourceConfig.eventSourceType", "Default"),
        ("TriggerConfig.eventSinkConfig.deliveryOption.eventSchema", "CloudEvents"),
        ("TriggerConfig.runOptions.mode", "event-driven"),
        ("TriggerConfig.runOptions.errorsTolerance", "ALL"),
    ] {
        if resource.optional_text(place)?.is_some_and(|given| given != known) {
            return Err(resource.error(place, &format!("is not {known}, which alone local-cloud knows")));
        }
    }
    let strategy = resource.optional_text("TriggerConfig.runOptions.retryStrategy.PushRetryStrategy")?;
    let retries = match strategy.as_deref() {
        None | Some("BACKOFF_RETRY") => RetryStrategy::Backoff,
        Some("EXPONENTIAL_DECAY_RETRY") => RetryStrategy::ExponentialDecay,
        Some(_) => {
            let place = "TriggerConfig.runOptions.retryStrategy.PushRetryStrategy";
            return Err(resource.error(place, "is not BACKOFF_RETRY or EXPONENTIAL_DECAY_RETRY"));
        }
    };
    let pattern = serde_json::from_str::<Value>(&text).map_err(|error| bad(&error))?;
    let pattern = Pattern::parse(&pattern).map_err(|(place, problem)| {
        resource.error(&format!("TriggerConfig.eventRuleFilterPattern{place}"), &problem)
    })?;
    Ok(Source::Events {
        pattern,
        asynchronous: resource.optional_text("TriggerConfig.asyncInvocationType")?.as_deref() == Some("true"),
        retries,
        dead_letters: queue_of(resource, "TriggerConfig.runOptions.deadLetterQueue.Arn", queues)?,
    })
}

/// Returns the path of this repository's template: `template.yml` in the current directory or a parent, otherwise in
/// the directory where the crate was built.
pub fn default_path() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let found = here.ancestors().map(|folder| folder.join("template.yml")).find(|path| path.is_file());
    found.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yml"))
}

/// Converts YAML to JSON, which is enough for a template.
fn plain(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => (*value).into(),
        Yaml::Value(Scalar::Integer(value)) => (*value).into(),
        Yaml::Value(Scalar::FloatingPoint(value)) => (**value).into(),
        Yaml::Value(Scalar::String(value)) => value.as_ref().into(),
        Yaml::Sequence(items) => items.iter().map(plain).collect(),
        Yaml::Mapping(members) => {
            let key = |key: &Yaml<'_>| match plain(key) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            Value::Object(members.iter().map(|(name, value)| (key(name), plain(value))).collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = r#"
Parameters:
  Prefix: {Type: String, Default: demo}
  Bucket: {Type: String}
  Extra: {Type: String, Default: 'false'}
Conditions:
  Extra: {'Fn::Equals': [{Ref: Extra}, 'true']}
Resources:
  Queue: {Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: {'Fn::Sub': '${Prefix}-q'}}}
  Lines: {Type: 'ALIYUN::SLS::Logstore', Properties: {ProjectName: p, LogstoreName: lines}}
  Role: {Type: 'ALIYUN::RAM::Role', Properties: {RoleName: {'Fn::Sub': '${Prefix}-Role'}}}
  Main:
    Type: ALIYUN::FC3::Function
    Properties:
      FunctionName: {'Fn::Sub': '${Prefix}-main'}
      Code: {OssBucketName: {Ref: Bucket}, OssObjectName: 'v1/main-function.zip'}
      CustomRuntimeConfig: {Command: [/code/bootstrap]}
      Timeout: 30
      LogConfig: {'Fn::If': [Extra, {Ref: 'ALIYUN::NoValue'}, {Project: p, Logstore: {'Fn::GetAtt': [Lines, LogstoreName]}}]}
      Role: {'Fn::GetAtt': [Role, Arn]}
      EnvironmentVariables:
        WHERE: {'Fn::Sub': 'acs:${ALIYUN::Region}:${ALIYUN::TenantId}:${Queue.ARN.WithSlash}:${!kept}'}
        WHICH: {'Fn::If': [Extra, more, less]}
        ONLY: {'Fn::If': [Extra, there, {Ref: 'ALIYUN::NoValue'}]}
  Other:
    Type: ALIYUN::FC3::Function
    Condition: Extra
    Properties: {FunctionName: other, Code: {OssObjectName: other.zip}}
  Async:
    Type: ALIYUN::FC3::AsyncInvokeConfig
    Properties:
      FunctionName: {'Fn::GetAtt': [Main, FunctionName]}
      MaxAsyncRetryAttempts: 1
      DestinationConfig: {OnFailure: {Destination: {'Fn::Sub': '${Queue.ARN.WithSlash}/messages'}}}
  Wake:
    Type: ALIYUN::FC3::Trigger
    Properties:
      FunctionName: {'Fn::GetAtt': [Main, FunctionName]}
      TriggerName: wake
      TriggerType: eventbridge
      TriggerConfig: {asyncInvocationType: true, eventRuleFilterPattern: '{"type":["x"]}'}
  Tick:
    Type: ALIYUN::FC3::Trigger
    Properties:
      FunctionName: {'Fn::GetAtt': [Main, FunctionName]}
      TriggerName: tick
      TriggerType: timer
      TriggerConfig: {cronExpression: '@every 1h', enable: true}
"#;

    fn parse(text: &str, parameters: &[(&str, &str)]) -> Result<Template, TemplateError> {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Template::parse(text, &parameters, "1000000000000001", "cn-hangzhou")
    }

    #[test]
    fn references_lead_to_values() {
        let template = parse(TEMPLATE, &[]).unwrap();
        let [main] = template.functions.as_slice() else { panic!("{template:?}") };
        assert_eq!((main.name.as_str(), main.binary.as_str(), main.timeout), ("demo-main", "main-function", 30));
        assert_eq!(main.role.as_deref(), Some("demo-role"));
        let queue = "acs:mns:cn-hangzhou:1000000000000001:/queues/demo-q";
        assert_eq!(main.environment["WHERE"], format!("acs:cn-hangzhou:1000000000000001:{queue}:${{kept}}"));
        assert_eq!(main.environment["WHICH"], "less");
        assert_eq!(main.environment.get("ONLY"), None, "ALIYUN::NoValue takes the member away");
        assert_eq!(main.async_retries, 1);
        assert_eq!(main.on_failure, Some(format!("{queue}/messages")));
        let lines = "acs:log:cn-hangzhou:1000000000000001:project/p/logstore/lines";
        assert_eq!(main.log_store.as_deref(), Some(lines), "a choice may be made above what is asked for");
        assert_eq!(template.triggers.len(), 2);
    }

    #[test]
    fn conditions_follow_the_parameters() {
        let template = parse(TEMPLATE, &[("Extra", "true"), ("Prefix", "mine")]).unwrap();
        let names: Vec<&str> = template.functions.iter().map(|function| function.name.as_str()).collect();
        assert_eq!(names, ["mine-main", "other"]);
        assert_eq!(template.functions[0].environment["WHICH"], "more");
        assert_eq!(template.functions[0].environment["ONLY"], "there");
        assert_eq!(template.functions[0].log_store, None);
    }

    #[test]
    fn what_is_not_there_says_which_parameters_would_make_it() {
        for (condition, expected) in [
            ("{'Fn::Equals': [{Ref: Extra}, 'true']}", "Extra=true"),
            ("{'Fn::Not': {'Fn::Equals': [{Ref: Prefix}, demo]}}", "Prefix other than demo"),
            ("{'Fn::Not': [{'Fn::Equals': [{Ref: Prefix}, demo]}]}", "Prefix other than demo"),
            (
                "{'Fn::And': [{'Fn::Equals': [{Ref: Extra}, 'true']}, {'Fn::Equals': [{Ref: Prefix}, demo]}]}",
                "Extra=true",
            ),
            (
                "{'Fn::And': [{'Fn::Equals': [{Ref: Extra}, 'true']}, {'Fn::Equals': [{Ref: Prefix}, mine]}]}",
                "Extra=true and Prefix=mine",
            ),
            (
                "{'Fn::Or': [{'Fn::Equals': [{Ref: Extra}, 'true']}, {'Fn::Equals': [{Ref: Prefix}, mine]}]}",
                "Extra=true or Prefix=mine",
            ),
            (
                "{'Fn::Not': {'Fn::Or': [{'Fn::Equals': [{Ref: Extra}, 'false']}, {'Fn::Equals': [{Ref: Prefix}, demo]}]}}",
                "Extra other than false and Prefix other than demo",
            ),
        ] {
            let template = TEMPLATE.replace("{'Fn::Equals': [{Ref: Extra}, 'true']}", condition);
            let [absent] = parse(&template, &[]).unwrap().absent.try_into().unwrap();
            assert_eq!(absent, Absent { name: "other".into(), binary: "other".into(), needed: expected.into() });
        }
        assert_eq!(parse(TEMPLATE, &[("Extra", "true")]).unwrap().absent, []);
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let broken = |from: &str, to: &str| parse(&TEMPLATE.replace(from, to), &[]).unwrap_err().to_string();
        assert_eq!(
            broken("Timeout: 30", "Timeout: soon"),
            "Resources.Main.Properties.Timeout: \"soon\" is no whole number"
        );
        assert_eq!(
            broken("[Role, Arn]", "[Rolle, Arn]"),
            "Resources.Main.Properties.Role: \"Rolle\" is no resource of the template"
        );
        assert_eq!(
            broken("'${Prefix}-main'", "'${Bucket}-main'"),
            "Resources.Main.Properties.FunctionName: the parameter Bucket has no default and is not given"
        );
        assert!(broken("{\"type\":[\"x\"]}", "{type").starts_with("Resources.Wake.Properties.TriggerConfig."));
        assert_eq!(
            broken("{asyncInvocationType: true,", "{runOptions: {errorsTolerance: NONE},"),
            "Resources.Wake.Properties.TriggerConfig.runOptions.errorsTolerance: is not ALL, which alone local-cloud \
             knows"
        );
        assert_eq!(
            broken("[\"x\"]", "[\"x\",{\"prefx\":\"y\"}]").split(';').next(),
            Some("Resources.Wake.Properties.TriggerConfig.eventRuleFilterPattern.type[1]: prefx is no operator")
        );
        assert_eq!(
            broken("MaxAsyncRetryAttempts: 1", "AsyncTask: true"),
            "Resources.Async.Properties.AsyncTask: local-cloud has no task mode"
        );
        let somewhere = "acs:mns:cn-hangzhou:1000000000000001:/queues/somewhere";
        assert_eq!(
            broken("'${Queue.ARN.WithSlash}/messages'", &format!("'{somewhere}/messages'")),
            format!(
                "Resources.Async.Properties.DestinationConfig.OnFailure.Destination: {somewhere}/messages is no queue of \
                 the template"
            )
        );
        assert_eq!(
            broken(
                "{asyncInvocationType: true,",
                &format!("{{runOptions: {{deadLetterQueue: {{Arn: '{somewhere}'}}}},")
            ),
            format!(
                "Resources.Wake.Properties.TriggerConfig.runOptions.deadLetterQueue.Arn: {somewhere} is no queue of the \
                 template"
            )
        );
        assert_eq!(
            broken("{Project: p,", "{Project: another,"),
            "Resources.Main.Properties.LogConfig: acs:log:cn-hangzhou:1000000000000001:project/another/logstore/lines is no \
             Logstore of the template"
        );
        assert_eq!(
            broken("{'Fn::If': [Extra, more, less]}", &"志".repeat(1400)),
            "Resources.Main.Properties.EnvironmentVariables: are 4302 bytes, of which Function Compute takes 4096"
        );
        assert_eq!(
            broken("Timeout: 30", "InternetAccess: false"),
            "Resources.Main.Properties.InternetAccess: is off, and without VpcConfig there is no other way out"
        );
        assert_eq!(
            broken("[/code/bootstrap]", "[/code/start]"),
            "Resources.Main.Properties.CustomRuntimeConfig.Command: is not /code/bootstrap, all that a package has"
        );
        assert_eq!(
            broken("TriggerName: tick", "TriggerName: tick\n      Qualifier: live"),
            "Resources.Tick.Properties.Qualifier: is not LATEST, which alone local-cloud knows"
        );
        assert_eq!(
            broken("TriggerName: tick", "TriggerName: wake"),
            "Resources: the trigger wake of demo-main is there twice"
        );
        assert_eq!(
            broken("@every 1h", "@every day"),
            "Resources.Tick.Properties.TriggerConfig.cronExpression: \"day\" is no interval such as 1h30m"
        );
        assert_eq!(
            parse(TEMPLATE, &[("Nobody", "1")]).unwrap_err().to_string(),
            "Parameters.Nobody: is given, but the template has no such parameter; it has Bucket, Extra, Prefix"
        );
    }

    #[test]
    fn a_parameter_has_a_value_that_the_template_allows() {
        let template = TEMPLATE.replace(
            "  Bucket: {Type: String}",
            "  Bucket: {Type: String, AllowedPattern: '[a-z]+-[0-9]|x'}\n  Days: {Type: Number, Default: 30, MinValue: 1, \
             MaxValue: 3650}\n  Runtime: {Type: String, Default: custom, AllowedValues: [custom, custom.debian10]}\n  \
             Word: {Type: String, Default: abc, MinLength: 2, MaxLength: 4}\n  On: {Type: Boolean, Default: true}",
        );
        let with = |name, value| parse(&template, &[(name, value)]).map(|_| ()).map_err(|error| error.to_string());
        for (name, value) in [
            ("Bucket", "b-1"),
            ("Bucket", "x"),
            ("Days", "1"),
            ("Days", "3650"),
            ("Runtime", "custom"),
            ("Word", "流日志"),
        ] {
            assert_eq!(with(name, value), Ok(()), "{name}={value}");
        }
        for (name, value, expected) in [
            ("Bucket", "b-12", "Parameters.Bucket: \"b-12\" has not the form [a-z]+-[0-9]|x"),
            ("Days", "0", "Parameters.Days: \"0\" is less than its MinValue of 1"),
            ("Days", "3651", "Parameters.Days: \"3651\" is more than its MaxValue of 3650"),
            ("Days", "many", "Parameters.Days: \"many\" is no number"),
            ("Runtime", "custom.debian9", "Parameters.Runtime: \"custom.debian9\" is none of custom, custom.debian10"),
            ("Word", "a", "Parameters.Word: \"a\" is shorter than its MinLength of 2"),
            ("Word", "abcde", "Parameters.Word: \"abcde\" is longer than its MaxLength of 4"),
            ("On", "yes", "Parameters.On: \"yes\" is not true or false"),
        ] {
            assert_eq!(with(name, value).unwrap_err(), expected);
        }
    }

    #[test]
    fn the_template_of_this_repository_is_understood() {
        let template = Template::read(&default_path(), &BTreeMap::new(), "1000000000000001", "cn-hangzhou").unwrap();
        let function = template.functions.iter().find(|function| function.binary == "create-flow-log").unwrap();
        assert_eq!(function.name, "flowkeeper-create-flow-log");
        assert!(function.environment["FLOWKEEPER_POLICY"].contains("flow_log:"));
    }
}
