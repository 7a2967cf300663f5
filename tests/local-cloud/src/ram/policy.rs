//! The permissions of roles: their policies' statements, evaluated as RAM does.

use std::fmt;

use serde_json::Value;

use crate::{
    api::{operations, parameters::Tags},
    ram::{accounts::OWN_ACCOUNT, trust::Trust},
};

/// A role of a template, with the statements of all its policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The resource's name in the template.
    pub id: String,
    /// `RoleName` in lower case, as in its ARN.
    pub name: String,
    statements: Vec<Statement>,
    /// Who can assume it.
    pub(crate) trust: Trust,
}

/// A session policy, given when a role is assumed. The session may do what both the role and this policy allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionPolicy {
    statements: Vec<Statement>,
}

impl SessionPolicy {
    /// Parses a session policy. The error says what is wrong. Actions that this cloud does not have are accepted.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        Ok(Self { statements: read_document(text, Actions::Any)? })
    }

    /// Removes an action from the statements that allow it by name.
    pub(crate) fn without(mut self, action: &str) -> Self {
        for statement in self.statements.iter_mut().filter(|statement| statement.allows) {
            statement.actions.retain(|named| !named.eq_ignore_ascii_case(action));
        }
        self
    }

    /// Checks that the policy allows the request. The role must allow it too.
    pub(crate) fn evaluate(&self, request: &Request<'_>) -> Result<(), Denial> {
        let about = self.statements.iter().filter(|statement| statement.applies_to(request));
        combine(about.map(|statement| statement.allows))
    }
}

/// A control policy of a resource directory. It denies what its statements deny, whatever the policies of a role allow.
///
/// Where control policies are enabled, every folder and member has a policy that allows everything. So a statement that
/// allows something has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ControlPolicy {
    statements: Vec<Statement>,
}

impl ControlPolicy {
    /// The maximum length of a control policy, in characters.
    const MAX_LENGTH: usize = 2048;

    /// Parses a control policy. The error says what is wrong.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let length = text.chars().count();
        if length > Self::MAX_LENGTH {
            return Err(format!("it has {length} characters, more than {}", Self::MAX_LENGTH));
        }
        Ok(Self { statements: read_document(text, Actions::Known)? })
    }

    /// Returns whether a statement denies the request.
    pub(crate) fn denies(&self, request: &Request<'_>) -> bool {
        self.statements.iter().any(|statement| !statement.allows && statement.applies_to(request))
    }
}

/// Parses a policy document. The error says what is wrong.
fn read_document(text: &str, actions: Actions) -> Result<Vec<Statement>, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let members = document.as_object().ok_or("it is not a JSON object")?;
    if let Some(key) = members.keys().find(|key| !["Version", "Statement"].contains(&key.as_str())) {
        return Err(format!("{key}: is not a member of a policy"));
    }
    if document["Version"] != "1" {
        return Err("Version: is not \"1\"".to_owned());
    }
    let statements = read_statements(&document, actions).map_err(|(place, problem)| {
        let place = place.trim_start_matches('.');
        format!("{place}: {problem}")
    })?;
    if statements.is_empty() {
        return Err("Statement: is empty".to_owned());
    }
    Ok(statements)
}

/// Which actions a policy can name, for the products that exist here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Actions {
    /// Only those that exist here, so that mistakes in a template are found.
    Known,
    /// Any.
    Any,
}

/// Parses the statements of a policy. The error is the place in the document and what is wrong there.
fn read_statements(document: &Value, actions: Actions) -> Result<Vec<Statement>, (String, String)> {
    let statements = document["Statement"].as_array().ok_or_else(|| {
        let problem = "is not a list of statements";
        (".Statement".to_owned(), problem.to_owned())
    })?;
    let read = |(n, statement)| {
        let place = |(place, problem): (String, String)| (format!(".Statement[{n}]{place}"), problem);
        Statement::read(statement, actions).map_err(place)
    };
    statements.iter().enumerate().map(read).collect()
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    allows: bool,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

/// A condition of a statement: the key's value is, or is not, one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    test: Test,
    key: Key,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Equals,
    NotEquals,
    Like,
    NotLike,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    /// A tag of the resource.
    ResourceTag(String),
    /// A tag in the call.
    RequestTag(String),
    /// The ARN of the caller.
    Principal,
    /// A key of a service that does not exist here. The condition never holds.
    Foreign,
}

