//! Credentials and request signatures for Alibaba Cloud's OpenAPI.
//!
//! Nothing here performs I/O, reads a clock or draws a random number: the time and the nonce of a signature are
//! arguments, so every signature can be reproduced and every intermediate inspected.
//!
//! [`rpc`] signs calls of RPC-style products (VPC, ECS, STS, Express Connect Router) with HMAC-SHA1. [`acs3`] signs
//! calls of any product with HMAC-SHA256, which the documents prefer.
//!
//! To debug a `SignatureDoesNotMatch`, run `cargo run -p signing --example sign`, which shows what was signed.

pub mod acs3;
mod call;
mod credentials;
mod encode;
pub mod rpc;

pub use call::Call;
pub use credentials::Credentials;
pub use encode::percent_encode;
