//! The operations of each product, as methods of a session.

pub(crate) mod assume_role;
pub(crate) mod bss;
pub(crate) mod cms;
pub(crate) mod details;
pub(crate) mod directory;
pub(crate) mod ecr;
pub(crate) mod ecs;
pub(crate) mod fc;
pub(crate) mod log_records;
pub(crate) mod oidc;
pub(crate) mod sls;
pub(crate) mod sts;
pub(crate) mod tags;
pub(crate) mod vpc;