/// A request to be authorized.
pub(crate) struct Request<'a> {
    /// The action, such as `vpc:CreateFlowLog`.
    pub(crate) action: &'a str,
    /// The ARN of the caller's role, or of its account.
    pub(crate) principal: &'a str,
    /// The ARN of one resource, or `*` if the operation concerns none in particular.
    pub(crate) resource: &'a str,
    pub(crate) resource_tags: &'a Tags,
    pub(crate) request_tags: &'a Tags,
}

/// Why a call is denied, in the terms of `AccessDeniedDetail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denial {
    /// No statement allows it.
    Implicit,
    /// A statement denies it, which overrides any that allows it.
    Explicit,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Implicit => "ImplicitDeny",
            Self::Explicit => "ExplicitDeny",
        })
    }
}

impl Role {
    pub(crate) fn new(id: &str, name: &str) -> Self {
        Self { id: id.to_owned(), name: name.to_lowercase(), statements: Vec::new(), trust: Trust::default() }
    }

    /// Adds a policy to the role. The error is the place in the document and what is wrong there.
    pub(crate) fn attach(&mut self, document: &Value) -> Result<(), (String, String)> {
        self.statements.extend(read_statements(document, Actions::Known)?);
        Ok(())
    }

    /// Returns the actions that its statements allow, as written, each once.
    #[must_use]
    pub fn allowed_actions(&self) -> Vec<String> {
        let mut actions: Vec<String> = Vec::new();
        for action in self.statements.iter().filter(|one| one.allows).flat_map(|one| &one.actions) {
            if !actions.contains(action) {
                actions.push(action.clone());
            }
        }
        actions
    }

    /// Returns whether the role allows an action on a resource, given the resource's ARN and tags.
    #[must_use]
    pub fn allows(&self, action: &str, resource: &str, tags: &[(&str, &str)]) -> bool {
        let resource_tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let principal = &format!("acs:ram::{OWN_ACCOUNT}:role/{}", self.name);
        let request =
            Request { action, principal, resource, resource_tags: &resource_tags, request_tags: &Tags::new() };
        self.evaluate(&request).is_ok()
    }

    /// Denies an action, as a statement in a policy would. Returns whether any statement allowed it before.
    pub(crate) fn revoke(&mut self, action: &str) -> bool {
        let had =
            self.statements.iter().any(|one| one.allows && one.actions.iter().any(|known| is_like(known, action)));
        self.statements.push(Statement {
            allows: false,
            actions: vec![action.to_owned()],
            resources: vec!["*".to_owned()],
            conditions: Vec::new(),
        });
        had
    }

    /// Checks that the role allows the request.
    pub(crate) fn evaluate(&self, request: &Request<'_>) -> Result<(), Denial> {
        let about = self.statements.iter().filter(|statement| statement.applies_to(request));
        combine(about.map(|statement| statement.allows))
    }
}

/// Combines the statements that match a request, each of which allows or denies it. A denial overrides.
pub(crate) fn combine(statements: impl IntoIterator<Item = bool>) -> Result<(), Denial> {
    let mut is_allowed = false;
    for allows in statements {
        if !allows {
            return Err(Denial::Explicit);
        }
        is_allowed = true;
    }
    if is_allowed { Ok(()) } else { Err(Denial::Implicit) }
}

