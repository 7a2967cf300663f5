//! What a deployment grants, and what the policy wants beyond that.

use std::{collections::BTreeMap, fs, path::Path};

use flow_log::{
    Policy,
    policy::{Foreign, Position},
};
use saphyr::{LoadableYamlNode as _, MarkedYaml, YamlData};

use crate::{
    failure::Failure,
    policy_file::{Finding, PolicyFile, Severity},
};

/// The parameters that grant something.
const MEMBER_ROLE: &str = "MemberRoleName";
const FOREIGN: &str = "ManageForeignFlowLogs";
const ROUTERS: &str = "KeepEcrFlowLogs";
const DIRECTORY: &str = "UseResourceDirectory";
const DESTINATIONS: &str = "CreateDestinations";
/// The parameter that is false if the roles are those of another stack.
const ROLES: &str = "MakeRoles";
/// The parameter that holds the policy, and the one that names a layer with it.
const POLICY: &str = "Policy";
const LAYER: &str = "PolicyLayerObject";

/// A template, with the values of its parameters.
pub(crate) struct Template {
    /// The file, as the person named it.
    name: String,
    values: BTreeMap<String, String>,
    /// How long the policy may be, in bytes.
    max_policy_bytes: Option<usize>,
}

impl Template {
    /// Reads a template. `given` are `NAME=VALUE` and replace its defaults.
    pub(crate) fn read(path: &Path, given: &[String]) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("{name} cannot be read: {error}"), "name the deployment's template")
        })?;
        Self::parse(&name, &text, given)
    }

    fn parse(name: &str, text: &str, given: &[String]) -> Result<Self, Failure> {
        let other = |problem: String| Failure::usage(format!("{name}: {problem}"), "name Flowkeeper's template.yml");
        let documents = MarkedYaml::load_from_str(text).map_err(|error| other(error.to_string()))?;
        let declared = documents.first().and_then(|whole| get(whole, "Parameters"));
        let declared = declared.ok_or_else(|| other("it has no Parameters".to_owned()))?;
        let mut parameters = BTreeMap::new();
        for (key, parameter) in entries(declared) {
            let default = get(parameter, "Default").and_then(scalar).unwrap_or_default();
            parameters.insert(scalar(key).unwrap_or_default(), (default, parameter));
        }
        for needed in [POLICY, MEMBER_ROLE, FOREIGN, ROUTERS] {
            if !parameters.contains_key(needed) {
                return Err(other(format!("it has no parameter {needed}, so it is not Flowkeeper's")));
            }
        }
        let mut values: BTreeMap<_, _> =
            parameters.iter().map(|(key, (default, _))| (key.clone(), default.clone())).collect();
        for pair in given {
            let option = format!("--parameter {pair}");
            let Some((key, value)) = pair.split_once('=') else {
                return Err(Failure::usage(format!("{option}: it has no ="), "write NAME=VALUE"));
            };
            let Some((_, parameter)) = parameters.get(key) else {
                let known = values.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                return Err(Failure::usage(
                    format!("{option}: {name} has no parameter {key}"),
                    format!("one of {known}"),
                ));
            };
            if key == POLICY {
                return Err(Failure::usage(format!("{option}: the policy is an argument of its own"), "leave it out"));
            }
            let allowed: Vec<_> = get(parameter, "AllowedValues").map(items).unwrap_or_default();
            if !allowed.is_empty() && !allowed.iter().any(|found| found == value) {
                return Err(Failure::usage(
                    format!("{option}: {key} may not be that"),
                    format!("one of {}", allowed.join(", ")),
                ));
            }
            values.insert(key.to_owned(), value.to_owned());
        }
        let max = parameters.get(POLICY).and_then(|(_, policy)| get(policy, "MaxLength")).and_then(scalar);
        let max_policy_bytes = max.and_then(|digits| digits.parse().ok());
        Ok(Self { name: name.to_owned(), values, max_policy_bytes })
    }

    /// Says what the policy wants and the deployment does not grant.
    pub(crate) fn findings(&self, file: &PolicyFile, policy: Option<&Policy>) -> Vec<Finding> {
        let mut findings = Findings::of(file);
        self.check_size(file, &mut findings);
        let Some(policy) = policy else { return findings.found };
        if self.value(ROLES) == "false" {
            let message = format!(
                "{ROLES}=false: this stack uses the roles of the stack in the home region; check the policy with the \
                 parameters of that stack, too"
            );
            findings.add(Severity::Warning, &[], message);
            return findings.found;
        }
        self.check_members(policy, &mut findings);
        self.check_destinations(policy, &mut findings);
        if policy.foreign == Foreign::Manage && self.value(FOREIGN) != "true" {
            findings.not_granted(
                &["foreign"],
                format!(
                    "`foreign: manage` needs {FOREIGN}=true: the roles allow changes of Flowkeeper's own flow logs alone"
                ),
            );
        }
        if policy.ecr_flow_log.is_some() && self.value(ROUTERS) != "true" {
            findings.not_granted(
                &["ecr_flow_log"],
                format!("`ecr_flow_log` needs {ROUTERS}=true: without it the function that keeps these is not made"),
            );
        }
        findings.found
    }

    /// The value of a parameter; empty if the template does not have it, as an older one may not.
    fn value(&self, parameter: &str) -> &str {
        self.values.get(parameter).map(String::as_str).unwrap_or_default()
    }

    /// Whether the policy reaches the functions in one piece.
    fn check_size(&self, file: &PolicyFile, findings: &mut Findings<'_>) {
        let (template, size) = (&self.name, file.text.len());
        let is_in_layer = !self.value(LAYER).is_empty();
        if let Some(max) = self.max_policy_bytes.filter(|max| size > *max && !is_in_layer) {
            let message = format!(
                "the policy has {size} bytes, and the parameter {POLICY} of {template} takes {max}: put it into a layer, \
                 with `cargo run -p packaging -- --policy {}`, upload that, and set {LAYER}; the script deploy does all \
                 of it",
                file.name
            );
            findings.not_granted(&[], message);
        }
    }

    /// Whether the functions may find the accounts of the policy, and assume the role that it names in them.
    fn check_members(&self, policy: &Policy, findings: &mut Findings<'_>) {
        let role = self.value(MEMBER_ROLE);
        if !policy.accounts.is_empty() && role.is_empty() {
            findings.not_granted(
                &["accounts"],
                format!(
                    "the policy names other accounts, and {MEMBER_ROLE} is empty: the functions may assume no role"
                ),
            );
        }
        for member in policy.accounts.iter().filter(|_| !role.is_empty()) {
            let (_, named) = member.role.as_str().rsplit_once('/').unwrap_or_default();
            if named != role {
                let id = &member.id;
                findings.not_granted(
                    &["accounts"],
                    format!(
                        "the policy wants the role {named} in {id}, and {MEMBER_ROLE}={role} lets only that be assumed"
                    ),
                );
            }
        }
        let Some(directory) = &policy.resource_directory else { return };
        if self.value(DIRECTORY) != "true" {
            findings.not_granted(
                &["resource_directory"],
                format!(
                    "`resource_directory` needs {DIRECTORY}=true: the functions may not ask which accounts are in the \
                     organization"
                ),
            );
        }
        let wanted = &directory.role;
        if wanted.as_str() != role {
            let granted = if role.is_empty() {
                format!("{MEMBER_ROLE} is empty: the functions may assume no role")
            } else {
                format!("{MEMBER_ROLE}={role} lets only that be assumed")
            };
            findings.not_granted(
                &["resource_directory", "role"],
                format!("the policy wants the role {wanted} in each account of the organization, and {granted}"),
            );
        }
    }

    /// Whether the roles allow creating the projects that the policy lets be created.
    fn check_destinations(&self, policy: &Policy, findings: &mut Findings<'_>) {
        let is_missing = self.value(DESTINATIONS).is_empty();
        let own = policy.flow_log.created_projects();
        if let Some(project) = &own {
            let key = if is_missing { "create_destination" } else { "project" };
            self.check_destination(project, &["flow_log", key], findings);
        }
        for found in &policy.overrides {
            let Some(project) = found.flow_log.apply_to(&policy.flow_log).created_projects() else { continue };
            // An override that inherits both says nothing new, and one missing parameter is said once.
            if own.as_ref() == Some(&project) || (own.is_some() && is_missing) {
                continue;
            }
            let key = if found.flow_log.project.is_some() { "project" } else { "create_destination" };
            self.check_destination(&project, &["overrides", &(found.number - 1).to_string(), key], findings);
        }
    }

    /// Whether the roles allow creating a project. Its name may be the beginning of names and a `*`.
    fn check_destination(&self, project: &str, at: &[&str], findings: &mut Findings<'_>) {
        let prefix = self.value(DESTINATIONS);
        let beginning = project.trim_end_matches('*');
        if prefix.is_empty() {
            let message = format!(
                "`create_destination` needs {DESTINATIONS}, how the names of the projects begin, such as \
                 {DESTINATIONS}={beginning}: without it the functions may create no project"
            );
            findings.not_granted(at, message);
        } else if !beginning.starts_with(prefix) {
            let names = if project.ends_with('*') { "projects whose names begin with" } else { "the project" };
            let message = format!(
                "`create_destination` is for {names} {beginning}, and {DESTINATIONS}={prefix} lets only projects be \
                 created whose names begin with {prefix}"
            );
            findings.not_granted(at, message);
        }
    }
}

