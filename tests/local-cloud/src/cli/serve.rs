//! `serve`: runs the cloud until Ctrl-C. `watch`: does the same and rebuilds the functions when their code changes.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    error::Error,
    fs,
    io::{Write, stdout},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use jiff::Timestamp;
use local_cloud::{
    ACCESS_KEY_ID, ACCESS_KEY_SECRET, Directory, Functions, LocalCloud, OWN_ACCOUNT, Options, Place, Timers,
    Transitions,
};

use super::{Done, End, InvalidArgument, changes::Changes, printer::Printer, stack::Stack};

/// The cloud and its options.
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    cloud: CloudOptions,
    /// Folder of the functions' binaries [default: built with cargo].
    #[arg(long, value_name = "FOLDER")]
    functions_dir: Option<PathBuf>,
    /// Serve only the API, without functions; the template is not read.
    #[arg(long, conflicts_with_all = ["functions_dir", "template", "parameters", "denied", "policy", "environment", "in_place", "forwarded"])]
    no_functions: bool,
    /// Start with nothing in it, instead of a few VPCs and flow logs to look at.
    #[arg(long)]
    empty: bool,
}

/// The cloud and its options, with functions that are rebuilt on changes.
#[derive(Args)]
pub(super) struct Watch {
    #[command(flatten)]
    cloud: CloudOptions,
}

impl Serve {
    /// Returns the options of the cloud. No timer changes the sample before anybody has looked at it.
    fn options(&self) -> Result<Options, Box<dyn Error>> {
        let options = self.cloud.options(Functions::None)?;
        let timers = if self.empty { options.timers } else { Timers::ByHand };
        Ok(Options { timers, ..options })
    }
}

#[derive(Args)]
struct CloudOptions {
    /// Port on 127.0.0.1; 0 picks a free one.
    #[arg(long, default_value_t = 9900)]
    port: u16,
    #[command(flatten)]
    stack: Stack,
    /// How many accounts there are; the first is the functions' own.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    accounts: u32,
    /// Put all accounts into a resource directory, which the functions' account manages.
    #[arg(long)]
    directory: bool,
    /// Attach a control policy, a file such as guardrail.json, to the Root folder of the directory; can be repeated.
    #[arg(long = "control-policy", value_name = "FILE", requires = "directory")]
    control_policies: Vec<PathBuf>,
    /// Run the functions that react to events in this region, too, with MakeRoles=false; can be repeated.
    #[arg(long = "in-place", value_name = "REGION", value_parser = super::stack::region)]
    in_place: Vec<String>,
    /// Forward the events of an account and region to the functions, by template-forward.yml; can be repeated.
    #[arg(long = "forward", value_name = "ACCOUNT/REGION", value_parser = place)]
    forwarded: Vec<Place>,
    /// Maximum number of flow logs in one account and region; a new account's is 10.
    #[arg(long, default_value_t = 200)]
    quota: usize,
    /// How long a flow log's transition takes, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    transition_ms: u64,
    /// How long one second of a retry pause takes, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    retry_ms: u64,
    /// Do not fire timers automatically. They are not, either, where there is something to look at.
    #[arg(long)]
    no_timers: bool,
    /// Start with the flow log service closed, until an account calls `OpenFlowLogService`.
    #[arg(long)]
    service_closed: bool,
    /// Refuse `TrafficPath.N`, as for an account that has not requested the feature.
    #[arg(long)]
    no_traffic_paths: bool,
    /// Enforce the documented rate limits, and report them in headers.
    #[arg(long)]
    rate_limit: bool,
    /// Let flow logs deliver only to Logstores that the template or a call has made.
    #[arg(long)]
    check_destinations: bool,
    /// Make Express Connect Router refuse with HTTP 200 and Success: false.
    #[arg(long)]
    ecr_failures_in_200: bool,
    /// The `ExternalId` that a caller must give to assume the role in another account.
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
}

impl CloudOptions {
    fn options(&self, functions: Functions) -> Result<Options, Box<dyn Error>> {
        Ok(Options {
            port: self.port,
            accounts: self.accounts,
            directory: self.directory.then(|| self.directory()).transpose()?,
            in_place: self.in_place.clone(),
            forwarded: self.forwarded.clone(),
            quota: self.quota,
            flow_log_service: !self.service_closed,
            traffic_paths: !self.no_traffic_paths,
            rate_limit: self.rate_limit,
            check_destinations: self.check_destinations,
            ecr_failures_in_200: self.ecr_failures_in_200,
            external_id: self.external_id.clone(),
            transitions: Transitions::After(Duration::from_millis(self.transition_ms)),
            timers: if self.no_timers { Timers::ByHand } else { Timers::ByAnyClock },
            retry_delay: Duration::from_millis(self.retry_ms),
            ..self.stack.options(functions)?
        })
    }
}

impl CloudOptions {
    /// Returns the directory with its control policies.
    fn directory(&self) -> Result<Directory, InvalidArgument> {
        self.control_policies.iter().try_fold(Directory::new(), |directory, file| {
            let wrong = |problem: &str| InvalidArgument(format!("--control-policy {}: {problem}", file.display()));
            let document = fs::read_to_string(file).map_err(|error| wrong(&error.to_string()))?;
            directory.attach_control_policy(Directory::ROOT, &document).map_err(|problem| wrong(&problem))
        })
    }
}

/// Splits an account and a region at the slash.
fn place(text: &str) -> Result<Place, String> {
    let (account, region) =
        text.split_once('/').ok_or_else(|| format!("{text:?} is not of the form ACCOUNT/REGION"))?;
    Ok(Place { account: account.to_owned(), region: region.to_owned() })
}

