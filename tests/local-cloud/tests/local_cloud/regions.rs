//! Regions: which there are, and what those answer that do not work.

use local_cloud::{Fault, LocalCloud, OWN_ACCOUNT, Options, SECOND_ACCOUNT};
use serde_json::{Value, json};

use crate::support::{cloud, code};

/// Returns the ids of the regions that an account is told of.
async fn described(cloud: &LocalCloud, account: &str) -> Vec<String> {
    let answer = cloud.operator(account, "cn-hangzhou").client().call("DescribeRegions", &[]).await.unwrap();
    let regions = answer["Regions"]["Region"].as_array().unwrap();
    regions.iter().map(|region| region["RegionId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_regions_are_those_of_the_options_and_that_of_the_functions() {
    let regions = ["cn-shanghai", "cn-guangzhou"].map(str::to_owned).into();
    let cloud = LocalCloud::start(Options { regions, ..Options::default() }).await.unwrap();
    assert_eq!(described(&cloud, SECOND_ACCOUNT).await, ["cn-shanghai", "cn-guangzhou", "cn-hangzhou"]);
    let answer = cloud.client().call("DescribeRegions", &[]).await.unwrap();
    let region = |id: &str, name: &str| json!({"RegionId": id, "LocalName": name, "RegionEndpoint": format!("vpc.{id}.aliyuncs.com")});
    let expected = [region("cn-shanghai", "China (Shanghai)"), region("cn-guangzhou", "cn-guangzhou")];
    assert_eq!(answer["Regions"]["Region"].as_array().unwrap()[..2], expected);
    cloud.operator(OWN_ACCOUNT, "cn-guangzhou").create_vpc(&[]).await.unwrap();
    assert_eq!(code(cloud.operator(OWN_ACCOUNT, "cn-beijing").create_vpc(&[]).await), "InvalidRegionId.NotFound");
    cloud.fail_in("cn-guangzhou", "DescribeVpcs", Fault::Throttled, 1);
}

#[tokio::test]
#[should_panic(expected = "there is no region \"cn-beijing\"; the regions are cn-shanghai, cn-hangzhou")]
async fn no_fault_can_be_set_in_a_region_that_is_not_there() {
    let regions = vec!["cn-shanghai".to_owned()];
    LocalCloud::start(Options { regions, ..Options::default() }).await.unwrap().region_down("cn-beijing");
}

#[tokio::test]
async fn a_region_that_an_account_may_not_use_is_named_and_refuses_its_calls_alone() {
    let cloud = cloud().await;
    cloud.without_region(SECOND_ACCOUNT, "cn-beijing");
    assert!(described(&cloud, SECOND_ACCOUNT).await.contains(&"cn-beijing".to_owned()));
    let there = cloud.operator(SECOND_ACCOUNT, "cn-beijing");
    for action in ["DescribeVpcs", "DescribeFlowLogs", "DescribeNetworkInterfaces"] {
        assert_eq!(code(there.call(action, &[]).await), "InvalidRegionId.NotFound", "{action}");
    }
    there.call("DescribeRegions", &[]).await.unwrap();
    there.call("GetCallerIdentity", &[]).await.unwrap();
    for (account, region) in [(OWN_ACCOUNT, "cn-beijing"), (SECOND_ACCOUNT, "cn-shanghai")] {
        cloud.operator(account, region).call("DescribeVpcs", &[]).await.unwrap();
    }
    cloud.with_region(SECOND_ACCOUNT, "cn-beijing");
    there.call("DescribeVpcs", &[]).await.unwrap();
}

#[tokio::test]
async fn a_region_may_be_down_or_out_of_reach_while_others_work() {
    let cloud = cloud().await;
    cloud.region_down("cn-beijing");
    cloud.region_unreachable("cn-shanghai");
    let read = async |region: &str| cloud.operator(OWN_ACCOUNT, region).call("DescribeVpcs", &[]).await;
    assert_eq!(code(read("cn-beijing").await), "ServiceUnavailable");
    let unreachable = read("cn-shanghai").await.unwrap_err();
    assert_eq!(unreachable.code(), None, "{unreachable}");
    assert_eq!(read("cn-hangzhou").await.unwrap()["TotalCount"], Value::from(0));
    cloud.heal();
    for region in ["cn-beijing", "cn-shanghai"] {
        read(region).await.unwrap();
    }
}
