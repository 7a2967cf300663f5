//! The accounts of an organization.

use flow_log::{AccountId, DirectoryMember};
use futures_util::TryStreamExt as _;
use openapi::{CallError, ErrorKind, Listing, Session, SignatureMethod};
use serde_json::{Value, json};

use crate::support::{Seen, Server, TestMachine, ok, refused, session};

/// A member as `ListAccounts` and `GetAccount` return it, with these tags.
fn account(id: &str, tags: &Value) -> Value {
    json!({
        "AccountId": id, "AccountName": "someone@example.com", "DisplayName": "payments", "FolderId": "fd-1",
        "ResourceDirectoryPath": format!("rd-1/r-1/fd-1/{id}"), "Status": "CreateSuccess", "DeletionStatus": "",
        "Tags": tags,
    })
}

/// A page of `ListAccounts`.
fn page(ids: &[&str], total: usize, next: &str) -> Value {
    let accounts: Vec<_> =
        ids.iter().map(|id| account(id, &json!({"Tag": [{"Key": "env", "Value": "prod"}]}))).collect();
    json!({"Accounts": {"Account": accounts}, "TotalCount": total, "NextToken": next, "RequestId": "R-1"})
}

fn id(text: &str) -> AccountId {
    text.parse().unwrap()
}

fn member(id: &str) -> DirectoryMember {
    DirectoryMember {
        id: id.parse().unwrap(),
        name: Some("payments".to_owned()),
        path: format!("rd-1/r-1/fd-1/{id}"),
        deletion_status: None,
        tags: Some([("env".to_owned(), "prod".to_owned())].into_iter().collect()),
    }
}

async fn all(session: &Session<'_>) -> Result<Listing<DirectoryMember>, CallError> {
    session.directory_members().try_collect().await
}

/// Returns what the client makes of a directory that always answers the same, and the number of calls.
async fn of(body: Value) -> (Result<Listing<DirectoryMember>, CallError>, usize) {
    let server = Server::answering(move |_| ok(&body)).await;
    let client = server.client(&TestMachine::new());
    let read = all(&session(&client)).await;
    (read, server.seen().len())
}

#[tokio::test]
async fn members_are_listed_by_the_hundred_with_their_tags_whatever_the_signature() {
    for signature in [SignatureMethod::HmacSha1, SignatureMethod::Acs3HmacSha256] {
        let server = Server::scripted([ok(page(&["2", "3"], 3, "more")), ok(page(&["4"], 3, ""))]).await;
        let client = server.client_with(&TestMachine::new(), signature);
        let found = all(&session(&client)).await.unwrap();
        assert_eq!(found.items, ["2", "3", "4"].map(member));
        assert_eq!(server.actions(), ["ListAccounts", "ListAccounts"]);
        let seen = server.seen();
        for call in &seen {
            assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/"));
            assert_eq!(["IncludeTags", "MaxResults"].map(|key| call.get(key).unwrap()), ["true", "100"]);
            assert!(["RegionId", "PageNumber", "PageSize"].iter().all(|key| call.get(key).is_none()), "{call:?}");
            let version = call.get("Version").or_else(|| call.headers.get("x-acs-version").map(String::as_str));
            assert_eq!(version, Some("2022-04-19"));
        }
        assert_eq!([&seen[0], &seen[1]].map(|call| call.get("NextToken")), [None, Some("more")]);
    }
}

#[tokio::test]
async fn a_directory_that_changes_while_it_is_listed_is_unreadable_if_a_member_may_have_been_skipped() {
    for (totals, is_whole) in [([3, 3], true), ([2, 3], true), ([4, 3], false), ([3, 4], false)] {
        let pages = [ok(page(&["2", "3"], totals[0], "more")), ok(page(&["4"], totals[1], ""))];
        let server = Server::scripted(pages).await;
        let client = server.client(&TestMachine::new());
        let read = all(&session(&client)).await;
        assert_eq!(read.is_ok(), is_whole, "{totals:?}: {read:?}");
        let said = read.map_or_else(|error| error.cause.to_string(), |_| String::new());
        assert_eq!(said.contains("shows 3 of the 4 items"), !is_whole, "{said}");
    }
}

#[tokio::test]
async fn a_member_is_asked_for_by_its_id_and_may_not_be_there() {
    let flat = json!([{"Key": "env", "Value": "prod"}]);
    for tags in [flat.clone(), json!({"Tag": flat})] {
        let server = Server::answering(move |seen| match seen.get("AccountId") {
            Some("2") => ok(json!({"Account": account("2", &tags), "RequestId": "R-1"})),
            _ => refused(404, "EntityNotExists.Account"),
        })
        .await;
        let client = server.client(&TestMachine::new());
        let session = session(&client);
        assert_eq!(session.directory_member(&id("2")).await.unwrap(), Some(member("2")));
        assert_eq!(session.directory_member(&id("3")).await.unwrap(), None);
        assert_eq!(server.actions(), ["GetAccount", "GetAccount"]);
        assert!(server.seen().iter().all(|call| call.get("IncludeTags") == Some("true")));
    }
}

