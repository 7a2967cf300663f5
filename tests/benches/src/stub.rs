//! The stub cloud: answers as fast as possible, so that its own time does not count, or after a given time.
//!
//! It checks nothing. Each connection has a thread, which only finds the action in the request. The answers are fixed,
//! unless the cloud has a fleet, which it then lists page by page.

use std::{
    error::Error,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{
    certificate, clock,
    fleet::{Fleet, REGIONS},
    http::{Message, Messages, find},
};

/// A VPC without an owner, because the jobs belong to many accounts.
const VPCS: &str = r#"{"RequestId":"54B48E3D-DF70-471B-AA93-08E683A1B457","TotalCount":1,"PageNumber":1,"PageSize":50,
"Vpcs":{"Vpc":[{"VpcId":"vpc-bp1example00000000001","RegionId":"cn-hangzhou","Status":"Available","VpcName":"example",
"CreationTime":"2025-01-02T03:04:05Z","CidrBlock":"10.0.0.0/16","VRouterId":"vrt-bp1example00000000001","IsDefault":false,
"Description":"","ResourceGroupId":"rg-example","VSwitchIds":{"VSwitchId":[]},
"SecondaryCidrBlocks":{"SecondaryCidrBlock":[]},"UserCidrs":{"UserCidr":[]},"RouterTableIds":{"RouterTableIds":[]},
"Tags":{"Tag":[{"Key":"team","Value":"network"}]}}]}}"#;
const FLOW_LOGS: &str = r#"{"RequestId":"F7DDDC17-FA06-4AC2-8F35-59D2470FCFC1","TotalCount":"0","PageNumber":"1",
"PageSize":"50","Success":"true","FlowLogs":{"FlowLog":[]}}"#;
const CREATED: &str = r#"{"RequestId":"0ED8D006-F706-4D23-88ED-E11ED28DCAC0","Success":"true",
"FlowLogId":"fl-bp1example00000000001","ResourceGroupId":"rg-example"}"#;
const CALLER: &str = r#"{"RequestId":"0ED8D006-F706-4D23-88ED-E11ED28DCAC1","AccountId":"1000000000000001",
"Arn":"acs:ram::1000000000000001:user/example","IdentityType":"RAMUser","PrincipalId":"200000000000000001",
"UserId":"200000000000000001"}"#;
const ASSUMED: &str = r#"{"RequestId":"6894B13B-6D71-4EF5-88FA-F32781734A7F","Credentials":{
"AccessKeyId":"STS.example0000000000000001","AccessKeySecret":"example0000000000000000000001",
"SecurityToken":"CAISexampleexampleexampleexampleexampleexampleexampleexample","Expiration":"2099-01-01T00:00:00Z"}}"#;
const VSWITCHES: &str = r#"{"RequestId":"0ED8D006-F706-4D23-88ED-E11ED28DCAC2","TotalCount":0,"PageNumber":1,"PageSize":50,
"VSwitches":{"VSwitch":[]}}"#;
const NETWORK_INTERFACES: &str = r#"{"RequestId":"0ED8D006-F706-4D23-88ED-E11ED28DCAC4","NextToken":"",
"NetworkInterfaceSets":{"NetworkInterfaceSet":[]}}"#;
const SWITCHED: &str = r#"{"RequestId":"0ED8D006-F706-4D23-88ED-E11ED28DCAC5","Success":"true"}"#;
const OPENED: &str = r#"{"RequestId":"0ED8D006-F706-4D23-88ED-E11ED28DCAC6","Enabled":"true","Success":"true"}"#;
const RECORDS: &str = r#"{"meta":{"progress":"Complete","count":0,"hasSQL":true},"data":[]}"#;
const INDEX: &str = r#"{"ttl":180,"line":{"token":[","],"caseSensitive":false},"keys":{"vpc-id":{"type":"text"},
"log-status":{"type":"text"},"end":{"type":"long"}}}"#;
const LOG_STORE: &str = r#"{"logstoreName":"vpc","ttl":180,"mode":"standard","shardCount":2,"autoSplit":true}"#;
const UNKNOWN: &str = r#"{"Code":"InvalidAction.NotFound","Message":"the stub cloud does not know it"}"#;

/// The stub cloud. It runs until the process ends.
pub(crate) struct Cloud {
    pub(crate) address: SocketAddr,
    /// The root certificate to trust, in DER, if it uses TLS.
    pub(crate) root: Option<PathBuf>,
    calls: Arc<Calls>,
}

/// What it answers, and when.
#[derive(Debug, Clone, Copy, Default)]
struct Answers {
    /// What it lists; `None` for fixed answers.
    fleet: Option<Fleet>,
    /// The time from a call to its answer.
    latency: Duration,
}

/// The number of answered calls of each action.
#[derive(Debug, Default)]
struct Calls([AtomicUsize; Action::ALL.len()]);

#[derive(Debug, Clone, Copy)]
enum Action {
    DescribeVpcs,
    DescribeFlowLogs,
    CreateFlowLog,
    AssumeRole,
    DescribeRegions,
    GetCallerIdentity,
    DescribeVSwitches,
    DescribeNetworkInterfaces,
    DeactiveFlowLog,
    GetFlowLogServiceStatus,
    GetLogs,
    GetIndex,
    GetLogStore,
}

