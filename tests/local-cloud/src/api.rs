//! The API: one gateway for every product, its operations, and the faults that calls can meet.

pub(crate) mod acs3_signature;
pub(crate) mod authenticate;
pub(crate) mod authorize;
pub(crate) mod controls;
pub(crate) mod digest;
#[cfg(test)]
pub(crate) mod documented;
pub(crate) mod faults;
pub(crate) mod gateway;
pub(crate) mod operations;
pub(crate) mod parameters;
pub(crate) mod rate_limits;
pub(crate) mod refusal;
pub(crate) mod response;
pub(crate) mod rest;
pub(crate) mod rewrite;
pub(crate) mod rpc_signature;
pub(crate) mod server;
