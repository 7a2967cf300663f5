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
/// The parameter that holds the policy.
const POLICY: &str = "Policy";

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
        let mut findings = Vec::new();
        let documents = MarkedYaml::load_from_str(&file.text).unwrap_or_default();
        let mut find = |path: &[&str], message: String| {
            let position = documents.first().and_then(|whole| position_of(whole, path)).unwrap_or_default();
            findings.push(Finding { severity: Severity::Error, rule: "not-granted", position, message });
        };
        let value = |name: &str| self.values.get(name).map(String::as_str).unwrap_or_default();
        let template = &self.name;
        if let Some(max) = self.max_policy_bytes.filter(|max| file.text.len() > *max) {
            let size = file.text.len();
            find(
                &[],
                format!(
                    "the policy has {size} bytes, and the parameter {POLICY} of {template} takes {max}; put it into a \
                     layer and set FLOWKEEPER_POLICY_FILE, or shorten it"
                ),
            );
        }
        let Some(policy) = policy else { return findings };
        let role = value(MEMBER_ROLE);
        if !policy.accounts.is_empty() && role.is_empty() {
            find(
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
                find(
                    &["accounts"],
                    format!(
                        "the policy wants the role {named} in {id}, and {MEMBER_ROLE}={role} lets only that be assumed"
                    ),
                );
            }
        }
        if policy.foreign == Foreign::Manage && value(FOREIGN) != "true" {
            find(
                &["foreign"],
                format!(
                    "`foreign: manage` needs {FOREIGN}=true: the roles allow changes of Flowkeeper's own flow logs alone"
                ),
            );
        }
        if policy.ecr_flow_log.is_some() && value(ROUTERS) != "true" {
            find(
                &["ecr_flow_log"],
                format!("`ecr_flow_log` needs {ROUTERS}=true: without it the function that keeps these is not made"),
            );
        }
        findings
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

/// Where a key is in the policy.
fn position_of(whole: &MarkedYaml<'_>, path: &[&str]) -> Option<Position> {
    let (last, parents) = path.split_last()?;
    let parent = parents.iter().try_fold(whole, |node, key| get(node, key))?;
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
