//! The address of a system as the configuration writes it.

#[cfg(test)]
mod tests;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use hyper::Uri;

use crate::error::Error;

/// An `http` or `https` URL of a host, with an optional port and path; no user, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) tls: bool,
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// For the `Host` header.
    pub(crate) authority: String,
    /// What goes before every path: empty, or starts with `/` and does not end with one.
    pub(crate) base: String,
}

impl Endpoint {
    /// The address, if the host is one and not a name.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Endpoint, Error> {
        // The text is not quoted where it may hold a password.
        let wrong = |why: &str| Error::Config(format!("endpoint: {why}; write `https://host:port/path`"));
        if text.contains('@') {
            return Err(wrong("a user or password does not belong here; put credentials into `secret`"));
        }
        let wrong = |why: &str| Error::Config(format!("endpoint `{text}`: {why}"));
        if text.contains(['?', '#']) {
            return Err(wrong("it has a query or fragment; leave it out"));
        }
        let uri: Uri = text.parse().map_err(|_| wrong("not a URL; write `https://host:port/path`"))?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(wrong("it must start with `https://` or `http://`")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("the host is missing"))?;
        let host = checked_host(authority.host()).map_err(wrong)?;
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str().len() == authority.host().len() => {
                if tls {
                    443
                } else {
                    80
                }
            }
            None => return Err(wrong("the port is not a number from 1 to 65535")),
        };
        let base = uri.path().trim_end_matches('/').to_owned();
        Ok(Endpoint { tls, host, port, authority: authority.as_str().to_owned(), base })
    }
}

/// A name or an address in its one usual spelling. Resolvers read further spellings of IPv4 addresses (octal,
/// hexadecimal, fewer parts); a person who reads the configuration would not see which address that is.
fn checked_host(host: &str) -> Result<String, &'static str> {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address = inner.parse::<std::net::Ipv6Addr>().map_err(|_| "the host is not an IPv6 address")?;
        return Ok(address.to_string());
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or(name);
    let numeric = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    let hex = |label: &str| {
        label.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    if numeric(last) || hex(&last.to_ascii_lowercase()) {
        let address = name.parse::<Ipv4Addr>();
        return address
            .map(|a| a.to_string())
            .map_err(|_| "the host is not an IPv4 address of four decimal parts");
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if !name.bytes().all(plain) || name.split('.').any(str::is_empty) {
        return Err("the host is not a name");
    }
    Ok(host.to_owned())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.base)
    }
}
