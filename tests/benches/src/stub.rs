//! The cloud: answers three actions with fixed bodies, as fast as possible, so that it is not what is measured.
//!
//! It checks nothing. A thread for each connection, and no work but to find the action in the form.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::http::{Messages, find};

const VPCS: &str = r#"{"RequestId":"54B48E3D-DF70-471B-AA93-08E683A1B457","TotalCount":1,"PageNumber":1,"PageSize":50,
"Vpcs":{"Vpc":[{"VpcId":"vpc-bp1example00000000001","RegionId":"cn-hangzhou","Status":"Available","VpcName":"example",
"CreationTime":"2025-01-02T03:04:05Z","CidrBlock":"10.0.0.0/16","VRouterId":"vrt-bp1example00000000001","IsDefault":false,
"Description":"","ResourceGroupId":"rg-example","OwnerId":1000000000000001,"VSwitchIds":{"VSwitchId":[]},
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
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let calls = Arc::clone(&counter);
                // A connection ends with an error when the function at its other end is killed.
                thread::spawn(move || drop(serve(stream, &calls)));
            }
        });
        Ok(Self { address, calls })
    }

    /// How many calls it has answered.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

fn serve(stream: TcpStream, calls: &AtomicUsize) -> io::Result<()> {
    let answers = [("DescribeVpcs&", VPCS), ("DescribeFlowLogs&", FLOW_LOGS), ("CreateFlowLog&", CREATED)]
        .map(|(action, body)| (format!("Action={action}"), response("200 OK", body)));
    let unknown = response("400 Bad Request", r#"{"Code":"InvalidAction.NotFound","Message":"none of the three"}"#);
    let mut messages = Messages::new(stream)?;
    while let Some(request) = messages.next()? {
        let answer = answers.iter().find(|(action, _)| find(request.body, action.as_bytes()).is_some());
        calls.fetch_add(1, Ordering::Relaxed);
        messages.stream.write_all(answer.map_or(&unknown, |(_, answer)| answer))?;
    }
    Ok(())
}

fn response(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nDate: Thu, 02 Jan 2025 03:04:05 GMT\r\nContent-Type: application/json;charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: keep-alive\r\nx-acs-request-id: 54B48E3D\r\n\r\n{body}"
    )
    .into_bytes()
}