/// The findings about a policy.
struct Findings<'p> {
    /// The policy as YAML, for the places of its keys.
    documents: Vec<MarkedYaml<'p>>,
    found: Vec<Finding>,
}

impl<'p> Findings<'p> {
    fn of(file: &'p PolicyFile) -> Self {
        Self { documents: MarkedYaml::load_from_str(&file.text).unwrap_or_default(), found: Vec::new() }
    }

    /// Adds what the deployment does not grant.
    fn not_granted(&mut self, at: &[&str], message: String) {
        self.add(Severity::Error, at, message);
    }

    /// Adds a finding about a key of the policy, or about all of it.
    fn add(&mut self, severity: Severity, at: &[&str], message: String) {
        let position = self.documents.first().and_then(|whole| position_of(whole, at)).unwrap_or_default();
        self.found.push(Finding { severity, rule: "not-granted", position, message });
    }
}

/// The entries of a mapping, in order.
fn entries<'a, 'i>(node: &'a MarkedYaml<'i>) -> Vec<(&'a MarkedYaml<'i>, &'a MarkedYaml<'i>)> {
    match &node.data {
        YamlData::Mapping(mapping) => mapping.iter().collect(),
        _ => Vec::new(),
    }
}

fn get<'a, 'i>(node: &'a MarkedYaml<'i>, key: &str) -> Option<&'a MarkedYaml<'i>> {
    entries(node).into_iter().find(|(found, _)| scalar(found).as_deref() == Some(key)).map(|(_, value)| value)
}