impl Statement {
    fn read(statement: &Value, nameable: Actions) -> Result<Self, (String, String)> {
        let wrong = |place: &str, problem: String| Err((place.to_owned(), problem));
        let Some(members) = statement.as_object() else { return wrong("", "is not a statement".to_owned()) };
        for key in members.keys() {
            if !["Effect", "Action", "Resource", "Condition"].contains(&key.as_str()) {
                return wrong(&format!(".{key}"), "is not supported by local-cloud in a role's policy".to_owned());
            }
        }
        let allows = match statement["Effect"].as_str() {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return wrong(".Effect", "is not Allow or Deny".to_owned()),
        };
        let (actions, resources) = (texts(&statement["Action"]), texts(&statement["Resource"]));
        if actions.is_empty() {
            return wrong(".Action", "names no action".to_owned());
        }
        if resources.is_empty() {
            return wrong(".Resource", "names no resource".to_owned());
        }
        for (n, action) in actions.iter().enumerate() {
            if nameable == Actions::Known
                && is_ours(action)
                && !operations::permissions().any(|known| is_like(action, &known))
            {
                return wrong(
                    &format!(".Action[{n}]"),
                    format!("{action:?} is not an operation that local-cloud supports"),
                );
            }
        }
        if let Some(n) = actions.iter().position(|action| action != "*" && !action.contains(':')) {
            return wrong(
                &format!(".Action[{n}]"),
                format!("{:?} is not an action such as vpc:DescribeVpcs", actions[n]),
            );
        }
        let is_foreign = !actions.iter().any(|action| is_ours(action));
        let mut conditions = Vec::new();
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            let test = match operator.as_str() {
                "StringEquals" => Test::Equals,
                "StringNotEquals" => Test::NotEquals,
                "StringLike" => Test::Like,
                "StringNotLike" => Test::NotLike,
                _ => return wrong(&format!(".Condition.{operator}"), "is not supported by local-cloud".to_owned()),
            };
            for (key, values) in keys.as_object().into_iter().flatten() {
                let key = match key.split_once('/') {
                    None if key == "acs:PrincipalARN" => Key::Principal,
                    Some(("acs:ResourceTag", tag)) => Key::ResourceTag(tag.to_owned()),
                    Some(("acs:RequestTag", tag)) => Key::RequestTag(tag.to_owned()),
                    _ if is_foreign => Key::Foreign,
                    _ => {
                        let place = format!(".Condition.{operator}.{key}");
                        return wrong(&place, "is not supported by local-cloud".to_owned());
                    }
                };
                conditions.push(Condition { test, key, values: texts(values) });
            }
        }
        Ok(Self { allows, actions, resources, conditions })
    }

    fn applies_to(&self, request: &Request<'_>) -> bool {
        self.actions.iter().any(|action| is_like(action, request.action))
            && self.resources.iter().any(|resource| matches(resource, request.resource))
            && self.conditions.iter().all(|condition| condition.holds(request))
    }
}

impl Condition {
    fn holds(&self, request: &Request<'_>) -> bool {
        let found = match &self.key {
            Key::ResourceTag(tag) => request.resource_tags.get(tag).map(String::as_str),
            Key::RequestTag(tag) => request.request_tags.get(tag).map(String::as_str),
            Key::Principal => Some(request.principal),
            Key::Foreign => return false,
        };
        let any = |test: fn(&str, &str) -> bool| {
            found.is_some_and(|found| self.values.iter().any(|value| test(value, found)))
        };
        match self.test {
            Test::Equals => any(str::eq),
            Test::NotEquals => !any(str::eq),
            Test::Like => any(matches),
            Test::NotLike => !any(matches),
        }
    }
}

/// Returns whether an action belongs to a product whose operations exist here.
fn is_ours(action: &str) -> bool {
    let product = action.split(':').next().unwrap_or_default();
    operations::names().any(|known| known.split(':').next() == Some(product))
}

/// Returns whether a pattern matches an action, ignoring case. The documentation spells some actions differently from
/// their operations, such as `DeleteFlowlog`.
fn is_like(pattern: &str, action: &str) -> bool {
    matches(&pattern.to_lowercase(), &action.to_lowercase())
}

