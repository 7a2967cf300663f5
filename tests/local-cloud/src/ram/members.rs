//! The role that each of the other accounts has for the functions.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    ram::{
        accounts::{OWN_ACCOUNT, SECOND_ACCOUNT_ROLE},
        policy::Role,
        trust::Trust,
    },
    ros::{member::MemberTemplate, template::TemplateError},
};

/// The role of another account for the functions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MemberRole {
    /// As the template of member accounts describes it.
    #[default]
    AsDescribed,
    /// It does not exist, as before its stack is deployed.
    Absent,
    /// It trusts nobody.
    Refusing,
    /// As described, and a caller must give this `ExternalId`.
    WithExternalId(String),
}

/// A role that exists.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    /// A template describes it.
    Described(Arc<Role>),
    /// No template describes it, so it allows everything to those whom it trusts.
    Undescribed(Trust),
}

impl Known {
    pub(crate) fn trust(&self) -> &Trust {
        match self {
            Self::Described(role) => &role.trust,
            Self::Undescribed(trust) => trust,
        }
    }
}

/// The roles of the other accounts, each of which is made when it is first asked for.
#[derive(Debug, Default)]
pub(crate) struct Members {
    template: Option<MemberTemplate>,
    external_id: Option<String>,
    made: Mutex<BTreeMap<String, Option<Known>>>,
}

impl Members {
    /// Returns the roles as a template describes them, with the `ExternalId` that each requires.
    pub(crate) fn new(template: Option<MemberTemplate>, external_id: Option<&str>) -> Self {
        Self { template, external_id: external_id.map(str::to_owned), made: Mutex::default() }
    }

    /// The name of the role.
    pub(crate) fn role_name() -> &'static str {
        SECOND_ACCOUNT_ROLE.rsplit('/').next().unwrap_or_default()
    }

    /// Checks that the template describes the role of an account without a mistake.
    pub(crate) fn check(&self, account: &str) -> Result<(), TemplateError> {
        self.make(account, &MemberRole::AsDescribed).map(drop)
    }

    /// Gives an account another role.
    pub(crate) fn set(&self, account: &str, role: &MemberRole) -> Result<(), TemplateError> {
        let made = self.make(account, role)?;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(account.to_owned(), made);
        Ok(())
    }

    /// Returns the role of an account.
    pub(crate) fn role_in(&self, account: &str) -> Option<Known> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.contains_key(account) {
            // A template with a mistake is refused before the cloud starts.
            let role = self.make(account, &MemberRole::AsDescribed).ok().flatten();
            made.insert(account.to_owned(), role);
        }
        made.get(account).cloned().flatten()
    }

    fn make(&self, account: &str, role: &MemberRole) -> Result<Option<Known>, TemplateError> {
        let external_id = match role {
            MemberRole::Absent => return Ok(None),
            MemberRole::Refusing => return Ok(Some(Known::Undescribed(Trust::default()))),
            MemberRole::AsDescribed => self.external_id.as_deref(),
            MemberRole::WithExternalId(id) => Some(id.as_str()),
        };
        let described = self.template.as_ref().map(|template| template.role_in(account, external_id)).transpose()?;
        Ok(Some(match described.flatten() {
            Some(described) => Known::Described(Arc::new(described)),
            None => Known::Undescribed(Trust::in_account(OWN_ACCOUNT, external_id)),
        }))
    }
}
