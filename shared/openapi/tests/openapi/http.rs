//! A client that somebody else built sends the requests.

use std::sync::Arc;

use openapi::{Client, ClientSettings, Endpoints, FlowLogFilter, http_client};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::support::{NOTHING, Server, TestMachine, ok, session};

#[tokio::test]
async fn requests_go_through_the_proxy_of_a_client_that_has_one() {
    let proxy = Server::answering(|_| ok(NOTHING)).await;
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let through = reqwest::Proxy::http(format!("http://127.0.0.1:{}", proxy.port())).unwrap();
    let http = http_client(tls).proxy(through).build().unwrap();

    // Nothing listens here: only the proxy can answer.
    let nowhere = Some("http://127.0.0.1:1".parse().unwrap());
    let settings =
        ClientSettings { endpoints: Endpoints { vpc: nowhere, ..Endpoints::default() }, ..ClientSettings::default() };
    let machine = TestMachine::new();
    let client = Client::new(settings, Arc::clone(&machine) as _, machine).with_http(http);
    session(&client).describe_flow_logs(&FlowLogFilter::default()).await.unwrap();
    assert_eq!(proxy.actions(), ["DescribeFlowLogs"]);
}
