//! Writes evidence of what is recorded: every day, for everything in the policy, into a folder that is a mounted bucket.
//!
//! Triggered by a timer. It reads what `flowkeeper report` reads, by the same code, and changes nothing: its client
//! refuses every write, and its role has none. A sweep of several accounts fans out as those of the other functions do.
//! Each shard leaves its part in the folder, and the collect step joins the parts to one report. A part that does not
//! come is unknown in the report, and said.

mod collecting;
mod digest;
mod folder;
mod run;

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use evidence::PolicyName;
use fc_runtime::{Failure, Function, InvalidSettings, Invocation, Output, Settings};
use handler::{
    Begun, Busy, Capabilities, Context, Ended, EventKind, FanOut, FlowLogFunction, Measurement, SETTINGS_PREFIX, Scope,
    answered, begin, is_function, reject_unknown,
};
use reconcile::{CallCounter, OsRng, PolicyText, Reconciler, ReconcilerSettings, SystemClock};

use crate::{digest::sha256, folder::Folder};

/// The setting that names the folder.
const EVIDENCE_DIR: &str = "FLOWKEEPER_EVIDENCE_DIR";

/// Writes evidence of what is recorded.
#[derive(Debug)]
pub struct ReportFlowLogs {
    settings: ReconcilerSettings,
    /// Routes events, and submits shards. It reads nothing of the accounts.
    home: Reconciler,
    policy: PolicyName,
    folder: Folder,
}

impl FlowLogFunction for ReportFlowLogs {
    const CAPABILITIES: Capabilities = Capabilities::everything("report-flow-logs");

    fn scope(event: EventKind, _: &Context<'_>) -> Scope {
        match event {
            EventKind::Timer { .. } => Scope::AllRegions,
            _ => Scope::Skip("this function runs by timers only"),
        }
    }
}

impl Function for ReportFlowLogs {
    const NAME: &'static str = {
        assert!(is_function(Self::CAPABILITIES.function), "add the function to FUNCTIONS");
        Self::CAPABILITIES.function
    };

    const SETTINGS_PREFIX: &'static str = SETTINGS_PREFIX;

    fn from_settings(settings: &Settings) -> Result<Self, InvalidSettings> {
        let mut invalid = InvalidSettings::default();
        let known = ReconcilerSettings::names().into_iter().chain([EVIDENCE_DIR]).collect();
        let known = invalid.collect(reject_unknown(settings, known));
        let folder = invalid.collect(folder(settings));
        let read = invalid.collect(ReconcilerSettings::read(settings));
        let (Some(()), Some(folder), Some(reconciler_settings)) = (known, folder, read) else { return Err(invalid) };
        let PolicyText { name, text } = PolicyText::read(settings)?;
        let home = reconciler(&reconciler_settings);
        let policy = PolicyName { name, sha256: sha256(text.as_bytes()) };
        Ok(Self { settings: reconciler_settings, home, policy, folder })
    }

    async fn handle(&self, invocation: Invocation, event: Bytes) -> Result<Output, Failure> {
        let measurement = Measurement::begin(&invocation);
        let ended = self.respond(invocation, &event, measurement.calls()).await;
        answered(&measurement, ended, self.home.now(), &event)
    }
}

/// Reads where to write.
fn folder(settings: &Settings) -> Result<Folder, InvalidSettings> {
    let Some(path) = settings.get(EVIDENCE_DIR) else {
        return Err(InvalidSettings::new(format_args!(
            "{EVIDENCE_DIR} is not set: it names the folder for the reports, such as /mnt/evidence"
        )));
    };
    let path = PathBuf::from(path);
    if path.is_absolute() {
        Ok(Folder::new(path))
    } else {
        Err(InvalidSettings::of(EVIDENCE_DIR, &path.to_string_lossy(), "must be an absolute path"))
    }
}

/// Makes a reconciler. Each invocation that reads has one of its own, which tells it what is read.
fn reconciler(settings: &ReconcilerSettings) -> Reconciler {
    let only_reads = ReconcilerSettings { dry_run: true, ..settings.clone() };
    Reconciler::new(ReportFlowLogs::CAPABILITIES, only_reads, Arc::new(SystemClock), Arc::new(OsRng))
}

impl ReportFlowLogs {
    async fn respond(&self, invocation: Invocation, event: &[u8], calls: CallCounter) -> Result<Ended, Failure> {
        let Busy { job, kind, work, step, items } = match begin::<Self>(&self.home, invocation, event, calls)? {
            Begun::Ended(ended) => return Ok(*ended),
            Begun::Busy(busy) => *busy,
        };
        let report = match step {
            Some(FanOut::Coordinate(function)) => self.coordinate(job, &function).await,
            Some(FanOut::Collect(function, step)) => self.collect(job, function.as_deref(), step).await,
            None => self.sweep(job, work, items).await,
        };
        Ok(Ended { kind, report })
    }
}
