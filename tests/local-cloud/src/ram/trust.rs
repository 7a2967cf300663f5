//! Who can assume a role: the statements of its `AssumeRolePolicyDocument`.

use serde_json::Value;

use crate::ram::{
    accounts::Caller,
    policy::{self, Denial, texts},
};

/// Function Compute's name in trust policies.
pub(crate) const FUNCTION_COMPUTE: &str = "fc.aliyuncs.com";

/// EventBridge's name in trust policies, after the account that it works for and an `@`.
pub(crate) const EVENT_BRIDGE: &str = "eventbridge.aliyuncs.com";

/// The principals that a role trusts; by default, none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Trust(Vec<Statement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    allows: bool,
    /// ARNs of accounts, roles and users.
    identities: Vec<String>,
    services: Vec<String>,
    /// If present, the caller has to give one of these.
    external_ids: Option<Vec<String>>,
}

/// An identity that wants to assume a role.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Applicant<'a> {
    /// An Alibaba Cloud service, on behalf of a user who gave it the role.
    Service(&'a str),
    /// A caller of `AssumeRole`, and the `ExternalId` that it gives.
    Caller(&'a Caller, Option<&'a str>),
}

impl Trust {
    /// Returns the trust of an account that trusts everyone in another account, if they give this `ExternalId`.
    pub(crate) fn in_account(account: &str, external_id: Option<&str>) -> Self {
        Self(vec![Statement {
            allows: true,
            identities: vec![root(account)],
            services: Vec::new(),
            external_ids: external_id.map(|id| vec![id.to_owned()]),
        }])
    }

    /// Parses a trust policy. The error is the place in the document and what is wrong there.
    pub(crate) fn read(document: &Value) -> Result<Self, (String, String)> {
        let statements = document["Statement"].as_array().ok_or_else(|| {
            let problem = "is not a list of statements";
            (".Statement".to_owned(), problem.to_owned())
        })?;
        let read = |(n, statement)| {
            let place = |(place, problem): (String, String)| (format!(".Statement[{n}]{place}"), problem);
            Statement::read(statement).map_err(place)
        };
        Ok(Self(statements.iter().enumerate().map(read).collect::<Result<_, _>>()?))
    }

    /// Checks that the applicant can assume the role.
    pub(crate) fn evaluate(&self, applicant: Applicant<'_>) -> Result<(), Denial> {
        policy::combine(
            self.0.iter().filter(|statement| statement.applies_to(applicant)).map(|statement| statement.allows),
        )
    }
}

impl Statement {
    fn read(statement: &Value) -> Result<Self, (String, String)> {
        let wrong = |place: String, problem: &str| Err((place, problem.to_owned()));
        for (key, _) in statement.as_object().into_iter().flatten() {
            if !["Effect", "Action", "Principal", "Condition"].contains(&key.as_str()) {
                return wrong(format!(".{key}"), "is not supported by local-cloud in a trust policy");
            }
        }
        let allows = match statement["Effect"].as_str() {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return wrong(".Effect".to_owned(), "is not Allow or Deny"),
        };
        if texts(&statement["Action"]) != ["sts:AssumeRole"] {
            return wrong(".Action".to_owned(), "is not sts:AssumeRole");
        }
        let (mut identities, mut services) = (Vec::new(), Vec::new());
        for (kind, names) in statement["Principal"].as_object().into_iter().flatten() {
            match kind.as_str() {
                "RAM" => identities = texts(names),
                "Service" => services = texts(names),
                _ => return wrong(format!(".Principal.{kind}"), "is not supported by local-cloud"),
            }
        }
        if let Some(n) = identities.iter().position(|arn| !is_identity(arn)) {
            return wrong(format!(".Principal.RAM[{n}]"), "is not the ARN of an account's root, a role or a user");
        }
        if identities.is_empty() && services.is_empty() {
            return wrong(".Principal".to_owned(), "names no principal");
        }
        let mut external_ids = None;
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for (key, values) in keys.as_object().into_iter().flatten() {
                match (operator.as_str(), key.as_str()) {
                    ("StringEquals", "sts:ExternalId") => external_ids = Some(texts(values)),
                    _ => return wrong(format!(".Condition.{operator}.{key}"), "is not supported by local-cloud"),
                }
            }
        }
        Ok(Self { allows, identities, services, external_ids })
    }

    fn applies_to(&self, applicant: Applicant<'_>) -> bool {
        let (is_named, external_id) = match applicant {
            Applicant::Service(name) => (self.services.iter().any(|known| known == name), None),
            Applicant::Caller(caller, external_id) => {
                let names = |arn: &String| *arn == root(&caller.account) || arn.eq_ignore_ascii_case(&arn_of(caller));
                (self.identities.iter().any(names), external_id)
            }
        };
        let gives = |ids: &Vec<String>| external_id.is_some_and(|given| ids.iter().any(|id| id == given));
        is_named && self.external_ids.as_ref().is_none_or(gives)
    }
}

