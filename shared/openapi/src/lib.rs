//! The client of Alibaba Cloud's OpenAPI: endpoints, transport, retry, paging and the calls Flowkeeper makes.
//!
//! A [`Client`] lives as long as the process and holds no key. A [`Session`] is the client with the credentials, the
//! region and the end of one piece of work. The calls that read are its methods; those that change something are methods
//! of its [`Writes`].
//!
//! - Reads are tried again here. **A write whose answer is uncertain is not**: most operations take no client token,
//!   so the error's [`Remedy::ReadAgain`] says to look before writing again. Where one does, it is sent, and the write is tried
//!   again like a read.
//! - Calls keep within the documented quotas, and a service that is down is left alone for a while.
//! - What breaks a documented limit is an error before anything is sent.
//! - Lists are read as streams, a page at a time, and lose nothing that stays: see `paging`.
//! - Work in another account is a [`Session::in_role`].
//! - Time, waiting and randomness come through [`System`].
//! - Nothing that is signed with, and no token, gets into an error.

mod call;
mod client;
mod credentials;
mod endpoints;
mod limits;
mod operations;
mod paging;
mod session;
mod settings;
mod system;

pub use call::access_denied::Denied;
pub use call::error::{CallError, Cause, ErrorKind, Remedy, Scope};
pub use client::Client;
pub use credentials::Role;
pub use endpoints::{Endpoints, Network, Product};
pub use limits::rate_limiter::Quotas;
pub use limits::retry::Retry;
pub use operations::details::{
    Attachment, Ipv6Address, Ipv6CidrBlock, NetworkInterface, PrivateIp, PublicIp, VSwitch, Vpc,
};
pub use operations::ecr::{EcrFilter, EcrFlowLogAttributes, EcrFlowLogChange, EcrFlowLogFilter, EcrInstanceFilter};
pub use operations::ecs::NetworkInterfaceFilter;
pub use operations::sts::{AssumeRole, AssumedRole, CallerIdentity};
pub use operations::tags::{AttachedTag, TagFilter, TaggedType};
pub use operations::vpc::{
    CreatedFlowLog, FlowLogAttributes, FlowLogExtras, FlowLogFilter, Movable, Region, ServiceOpening, VSwitchFilter,
    VpcFilter,
};
pub use paging::listing::{Entry, Listing, UnreadableItem};
pub use session::{NoTimeLeft, ROLE_SESSION_NAME, Session, Writes};
pub use settings::{ClientSettings, SignatureMethod};
pub use signing::Credentials;
pub use system::{Machine, System};
