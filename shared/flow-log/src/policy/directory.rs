//! The accounts of an organization, which a policy names by its resource directory.

use std::collections::BTreeSet;

use super::MemberAccount;
use crate::{AccountId, DirectoryMember, FolderId, RoleArn, RoleName, names::Tags};

/// How many characters of a text from the directory a reason quotes at most.
const MAX_QUOTED: usize = 200;

/// The accounts of an organization, each managed by assuming a role in it. Which they are is for the directory to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceDirectory {
    /// The name of the role to assume in each account.
    pub role: RoleName,
    /// The external id that the roles' trust policies require, if any.
    pub external_id: Option<String>,
    /// The folders whose accounts are managed, those in folders below included; empty means the whole directory.
    pub folders: Vec<FolderId>,
    /// The accounts that are left out all the same.
    pub exclude: DirectoryExclude,
}

/// Accounts of the directory that are left out, for any one of these reasons.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectoryExclude {
    /// These accounts.
    pub accounts: BTreeSet<AccountId>,
    /// Accounts in these folders, those in folders below included.
    pub folders: BTreeSet<FolderId>,
    /// Accounts that carry one of these tags.
    pub tags: Tags,
}

/// How a policy is about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountScope<'a> {
    /// It is the function's own, which is managed without assuming a role.
    Own,
    /// The policy names it.
    Named(&'a MemberAccount),
    /// It is managed if the directory has it, and says that it is in scope: see [`ResourceDirectory::member_scope`].
    InDirectory(&'a ResourceDirectory),
    /// It is not managed, for this reason.
    Out(String),
}

/// Whether an account of the directory is managed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberScope {
    /// It is.
    In,
    /// It is not, for this reason.
    Out(String),
    /// What decides could not be read. Nothing may be done in the account, nor may it be taken for one that is left out.
    Unknown(String),
}

impl ResourceDirectory {
    /// The role to assume in `account`.
    #[must_use]
    pub fn role_in(&self, account: &AccountId) -> RoleArn {
        RoleArn::of(account, &self.role)
    }

    /// Whether `member` is managed: if it is in one of the folders, where some are named, if nothing excludes it, and if
    /// it is not being deleted.
    ///
    /// A reason to leave it out holds whatever else is unknown.
    #[must_use]
    pub fn member_scope(&self, member: &DirectoryMember) -> MemberScope {
        let account = &member.id;
        if let Some(status) = being_deleted(member) {
            return MemberScope::Out(format!(
                "the account {account} is being deleted: its deletion status is {:?}",
                quoted(status)
            ));
        }
        if self.exclude.accounts.contains(account) {
            return MemberScope::Out(excluded(account));
        }
        match (self.folder_scope(member), self.tag_scope(member)) {
            (out @ MemberScope::Out(_), _) | (_, out @ MemberScope::Out(_)) => out,
            (unknown @ MemberScope::Unknown(_), _) | (_, unknown @ MemberScope::Unknown(_)) => unknown,
            (MemberScope::In, MemberScope::In) => MemberScope::In,
        }
    }

    /// Whether the folders of `member` let it in.
    fn folder_scope(&self, member: &DirectoryMember) -> MemberScope {
        let account = &member.id;
        if self.folders.is_empty() && self.exclude.folders.is_empty() {
            return MemberScope::In;
        }
        let Some(folders) = member.folders() else {
            let path = quoted(&member.path);
            return MemberScope::Unknown(format!(
                "it is unknown whether the account {account} is in scope: the policy's resource_directory names folders, and \
                 {path:?} is not the whole path of an account"
            ));
        };
        // A whole id, and never the beginning of another one.
        let is_in = |folder: &&FolderId| folders.contains(&folder.as_str());
        if let Some(folder) = self.exclude.folders.iter().find(is_in) {
            return MemberScope::Out(format!(
                "the account {account} is out of scope: it is in the folder {folder}, which the policy's \
                 resource_directory.exclude names"
            ));
        }
        if self.folders.is_empty() || self.folders.iter().any(|folder| is_in(&folder)) {
            return MemberScope::In;
        }
        MemberScope::Out(format!(
            "the account {account} is out of scope: the policy's resource_directory.folders name none of its folders, {}",
            quoted(&folders.join("/"))
        ))
    }

    /// Whether the tags of `member` let it in.
    fn tag_scope(&self, member: &DirectoryMember) -> MemberScope {
        let account = &member.id;
        if self.exclude.tags.is_empty() {
            return MemberScope::In;
        }
        let Some(observed) = &member.tags else {
            return MemberScope::Unknown(format!(
                "it is unknown whether the account {account} is in scope: the policy's resource_directory.exclude names \
                 tags, and those of the account could not be read"
            ));
        };
        let has = |key: &str, value: &str| observed.get(key).is_some_and(|found| found == value);
        match self.exclude.tags.iter().find(|(key, value)| has(key.as_str(), value.as_str())) {
            Some((key, value)) => MemberScope::Out(format!(
                "the account {account} is out of scope: it has the tag {key}={value}, which the policy's \
                 resource_directory.exclude names"
            )),
            None => MemberScope::In,
        }
    }
}

/// Why an account is out of scope that the policy excludes by its id.
pub(super) fn excluded(account: &AccountId) -> String {
    format!("the account {account} is out of scope: the policy's resource_directory.exclude names it")
}

/// The deletion status of an account that is being deleted. A deletion that failed, as in `CheckFailed` and
/// `DeleteFailed`, leaves the account as it was.
fn being_deleted(member: &DirectoryMember) -> Option<&str> {
    let status = member.deletion_status.as_deref().map(str::trim)?;
    let has_failed = status.to_ascii_lowercase().ends_with("failed");
    (!status.is_empty() && !has_failed).then_some(status)
}

fn quoted(text: &str) -> String {
    text.chars().take(MAX_QUOTED).collect()
}
