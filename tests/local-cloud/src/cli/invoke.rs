//! `invoke`: sends one event to one function, and shows what it reports.

use std::{
    error::Error,
    io::{Read, Write, stderr, stdin, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use local_cloud::{Call, EntryKind, Functions, Invocation, LocalCloud, Vpc, did_you_mean};
use serde_json::Value;

use super::{
    InvalidArgument,
    printer::Printer,
    stack::{Stack, pair},
};

/// The function, the event, and what exists in the cloud.
#[derive(Args)]
pub(super) struct Invoke {
    /// The function, such as create-flow-log.
    function: String,
    /// A sample event such as create-vpc, the path of a file, or - for standard input.
    #[arg(long)]
    event: String,
    /// Start with an empty cloud, without the resources that the event names.
    #[arg(long)]
    nothing_exists: bool,
    /// Add a flow log on a VPC of its own; can be repeated.
    #[arg(long = "flow-log", value_name = "WHICH", conflicts_with = "nothing_exists")]
    flow_logs: Vec<Which>,
    /// Add an Express Connect Router with one virtual border router.
    #[arg(long, conflicts_with = "nothing_exists")]
    router: bool,
    /// Add a tag to every VPC; can be repeated.
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = |text: &str| pair(text, "KEY=VALUE"))]
    #[arg(conflicts_with = "nothing_exists")]
    tags: Vec<(String, String)>,
    /// Start with the flow log service closed.
    #[arg(long)]
    service_closed: bool,
    /// Print only the function's answer, as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: Stack,
    /// Folder of the functions' binaries [default: built with cargo].
    #[arg(long, value_name = "FOLDER")]
    functions_dir: Option<PathBuf>,
}

/// A flow log that exists from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Flowkeeper's own, recording.
    Active,
    /// Flowkeeper's own, switched off.
    Inactive,
    /// Somebody else's, recording.
    Foreign,
    /// Flowkeeper's own, of a VPC that is gone.
    Orphaned,
}

/// Creates what the options ask for, in addition to what the event names.
fn set_the_scene(cloud: &LocalCloud, arguments: &Invoke) {
    for (n, which) in arguments.flow_logs.iter().enumerate() {
        if *which == Which::Orphaned {
            // Created long ago, so that no function waits for a VPC that might only be new.
            let id = cloud.seed_flow_log(&format!("vpc-bp1gone{n:014}"));
            cloud.edit_flow_log(&id, |flow_log| flow_log.created -= SignedDuration::from_hours(24));
            continue;
        }
        let has_none = |vpc: &Vpc| cloud.flow_log_of(&vpc.id).is_none();
        let free = || cloud.vpcs().into_iter().find(has_none);
        let vpc = free().or_else(|| {
            cloud.seed(&Value::Null);
            free()
        });
        let Some(vpc) = vpc else { continue };
        let id = cloud.seed_flow_log(&vpc.id);
        cloud.edit_flow_log(&id, |flow_log| match which {
            Which::Inactive => flow_log.status = "Inactive".to_owned(),
            Which::Foreign => {
                flow_log.tags.clear();
                flow_log.name = "made-by-others".to_owned();
                flow_log.description = String::new();
            }
            Which::Active | Which::Orphaned => {}
        });
    }
    for vpc in cloud.vpcs().iter().filter(|_| !arguments.tags.is_empty()) {
        cloud.edit_vpc(&vpc.id, |vpc| vpc.tags.extend(arguments.tags.iter().cloned()));
    }
    if arguments.router {
        cloud.seed_router();
    }
}

