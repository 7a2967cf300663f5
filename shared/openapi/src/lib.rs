//! The client of Alibaba Cloud's OpenAPI: endpoints, transport, retry, paging and the calls Flowkeeper makes.
//!
//! A [`Client`] lives as long as the process and holds no key. A [`Session`] is the client with the credentials, the
//! region and the end of one piece of work; the calls are its methods.
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

mod accounts;
mod answer;
mod circuit;
mod client;
mod denied;
mod ecr;
mod ecs;
mod endpoints;
mod error;
mod pace;
mod paging;
mod refusal;
mod request;
mod resources;
mod retry;
mod settings;
mod sts;
mod system;
mod tags;
mod transport;
mod vpc;

pub use accounts::Role;
pub use client::{Client, NoTimeLeft, ROLE_SESSION_NAME, Session};
pub use denied::Denied;
pub use ecr::{EcrFilter, EcrFlowLogAttributes, EcrFlowLogChange, EcrFlowLogFilter, EcrInstanceFilter};
pub use ecs::NetworkInterfaceFilter;
pub use endpoints::{Endpoints, Network, Product};
pub use error::{CallError, Cause, Remedy};
pub use pace::Quotas;
pub use resources::{Attachment, Ipv6Address, Ipv6CidrBlock, NetworkInterface, PrivateIp, PublicIp, VSwitch, Vpc};
pub use retry::Retry;
pub use settings::{ClientSettings, InvalidSetting, SignatureMethod};
pub use signing::Credentials;
pub use sts::{AssumeRole, AssumedRole, CallerIdentity};
pub use system::{Machine, System};
pub use tags::{AttachedTag, TagFilter, TaggedType};
pub use vpc::{
    CreatedFlowLog, FlowLogAttributes, FlowLogExtras, FlowLogFilter, Movable, Region, ServiceOpening, VSwitchFilter,
    VpcFilter,
};
