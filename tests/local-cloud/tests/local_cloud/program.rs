//! The program: what `serve` says and how it ends.

use std::process::Stdio;

use local_cloud::{Client, Credentials};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

#[tokio::test]
async fn serve_says_where_it_is_tells_what_happens_and_ends_on_sigterm() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_local-cloud"))
        .args(["serve", "--port", "0", "--no-functions", "--transition-ms", "0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let mut line = async || lines.next_line().await.unwrap().unwrap();
    let first = line().await;
    let endpoint = first.split([' ', ',']).find(|word| word.starts_with("http://")).unwrap();
    assert_eq!(line().await, "key test, secret test-secret; `local-cloud --help` says how to use it");

    let client = Client::new(endpoint, Credentials::own());
    let made = client.call("CreateVpc", &[("RegionId", "cn-hangzhou")]).await.unwrap();
    let told = line().await;
    assert!(told.ends_with(&format!("s  test → CreateVpc: {}", made["VpcId"].as_str().unwrap())), "{told}");

    let id = rustix::process::Pid::from_raw(program.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert!(program.wait().await.unwrap().success());
}
