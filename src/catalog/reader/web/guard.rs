//! Which addresses a name may lead to.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::catalog::config::{AllowedHost, ReadingRules};

/// Names to addresses, without those that a rule does not allow.
pub(super) struct Guard {
    pub(super) rules: ReadingRules,
}

/// A name that leads into a private network.
#[derive(Debug, thiserror::Error)]
#[error("{host} is the private address {address}")]
pub(super) struct Refused {
    pub(super) host: String,
    pub(super) address: IpAddr,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let without_port =
            |rule: &AllowedHost| rule.host.rsplit_once(':').map_or(rule.host.clone(), |(name, _)| name.to_owned());
        let may_be_private = self.rules.allow.iter().any(|rule| {
            let named = without_port(rule).eq_ignore_ascii_case(&host);
            named && (rule.private_addresses || host.eq_ignore_ascii_case("localhost"))
        });
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let private = found.iter().map(SocketAddr::ip).find(|address| is_private(*address));
            match private {
                Some(address) if !may_be_private => Err(Box::new(Refused { host, address }).into()),
                _ => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

/// Addresses that mean something only here: loopback, private, link-local, shared, documentation, multicast…
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast()
                || v4.is_multicast() || v4.is_documentation() || a == 0 || a >= 240
                || (a == 100 && (64..128).contains(&b)) // shared by carriers
                || (a == 198 && matches!(b, 18 | 19)) // benchmarks
                || (a == 192 && b == 0 && v4.octets()[2] == 0) // protocol assignments
        }
        IpAddr::V6(v6) => v6.to_ipv4_mapped().or_else(|| embedded(v6)).map_or_else(
            || {
                v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
            },
            |v4| is_private(IpAddr::V4(v4)),
        ),
    }
}

/// The IPv4 address inside a NAT64 or 6to4 address.
fn embedded(address: Ipv6Addr) -> Option<std::net::Ipv4Addr> {
    let join = |high: u16, low: u16| std::net::Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_may_lead_to_a_private_address_only_if_configuration_says_so() {
        // A written address stands for a name: what it means is certain on every machine.
        let check = async |private_addresses| {
            let host = "127.0.0.1:8080".to_owned();
            let allow = vec![AllowedHost { host, paths: None, private_addresses }];
            let guard = Guard { rules: ReadingRules { allow, ..ReadingRules::default() } };
            let resolved = guard.resolve("127.0.0.1".parse().unwrap()).await;
            resolved.map(Iterator::count).map_err(|error| error.to_string())
        };
        assert_eq!(check(false).await, Err("127.0.0.1 is the private address 127.0.0.1".to_owned()));
        assert_eq!(check(true).await, Ok(1));
    }

    #[test]
    fn private_addresses_are_known_in_every_disguise() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
        ];
        for address in private {
            assert!(is_private(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(!is_private(address.parse().unwrap()), "{address}");
        }
    }
}