impl Action {
    /// A request to assume a role names the other actions, too: those that the session may call. Those of Log Service have
    /// paths instead of names.
    const ALL: [(&str, Self); 13] = [
        ("AssumeRole", Self::AssumeRole),
        ("DescribeVpcs", Self::DescribeVpcs),
        ("DescribeFlowLogs", Self::DescribeFlowLogs),
        ("CreateFlowLog", Self::CreateFlowLog),
        ("DescribeRegions", Self::DescribeRegions),
        ("GetCallerIdentity", Self::GetCallerIdentity),
        ("DescribeVSwitches", Self::DescribeVSwitches),
        ("DescribeNetworkInterfaces", Self::DescribeNetworkInterfaces),
        ("DeactiveFlowLog", Self::DeactiveFlowLog),
        ("GetFlowLogServiceStatus", Self::GetFlowLogServiceStatus),
        ("/logstores/vpc/logs ", Self::GetLogs),
        ("/logstores/vpc/index ", Self::GetIndex),
        ("/logstores/vpc ", Self::GetLogStore),
    ];

    /// The action is in the form, in the query or in a header, and nowhere else in a request.
    fn of(request: &Message<'_>) -> Option<Self> {
        let says = |name: &str| [request.body, request.head].iter().any(|it| find(it, name.as_bytes()).is_some());
        Self::ALL.iter().find(|(name, _)| says(name)).map(|(_, action)| *action)
    }
}

impl Cloud {
    /// Starts a cloud with plain HTTP and fixed answers.
    pub(crate) fn start() -> io::Result<Self> {
        Self::listen(Answers::default(), None)
    }

    /// Starts a cloud with plain HTTP that lists a fleet.
    pub(crate) fn with(fleet: Fleet) -> io::Result<Self> {
        Self::after(Duration::ZERO, fleet)
    }

    /// Starts a cloud with plain HTTP that lists a fleet, and gives each answer after `latency`.
    pub(crate) fn after(latency: Duration, fleet: Fleet) -> io::Result<Self> {
        Self::listen(Answers { fleet: Some(fleet), latency }, None)
    }

    /// Starts a cloud with TLS that lists a fleet, or has fixed answers. Its root certificate is written to `folder`.
    pub(crate) fn over_tls(folder: &Path, fleet: Option<Fleet>) -> io::Result<Self> {
        let certificate = certificate::make(folder)?;
        let cloud = Self::listen(Answers { fleet, latency: Duration::ZERO }, Some(certificate.server))?;
        Ok(Self { root: Some(certificate.root), ..cloud })
    }

    fn listen(answers: Answers, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let calls = Arc::<Calls>::default();
        let counter = Arc::clone(&calls);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                let tls = tls.clone();
                // A connection fails when the function at its other end is killed.
                thread::spawn(move || drop(accept(stream, tls, answers, &counter)));
            }
        });
        Ok(Self { address, root: None, calls })
    }

    /// The number of calls that it has answered.
    pub(crate) fn calls(&self) -> usize {
        self.calls_of_each().iter().sum()
    }

    /// The number of calls of each action: `DescribeVpcs`, `DescribeFlowLogs`, `CreateFlowLog`, `AssumeRole`, and those that
    /// only the command makes.
    pub(crate) fn calls_of_each(&self) -> [usize; Action::ALL.len()] {
        self.calls.0.each_ref().map(|calls| calls.load(Ordering::Relaxed))
    }
}

fn accept(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    answers: Answers,
    calls: &Calls,
) -> Result<(), Box<dyn Error>> {
    stream.set_nodelay(true)?;
    match tls {
        None => serve(stream, answers, calls)?,
        Some(tls) => serve(StreamOwned::new(ServerConnection::new(tls)?, stream), answers, calls)?,
    }
    Ok(())
}

fn serve(stream: impl Read + Write, answers: Answers, calls: &Calls) -> io::Result<()> {
    let regions = regions();
    let vpcs = [VPCS, FLOW_LOGS, CREATED, ASSUMED, &regions, CALLER, VSWITCHES, NETWORK_INTERFACES, SWITCHED, OPENED];
    let fixed = vpcs.into_iter().chain([RECORDS, INDEX, LOG_STORE]).collect::<Vec<_>>();
    let fixed = fixed.into_iter().map(|body| response("200 OK", body)).collect::<Vec<_>>();
    let unknown = response("400 Bad Request", UNKNOWN);
    let mut messages = Messages::new(stream);
    while let Some(request) = messages.next()? {
        let Some(action) = Action::of(&request) else {
            messages.stream.write_all(&unknown)?;
            continue;
        };
        calls.0[action as usize].fetch_add(1, Ordering::Relaxed);
        let page = answers.fleet.and_then(|fleet| page(fleet, action, &request));
        if !answers.latency.is_zero() {
            clock::pause(answers.latency);
        }
        match page {
            Some(page) => messages.stream.write_all(&response("200 OK", &page))?,
            None => messages.stream.write_all(&fixed[action as usize])?,
        }
    }
    Ok(())
}

fn page(fleet: Fleet, action: Action, request: &Message<'_>) -> Option<String> {
    let [head, body] = [request.head, request.body].map(String::from_utf8_lossy);
    match action {
        Action::DescribeVpcs => Some(fleet.vpcs_page(&body)),
        Action::DescribeFlowLogs => Some(fleet.flow_logs_page(&body)),
        Action::GetLogs => Some(fleet.records(&head, &body)),
        _ => None,
    }
}

/// The regions, in which the fleet is.
fn regions() -> String {
    let regions = REGIONS
        .map(|id| format!(r#"{{"RegionId":"{id}","LocalName":"{id}","RegionEndpoint":"vpc.{id}.example.com"}}"#));
    format!(r#"{{"RequestId":"0ED8D006-F706-4D23-88ED-E11ED28DCAC3","Regions":{{"Region":[{}]}}}}"#, regions.join(","))
}

fn response(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nDate: Thu, 02 Jan 2025 03:04:05 GMT\r\nContent-Type: application/json;charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: keep-alive\r\nx-acs-request-id: 54B48E3D\r\n\r\n{body}"
    )
    .into_bytes()
}
