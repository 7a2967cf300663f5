//! Resource Access Management: accounts and their keys, policies, and the trust of roles.

pub(crate) mod accounts;
pub(crate) mod members;
pub(crate) mod policy;
pub(crate) mod trust;