/// Serves until Ctrl-C and prints what happens.
pub(super) async fn serve(arguments: &Serve) -> Done {
    let mut end = End::watched()?;
    let mut options = arguments.options()?;
    if arguments.no_functions {
        // Nor does it play the roles of the template.
        options.template = None;
    } else {
        LocalCloud::check(&options, None)?;
        options.functions = tokio::select! {
            built = arguments.cloud.stack.build(arguments.functions_dir.as_deref()) => built?,
            signal = end.asked_for() => return Ok(ExitCode::from(128 + signal)),
        };
    }
    let started = options.clock.now();
    let cloud = LocalCloud::start(options).await?;
    if !arguments.empty {
        cloud.seed_sample();
    }
    if !arguments.empty && !arguments.no_functions {
        writeln!(stdout(), "timers are not fired, so that this stays until you look at it; with --empty, they are")?;
    }
    until_interrupted(cloud, started, &mut end, async |_| std::future::pending().await).await
}

/// Serves until Ctrl-C. Rebuilds and restarts the functions when their code changes.
pub(super) async fn watch(arguments: &Watch) -> Done {
    let mut end = End::watched()?;
    let stack = &arguments.cloud.stack;
    let mut options = arguments.cloud.options(Functions::None)?;
    LocalCloud::check(&options, None)?;
    options.functions = tokio::select! {
        built = stack.build(None) => built?,
        signal = end.asked_for() => return Ok(ExitCode::from(128 + signal)),
    };
    let started = options.clock.now();
    let root = stack.workspace();
    let mut changes = Changes::below(&[&root.join("functions"), &root.join("shared")])?;
    let cloud = LocalCloud::start(options).await?;
    let work = async |served: &LocalCloud| follow(served, stack, &mut changes, started).await;
    until_interrupted(cloud, started, &mut end, work).await
}

/// Rebuilds and restarts the functions on every change. If the build fails, the running ones stay.
async fn follow(
    cloud: &LocalCloud,
    stack: &Stack,
    changes: &mut Changes,
    started: Timestamp,
) -> Result<Infallible, Box<dyn Error>> {
    let printer = Printer::new(started);
    loop {
        let changed = changes.next().await;
        let names: Vec<String> =
            changed.iter().filter_map(|path| Some(path.file_name()?.display().to_string())).collect();
        printer.say(&format!("changed: {}", names.join(", ")), "1")?;
        match stack.build(None).await {
            Ok(_) => {
                cloud.restart_functions().await;
                printer.say("built; the next event starts the new functions", "1;32")?;
            }
            Err(error) => printer.say(&format!("{error}; the functions stay as they are"), "1;31")?,
        }
    }
}

/// Prints what happens in a cloud and does some other work, until a signal asks the program to end.
async fn until_interrupted(
    cloud: LocalCloud,
    started: Timestamp,
    end: &mut End,
    work: impl AsyncFnOnce(&LocalCloud) -> Result<Infallible, Box<dyn Error>>,
) -> Done {
    let mut out = stdout();
    writeln!(out, "local cloud at {}, account {OWN_ACCOUNT}", cloud.endpoint())?;
    if let [_, second, .., last] = cloud.accounts().as_slice() {
        writeln!(out, "accounts {second} to {last}, each with the key {ACCESS_KEY_ID}-<account>")?;
    }
    if let Some(directory) = cloud.directory() {
        let (manager, members) = (directory.management_account(), directory.members().count());
        writeln!(out, "resource directory of {members} members, managed by {manager}")?;
        for (target, count) in directory.control_policies() {
            writeln!(out, "control policies on {target}: {count}")?;
        }
    }
    for bus in cloud.event_buses() {
        writeln!(out, "event bus: {bus}")?;
    }
    for region in cloud.in_place() {
        writeln!(out, "functions in {region}, too, which react to events")?;
    }
    for Place { account, region } in cloud.forwarded() {
        writeln!(out, "events of {account} in {region} are forwarded to the functions")?;
    }
    writeln!(out, "key {ACCESS_KEY_ID}, secret {ACCESS_KEY_SECRET}; `local-cloud --help` says how to use it")?;
    let regions: BTreeSet<_> = cloud.vpcs().into_iter().map(|vpc| vpc.place.region).collect();
    if !regions.is_empty() {
        let (vpcs, flow_logs) = (cloud.vpcs().len(), cloud.flow_logs().len());
        writeln!(
            out,
            "{vpcs} VPCs and {flow_logs} flow logs in {} regions. To see what policy.yml wants:",
            regions.len()
        )?;
        writeln!(out, "  cargo run -q -p flowkeeper -- plan --endpoint {} policy.yml", cloud.endpoint())?;
    }

    let mut printer = Printer::new(started);
    tokio::select! {
        printed = printer.follow(&cloud) => printed?,
        worked = work(&cloud) => { worked?; }
        _ = end.asked_for() => {}
    }
    cloud.stop().await;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        serve: Serve,
    }

    #[test]
    fn no_timer_changes_what_there_is_to_look_at() {
        for (arguments, expected) in [
            (&["serve"][..], Timers::ByHand),
            (&["serve", "--empty"], Timers::ByAnyClock),
            (&["serve", "--empty", "--no-timers"], Timers::ByHand),
        ] {
            assert_eq!(Program::parse_from(arguments).serve.options().unwrap().timers, expected, "{arguments:?}");
        }
    }
}
