//! The calls of Elastic Compute Service, version 2014-05-26.

use flow_log::{Resource, ResourceId, ResourceType};

use crate::{CallError, Product, Session, answer::Object, client::Request};

/// Which network interfaces are asked for.
#[derive(Debug, Clone, Copy)]
pub enum NetworkInterfaceFilter<'a> {
    /// Those with these ids: at most 100.
    Ids(&'a [ResourceId]),
    /// Those of one instance.
    Instance(&'a str),
}

impl Session<'_> {
    /// `DescribeNetworkInterfaces`: the network interfaces that match, each with its vSwitch and its VPC.
    ///
    /// # Errors
    /// The call failed, or its answer cannot be read.
    pub async fn describe_network_interfaces(
        &self,
        filter: NetworkInterfaceFilter<'_>,
    ) -> Result<Vec<Resource>, CallError> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let request = Request::read(Product::Ecs, "DescribeNetworkInterfaces").with("MaxResults", "500");
            let request = match filter {
                NetworkInterfaceFilter::Ids(ids) => request
                    .of(ids.iter().map(ResourceId::as_str).collect::<Vec<_>>().join(","))
                    .with_list("NetworkInterfaceId", ids.iter().map(ResourceId::as_str)),
                NetworkInterfaceFilter::Instance(id) => request.of(id).with("InstanceId", id),
            };
            let (page, next) = self
                .call_and_read(request.with_some("NextToken", token), |answer| {
                    let page = answer.list("NetworkInterfaceSets", "NetworkInterfaceSet");
                    let page = page.map(|found| self.network_interface(&found)).collect::<Result<Vec<_>, _>>()?;
                    Ok((page, answer.text("NextToken")))
                })
                .await?;
            found.extend(page);
            match next {
                Some(next) => token = Some(next),
                None => return Ok(found),
            }
        }
    }

    fn network_interface(&self, found: &Object<'_>) -> Result<Resource, String> {
        let parent = |resource_type, key| {
            ResourceId::of(resource_type, &found.required(key)?).map_err(|error| error.to_string())
        };
        let parents = vec![parent(ResourceType::VSwitch, "VSwitchId")?, parent(ResourceType::Vpc, "VpcId")?];
        self.resource(ResourceType::NetworkInterface, found, parents)
    }
}
