//! The command line: `serve`, `watch`, `invoke` and `demo`.

mod changes;
mod demo;
mod invoke;
mod printer;
mod serve;
mod stack;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use local_cloud::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};

const GUIDE: &str = "\
A small Alibaba Cloud on 127.0.0.1: the RPC API of VPC, ECS, STS and Express Connect Router, ActionTrail events, and the
functions of template.yml as processes. Everything is in memory and ends with the program.

Point the aliyun CLI at it:
  aliyun configure set --profile local --mode AK --region cn-hangzhou \\
    --access-key-id test --access-key-secret test-secret
  aliyun --profile local --endpoint 127.0.0.1:9900 --protocol http vpc CreateVpc --RegionId cn-hangzhou

Point an SDK at it, in Python:
  config = open_api_models.Config(access_key_id='test', access_key_secret='test-secret',
                                  endpoint='127.0.0.1:9900', protocol='http')
in Node:
  new Core({accessKeyId: 'test', accessKeySecret: 'test-secret',
            endpoint: 'http://127.0.0.1:9900', apiVersion: '2016-04-28'})   // @alicloud/pop-core
and a function of Flowkeeper:
  FLOWKEEPER_ENDPOINT=http://127.0.0.1:9900

Accounts: 1000000000000001 has the key test / test-secret, with every right. 1000000000000002 has no key of its own;
functions of the first work there by AssumeRole of acs:ram::1000000000000002:role/flowkeeper, which trusts whom
template-member.yml says, and without functions the first account itself. Nobody may assume
acs:ram::1000000000000002:role/refused. Each function process gets a temporary key of the role that template.yml
gives it, if that trusts Function Compute. What the role does not allow is refused with Forbidden.RAM, and by STS with
NoPermission; --deny takes one more action away.

Every signature (HMAC-SHA1 in the parameters, or ACS3-HMAC-SHA256 in the headers), nonce, time, parameter and limit is
checked as the documents say, and a refusal carries the documented code and HTTP status. VPC and Express Connect Router
share names such as CreateFlowLog: the version says which is meant, 2016-04-28 or 2023-09-01. Answers to HMAC-SHA1 are
JSON with Format=JSON, else XML.

Look and intervene over HTTP:
  curl 127.0.0.1:9900/_local                                all that there is to look at and to do
  curl 127.0.0.1:9900/_local/journal                        what happened, as JSON lines
  curl 127.0.0.1:9900/_local/dead-letters                   what was given up, and where it went
  curl 127.0.0.1:9900/_local/faults -d '{\"action\":\"CreateFlowLog\",\"fault\":\"throttled\",\"times\":2}'
  curl 127.0.0.1:9900/_local/faults -d '{\"action\":\"DescribeVpcs\",\"answer\":{\"TotalCount\":1}}'     another answer
  curl 127.0.0.1:9900/_local/faults                         the faults that are still to come
  curl 127.0.0.1:9900/_local/faults -X DELETE               no more faults, and the right time
  curl 127.0.0.1:9900/_local/events -d @event.json          put an event on the default bus
  curl 127.0.0.1:9900/_local/invoke/<function> -d @event.json
  curl 127.0.0.1:9900/_local/timers                         the timers, and when they are due
  curl 127.0.0.1:9900/_local/timers/<function>/<trigger> -X POST          fire one now

