//! Resource Directory: who may read it, and what it answers.

use local_cloud::{Client, Credentials, Directory, Fault, LocalCloud, OWN_ACCOUNT, Options, SECOND_ACCOUNT};
use serde_json::{Value, json};

use crate::support::{TEMPLATE, cloud_with_template, code, function_client};

const THIRD_ACCOUNT: &str = "1000000000000003";

async fn cloud_in(directory: Directory, accounts: u32) -> LocalCloud {
    LocalCloud::start(Options { accounts, directory: Some(directory), ..Options::default() }).await.unwrap()
}

fn client_of(cloud: &LocalCloud, account: &str) -> Client {
    Client::new(cloud.endpoint(), Credentials::of_account(account))
}

/// Returns the ids of the accounts in a list.
fn ids(answer: &Value) -> Vec<&str> {
    let accounts = answer["Accounts"]["Account"].as_array().unwrap();
    accounts.iter().map(|account| account["AccountId"].as_str().unwrap()).collect()
}

/// Reads all pages by token, and returns the ids and the number of calls.
async fn all(client: &Client, size: &str) -> (Vec<String>, usize) {
    let (mut found, mut token, mut calls) = (Vec::new(), String::new(), 0);
    loop {
        let answer = client.call("ListAccounts", &[("MaxResults", size), ("NextToken", &token)]).await.unwrap();
        calls += 1;
        found.extend(ids(&answer).into_iter().map(str::to_owned));
        token = answer["NextToken"].as_str().unwrap().to_owned();
        if token.is_empty() {
            return (found, calls);
        }
    }
}

#[tokio::test]
async fn a_member_is_described_with_its_folder_path_status_and_tags() {
    let directory = Directory::new()
        .with_folder("fd-prod", "Production", Directory::ROOT)
        .with_folder("fd-web", "Web", "fd-prod")
        .with_member(SECOND_ACCOUNT, "fd-web")
        .with_change(SECOND_ACCOUNT, |member| {
            member.status = "InviteSuccess".into();
            member.deletion_status = "Checking".into();
            member.tags = [("env".to_owned(), "prod".to_owned())].into();
        });
    let cloud = cloud_in(directory, 2).await;
    let mut expected = json!({
        "AccountId": SECOND_ACCOUNT, "AccountName": "account-1000000000000002@example.com",
        "DisplayName": "account-1000000000000002", "FolderId": "fd-web", "ResourceDirectoryId": "rd-local1",
        "ResourceDirectoryPath": "rd-local1/r-local1/fd-prod/fd-web/1000000000000002", "Status": "InviteSuccess",
        "Type": "ResourceAccount", "JoinMethod": "invited", "JoinTime": "1970-01-01T00:00:00Z",
        "ModifyTime": "1970-01-01T00:00:00Z",
    });
    let of_account = [("AccountId", SECOND_ACCOUNT), ("IncludeTags", "true")];
    for client in [cloud.client(), cloud.client().with_acs3()] {
        let one = client.call("GetAccount", &of_account[..1]).await.unwrap();
        assert_eq!(one["Account"], expected);
        let tagged = client.call("GetAccount", &of_account).await.unwrap();
        assert_eq!(tagged["Account"]["Tags"], json!([{"Key": "env", "Value": "prod"}]), "flat");
    }
    expected["DeletionStatus"] = json!("Checking");
    let list = cloud.client().call("ListAccounts", &[]).await.unwrap();
    assert_eq!(list["Accounts"]["Account"], json!([expected]));
    assert_eq!((&list["PageNumber"], &list["PageSize"], &list["TotalCount"]), (&json!(1), &json!(10), &json!(1)));
    // As the Python SDK writes it.
    let tagged = cloud.client().call("ListAccounts", &[("IncludeTags", "True"), ("MaxResults", "1")]).await.unwrap();
    assert_eq!(tagged["Accounts"]["Account"][0]["Tags"], json!({"Tag": [{"Key": "env", "Value": "prod"}]}), "wrapped");
}

