//! The functions and triggers that a ROS template describes, with parameters, conditions and references resolved.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

use super::{
    alarms::{self, Alarms},
    function::{self, Absent, Function},
    log_store::{self, LogStore},
    queue,
    resolve::Resolver,
    role,
    rule::{self, Rule},
    trigger::{self, Trigger},
};
use crate::{error::Error, ram::policy::Role, suggestion::did_you_mean, world::state::Place};

/// An error in a template, with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct TemplateError {
    /// The file, or the path in the template such as `Resources.MyFunction.Properties.Timeout`.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

/// The part of a template that the local cloud uses.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Template {
    /// The functions.
    pub functions: Vec<Function>,
    /// The functions that it does not create with these parameters.
    pub absent: Vec<Absent>,
    /// The triggers.
    pub triggers: Vec<Trigger>,
    /// The roles, with their policies.
    pub roles: Vec<Role>,
    /// The Logstores.
    pub log_stores: Vec<LogStore>,
    /// The rules on event buses.
    pub rules: Vec<Rule>,
    /// The ARNs of the queues.
    pub queues: Vec<String>,
    /// What looks at the functions.
    pub alarms: Alarms,
}

impl Template {
    /// Checks that the template creates a function with this name or binary.
    pub(crate) fn has(&self, function: &str) -> Result<(), Error> {
        if self.functions.iter().any(|known| known.name == function || known.binary == function) {
            return Ok(());
        }
        let unknown = || Error::no_function(function, self.functions.iter());
        Err(Absent::among(&self.absent, function).map_or_else(unknown, Error::from))
    }

    /// Reads a template file for an account and region, for an account that has no role yet.
    pub fn read(
        path: &Path,
        parameters: &BTreeMap<String, String>,
        account: &str,
        region: &str,
    ) -> Result<Self, TemplateError> {
        let place = Place { account: account.to_owned(), region: region.to_owned() };
        TemplateFile::read(path)?.resolve(parameters, &place, &BTreeSet::new())
    }

    /// Parses the text of a template.
    pub fn parse(
        text: &str,
        parameters: &BTreeMap<String, String>,
        account: &str,
        region: &str,
    ) -> Result<Self, TemplateError> {
        let place = Place { account: account.to_owned(), region: region.to_owned() };
        Self::of(&Resolver::new(document(text)?, parameters, account, region)?, &place, &BTreeSet::new())
    }

    fn of(resolver: &Resolver, place: &Place, known_roles: &BTreeSet<String>) -> Result<Self, TemplateError> {
        let roles = role::roles(resolver, resolver.resources("ALIYUN::RAM::Role")?)?;
        let queues = queue::queues(resolver)?;
        let log_stores = log_store::log_stores(resolver)?;
        let names = roles.iter().map(|role| role.name.clone()).chain(known_roles.iter().cloned()).collect();
        let mut functions = function::functions(resolver, &names, &log_stores, place)?;
        let absent = function::absent(resolver)?;
        function::read_async_configs(resolver, &mut functions, &queues)?;
        function::read_concurrency_configs(resolver, &mut functions)?;
        let triggers = trigger::triggers(resolver, &functions, &queues, place)?;
        let rules = rule::rules(resolver, &place.account, &place.region, &queues)?;
        let alarms = alarms::alarms(resolver, &place.account, &place.region)?;
        let template = Self { functions, absent, triggers, roles, log_stores, rules, queues, alarms };
        template.check_names()?;
        Ok(template)
    }

    /// Checks that no name is used twice, which the services would refuse.
    fn check_names(&self) -> Result<(), TemplateError> {
        let roles = self.roles.iter().map(|role| format!("the role {}", role.name));
        let functions = self.functions.iter().map(|function| format!("the function {}", function.name));
        let triggers =
            self.triggers.iter().map(|trigger| format!("the trigger {} of {}", trigger.name, trigger.function));
        let rules = self.rules.iter().map(|rule| format!("the rule {} on the {}", rule.name, rule.bus));
        let mut names = BTreeSet::new();
        for name in roles.chain(functions).chain(triggers).chain(rules) {
            if names.contains(&name) {
                return Err(TemplateError { place: "Resources".into(), problem: format!("{name} is defined twice") });
            }
            names.insert(name);
        }
        Ok(())
    }

    /// Denies an action to a role, which is given by its name in the template.
    pub(crate) fn revoke(&mut self, role: &str, action: &str) -> Result<(), TemplateError> {
        let error = |problem: String| TemplateError { place: format!("Resources.{role}"), problem };
        let ids: Vec<String> = self.roles.iter().map(|known| known.id.clone()).collect();
        let found = self.roles.iter_mut().find(|known| known.id == role);
        let found = found.ok_or_else(|| {
            let hint = did_you_mean(role, ids.iter().map(String::as_str));
            error(format!("is not a role of the template{hint}; its roles are {}", ids.join(", ")))
        })?;
        if found.revoke(action) {
            Ok(())
        } else {
            Err(error(format!(
                "does not allow {action:?}, so it cannot be denied; it allows {}",
                found.allowed_actions().join(", ")
            )))
        }
    }
}

