//! Which accounts a sweep covers, and whether an account may be acted in.
//!
//! Only the resource directory knows its members, so each invocation asks it anew. An account that it does not have any
//! more, or whose membership cannot be read, is left alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use flow_log::{
    AccountId, DirectoryMember, RegionId, Verdict,
    policy::{AccountScope, MemberScope, ResourceDirectory},
};
use futures_util::{
    FutureExt as _, TryStreamExt as _,
    future::{BoxFuture, Shared},
};
use openapi::{CallError, Entry, ErrorKind};

use crate::{Item, Job, Listing, Outcome, location, report::ReportBuilder, sessions::Sessions};

/// The accounts that a sweep covers.
#[derive(Debug, Default)]
pub struct Accounts {
    /// The function's own first, then those that the policy names, then members of the resource directory by their ids.
    pub covered: Vec<AccountId>,
    /// Results about members that are left out, and about what could not be read.
    pub results: ReportBuilder,
}

/// Returns the accounts that a sweep covers. Members are listed by the resource directory.
///
/// If the directory cannot be read, its members are unknown. The others are still covered.
pub(crate) async fn covered(sessions: &Sessions<'_>, listing: Listing) -> Accounts {
    let (policy, own) = (sessions.policy, sessions.job.account.as_ref());
    let mut accounts = Accounts::default();
    accounts.covered.extend(own.filter(|_| policy.own_account).cloned());
    accounts.covered.extend(policy.accounts.iter().map(|member| &member.id).filter(|id| Some(*id) != own).cloned());
    if policy.resource_directory.is_none() {
        return accounts;
    }
    let mut results = ReportBuilder::listing(listing);
    match members(sessions, &mut results).await {
        Ok(members) => {
            accounts.covered.extend(members);
            accounts.results = results;
        }
        Err(error) => {
            let reason = "the directory could not be read: accounts unknown";
            accounts.results = unknown(Item::new(Outcome::Failed, reason).with_error(&error)).into();
        }
    }
    accounts
}

/// Reads the members that are in scope, ordered by their ids. The order of the listing is not documented.
async fn members(sessions: &Sessions<'_>, results: &mut ReportBuilder) -> Result<BTreeSet<AccountId>, CallError> {
    let Job { account, region, .. } = sessions.job;
    let mut members = BTreeSet::new();
    // A sweep begins only if they are known.
    let (Some(own), Some(region)) = (account, location::any_region(sessions.policy, region.as_ref())) else {
        return Ok(members);
    };
    let session = sessions.own(own, region);
    let mut entries = session.directory_members();
    while let Some(entry) = entries.try_next().await? {
        let member = match entry {
            Entry::Read(member) => member,
            Entry::Unreadable(unreadable) => {
                let id = unreadable.id.as_deref().unwrap_or("one without a readable id");
                let reason =
                    format!("one of the accounts of the directory could not be read, {id}: {}", unreadable.reason);
                results.push(unknown(Item { account: unreadable.id, ..Item::new(Outcome::Failed, reason) }));
                continue;
            }
        };
        match sessions.policy.account_scope(Some(own), &member.id) {
            // It is covered anyway.
            AccountScope::Own | AccountScope::Named(_) => {}
            AccountScope::Out(reason) => results.skip(Item::of_account(&member.id, Outcome::Skipped, reason)),
            AccountScope::InDirectory(directory) => match objection(directory, &member) {
                None => drop(members.insert(member.id)),
                Some(item) => results.skip(item),
            },
        }
    }
    Ok(members)
}

/// Returns the result for a member that is not acted in, if it is not.
fn objection(directory: &ResourceDirectory, member: &DirectoryMember) -> Option<Item> {
    match directory.member_scope(member) {
        MemberScope::In => None,
        MemberScope::Out(reason) => Some(Item::of_account(&member.id, Outcome::Skipped, reason)),
        MemberScope::Unknown(reason) => Some(unknown(Item::of_account(&member.id, Outcome::Failed, reason))),
    }
}

fn unknown(item: Item) -> Item {
    Item { verdict: Some(Verdict::Unknown), ..item }.finding()
}

