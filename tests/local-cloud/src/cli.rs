//! The command line: `serve` and `demo`.

mod demo;
mod teller;

use std::{
    collections::BTreeMap,
    error::Error,
    io::{Write, stdout},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use local_cloud::{
    ACCESS_KEY_ID, ACCESS_KEY_SECRET, CredentialsIn, Functions, LocalCloud, OWN_ACCOUNT, Options, Timers, Transitions,
    functions, template,
};
use tokio::signal::unix::{SignalKind, signal};

use self::teller::Teller;

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

Accounts: 1000000000000001 has the key test / test-secret, with every right. 1000000000000002 has no key of its own; the
first and its functions work there by AssumeRole of acs:ram::1000000000000002:role/flowkeeper. Nobody may assume
acs:ram::1000000000000002:role/refused. Each function process gets a temporary key of the role that template.yml
gives it. What the role does not allow is refused with Forbidden.RAM; --deny takes one more action away.

Every signature (HMAC-SHA1 in the parameters, or ACS3-HMAC-SHA256 in the headers), nonce, time, parameter and limit is
checked as the documents say, and a refusal carries the documented code and HTTP status. VPC and Express Connect Router
share names such as CreateFlowLog: the version says which is meant, 2016-04-28 or 2023-09-01. Answers to HMAC-SHA1 are
JSON with Format=JSON, else XML.

Look and intervene over HTTP:
  curl 127.0.0.1:9900/_local/journal                        what happened, as JSON lines
  curl 127.0.0.1:9900/_local/dead-letters                   what was given up, and where it went
  curl 127.0.0.1:9900/_local/faults -d '{\"action\":\"CreateFlowLog\",\"fault\":\"throttled\",\"times\":2}'
  curl 127.0.0.1:9900/_local/faults -X DELETE               no more faults, and the right time
  curl 127.0.0.1:9900/_local/events -d @event.json          put an event on the default bus
  curl 127.0.0.1:9900/_local/invoke/<function> -d @event.json
  curl 127.0.0.1:9900/_local/timers                         the timers, and when they are due
  curl 127.0.0.1:9900/_local/timers/<function>/<trigger> -X POST          fire one now

Faults, for an action such as \"CreateFlowLog\", for one product's such as \"expressconnectrouter:CreateFlowLog\", or for
\"*\"; in one region with \"region\":
  throttled         400 Throttling.User
  throttled-for     the same, with \"seconds\" in x-acs-retry-after and X-RateLimit-User-API
  unavailable       503 ServiceUnavailable; a region is down with {\"action\":\"*\",\"region\":…,\"times\":1000000}
  refused           403 Forbidden.RAM
  internal-error    500 InternalError
  token-expired     400 InvalidSecurityToken.Expired
  failure-in-200    InternalErrorTemp in an answer with HTTP 200, as Express Connect Router fails
  answer-lost       the call takes effect, and the connection closes without an answer
  reset             the connection closes before any effect
  slow              the answer is late by \"seconds\" (default 1)
  not-visible-yet   a read does not show the newest resource
  event-duplicated  the call's event is delivered twice
  event-reordered   the call's event is delivered after the next one
  <code>            any documented refusal, such as TaskConflict
and for nobody's call in particular:
  clock-ahead       the cloud's clock is ahead by \"seconds\" until the faults are deleted";

/// A small Alibaba Cloud on one port.
#[derive(Parser)]
#[command(about, long_about = GUIDE)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until Ctrl-C, telling what happens.
    #[command(after_long_help = GUIDE)]
    Serve(Box<Serve>),
    /// Build the functions, and show what they do in a cloud of their own.
    Demo {
        /// Folder of the functions' programs [default: built with cargo].
        #[arg(long, value_name = "FOLDER")]
        functions_dir: Option<PathBuf>,
    },
}

#[derive(Args)]
struct Serve {
    /// Port on 127.0.0.1, 0 for any.
    #[arg(long, default_value_t = 9900)]
    port: u16,
    /// Region of the functions, and of calls that name none.
    #[arg(long, default_value = "cn-hangzhou")]
    region: String,
    /// Flow logs in one account and region; a new account has 10.
    #[arg(long, default_value_t = 200)]
    quota: usize,
    /// How long a flow log takes to change its state, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    transition_ms: u64,
    /// How long a second of the pause before a retry takes, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    retry_ms: u64,
    /// The ROS template [default: template.yml here or further up].
    #[arg(long)]
    template: Option<PathBuf>,
    /// A parameter of the template.
    #[arg(long = "parameter", value_name = "K=V", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// Takes an action away from a role, such as CreateFlowLogRole=vpc:CreateFlowLog.
    #[arg(long = "deny", value_name = "ROLE=ACTION", value_parser = pair)]
    denied: Vec<(String, String)>,
    /// A policy for every function, instead of the template's.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A variable for every function.
    #[arg(long = "env", value_name = "K=V", value_parser = pair)]
    environment: Vec<(String, String)>,
    /// Folder of the functions' programs [default: built with cargo].
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_functions")]
    functions_dir: Option<PathBuf>,
    /// Serve the API only.
    #[arg(long)]
    no_functions: bool,
    /// Timers do not fire by themselves.
    #[arg(long)]
    no_timers: bool,
    /// Give functions their key in headers instead of the environment.
    #[arg(long)]
    credentials_in_headers: bool,
    /// The flow log service is not open until an account calls `OpenFlowLogService`.
    #[arg(long)]
    service_closed: bool,
    /// Refuse `TrafficPath.N`, as of an account that has not asked for it.
    #[arg(long)]
    no_traffic_paths: bool,
    /// Count calls against the documented rates, tell of them in headers, and refuse beyond them.
    #[arg(long)]
    rate_limit: bool,
    /// Express Connect Router refuses with HTTP 200 and Success: false.
    #[arg(long)]
    ecr_failures_in_200: bool,
    /// What a caller has to give as `ExternalId` to assume the role in the second account.
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Does what the command line asks for.
pub(crate) async fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(wanted) => serve(*wanted).await.map(|()| ExitCode::SUCCESS),
        Command::Demo { functions_dir } => demo::run(functions_dir).await,
    };
    done.unwrap_or_else(|error| {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        let _ = writeln!(std::io::stderr(), "local-cloud: {text}");
        ExitCode::FAILURE
    })
}

