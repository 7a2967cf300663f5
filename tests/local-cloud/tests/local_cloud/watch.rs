//! `watch`: rebuilds the functions when their code changes.

use std::{path::Path, process::Stdio, time::Duration};

use http::Method;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// How long a build of the small workspace may take on a busy machine.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// A function that uses only the standard library and answers the event `{}` with a word.
const FUNCTION: &str = r#"
use std::{env, io::{Read, Write}, net::TcpListener};

fn main() {
    let port: u16 = env::var("FC_CUSTOM_LISTEN_PORT").unwrap().parse().unwrap();
    for connection in TcpListener::bind(("127.0.0.1", port)).unwrap().incoming() {
        let (mut connection, mut request, mut part) = (connection.unwrap(), Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = connection.read(&mut part) {
            request.extend(&part[..length]);
            if request.ends_with(b"\r\n\r\n{}") {
                request.clear();
                let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n\"WORD!\"");
            }
        }
    }
}
"#;

const TEMPLATE: &str = "\
Resources:
  Function:
    Type: ALIYUN::FC3::Function
    Properties: {FunctionName: talker, Handler: bootstrap, Code: {OssObjectName: talker.zip}}
";

/// Creates a workspace with one function, which says `first`.
fn workspace() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("Cargo.toml", "[workspace]\nmembers = [\"functions/talker\"]\nresolver = \"3\"\n");
    write("functions/talker/Cargo.toml", "[package]\nname = \"talker\"\nedition = \"2024\"\n");
    write("shared/README.md", "There is none.\n");
    write("template.yml", TEMPLATE);
    say(folder.path(), "first");
    folder
}

/// Changes the function's code to say another word of five letters.
fn say(workspace: &Path, word: &str) {
    let source = workspace.join("functions/talker/src/main.rs");
    std::fs::create_dir_all(source.parent().unwrap()).unwrap();
    std::fs::write(source, FUNCTION.replace("WORD!", word)).unwrap();
}

/// A running `watch`.
struct Watching {
    program: Child,
    lines: Lines<BufReader<ChildStdout>>,
    endpoint: String,
}

impl Watching {
    async fn start(workspace: &Path) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_local-cloud"))
            .args(["watch", "--port", "0", "--template"])
            .arg(workspace.join("template.yml"))
            .env("CARGO_TARGET_DIR", workspace.join("target"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let mut watching = Self { program, lines, endpoint: String::new() };
        let first = watching.line_with("local cloud at").await;
        watching.endpoint = first.split([' ', ',']).find(|word| word.starts_with("http://")).unwrap().to_owned();
        watching
    }

    /// Waits for a line that contains `part`.
    async fn line_with(&mut self, part: &str) -> String {
        let found = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if line.contains(part) {
                    return line;
                }
            }
            panic!("it ended without a line with {part:?}");
        };
        tokio::time::timeout(MAX_WAIT, found).await.unwrap()
    }

    /// Invokes the function and returns its answer.
    async fn answer(&self) -> String {
        let invoked = local_cloud::send(&self.endpoint, Method::POST, "/_local/invoke/talker", "{}".to_owned());
        let (status, text) = invoked.await.unwrap();
        assert_eq!(status, 200, "{text}");
        let invocation: serde_json::Value = serde_json::from_str(&text).unwrap();
        invocation["body"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn functions_are_built_and_started_again_when_their_code_changes_and_stay_where_it_does_not_build() {
    let workspace = workspace();
    let mut watching = Watching::start(workspace.path()).await;
    assert_eq!(watching.answer().await, "first");

    say(workspace.path(), "other");
    watching.line_with("changed: main.rs").await;
    watching.line_with("built; the next event starts the new functions").await;
    assert_eq!(watching.answer().await, "other");

    say(workspace.path(), "\"oops");
    watching.line_with("the functions stay as they are").await;
    assert_eq!(watching.answer().await, "other");

    say(workspace.path(), "third");
    watching.line_with("built; the next event starts the new functions").await;
    assert_eq!(watching.answer().await, "third");

    let id = rustix::process::Pid::from_raw(watching.program.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert!(tokio::time::timeout(MAX_WAIT, watching.program.wait()).await.unwrap().unwrap().success());
}