/// Whether an account may be acted in.
#[derive(Debug, Clone)]
pub(crate) enum Access {
    Granted,
    /// Not, with the result for the account.
    Refused(Box<Item>),
}

/// A question to the directory that several targets may wait for.
type Asked<'a> = Shared<BoxFuture<'a, Access>>;

/// Decides in which accounts one invocation may act. The directory is asked once for each account.
pub(crate) struct Gate<'a> {
    sessions: Sessions<'a>,
    asked: Mutex<BTreeMap<AccountId, Asked<'a>>>,
}

impl<'a> Gate<'a> {
    pub(crate) const fn new(sessions: Sessions<'a>) -> Self {
        Self { sessions, asked: Mutex::new(BTreeMap::new()) }
    }

    /// Returns whether `account` may be acted in. Calls that are about no region are made in `region`.
    pub(crate) async fn ask(&self, account: &AccountId, region: &RegionId) -> Access {
        let Sessions { policy, job, .. } = self.sessions;
        let directory = match policy.account_scope(job.account.as_ref(), account) {
            AccountScope::Own | AccountScope::Named(_) => return Access::Granted,
            AccountScope::Out(reason) => {
                return Access::Refused(Box::new(Item::of_account(account, Outcome::Skipped, reason)));
            }
            AccountScope::InDirectory(directory) => directory,
        };
        let asked = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let ask = || ask_directory(self.sessions, directory, account.clone(), region.clone()).boxed().shared();
            asked.entry(account.clone()).or_insert_with(ask).clone()
        };
        asked.await
    }
}

