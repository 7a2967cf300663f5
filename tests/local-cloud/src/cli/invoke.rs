//! `invoke`: one function, one event, and what it reports.

use std::{
    error::Error,
    io::{Read, Write, stdin, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use local_cloud::{Functions, Invocation, LocalCloud, What};
use serde_json::Value;

use super::{stack::Stack, teller::Teller};

/// What is to be invoked, and with what.
#[derive(Args)]
pub(super) struct Invoke {
    /// The function, such as create-flow-log.
    function: String,
    /// A sample event such as create-vpc, the path of a file, or - for standard input.
    #[arg(long)]
    event: String,
    /// What the event names does not exist.
    #[arg(long)]
    nothing_exists: bool,
    /// Print what the function answers, as JSON, and nothing else.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: Stack,
    /// Folder of the functions' programs [default: built with cargo].
    #[arg(long, value_name = "FOLDER")]
    functions_dir: Option<PathBuf>,
}

/// Invokes a function once in a cloud of its own; succeeds if the invocation does.
pub(super) async fn run(wanted: Invoke) -> Result<ExitCode, Box<dyn Error>> {
    let event = event(&wanted.event)?;
    let mut options = wanted.stack.options(Functions::None)?;
    LocalCloud::check(&options, Some(&wanted.function))?;
    options.functions = wanted.stack.build(wanted.functions_dir.as_deref()).await?;
    let started = options.clock.now();
    let cloud = LocalCloud::start(options).await?;
    if !wanted.nothing_exists
        && let Ok(event) = serde_json::from_slice::<Value>(&event)
    {
        cloud.stage(&event);
    }
    let invocation = cloud.invoke(&wanted.function, &event).await?;
    if wanted.json {
        writeln!(stdout(), "{:#}", invocation.body)?;
    } else {
        Teller::new(started).catch_up_on_calls(&cloud)?;
        writeln!(stdout(), "{}", report(&invocation))?;
        for line in said(&cloud, &invocation) {
            writeln!(stdout(), "{line}")?;
        }
    }
    cloud.stop().await;
    Ok(if invocation.success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The bytes of an event by the name of a sample, by a path, or from standard input.
fn event(wanted: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    if wanted == "-" {
        let mut bytes = Vec::new();
        stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    let path = sample(wanted).unwrap_or_else(|| PathBuf::from(wanted));
    match std::fs::read(&path) {
        Ok(bytes) => Ok(bytes),
        Err(_) if !wanted.contains(['/', '.']) => {
            Err(format!("there is no sample event {wanted:?}; there is {}", samples().join(", ")).into())
        }
        Err(error) => Err(format!("cannot read {}: {error}", path.display()).into()),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/events")
}

/// The sample of that name, with or without the name of where it comes from.
fn sample(name: &str) -> Option<PathBuf> {
    let sources = ["", "actiontrail-", "config-", "eventbridge-", "fc-"];
    sources.iter().map(|source| folder().join(format!("{source}{name}.json"))).find(|path| path.is_file())
}

/// The names of all samples.
fn samples() -> Vec<String> {
    let files = folder().read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let json = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut names: Vec<String> = json.filter_map(|path| Some(path.file_stem()?.display().to_string())).collect();
    names.sort_unstable();
    names
}

/// What a function reports, for people; what is no report is shown as it is.
fn report(invocation: &Invocation) -> String {
    let body = &invocation.body;
    let report = body.get("report").unwrap_or(body);
    let mark = if invocation.success { "✓" } else { "✗" };
    let mut lines = vec![format!("\n{mark} {}", invocation.function)];
    if let Some(message) = body["errorMessage"].as_str() {
        let kind = body["errorType"].as_str().map_or(String::new(), |kind| format!("{kind}: "));
        lines.push(format!("  {kind}{message}"));
    }
    let Some(results) = report["results"].as_array() else {
        if body.get("errorMessage").is_none() {
            lines.push(format!("{body:#}"));
        }
        return lines.join("\n");
    };
    for result in results {
        let text = |name: &str| result[name].as_str().filter(|text| !text.is_empty());
        let what = [text("resource_type"), text("resource_id")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let place = [text("account"), text("region")].into_iter().flatten().collect::<Vec<_>>().join(", ");
        lines.push(match (what.is_empty(), place.is_empty()) {
            (true, _) => "  no resource of ours".to_owned(),
            (false, true) => format!("  {what}"),
            (false, false) => format!("  {what} ({place})"),
        });
        for name in ["verdict", "action", "outcome", "flow_log_id", "reason"] {
            if let Some(text) = text(name) {
                lines.push(format!("    {name:<12}{text}"));
            }
        }
        for (name, value) in result["error"].as_object().into_iter().flatten() {
            lines.push(format!(
                "    error.{name:<12}{}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            ));
        }
    }
    if let Some(summary) = report["summary"].as_object() {
        let counts: Vec<String> =
            summary.iter().filter(|(_, count)| **count != 0).map(|(name, count)| format!("{name} {count}")).collect();
        lines.push(format!("  {}", counts.join(", ")));
    }
    lines.join("\n")
}

/// What a process that did not answer wrote before it ended.
fn said(cloud: &LocalCloud, invocation: &Invocation) -> Vec<String> {
    if invocation.status.is_some() {
        return Vec::new();
    }
    let lines = cloud.journal().into_iter().filter_map(|entry| match entry.what {
        What::Line { text, .. } => Some(format!("  | {text}")),
        _ => None,
    });
    lines.collect()
}
