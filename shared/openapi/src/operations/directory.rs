//! The operations of Resource Directory, version 2022-04-19.
//!
//! Only the directory's management account, or a member that is a delegated administrator of a trusted service, may
//! make them.

use flow_log::{AccountId, DirectoryMember};
use futures_util::stream::BoxStream;

use crate::{
    CallError, Cause, Entry, ErrorKind, Product, Session,
    call::{request::Request, response_object::ResponseObject},
    paging::listing::List,
};

/// The maximum page size.
const MAX_PAGE_SIZE: u32 = 100;

impl Session<'_> {
    /// `ListAccounts`: streams the members of the directory, with their tags, one page at a time.
    #[must_use]
    pub fn directory_members(&self) -> BoxStream<'_, Result<Entry<DirectoryMember>, CallError>> {
        let request = Request::read(Product::ResourceDirectory, "ListAccounts").with_flag("IncludeTags", Some(true));
        let list = List::new("Accounts", "Account", &["AccountId"]).counted_throughout();
        self.by_token(request, MAX_PAGE_SIZE, list, member)
    }

    /// `GetAccount`: returns a member of the directory with its tags, or `None` if the directory does not have it.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn directory_member(&self, account: &AccountId) -> Result<Option<DirectoryMember>, CallError> {
        let request = Request::read(Product::ResourceDirectory, "GetAccount")
            .about(account.as_str())
            .with("AccountId", account.as_str())
            .with_flag("IncludeTags", Some(true));
        let other = request.failed(Cause::Unreadable { status: 200, reason: "it is about another account".to_owned() });
        match self.call_and_read(request, |response| member(&response.object("Account")?)).await {
            Ok(found) if found.id == *account => Ok(Some(found)),
            Ok(_) => Err(other),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Reads a member. A list has its tags in a wrapper, and a single account has them flat.
fn member(found: &ResponseObject<'_>) -> Result<DirectoryMember, String> {
    Ok(DirectoryMember {
        id: found.parsed("AccountId")?,
        name: found.text("DisplayName").or_else(|| found.text("AccountName")),
        // Required: without it, nobody can tell whether the account is in a folder.
        path: found.required("ResourceDirectoryPath")?,
        // An odd one is not taken for none.
        deletion_status: found.optional_text("DeletionStatus")?,
        tags: found.tags(),
    })
}
