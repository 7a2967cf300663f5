//! The ways to a key, each with what it needs. A way may begin with another one.

use futures_util::future::BoxFuture;

use crate::credentials::{
    cloud_sso::CloudSso, error::SourceError, exchange::Exchange, external::External, key::Key, metadata::EcsRole,
    oauth::OAuth, oidc::OidcRole, role::RoleToAssume, uri::CredentialsUri,
};

/// A way to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// The key is at hand.
    Key(Key),
    /// A role, assumed with the key of another way.
    Role {
        /// The way to the key that may assume the role.
        source: Box<Provider>,
        /// The role to assume with the key.
        role: RoleToAssume,
    },
    /// A role, assumed with the token of an identity provider.
    Oidc(OidcRole),
    /// The role of the ECS instance.
    Ecs(EcsRole),
    /// A URI that serves credentials.
    Uri(CredentialsUri),
    /// A sign-in with CloudSSO.
    CloudSso(CloudSso),
    /// A sign-in with OAuth.
    OAuth(OAuth),
    /// A program that prints credentials.
    External(External),
}

impl Provider {
    /// Gets the key. `place` names the source in errors.
    pub fn obtain<'a>(&'a self, exchange: &'a Exchange, place: &'a str) -> BoxFuture<'a, Result<Key, SourceError>> {
        Box::pin(async move {
            match self {
                Self::Key(key) => Ok(key.clone()),
                Self::Role { source, role } => {
                    let key = source.obtain(exchange, place).await?;
                    role.assume(&key, exchange, place).await
                }
                Self::Oidc(role) => role.assume(exchange, place).await,
                Self::Ecs(role) => role.obtain(exchange, place).await,
                Self::Uri(uri) => uri.obtain(exchange, place).await,
                Self::CloudSso(sign_in) => sign_in.obtain(exchange, place).await,
                Self::OAuth(sign_in) => sign_in.obtain(exchange, place).await,
                Self::External(program) => program.obtain(place).await,
            }
        })
    }

    /// Returns whether it ends with a key that never expires.
    #[must_use]
    pub fn is_long_lived(&self) -> bool {
        matches!(self, Self::Key(key) if key.expiration.is_none() && key.credentials.security_token().is_none())
    }
}
