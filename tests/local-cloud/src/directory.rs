//! Resource Directory: the folders of an organization, and the accounts in them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    api::parameters::Tags,
    ram::{
        accounts::{Accounts, OWN_ACCOUNT},
        policy::{ControlPolicy, Request},
    },
};

/// The id of the directory.
const DIRECTORY_ID: &str = "rd-local1";

/// The folders of an organization, and its members.
///
/// The management account is no member. All other accounts are members in the Root folder, unless they are placed in
/// another one or left out.
#[derive(Debug, Clone)]
pub struct Directory {
    management_account: String,
    administrators: BTreeSet<String>,
    folders: BTreeMap<String, Folder>,
    members: BTreeMap<String, Member>,
    outsiders: BTreeSet<String>,
    /// By the id of the folder or account that they are attached to.
    control_policies: BTreeMap<String, Vec<ControlPolicy>>,
}

/// A folder, which is in another one or, at the top, in the Root folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) name: String,
    parent: String,
}

/// A member of a directory. The fields are those of `ListAccounts`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the API's")]
pub struct Member {
    pub account_id: String,
    pub display_name: String,
    pub folder_id: String,
    pub tags: Tags,
    /// `CreateSuccess`, `InviteSuccess`, or one of the states of a promotion.
    pub status: String,
    /// Empty, or `Checking`, `Deleting`, `CheckFailed`, `DeleteFailed`.
    pub deletion_status: String,
    pub joined: Timestamp,
}

impl Member {
    fn new(account: &str, folder: &str) -> Self {
        Self {
            account_id: account.to_owned(),
            display_name: format!("account-{account}"),
            folder_id: folder.to_owned(),
            tags: Tags::new(),
            status: "CreateSuccess".into(),
            deletion_status: String::new(),
            joined: Timestamp::UNIX_EPOCH,
        }
    }
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            management_account: OWN_ACCOUNT.into(),
            administrators: BTreeSet::new(),
            folders: BTreeMap::new(),
            members: BTreeMap::new(),
            outsiders: BTreeSet::new(),
            control_policies: BTreeMap::new(),
        }
    }
}

impl Directory {
    /// The id of the Root folder.
    pub const ROOT: &str = "r-local1";

    /// Returns a directory that the functions' own account manages, without folders.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the management account.
    #[must_use]
    pub fn managed_by(mut self, account: &str) -> Self {
        self.members.remove(account);
        self.management_account = account.to_owned();
        self
    }

    /// Makes a member a delegated administrator, which may read the directory, too.
    #[must_use]
    pub fn administered_by(mut self, account: &str) -> Self {
        self.administrators.insert(account.to_owned());
        self
    }

    /// Adds a folder, given its id, its name and the id of the folder that it is in.
    ///
    /// # Panics
    /// Panics if there is no such parent, or the id does not begin with `fd-`.
    #[must_use]
    #[track_caller]
    pub fn with_folder(mut self, id: &str, name: &str, parent: &str) -> Self {
        assert!(id.starts_with("fd-") && self.has_folder(parent), "{id} cannot be a folder in {parent}");
        self.folders.insert(id.to_owned(), Folder { name: name.to_owned(), parent: parent.to_owned() });
        self
    }

    /// Places an account in a folder. It joins if it is not a member yet.
    ///
    /// # Panics
    /// Panics if there is no such folder.
    #[must_use]
    #[track_caller]
    pub fn with_member(mut self, account: &str, folder: &str) -> Self {
        assert!(self.has_folder(folder), "there is no folder {folder}");
        self.outsiders.remove(account);
        self.member(account).folder_id = folder.to_owned();
        self
    }

    /// Changes a member, for example its tags or its status. It joins if it is not a member yet.
    #[must_use]
    pub fn with_change(mut self, account: &str, change: impl FnOnce(&mut Member)) -> Self {
        change(self.member(account));
        self
    }

    /// Takes an account out of the directory, or lets it not join.
    #[must_use]
    pub fn without_member(mut self, account: &str) -> Self {
        self.members.remove(account);
        self.outsiders.insert(account.to_owned());
        self
    }

    /// Attaches a control policy, as JSON, to a folder or to an account. It binds the roles of the members there, and not
    /// the management account.
    ///
    /// # Errors
    /// Says what is wrong with the policy or with what it is attached to.
    pub fn attach_control_policy(mut self, target: &str, document: &str) -> Result<Self, String> {
        let is_account = target.len() == OWN_ACCOUNT.len() && target.bytes().all(|byte| byte.is_ascii_digit());
        if target == self.management_account {
            return Err("a control policy cannot be attached to the management account".to_owned());
        }
        if !is_account && !self.has_folder(target) {
            return Err(format!("there is no folder or account {target}"));
        }
        self.control_policies.entry(target.to_owned()).or_default().push(ControlPolicy::read(document)?);
        Ok(self)
    }

    /// Returns the folders and accounts that have control policies, with the number of each.
    pub fn control_policies(&self) -> impl Iterator<Item = (&str, usize)> {
        self.control_policies.iter().map(|(target, policies)| (target.as_str(), policies.len()))
    }

    /// Returns whether a control policy denies a request of a role in an account: one that is attached to the account,
    /// its folder, or any folder above.
    pub(crate) fn denies(&self, account: &str, request: &Request<'_>) -> bool {
        let Some(member) = self.members.get(account) else { return false };
        let mut targets = self.folders_above(member);
        targets.insert(0, account);
        let attached = targets.into_iter().filter_map(|target| self.control_policies.get(target)).flatten();
        attached.into_iter().any(|policy| policy.denies(request))
    }

