//! Credentials and the signatures of Alibaba Cloud's OpenAPI.
//!
//! Nothing here performs I/O, reads a clock or draws a random number: the time and the nonce of a signature are
//! arguments, so each signature can be made again, and every intermediate can be looked at.
//!
//! [`rpc`] is the signature of RPC-style products (VPC, ECS, STS, Express Connect Router) with HMAC-SHA1, and [`acs3`]
//! the one of every product with HMAC-SHA256, which the documents prefer. To look into a `SignatureDoesNotMatch`,
//! `cargo run -p signing --example sign` shows what was signed.

pub mod acs3;
mod call;
mod credentials;
mod encode;
pub mod rpc;

pub use call::Call;
pub use credentials::Credentials;
pub use encode::percent_encode;