impl Serve {
    async fn options(self) -> Result<Options, Box<dyn Error>> {
        let parameters = self.parameters.into_iter().collect::<BTreeMap<_, _>>();
        let template = self.template.unwrap_or_else(template::default_path);
        let functions = match (self.no_functions, self.functions_dir) {
            (true, _) => Functions::None,
            (false, Some(folder)) => Functions::Built(std::path::absolute(folder)?),
            (false, None) => Functions::Built(functions::build_of(&template, &parameters).await?),
        };
        let policy = self.policy.map(|path| {
            std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
        });
        Ok(Options {
            port: self.port,
            region: self.region,
            quota: self.quota,
            flow_log_service: !self.service_closed,
            traffic_paths: !self.no_traffic_paths,
            rate_limit: self.rate_limit,
            ecr_failures_in_200: self.ecr_failures_in_200,
            external_id: self.external_id,
            transitions: Transitions::After(Duration::from_millis(self.transition_ms)),
            timers: if self.no_timers { Timers::ByHand } else { Timers::ByAnyClock },
            functions,
            template: Some(template),
            parameters,
            denied: self.denied,
            policy: policy.transpose()?,
            environment: self.environment.into_iter().collect(),
            credentials: match self.credentials_in_headers {
                true => CredentialsIn::Headers,
                false => CredentialsIn::Environment,
            },
            retry_delay: Duration::from_millis(self.retry_ms),
            ..Options::default()
        })
    }
}

async fn serve(wanted: Serve) -> Result<(), Box<dyn Error>> {
    let options = wanted.options().await?;
    let started = options.clock.now();
    let cloud = LocalCloud::start(options).await?;
    let mut out = stdout();
    writeln!(out, "local cloud at {}, account {OWN_ACCOUNT}", cloud.endpoint())?;
    writeln!(out, "key {ACCESS_KEY_ID}, secret {ACCESS_KEY_SECRET}; `local-cloud --help` says how to use it")?;

    let mut teller = Teller::new(started);
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        told = teller.follow(&cloud) => told?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    cloud.stop().await;
    Ok(())
}