#[tokio::test]
async fn an_answer_about_another_account_is_not_taken_for_this_one() {
    for body in [
        json!({"Account": account("3", &json!([]))}),
        json!({}),
        json!({"Account": [account("2", &json!([]))]}),
        json!({"Account": {"AccountId": "2"}}),
    ] {
        let server = Server::answering(move |_| ok(&body)).await;
        let client = server.client(&TestMachine::new());
        let error = session(&client).directory_member(&id("2")).await.unwrap_err();
        assert_eq!((error.kind(), error.resource.as_str()), (ErrorKind::Unreadable, "2"), "{}", error.cause);
    }
}

#[tokio::test]
async fn a_directory_that_does_not_show_all_of_its_members_is_unreadable_and_above_all_not_empty() {
    for (body, said) in [
        (json!({}), "has no Accounts"),
        (json!({"Accounts": null, "TotalCount": 0}), "Accounts is no list"),
        (json!({"Accounts": {}}), "Accounts is no list"),
        (json!({"Accounts": {"Account": account("2", &json!([]))}, "TotalCount": 1}), "Accounts is no list"),
        (page(&["2"], 2, ""), "shows 1 of the 2 items"),
        (page(&[], 1, ""), "shows 0 of the 1 items"),
        (page(&["2"], 2, "the-same"), "leads back"),
        (json!({"Accounts": {"Account": [account("2", &json!([]))]}, "TotalCount": "many"}), "TotalCount: "),
        (json!({"Accounts": {"Account": [account("2", &json!([]))]}, "TotalCount": -1}), "TotalCount: "),
        (json!({"Accounts": {"Account": [account("2", &json!([]))]}, "TotalCount": [2]}), "TotalCount is no text"),
        (json!({"Accounts": {"Account": [account("2", &json!([]))]}, "TotalCount": 5_000_000_000_u64}), "TotalCount: "),
    ] {
        let (read, calls) = of(body.clone()).await;
        let error = read.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreadable);
        assert!(error.cause.to_string().contains(said), "{body}: {}", error.cause);
        assert!(calls <= 2, "{body}: {calls} calls");
    }
    assert_eq!(of(page(&[], 0, "")).await.0.unwrap(), Listing::default());
    let flat = json!({"Accounts": [account("2", &json!([{"Key": "env", "Value": "prod"}]))], "TotalCount": 1});
    assert_eq!(of(flat).await.0.unwrap().items, [member("2")]);
}

#[tokio::test]
async fn one_member_that_cannot_be_read_does_not_spoil_the_others() {
    let mut body = page(&["2", "x", "4", "5", "6"], 5, "");
    let accounts = body["Accounts"]["Account"].as_array_mut().unwrap();
    accounts[2].as_object_mut().unwrap().remove("ResourceDirectoryPath");
    accounts[3]["Tags"] = json!("env=prod");
    accounts[4]["DeletionStatus"] = json!({"is": "odd"});
    let found = of(body).await.0.unwrap();
    let unknown = DirectoryMember { tags: None, ..member("5") };
    assert_eq!(found.items, [member("2"), unknown]);
    let unreadable: Vec<_> = found.unreadable.iter().map(|item| item.id.as_deref()).collect();
    assert_eq!(unreadable, [Some("x"), Some("4"), Some("6")]);
}

#[tokio::test]
async fn an_account_that_may_not_read_the_directory_is_told_who_may() {
    for (code, kind, said) in [
        ("NoPermission", ErrorKind::AccessDenied, "delegated administrator"),
        ("EntityNotExists.ResourceDirectory", ErrorKind::NoDirectory, "resource_directory"),
        ("ResourceDirectoryNotInUse", ErrorKind::NoDirectory, "FLOWKEEPER_RESOURCE_DIRECTORY_ENDPOINT"),
    ] {
        let server = Server::answering(move |_| refused(403, code)).await;
        let client = server.client(&TestMachine::new());
        let error = all(&session(&client)).await.unwrap_err();
        assert_eq!((error.kind(), error.action), (kind, "ListAccounts"));
        assert!(error.advice().contains(said), "{}", error.advice());
        // A configured endpoint is the only one.
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn no_second_holds_more_lists_than_the_directory_allows() {
    let ids: Vec<_> = (1000..1030).map(|id| id.to_string()).collect();
    let answer = move |seen: &Seen| {
        let at = seen.get("NextToken").map_or(0, |token| token.parse().unwrap());
        let next = if at + 1 == ids.len() { String::new() } else { (at + 1).to_string() };
        ok(page(&[&ids[at]], ids.len(), &next))
    };
    let server = Server::answering(answer).await;
    let machine = TestMachine::new();
    let client = server.client(&machine);
    assert_eq!(all(&session(&client)).await.unwrap().items.len(), 30);
    // Two of the 20 per second go at once, the rest at an even rate.
    let waits = machine.waits();
    assert_eq!(waits.len(), 28);
    assert!(waits.iter().all(|wait| *wait == std::time::Duration::from_secs(1) / 18), "{waits:?}");
}