/// A template file that is read once and resolved for several stacks.
pub(crate) struct TemplateFile(Value);

impl TemplateFile {
    pub(crate) fn read(path: &Path) -> Result<Self, TemplateError> {
        let text = read_file(path)?;
        document(&text)
            .map(Self)
            .map_err(|error| if error.place.is_empty() { in_file(path, error.problem) } else { error })
    }

    /// Returns the template as a stack in an account and region has it. `known_roles` are the roles that the account has
    /// already, by their names in lower case.
    pub(crate) fn resolve(
        &self,
        parameters: &BTreeMap<String, String>,
        place: &Place,
        known_roles: &BTreeSet<String>,
    ) -> Result<Template, TemplateError> {
        let resolver = Resolver::new(self.0.clone(), parameters, &place.account, &place.region)?;
        Template::of(&resolver, place, known_roles)
    }
}

/// An error about a template file as a whole.
fn in_file(path: &Path, problem: String) -> TemplateError {
    TemplateError { place: path.display().to_string(), problem }
}

fn read_file(path: &Path) -> Result<String, TemplateError> {
    std::fs::read_to_string(path).map_err(|error| in_file(path, format!("it cannot be read: {error}")))
}

/// Reads a template file without resolving it.
pub(super) fn read_document(path: &Path) -> Result<Value, TemplateError> {
    document(&read_file(path)?)
}

