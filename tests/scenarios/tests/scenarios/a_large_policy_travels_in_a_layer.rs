//! A policy that is too large for the variables of a function travels in a layer, which the functions obey to its last line.

use std::{fmt::Write as _, path::Path};

use local_cloud::{Layer, LocalCloud, OWN_ACCOUNT, Options, template::Template, template::default_path};
use scenarios::{DEACTIVATE, REMEDIATE, TIMER, parameters, whole_cloud};

/// The template's limit for a policy, in bytes.
const MAX_PARAMETER: usize = 4_000;
/// The parameter of the template that names the layer.
const LAYER: &str = "PolicyLayerObject";

/// A policy with an override for each of many teams. The last one pauses its flow logs.
fn policy() -> String {
    let mut policy = "flow_log:\n  project: flowlog-{account}-{region}\n  log_store: vpc\noverrides:\n".to_owned();
    for team in 1..=80 {
        let minutes = [1, 5, 10][team % 3];
        _ = writeln!(policy, "- match: {{tags: {{team: 团队-{team}}}}}\n  aggregation_interval: {minutes}");
    }
    policy.push_str("- match: {tags: {team: last}}\n  traffic_type: Drop\n  schedule: never\n");
    assert!(policy.len() > MAX_PARAMETER, "{} bytes", policy.len());
    policy
}

/// Packages a policy as a person would, and returns the ZIP file.
fn packed(folder: &Path, policy: &str) -> Vec<u8> {
    let (file, out) = (folder.join("our-policy.yml"), folder.join("layer.zip"));
    std::fs::write(&file, policy).unwrap();
    packaging::package_policy(&file, &out).unwrap();
    std::fs::read(&out).unwrap()
}

/// A cloud with the layer, and the parameter that `deploy` sets.
async fn cloud(layer: Vec<u8>) -> LocalCloud {
    let parameters = [(LAYER.to_owned(), "flowkeeper/1/policy-1.zip".to_owned())].into();
    whole_cloud(Options { layer: Some(Layer::Zip(layer)), parameters, ..Options::default() }).await.unwrap()
}

#[tokio::test]
async fn the_functions_obey_a_policy_that_no_variable_could_hold() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = cloud(packed(folder.path(), &policy())).await;
    let flow_log_of = |vpc: &str| cloud.flow_log_of(vpc);

    let vpc = cloud.create_vpc(&[("team", "团队-80")]).await.unwrap();
    let last = cloud.create_vpc(&[("team", "last")]).await.unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(flow_log_of(&vpc).unwrap().aggregation_interval, 10, "80 modulo 3 is 2");
    assert!(flow_log_of(&last).is_none(), "its schedule is never");

    // The functions with timers have the layer, too.
    let theirs = [
        ("Tag.1.Key", "managed-by"),
        ("Tag.1.Value", "flowkeeper"),
        ("TrafficType", "Drop"),
        ("ProjectName", "flowlog-1000000000000001-cn-hangzhou"),
        ("LogStoreName", "vpc"),
    ];
    cloud.create_flow_log("VPC", &last, &theirs).await.unwrap();
    cloud.settled().await.unwrap();
    assert!(cloud.invoke(DEACTIVATE, TIMER).await.unwrap().success);
    assert_eq!(flow_log_of(&last).unwrap().status, "Inactive");
    cloud.edit_flow_log(&flow_log_of(&vpc).unwrap().id, |it| it.aggregation_interval = 1);
    assert!(cloud.invoke(REMEDIATE, TIMER).await.unwrap().success);
    assert_eq!(flow_log_of(&vpc).unwrap().aggregation_interval, 10);
}

#[tokio::test]
async fn the_templates_parameter_for_a_policy_refuses_it() {
    let mut given = parameters();
    given.insert("Policy".to_owned(), policy());
    let error = Template::read(&default_path(), &given, OWN_ACCOUNT, "cn-hangzhou").unwrap_err();
    assert!(error.to_string().contains("Policy"), "{error}");
}
