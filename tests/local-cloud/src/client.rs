//! Callers of the cloud: a client that signs with the cloud's own code, and an operator with every right.

pub(crate) mod http;
pub(crate) mod operator;
pub(crate) mod rest;
pub(crate) mod signed;
