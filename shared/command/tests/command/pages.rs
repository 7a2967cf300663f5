//! The documents show what the command prints.

use std::path::Path;

use local_cloud::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, LocalCloud, Options};

use crate::support::{repository, run_in};

/// The pages with examples.
const PAGES: [&str; 2] = ["docs/command.md", "docs/policy.md"];

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

#[test]
fn no_other_page_shows_what_the_command_prints() {
    let docs = std::fs::read_dir(repository().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let docs = docs.map(|name| format!("docs/{}", name.to_str().unwrap()));
    let others = ["README.md", "README.zh-CN.md", "tests/local-cloud/README.md"].map(str::to_owned);
    let pages = docs.chain(others).filter(|name| name.ends_with(".md"));
    let has_examples = |page: &String| std::fs::read_to_string(repository().join(page)).unwrap().contains("```console");
    let mut found: Vec<_> = pages.filter(has_examples).collect();
    found.sort_unstable();
    assert_eq!(found, PAGES);
}

/// The commands with which a person begins.
const BEGINNING: [&str; 2] = [
    "cargo run -p local-cloud -- serve --no-functions",
    "-p flowkeeper -- plan --endpoint http://127.0.0.1:9900 policy.yml",
];

#[test]
fn every_page_begins_with_the_same_two_commands() {
    for page in ["README.md", "README.zh-CN.md", "docs/command.md"] {
        let text = std::fs::read_to_string(repository().join(page)).unwrap();
        for command in BEGINNING {
            assert!(text.contains(command), "{page}: {command}");
        }
        assert_eq!(text.matches("local-cloud -- serve").count(), 1, "{page}");
    }
    assert!(repository().join("policy.yml").is_file());
}

#[tokio::test]
async fn each_example_of_a_page_prints_what_the_page_shows() {
    let cloud = LocalCloud::start(Options::default()).await.unwrap();
    // What a person finds who runs `local-cloud serve`, as the pages say.
    cloud.seed_sample();
    let endpoint = cloud.endpoint();
    let (mut count, mut wrong) = (0, Vec::new());
    for page in PAGES {
        let mut corrected = std::fs::read_to_string(repository().join(page)).unwrap();
        for (command, shown) in examples(page) {
            let words: Vec<_> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(words[0], "flowkeeper", "{page}: {command}");
            // What is asked of the cloud is about the policy that fits it.
            let is_live = ["whoami", "plan", "apply"].contains(&&*words[1]) || words[2].starts_with("vpc-bp1local");
            let folder = if is_live { repository() } else { repository().join("shared/command/examples") };
            let endpoint = endpoint.clone();
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
            if printed.trim_end() != shown {
                corrected = corrected.replacen(
                    &format!("$ {command}\n{shown}"),
                    &format!("$ {command}\n{}", printed.trim_end()),
                    1,
                );
                wrong.push(format!("{page}: {command}\n{printed}"));
            }
            count += 1;
        }
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(page.replace('/', "-"));
        std::fs::write(path, corrected).unwrap();
    }
    assert_eq!(wrong, [""; 0], "corrected pages are in {}", env!("CARGO_TARGET_TMPDIR"));
    assert!(count >= 7, "{count} examples");
}
