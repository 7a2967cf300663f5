use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use local_cloud::{Options, functions};
use scenarios::{CREATE_FLOW_LOG, call_event, cloud, process, variable, vpc_created};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The memory of the smallest instance, in KB.
const MAX_MEMORY: usize = 128 << 10;

/// Starts the function with this policy, limited to 128 MB of memory and 20 s of CPU time. It must refuse to start and
/// say why. A debug build on a busy machine takes most of the CPU time.
async fn refused(policy: &Path) -> String {
    let binary = functions::build().await.unwrap().join("create-flow-log");
    let within = format!("ulimit -v {MAX_MEMORY} && ulimit -t 20 && exec \"$0\"");
    let Output { status, stderr, .. } = Command::new("sh")
        .args(["-c", &within])
        .arg(binary)
        .env_clear()
        .env("FLOWKEEPER_POLICY_FILE", policy)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(64), "{}: {status}, {}", policy.display(), &said[..said.len().min(1000)]);
    assert!(said.len() < 32 << 10 && said.lines().count() == 1, "{} bytes, {} lines", said.len(), said.lines().count());
    said
}

/// Texts of the maximum size, each designed to use far more memory or time than its size suggests.
fn bombs() -> Vec<(&'static str, String)> {
    const SIZE: usize = 256 << 10;
    let filled = |unit: &str| unit.repeat(SIZE / unit.len());
    let good = "flow_log: {project: abc, log_store: vpc}\n";
    let aliases: String = ('b'..='z').map(|key| format!("{key}: &{key} [{}]\n", "*a,".repeat(200))).collect();
    let schedules: String = (0..9_000).map(|nth| format!("  s{nth}: {{}}\n")).collect();
    vec![
        ("an anchor", format!("a: &a [x]\n{aliases}")),
        ("recursion limit exceeded", filled("[")),
        ("recursion limit exceeded", filled("{a: ")),
        ("nested deeper", filled("- ")),
        ("nested deeper", filled("? ")),
        ("nested deeper", (0..700).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect()),
        ("is not one of vpc", format!("{good}coverage: {}\n", "x".repeat(SIZE - 100))),
        ("is not one of vpc", format!("{good}coverage: \"{}\"\n", "\\x41".repeat(SIZE / 5))),
        ("is repeated", filled("coverage: vpc\n")),
        ("is repeated", format!("{good}exclude: {{tags: {{{}}}}}\n", "a: b, ".repeat(SIZE / 7))),
        ("a second document", filled("---\n")),
        ("there is no schedule", format!("schedules:\n{schedules}overrides:\n{}", "- schedule: no\n".repeat(7_000))),
        ("must be a map", format!("overrides: [{}]\n", "a,".repeat(SIZE / 3))),
        ("is not a region id", format!("{good}regions: [{}]\n", "A,".repeat(SIZE / 3))),
        ("is not a window", format!("{good}schedules: {{a: {{time_zone: UTC, on: [{}]}}}}\n", "a,".repeat(SIZE / 3))),
        ("the policy is empty", filled("\t")),
        ("not valid YAML", filled("\"")),
        ("the policy is empty", filled("#\n")),
    ]
}

#[tokio::test]
async fn a_policy_that_is_a_bomb_is_refused_in_bounded_time_memory_and_words() {
    let folder = TempDir::new().unwrap();
    for (nth, (problem, text)) in bombs().iter().enumerate() {
        let file = folder.path().join(format!("{nth}.yml"));
        fs::write(&file, text).unwrap();
        let said = refused(&file).await;
        assert!(said.contains(problem), "{nth}: {problem} is not in: {}", said.chars().take(1000).collect::<String>());
    }
}

#[tokio::test]
async fn an_endless_policy_is_not_read_to_its_end() {
    let said = refused(Path::new("/dev/zero")).await;
    assert!(said.contains("/dev/zero cannot be read: it has more than the 262144 bytes"), "{said}");
}

