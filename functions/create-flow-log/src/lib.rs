//! Gives each new VPC, vSwitch or network interface the flow log that the policy asks for.
//!
//! Woken by the calls that make one, as ActionTrail records them, and by Cloud Config's discoveries. It looks at what
//! the event names, or at that of which it is a part, and may write one call: `CreateFlowLog`.

mod scope;

use std::sync::Arc;

use bytes::Bytes;
use fc_runtime::{Answer, Failure, Function, InvalidSettings, Invocation, Settings};
use reconcile::{Job, Keeper, KeeperSettings, Machine};

use scope::{Home, scope};

const NAME: &str = "create-flow-log";

/// The function.
#[derive(Debug)]
pub struct CreateFlowLog {
    keeper: Keeper,
}

impl Function for CreateFlowLog {
    fn from_settings(settings: &Settings) -> Result<Self, InvalidSettings> {
        let setting = |name: &str| settings.get(name).map(str::to_owned);
        let mut invalid = InvalidSettings::default();
        invalid.note(settings.only_known(KeeperSettings::NAMES));
        let settings = invalid.note(KeeperSettings::read(&setting, &settings.beside_the_binary("policy.yml")));
        invalid.into_result()?;
        let keeper = settings.map(|settings| Keeper::new(NAME, &["CreateFlowLog"], settings, Arc::new(Machine)));
        keeper.map(|keeper| Self { keeper }).ok_or_else(InvalidSettings::default)
    }

    async fn handle(&self, invocation: Invocation, event: Bytes) -> Result<Answer, Failure> {
        let woken = events::parse(&event).map_err(|error| Failure::from_error("UnknownEvent", &error))?;
        let home = Home::of(&invocation);
        let (targets, items) = scope(woken, &home);
        let report = if targets.is_empty() {
            self.keeper.report(invocation.request_id, items)
        } else {
            let job = Job {
                credentials: invocation.credentials()?.clone(),
                stop_at: Some(invocation.work_until()),
                account: home.account,
                request_id: invocation.request_id,
            };
            self.keeper.keep(job, targets, items).await
        };
        match report.incomplete() {
            None => Answer::json(&report),
            Some(why) => Err(Failure::new(why.error_type, why.message)
                .with_report(serde_json::to_value(&report).unwrap_or_default())),
        }
    }
}
