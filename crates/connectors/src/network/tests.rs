//! Which addresses lie in which networks, in all their forms.

use std::net::{IpAddr, Ipv6Addr};

use proptest::prelude::*;

use super::{IpNet, Networks};

fn networks(list: &[&str]) -> Networks {
    Networks::new(list.iter().map(|text| text.parse().unwrap()).collect())
}

fn allowed(list: &[&str], address: &str) -> bool {
    networks(list).check(address.parse().unwrap()).is_ok()
}

const PUBLIC: [&str; 3] = ["0.0.0.0/0", "::/0", "2000::/3"];

#[test]
fn nothing_is_reached_by_default() {
    for address in ["93.184.216.34", "127.0.0.1", "10.0.0.1", "2606:4700::1", "::1"] {
        assert!(!allowed(&[], address), "{address}");
    }
}

#[test]
fn wide_networks_open_public_addresses_only() {
    for address in ["93.184.216.34", "1.1.1.1", "2606:4700::1", "2a00:1450:4001::1"] {
        assert!(allowed(&PUBLIC, address), "{address}");
    }
    let special = [
        "0.0.0.0",
        "0.1.2.3",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.168.1.1",
        "168.63.129.16",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.216.34",
        "::ffff:0:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::5db8:d822",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:5db8:d822::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "5f00::1",
    ];
    for address in special {
        assert!(!allowed(&PUBLIC, address), "{address}");
    }
}

#[test]
fn a_network_within_a_special_range_opens_it() {
    assert!(allowed(&["10.1.0.0/16"], "10.1.2.3"));
    assert!(!allowed(&["10.1.0.0/16"], "10.2.2.3"));
    assert!(allowed(&["127.0.0.1"], "127.0.0.1"));
    assert!(!allowed(&["127.0.0.1"], "127.0.0.2"));
    assert!(allowed(&["::1"], "::1"));
    assert!(allowed(&["fd00::/8"], "fd12::1"));
    assert!(allowed(&["fe80::/10"], "fe80::1"));
}

#[test]
fn metadata_addresses_open_only_by_name() {
    assert!(allowed(&["169.254.0.0/16"], "169.254.1.1"));
    assert!(!allowed(&["169.254.0.0/16"], "169.254.169.254"));
    assert!(allowed(&["169.254.169.254/32"], "169.254.169.254"));
    assert!(!allowed(&["fd00::/8"], "fd00:ec2::254"));
    assert!(!allowed(&["100.64.0.0/10"], "100.100.100.200"));
}

#[test]
fn addresses_that_carry_another_need_both() {
    assert!(!allowed(&["127.0.0.0/8"], "::ffff:127.0.0.1"));
    assert!(!allowed(&["::ffff:0:0/96"], "::ffff:127.0.0.1"));
    assert!(allowed(&["::ffff:0:0/96", "127.0.0.0/8"], "::ffff:127.0.0.1"));
    assert!(!allowed(&["64:ff9b::/96", "0.0.0.0/0"], "64:ff9b::a9fe:a9fe"));
    assert!(allowed(&["64:ff9b::/96", "0.0.0.0/0"], "64:ff9b::5db8:d822"));
    assert!(!allowed(&["2002::/16", "0.0.0.0/0"], "2002:a00:1::1"));
}

#[test]
fn networks_have_one_spelling() {
    for bad in [
        "",
        "x",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.1/8",
        "::/129",
        "010.0.0.0/8",
        "10.0.0/8",
        "10.0.0.0/-1",
    ] {
        let error = bad.parse::<IpNet>().unwrap_err().to_string();
        assert!(error.contains(&format!("`{bad}`")), "{error}");
    }
    assert_eq!("10.0.0.7".parse::<IpNet>().unwrap().to_string(), "10.0.0.7/32");
    assert_eq!("0.0.0.0/0".parse::<IpNet>().unwrap().to_string(), "0.0.0.0/0");
    assert_eq!("::/0".parse::<IpNet>().unwrap().to_string(), "::/0");
}

proptest! {
    /// No IPv6 form of a loopback or private IPv4 address gets through networks for public addresses.
    #[test]
    fn no_form_of_a_special_address_is_public(low in any::<u32>(), form in 0usize..5) {
        let v4 = u128::from(0x0a00_0000 | (low & 0x00ff_ffff));
        let bits = match form {
            0 => v4,
            1 => 0xffff << 32 | v4,
            2 => 0x0064_ff9b << 96 | v4,
            3 => 0x2002 << 112 | v4 << 80,
            _ => 0x2001 << 112 | (!v4 & 0xffff_ffff),
        };
        prop_assert!(networks(&PUBLIC).check(IpAddr::V6(Ipv6Addr::from_bits(bits))).is_err());
    }
}
