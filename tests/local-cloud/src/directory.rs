//! Resource Directory: the folders of an organization, and the accounts in them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    api::parameters::Tags,
    ram::accounts::{Accounts, OWN_ACCOUNT},
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
        let mut folder = member.folder_id.as_str();
        while let Some(inner) = self.folders.get(folder) {
            parts.push(folder);
            folder = &inner.parent;
        }
        parts.extend([Self::ROOT, DIRECTORY_ID]);
        parts.reverse();
        parts.join("/")
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
}
