//! The operations of Security Token Service, version 2015-04-01.

use flow_log::AccountId;

use crate::{
    AssumeRole, AssumedRole, CallError, Product, Session,
    call::{request::Request, response_object::ResponseObject},
};

/// The owner of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account that the key belongs to.
    pub account: AccountId,
    /// The ARN of the user, role or account.
    pub arn: Option<String>,
    /// `Account`, `RAMUser` or `AssumedRoleUser`.
    pub identity_type: Option<String>,
    /// The id of the user, role or account.
    pub principal_id: Option<String>,
    /// The user's id, if the owner is a user.
    pub user_id: Option<String>,
    /// The role's id, if the owner is a role.
    pub role_id: Option<String>,
}

impl Session<'_> {
    /// `AssumeRole`: obtains temporary credentials for a role. [`Session::in_role`] caches them and renews them in
    /// time.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn assume_role(&self, asked: &AssumeRole<'_>) -> Result<AssumedRole, CallError> {
        self.call_and_read(asked.request(), AssumedRole::read).await
    }

    /// `GetCallerIdentity`: returns the owner of the session's key.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn get_caller_identity(&self) -> Result<CallerIdentity, CallError> {
        let read = |response: &ResponseObject<'_>| {
            Ok(CallerIdentity {
                account: response.parsed("AccountId")?,
                arn: response.text("Arn"),
                identity_type: response.text("IdentityType"),
                principal_id: response.text("PrincipalId"),
                user_id: response.text("UserId"),
                role_id: response.text("RoleId"),
            })
        };
        self.call_and_read(Request::read(Product::Sts, "GetCallerIdentity"), read).await
    }
}
