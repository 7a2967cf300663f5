//! The cloud: answers three actions with fixed bodies, as fast as possible, so that it is not what is measured.
//!
//! It checks nothing. A thread for each connection, and no work but to find the action in the form; unless it has flow
//! logs, which it then lists, a page at a time.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::http::{Messages, find};

/// Without its owner, as the jobs are those of many accounts.
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

/// The cloud, for as long as the process runs.
pub(crate) struct Cloud {
    pub(crate) address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl Cloud {
    /// One without flow logs.
    pub(crate) fn start() -> io::Result<Self> {
        Self::with_flow_logs(0)
    }

    pub(crate) fn with_flow_logs(flow_logs: usize) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let calls = Arc::clone(&counter);
                // A connection ends with an error when the function at its other end is killed.
                thread::spawn(move || drop(serve(stream, flow_logs, &calls)));
            }
        });
        Ok(Self { address, calls })
    }

    /// How many calls it has answered.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

fn serve(stream: TcpStream, flow_logs: usize, calls: &AtomicUsize) -> io::Result<()> {
    let answers = [("DescribeVpcs&", VPCS), ("DescribeFlowLogs&", FLOW_LOGS), ("CreateFlowLog&", CREATED)]
        .map(|(action, body)| (format!("Action={action}"), response("200 OK", body)));
    let unknown = response("400 Bad Request", r#"{"Code":"InvalidAction.NotFound","Message":"none of the three"}"#);
    let mut messages = Messages::new(stream)?;
    while let Some(request) = messages.next()? {
        calls.fetch_add(1, Ordering::Relaxed);
        if flow_logs > 0 {
            let page = page(&String::from_utf8_lossy(request.body), flow_logs);
            messages.stream.write_all(&response("200 OK", &page))?;
            continue;
        }
        let answer = answers.iter().find(|(action, _)| find(request.body, action.as_bytes()).is_some());
        messages.stream.write_all(answer.map_or(&unknown, |(_, answer)| answer))?;
    }
    Ok(())
}

/// The page that the form asks for, of so many flow logs, each with what the API says of one.
fn page(form: &str, flow_logs: usize) -> String {
    let number = |key: &str| -> Option<usize> { form.split('&').find_map(|pair| pair.strip_prefix(key))?.parse().ok() };
    let (page, size) = (number("PageNumber=").unwrap_or(1), number("PageSize=").unwrap_or(10));
    let shown: Vec<_> = (0..flow_logs).skip((page - 1) * size).take(size).map(flow_log).collect();
    format!(
        r#"{{"RequestId":"F7DDDC17-FA06-4AC2-8F35-59D2470FCFC1","TotalCount":"{flow_logs}","PageNumber":"{page}",
"PageSize":"{size}","Success":"true","FlowLogs":{{"FlowLog":[{}]}}}}"#,
        shown.join(",")
    )
}

fn flow_log(nth: usize) -> String {
    format!(
        r#"{{"FlowLogId":"fl-bp1example{nth:08}","FlowLogName":"flowkeeper-vpc-bp1example{nth:08}","RegionId":"cn-hangzhou",
"ResourceType":"VPC","ResourceId":"vpc-bp1example{nth:08}","TrafficType":"All","Status":"Active","BusinessStatus":"Normal",
"ProjectName":"flowlog-1000000000000001-cn-hangzhou","LogStoreName":"vpc","Description":"Kept by Flowkeeper",
"CreationTime":"2025-01-02T03:04:05Z","AggregationInterval":10,"ServiceType":"customer","IpVersion":"IPv4",
"FlowLogDeliverStatus":"SUCCESS","ResourceGroupId":"rg-example","TrafficPath":{{"TrafficPathList":["all"]}},
"Tags":{{"Tag":[{{"Key":"managed-by","Value":"flowkeeper"}},{{"Key":"team","Value":"network"}}]}}}}"#
    )
}

fn response(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nDate: Thu, 02 Jan 2025 03:04:05 GMT\r\nContent-Type: application/json;charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: keep-alive\r\nx-acs-request-id: 54B48E3D\r\n\r\n{body}"
    )
    .into_bytes()
}
