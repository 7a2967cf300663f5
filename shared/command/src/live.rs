//! Looks for a resource in the cloud, in many regions at once, and reads what is around it.

use std::collections::BTreeMap;

use flow_log::{
    AccountId, FlowLog, Policy, RegionId, Resource, ResourceId, ResourceType,
    policy::{AccountScope, Regions},
};
use futures_util::{StreamExt as _, stream};
use openapi::{CallError, Client, ErrorKind, FlowLogFilter, Listing, NetworkInterfaceFilter, Role, Session};

use crate::{failure::Failure, identity::Identity, resource_file::Listed};

/// How many regions are asked at once. Each has quotas of its own.
const MAX_AT_ONCE: usize = 32;

/// A resource as it is in the cloud.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) listed: Listed,
    /// The flow logs on it, on its vSwitch and on its VPC.
    pub(crate) flow_logs: Vec<FlowLog>,
    /// What could not be read about it.
    pub(crate) unread: Vec<String>,
}

/// Where to look.
pub(crate) struct Looking<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) policy: &'a Policy,
    /// The account; `None` for the caller's own.
    pub(crate) account: Option<&'a AccountId>,
    /// The regions; empty for those of the policy.
    pub(crate) regions: &'a [RegionId],
}

impl Looking<'_> {
    /// Looks in all regions, many at once, and reads the resource where it is.
    ///
    /// # Errors
    /// It is in none of them, or which regions there are is unknown.
    pub(crate) async fn find(&self, client: &Client, id: &ResourceId) -> Result<Live, Failure> {
        let regions = self.regions(client).await?;
        let sessions = regions.iter().map(|region| self.session(client, region)).collect::<Result<Vec<_>, _>>()?;
        let reads = sessions.iter().enumerate().map(|(nth, session)| async move { (nth, resource(session, id).await) });
        let mut answers = stream::iter(reads.collect::<Vec<_>>()).buffer_unordered(MAX_AT_ONCE);
        let mut problems = BTreeMap::new();
        while let Some((nth, answer)) = answers.next().await {
            let what = format!("{id} in {}", regions[nth]);
            match answer {
                Ok(found) => {
                    problems.extend(problem(&what, &found).map(|problem| (nth, problem)));
                    // An id is in one region, so that the others need not be waited for.
                    if let Some(resource) = found.items.into_iter().find(|found| found.id == *id) {
                        return Ok(around(&sessions[nth], resource).await);
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotVisible => {}
                Err(error) => _ = problems.insert(nth, failed(&what, &error)),
            }
        }
        let looked: Vec<_> = regions.iter().map(ToString::to_string).collect();
        let account = self.account();
        let mut messages = vec![format!("{id} was not found in the account {account}, in: {}", looked.join(", "))];
        messages.extend(problems.into_values());
        let remedy = Some("check the id; --region names other regions, --account another account".to_owned());
        Err(Failure { exit_code: crate::failure::FAILED, messages, remedy })
    }

    fn account(&self) -> &AccountId {
        self.account.unwrap_or(&self.identity.caller.account)
    }

    /// Opens a session in the account, in the role that the policy has for it.
    fn session<'c>(&self, client: &'c Client, region: &RegionId) -> Result<Session<'c>, Failure> {
        let own = &self.identity.caller.account;
        let session = client.session(self.identity.key.credentials.clone(), own.clone(), region.clone(), None);
        let account = self.account();
        if account == own {
            return Ok(session);
        }
        let (arn, external_id) = match self.policy.account_scope(Some(own), account) {
            AccountScope::Named(member) => (member.role.clone(), member.external_id.clone()),
            AccountScope::InDirectory(directory) => (directory.role_in(account), directory.external_id.clone()),
            AccountScope::Own => return Ok(session),
            AccountScope::Out(reason) => {
                return Err(Failure::usage(format!("--account: {reason}"), "name one that the policy is about"));
            }
        };
        Ok(session.in_role(Role { arn, external_id, session_policy: None }))
    }

    /// Returns the regions to look in. The caller's own comes first.
    async fn regions(&self, client: &Client) -> Result<Vec<RegionId>, Failure> {
        let mut regions = match (self.regions, &self.policy.regions) {
            ([], Regions::Named(regions)) => regions.clone(),
            ([], Regions::Own | Regions::All) => {
                let session = self.session(client, &self.identity.any_region())?;
                session.describe_regions().await?.items.into_iter().map(|region| region.id).collect()
            }
            (asked, _) => asked.to_vec(),
        };
        if self.regions.is_empty() {
            regions.sort_by_key(|region| !self.identity.regions.contains(region));
        }
        Ok(regions)
    }
}

/// Reads a resource by its id. The list is empty if it is not there.
async fn resource(session: &Session<'_>, id: &ResourceId) -> Result<Listing<Resource>, CallError> {
    let ids = std::slice::from_ref(id);
    match id.resource_type() {
        ResourceType::Vpc => session.describe_vpcs(ids).await,
        ResourceType::VSwitch => session.describe_vswitches(ids).await,
        ResourceType::NetworkInterface => {
            let by_id = NetworkInterfaceFilter { ids, ..NetworkInterfaceFilter::default() };
            session.describe_network_interfaces(&by_id).await
        }
    }
}

/// Reads the VPC of a resource, and the flow logs on it and on what contains it.
async fn around(session: &Session<'_>, found: Resource) -> Live {
    let (mut vpc, mut flow_logs, mut unread) = (None, Vec::new(), Vec::new());
    if let Some(id) = found.vpc().filter(|id| **id != found.id) {
        match resource(session, id).await {
            Ok(listing) => {
                unread.extend(problem(id.as_str(), &listing));
                vpc = listing.items.into_iter().next();
            }
            Err(error) => unread.push(failed(id.as_str(), &error)),
        }
    }
    for id in std::iter::once(&found.id).chain(&found.parents) {
        let on_it = FlowLogFilter { resource: Some(id), ..FlowLogFilter::default() };
        let what = format!("the flow logs of {id}");
        match session.describe_flow_logs(&on_it).await {
            Ok(listing) => {
                unread.extend(problem(&what, &listing));
                flow_logs.extend(listing.items);
            }
            Err(error) => unread.push(failed(&what, &error)),
        }
    }
    Live { listed: Listed { resource: found, vpc, status: None }, flow_logs, unread }
}

fn failed(what: &str, error: &CallError) -> String {
    format!("{what} could not be read: {error}: {}", error.cause)
}

fn problem<T>(what: &str, listing: &Listing<T>) -> Option<String> {
    listing.unreadable.first().map(|first| format!("{what} could not be read: {}", first.reason))
}
