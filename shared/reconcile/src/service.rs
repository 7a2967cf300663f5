//! The flow log service, which an account has to open once, accepting its terms.

use std::sync::Arc;

use flow_log::{RegionId, Verdict};
use openapi::{Client, ClientSettings, ServiceOpening, System};

use crate::{
    Item, Job, Outcome, Report,
    report::Part,
    settings::{InvalidSetting, dry_run},
};

/// Opens the flow log service of the function's own account. Lives as long as the process.
#[derive(Debug)]
pub struct ServiceOpener {
    function: &'static str,
    client: Client,
    dry_run: bool,
}

impl ServiceOpener {
    /// The names of all that can be set. There is no policy among them: none is needed.
    pub const SETTINGS: &[&str] = &[
        "FLOWKEEPER_ENDPOINT",
        "FLOWKEEPER_VPC_ENDPOINT",
        "FLOWKEEPER_ECS_ENDPOINT",
        "FLOWKEEPER_ECR_ENDPOINT",
        "FLOWKEEPER_STS_ENDPOINT",
        "FLOWKEEPER_NETWORK",
        "FLOWKEEPER_SIGNATURE",
        "FLOWKEEPER_EXTRA_ROOT_FILE",
        "FLOWKEEPER_DRY_RUN",
        // The functions of a stack may share their settings.
        "FLOWKEEPER_POLICY",
        "FLOWKEEPER_POLICY_FILE",
    ];

    /// Reads `FLOWKEEPER_DRY_RUN` and the settings of the client, for the function of this name.
    ///
    /// # Errors
    /// Every one that cannot be used.
    pub fn read(
        function: &'static str,
        setting: &dyn Fn(&str) -> Option<String>,
        system: Arc<dyn System>,
    ) -> Result<Self, Vec<InvalidSetting>> {
        match (ClientSettings::read(setting), dry_run(setting)) {
            (Ok(client), Ok(dry_run)) => Ok(Self { function, client: Client::new(client, system), dry_run }),
            (client, dry_run) => {
                let mut problems = client.err().unwrap_or_default();
                problems.extend(dry_run.err());
                Err(problems)
            }
        }
    }

    /// Opens the service, if it is not open and `accept_terms` says that somebody accepts its terms.
    pub async fn open(&self, job: Job, region: &RegionId, accept_terms: bool) -> Report {
        let item = self.item(&job, region, accept_terms).await.at(job.account.as_ref(), Some(region));
        Report::new(self.function, job.request_id, self.dry_run, Part::from(item))
    }

    async fn item(&self, job: &Job, region: &RegionId, accept_terms: bool) -> Item {
        const OPEN: &str = "OpenFlowLogService";
        let Some(account) = job.account.clone() else {
            return Item::broken_event("nothing says in which account the function runs");
        };
        let session = self.client.session(job.credentials.clone(), account, region.clone(), job.stop_at);
        let item = |verdict, outcome, reason: &str| Item {
            verdict: Some(verdict),
            resource_type: Some("FlowLogService"),
            ..Item::new(outcome, reason)
        };
        let closed = |outcome, reason: &str| Item { action: Some(OPEN), ..item(Verdict::Inactive, outcome, reason) };
        match session.get_flow_log_service_status().await {
            Ok(true) => return item(Verdict::Compliant, Outcome::Unchanged, "the flow log service is open"),
            Ok(false) => {}
            Err(error) => {
                let item =
                    item(Verdict::Unknown, Outcome::Failed, "the status of the flow log service could not be read");
                return Item { is_finding: true, ..item }.with_error(&error);
            }
        }
        if !accept_terms {
            let reason = "the flow log service is not open; invoke this function with {\"accept_terms\": true} to accept its terms and open it";
            return Item { is_finding: true, ..item(Verdict::Inactive, Outcome::Skipped, reason) };
        }
        if self.dry_run {
            return Item { is_finding: true, ..closed(Outcome::Planned, "the flow log service is not open") };
        }
        match session.open_flow_log_service().await {
            Ok(ServiceOpening::Opened) => closed(Outcome::Done, "the flow log service was not open"),
            // It was not a moment ago: a first try whose answer was lost may have opened it.
            Ok(ServiceOpening::WasOpen) => closed(
                Outcome::Done,
                "the flow log service was not open, and is open now: by this call, or by another one at the same time",
            ),
            Err(error) => match session.get_flow_log_service_status().await {
                Ok(true) => closed(
                    Outcome::Done,
                    "the flow log service was not open; the call was not answered, and had been done",
                ),
                _ => {
                    let item = closed(Outcome::Failed, "the flow log service could not be opened");
                    Item { is_finding: true, ..item }.with_error(&error)
                }
            },
        }
    }
}
