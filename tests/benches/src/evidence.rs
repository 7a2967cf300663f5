//! The report of `report-flow-logs` on one large account: time and memory, until every form of it is written.

use std::{
    io::{self, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
    time::SystemTime,
};

use crate::{
    clock, event,
    fleet::Fleet,
    http::{Message, Messages, find},
    process::Process,
    table::{Bound, Bounded, Table, thousands},
};

/// Numbers of VPCs in the account, spread over the regions.
pub(crate) const VPCS: [usize; 2] = [1_000, 10_000];
/// The regions of the policy. The function runs in the first.
const REGIONS: [&str; 5] = ["cn-hangzhou", "cn-shanghai", "cn-beijing", "cn-shenzhen", "ap-southeast-1"];
/// One of this many VPCs has no flow log.
const LACKING: usize = 100;
/// The most memory that the largest report may take, in MiB.
const MAX_MEMORY: f64 = 128.0;
const STATUS: &str = r#"{"RequestId":"54B48E3D","Enabled":"true","Success":"true"}"#;
const CALLER: &str = r#"{"RequestId":"54B48E3D","AccountId":"1000000000000001","Arn":"acs:ram::1000000000000001:assumed-role/report/x"}"#;
const LOG_STORE: &str = r#"{"logstoreName":"vpc","ttl":180,"shardCount":2,"mode":"standard"}"#;
const INDEX: &str = r#"{"keys":{"vpc-id":{"type":"text"},"log-status":{"type":"text"},"end":{"type":"long"}}}"#;

/// The measurements of a report.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    vpcs: usize,
    /// Time from sending the event to its answer, in s.
    wall: f64,
    /// CPU time, in s.
    cpu: f64,
    /// Peak resident memory, in KiB.
    peak: f64,
    /// The size of all files, in bytes.
    bytes: u64,
}

/// Measures the report of an account with this many VPCs, written below `folder`.
pub(crate) fn measure(function: &Path, folder: &Path, vpcs: usize) -> io::Result<Report> {
    let fleet = Fleet { vpcs: vpcs / REGIONS.len(), lacking: LACKING };
    let cloud = serve(fleet)?;
    let folder = folder.join(format!("evidence-{vpcs}"));
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder)?;
    let regions = REGIONS.join(r#"", ""#);
    let policy = format!(
        r#"{{"flow_log": {{"project": "flowlog-{{account}}-{{region}}", "log_store": "vpc"}}, "regions": ["{regions}"]}}"#
    );
    let mut command = Command::new(function);
    command
        .env_clear()
        .env("FLOWKEEPER_ENDPOINT", format!("http://{cloud}"))
        .env("FLOWKEEPER_EVIDENCE_DIR", &folder)
        .env("FLOWKEEPER_POLICY", policy);
    let mut process = Process::start(&mut command, "FC_CUSTOM_LISTEN_PORT")?;
    let mut connection = process.connect()?;
    let idle = process.cpu()?;
    let sent = clock::now();
    let answer = connection.invoke(&event::timer())?;
    let wall = sent.elapsed().as_secs_f64();
    if find(answer, format!("\"checked\":{vpcs}").as_bytes()).is_none() {
        return Err(io::Error::other(format!("not {vpcs} VPCs: {}", String::from_utf8_lossy(answer))));
    }
    let cpu = (process.cpu()? - idle) / 1e6;
    Ok(Report { vpcs, wall, cpu, peak: process.peak()?, bytes: size(&folder)? })
}

/// The table of the reports.
pub(crate) fn table(reports: &[Report]) -> Table {
    let heads = ["VPCs", "time, s", "CPU, s", "files, MiB", "memory, MiB", "bound"];
    let mut table = Table::new("reports", &heads);
    for Report { vpcs, wall, cpu, peak, bytes } in reports {
        let memory = peak / 1024.0;
        let cells = [
            thousands(*vpcs),
            format!("{wall:.2}"),
            format!("{cpu:.2}"),
            format!("{:.1}", *bytes as f64 / f64::from(1 << 20)),
            format!("{memory:.1}"),
        ];
        table.bounded(cells, Bounded::new(memory, Bound::AtMost(MAX_MEMORY)));
    }
    table.say(&format!(
        "`report-flow-logs` over one account of {} regions, in which one VPC in {LACKING} has no flow log: what it reads, whether\n\
         records arrive included, and every form written. **memory**: peak, VmHWM, and the bound of it.",
        REGIONS.len()
    ));
    table
}

/// The size of all files below a folder, in bytes.
fn size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

/// Starts a cloud that answers what a report asks. It checks nothing, and runs until this process ends.
fn serve(fleet: Fleet) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection fails when the function at its other end is killed.
            thread::spawn(move || drop(answer_all(stream, fleet)));
        }
    });
    Ok(address)
}

fn answer_all(stream: TcpStream, fleet: Fleet) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut messages = Messages::new(stream);
    while let Some(request) = messages.next()? {
        let body = answer(&request, fleet);
        let date = httpdate::fmt_http_date(SystemTime::from(clock_time()));
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        messages.stream.write_all(head.as_bytes())?;
        messages.stream.write_all(body.as_bytes())?;
    }
    Ok(())
}

fn clock_time() -> jiff::Timestamp {
    openapi::Clock::now(&openapi::SystemClock)
}

fn answer(request: &Message<'_>, fleet: Fleet) -> String {
    let says = |name: &str| [request.body, request.head].iter().any(|it| find(it, name.as_bytes()).is_some());
    let form = String::from_utf8_lossy(request.body);
    if says("/logstores/vpc/logs") {
        records(&String::from_utf8_lossy(request.head), fleet)
    } else if says("/logstores/vpc/index") {
        INDEX.to_owned()
    } else if says("/logstores/vpc") {
        LOG_STORE.to_owned()
    } else if says("Action=DescribeVpcs") {
        fleet.vpcs_page(&form)
    } else if says("Action=DescribeFlowLogs") {
        fleet.flow_logs_page(&form)
    } else if says("Action=GetCallerIdentity") {
        CALLER.to_owned()
    } else {
        STATUS.to_owned()
    }
}

/// A record for each VPC of the region whose project the request names.
fn records(head: &str, fleet: Fleet) -> String {
    let region = REGIONS.into_iter().find(|region| head.contains(&format!("-{region}."))).unwrap_or(REGIONS[0]);
    let all = fleet.vpcs_page(&format!("RegionId={region}&PageNumber=1&PageSize={}", fleet.vpcs));
    let ids = all.split("\"VpcId\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let last = clock_time().as_second() - 300;
    let row = |id: &str| format!(r#"{{"vpc":"{id}","status":"OK","records":"9","last":"{last}"}}"#);
    let rows: Vec<_> = ids.map(row).collect();
    format!(r#"{{"meta":{{"progress":"Complete","count":{}}},"data":[{}]}}"#, rows.len(), rows.join(","))
}
