//! The template of the other accounts, of which only their role matters here.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use super::{
    resolve::Resolver,
    role,
    template::{TemplateError, read_document},
};
use crate::ram::{accounts::OWN_ACCOUNT, policy::Role};

/// A template for other accounts, read once and resolved for each account that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct MemberTemplate {
    document: Value,
    parameters: BTreeMap<String, String>,
    region: String,
    /// The name of the role.
    role: String,
}

impl MemberTemplate {
    /// Reads a template, for stacks in this region. The parameters of the own account's stack also apply to the other
    /// accounts' stacks, as far as their template has them.
    pub(crate) fn read(
        path: &Path,
        parameters: &BTreeMap<String, String>,
        region: &str,
        role: &str,
    ) -> Result<Self, TemplateError> {
        let document = read_document(path)?;
        let mut given = parameters.clone();
        given.insert("MainAccountId".into(), OWN_ACCOUNT.into());
        given.retain(|parameter, _| document["Parameters"].get(parameter).is_some());
        Ok(Self { document, parameters: given, region: region.to_owned(), role: role.to_owned() })
    }

    /// Returns the role in an account, with the `ExternalId` that it requires. `None` if the template does not describe
    /// it. Ignores the role's condition, which is about the own account.
    pub(crate) fn role_in(&self, account: &str, external_id: Option<&str>) -> Result<Option<Role>, TemplateError> {
        let mut given = self.parameters.clone();
        given.extend(external_id.map(|id| ("ExternalId".to_owned(), id.to_owned())));
        let resolver = Resolver::new(self.document.clone(), &given, account, &self.region)?;
        let mut named = Vec::new();
        for resource in resolver.declared("ALIYUN::RAM::Role") {
            if resource.text("RoleName")?.eq_ignore_ascii_case(&self.role) {
                named.push(resource);
            }
        }
        Ok(role::roles(&resolver, named)?.pop())
    }
}
