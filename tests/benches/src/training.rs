//! Has binaries with counters do their work, so that they can be built again for what was counted.
//!
//! What a day brings is here in small: mostly events, many of them ignored, some sweeps, and a few refusals; all over TLS.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use packaging::{
    build::Workspace,
    trained::{self, Binary, PROFILE, Tool, profile_in},
};

use crate::{
    event,
    fleet::{Fleet, REGIONS},
    process::Process,
    stub::Cloud,
    subject::{Kind, POLICY, Subject},
};

/// The bare server on reqwest. It is trained as the function beside it is.
pub(crate) const ON_REQWEST: &str = "on_reqwest";
/// No event: Function Compute should try again, and keep it as a dead letter.
const UNKNOWN: &str = "{}";
const DELETED: &str = include_str!("../../fixtures/events/actiontrail-delete-vpc.json");
const DRIFTED: &str = include_str!("../../fixtures/events/config-noncompliant.json");
/// The accounts that new VPCs are in, and how many are in each. The pacing lets 60 calls of an action go at once.
const ACCOUNTS: usize = 10;
const JOBS_OF_AN_ACCOUNT: usize = 50;
/// The VPCs that are swept in each of the first [`REGIONS_SWEPT`] regions. One in 20 lacks its flow log.
const FLEET: Fleet = Fleet { vpcs: 60, lacking: 20 };
const REGIONS_SWEPT: usize = 5;

/// The manifest of the workspace.
const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
/// The most of an unexpected answer that is shown, in characters.
const MAX_SHOWN: usize = 1_000;

/// The trained binaries that are measured.
pub(crate) struct Trained {
    pub(crate) on_reqwest: PathBuf,
    pub(crate) function: PathBuf,
    /// The tool that merged their profiles.
    pub(crate) tool: Tool,
}

/// Trains the bare server on reqwest and `create-flow-log`. The inner error says what is missing for it.
pub(crate) fn build() -> io::Result<Result<Trained, trained::Error>> {
    let tool = match Tool::find() {
        Ok(tool) => tool,
        Err(missing @ trained::Error::NoTool { .. }) => return Ok(Err(missing)),
        Err(error) => return Err(io::Error::other(error)),
    };
    let workspace = Workspace::at(Path::new(MANIFEST)).map_err(io::Error::other)?;
    let binary = |package, name| Binary { package, name };
    let binaries = [binary("baselines", ON_REQWEST), binary("create-flow-log", "create-flow-log")];
    let built = trained::build(&workspace, &tool, &binaries, play).map_err(io::Error::other)?;
    let [on_reqwest, function] = built.try_into().map_err(|_| io::Error::other("two binaries were to be trained"))?;
    Ok(Ok(Trained { on_reqwest, function, tool }))
}

/// What a function is sent, and how often.
struct Work {
    event: Vec<u8>,
    times: usize,
    /// Whether it is answered 200, and not 404 so that Function Compute tries again.
    succeeds: bool,
}

impl Work {
    const fn new(event: Vec<u8>, times: usize) -> Self {
        Self { event, times, succeeds: true }
    }

    const fn failing(event: Vec<u8>, times: usize) -> Self {
        Self { event, times, succeeds: false }
    }
}

/// The clouds that are called.
struct Clouds {
    /// With one new VPC in each account.
    new_vpcs: Cloud,
    /// With many VPCs.
    many_vpcs: Cloud,
}

/// Plays these binaries, each named as its function. Each writes its profile into a folder.
pub(crate) fn play(binaries: &[PathBuf], profiles: &Path) -> io::Result<()> {
    let [of_new, of_many] = ["new", "many"].map(|name| profiles.join(name));
    fs::create_dir_all(&of_new)?;
    fs::create_dir_all(&of_many)?;
    let clouds =
        Clouds { new_vpcs: Cloud::over_tls(&of_new, None)?, many_vpcs: Cloud::over_tls(&of_many, Some(FLEET))? };
    for binary in binaries {
        let name = binary.file_name().unwrap_or_default().to_string_lossy();
        for Life { cloud, settings, work } in lives(&name, &clouds, profiles)? {
            let kind = if name == ON_REQWEST { Kind::Baseline(binary.clone()) } else { Kind::Ours(binary.clone()) };
            let (mut command, port_variable) = Subject { kind, cloud }.command();
            command.env_remove("FLOWKEEPER_POLICY").envs(settings).env(PROFILE, profile_in(profiles));
            live(&name, &mut command, port_variable, &work)?;
        }
    }
    Ok(())
}

/// What one process of a binary does.
struct Life<'a> {
    cloud: &'a Cloud,
    /// The settings of a function, besides those about its cloud.
    settings: Vec<(&'static str, String)>,
    work: Vec<Work>,
}

