//! Every command of the runbook does what it says, and every query there and in the page on evidence is understood.
//!
//! A shell runs the blocks of docs/operations.md and docs/evidence.md, and the commands in their text. In place of other
//! programs, functions of that shell say with which arguments they were called, and the local cloud gets the calls of the
//! `aliyun` CLI.

use std::{collections::BTreeMap, process::Command};

use local_cloud::{LocalCloud, OWN_ACCOUNT, Options};
use scenarios::{EVIDENCE_BUCKET, TIMER, cloud};

const RUNBOOK: &str = include_str!("../../../../docs/operations.md");
const EVIDENCE: &str = include_str!("../../../../docs/evidence.md");
const REDRIVE: &str = include_str!("../../../../redrive");
const DEPLOY: &str = include_str!("../../../../deploy");
const REGION: &str = "cn-hangzhou";
/// Each word ends with a zero, and each call with a one. The clock stands still, so that spans have their exact length.
const STAND_INS: &str = r#"
date() { echo 1800000000; }
say() { printf '%s\0' "$@"; printf '\001'; }
aliyun() { say aliyun "$@"; }
redrive() { say redrive "$@"; }
deploy() { say deploy "$@"; }
"#;
/// How a command in the text begins.
const PROGRAMS: [&str; 6] = ["lines ", "traffic ", "invoke ", "aliyun ", "./redrive ", "./deploy "];

/// The blocks of a page for a shell, and the commands in its text.
fn commands(page: &str) -> String {
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    // What needs Rust has tests of its own, and so has the seal.
    let has_tests = |block: &&str| ["cargo", "sha256sum"].iter().any(|program| block.contains(program));
    let blocks = blocks.filter(|block| !has_tests(block)).map(str::to_owned);
    // Every second part between three backticks is a block, and between single ones code.
    let prose: String = page.split("```").step_by(2).collect();
    let code: Vec<String> = prose.split('`').skip(1).step_by(2).map(|code| code.replace('\n', " ")).collect();
    let code = code.into_iter().filter(|code| PROGRAMS.iter().any(|begin| code.starts_with(begin)));
    blocks.chain(code).collect::<Vec<_>>().join("\n")
}

/// Runs the commands, with these ids where the page has some. Returns the words of each call.
fn calls(vpc: &str, flow_log: &str) -> Vec<Vec<String>> {
    // The page on evidence uses the functions of the runbook.
    let text = [RUNBOOK, EVIDENCE]
        .map(commands)
        .join("\n")
        .replace("./", "")
        .replace("vpc-…", vpc)
        .replace("fl-…", flow_log)
        .replace(" …", "");
    let script = format!("set -e\nREGION={REGION}\nACCOUNT={OWN_ACCOUNT}\n{STAND_INS}\n{text}");
    let run = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(run.status.success(), "{}\n{script}", String::from_utf8_lossy(&run.stderr));
    let said = String::from_utf8(run.stdout).unwrap();
    let calls = said.split_terminator('\u{1}');
    calls.map(|call| call.split_terminator('\0').map(str::to_owned).collect()).collect()
}

/// The options of a call that have a value.
fn options<'a>(words: &[&'a str]) -> BTreeMap<&'a str, &'a str> {
    words.windows(2).filter_map(|pair| Some((pair[0].strip_prefix("--")?, pair[1]))).collect()
}

/// Asks Log Service.
fn ask(cloud: &LocalCloud, options: &BTreeMap<&str, &str>) {
    let (from, to): (i64, i64) = (options["from"].parse().unwrap(), options["to"].parse().unwrap());
    assert_eq!(to - from, 86_400);
    let (project, log_store, query) = (options["project"], options["logstore"], options["query"]);
    if log_store == "functions" {
        assert_eq!(project, format!("flowkeeper-{OWN_ACCOUNT}-{REGION}"));
        cloud.query_lines(query).unwrap();
    } else {
        assert_eq!((project, log_store), (&*format!("flowlog-{OWN_ACCOUNT}-{REGION}"), "vpc"));
        cloud.query_records(project, log_store, query).unwrap();
    }
}

#[tokio::test]
async fn each_command_reaches_what_it_names() {
    let evidence = [EVIDENCE_BUCKET].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let cloud = cloud(Options { parameters: evidence.into(), ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let flow_log = cloud.flow_log_of(&vpc).unwrap().id;
    let mut counts = BTreeMap::new();
    for call in calls(&vpc, &flow_log) {
        let words: Vec<&str> = call.iter().map(String::as_str).collect();
        let options = options(&words);
        match *words {
            ["aliyun", "fc", "POST", path, ..] => {
                let path = path.strip_prefix("/2023-03-30/functions/").unwrap();
                let function = path.strip_suffix("/invocations").unwrap();
                let event = options["body"].as_bytes();
                // The text names the event that the page has before.
                let event = if event.is_empty() { TIMER } else { event };
                let invocation = cloud.invoke(function, event).await.unwrap();
                assert!(invocation.success, "{words:?}: {:#}", invocation.body);
            }
            ["aliyun", "sls", "GetLogs", ..] => ask(&cloud, &options),
            ["aliyun", "vpc", action, ..] => {
                // The CLI takes the region as such, too.
                let given: Vec<_> = options.iter().map(|(name, value)| (*name, *value)).collect();
                if action == "ActiveFlowLog" {
                    cloud.call("DeactiveFlowLog", &given).await.unwrap();
                    cloud.settled().await.unwrap();
                }
                cloud.call(action, &given).await.unwrap();
            }
            ["redrive", ..] => {
                for option in words[1..].iter().filter(|word| word.starts_with('-')) {
                    assert!(REDRIVE.contains(&format!("\"{option}\"")), "{option}");
                }
            }
            ["deploy", command, ..] => {
                assert!(DEPLOY.contains(&format!("\n  {command} ")), "{command} is no command of deploy");
                if let [_, "remove" | "status", what, ..] = *words {
                    assert!(
                        DEPLOY.contains(&format!(" {what})")) || DEPLOY.contains(&format!(" {what} |")),
                        "{words:?}"
                    );
                }
            }
            _ => panic!("{words:?}"),
        }
        *counts.entry(words[..2].join(" ")).or_insert(0) += 1;
    }
    for (program, at_least) in [("aliyun fc", 4), ("aliyun sls", 24), ("aliyun vpc", 2), ("redrive --region", 2)] {
        assert!(counts.get(program).is_some_and(|count| *count >= at_least), "{program}: {counts:?}");
    }
}
