//! Checks the table of operations against the documentation.

use super::{BSS, CMS, ECR, ECS, OPERATIONS, RESOURCE_DIRECTORY, STS, VPC, find};
use crate::api::documented::{Operation, documented};

/// Parameters that every operation of VPC and ECS also accepts, without effect.
const OWNERS: [&str; 4] = ["OwnerId", "OwnerAccount", "ResourceOwnerId", "ResourceOwnerAccount"];

/// Required although one of the documents does not require them: a flow log cannot exist without a destination.
const ALSO_REQUIRED: [&str; 2] = ["ProjectName", "LogStoreName"];

#[test]
fn every_documented_operation_and_parameter_is_known() {
    let operations = documented().operations;
    assert_eq!(operations.len(), 30);
    for Operation { product, version, action, parameters, .. } in operations {
        let operation = find(&action, &version).unwrap();
        assert_eq!(operation.product.name, product, "{action}");
        for (name, documented) in parameters {
            let common = (product == ECR.name && name == "Version")
                || ([VPC.name, ECS.name].contains(&product.as_str()) && OWNERS.contains(&name.as_str()));
            if common {
                continue;
            }
            let field = operation.fields.iter().find(|field| field.is_called(&name));
            let field = field.unwrap_or_else(|| panic!("{product}.{action} does not know {name}"));
            let also = action == "CreateFlowLog" && ALSO_REQUIRED.contains(&name.as_str());
            assert!(
                name.ends_with(".Value") || field.is_required() == (documented.required || also),
                "{action} {name}"
            );
            for value in &documented.values {
                assert!(field.allows(value), "{product}.{action} {name}={value}");
            }
        }
    }
}

#[test]
fn an_operation_is_there_once() {
    for (n, one) in OPERATIONS.iter().enumerate() {
        let same = |other: &&super::Operation| other.action == one.action && other.product == one.product;
        assert_eq!(OPERATIONS.iter().position(|other| same(&other)), Some(n), "{}", one.action);
    }
    assert!(
        OPERATIONS.iter().all(|one| [&VPC, &ECS, &STS, &RESOURCE_DIRECTORY, &ECR, &BSS, &CMS].contains(&one.product))
    );
}