/// The lives of a binary's processes.
fn lives<'a>(name: &str, clouds: &'a Clouds, folder: &Path) -> io::Result<Vec<Life<'a>>> {
    let life = |cloud, settings, work| Life { cloud, settings, work };
    let Clouds { new_vpcs, many_vpcs } = clouds;
    let with = |policy: &str| vec![("FLOWKEEPER_POLICY", policy.to_owned())];
    let timer = || vec![Work::new(event::timer(), 2)];
    Ok(match name {
        "create-flow-log" => {
            let jobs = event::jobs(ACCOUNTS).into_iter().map(|job| Work::new(job, JOBS_OF_AN_ACCOUNT));
            let others =
                [Work::new(event::ignored(), ACCOUNTS * JOBS_OF_AN_ACCOUNT), Work::failing(event::of(UNKNOWN), 10)];
            vec![life(new_vpcs, with(POLICY), jobs.chain(others).collect())]
        }
        "remediate-flow-logs" => {
            let events = vec![Work::new(event::of(DRIFTED), JOBS_OF_AN_ACCOUNT)];
            vec![life(new_vpcs, with(POLICY), events), life(many_vpcs, with(&everywhere("")), timer())]
        }
        "activate-flow-logs" | "deactivate-flow-logs" => {
            vec![life(many_vpcs, with(&everywhere(r#", "schedule": "never""#)), timer())]
        }
        "delete-orphaned-flow-logs" => {
            let events = vec![Work::new(event::of(DELETED), JOBS_OF_AN_ACCOUNT)];
            vec![life(new_vpcs, with(POLICY), events), life(many_vpcs, with(&everywhere("")), timer())]
        }
        "create-ecr-flow-log" => {
            // The cloud refuses every call about a router.
            let policy = everywhere(r#", "ecr_flow_log": {"project": "ecr", "log_store": "ecr"}"#);
            vec![life(many_vpcs, with(&policy), vec![Work::failing(event::timer(), 2)])]
        }
        "report-flow-logs" => {
            let evidence = folder.join("evidence");
            fs::create_dir_all(&evidence)?;
            let mut settings = with(&everywhere(""));
            settings.push(("FLOWKEEPER_EVIDENCE_DIR", evidence.to_string_lossy().into_owned()));
            vec![life(many_vpcs, settings, timer())]
        }
        "open-flow-log-service" => {
            let accept = Work::new(event::of(r#"{"accept_terms": true}"#), 2);
            vec![life(new_vpcs, Vec::new(), vec![Work::new(event::of("{}"), 2), accept])]
        }
        ON_REQWEST => {
            let jobs = Work::new(event::job(), ACCOUNTS * JOBS_OF_AN_ACCOUNT);
            let ignored = Work::new(event::ignored(), ACCOUNTS * JOBS_OF_AN_ACCOUNT);
            vec![life(new_vpcs, Vec::new(), vec![jobs, ignored])]
        }
        other => {
            let help = format!("{other} is not played: add its work to {}", file!());
            return Err(io::Error::other(help));
        }
    })
}

/// A policy for the regions that are swept, with more keys.
fn everywhere(more: &str) -> String {
    let regions = REGIONS[..REGIONS_SWEPT].join(r#"", ""#);
    format!(
        r#"{{"flow_log": {{"project": "flowlog-{{account}}-{{region}}", "log_store": "vpc"}}, "regions": ["{regions}"],
"limits": {{"max_changes": 1000000, "max_changes_percent": 100}}{more}}}"#
    )
}

/// Starts a process, has it do its work, and ends it.
fn live(name: &str, command: &mut Command, port_variable: &str, work: &[Work]) -> io::Result<()> {
    let mut process = Process::start(command, port_variable)?;
    let mut connection = process.connect()?;
    for (nth, Work { event, times, succeeds }) in work.iter().enumerate() {
        for _ in 0..*times {
            let answer = connection.try_invoke(event)?;
            let expected = if *succeeds { "HTTP/1.1 200" } else { "HTTP/1.1 404" };
            if !answer.starts_with(expected) {
                let answer: String = answer.chars().take(MAX_SHOWN).collect();
                return Err(io::Error::other(format!("{name} answered event {nth} not with {expected}: {answer}")));
            }
        }
    }
    let status = process.end(connection)?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{name} ended with {status}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_work_to_be_trained_by() {
        let workspace = Workspace::at(Path::new(MANIFEST)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let clouds = Clouds { new_vpcs: Cloud::start().unwrap(), many_vpcs: Cloud::start().unwrap() };
        for function in workspace.functions() {
            assert!(!lives(function, &clouds, folder.path()).unwrap().is_empty(), "{function}");
        }
        assert!(lives("another", &clouds, folder.path()).is_err());
    }
}
