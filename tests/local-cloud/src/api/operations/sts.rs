//! STS: caller identity, and roles in other accounts.

use std::time::Duration;

use serde_json::json;

use super::{
    Answer, Scope,
    fields::{Field, Kind, optional, required},
};
use crate::{
    api::refusal::Refusal,
    ram::{accounts::Caller, policy::SessionPolicy, trust::Applicant},
    world::clock::{after, iso},
};

pub(super) const ASSUME: &[Field] = &[
    required("RoleArn", Kind::Like(|arn| arn.starts_with("acs:ram::") && arn.contains(":role/")))
        .or("InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed."),
    required("RoleSessionName", Kind::Like(|name| (2..=64).contains(&name.len()) && is_made_of(name, ".@-_")))
        .or("InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed."),
    optional("DurationSeconds", Kind::Number(900, 3600))
        .or("InvalidParameter.DurationSeconds", "The Min/Max value of DurationSeconds is 15min/1hr."),
    optional("ExternalId", Kind::Like(|id| (2..=1224).contains(&id.len()) && is_made_of(id, "_+=,.@:/-")))
        .or("InvalidParameter.ExternalId", "The parameter ExternalId is wrongly formed."),
    optional("Policy", Kind::Like(|policy| policy.chars().count() <= 2048))
        .or("InvalidParameter.PolicySize", "The size of Policy must be smaller than 2048 bytes."),
    optional("SourceIdentity", Kind::Text),
];

fn is_made_of(text: &str, others: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

pub(super) fn assume_role(scope: &mut Scope<'_>) -> Answer {
    let given = scope.parameters;
    let (arn, session) = (given.require("RoleArn")?, given.text("RoleSessionName"));
    let policy = given.get("Policy").map(SessionPolicy::read).transpose().map_err(|problem| {
        let message = format!("The parameter Policy has not passed grammar check. {problem}.");
        Refusal::new("InvalidParameter.PolicyGrammar", message)
    })?;
    let denied = scope.options.denied_in_sessions.iter().filter(|(function, _)| *function == scope.caller.name);
    let policy = policy.map(|policy| denied.fold(policy, |policy, (_, action)| policy.without(action)));
    let (account, role) = scope.roles.assume(arn, Applicant::Caller(scope.caller, given.get("ExternalId")))?;
    let life = given.number("DurationSeconds")?.unwrap_or(3600);
    let expires = after(scope.now, Duration::from_secs(life as u64));
    let assumed_id = format!("role-{role}:{session}");
    let caller = Caller { account, name: session.clone(), role: Some(role), region: None };
    let credentials = scope.keys.issue_within(caller, expires, policy);
    Ok(json!({
        "AssumedRoleUser": {"Arn": format!("{arn}/{session}"), "AssumedRoleId": assumed_id},
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "AccessKeySecret": credentials.access_key_secret,
            "SecurityToken": credentials.security_token,
            "Expiration": iso(expires),
        },
        "SourceIdentity": given.text("SourceIdentity"),
    }))
}

pub(super) fn caller_identity(scope: &mut Scope<'_>) -> Answer {
    let Caller { account, name, role, .. } = scope.caller;
    Ok(match role {
        Some(role) => json!({
            "AccountId": account, "IdentityType": "AssumedRoleUser", "RoleId": format!("role-{role}"),
            "PrincipalId": format!("role-{role}:{name}"),
            "Arn": format!("acs:ram::{account}:assumed-role/{role}/{name}"),
        }),
        None => json!({
            "AccountId": account, "IdentityType": "Account", "PrincipalId": account, "UserId": account,
            "Arn": format!("acs:ram::{account}:root"),
        }),
    })
}