/// Returns the ARN of an account's root. As a principal, it means everyone in the account.
fn root(account: &str) -> String {
    format!("acs:ram::{account}:root")
}

fn arn_of(caller: &Caller) -> String {
    match &caller.role {
        Some(role) => format!("acs:ram::{}:role/{role}", caller.account),
        None => root(&caller.account),
    }
}

fn is_identity(arn: &str) -> bool {
    let rest = arn.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(':'));
    rest.is_some_and(|(account, who)| {
        account.chars().all(|digit| digit.is_ascii_digit())
            && !account.is_empty()
            && (who == "root" || ["role/", "user/"].iter().any(|kind| who.len() > kind.len() && who.starts_with(kind)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn caller(account: &str, role: Option<&str>) -> Caller {
        Caller { account: account.to_owned(), name: "somebody".to_owned(), role: role.map(str::to_owned), region: None }
    }

    fn trust(statements: &Value) -> Trust {
        Trust::read(&json!({"Version": "1", "Statement": statements})).unwrap()
    }

    #[test]
    fn a_role_trusts_whom_it_names_and_an_account_with_all_that_work_in_it() {
        let principals = json!({"RAM": ["acs:ram::1:role/One", "acs:ram::2:root"], "Service": ["fc.aliyuncs.com"]});
        let trust = trust(&json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principals}]));
        for (account, role, expected) in [
            ("1", Some("one"), Ok(())),
            ("1", Some("other"), Err(Denial::Implicit)),
            ("1", None, Err(Denial::Implicit)),
            ("2", Some("one"), Ok(())),
            ("2", None, Ok(())),
            ("3", Some("one"), Err(Denial::Implicit)),
        ] {
            assert_eq!(trust.evaluate(Applicant::Caller(&caller(account, role), None)), expected, "{account} {role:?}");
        }
        assert_eq!(trust.evaluate(Applicant::Service(FUNCTION_COMPUTE)), Ok(()));
        assert_eq!(trust.evaluate(Applicant::Service("ecs.aliyuncs.com")), Err(Denial::Implicit));
        assert_eq!(Trust::default().evaluate(Applicant::Service(FUNCTION_COMPUTE)), Err(Denial::Implicit));
    }

    #[test]
    fn a_role_may_want_an_external_id_and_a_denial_is_stronger_than_any_trust() {
        let trust = trust(&json!([
            {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": {"RAM": "acs:ram::1:root"},
             "Condition": {"StringEquals": {"sts:ExternalId": ["agreed", "agreed too"]}}},
            {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::1:role/banned"}},
        ]));
        for (role, given, expected) in [
            (None, Some("agreed too"), Ok(())),
            (None, Some("guessed"), Err(Denial::Implicit)),
            (None, None, Err(Denial::Implicit)),
            (Some("banned"), Some("agreed"), Err(Denial::Explicit)),
        ] {
            let evaluated = trust.evaluate(Applicant::Caller(&caller("1", role), given));
            assert_eq!(evaluated, expected, "{role:?} {given:?}");
        }
    }

    #[test]
    fn a_mistake_in_a_trust_policy_is_named_with_its_place() {
        let good =
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["fc.aliyuncs.com"]}});
        for (key, value, expected) in [
            ("Effect", json!("allow"), ".Statement[0].Effect: is not Allow or Deny"),
            ("Action", json!("sts:*"), ".Statement[0].Action: is not sts:AssumeRole"),
            ("Principal", json!({}), ".Statement[0].Principal: names no principal"),
            (
                "Principal",
                json!({"RAM": ["acs:ram::1:root", "acs:ram::*:root"]}),
                ".Statement[0].Principal.RAM[1]: is not the ARN of an account's root, a role or a user",
            ),
            (
                "Principal",
                json!({"Federated": "acs:ram::1:saml-provider/x"}),
                ".Statement[0].Principal.Federated: is not supported by local-cloud",
            ),
            (
                "Condition",
                json!({"StringLike": {"sts:ExternalId": "a*"}}),
                ".Statement[0].Condition.StringLike.sts:ExternalId: is not supported by local-cloud",
            ),
            ("Resource", json!("*"), ".Statement[0].Resource: is not supported by local-cloud in a trust policy"),
        ] {
            let mut statement = good.clone();
            statement[key] = value;
            let (place, problem) = Trust::read(&json!({"Statement": [statement]})).unwrap_err();
            assert_eq!(format!("{place}: {problem}"), expected);
        }
        assert_eq!(Trust::read(&json!({})).unwrap_err().0, ".Statement");
    }
}