/// Invokes a function once in a cloud of its own. Succeeds if the invocation does.
pub(super) async fn run(arguments: Invoke) -> Result<ExitCode, Box<dyn Error>> {
    let event = event(&arguments.event)?;
    let mut options = arguments.stack.options(Functions::None)?;
    LocalCloud::check(&options, Some(&arguments.function))?;
    options.functions = arguments.stack.build(arguments.functions_dir.as_deref()).await?;
    options.flow_log_service = !arguments.service_closed;
    let started = options.clock.now();
    let cloud = LocalCloud::start(options).await?;
    if !arguments.nothing_exists
        && let Ok(event) = serde_json::from_slice::<Value>(&event)
    {
        cloud.seed(&event);
    }
    set_the_scene(&cloud, &arguments);
    let invocation = cloud.invoke(&arguments.function, &event).await?;
    if arguments.json {
        writeln!(stdout(), "{:#}", invocation.body)?;
        for line in said(&cloud, &invocation) {
            writeln!(stderr(), "{line}")?;
        }
    } else {
        Printer::new(started).catch_up_on_calls(&cloud)?;
        writeln!(stdout(), "{}", report(&invocation, &cloud.calls()))?;
        for line in said(&cloud, &invocation) {
            writeln!(stdout(), "{line}")?;
        }
    }
    cloud.stop().await;
    Ok(if invocation.success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the bytes of an event: a named sample, a file, or standard input.
fn event(name: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    if name == "-" {
        let mut bytes = Vec::new();
        stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    let path = sample(name).unwrap_or_else(|| PathBuf::from(name));
    match std::fs::read(&path) {
        Ok(bytes) => Ok(bytes),
        Err(_) if !name.contains(['/', '.']) => {
            let known = samples();
            let short = known.iter().filter_map(|sample| Some(sample.split_once('-')?.1));
            let hint = did_you_mean(name, known.iter().map(String::as_str).chain(short));
            let known = known.join(", ");
            Err(InvalidArgument(format!("there is no sample event {name:?}{hint}; the samples are {known}")).into())
        }
        Err(error) => Err(InvalidArgument(format!("cannot read {}: {error}", path.display())).into()),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/events")
}

/// Returns the path of the sample with this name, with or without its source as a prefix.
fn sample(name: &str) -> Option<PathBuf> {
    let sources = ["", "actiontrail-", "config-", "eventbridge-", "fc-"];
    sources.iter().map(|source| folder().join(format!("{source}{name}.json"))).find(|path| path.is_file())
}

/// Returns the names of all samples.
fn samples() -> Vec<String> {
    let files = folder().read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let json = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut names: Vec<String> = json.filter_map(|path| Some(path.file_stem()?.display().to_string())).collect();
    names.sort_unstable();
    names
}

/// Formats a function's report for people. Anything that is not a report is shown as it is.
fn report(invocation: &Invocation, calls: &[Call]) -> String {
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
            (true, true) => "  the event as a whole".to_owned(),
            (true, false) => format!("  everything in {place}"),
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
        let is_worth_a_word = |count: &Value| *count != 0 && count.as_array().is_none_or(|list| !list.is_empty());
        let counts: Vec<String> = summary
            .iter()
            .filter(|(_, count)| is_worth_a_word(count))
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        if counts.is_empty() {
            lines.push(format!("  nothing to do: {}", why_nothing(calls)));
        } else {
            lines.push(format!("  {}", counts.join(", ")));
        }
    }
    lines.join("\n")
}

/// Explains an empty report: lists what the function read, none of which it acts on.
fn why_nothing(calls: &[Call]) -> String {
    let found = |call: &Call| {
        let total = &call.answer["TotalCount"];
        let total = total.as_str().map(str::to_owned).or_else(|| total.as_u64().map(|total| total.to_string()))?;
        Some(format!("{} found {total}", call.action))
    };
    let found: Vec<String> = calls.iter().filter(|call| call.succeeded()).filter_map(found).collect();
    if found.is_empty() {
        "the function read nothing".to_owned()
    } else {
        format!("{}, and none of it is for this function (`invoke --help` says how to add more)", found.join(", "))
    }
}

/// Returns the output of a process that ended without an answer.
fn said(cloud: &LocalCloud, invocation: &Invocation) -> Vec<String> {
    if invocation.status.is_some() {
        return Vec::new();
    }
    let lines = cloud.journal().into_iter().filter_map(|entry| match entry.what {
        EntryKind::Line { text, .. } => Some(format!("  | {text}")),
        _ => None,
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use local_cloud::{OWN_ACCOUNT, Options};
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Invoke,
    }

    async fn world(arguments: &[&str]) -> LocalCloud {
        let line = [&["invoke", "a-function", "--event", "e"], arguments].concat();
        let cloud = LocalCloud::start(Options::default()).await.unwrap();
        cloud.seed(&Value::Null);
        set_the_scene(&cloud, &Line::parse_from(line).arguments);
        cloud
    }

    #[tokio::test]
    async fn the_world_holds_what_the_options_ask_for() {
        let cloud =
            world(&["--flow-log", "inactive", "--flow-log", "foreign", "--flow-log", "orphaned", "--router"]).await;
        let of = |n: usize| cloud.flow_logs().swap_remove(n);
        assert_eq!((cloud.vpcs().len(), cloud.flow_logs().len(), cloud.routers()[0].children.len()), (2, 3, 1));
        assert_eq!((of(0).status.as_str(), of(0).tags.is_empty()), ("Inactive", false));
        assert_eq!((of(1).status.as_str(), of(1).tags.is_empty()), ("Active", true));
        assert!(cloud.vpcs().iter().all(|vpc| vpc.id != of(2).resource_id && vpc.place.account == OWN_ACCOUNT));
        assert!(of(2).created < cloud.now() - SignedDuration::from_hours(23));
        assert_eq!((cloud.calls().len(), cloud.events().len()), (0, 0), "nobody called for it");
        let tagged = world(&["--tag", "flowkeeper=on"]).await;
        assert_eq!((tagged.flow_logs().len(), tagged.vpcs()[0].tags["flowkeeper"].as_str()), (0, "on"));
    }

    #[tokio::test]
    async fn a_report_of_nothing_says_what_was_read() {
        let cloud = world(&[]).await;
        assert_eq!(why_nothing(&cloud.calls()), "the function read nothing");
        cloud.call("DescribeVpcs", &[]).await.unwrap();
        cloud.call("DescribeFlowLogs", &[]).await.unwrap();
        let invocation = Invocation {
            function: "a-function".into(),
            region: "cn-hangzhou".into(),
            request_id: String::new(),
            attempt: 1,
            instance: None,
            event: Value::Null,
            success: true,
            status: Some(200),
            body: json!({"results": [], "summary": {"checked": 0, "failed": 0, "limits": []}}),
            lines: Vec::new(),
        };
        let said = report(&invocation, &cloud.calls());
        let expected = "nothing to do: DescribeVpcs found 1, DescribeFlowLogs found 0, and none of it is for this";
        assert!(said.contains(expected), "{said}");
    }
}
