//! What flow logs cost, what their schedules save, and what Flowkeeper costs.
//!
//! Pure: volumes go in, amounts come out. Nothing here reads an account, a file or a clock.
//!
//! - **An amount says where it comes from.** A volume is measured, estimated or unknown, and so is all that is computed
//!   from it. What is unknown is never zero.
//! - **One currency at a time.** A [`PriceTable`] has one, a [`Statement`] takes it over, and nothing converts.
//! - **Whole numbers.** Amounts are millionths of the currency. Each line is rounded once, to the nearest millionth, and
//!   half a millionth up. Shares are rounded so that their sum is the total, exactly.
//! - **Tiers and the free volume belong to an account in a region and month**, not to a flow log. So a flow log has a
//!   *share* of the region's cost, by bytes, and a *marginal* cost, what the region would cost less without it. The sum of
//!   the shares is the total; the sum of the marginal costs is not.
//!
//! A GB here is 2^30 bytes, since the vendor counts 1,024 GB to a TB.

mod deployment;
mod duplicates;
mod estimate;
mod functions;
mod money;
mod prices;
mod profile;
mod region;
mod statement;
mod volume;

pub use deployment::{Deployment, LogUsage};
pub use duplicates::duplicates;
pub use estimate::{RECORD_BYTES, Traffic};
pub use functions::{FunctionCost, FunctionUsage};
pub use money::{Amount, Currency, InvalidRate, Rate};
pub use prices::{InvalidPrices, PriceTable, Tier};
pub use profile::{HOURS, Hour, Profile, Saved, Saving, hours_on, saved};
pub use region::{FlowLogCost, FlowLogUsage, LogStoreUsage, Metering, RegionCost, RegionUsage};
pub use statement::Statement;
pub use volume::{Basis, Bytes, Volume};
