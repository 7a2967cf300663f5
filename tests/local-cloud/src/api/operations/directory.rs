//! Resource Directory: the members of an organization, and its folders.

use serde_json::{Value, json};

use super::{
    Answer, Scope,
    fields::{Field, Kind, optional, required},
    tags::{has_tags, wire_tags},
};
use crate::{
    api::refusal::Refusal,
    directory::{Directory, Member},
    world::clock::iso,
};

const MAX_PAGE: usize = 100;
const DEFAULT_PAGE: usize = 10;
const PAGE: Field = optional("PageNumber", Kind::Number(1, usize::MAX));
const PAGE_SIZE: Field = optional("PageSize", Kind::Number(1, MAX_PAGE));
const KEYWORD: Field = optional("QueryKeyword", Kind::Text);
const INCLUDE_TAGS: Field = optional("IncludeTags", Kind::Switch);
const TAGS: Field = optional("Tag", Kind::Tags);

pub(super) const LIST_ACCOUNTS: &[Field] = &[
    optional("MaxResults", Kind::Number(1, MAX_PAGE)),
    optional("NextToken", Kind::Text),
    PAGE,
    PAGE_SIZE,
    KEYWORD,
    INCLUDE_TAGS,
    TAGS,
];
pub(super) const GET_ACCOUNT: &[Field] = &[required("AccountId", Kind::Text), INCLUDE_TAGS];
pub(super) const LIST_FOLDERS: &[Field] = &[optional("ParentFolderId", Kind::Text), PAGE, PAGE_SIZE, KEYWORD, TAGS];

pub(super) fn list_accounts(scope: &mut Scope<'_>) -> Answer {
    let directory = directory(scope)?;
    let asked = scope.parameters.tags("Tag")?;
    let keyword = scope.parameters.text("QueryKeyword");
    let is_asked_for = |member: &&Member| {
        has_tags(&member.tags, &asked)
            && [&member.account_id, &member.display_name].iter().any(|text| text.contains(keyword.as_str()))
    };
    let mut all: Vec<&Member> = directory.members().filter(is_asked_for).collect();
    if scope.hide_newest {
        all.pop();
    }
    let with_tags = scope.parameters.is_on("IncludeTags");
    let wire = |member: &Member| {
        let mut account = account(directory, member);
        account["DeletionStatus"] = json!(member.deletion_status);
        if with_tags {
            account["Tags"] = json!({"Tag": wire_tags(&member.tags, "Key", "Value")});
        }
        account
    };
    // With MaxResults, paging is by token, whatever page is asked for.
    let Some(size) = scope.parameters.number("MaxResults")? else {
        let page = scope.page(all, DEFAULT_PAGE, wire)?;
        return Ok(json!({
            "Accounts": {"Account": page.items}, "PageNumber": page.number, "PageSize": page.size,
            "TotalCount": page.total,
        }));
    };
    let total = all.len();
    let (members, next) = scope.part(all, size)?;
    let accounts: Vec<Value> = members.into_iter().map(wire).collect();
    Ok(json!({"Accounts": {"Account": accounts}, "NextToken": next, "TotalCount": total}))
}

pub(super) fn get_account(scope: &mut Scope<'_>) -> Answer {
    let directory = directory(scope)?;
    let not_there = || Refusal::not_found("EntityNotExists.Account", "The specified account does not exist.");
    let member = directory.get(scope.parameters.require("AccountId")?).ok_or_else(not_there)?;
    let mut account = account(directory, member);
    // Unlike in a list, the tags are not wrapped.
    if scope.parameters.is_on("IncludeTags") {
        account["Tags"] = json!(wire_tags(&member.tags, "Key", "Value"));
    }
    Ok(json!({"Account": account}))
}

pub(super) fn list_folders(scope: &mut Scope<'_>) -> Answer {
    let directory = directory(scope)?;
    let parent = scope.parameters.get("ParentFolderId").unwrap_or(Directory::ROOT);
    if !directory.has_folder(parent) {
        return Err(Refusal::not_found("EntityNotExists.Folder", "The specified folder does not exist."));
    }
    let keyword = scope.parameters.text("QueryKeyword");
    // Folders have no tags here, so none has one that is asked for.
    let is_any = scope.parameters.tags("Tag")?.is_empty();
    let folders = directory.folders_in(parent).filter(|(_, folder)| is_any && folder.name.contains(keyword.as_str()));
    let page = scope.page(
        folders.collect(),
        DEFAULT_PAGE,
        |(id, folder)| json!({"FolderId": id, "FolderName": folder.name, "CreateTime": "2021-01-18T08:01:50Z"}),
    )?;
    Ok(json!({
        "Folders": {"Folder": page.items}, "PageNumber": page.number, "PageSize": page.size, "TotalCount": page.total,
    }))
}

/// Returns the directory, if the caller's account may read it.
fn directory<'s>(scope: &'s Scope<'_>) -> Result<&'s Directory, Refusal> {
    let none = || {
        let message = "The resource directory is not enabled for this account.";
        Refusal::not_found("EntityNotExists.ResourceDirectory", message)
    };
    let account = &scope.caller.account;
    let directory = scope.state.directory.as_ref().ok_or_else(none)?;
    if directory.is_readable_by(account) {
        return Ok(directory);
    }
    // An account that is in no directory cannot know that there is one.
    Err(if directory.get(account).is_some() { Refusal::documented("NoPermission") } else { none() })
}

/// Returns the fields that a list and a single account have in common.
fn account(directory: &Directory, member: &Member) -> Value {
    let joined = iso(member.joined);
    json!({
        "AccountId": member.account_id,
        "AccountName": format!("{}@example.com", member.display_name),
        "DisplayName": member.display_name,
        "FolderId": member.folder_id,
        "ResourceDirectoryId": Directory::id(),
        "ResourceDirectoryPath": directory.path(member),
        "Status": member.status,
        "Type": "ResourceAccount",
        "JoinMethod": if member.status.starts_with("Invite") { "invited" } else { "created" },
        "JoinTime": joined,
        "ModifyTime": joined,
    })
}
