//! The documents show what the command prints.

use local_cloud::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, LocalCloud, Options};

use crate::support::{repository, run_in};

/// The commands that a page shows, each with what it prints.
fn examples(page: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(repository().join(page)).unwrap();
    let blocks = text.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    let examples = blocks.flat_map(|block| {
        let shown = block.strip_prefix("$ ").unwrap().split("\n$ ").map(str::to_owned).collect::<Vec<_>>();
        shown.into_iter().map(|example| {
            let (command, output) = example.split_once('\n').unwrap_or((&example, ""));
            (command.to_owned(), output.trim_end().to_owned())
        })
    });
    examples.collect()
}

/// What the examples find: a VPC without a flow log, and one whose flow log has another name.
async fn seed(cloud: &LocalCloud) {
    let project = "flowlog-1000000000000001-cn-hangzhou";
    cloud.with_log_store("1000000000000001", "cn-hangzhou", project, "vpc");
    cloud.create_vpc(&[("env", "dev")]).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let parameters = [
        ("Tag.1.Key", "managed-by"),
        ("Tag.1.Value", "flowkeeper"),
        ("Tag.2.Key", "team"),
        ("Tag.2.Value", "network"),
        ("FlowLogName", "renamed"),
        ("Description", "Kept by Flowkeeper"),
        ("ProjectName", project),
        ("LogStoreName", "vpc"),
    ];
    cloud.create_flow_log("VPC", &vpc, &parameters).await.unwrap();
    cloud.finish_transitions();
}

#[tokio::test]
async fn each_example_of_a_page_prints_what_the_page_shows() {
    let cloud = LocalCloud::start(Options::default()).await.unwrap();
    seed(&cloud).await;
    let endpoint = cloud.endpoint();
    let folder = repository().join("shared/command/examples");
    let mut count = 0;
    for page in ["docs/command.md", "docs/policy.md"] {
        for (command, shown) in examples(page) {
            let words: Vec<_> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(words[0], "flowkeeper", "{page}: {command}");
            let (endpoint, folder) = (endpoint.clone(), folder.clone());
            let ran = tokio::task::spawn_blocking(move || {
                // The key of the local cloud, which is no secret.
                let env = [
                    ("FLOWKEEPER_ENDPOINT", endpoint.as_str()),
                    ("ALIBABA_CLOUD_ACCESS_KEY_ID", ACCESS_KEY_ID),
                    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ACCESS_KEY_SECRET),
                    ("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou"),
                ];
                run_in(&folder, &words[1..].iter().map(String::as_str).collect::<Vec<_>>(), &env)
            })
            .await
            .unwrap();
            // A terminal shows both.
            let printed = format!("{}{}", ran.stdout, ran.stderr).replace(&cloud.endpoint(), "http://127.0.0.1:9900");
            assert_eq!(printed.trim_end(), shown, "{page}: {command}");
            count += 1;
        }
    }
    assert!(count >= 6, "{count} examples");
}