fn document(text: &str) -> Result<Value, TemplateError> {
    let at_top = |problem: String| TemplateError { place: String::new(), problem };
    let documents = Yaml::load_from_str(text).map_err(|error| at_top(error.to_string()))?;
    documents.first().map(plain).ok_or_else(|| at_top("the template is empty".into()))
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
      AsyncTask: {'Fn::If': [Extra, true, false]}
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
    fn tasks_instances_and_layers_belong_to_their_function() {
        let more = "
  Most: {Type: 'ALIYUN::FC3::ConcurrencyConfig', Properties: {FunctionName: demo-main, ReservedConcurrency: 5}}
  Layer: {Type: 'ALIYUN::FC3::LayerVersion', Properties: {LayerName: policy}}
";
        let text = format!("{TEMPLATE}{more}")
            .replace("Timeout: 30", "Timeout: 30\n      Layers: [{'Fn::GetAtt': [Layer, LayerVersionArn]}]");
        let with = parse(&text, &[("Extra", "true"), ("Prefix", "demo")]).unwrap().functions.remove(0);
        assert_eq!((with.async_task, with.reserved_concurrency), (true, Some(5)));
        assert_eq!(with.layers, ["policy"]);
        let without = parse(TEMPLATE, &[]).unwrap().functions.remove(0);
        assert_eq!((without.async_task, without.reserved_concurrency, without.layers), (false, None, Vec::new()));
        let unknown = text.replace("FunctionName: demo-main, Reserved", "FunctionName: demo-other, Reserved");
        assert_eq!(
            parse(&unknown, &[]).unwrap_err().to_string(),
            "Resources.Most.Properties.FunctionName: no function of the template has this name"
        );
    }

    #[test]
    fn a_logstore_has_its_retention_and_its_index() {
        let index = "
  Index:
    Type: ALIYUN::SLS::Index
    Properties: {ProjectName: p, LogstoreName: lines, KeyIndices: [{Name: a, Type: long, EnableAnalytics: true}]}
";
        let text = format!("{TEMPLATE}{index}").replace("LogstoreName: lines}}", "LogstoreName: lines, TTL: 90}}");
        let [lines] = parse(&text, &[]).unwrap().log_stores.try_into().unwrap();
        assert_eq!((lines.project.as_str(), lines.name.as_str(), lines.retention_days), ("p", "lines", 90));
        assert_eq!(lines.index.unwrap()["keys"]["a"]["type"], "long");
        let elsewhere = text.replace("LogstoreName: lines, Key", "LogstoreName: others, Key");
        assert_eq!(
            parse(&elsewhere, &[]).unwrap_err().to_string(),
            "Resources.Index.Properties.LogstoreName: is not a Logstore of the template"
        );
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
            "Resources.Main.Properties.Timeout: \"soon\" is not a whole number"
        );
        assert_eq!(
            broken("[Role, Arn]", "[Rolle, Arn]"),
            "Resources.Main.Properties.Role: \"Rolle\" is not a resource of the template"
        );
        assert_eq!(
            broken("'${Prefix}-main'", "'${Bucket}-main'"),
            "Resources.Main.Properties.FunctionName: the parameter Bucket has no default and is not given"
        );
        assert!(broken("{\"type\":[\"x\"]}", "{type").starts_with("Resources.Wake.Properties.TriggerConfig."));
        assert_eq!(
            broken("{asyncInvocationType: true,", "{runOptions: {errorsTolerance: NONE},"),
            "Resources.Wake.Properties.TriggerConfig.runOptions.errorsTolerance: is not ALL, the only value that \
             local-cloud supports"
        );
        assert_eq!(
            broken("[\"x\"]", "[\"x\",{\"prefx\":\"y\"}]").split(';').next(),
            Some("Resources.Wake.Properties.TriggerConfig.eventRuleFilterPattern.type[1]: prefx is not an operator")
        );
        assert_eq!(
            broken("DestinationConfig: {", "DestinationConfig: {OnSuccess: {Destination: x}, "),
            "Resources.Async.Properties.DestinationConfig.OnSuccess: local-cloud supports only OnFailure"
        );
        let somewhere = "acs:mns:cn-hangzhou:1000000000000001:/queues/somewhere";
        assert_eq!(
            broken("'${Queue.ARN.WithSlash}/messages'", &format!("'{somewhere}/messages'")),
            format!(
                "Resources.Async.Properties.DestinationConfig.OnFailure.Destination: {somewhere}/messages is not a queue of \
                 the template"
            )
        );
        assert_eq!(
            broken(
                "{asyncInvocationType: true,",
                &format!("{{runOptions: {{deadLetterQueue: {{Arn: '{somewhere}'}}}},")
            ),
            format!(
                "Resources.Wake.Properties.TriggerConfig.runOptions.deadLetterQueue.Arn: {somewhere} is not a queue of the \
                 template"
            )
        );
        assert_eq!(
            broken("{Project: p,", "{Project: another,"),
            "Resources.Main.Properties.LogConfig: acs:log:cn-hangzhou:1000000000000001:project/another/logstore/lines is not a \
             Logstore of the template"
        );
        assert_eq!(
            broken("{'Fn::If': [Extra, more, less]}", &"志".repeat(1400)),
            "Resources.Main.Properties.EnvironmentVariables: take 4302 bytes, and Function Compute allows 4096"
        );
        assert_eq!(
            broken("Timeout: 30", "InternetAccess: false"),
            "Resources.Main.Properties.InternetAccess: is off, and without VpcConfig the function cannot reach the API"
        );
        assert_eq!(
            broken("[/code/bootstrap]", "[/code/start]"),
            "Resources.Main.Properties.CustomRuntimeConfig.Command: is not /code/bootstrap, the only program in a package"
        );
        assert_eq!(
            broken("TriggerName: tick", "TriggerName: tick\n      Qualifier: live"),
            "Resources.Tick.Properties.Qualifier: is not LATEST, the only one that local-cloud supports"
        );
        assert_eq!(
            broken("TriggerName: tick", "TriggerName: wake"),
            "Resources: the trigger wake of demo-main is defined twice"
        );
        assert_eq!(
            broken("@every 1h", "@every day"),
            "Resources.Tick.Properties.TriggerConfig.cronExpression: \"day\" is not an interval such as 1h30m"
        );
        assert_eq!(
            parse(TEMPLATE, &[("Nobody", "1")]).unwrap_err().to_string(),
            "Parameters.Nobody: the template has no such parameter; it has Bucket, Extra, Prefix"
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
            ("Bucket", "b-12", "Parameters.Bucket: \"b-12\" does not match [a-z]+-[0-9]|x"),
            ("Days", "0", "Parameters.Days: \"0\" is less than its MinValue of 1"),
            ("Days", "3651", "Parameters.Days: \"3651\" is more than its MaxValue of 3650"),
            ("Days", "many", "Parameters.Days: \"many\" is not a number"),
            (
                "Runtime",
                "custom.debian9",
                "Parameters.Runtime: \"custom.debian9\" is not one of custom, custom.debian10",
            ),
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
        let destination = template.log_stores.iter().find(|known| known.name == "vpc").unwrap();
        assert_eq!(destination.project, "flowlog-1000000000000001-cn-hangzhou");
        let given = [("MemberRoleName", "flowkeeper"), ("PolicyLayerObject", "policy-1.zip"), ("CodeBucket", "code")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let organization = Template::read(&default_path(), &given, "1000000000000001", "cn-hangzhou").unwrap();
        let sweeping = organization.functions.iter().find(|made| made.binary == "remediate-flow-logs").unwrap();
        assert_eq!((sweeping.async_task, sweeping.reserved_concurrency), (true, Some(5)));
        assert_eq!(sweeping.layers, ["flowkeeper-policy"]);
        assert_eq!(sweeping.environment["FLOWKEEPER_POLICY_FILE"], "/opt/policy.yml");
    }
}