#[tokio::test]
async fn a_list_is_read_by_token_or_by_page() {
    let cloud = cloud_in(Directory::new(), 251).await;
    let client = cloud.client();
    let (found, calls) = all(&client, "100").await;
    assert_eq!((found.as_slice(), calls), (&cloud.accounts()[1..], 3));
    let page = client.call("ListAccounts", &[("PageNumber", "3"), ("PageSize", "100")]).await.unwrap();
    assert_eq!((ids(&page).len(), &page["TotalCount"], page.get("NextToken")), (50, &json!(250), None));
    let both = client.call("ListAccounts", &[("PageNumber", "3"), ("MaxResults", "2")]).await.unwrap();
    assert_eq!(ids(&both), ["1000000000000002", "1000000000000003"], "MaxResults wins");
    for (name, value) in [("MaxResults", "0"), ("MaxResults", "101"), ("PageSize", "101"), ("PageNumber", "0")] {
        assert_eq!(code(client.call("ListAccounts", &[(name, value)]).await), "InvalidParameter", "{name}={value}");
    }
    assert_eq!(code(client.call("ListAccounts", &[("MaxResults", "5"), ("NextToken", "x")]).await), "InvalidParameter");
    cloud.fail("ListAccounts", Fault::SmallPages(20), 20);
    assert_eq!(all(&client, "100").await, (found, 13));
}

#[tokio::test]
async fn a_list_can_be_narrowed_by_tags_and_by_a_keyword() {
    let tag = |account: &str, directory: Directory, value: &str| {
        directory.with_change(account, |member| _ = member.tags.insert("env".into(), value.into()))
    };
    let directory = tag(THIRD_ACCOUNT, tag(SECOND_ACCOUNT, Directory::new(), "prod"), "test");
    let directory = directory.with_change("1000000000000004", |member| member.display_name = "payments".into());
    let cloud = cloud_in(directory, 4).await;
    for (parameters, expected) in [
        (&[("Tag.1.Key", "env")][..], &[SECOND_ACCOUNT, THIRD_ACCOUNT][..]),
        (&[("Tag.1.Key", "env"), ("Tag.1.Value", "prod")], &[SECOND_ACCOUNT]),
        (&[("QueryKeyword", "pay")], &["1000000000000004"]),
        (&[("QueryKeyword", "nobody")], &[]),
    ] {
        let answer = cloud.client().call("ListAccounts", parameters).await.unwrap();
        assert_eq!(ids(&answer), expected, "{parameters:?}");
    }
}

#[tokio::test]
async fn folders_are_listed_one_level_at_a_time() {
    let directory = Directory::new()
        .with_folder("fd-prod", "Production", Directory::ROOT)
        .with_folder("fd-test", "Test", Directory::ROOT)
        .with_folder("fd-web", "Web", "fd-prod");
    let cloud = cloud_in(directory, 2).await;
    let list = async |parameters: &[(&str, &str)]| cloud.client().call("ListFoldersForParent", parameters).await;
    let names = |answer: &Value| {
        let folders = answer["Folders"]["Folder"].as_array().unwrap();
        let text = |folder: &Value| folder["FolderName"].as_str().unwrap().to_owned();
        (folders.iter().map(text).collect::<Vec<_>>().join(" "), answer["TotalCount"].as_u64().unwrap())
    };
    assert_eq!(names(&list(&[]).await.unwrap()), ("Production Test".to_owned(), 2));
    let second_page = list(&[("PageNumber", "2"), ("PageSize", "1")]).await.unwrap();
    assert_eq!(names(&second_page), ("Test".to_owned(), 2));
    assert_eq!(names(&list(&[("ParentFolderId", "fd-prod")]).await.unwrap()), ("Web".to_owned(), 1));
    assert_eq!(code(list(&[("ParentFolderId", "fd-none")]).await), "EntityNotExists.Folder");
}

