//! A person with a policy, beside a local cloud.

use std::process::{Command, Stdio};

use local_cloud::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, LocalCloud, OWN_ACCOUNT, Options};

use crate::support::{Home, Ran, run_beside};

/// The policy of most tests. It has a default for each key that they do not look at.
pub(crate) const POLICY: &str = "\
flow_log:
  project: flowlog
  log_store: vpc
regions: [cn-hangzhou, cn-shanghai]
schedules:
  weekends: {time_zone: UTC, on: [\"Sat 00:00-24:00\", \"Sun 00:00-24:00\"]}
overrides:
  - match: {tags: {env: dev}}
    traffic_type: Drop
  - match: {tags: {env: night}}
    schedule: never
";

/// A person beside a local cloud.
pub(crate) struct World {
    pub(crate) cloud: LocalCloud,
    pub(crate) home: Home,
    endpoint: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default(), POLICY).await
    }

    pub(crate) async fn with(options: Options, policy: &str) -> Self {
        let cloud = LocalCloud::start(options).await.unwrap();
        let endpoint = cloud.endpoint();
        for region in ["cn-hangzhou", "cn-shanghai"] {
            cloud.with_log_store(OWN_ACCOUNT, region, "flowlog", "vpc");
        }
        Self { cloud, home: Home::with(&[("policy.yml", policy)]), endpoint }
    }

    pub(crate) fn env(&self) -> [(&str, &str); 4] {
        // The key of the local cloud, which is no secret.
        [
            ("FLOWKEEPER_ENDPOINT", self.endpoint.as_str()),
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", ACCESS_KEY_ID),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ACCESS_KEY_SECRET),
            ("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou"),
        ]
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[]).await
    }

    /// Runs the command with further variables.
    pub(crate) async fn run_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Ran {
        run_beside(self.home.path(), arguments, &[&self.env()[..], more].concat()).await
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments, &self.env());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A VPC with a flow log of Flowkeeper's own that is as the policy wants it, apart from `more`.
    pub(crate) async fn kept_vpc(&self, tags: &[(&str, &str)], more: &[(&str, &str)]) -> (String, String) {
        let vpc = self.cloud.create_vpc(tags).await.unwrap();
        let flow_log = self.flow_log(&vpc, &[&OWN[..], more].concat()).await;
        (vpc, flow_log)
    }

    /// A flow log on a VPC, to the destination of the policy.
    pub(crate) async fn flow_log(&self, vpc: &str, more: &[(&str, &str)]) -> String {
        let name = format!("flowkeeper-{vpc}");
        let usual = [("Description", "Kept by Flowkeeper"), ("ProjectName", "flowlog"), ("LogStoreName", "vpc")];
        let mut parameters: Vec<_> = usual.into_iter().chain([("FlowLogName", name.as_str())]).collect();
        parameters.retain(|(key, _)| more.iter().all(|(other, _)| other != key));
        parameters.extend_from_slice(more);
        let flow_log = self.cloud.create_flow_log("VPC", vpc, &parameters).await.unwrap();
        self.cloud.finish_transitions();
        flow_log
    }

    /// The calls after the first `count` that change something.
    pub(crate) fn writes_after(&self, count: usize) -> Vec<String> {
        let is_read =
            |action: &str| ["Describe", "List", "Get", "AssumeRole"].iter().any(|verb| action.starts_with(verb));
        let calls = self.cloud.calls().into_iter().skip(count);
        calls.map(|call| call.action).filter(|action| !is_read(action)).collect()
    }

    /// Replaces what differs from run to run.
    pub(crate) fn stable(&self, ran: &Ran) -> String {
        self.stable_text(&ran.whole())
    }

    pub(crate) fn stable_text(&self, text: &str) -> String {
        let mut text = text.replace(&self.endpoint, "http://127.0.0.1:9900");
        let ids = digits(&text);
        for (nth, id) in ids.iter().enumerate() {
            text = text.replace(id.as_str(), &format!("{:016x}", nth + 1));
        }
        text
    }
}

/// The tag that marks a flow log as Flowkeeper's own.
const OWN: [(&str, &str); 2] = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];

/// The ids of changes in a text, in order.
fn digits(text: &str) -> Vec<String> {
    let is_id = |word: &&str| {
        word.len() == 16
            && word.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
            && word.bytes().any(|byte| byte.is_ascii_lowercase())
    };
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let mut ids: Vec<String> = Vec::new();
    for id in words.filter(is_id) {
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    ids
}
