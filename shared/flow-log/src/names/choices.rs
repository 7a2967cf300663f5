//! Options of flow logs: closed sets of words.

use std::{fmt, str::FromStr};

/// Defines a closed set of words, each with its text. The error for any other text lists them all.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident, $what:literal, { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The texts of all variants.
            pub const ALL: &[&str] = &[$($text),+];

            /// The text as it is sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = InvalidChoice;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(InvalidChoice { given: text.chars().take(80).collect(), what: $what, all: Self::ALL }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// The error for a text that is not one of the choices; lists them all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not {what}: one of {}", .all.join(", "))]
pub struct InvalidChoice {
    given: String,
    what: &'static str,
    all: &'static [&'static str],
}

choice!(
    /// Which traffic a flow log records.
    TrafficType, "a traffic type", {
        /// Accepted and refused traffic.
        All = "All",
        /// Traffic that access control allowed.
        Allow = "Allow",
        /// Traffic that access control refused.
        Drop = "Drop",
    }
);

choice!(
    /// How long traffic is aggregated before a line is written, in minutes.
    AggregationInterval, "an aggregation interval in minutes", {
        /// One minute.
        One = "1",
        /// Five minutes.
        Five = "5",
        /// Ten minutes: the API's default, and the cheapest.
        Ten = "10",
    }
);

choice!(
    /// Which traffic path a flow log records. Anything but `all` must be enabled by a ticket with Alibaba Cloud.
    TrafficPath, "a traffic path", {
        /// Every path.
        All = "all",
        /// Through an Internet gateway.
        InternetGateway = "internetGateway",
        /// Through a NAT gateway.
        NatGateway = "natGateway",
        /// Through a VPN gateway.
        VpnGateway = "vpnGateway",
        /// Through a transit router.
        TransitRouter = "transitRouter",
        /// Through a gateway endpoint.
        GatewayEndpoint = "gatewayEndpoint",
        /// Through a virtual border router.
        Vbr = "vbr",
        /// Through an Express Connect Router.
        Ecr = "ecr",
        /// Through an IPv4 gateway.
        Ipv4Gateway = "ipv4Gateway",
        /// Through a Gateway Load Balancer endpoint.
        GatewayLoadBalancerEndpoint = "gatewayLoadBalancerEndpoint",
    }
);

choice!(
    /// Which IP version a flow log records. The documents mention only one.
    IpVersion, "an IP version", {
        /// IPv4.
        Ipv4 = "IPv4",
    }
);

choice!(
    /// Which share of the packets a flow log of an Express Connect Router samples.
    #[derive(Default)]
    SamplingRate, "a sampling rate", {
        /// One in 4,096: the API's default.
        #[default]
        OneIn4096 = "1:4096",
        /// One in 2,048.
        OneIn2048 = "1:2048",
        /// One in 1,024.
        OneIn1024 = "1:1024",
    }
);

choice!(
    /// How long an Express Connect Router aggregates traffic before a line is written, in **seconds**.
    #[derive(Default)]
    EcrInterval, "an interval in seconds", {
        /// One minute.
        OneMinute = "60",
        /// Ten minutes: the API's default, and the cheapest.
        #[default]
        TenMinutes = "600",
    }
);

choice!(
    /// A word that the tag `flowkeeper` on a resource may hold.
    TagWord, "a word of the tag flowkeeper", {
        /// The flow log is left alone.
        Ignore = "ignore",
        /// The flow log is on.
        On = "on",
        /// The flow log is off.
        Off = "off",
        /// The flow log is on until a given time.
        OnUntil = "on-until",
        /// The flow log is off until a given time.
        OffUntil = "off-until",
        /// The flow log follows a schedule.
        Schedule = "schedule",
    }
);

impl TagWord {
    /// The key of that tag.
    pub const KEY: &str = "flowkeeper";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_choice_is_answered_with_all_there_are() {
        assert_eq!(
            "all".parse::<TrafficType>().unwrap_err().to_string(),
            "\"all\" is not a traffic type: one of All, Allow, Drop"
        );
    }
}
