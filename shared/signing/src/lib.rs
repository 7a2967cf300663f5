//! Credentials and request signatures for Alibaba Cloud's OpenAPI.
//!
//! Nothing here performs I/O, reads a clock or draws a random number: the time and the nonce of a signature are
//! arguments, so every signature can be reproduced and every intermediate inspected.
//!
//! [`rpc`] signs calls of RPC-style products (VPC, ECS, STS, Express Connect Router) with HMAC-SHA1. [`acs3`] signs
//! calls of any product with HMAC-SHA256, which the documents prefer, including products whose operations are paths
//! (Function Compute). [`sls`] signs requests to Simple Log Service.
//!
//! ```
//! use signing::{Call, Credentials};
//!
//! let call = Call { action: "DescribeRegions", version: "2014-05-26", query: &[], form: &[] };
//! let credentials = Credentials::new("testid", "testsecret");
//! let time = "2016-02-23T12:46:24Z".parse()?;
//!
//! // The body of a POST, signed with HMAC-SHA1.
//! let form = signing::rpc::signed_form(call, &credentials, time, "a nonce");
//! assert!(form.starts_with("AccessKeyId=testid&Action=DescribeRegions&") && form.contains("&Signature="));
//!
//! // The headers, query and form of a POST, signed with ACS3-HMAC-SHA256.
//! let signed = signing::acs3::signed_post(call, "ecs.aliyuncs.com", &credentials, time, "a nonce");
//! assert!(signed.headers.iter().any(|(_, value)| value.starts_with("ACS3-HMAC-SHA256 Credential=testid,")));
//! # Ok::<(), jiff::Error>(())
//! ```
//!
//! To debug a `SignatureDoesNotMatch`, run `cargo run -p signing --example sign`, which shows what was signed.

pub mod acs3;
mod call;
mod credentials;
mod digest;
mod encode;
pub mod rpc;
pub mod sls;
mod unsigned;

pub use call::Call;
pub use credentials::Credentials;
pub use digest::hex;
pub use encode::percent_encode;
pub use unsigned::unsigned_post;
