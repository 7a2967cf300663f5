//! What can have a flow log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What can have a flow log, from the largest to the smallest: a flow log also covers everything inside its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ResourceType {
    /// A virtual private cloud, and with it every network interface in it.
    #[serde(rename = "VPC")]
    Vpc,
    /// A vSwitch, and with it every network interface on it.
    VSwitch,
    /// One elastic network interface.
    NetworkInterface,
}

impl ResourceType {
    /// All types, from the largest to the smallest.
    pub const ALL: [Self; 3] = [Self::Vpc, Self::VSwitch, Self::NetworkInterface];

    /// The VPC API's name for the type, as in `ResourceType`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vpc => "VPC",
            Self::VSwitch => "VSwitch",
            Self::NetworkInterface => "NetworkInterface",
        }
    }

    /// The plural, as in a sentence.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Vpc => "VPCs",
            Self::VSwitch => "vSwitches",
            Self::NetworkInterface => "network interfaces",
        }
    }

    /// How the ids of these resources begin.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Vpc => "vpc-",
            Self::VSwitch => "vsw-",
            Self::NetworkInterface => "eni-",
        }
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vpc => "VPC",
            Self::VSwitch => "vSwitch",
            Self::NetworkInterface => "network interface",
        })
    }
}