#[tokio::test]
async fn only_the_management_account_and_delegated_administrators_may_read_the_directory() {
    let directory =
        Directory::new().managed_by(SECOND_ACCOUNT).administered_by(OWN_ACCOUNT).without_member("1000000000000004");
    let cloud = cloud_in(directory, 4).await;
    for (account, expected) in [
        (SECOND_ACCOUNT, ""),
        (OWN_ACCOUNT, ""),
        (THIRD_ACCOUNT, "NoPermission"),
        ("1000000000000004", "EntityNotExists.ResourceDirectory"),
    ] {
        let client = client_of(&cloud, account);
        for (action, parameters) in
            [("ListAccounts", &[][..]), ("GetAccount", &[("AccountId", THIRD_ACCOUNT)]), ("ListFoldersForParent", &[])]
        {
            assert_eq!(code(client.call(action, parameters).await), expected, "{action} by {account}");
        }
    }
    let list = cloud.client().call("ListAccounts", &[]).await.unwrap();
    assert_eq!(ids(&list), [OWN_ACCOUNT, THIRD_ACCOUNT], "the management account is no member");
    for account in [SECOND_ACCOUNT, "1000000000000004", "nobody"] {
        let answer = cloud.client().call("GetAccount", &[("AccountId", account)]).await;
        assert_eq!(code(answer), "EntityNotExists.Account", "{account}");
    }
    let none = crate::support::cloud().await;
    assert_eq!(code(none.client().call("ListAccounts", &[]).await), "EntityNotExists.ResourceDirectory");
}

#[tokio::test]
async fn a_function_needs_the_permission_of_its_role_too() {
    let allowed = TEMPLATE.replace("vpc:CreateVpc]", "vpc:CreateVpc, resourcemanager:ListAccounts]");
    for (template, list) in [(TEMPLATE, "NoPermission"), (allowed.as_str(), "")] {
        let options = Options { directory: Some(Directory::new()), ..Options::default() };
        let (cloud, _folder) = cloud_with_template(template, "succeed", options).await.unwrap();
        let function = function_client(&cloud).await;
        assert_eq!(code(function.call("ListAccounts", &[]).await), list);
        assert_eq!(code(function.call("GetAccount", &[("AccountId", SECOND_ACCOUNT)]).await), "NoPermission");
        let detail = &cloud.calls().pop().unwrap().answer["AccessDeniedDetail"];
        assert_eq!(detail["AuthAction"], "resourcemanager:GetAccount");
    }
}

#[tokio::test]
async fn accounts_join_leave_and_move_while_the_cloud_runs() {
    let cloud = cloud_in(Directory::new().with_folder("fd-prod", "Production", Directory::ROOT), 4).await;
    let get = async |account: &str| cloud.client().call("GetAccount", &[("AccountId", account)]).await;
    cloud.edit_directory(|it| it.without_member(SECOND_ACCOUNT).with_member(THIRD_ACCOUNT, "fd-prod"));
    assert_eq!(code(get(SECOND_ACCOUNT).await), "EntityNotExists.Account");
    assert_eq!(get(THIRD_ACCOUNT).await.unwrap()["Account"]["FolderId"], "fd-prod");
    // The list changes between two of its pages.
    let first = cloud.client().call("ListAccounts", &[("MaxResults", "1")]).await.unwrap();
    assert_eq!(ids(&first), [THIRD_ACCOUNT]);
    cloud.edit_directory(|it| it.with_member("1000000000000005", Directory::ROOT));
    let token = first["NextToken"].as_str().unwrap();
    let rest = [("MaxResults", "100"), ("NextToken", token)];
    let second = cloud.client().call("ListAccounts", &rest).await.unwrap();
    assert_eq!(ids(&second), ["1000000000000004", "1000000000000005"]);
    // Without a directory there is nothing to change.
    let none = crate::support::cloud().await;
    none.edit_directory(|it| it.without_member(SECOND_ACCOUNT));
    assert!(none.directory().is_none());
}

#[tokio::test]
async fn ten_thousand_members_are_listed_in_a_hundred_calls() {
    let cloud = cloud_in(Directory::new(), 10_001).await;
    let (found, calls) = all(&cloud.client(), "100").await;
    assert_eq!((found.len(), calls), (10_000, 100));
    let alone = cloud_in(Directory::new(), 1).await;
    assert_eq!(all(&alone.client(), "100").await, (vec![], 1));
}
