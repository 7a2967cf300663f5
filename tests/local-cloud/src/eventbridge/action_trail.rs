//! Converts calls to ActionTrail events on the default bus, in EventBridge's envelope.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    api::{operations::Operation, refusal::Refusal},
    ram::accounts::Caller,
    world::clock::iso,
};

/// A call that ActionTrail records.
pub(crate) struct Record<'a> {
    pub(crate) operation: &'a Operation,
    pub(crate) caller: &'a Caller,
    pub(crate) region: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) now: Timestamp,
}

impl Record<'_> {
    /// Returns the event of the call, with its answer or with the code and message of the refusal.
    pub(crate) fn of(&self, parameters: &BTreeMap<String, String>, answer: Result<&Value, &Refusal>) -> Value {
        let product = self.operation.product;
        let time = iso(self.now);
        let mut data = json!({
            "eventId": self.request_id,
            "eventVersion": 1,
            "eventName": self.operation.action,
            "eventType": "ApiCall",
            "eventRW": if self.operation.is_write { "Write" } else { "Read" },
            "eventCategory": "Management",
            "eventSource": format!("{}.aliyuncs.com", product.name),
            "serviceName": product.service,
            "apiVersion": product.version,
            "acsRegion": self.region,
            "eventTime": time,
            "requestId": self.request_id,
            "recipientAccountId": self.caller.account,
            "isGlobal": false,
            "sourceIpAddress": "127.0.0.1",
            "userAgent": "local-cloud",
            "requestParameters": parameters,
            "userIdentity": self.identity(&time),
        });
        match answer {
            Ok(answer) => data["responseElements"] = answer.clone(),
            Err(refusal) => {
                data["errorCode"] = json!(refusal.code);
                data["errorMessage"] = json!(refusal.message);
            }
        }
        json!({
            "id": self.request_id.to_lowercase(),
            "source": format!("acs.{}", product.name),
            "specversion": "1.0",
            "type": format!("{}:ActionTrail:ApiCall", product.name),
            "datacontenttype": "application/json;charset=utf-8",
            "time": time,
            "aliyunaccountid": self.caller.account,
            "aliyunpublishtime": time,
            "aliyuneventbusname": "default",
            "aliyunregionid": self.region,
            "aliyunpublishaddr": "127.0.0.1",
            "data": data,
        })
    }

    fn identity(&self, time: &str) -> Value {
        let Caller { account, name, role, .. } = self.caller;
        match role {
            Some(role) => json!({
                "type": "assumed-role",
                "accountId": account,
                "principalId": format!("role-{role}:{name}"),
                "userName": format!("{role}:{name}"),
                "sessionContext": {"attributes": {"mfaAuthenticated": "false", "creationDate": time}},
            }),
            None => json!({
                "type": "root-account", "accountId": account, "principalId": account, "userName": "root",
            }),
        }
    }
}