/// The peak memory of a process, in KB.
fn most_memory(process: &Path) -> usize {
    let status = fs::read_to_string(process.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn an_event_that_is_a_bomb_is_refused_and_the_instance_goes_on() {
    let cloud = cloud(Options::default()).await.unwrap();
    let nested = |open: &str, close: &str| format!("{}0{},", open.repeat(60), close.repeat(60));
    let (arrays, objects) = (nested("[[", "]]"), nested("{\"\":{\"\":", "}}"));
    for unit in ["[", "0,", "{},", "[],", "[0],", "{\"a\":[", "\"\\u0041\",", "\"\",", "x", &arrays, &objects] {
        for size in [1 << 20, 8 << 20] {
            let open = format!("[{}", unit.repeat(size / unit.len() - 1));
            for event in [open.clone(), format!("{}0]", open)] {
                let invocation = cloud.invoke(CREATE_FLOW_LOG, event.as_bytes()).await.unwrap();
                assert_eq!((invocation.success, invocation.status), (false, Some(404)), "{unit}");
                let answer = invocation.body.to_string();
                assert!(answer.len() < 32 << 10, "{unit}: {} bytes are answered", answer.len());
                assert!(invocation.lines.iter().all(|line| line.len() < 32 << 10), "{unit}");
            }
        }
    }
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let invocation = cloud.invoke(CREATE_FLOW_LOG, vpc_created(&vpc).to_string().as_bytes()).await.unwrap();
    assert!(invocation.success, "{:#}", invocation.body);
    let most = most_memory(&process("FLOWKEEPER_ENDPOINT", &cloud.endpoint()));
    assert!(most < MAX_MEMORY, "{most} KB");
}

#[tokio::test]
async fn a_launch_of_too_many_instances_is_refused_briefly_and_in_little_memory() {
    let cloud = cloud(Options::default()).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let ids: Vec<_> = (0..90_000).map(|nth| format!("i-{nth:x}")).collect();
    let launch =
        |some: &[String]| call_event("Ecs", "RunInstances", &json!({"InstanceIdSets": {"InstanceIdSet": some}}));
    let several = json!([launch(&ids[..600]), launch(&ids[..500])]).to_string().replacen("scenario", "another", 1);
    for event in [launch(&ids).to_string(), json!([launch(&ids)]).to_string(), several] {
        let invocation = cloud.invoke(CREATE_FLOW_LOG, event.as_bytes()).await.unwrap();
        assert_eq!((invocation.success, &invocation.body["errorType"]), (false, &"UnknownEvent".into()));
        let said = invocation.body["errorMessage"].as_str().unwrap();
        assert!(said.contains("and 1000 is the maximum") && said.len() < 500, "{said}");
    }
    let invocation = cloud.invoke(CREATE_FLOW_LOG, vpc_created(&vpc).to_string().as_bytes()).await.unwrap();
    assert!(invocation.success, "{:#}", invocation.body);
    let most = most_memory(&process("FLOWKEEPER_ENDPOINT", &cloud.endpoint()));
    assert!(most < 64 << 10, "{most} KB");
}

#[tokio::test]
async fn stalled_callers_do_not_take_an_instance_down() {
    let cloud = cloud(Options::default()).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let process = process("FLOWKEEPER_ENDPOINT", &cloud.endpoint());
    let port = variable(&process, "FC_SERVER_PORT").unwrap();
    let head = format!("POST /invoke HTTP/1.1\r\nx-long: {}", "x".repeat(60_000));
    let event = format!("POST /invoke HTTP/1.1\r\nhost: a\r\ncontent-length: 131072\r\n\r\n{}", "x".repeat(131_071));
    let large = format!("POST /invoke HTTP/1.1\r\nhost: a\r\ncontent-length: 33554432\r\n\r\n{}", "x".repeat(200_000));
    let mut stalled = Vec::new();
    for beginning in ["", &head, &event, &large].iter().cycle().take(600) {
        let mut caller = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
        // Fails if the server has closed the connection to make room.
        let _ = caller.write_all(beginning.as_bytes()).await;
        stalled.push(caller);
    }
    let invocation = cloud.invoke(CREATE_FLOW_LOG, vpc_created(&vpc).to_string().as_bytes()).await.unwrap();
    assert!(invocation.success, "{:#}", invocation.body);
    let most = most_memory(&process);
    assert!(most < MAX_MEMORY, "{most} KB");

    // Once a later connection is answered, the server has evicted the surplus: 256 connections remain, and a few that
    // are still in transit.
    let mut last = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
    last.write_all(b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert!(last.read_u8().await.is_ok());
    let is_open = |caller: &&TcpStream| {
        caller.try_read(&mut [0; 4096]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    let open = stalled.iter().filter(is_open).count();
    assert!((1..300).contains(&open), "{open} stayed");
}
