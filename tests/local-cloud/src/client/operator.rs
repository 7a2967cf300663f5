//! A caller with every right in an account and region, as a person or another program would be.

use serde_json::Value;

use crate::{
    api::operations,
    client::signed::{ApiError, Client},
};

/// A caller with every right in an account and region, using the signed API.
#[derive(Debug, Clone)]
pub struct Operator {
    client: Client,
    region: String,
}

impl Operator {
    pub(crate) fn new(client: Client, region: &str) -> Self {
        Self { client, region: region.to_owned() }
    }

    /// Returns the client that signs the calls.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Calls an operation of VPC, ECS or STS. `RegionId` is added if it is not given.
    pub async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Value, ApiError> {
        let mut all = vec![("RegionId", self.region.as_str())];
        all.extend_from_slice(parameters);
        self.client.call(action, &all).await
    }

    /// Calls an operation of Express Connect Router. VPC has operations of the same names.
    pub async fn call_router(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Value, ApiError> {
        self.client.clone().with_version(operations::ECR.version).call(action, parameters).await
    }

    /// Creates a VPC and returns its id. The other methods return ids too.
    pub async fn create_vpc(&self, tags: &[(&str, &str)]) -> Result<String, ApiError> {
        let tags: Vec<(String, &str)> = (1..)
            .zip(tags)
            .flat_map(|(n, (key, value))| [(format!("Tag.{n}.Key"), *key), (format!("Tag.{n}.Value"), *value)])
            .collect();
        let mut parameters = vec![("CidrBlock", "10.0.0.0/8")];
        parameters.extend(tags.iter().map(|(name, value)| (name.as_str(), *value)));
        Ok(id_in(&self.call("CreateVpc", &parameters).await?, "VpcId"))
    }

    /// Creates a vSwitch.
    pub async fn create_vswitch(&self, vpc_id: &str) -> Result<String, ApiError> {
        let zone = format!("{}-h", self.region);
        let parameters = [("VpcId", vpc_id), ("ZoneId", &zone), ("CidrBlock", "10.0.0.0/24")];
        Ok(id_in(&self.call("CreateVSwitch", &parameters).await?, "VSwitchId"))
    }

    /// Creates a network interface.
    pub async fn create_network_interface(&self, vswitch_id: &str) -> Result<String, ApiError> {
        let parameters = [("VSwitchId", vswitch_id), ("SecurityGroupId", "sg-bp1local0000000000000")];
        Ok(id_in(&self.call("CreateNetworkInterface", &parameters).await?, "NetworkInterfaceId"))
    }

    /// Creates a flow log, with the required parameters and `more`.
    pub async fn create_flow_log(
        &self,
        resource_type: &str,
        resource_id: &str,
        more: &[(&str, &str)],
    ) -> Result<String, ApiError> {
        let mut parameters = vec![
            ("ResourceType", resource_type),
            ("ResourceId", resource_id),
            ("TrafficType", "All"),
            ("ProjectName", "example-project"),
            ("LogStoreName", "example-logstore"),
        ];
        parameters.extend_from_slice(more);
        Ok(id_in(&self.call("CreateFlowLog", &parameters).await?, "FlowLogId"))
    }

    /// Creates an Express Connect Router and attaches these virtual border routers, which are in this region.
    pub async fn create_router(&self, instance_ids: &[&str]) -> Result<String, ApiError> {
        let router =
            id_in(&self.call_router("CreateExpressConnectRouter", &[("AlibabaSideAsn", "45104")]).await?, "EcrId");
        for instance_id in instance_ids {
            let parameters = [
                ("EcrId", router.as_str()),
                ("ChildInstanceId", instance_id),
                ("ChildInstanceType", "VBR"),
                ("ChildInstanceRegionId", &self.region),
            ];
            self.call_router("AttachExpressConnectRouterChildInstance", &parameters).await?;
        }
        Ok(router)
    }

    /// Creates a flow log of a virtual border router attached to a router, with the required parameters and `more`.
    pub async fn create_router_flow_log(
        &self,
        router_id: &str,
        instance_id: &str,
        more: &[(&str, &str)],
    ) -> Result<String, ApiError> {
        let mut parameters = vec![
            ("EcrId", router_id),
            ("InstanceType", "VBR"),
            ("InstanceId", instance_id),
            ("ProjectName", "example-project"),
            ("LogStoreName", "example-logstore"),
        ];
        parameters.extend_from_slice(more);
        Ok(id_in(&self.call_router("CreateFlowLog", &parameters).await?, "FlowLogId"))
    }
}

fn id_in(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_default().to_owned()
}
