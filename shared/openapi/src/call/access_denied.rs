//! What an access-denied error says about the missing permission.

use std::fmt;

use json::Json;

use crate::call::response_object::ResponseObject;

/// Who was denied which action, and by what kind of policy, as far as the API says.
///
/// The API also returns an encoded diagnostic message, which only authorized callers can decode. It is not read here,
/// so that it never reaches a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessDenied {
    /// The action, for example `vpc:CreateFlowLog`.
    pub action: Option<String>,
    /// Who was denied: a user's name or id, or a role and its session.
    pub principal: Option<String>,
    /// The type of the principal, for example `AssumedRoleUser`.
    pub principal_type: Option<String>,
    /// The principal's account.
    pub principal_account: Option<String>,
    /// `ImplicitDeny` if no policy allows the action, `ExplicitDeny` if a policy denies it.
    pub no_permission_type: Option<String>,
    /// The kind of policy that caused the denial, for example `AccountLevelIdentityBasedPolicy`.
    pub policy_type: Option<String>,
}

impl AccessDenied {
    /// Reads the members of `AccessDeniedDetail`. Returns `None` if no known member is present.
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

    /// Reads the details from a response, where they are an object or a string that contains one.
    pub(crate) fn of(response: &ResponseObject<'_>) -> Option<Box<Self>> {
        const KEYS: [&str; 2] = ["AccessDeniedDetail", "accessDeniedDetail"];
        if let Some(detail) = KEYS.iter().find_map(|key| response.object(key).ok()) {
            return Self::read(|name| detail.text(name));
        }
        let text = KEYS.iter().find_map(|key| response.text(key))?;
        let detail = Json::read(text.as_bytes()).ok()?;
        let detail = ResponseObject::whole(&detail);
        Self::read(|name| detail.text(name))
    }

    /// Applies `clean` to every text.
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

impl fmt::Display for AccessDenied {
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
