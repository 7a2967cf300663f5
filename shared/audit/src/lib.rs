//! Reads what evidence is made of: one path for `flowkeeper report` and for the function `report-flow-logs`.
//!
//! A caller sweeps with a [`Gathering`] as observer, in a run that writes nothing. [`audit`] keeps what the sweep read,
//! asks for what only an auditor wants to know (whether records arrive, for how long they are kept, whether the service
//! is open), and draws the conclusions.

mod audit;
mod clock_offset;
mod gathering;
mod own_binary;
#[cfg(test)]
mod testing;

pub use audit::{
    About, Advice, Audited, Swept, TooMuch, audit, callers, for_operators, gather_whole, roster, scope_left_out,
};
pub use gathering::{Gathered, Gathering, Place};
pub use own_binary::own_binary;
