//! Roles of a template: their trust and their policies.

use serde_json::Value;

use super::{
    resolve::{Resolver, Resource},
    template::TemplateError,
};
use crate::ram::{policy::Role, trust::Trust};

/// Returns the roles with their trust, their own policies and the policies attached to them.
pub(super) fn roles(resolver: &Resolver, resources: Vec<Resource<'_>>) -> Result<Vec<Role>, TemplateError> {
    let mut roles = Vec::new();
    for resource in resources {
        for elsewhere in ["PolicyAttachments", "ManagedPolicyArns"] {
            if resource.value(elsewhere)?.is_some() {
                return Err(
                    resource.error(elsewhere, "local-cloud supports only policies that the template itself defines")
                );
            }
        }
        let mut role = Role::new(resource.id(), &resource.text("RoleName")?);
        if let Some(document) = resource.value("AssumeRolePolicyDocument")? {
            let at = |(place, problem): (String, String)| {
                resource.error(&format!("AssumeRolePolicyDocument{place}"), &problem)
            };
            role.trust = Trust::read(&document).map_err(at)?;
        }
        let policies = resource.value("Policies")?.unwrap_or_default();
        for (n, policy) in policies.as_array().into_iter().flatten().enumerate() {
            let at = |(place, problem): (String, String)| {
                resource.error(&format!("Policies[{n}].PolicyDocument{place}"), &problem)
            };
            role.attach(&policy["PolicyDocument"]).map_err(at)?;
        }
        roles.push(role);
    }
    for resource in resolver.resources("ALIYUN::RAM::ManagedPolicy")? {
        let document = resource.value("PolicyDocument")?.unwrap_or_default();
        let names = resource.value("Roles")?.unwrap_or_default();
        for name in names.as_array().into_iter().flatten().filter_map(Value::as_str) {
            let at = |(place, problem): (String, String)| resource.error(&format!("PolicyDocument{place}"), &problem);
            if let Some(role) = roles.iter_mut().find(|role| role.name == name.to_lowercase()) {
                role.attach(&document).map_err(at)?;
            }
        }
    }
    if let Some(resource) = resolver.resources("ALIYUN::RAM::AttachPolicyToRole")?.first() {
        return Err(resource.error("PolicyName", "local-cloud supports only policies that the template itself defines"));
    }
    Ok(roles)
}