/// Returns whether a text matches a pattern, in which `*` stands for any text and `?` for one character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to resume if the text after the last `*` does not match: the star then takes one more character.
    let mut again: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                again = Some((p, t));
                p += 1;
            }
            Some(expected) if *expected == '?' || *expected == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match again {
                Some((star, taken)) => {
                    again = Some((star, taken + 1));
                    p = star + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

/// Returns a string, or a list of strings, as a list.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn role(statements: &Value) -> Role {
        let mut role = Role::new("Role", "Role");
        role.attach(&json!({"Statement": statements})).unwrap();
        role
    }

    fn ask(role: &Role, action: &str, resource: &str, tags: &[(&str, &str)]) -> Result<(), Denial> {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        role.evaluate(&Request { action, principal: "", resource, resource_tags: &tags, request_tags: &Tags::new() })
    }

    #[test]
    fn patterns_match_as_the_documents_say() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "acs:vpc:cn-hangzhou:1:vpc/*", true),
            ("vpc:Describe*", "vpc:DescribeVpcs", true),
            ("vpc:Describe*", "vpc:CreateVpc", false),
            ("acs:ram:*:1:role/x", "acs:ram::1:role/x", true),
            ("acs:ram::*:role/x", "acs:ram::1:role/xy", false),
            ("acs:ram::*:role/x-*-z", "acs:ram::1:role/x-y-y-z", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("acs:vpc:*:*:vpc/vpc-1", "acs:vpc:cn-hangzhou:1:vpc/*", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_no_statement_allows_is_denied_and_a_denial_is_stronger_than_any_allowance() {
        let role = role(&json!([
            {"Effect": "Allow", "Action": ["vpc:Describe*", "vpc:DeleteFlowLog"], "Resource": "*"},
            {"Effect": "Deny", "Action": "vpc:DescribeVpcs", "Resource": ["acs:vpc:*:1:*"]},
        ]));
        assert_eq!(ask(&role, "vpc:DescribeVpcs", "acs:vpc:cn-hangzhou:1:vpc/*", &[]), Err(Denial::Explicit));
        assert_eq!(ask(&role, "vpc:DescribeVpcs", "acs:vpc:cn-hangzhou:2:vpc/*", &[]), Ok(()));
        assert_eq!(ask(&role, "vpc:CreateFlowLog", "*", &[]), Err(Denial::Implicit));
        assert_eq!(ask(&role, "vpc:DeleteFlowlog", "*", &[]), Ok(()), "a letter's case");
    }

    #[test]
    fn a_condition_looks_at_the_resources_tags() {
        let role = role(&json!([{
            "Effect": "Allow", "Action": ["vpc:DeleteFlowLog"], "Resource": ["*"],
            "Condition": {"StringEquals": {"acs:ResourceTag/managed-by": ["flowkeeper"]}},
        }]));
        let of = |tags| ask(&role, "vpc:DeleteFlowLog", "acs:vpc:cn-hangzhou:1:flowlog/fl-1", tags);
        assert_eq!(of(&[("managed-by", "flowkeeper")]), Ok(()));
        assert_eq!(of(&[("managed-by", "others")]), Err(Denial::Implicit));
        assert_eq!(of(&[]), Err(Denial::Implicit));
    }

    #[test]
    fn an_action_that_is_taken_away_is_denied_and_one_that_was_never_there_is_told() {
        let mut role = role(&json!([{"Effect": "Allow", "Action": "vpc:*", "Resource": "*"}]));
        assert_eq!(role.allowed_actions(), ["vpc:*"]);
        assert!(role.revoke("vpc:DescribeVpcs"));
        assert_eq!(ask(&role, "vpc:DescribeVpcs", "*", &[]), Err(Denial::Explicit));
        assert_eq!(ask(&role, "vpc:DescribeVSwitches", "*", &[]), Ok(()));
        assert!(!role.revoke("ecs:DescribeNetworkInterfaces"));
    }

    #[test]
    fn a_mistake_in_a_policy_is_named_with_its_place() {
        let attach = |statement: Value| {
            let (place, problem) = Role::new("R", "r").attach(&json!({"Statement": [statement]})).unwrap_err();
            format!("{place}: {problem}")
        };
        for (statement, expected) in [
            (
                json!({"Effect": "Allow", "Action": ["vpc:DescribeVpcs", "vpc:DescribeVPC"], "Resource": "*"}),
                ".Statement[0].Action[1]: \"vpc:DescribeVPC\" is not an operation that local-cloud supports",
            ),
            (json!({"Effect": "allow", "Action": "*", "Resource": "*"}), ".Statement[0].Effect: is not Allow or Deny"),
            (json!({"Effect": "Allow", "Action": "*"}), ".Statement[0].Resource: names no resource"),
            (
                json!({"Effect": "Allow", "NotAction": "*", "Resource": "*"}),
                ".Statement[0].NotAction: is not supported by local-cloud in a role's policy",
            ),
            (
                json!({"Effect": "Allow", "Action": "vpc:*", "Resource": "*", "Condition": {"Bool": {"x": true}}}),
                ".Statement[0].Condition.Bool: is not supported by local-cloud",
            ),
        ] {
            assert_eq!(attach(statement), expected);
        }
        assert!(
            attach(json!({"Effect": "Allow", "Action": "DescribeVpcs", "Resource": "*"}))
                .starts_with(".Statement[0].Action[0]: \"DescribeVpcs\" is not an action")
        );
        // Statements about services that do not exist here may have any condition.
        let elsewhere = json!({"Effect": "Allow", "Action": "ram:CreateServiceLinkedRole", "Resource": "*",
            "Condition": {"StringEquals": {"ram:ServiceName": "flowlog.ecr.aliyuncs.com"}}});
        assert_eq!(Role::new("R", "r").attach(&json!({"Statement": [elsewhere]})), Ok(()));
    }

    #[test]
    fn a_session_policy_is_read_as_ram_reads_it() {
        let ok = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["vpc:DescribeVpcs","vpc:Other"],"Resource":"*"}]}"#;
        let policy = SessionPolicy::read(ok).unwrap();
        let none = Tags::new();
        let ask = |of: &SessionPolicy, action| {
            let request =
                Request { action, principal: "", resource: "acs:x", resource_tags: &none, request_tags: &none };
            of.evaluate(&request)
        };
        assert_eq!((ask(&policy, "vpc:DescribeVpcs"), ask(&policy, "vpc:DeleteVpc")), (Ok(()), Err(Denial::Implicit)));
        let narrowed = policy.without("vpc:DescribeVpcs");
        assert_eq!((ask(&narrowed, "vpc:DescribeVpcs"), ask(&narrowed, "vpc:Other")), (Err(Denial::Implicit), Ok(())));
        for (text, expected) in [
            ("{", "it is not JSON: "),
            ("[]", "it is not a JSON object"),
            ("{}", "Version: is not \"1\""),
            (r#"{"Version":"1"}"#, "Statement: is not a list of statements"),
            (r#"{"Version":"1","Statement":[]}"#, "Statement: is empty"),
            (r#"{"Version":"1","Statement":["x"]}"#, "Statement[0]: is not a statement"),
            (r#"{"Version":"1","Statement":[{"Effect":"Maybe"}]}"#, "Statement[0].Effect: is not Allow or Deny"),
            (r#"{"Version":"1","Statements":[]}"#, "Statements: is not a member of a policy"),
        ] {
            let said = SessionPolicy::read(text).unwrap_err();
            assert!(said.starts_with(expected), "{text}: {said}");
        }
    }

    #[test]
    fn a_control_policy_denies_to_everybody_but_those_it_exempts() {
        let text = r#"{"Version":"1","Statement":[
            {"Effect":"Allow","Action":"*","Resource":"*"},
            {"Effect":"Deny","Action":"vpc:DeleteFlowLog","Resource":"*","Condition":{
                "StringEquals":{"acs:ResourceTag/managed-by":"flowkeeper"},
                "StringNotLike":{"acs:PrincipalARN":["acs:ram:*:*:role/break-glass","acs:ram:*:*:role/keeper-*"]}}}
        ]}"#;
        let policy = ControlPolicy::read(text).unwrap();
        let own = Tags::from([("managed-by".to_owned(), "flowkeeper".to_owned())]);
        let (none, resource) = (Tags::new(), "acs:vpc:cn-hangzhou:2:flowlog/fl-1");
        for (action, principal, tags, expected) in [
            ("vpc:DeleteFlowLog", "acs:ram::2:role/admin", &own, true),
            ("vpc:DeleteFlowLog", "acs:ram::2:role/admin", &none, false),
            ("vpc:ActiveFlowLog", "acs:ram::2:role/admin", &own, false),
            ("vpc:DeleteFlowLog", "acs:ram::2:role/break-glass", &own, false),
            ("vpc:DeleteFlowLog", "acs:ram::2:role/keeper-of-flows", &own, false),
            ("vpc:DeleteFlowLog", "acs:ram::2:role/break-glass-2", &own, true),
        ] {
            let request = Request { action, principal, resource, resource_tags: tags, request_tags: &none };
            assert_eq!(policy.denies(&request), expected, "{action} by {principal}");
        }
        for (wrong, expected) in [
            (
                text.replace("DeleteFlowLog", "DeleteFlowLogs"),
                "Statement[1].Action[0]: \"vpc:DeleteFlowLogs\" is not an",
            ),
            (
                text.replace("PrincipalARN", "PrincipalArn"),
                "Statement[1].Condition.StringNotLike.acs:PrincipalArn: is not",
            ),
            (format!("{text}{}", " ".repeat(2048)), "it has "),
        ] {
            let said = ControlPolicy::read(&wrong).unwrap_err();
            assert!(said.starts_with(expected), "{said}");
        }
    }
}