/// Asks the directory whether it has the account, and tries the role in it.
async fn ask_directory(
    sessions: Sessions<'_>,
    directory: &ResourceDirectory,
    account: AccountId,
    region: RegionId,
) -> Access {
    let refused = |item| Access::Refused(Box::new(item));
    match sessions.own(&account, &region).directory_member(&account).await {
        Ok(Some(member)) => {
            if let Some(item) = objection(directory, &member) {
                return refused(item);
            }
        }
        Ok(None) => {
            let reason = format!("the account {account} is out of scope: it is not in the resource directory any more");
            return refused(Item::of_account(&account, Outcome::Skipped, reason));
        }
        Err(error) => {
            let reason = format!("whether the account {account} is in the resource directory could not be read");
            return refused(unknown(Item::of_account(&account, Outcome::Failed, reason).with_error(&error)));
        }
    }
    // Before anything else, so that a missing role is one result and one call, not one for each region.
    let role = directory.role_in(&account);
    match sessions.in_account(&account, &region).obtain_credentials().await {
        Ok(()) => Access::Granted,
        Err(error) if error.kind() == ErrorKind::NotRolledOut => {
            let reason = format!("not rolled out: {role} is not there, or does not trust the caller");
            refused(Item::of_account(&account, Outcome::Skipped, reason).with_error(&error).finding())
        }
        Err(error) => {
            let reason = format!("{role} could not be assumed");
            refused(unknown(Item::of_account(&account, Outcome::Failed, reason).with_error(&error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Api, Reply};

    const DIRECTORY: &str = "accounts: [{id: \"2\", role: \"acs:ram::2:role/a\"}]\n\
                             resource_directory: {role: flowkeeper, exclude: {folders: [fd-b]}}";
    const ASSUMED: &str = r#"{"Credentials":{"AccessKeyId":"STS.1","AccessKeySecret":"s","SecurityToken":"t",
                            "Expiration":"2026-11-20T12:00:00Z"}}"#;

    fn answer(body: impl Into<String>) -> Reply {
        Reply::Answer(200, String::leak(body.into()))
    }

    fn refusal(code: &str) -> Reply {
        Reply::Answer(403, String::leak(format!(r#"{{"RequestId":"R-1","Code":"{code}","Message":"Because."}}"#)))
    }

    fn member(id: &str, folder: &str, more: &str) -> String {
        format!(r#"{{"AccountId":"{id}","ResourceDirectoryPath":"rd-x/r-y/{folder}/{id}"{more}}}"#)
    }

    fn page(members: &[String]) -> Reply {
        let count = members.len();
        let members = members.join(",");
        answer(format!(r#"{{"Accounts":{{"Account":[{members}]}},"TotalCount":{count},"RequestId":"R-1"}}"#))
    }

    fn account(member: &str) -> Reply {
        answer(format!(r#"{{"Account":{member},"RequestId":"R-1"}}"#))
    }

    /// Returns account, outcome and reason of each result.
    fn found_in(results: &ReportBuilder) -> Vec<(&str, Outcome, &str)> {
        let mut found = Vec::new();
        for item in &results.items {
            found.push((item.account.as_deref().unwrap_or_default(), item.outcome, item.reason.as_str()));
        }
        found
    }

    /// Lists the accounts of a sweep by the policy above. Returns the ids, the results and the calls.
    async fn list(replies: Vec<Reply>) -> (Vec<String>, ReportBuilder, Vec<String>) {
        let api = Api::start(replies);
        let (client, policy, job) = (api.client(), testing::policy(DIRECTORY), testing::job());
        let session_policy = "{}".into();
        let sessions = Sessions { client: &client, policy: &policy, session_policy: &session_policy, job: &job };
        let Accounts { covered, results } = covered(&sessions, Listing::Brief).await;
        (covered.iter().map(ToString::to_string).collect(), results, api.calls())
    }

    #[tokio::test]
    async fn a_sweep_covers_the_own_account_the_named_ones_and_the_members_in_scope_by_their_ids() {
        let members = [
            member("9", "fd-a", ""),
            member("1", "fd-a", ""),
            member("2", "fd-b", ""),
            member("3", "fd-b", ""),
            member("5", "fd-a", r#","DeletionStatus":"Checking""#),
            member("4", "fd-a", r#","DeletionStatus":"CheckFailed""#),
        ];
        let (covered, results, calls) = list(vec![page(&members)]).await;
        assert_eq!(covered, ["1", "2", "4", "9"]);
        assert_eq!(calls, ["ListAccounts"]);
        let found = found_in(&results);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|(_, outcome, _)| *outcome == Outcome::Skipped), "{found:?}");
        assert!(found[0].0 == "3" && found[0].2.contains("fd-b"), "{found:?}");
        assert!(found[1].0 == "5" && found[1].2.contains("being deleted"), "{found:?}");
    }

    #[tokio::test]
    async fn if_the_directory_cannot_be_read_its_accounts_are_unknown_and_the_named_ones_are_covered() {
        let (covered, results, _) = list(vec![refusal("NoPermission")]).await;
        assert_eq!(covered, ["1", "2"]);
        let [item] = results.items.as_slice() else { panic!("{results:#?}") };
        assert_eq!((item.outcome, item.verdict), (Outcome::Failed, Some(Verdict::Unknown)));
        assert_eq!(item.reason, "the directory could not be read: accounts unknown");
        let error = item.error.as_ref().unwrap();
        assert_eq!(error.code, "NoPermission");
        assert!(error.advice.contains("delegated administrator"), "{}", error.advice);
    }

    #[tokio::test]
    async fn an_account_that_cannot_be_read_or_judged_is_a_failure_of_its_own() {
        let no_path = r#"{"AccountId":"7"}"#.to_owned();
        let cut_path = r#"{"AccountId":"8","ResourceDirectoryPath":"fd-a/8"}"#.to_owned();
        let (covered, results, _) = list(vec![page(&[no_path, cut_path, member("9", "fd-a", "")])]).await;
        assert_eq!(covered, ["1", "2", "9"]);
        let found = found_in(&results);
        assert_eq!(
            [(found[0].0, found[0].1), (found[1].0, found[1].1)],
            [("7", Outcome::Failed), ("8", Outcome::Failed)]
        );
        assert!(found[0].2.starts_with("one of the accounts of the directory could not be read, 7: "), "{found:?}");
    }

    #[tokio::test]
    async fn many_members_that_are_left_out_are_counted_and_not_all_listed() {
        let members: Vec<_> = (100..400).map(|nth| member(&nth.to_string(), "fd-b", "")).collect();
        let (_, results, _) = list(vec![page(&members)]).await;
        let report = crate::Report::new("a-function", String::new(), String::new(), false, results);
        assert_eq!((report.results.len(), report.summary.skipped, report.summary.unlisted), (200, 300, 100));
        assert_eq!((report.summary.checked, report.incomplete()), (0, None));
    }

    /// Asks for an account three times, by the policy above. Returns the result, if it may not be acted in, and the
    /// calls.
    async fn ask(account: &str, replies: Vec<Reply>) -> (Option<Item>, Vec<String>) {
        let api = Api::start(replies);
        let (client, policy, job) = (api.client(), testing::policy(DIRECTORY), testing::job());
        let session_policy = "{}".into();
        let gate = Gate::new(Sessions { client: &client, policy: &policy, session_policy: &session_policy, job: &job });
        let (account, region) = (account.parse().unwrap(), "cn-hangzhou".parse().unwrap());
        let asks = [gate.ask(&account, &region), gate.ask(&account, &region), gate.ask(&account, &region)];
        let mut found = futures_util::future::join_all(asks).await.into_iter().map(|access| match access {
            Access::Granted => None,
            Access::Refused(item) => Some(*item),
        });
        let first = found.next().unwrap();
        assert!(found.all(|other| other == first));
        (first, api.calls())
    }

    #[tokio::test]
    async fn the_directory_is_asked_once_for_an_account_and_never_for_those_that_the_policy_names() {
        for named in ["1", "2"] {
            assert_eq!(ask(named, vec![]).await, (None, vec![]));
        }
        let (refused, calls) = ask("3", vec![account(&member("3", "fd-a", "")), answer(ASSUMED)]).await;
        assert_eq!(refused, None);
        assert_eq!(calls, ["GetAccount", "AssumeRole"]);
    }

    #[tokio::test]
    async fn an_account_that_left_the_directory_or_is_out_of_scope_is_skipped() {
        for (reply, expected) in [
            (refusal("EntityNotExists.Account"), "it is not in the resource directory any more"),
            (account(&member("3", "fd-b", "")), "fd-b"),
            (account(&member("3", "fd-a", r#","DeletionStatus":"Deleting""#)), "being deleted"),
        ] {
            let (item, calls) = ask("3", vec![reply]).await;
            let item = item.unwrap();
            assert_eq!((item.outcome, item.account.as_deref()), (Outcome::Skipped, Some("3")));
            assert!(item.reason.contains(expected) && !item.is_finding && !item.is_open(), "{}", item.reason);
            assert_eq!(calls, ["GetAccount"]);
        }
    }

    #[tokio::test]
    async fn an_account_whose_membership_cannot_be_read_is_unknown() {
        let (item, calls) = ask("3", vec![refusal("Forbidden.RAM")]).await;
        let item = item.unwrap();
        assert_eq!((item.outcome, item.verdict), (Outcome::Failed, Some(Verdict::Unknown)));
        assert_eq!(item.reason, "whether the account 3 is in the resource directory could not be read");
        assert_eq!(calls, ["GetAccount"]);
    }

    #[tokio::test]
    async fn a_member_without_the_role_is_a_finding_with_the_code_and_no_failure() {
        for code in ["EntityNotExist.Role", "NoPermission"] {
            let (item, calls) = ask("3", vec![account(&member("3", "fd-a", "")), refusal(code)]).await;
            let item = item.unwrap();
            assert_eq!(item.error.as_ref().map(|error| error.code.as_str()), Some(code));
            assert_eq!(item.outcome, Outcome::Skipped);
            assert!(item.is_finding && !item.is_open(), "{item:#?}");
            let role = "acs:ram::3:role/flowkeeper";
            assert_eq!(item.reason, format!("not rolled out: {role} is not there, or does not trust the caller"));
            assert_eq!(calls, ["GetAccount", "AssumeRole"]);
        }
    }

    #[tokio::test]
    async fn an_account_whose_role_cannot_be_assumed_for_another_reason_fails() {
        let replies = vec![account(&member("3", "fd-a", "")), refusal("InvalidAccessKeyId.Inactive")];
        let item = ask("3", replies).await.0.unwrap();
        assert_eq!((item.outcome, item.is_open()), (Outcome::Failed, true));
        assert_eq!(item.reason, "acs:ram::3:role/flowkeeper could not be assumed");
    }
}