Faults, for an action such as \"CreateFlowLog\", for one product's such as \"expressconnectrouter:CreateFlowLog\", or for
\"*\"; in one region with \"region\", and after so many calls with \"after\":
  throttled         400 Throttling.User
  throttled-for     the same, with \"seconds\" in x-acs-retry-after and X-RateLimit-User-API
  unavailable       503 ServiceUnavailable; a region is down with {\"action\":\"*\",\"region\":…,\"times\":1000000}
  refused           403 Forbidden.RAM
  internal-error    500 InternalError
  token-expired     400 InvalidSecurityToken.Expired
  failure-in-200    InternalErrorTemp in an answer with HTTP 200, as Express Connect Router fails
  answer-lost       the call takes effect, and the connection closes without an answer
  reset             the connection closes before any effect
  hang              nothing happens, and no answer ever comes
  hang-after-effect the call takes effect, and no answer ever comes
  slow              the answer is late by \"seconds\" (default 1)
  slow-bytes        the second half of the answer is late by \"seconds\"
  not-visible-yet   a read does not show the newest resource
  small-pages       a page of a list holds \"items\" at most (default 20), whatever is asked for
  stale-read        a read shows what there was before the last write
  overtaken         for a call that makes a flow log: somebody else makes the same first, without tags
  function-killed   the process of the function that calls is killed, before any effect;
                    with function-killed-after-effect after it
  event-duplicated  the call's event is delivered twice
  event-reordered   the call's event is delivered after the next one
  event-delayed     the call's event is delivered \"seconds\" later
  event-dropped     the call's event is not delivered
  <code>            any documented refusal, such as TaskConflict
and for nobody's call in particular:
  clock-ahead       the cloud's clock is ahead by \"seconds\" until the faults are deleted";

/// The long help of `invoke`.
const INVOKE_GUIDE: &str = "\
Builds the functions, starts a cloud in which exists what the event names, hands the event to the function once, and
shows the calls that it makes and what it reports. Ends with 1 if the invocation fails.

  local-cloud invoke create-flow-log --event create-vpc               a sample of tests/fixtures/events
  local-cloud invoke create-flow-log --event my-event.json --json     a file, and the bare answer
  local-cloud invoke create-flow-log --event - < my-event.json
  local-cloud invoke create-flow-log --event create-vpc --policy my-policy.yml --env FLOWKEEPER_DRY_RUN=true
  local-cloud invoke create-flow-log --event create-vpc --deny CreateFlowLogRole=vpc:CreateFlowLog
  local-cloud invoke delete-orphaned-flow-logs --event fc-timer --flow-log orphaned
  local-cloud invoke activate-flow-logs --event fc-timer --flow-log inactive --tag flowkeeper=on
  local-cloud invoke create-ecr-flow-log --event fc-timer --router --parameter KeepEcrFlowLogs=true \\
    --policy my-policy.yml                                            one with ecr_flow_log
  echo '{\"accept_terms\": true}' | local-cloud invoke open-flow-log-service --event - --service-closed

A resource whose deletion the event tells does not exist, but the flow log that it leaves behind does. An event that
names nothing, such as a timer's, finds one VPC without a flow log. --flow-log, --router, --service-closed and --tag make
more of that world.";

/// The long help of `watch`.
const WATCH_GUIDE: &str = "\
Serves as `serve` does, whose help tells how the cloud is used, and looks for changes of the sources below functions/ and
shared/. After each the functions are built again, and their processes ended; the next event starts new ones. What is in
the cloud stays. A change of template.yml needs a new start.";

/// A small Alibaba Cloud on one port.
#[derive(Parser)]
#[command(about, long_about = GUIDE)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until Ctrl-C, and print what happens.
    #[command(after_long_help = GUIDE)]
    Serve(Box<serve::Serve>),
    /// Serve, and rebuild and restart the functions when their code changes.
    #[command(after_long_help = WATCH_GUIDE)]
    Watch(Box<serve::Watch>),
    /// Send one event to one function, and show its report.
    #[command(after_long_help = INVOKE_GUIDE)]
    Invoke(Box<invoke::Invoke>),
    /// Build the functions, and show what they do in a cloud of their own.
    Demo {
        /// Folder of the functions' binaries [default: built with cargo].
        #[arg(long, value_name = "FOLDER")]
        functions_dir: Option<PathBuf>,
    },
}

/// Runs the command.
pub(crate) async fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(arguments) => serve::serve(&arguments).await,
        Command::Watch(arguments) => serve::watch(&arguments).await,
        Command::Invoke(arguments) => unless_interrupted(invoke::run(*arguments)).await,
        Command::Demo { functions_dir } => unless_interrupted(demo::run(functions_dir)).await,
    };
    done.unwrap_or_else(|error| {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            text = format!("{text}: {source}");
            cause = source.source();
        }
        let _ = writeln!(std::io::stderr(), "local-cloud: {text}");
        let is_argument = matches!(error.downcast_ref(), Some(Error::Option { .. } | Error::NoFunction { .. }));
        // The same exit code as for an argument that clap refuses.
        if is_argument || error.is::<InvalidArgument>() { ExitCode::from(2) } else { ExitCode::FAILURE }
    })
}

/// An argument that names something that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct InvalidArgument(String);

/// Does some work until a signal asks the program to end. Then the work is dropped, with its cloud and all processes of
/// that cloud.
async fn unless_interrupted(work: impl Future<Output = Done>) -> Done {
    let mut end = End::watched()?;
    tokio::select! {
        done = work => done,
        signal = end.asked_for() => Ok(ExitCode::from(128 + signal)),
    }
}

/// The exit code of a command, or its error.
type Done = Result<ExitCode, Box<dyn std::error::Error>>;

/// The signals that ask a program to end.
struct End([(u8, Signal); 3]);

impl End {
    /// Listens for the signals from now on.
    fn watched() -> io::Result<Self> {
        let watched = |number: u8, kind| signal(kind).map(|signal| (number, signal));
        let hangup = watched(1, SignalKind::hangup())?;
        let interrupt = watched(2, SignalKind::interrupt())?;
        Ok(Self([hangup, interrupt, watched(15, SignalKind::terminate())?]))
    }

    /// Waits for a signal and returns its number.
    async fn asked_for(&mut self) -> u8 {
        let Self([(hangup, one), (interrupt, two), (terminate, three)]) = self;
        tokio::select! {
            _ = one.recv() => *hangup,
            _ = two.recv() => *interrupt,
            _ = three.recv() => *terminate,
        }
    }
}