fn items(node: &MarkedYaml<'_>) -> Vec<String> {
    match &node.data {
        YamlData::Sequence(items) => items.iter().filter_map(scalar).collect(),
        _ => Vec::new(),
    }
}

fn scalar(node: &MarkedYaml<'_>) -> Option<String> {
    match &node.data {
        YamlData::Value(saphyr::Scalar::String(text)) => Some(text.to_string()),
        YamlData::Value(saphyr::Scalar::Integer(number)) => Some(number.to_string()),
        YamlData::Value(saphyr::Scalar::Boolean(is)) => Some(is.to_string()),
        _ => None,
    }
}

/// Where a key is in the policy. A number in the path counts the items of a list from 0.
fn position_of(whole: &MarkedYaml<'_>, path: &[&str]) -> Option<Position> {
    let (last, parents) = path.split_last()?;
    let parent = parents.iter().try_fold(whole, |node, step| match &node.data {
        YamlData::Sequence(items) => items.get(step.parse::<usize>().ok()?),
        _ => get(node, step),
    })?;
    let (key, _) = entries(parent).into_iter().find(|(key, _)| scalar(key).as_deref() == Some(last))?;
    Some(Position { line: key.span.start.line(), column: key.span.start.col() + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../template.yml");

    const POLICY: &str = "\
flow_log: {project: flowlog, log_store: vpc}
foreign: manage
accounts:
- {id: \"1000000000000002\", role: \"acs:ram::1000000000000002:role/flowkeeper\"}
ecr_flow_log: {project: flowlog, log_store: ecr}
";

    fn findings(policy: &str, given: &[&str]) -> Vec<(usize, usize, String)> {
        let given: Vec<_> = given.iter().map(|&text| text.to_owned()).collect();
        let template = Template::parse("template.yml", TEMPLATE, &given).unwrap();
        let file = PolicyFile { name: "policy.yml".to_owned(), text: policy.to_owned() };
        let (parsed, mistakes) = file.parse();
        assert!(parsed.is_some(), "{mistakes:?}");
        let found = template.findings(&file, parsed.as_ref());
        found.into_iter().map(|it| (it.position.line, it.position.column, it.message)).collect()
    }

    #[test]
    fn what_the_deployment_does_not_grant_is_said_at_the_key_that_wants_it() {
        let found = findings(POLICY, &[]);
        let starts = [
            (3, 1, "the policy names other accounts, and MemberRoleName is empty"),
            (2, 1, "`foreign: manage` needs ManageForeignFlowLogs=true"),
            (5, 1, "`ecr_flow_log` needs KeepEcrFlowLogs=true"),
        ];
        assert_eq!(found.len(), starts.len(), "{found:?}");
        for ((line, column, message), (at, from, start)) in found.iter().zip(starts) {
            assert_eq!((*line, *column), (at, from));
            assert!(message.starts_with(start), "{message}");
        }
    }

    #[test]
    fn a_deployment_that_grants_all_of_it_is_fine() {
        let all = ["MemberRoleName=flowkeeper", "ManageForeignFlowLogs=true", "KeepEcrFlowLogs=true"];
        assert_eq!(findings(POLICY, &all), []);
        let other = findings(POLICY, &["MemberRoleName=other", all[1], all[2]]);
        assert!(other[0].2.starts_with("the policy wants the role flowkeeper in 1000000000000002"), "{other:?}");
        assert_eq!(findings("flow_log: {project: flowlog, log_store: vpc}\n", &[]), []);
    }

    #[test]
    fn a_policy_that_is_too_long_for_the_variables_of_a_function_is_a_finding() {
        let long = format!("flow_log: {{project: flowlog, log_store: vpc}}\n# {}\n", "保".repeat(1400));
        let found = findings(&long, &[]);
        assert!(
            found[0].2.starts_with("the policy has 4248 bytes, and the parameter Policy of template.yml takes 4000"),
            "{found:?}"
        );
    }

    #[test]
    fn a_policy_in_a_layer_may_be_longer() {
        let long = format!("flow_log: {{project: flowlog, log_store: vpc}}\n# {}\n", "x".repeat(4000));
        assert_eq!(findings(&long, &["PolicyLayerObject=flowkeeper/policy-1.zip"]), []);
        assert!(findings(&long, &[])[0].2.contains("set PolicyLayerObject"));
    }

    #[test]
    fn an_organization_needs_the_right_to_list_it_and_the_role_of_its_members() {
        let policy = "\
flow_log: {project: flowlog, log_store: vpc}
resource_directory:
  folders: [fd-prod]
  role: flowkeeper
";
        let found = findings(policy, &[]);
        let role = "the policy wants the role flowkeeper in each account of the organization, and MemberRoleName";
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].2.starts_with("`resource_directory` needs UseResourceDirectory=true"), "{found:?}");
        assert_eq!((found[0].0, found[0].1, found[1].0, found[1].1), (2, 1, 4, 3));
        assert_eq!(found[1].2, format!("{role} is empty: the functions may assume no role"));

        let listed = "UseResourceDirectory=true";
        let other = findings(policy, &[listed, "MemberRoleName=other"]);
        assert_eq!(other, [(4, 3, format!("{role}=other lets only that be assumed"))]);
        assert_eq!(findings(policy, &[listed, "MemberRoleName=flowkeeper"]), []);
    }

    #[test]
    fn projects_to_create_must_begin_as_the_roles_allow() {
        let policy = "\
flow_log:
  project: flowlog-{account}-{region}
  log_store: vpc
  create_destination: {retention_days: 180}
overrides:
- match: {regions: [cn-shanghai]}
  schedule: never
- match: {regions: [cn-hangzhou]}
  project: audit
";
        let missing = findings(policy, &[]);
        assert_eq!(missing.len(), 1, "one parameter is missing: {missing:?}");
        assert_eq!((missing[0].0, missing[0].1), (4, 3));
        assert!(missing[0].2.contains("such as CreateDestinations=flowlog-: without it"), "{missing:?}");

        let of = |prefix: &str| findings(policy, &[&format!("CreateDestinations={prefix}")]);
        let only = |prefix| {
            format!("CreateDestinations={prefix} lets only projects be created whose names begin with {prefix}")
        };
        let audit = format!("`create_destination` is for the project audit, and {}", only("flowlog-"));
        assert_eq!(of("flowlog-"), [(9, 3, audit)]);
        let both = of("flowlog-1");
        let first = "`create_destination` is for projects whose names begin with flowlog-, and";
        assert_eq!((both.len(), &both[0]), (2, &(2, 3, format!("{first} {}", only("flowlog-1")))));
        assert_eq!(of("audit").len(), 1);

        let in_override = "\
flow_log: {project: flowlog, log_store: vpc}
overrides: [{match: {regions: [cn-hangzhou]}, create_destination: {retention_days: 7}}]
";
        assert_eq!(findings(in_override, &["CreateDestinations=flowlog"]), []);
        let found = findings(in_override, &[]);
        assert_eq!((found.len(), found[0].0, found[0].1), (1, 2, 47), "{found:?}");
        assert_eq!(findings("flow_log: {project: flowlog, log_store: vpc}\n", &["CreateDestinations=other"]), []);
    }

    #[test]
    fn the_rights_of_a_further_stack_are_those_of_the_home_stack() {
        let found = findings(POLICY, &["MakeRoles=false"]);
        let [(0, 0, message)] = found.as_slice() else { panic!("{found:?}") };
        assert!(message.starts_with("MakeRoles=false: this stack uses the roles"), "{message}");
        let long = format!("{POLICY}# {}\n", "x".repeat(4000));
        assert_eq!(findings(&long, &["MakeRoles=false"]).len(), 2, "its functions get the policy, too");
    }

    #[test]
    fn a_parameter_that_the_template_does_not_take_is_refused() {
        for (given, says) in [
            ("MemberRole=x", "--parameter MemberRole=x: template.yml has no parameter MemberRole"),
            ("KeepEcrFlowLogs=yes", "--parameter KeepEcrFlowLogs=yes: KeepEcrFlowLogs may not be that"),
            ("KeepEcrFlowLogs", "--parameter KeepEcrFlowLogs: it has no ="),
            ("Policy=x", "the policy is an argument of its own"),
        ] {
            let Err(failure) = Template::parse("template.yml", TEMPLATE, &[given.to_owned()]) else {
                panic!("{given}")
            };
            assert!(failure.messages[0].contains(says), "{failure:?}");
        }
        for text in ["", "a: b", "Parameters: {Policy: {}}", "{"] {
            assert!(Template::parse("x.yml", text, &[]).is_err(), "{text}");
        }
    }
}