    fn member(&mut self, account: &str) -> &mut Member {
        self.members.entry(account.to_owned()).or_insert_with(|| Member::new(account, Self::ROOT))
    }

    /// Lets every account join that is not placed or left out.
    pub(crate) fn joined_by(mut self, accounts: Accounts) -> Self {
        for account in accounts.ids() {
            if account != self.management_account && !self.outsiders.contains(&account) {
                self.member(&account);
            }
        }
        self
    }

    /// Returns the id of the directory.
    pub(crate) fn id() -> &'static str {
        DIRECTORY_ID
    }

    /// Returns the management account.
    #[must_use]
    pub fn management_account(&self) -> &str {
        &self.management_account
    }

    /// Returns whether an account may read the directory.
    pub(crate) fn is_readable_by(&self, account: &str) -> bool {
        self.management_account == account || self.administrators.contains(account)
    }

    /// Returns the members, by their ids.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    pub(crate) fn get(&self, account: &str) -> Option<&Member> {
        self.members.get(account)
    }

    pub(crate) fn has_folder(&self, id: &str) -> bool {
        id == Self::ROOT || self.folders.contains_key(id)
    }

    /// Returns the folders that are directly in another one, with their ids.
    pub(crate) fn folders_in<'a>(&'a self, parent: &'a str) -> impl Iterator<Item = (&'a str, &'a Folder)> {
        self.folders.iter().filter(move |(_, folder)| folder.parent == parent).map(|(id, folder)| (id.as_str(), folder))
    }

    /// Returns the path of a member: the directory, the folders from the Root folder down, and the account.
    pub(crate) fn path(&self, member: &Member) -> String {
        let mut parts = vec![member.account_id.as_str()];
        parts.extend(self.folders_above(member));
        parts.push(DIRECTORY_ID);
        parts.reverse();
        parts.join("/")
    }

    /// Returns the ids of a member's folder and of those above it, up to the Root folder.
    fn folders_above<'a>(&'a self, member: &'a Member) -> Vec<&'a str> {
        let mut above = Vec::new();
        let mut folder = member.folder_id.as_str();
        while let Some(inner) = self.folders.get(folder) {
            above.push(folder);
            folder = &inner.parent;
        }
        above.push(Self::ROOT);
        above
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANAGER: &str = "1000000000000002";

    fn members(directory: &Directory) -> Vec<&str> {
        directory.members().map(|member| member.account_id.as_str()).collect()
    }

    #[test]
    fn every_account_joins_unless_it_manages_the_directory_or_is_left_out() {
        let accounts = Accounts::new(4);
        let own = Directory::new().joined_by(accounts);
        assert_eq!(members(&own), ["1000000000000002", "1000000000000003", "1000000000000004"]);
        let other = Directory::new().managed_by(MANAGER).without_member("1000000000000004").joined_by(accounts);
        assert_eq!(members(&other), ["1000000000000001", "1000000000000003"]);
        assert!(other.is_readable_by(MANAGER) && !other.is_readable_by(OWN_ACCOUNT));
        assert!(other.administered_by(OWN_ACCOUNT).is_readable_by(OWN_ACCOUNT));
    }

    #[test]
    fn a_path_has_every_folder_above_a_member() {
        let directory = Directory::new()
            .with_folder("fd-prod", "Production", Directory::ROOT)
            .with_folder("fd-web", "Web", "fd-prod")
            .with_member("1000000000000002", "fd-web")
            .joined_by(Accounts::new(3));
        let paths: Vec<String> = directory.members().map(|member| directory.path(member)).collect();
        let expected = ["rd-local1/r-local1/fd-prod/fd-web/1000000000000002", "rd-local1/r-local1/1000000000000003"];
        assert_eq!(paths, expected);
        let folders = |parent| directory.folders_in(parent).map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!((folders(Directory::ROOT), folders("fd-prod")), (vec!["fd-prod"], vec!["fd-web"]));
    }

    #[test]
    fn a_control_policy_binds_the_members_below_its_folder_and_not_the_management_account() {
        let deny = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"vpc:DeleteVpc","Resource":"*"}]}"#;
        let directory = Directory::new()
            .managed_by(MANAGER)
            .with_folder("fd-prod", "Production", Directory::ROOT)
            .with_folder("fd-web", "Web", "fd-prod")
            .with_member("1000000000000003", "fd-web")
            .without_member("1000000000000004")
            .joined_by(Accounts::new(5));
        let request = Request {
            action: "vpc:DeleteVpc",
            principal: "acs:ram::1:role/x",
            resource: "*",
            resource_tags: &Tags::new(),
            request_tags: &Tags::new(),
        };
        let bound = |target: &str| -> Vec<u32> {
            let directory = directory.clone().attach_control_policy(target, deny).unwrap();
            (1..=5).filter(|number| directory.denies(&format!("100000000000000{number}"), &request)).collect()
        };
        assert_eq!(bound(Directory::ROOT), [1, 3, 5]);
        assert_eq!((bound("fd-prod"), bound("fd-web")), (vec![3], vec![3]));
        assert_eq!(bound("1000000000000005"), [5]);
        for (target, document) in [("fd-other", deny), (MANAGER, deny), (Directory::ROOT, "{}")] {
            assert!(directory.clone().attach_control_policy(target, document).is_err(), "{target}");
        }
    }
}
