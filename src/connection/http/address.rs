//! Which addresses a call may go to. The name is looked up once per connection, every address is judged, and the
//! connection is made to an address that was judged: no second look-up can slip another one in.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

/// What kind of place an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The public internet.
    Public,
    /// This machine.
    Loopback,
    /// A private network.
    Private,
    /// The local link.
    LinkLocal,
    /// Where a cloud hands out credentials.
    Metadata,
    /// No single machine: unspecified, multicast, reserved, for documentation.
    Nowhere,
}

impl Place {
    /// Of an address; an IPv4 address inside an IPv6 one counts as itself.
    pub fn of(address: IpAddr) -> Place {
        match address {
            IpAddr::V4(v4) => of_v4(v4),
            IpAddr::V6(v6) => embedded(v6).map_or_else(|| of_v6(v6), of_v4),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Place::Public => "a public address",
            Place::Loopback => "this machine",
            Place::Private => "an address inside a private network",
            Place::LinkLocal => "an address of the local link",
            Place::Metadata => "where a cloud hands out credentials",
            Place::Nowhere => "no address of a single machine",
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Place {
    match address.octets() {
        [127, ..] => Place::Loopback,
        [169, 254, 169, 254] | [100, 100, 100, 200] => Place::Metadata,
        [169, 254, ..] => Place::LinkLocal,
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => Place::Private,
        [0 | 224..=255, ..]
        | [192, 0, 0 | 2, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [192, 88, 99, _] => Place::Nowhere,
        _ => Place::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Place {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Place::Loopback,
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => Place::Metadata,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Place::Private,
        [0xfe80..=0xfebf, ..] => Place::LinkLocal,
        // Only 2000::/3 is given out.
        [0x2001, 0x0db8, ..] | [0..=0x1fff | 0x4000..=0xffff, ..] => Place::Nowhere,
        _ => Place::Public,
    }
}

/// The IPv4 address that an IPv6 one stands for: mapped, compatible, NAT64, 6to4, Teredo.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] | [0x64, 0xff9b, .., high, low] => {
            Some(v4(high, low))
        }
        [0x2002, high, low, ..] => Some(v4(high, low)),
        [0x2001, 0, .., high, low] => Some(v4(!high, !low)),
        _ => None,
    }
}

/// Which places are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Addresses inside our own network too.
    pub internal: bool,
    /// Only this machine: HTTP without TLS that was not allowed explicitly.
    pub loopback_only: bool,
}

const INTERNAL: &str = "if the API is meant to be there, say `internal: true` in the connection";

impl Rule {
    /// Judges one address.
    pub fn check(self, host: &str, address: IpAddr) -> Result<(), AddressRefused> {
        let place = Place::of(address);
        let help = match place {
            Place::Loopback if self.internal => return Ok(()),
            Place::Loopback => INTERNAL,
            _ if self.loopback_only => {
                "HTTP without TLS is for loopback addresses; use https, or say `insecure_http: true`"
            }
            Place::Public => return Ok(()),
            Place::Private | Place::LinkLocal if self.internal => return Ok(()),
            Place::Private | Place::LinkLocal => INTERNAL,
            Place::Metadata | Place::Nowhere => "no connection may go there",
        };
        Err(AddressRefused { host: host.to_owned(), address, place, help })
    }
}

/// An address that may not be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressRefused {
    /// The name or address as configured.
    pub host: String,
    /// The address behind it.
    pub address: IpAddr,
    /// What it is.
    pub place: Place,
    /// What to do.
    pub help: &'static str,
}

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.to_string();
        if self.host.trim_matches(['[', ']']) == address {
            write!(f, "{address} is {}", self.place.words())
        } else {
            write!(f, "{} leads to {address}, {}", self.host, self.place.words())
        }
    }
}
impl std::error::Error for AddressRefused {}

/// Names to addresses; a function, so that tests can lie.
pub type Lookup = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> + Send + Sync>;

/// The machine's own look-up.
pub fn system() -> Lookup {
    Arc::new(|host| {
        Box::pin(
            async move { Ok(tokio::net::lookup_host((host.as_str(), 0)).await?.map(|address| address.ip()).collect()) },
        )
    })
}

/// What the HTTP client asks for addresses: only those that the rule allows come out.
pub(super) struct Gate {
    pub host: String,
    pub rule: Rule,
    pub lookup: Lookup,
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, rule, asked) = (self.host.clone(), self.rule, name.as_str().to_owned());
        let found = (self.lookup)(asked.clone());
        Box::pin(async move {
            if !asked.eq_ignore_ascii_case(&host) {
                return Err(format!("`{asked}` is not the host of this connection").into());
            }
            let addresses = found.await?;
            if addresses.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "no address").into());
            }
            // One bad address among good ones is refused too: which one gets called would be a matter of luck.
            for address in &addresses {
                rule.check(&host, *address)?;
            }
            Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_disguise_of_an_inner_address_is_seen_through() {
        for (text, place) in [
            ("8.8.8.8", Place::Public),
            ("127.8.9.1", Place::Loopback),
            ("10.0.0.1", Place::Private),
            ("172.31.255.255", Place::Private),
            ("172.32.0.1", Place::Public),
            ("100.64.0.1", Place::Private),
            ("169.254.169.254", Place::Metadata),
            ("169.254.1.1", Place::LinkLocal),
            ("0.0.0.0", Place::Nowhere),
            ("255.255.255.255", Place::Nowhere),
            ("::1", Place::Loopback),
            ("::", Place::Nowhere),
            ("::ffff:127.0.0.1", Place::Loopback),
            ("::127.0.0.1", Place::Loopback),
            ("::ffff:169.254.169.254", Place::Metadata),
            ("64:ff9b::10.0.0.1", Place::Private),
            ("2002:7f00:1::", Place::Loopback),
            ("2001:0:1:2:3:4:80ff:fffe", Place::Loopback),
            ("fd00:ec2::254", Place::Metadata),
            ("fd12::1", Place::Private),
            ("fe80::1", Place::LinkLocal),
            ("ff02::1", Place::Nowhere),
            ("2606:4700::1", Place::Public),
        ] {
            assert_eq!(Place::of(text.parse().unwrap()), place, "{text}");
        }
        let rule = Rule { internal: true, loopback_only: false };
        assert!(rule.check("h", "10.0.0.1".parse().unwrap()).is_ok());
        assert_eq!(
            rule.check("h", "169.254.169.254".parse().unwrap()).unwrap_err().to_string(),
            "h leads to 169.254.169.254, where a cloud hands out credentials"
        );
    }
}
