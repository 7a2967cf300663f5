//! Event buses. Each account has a default bus in each region, and custom ones where somebody made them.

use std::fmt;

use serde::Serialize;

use crate::world::state::Place;

/// The name of an account's own bus in each region.
pub(crate) const DEFAULT: &str = "default";

/// An event bus.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EventBus {
    /// The owner.
    pub account: String,
    /// The region.
    pub region: String,
    /// `default`, or the name of a custom bus.
    pub name: String,
}

impl EventBus {
    /// Returns a bus.
    pub fn new(account: &str, region: &str, name: &str) -> Self {
        Self { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() }
    }

    /// Returns the bus that the events of an account and region reach first.
    pub fn default_of(place: &Place) -> Self {
        Self::new(&place.account, &place.region, DEFAULT)
    }

    pub(crate) fn is_default(&self) -> bool {
        self.name == DEFAULT
    }

    /// Returns the ARN, which is also the endpoint of a target.
    pub(crate) fn arn(&self) -> String {
        format!("acs:eventbridge:{}:{}:eventbus/{}", self.region, self.account, self.name)
    }

    /// Parses an ARN.
    pub(crate) fn of_arn(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.strip_prefix("acs:eventbridge:")?.splitn(3, ':').collect();
        let [region, account, rest] = parts.as_slice() else { return None };
        Some(Self::new(account, region, rest.strip_prefix("eventbus/")?))
    }
}

impl fmt::Display for EventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, region, name } = self;
        write!(f, "{name} bus of {account} in {region}")
    }
}
