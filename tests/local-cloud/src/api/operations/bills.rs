//! Billing: the lines of a bill, which tests write.

use serde_json::{Value, json};

use super::{
    Answer, Scope,
    fields::{Field, Kind, optional, required},
};
use crate::api::refusal::Refusal;

const MAX_PAGE: usize = 300;
const DEFAULT_PAGE: usize = 20;

pub(super) const DESCRIBE: &[Field] = &[
    required("BillingCycle", Kind::Text),
    optional("Granularity", Kind::OneOf(&["MONTHLY", "DAILY"])),
    optional("BillingDate", Kind::Text),
    optional("IsBillingItem", Kind::Switch),
    optional("IsHideZeroCharge", Kind::Switch),
    optional("ProductCode", Kind::Text),
    optional("ProductType", Kind::Text),
    optional("SubscriptionType", Kind::Text),
    optional("InstanceID", Kind::Text),
    optional("PipCode", Kind::Text),
    optional("BillOwnerId", Kind::Text),
    optional("MaxResults", Kind::Number(1, MAX_PAGE)),
    optional("NextToken", Kind::Text),
];

pub(super) fn describe(scope: &mut Scope<'_>) -> Answer {
    let account = &scope.caller.account;
    // Only who pays sees a bill: in an organization, that is its management account.
    let pays_itself = |id: &str| scope.state.constraints.pays_itself(id);
    let is_member = !pays_itself(account)
        && scope
            .state
            .directory
            .as_ref()
            .is_some_and(|directory| directory.get(account).is_some() && !directory.is_readable_by(account));
    if is_member {
        return Err(Refusal::new("NotAuthorized", "This API is not authorized for caller."));
    }
    let owner = scope.parameters.get("BillOwnerId").map_or_else(|| account.clone(), ToOwned::to_owned);
    let pays =
        owner == *account || scope.state.directory.as_ref().is_some_and(|directory| directory.get(&owner).is_some());
    if !pays {
        return Err(Refusal::new("NotAuthorized", "This API is not authorized for caller."));
    }
    let cycle = scope.parameters.text("BillingCycle");
    let is_asked_for = |line: &&Value| {
        ["ProductCode", "InstanceID"]
            .iter()
            .all(|name| scope.parameters.get(name).is_none_or(|asked| line[*name] == asked))
    };
    let bills = &scope.state.bills;
    let is_seen = owner == *account || !pays_itself(&owner);
    let lines: Vec<Value> = bills
        .get(&(owner.clone(), cycle.clone()))
        .filter(|_| is_seen)
        .into_iter()
        .flatten()
        .filter(is_asked_for)
        .cloned()
        .collect();
    let total = lines.len();
    let size = scope.parameters.number("MaxResults")?.unwrap_or(DEFAULT_PAGE);
    let (items, next) = scope.part(lines, size)?;
    let next = if next.is_empty() { Value::Null } else { json!(next) };
    let data = json!({
        "BillingCycle": cycle, "AccountID": owner, "AccountName": "example", "TotalCount": total, "MaxResults": size,
        "NextToken": next, "Items": items,
    });
    Ok(json!({"Code": "Success", "Message": "Successful!", "Success": true, "Data": data}))
}
