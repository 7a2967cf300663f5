//! Tags and resource groups.

use serde_json::Value;

use crate::support::{cloud, code, operator};

/// Returns `id key=value` for each tag in a list.
fn tags(list: &Value) -> Vec<String> {
    let text = |tag: &Value, name: &str| tag[name].as_str().unwrap().to_owned();
    let line = |tag: &Value| format!("{} {}={}", text(tag, "ResourceId"), text(tag, "TagKey"), text(tag, "TagValue"));
    list.as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn tags_are_listed_taken_off_and_come_by_token() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let two_tags = [("Tag.1.Key", "a"), ("Tag.1.Value", "1"), ("Tag.2.Key", "b")];
    let id = cloud.create_flow_log("VPC", &vpc, &two_tags).await.unwrap();
    let call = async |action: &str, more: &[(&str, &str)]| {
        cloud.call(action, &[&[("ResourceType", "FLOWLOG")], more].concat()).await
    };
    let on = ("ResourceId.1", id.as_str());
    let listed = async |more: &[(&str, &str)]| {
        tags(&call("ListTagResources", more).await.unwrap()["TagResources"]["TagResource"])
    };
    let (first, second) = (format!("{id} a=1"), format!("{id} b="));
    assert_eq!(listed(&[]).await, [first.as_str(), &second]);
    let one = call("ListTagResources", &[("MaxResults", "1"), on]).await.unwrap();
    assert_eq!(tags(&one["TagResources"]["TagResource"]), [first.as_str()]);
    assert_eq!(listed(&[("NextToken", one["NextToken"].as_str().unwrap())]).await, [second.as_str()]);
    assert_eq!(listed(&[("Tag.1.Key", "c")]).await, [] as [&str; 0]);

    call("UnTagResources", &[on, ("TagKey.1", "a"), ("All", "true")]).await.unwrap();
    assert_eq!(listed(&[on]).await, [second.as_str()]);
    assert_eq!(code(call("UnTagResources", &[on]).await), "MissingParameter");
    call("UnTagResources", &[on, ("All", "True")]).await.unwrap();
    assert_eq!(listed(&[on]).await, [] as [&str; 0]);
    for (more, expected) in [
        (vec![("MaxResults", "51")], "InvalidParameter"),
        (vec![("NextToken", "made up")], "InvalidParameter"),
        (vec![("RegionId", "cn-nowhere")], "InvalidRegionId.NotFound"),
    ] {
        assert_eq!(code(call("ListTagResources", &more).await), expected, "{more:?}");
    }
    let lost = [("ResourceId.1", "fl-nowhere"), ("Tag.1.Key", "a")];
    assert_eq!(code(call("TagResources", &lost).await), "InvalidResourceId.NotFound");
    assert_eq!(code(call("TagResources", &[on]).await), "MissingParameter");
}

#[tokio::test]
async fn routers_and_network_interfaces_have_tags_too() {
    let cloud = cloud().await;
    let operator = operator(&cloud);
    let router = operator.create_router(&[]).await.unwrap();
    let tag =
        [("ResourceType", "EXPRESSCONNECTROUTER"), ("ResourceId.1", &router), ("Tag.1.Key", "k"), ("Tag.1.Value", "v")];
    operator.call_router("TagResources", &tag).await.unwrap();
    let of_router = operator.call_router("ListTagResources", &tag[..2]).await.unwrap();
    assert_eq!(tags(&of_router["TagResources"]), [format!("{router} k=v")]);
    let untag = [tag[0], tag[1], ("TagKey.1", "k")];
    operator.call_router("UntagResources", &untag).await.unwrap();
    assert!(cloud.routers()[0].tags.is_empty());

    let vpc = operator.create_vpc(&[]).await.unwrap();
    let vswitch = operator.create_vswitch(&vpc).await.unwrap();
    let interface = operator.create_network_interface(&vswitch).await.unwrap();
    let ecs = operator.client().clone().with_version("2014-05-26");
    let tag_interface =
        [("RegionId", "cn-hangzhou"), ("ResourceType", "eni"), ("ResourceId.1", &interface), ("Tag.1.Key", "k")];
    ecs.call("TagResources", &tag_interface).await.unwrap();
    let of_interface = ecs.call("ListTagResources", &tag_interface[..2]).await.unwrap();
    assert_eq!(tags(&of_interface["TagResources"]["TagResource"]), [format!("{interface} k=")]);
}

#[tokio::test]
async fn a_flow_log_moves_to_another_resource_group() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let id = cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
    let to = |group| [("ResourceType", "FLOWLOG"), ("ResourceId", id.as_str()), ("NewResourceGroupId", group)];
    cloud.call("MoveResourceGroup", &to("rg-other")).await.unwrap();
    let listed = cloud.call("DescribeFlowLogs", &[("ResourceGroupId", "rg-other")]).await.unwrap();
    assert_eq!(listed["TotalCount"], "1");
    assert_eq!(code(cloud.call("MoveResourceGroup", &to("other")).await), "IllegalParam.ResourceGroupId");
}
