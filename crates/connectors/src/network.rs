//! Networks that a connector may reach. Nothing is reachable that no network names; and a network that is wider than a
//! range with a special meaning (loopback, private, link-local, …) does not open that range.

#[cfg(test)]
mod tests;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use crate::error::Error;

/// A network in CIDR form, such as `10.1.0.0/16`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpNet {
    base: IpAddr,
    prefix: u8,
}

impl IpNet {
    const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> IpNet {
        IpNet { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    const fn v6(bits: u128, prefix: u8) -> IpNet {
        IpNet { base: IpAddr::V6(Ipv6Addr::from_bits(bits)), prefix }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                base.to_bits() == address.to_bits() & mask
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                base.to_bits() == address.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    fn within(&self, other: &IpNet) -> bool {
        self.prefix >= other.prefix && other.contains(self.base)
    }
}

impl FromStr for IpNet {
    type Err = Error;

    fn from_str(text: &str) -> Result<IpNet, Error> {
        let wrong = |why: &str| Error::Config(format!("allowed network `{text}`: {why}"));
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let base: IpAddr =
            address.parse().map_err(|_| wrong("not an address; write `10.1.0.0/16` or `2001:db8::/32`"))?;
        let bits = if base.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            "" if !text.contains('/') => bits,
            prefix => prefix
                .parse()
                .ok()
                .filter(|p| *p <= bits)
                .ok_or_else(|| wrong("the prefix length is wrong"))?,
        };
        let net = IpNet { base, prefix };
        if !net.contains(base) {
            return Err(wrong("the address has bits beyond the prefix; set them to zero"));
        }
        Ok(net)
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

/// The networks of one connector.
#[derive(Debug, Clone)]
pub(crate) struct Networks(Vec<IpNet>);

impl Networks {
    pub(crate) fn new(allowed: Vec<IpNet>) -> Networks {
        Networks(allowed)
    }

    /// Whether a connection to this address may be used. The error says why not.
    pub(crate) fn check(&self, address: IpAddr) -> Result<(), String> {
        // An address that carries an IPv4 address may end at that one, so both must be allowed.
        let both = self.allows(address) && embedded(address).is_none_or(|inner| self.allows(inner.into()));
        if both {
            Ok(())
        } else {
            Err(format!("address {address} is not in the connector's allowed networks"))
        }
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.0.iter().filter(|net| net.contains(address)).any(|net| {
            SPECIAL.iter().filter(|special| special.contains(address)).all(|special| net.within(special))
        })
    }
}

/// The IPv4 address that an IPv6 address carries, if it is of a form that does.
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let low = |bits: u128| Ipv4Addr::from_bits(u32::try_from(bits & u128::from(u32::MAX)).unwrap_or(0));
    let bits = address.to_bits();
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // IPv4-compatible and IPv4-mapped (RFC 4291 section 2.5.5), translated (RFC 2765), NAT64 (RFC 6052, RFC 8215).
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] => Some(low(bits)),
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] | [0x64, 0xff9b, 1, ..] => Some(low(bits)),
        // 6to4 (RFC 3056) and Teredo (RFC 4380 section 4), whose client is written inverted.
        [0x2002, ..] => Some(low(bits >> 80)),
        [0x2001, 0, ..] => Some(low(!bits)),
        _ => None,
    }
}

/// Ranges of the IANA special-purpose registries, and the well-known addresses of cloud metadata services. The last
/// stand by themselves, so that not even their own range opens them.
const SPECIAL: [IpNet; 39] = [
    IpNet::v4(0, 0, 0, 0, 8),
    IpNet::v4(10, 0, 0, 0, 8),
    IpNet::v4(100, 64, 0, 0, 10),
    IpNet::v4(127, 0, 0, 0, 8),
    IpNet::v4(169, 254, 0, 0, 16),
    IpNet::v4(172, 16, 0, 0, 12),
    IpNet::v4(192, 0, 0, 0, 24),
    IpNet::v4(192, 0, 2, 0, 24),
    IpNet::v4(192, 88, 99, 0, 24),
    IpNet::v4(192, 168, 0, 0, 16),
    IpNet::v4(198, 18, 0, 0, 15),
    IpNet::v4(198, 51, 100, 0, 24),
    IpNet::v4(203, 0, 113, 0, 24),
    IpNet::v4(224, 0, 0, 0, 4),
    IpNet::v4(240, 0, 0, 0, 4),
    IpNet::v6(0, 3),
    IpNet::v6(0, 96),
    IpNet::v6(0, 128),
    IpNet::v6(1, 128),
    IpNet::v6(0xffff << 32, 96),
    IpNet::v6(0xffff << 48, 96),
    IpNet::v6(0x0064_ff9b << 96, 96),
    IpNet::v6(0x0064_ff9b_0001 << 80, 48),
    IpNet::v6(0x0100 << 112, 64),
    IpNet::v6(0x2001 << 112, 23),
    IpNet::v6(0x2001 << 112, 32),
    IpNet::v6(0x2001_0db8 << 96, 32),
    IpNet::v6(0x2002 << 112, 16),
    IpNet::v6(0x4000 << 112, 2),
    IpNet::v6(0x8000 << 112, 1),
    IpNet::v6(0xfc00 << 112, 7),
    IpNet::v6(0xfe80 << 112, 10),
    IpNet::v6(0xfec0 << 112, 10),
    IpNet::v6(0xff00 << 112, 8),
    IpNet::v4(169, 254, 169, 254, 32),
    IpNet::v4(100, 100, 100, 200, 32),
    IpNet::v4(168, 63, 129, 16, 32),
    IpNet::v4(192, 0, 0, 192, 32),
    IpNet::v6(0xfd00_0ec2 << 96 | 0x254, 128),
];
