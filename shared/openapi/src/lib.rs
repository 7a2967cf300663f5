//! Client for Alibaba Cloud's OpenAPI: endpoints, transport, retry, paging and the calls Flowkeeper makes.
//!
//! A [`Client`] lives as long as the process and holds no access key. A [`Session`] adds the credentials, the account,
//! the region and the deadline of one unit of work. Read calls are methods of the session. Calls that change something
//! are methods of its [`Writes`].
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use openapi::{Client, ClientSettings, Credentials, FlowLogFilter, OsRng, SystemClock};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(ClientSettings::default(), Arc::new(SystemClock), Arc::new(OsRng));
//! let credentials = Credentials::new("an access key id", "its secret");
//! let session = client.session(credentials, "1000000000000001".parse()?, "cn-hangzhou".parse()?, None);
//!
//! let vpc = "vpc-bp1example00000000001".parse()?;
//! let on_it = FlowLogFilter { resource: Some(&vpc), ..FlowLogFilter::default() };
//! for flow_log in session.describe_flow_logs(&on_it).await?.items {
//!     session.writes().activate_flow_log(&flow_log.id).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - Reads are retried here. **A write of unknown outcome is not**: most operations take no client token, so the
//!   error's [`Remedy::ReadAgain`] tells the caller to read the state before writing again. Operations that do take a
//!   token get one, and are retried like reads.
//! - Calls stay within the documented quotas. A circuit breaker stops calls to a service that is down.
//! - Arguments that exceed a documented limit are an error before anything is sent.
//! - Lists are read as streams, one page at a time. An item that exists throughout the read is not lost: see `paging`.
//! - [`Session::in_role`] works in another account.
//! - Operations that are paths (Function Compute, Simple Log Service) are signed as their products want it, whatever
//!   [`SignatureMethod`] says.
//! - Time and waits come from a [`Clock`], randomness from an [`Rng`].
//! - Errors contain no secrets and no tokens.

mod call;
mod client;
mod credentials;
mod endpoints;
mod limits;
mod operations;
mod paging;
mod rng;
mod session;
mod settings;

pub use call::access_denied::AccessDenied;
pub use call::codes::MissingPart;
pub use call::counter::{CallCounter, CallCounts};
pub use call::error::{CallError, Cause};
pub use call::error_kind::{ErrorKind, Remedy, Scope};
pub use call::pipeline::NoTimeLeft;
pub use call::transport::http_client;
pub use call::unreadable_item::UnreadableItem;
pub use client::Client;
pub use clock::{Clock, SystemClock};
pub use credentials::Role;
pub use endpoints::{Endpoints, Network, Product};
pub use limits::rate_limiter::Quotas;
pub use limits::retry::Retry;
pub use operations::assume_role::{AssumeRole, AssumedRole};
pub use operations::bss::{Bill, BillItem, BillingCycle};
pub use operations::cms::{DataPoint, Metric};
pub use operations::details::{
    Attachment, Ipv6Address, Ipv6CidrBlock, NetworkInterface, PrivateIp, PublicIp, VSwitch, Vpc,
};
pub use operations::ecr::{EcrFilter, EcrFlowLogAttributes, EcrFlowLogChange, EcrFlowLogFilter, EcrInstanceFilter};
pub use operations::ecs::NetworkInterfaceFilter;
pub use operations::fc::{AsyncInvocation, AsyncTask, Submission, TaskStatus};
pub use operations::log_records::{Bucket, HourCount, RecordCount, RecordField, RecordFilter, TimeSpan};
pub use operations::oidc::AssumeRoleWithOidc;
pub use operations::sls::{Destination, LogIndex, LogStore, MeteringMode, Project};
pub use operations::sts::CallerIdentity;
pub use operations::tags::{AttachedTag, TagFilter, TaggedType};
pub use operations::vpc::{
    CreatedFlowLog, FlowLogAttributes, FlowLogExtras, FlowLogFilter, Movable, Region, ServiceOpening, VSwitchFilter,
    VpcFilter,
};
pub use paging::listing::{CallRead, Entry, Listing, PageObserver, PageRead};
pub use rng::{OsRng, Rng};
pub use session::{ROLE_SESSION_NAME, Session, Writes};
pub use settings::{ClientSettings, SignatureMethod};
pub use signing::Credentials;
