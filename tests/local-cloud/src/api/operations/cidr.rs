//! IPv4 blocks, and which of them are valid for VPCs and vSwitches.

use std::net::Ipv4Addr;

/// An IPv4 block such as `10.0.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    network: u32,
    bits: u32,
}

/// Ranges that no VPC can have: shared, multicast, loopback and link-local addresses.
const RESERVED: [&str; 4] = ["100.64.0.0/10", "224.0.0.0/4", "127.0.0.0/8", "169.254.0.0/16"];

impl Cidr {
    /// Parses a block. Its address must be the first one in the block.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let (address, bits) = (address.parse::<Ipv4Addr>().ok()?, bits.parse::<u32>().ok()?);
        let block = Self { network: address.to_bits(), bits };
        (bits <= 32 && block.network & block.mask() == block.network).then_some(block)
    }

    fn mask(self) -> u32 {
        // A shift by all 32 bits would overflow.
        u32::MAX.checked_shl(32 - self.bits).unwrap_or_default()
    }

    /// Returns whether this block contains all of another one.
    pub(crate) fn contains(self, other: Self) -> bool {
        self.bits <= other.bits && other.network & self.mask() == self.network
    }

    /// Returns whether a VPC can have the block.
    pub(crate) fn is_for_vpc(text: &str) -> bool {
        let reserved =
            |block| RESERVED.iter().filter_map(|range| Self::parse(range)).any(|range| range.contains(block));
        Self::parse(text)
            .is_some_and(|block| (8..=28).contains(&block.bits) && block.network >> 24 != 0 && !reserved(block))
    }

    /// Returns whether a vSwitch can have the block, in some VPC.
    pub(crate) fn is_for_vswitch(text: &str) -> bool {
        Self::parse(text).is_some_and(|block| (16..=29).contains(&block.bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vpc_can_have_the_documented_blocks() {
        for (text, of_vpc, of_vswitch) in [
            ("10.0.0.0/8", true, false),
            ("10.0.0.0/16", true, true),
            ("192.168.0.16/28", true, true),
            ("192.168.0.16/29", false, true),
            ("192.168.0.16/30", false, false),
            ("1.0.0.0/8", true, false),
            ("1.2.3.4/5", false, false),
            ("0.0.0.0/5", false, false),
            ("0.0.0.0/8", false, false),
            ("10.1.0.0/8", false, false),
            ("10.0.0.1/16", false, false),
            ("100.64.0.0/10", false, false),
            ("100.127.0.0/16", false, true),
            ("100.128.0.0/16", true, true),
            ("127.0.0.0/8", false, false),
            ("169.254.0.0/16", false, true),
            ("239.0.0.0/8", false, false),
            ("10.0.0/16", false, false),
            ("10.0.0.0/33", false, false),
            ("10.0.0.0", false, false),
        ] {
            assert_eq!((Cidr::is_for_vpc(text), Cidr::is_for_vswitch(text)), (of_vpc, of_vswitch), "{text}");
        }
        assert!(Cidr::parse("0.0.0.0/0").unwrap().contains(Cidr::parse("10.0.0.0/32").unwrap()));
        assert!(!Cidr::parse("10.0.0.0/16").unwrap().contains(Cidr::parse("10.0.0.0/15").unwrap()));
        assert!(!Cidr::parse("10.0.0.0/16").unwrap().contains(Cidr::parse("10.1.0.0/24").unwrap()));
    }
}
