//! What a refusal says about the permission that is missing.

use std::fmt;

use crate::call::response::Object;

/// Who was refused what, and by what kind of policy, as far as the API says it.
///
/// The API adds a text that says more, and only to those who may decode it. It is not read here, so that it gets into no
/// log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Denied {
    /// The action, for example `vpc:CreateFlowLog`.
    pub action: Option<String>,
    /// Who is refused it: a user's name or id, or a role and its session.
    pub principal: Option<String>,
    /// What that is, for example `AssumedRoleUser`.
    pub principal_type: Option<String>,
    /// The account that it is of.
    pub principal_account: Option<String>,
    /// `ImplicitDeny` where no policy allows it, and `ExplicitDeny` where one denies it.
    pub no_permission_type: Option<String>,
    /// The kind of policy that this is about, for example `AccountLevelIdentityBasedPolicy`.
    pub policy_type: Option<String>,
}

impl Denied {
    /// Reads the members of `AccessDeniedDetail`, where it has some that are known.
    pub(crate) fn read(member: impl Fn(&str) -> Option<String>) -> Option<Box<Self>> {
        let read = Self {
            action: member("AuthAction"),
            principal: member("AuthPrincipalDisplayName"),
            principal_type: member("AuthPrincipalType"),
            principal_account: member("AuthPrincipalOwnerId"),
            no_permission_type: member("NoPermissionType"),
            policy_type: member("PolicyType"),
        };
        (read != Self::default()).then(|| Box::new(read))
    }

    /// The same from an answer, where it is an object, or a text that holds one.
    pub(crate) fn of(answer: &Object<'_>) -> Option<Box<Self>> {
        const KEY: &str = "AccessDeniedDetail";
        if let Ok(detail) = answer.object(KEY) {
            return Self::read(|name| detail.text(name));
        }
        let text = answer.text(KEY)?;
        let detail = serde_json::from_str(&text).ok()?;
        let detail = Object::whole(&detail);
        Self::read(|name| detail.text(name))
    }

    /// The same with each text as `clean` leaves it.
    pub(crate) fn cleaned(self, clean: impl Fn(String) -> String) -> Self {
        Self {
            action: self.action.map(&clean),
            principal: self.principal.map(&clean),
            principal_type: self.principal_type.map(&clean),
            principal_account: self.principal_account.map(&clean),
            no_permission_type: self.no_permission_type.map(&clean),
            policy_type: self.policy_type.map(&clean),
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn or<'t>(text: &'t Option<String>, unsaid: &'t str) -> &'t str {
            text.as_deref().unwrap_or(unsaid)
        }
        write!(f, "{} is denied to {}", or(&self.action, "it"), or(&self.principal_type, "the caller"))?;
        if let Some(principal) = &self.principal {
            write!(f, " {principal}")?;
        }
        if let Some(account) = &self.principal_account {
            write!(f, " of account {account}")?;
        }
        let policy = or(&self.policy_type, "policy");
        match self.no_permission_type.as_deref() {
            Some("ImplicitDeny") => write!(f, ": no {policy} allows it"),
            Some("ExplicitDeny") => write!(f, ": {policy} denies it"),
            Some(other) => write!(f, ": {other} by {policy}"),
            None if self.policy_type.is_some() => write!(f, " by {policy}"),
            None => Ok(()),
        }
    }
}
