//! Reads of resources and of their flow logs.

use flow_log::{FlowLog, Resource, ResourceId, ResourceType, names::Tags, one_by_one};
use futures_util::{TryStreamExt as _, future::try_join_all};
use openapi::{
    CallError, ErrorKind, FlowLogFilter, Listing, NetworkInterfaceFilter, Session, VSwitchFilter, VpcFilter,
};

/// Why the flow logs of a resource are not known.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The call failed.
    Call(CallError),
    /// A flow log could not be read, for this reason.
    Item(String),
}

/// Reads the resource with this id. The list is empty if the resource is not visible.
pub(crate) async fn resource(session: &Session<'_>, id: &ResourceId) -> Result<Listing<Resource>, CallError> {
    let ids = std::slice::from_ref(id);
    match id.resource_type() {
        ResourceType::Vpc => session.describe_vpcs(ids).await,
        ResourceType::VSwitch => session.describe_vswitches(ids).await,
        ResourceType::NetworkInterface => {
            session.describe_network_interfaces(&NetworkInterfaceFilter { ids, ..Default::default() }).await
        }
    }
}

/// Reads those resources with these ids that exist. All of them are of this type.
pub(crate) async fn resources(
    session: &Session<'_>,
    resource_type: ResourceType,
    ids: &[ResourceId],
) -> Result<Listing<Resource>, CallError> {
    /// The most that the API accepts.
    const MAX_INTERFACES: usize = 100;
    /// vSwitches are looked up one by one. For more than this, listing all of them is cheaper.
    const MAX_VSWITCHES: usize = 20;
    if ids.is_empty() {
        return Ok(Listing::default());
    }
    match resource_type {
        ResourceType::Vpc => session.describe_vpcs(ids).await,
        ResourceType::VSwitch if ids.len() <= MAX_VSWITCHES => session.describe_vswitches(ids).await,
        ResourceType::VSwitch => {
            let mut found = all_resources(session, resource_type).await?;
            found.items.retain(|vswitch| ids.contains(&vswitch.id));
            Ok(found)
        }
        ResourceType::NetworkInterface => {
            let mut found = Listing::default();
            for chunk in ids.chunks(MAX_INTERFACES) {
                let filter = NetworkInterfaceFilter { ids: chunk, ..NetworkInterfaceFilter::default() };
                found.append(session.describe_network_interfaces(&filter).await?);
            }
            Ok(found)
        }
    }
}

/// Reads all resources of this type.
pub(crate) async fn all_resources(
    session: &Session<'_>,
    resource_type: ResourceType,
) -> Result<Listing<Resource>, CallError> {
    match resource_type {
        ResourceType::Vpc => session.vpcs(&VpcFilter::default()).try_collect().await,
        ResourceType::VSwitch => session.vswitches(&VSwitchFilter::default()).try_collect().await,
        ResourceType::NetworkInterface => {
            session.network_interfaces(&NetworkInterfaceFilter::default()).try_collect().await
        }
    }
}

/// Reads the flow logs on the resource, its vSwitch and its VPC.
pub(crate) async fn flow_logs(session: &Session<'_>, resource: &Resource) -> Result<Vec<FlowLog>, Unread> {
    let ids = std::iter::once(&resource.id).chain(&resource.parents);
    let reads = ids.map(|id| async move {
        session.describe_flow_logs(&FlowLogFilter { resource: Some(id), ..FlowLogFilter::default() }).await
    });
    let mut observed = Vec::new();
    for listing in try_join_all(reads).await.map_err(Unread::Call)? {
        if let Some(unreadable) = listing.unreadable.into_iter().next() {
            return Err(Unread::Item(unreadable.reason));
        }
        observed.extend(listing.items);
    }
    Ok(observed)
}

/// Reads the flow logs on a resource that may be gone. If the API refuses to look that up, finds them among
/// Flowkeeper's own.
pub(crate) async fn flow_logs_on(session: &Session<'_>, id: &ResourceId) -> Result<Listing<FlowLog>, CallError> {
    let on_it = FlowLogFilter { resource: Some(id), ..FlowLogFilter::default() };
    match session.describe_flow_logs(&on_it).await {
        Err(error) if error.kind() == ErrorKind::NotVisible => {
            let mut found = own_flow_logs(session).await?;
            found.items.retain(|flow_log| flow_log.resource_id == id.as_str());
            Ok(found)
        }
        found => found,
    }
}

/// Reads the flow logs that carry Flowkeeper's tag.
pub(crate) async fn own_flow_logs(session: &Session<'_>) -> Result<Listing<FlowLog>, CallError> {
    let (key, value) = FlowLog::OWN_TAG;
    let tags: Tags = one_by_one::map(key.parse().into_iter().zip(value.parse()));
    session.describe_flow_logs(&FlowLogFilter { tags: Some(&tags), ..FlowLogFilter::default() }).await
}
