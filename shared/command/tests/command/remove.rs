//! `remove` against a local cloud.

use insta::assert_snapshot;

use crate::world::World;

const YES: [&str; 4] = ["remove", "--yes", "--account", "1000000000000001"];

/// Two flow logs of Flowkeeper's own, in two regions, and one of others with a name like theirs.
async fn three() -> (World, String) {
    let world = World::new().await;
    world.kept_vpc(&[], &[]).await;
    let foreign = world.cloud.create_vpc(&[]).await.unwrap();
    world.flow_log(&foreign, &[]).await;
    let there = world.cloud.operator("1000000000000001", "cn-shanghai");
    let vpc = there.create_vpc(&[]).await.unwrap();
    let own = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];
    there.create_flow_log("VPC", &vpc, &own).await.unwrap();
    world.cloud.finish_transitions();
    (world, foreign)
}

#[tokio::test]
async fn it_deletes_what_flowkeeper_made_and_nothing_else() {
    let (world, foreign) = three().await;
    let before = world.cloud.calls().len();
    let ran = world.run(&YES).await;
    assert_eq!(world.writes_after(before), ["DeleteFlowLog", "DeleteFlowLog"], "{}", ran.whole());
    world.cloud.finish_transitions();
    let left: Vec<_> = world.cloud.flow_logs().into_iter().map(|flow_log| flow_log.resource_id).collect();
    assert_eq!(left, [foreign], "others made it, although its name is like Flowkeeper's");
    assert!(ran.stdout.ends_with("Applied: 2 made, 0 failed, 0 stale, 0 not made.\n"), "{}", ran.whole());
    assert!(ran.stderr.contains("functions that are deployed create them again"), "{}", ran.whole());
    let again = world.run(&YES).await;
    assert!(again.code == 0 && again.stderr.contains("Flowkeeper has no flow log there"), "{}", again.whole());
}

#[tokio::test]
async fn it_deletes_the_flow_logs_of_routers_too() {
    let world = World::new().await;
    let operator = world.cloud.operator("1000000000000001", "cn-hangzhou");
    let router = operator.create_router(&["vbr-1", "vbr-2"]).await.unwrap();
    let own = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];
    operator.create_router_flow_log(&router, "vbr-1", &own).await.unwrap();
    operator.create_router_flow_log(&router, "vbr-2", &[]).await.unwrap();
    world.cloud.finish_transitions();
    let before = world.cloud.calls().len();
    let ran = world.run(&YES).await;
    assert_eq!(world.writes_after(before), ["DeleteFlowlog"], "{}", ran.whole());
    assert!(ran.stdout.contains("DeleteFlowlog vbr-1 "), "{}", ran.whole());
    assert!(ran.stdout.ends_with("Applied: 1 made, 0 failed, 0 stale, 0 not made.\n"), "{}", ran.whole());
}

#[tokio::test]
async fn it_deletes_in_the_chosen_regions_alone() {
    let (world, _) = three().await;
    world.run(&[&YES[..], &["--region", "cn-shanghai"]].concat()).await.good();
    world.cloud.finish_transitions();
    assert_eq!(world.cloud.flow_logs().len(), 2);
}

#[tokio::test]
async fn without_a_terminal_it_shows_the_list_and_refuses() {
    let (world, _) = three().await;
    let before = world.cloud.calls().len();
    let ran = world.run(&["remove", "--policy", "policy.yml"]).await;
    assert_snapshot!("refused", world.stable(&ran));
    assert_eq!((ran.code, world.writes_after(before)), (64, vec![]));
}
