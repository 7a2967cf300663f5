//! The flow log service, which each account has to open once by accepting its terms.

use std::sync::Arc;

use flow_log::{Action, RegionId, Verdict};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use openapi::{CallError, Client, ClientSettings, Clock, Rng, Session};
use settings::{InvalidSettings, Settings};

use crate::{
    Item, Job, Outcome, Report,
    report::ReportBuilder,
    settings::{ReconcilerSettings, dry_run},
    write::Write,
    writer::{Confirmation, WriteOutcome, Writer},
};

/// Opens the flow log service of the function's own account. Lives as long as the process.
#[derive(Debug)]
pub struct ServiceOpener {
    function: &'static str,
    client: Client,
    dry_run: bool,
}

impl ServiceOpener {
    /// Returns the names of the settings that [`ServiceOpener::read`] reads, and of those that the other functions
    /// read: the functions of a stack may share their settings.
    #[must_use]
    pub fn setting_names() -> Vec<&'static str> {
        ReconcilerSettings::names()
    }

    /// Reads `FLOWKEEPER_DRY_RUN` and the settings of the client, for the function of this name. It needs no policy.
    ///
    /// # Errors
    /// Names every setting that cannot be used.
    pub fn read(
        function: &'static str,
        settings: &Settings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, InvalidSettings> {
        let mut invalid = InvalidSettings::default();
        let client = invalid.collect(ClientSettings::read(settings));
        let dry_run = invalid.collect(dry_run(settings));
        let (Some(client), Some(dry_run)) = (client, dry_run) else { return Err(invalid) };
        Ok(Self { function, client: Client::new(client, clock, rng), dry_run })
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.client.now()
    }

    /// Opens the service if it is not open and its terms are accepted.
    pub async fn open(&self, job: Job, region: &RegionId, accept_terms: bool) -> Report {
        let item = self.item(&job, region, accept_terms).await.at(job.account.as_ref(), Some(region));
        let report = Report::new(self.function, job.run, job.request_id, self.dry_run, ReportBuilder::from(item));
        report.log();
        report
    }

    async fn item(&self, job: &Job, region: &RegionId, accept_terms: bool) -> Item {
        let Some(account) = job.account.clone() else {
            return Item::broken_event("the function's account is not known");
        };
        let session = self.client.session(job.credentials.clone(), account, region.clone(), job.stop_at);
        let session = session.counted_by(job.calls.clone());
        let about = |verdict, outcome, reason: &str| Item {
            verdict: Some(verdict),
            resource_type: Some("FlowLogService"),
            ..Item::new(outcome, reason).in_session(&session)
        };
        match session.get_flow_log_service_status().await {
            Ok(true) => return about(Verdict::Compliant, Outcome::Unchanged, "the flow log service is open"),
            Ok(false) => {}
            Err(error) => {
                let item =
                    about(Verdict::Unknown, Outcome::Failed, "the status of the flow log service could not be read");
                return Item { is_finding: true, ..item }.with_error(&error);
            }
        }
        if !accept_terms {
            let reason = "the flow log service is not open; invoke this function with {\"accept_terms\": true} to accept its terms and open it";
            return about(Verdict::Inactive, Outcome::Skipped, reason).finding();
        }
        let writer = Writer::new(&session, &[Action::OpenFlowLogService], self.dry_run);
        let closed = about(Verdict::Inactive, Outcome::Done, "the flow log service was not open");
        let confirm = || confirm(&session).boxed();
        match writer.write(Write::OpenService, closed.clone(), &confirm).await {
            WriteOutcome::Planned(item) | WriteOutcome::Done(item) | WriteOutcome::Confirmed(item, ()) => item,
            WriteOutcome::NotApproved(item) => item,
            WriteOutcome::Failed(item) | WriteOutcome::NotVisible(item) | WriteOutcome::NoDestination(item) => item,
            WriteOutcome::Superseded(()) => {
                about(Verdict::Compliant, Outcome::Unchanged, "somebody else has opened the flow log service")
            }
            // Cannot happen: the writer above permits this action.
            WriteOutcome::NotPermitted => Item { outcome: Outcome::Skipped, ..closed },
        }
    }
}

/// Reads whether the service is open by now.
async fn confirm(session: &Session<'_>) -> Result<Confirmation<()>, CallError> {
    let is_open = session.get_flow_log_service_status().await?;
    Ok(if is_open {
        Confirmation::Settled { observed: (), may_be_ours: true, flow_log: None }
    } else {
        Confirmation::Outstanding
    })
}
