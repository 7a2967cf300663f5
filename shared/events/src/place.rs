//! Whose a thing is, and where.

use std::str::FromStr;

use flow_log::{AccountId, InvalidId, RegionId};

use crate::Unfit;

/// Whose a thing is, and where, as far as the event says. What it leaves out is the function's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The account that owns it, which is not always the one whose bus the event came by.
    pub account: Option<AccountId>,
    /// The region that it is in.
    pub region: Option<RegionId>,
}

/// The first that is there. It has to be good: to look further would be to look somewhere else.
pub(crate) fn first<T, const N: usize>(candidates: [(&str, Option<&str>); N]) -> Result<Option<T>, Unfit>
where
    T: FromStr<Err = InvalidId>,
{
    let there = candidates.into_iter().find_map(|(field, text)| Some((field, text?)));
    there.map(|(field, text)| text.parse().map_err(|why| Unfit::Broken(format!("{field}: {why}")))).transpose()
}
