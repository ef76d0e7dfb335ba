//! Which broker, and what of it: `#live=orders/0`, and `&broker=https%3A%2F%2Fbroker.lan` if it is another than the page's.

use crate::state::share::{decode, encode};
use crate::text::live as text;

/// Where a broker is. The default is where the page comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Broker(String);

impl Broker {
    /// Reads what somebody typed: `broker.lan:8080`, or with `http://` or `https://`. Nothing is the page's own.
    ///
    /// # Errors
    /// Why that is no address.
    pub(crate) fn parse(typed: &str) -> Result<Self, String> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Ok(Self::default());
        }
        let (scheme, name) = typed.split_once("://").unwrap_or(("http", typed));
        let name = name.trim_end_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]/~".contains(c);
        let named =
            name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') && name.chars().all(plain);
        match scheme {
            "http" | "https" if named => Ok(Self(format!("{scheme}://{name}"))),
            _ => Err(text::no_address(typed)),
        }
    }

    /// What its paths stand behind.
    pub(crate) fn base(&self) -> &str {
        &self.0
    }

    /// Whether it is where the page comes from.
    pub(crate) fn is_own(&self) -> bool {
        self.0.is_empty()
    }
}

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) topic: String,
    pub(crate) partition: u32,
}

impl Place {
    /// Its path in the HTTP API.
    pub(crate) fn path(&self) -> String {
        format!("/topics/{}/partitions/{}", self.topic, self.partition)
    }

    fn parse(text: &str) -> Option<Self> {
        let (topic, partition) = text.rsplit_once('/')?;
        // A name that is none must not lead to another path.
        let named =
            !topic.is_empty() && topic.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let dots = topic.chars().all(|c| c == '.');
        let partition = partition.parse().ok()?;
        (named && !dots).then(|| Self { topic: topic.to_owned(), partition })
    }
}

/// What an address asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) broker: Broker,
    /// Without it, one is to be chosen.
    pub(crate) place: Option<Place>,
}

impl Address {
    /// The address's part from `#` on.
    pub(crate) fn hash(&self) -> String {
        let place = self.place.as_ref().map(|place| format!("={}/{}", encode(&place.topic), place.partition));
        let broker = (!self.broker.is_own()).then(|| format!("&broker={}", encode(self.broker.base())));
        format!("#live{}{}", place.unwrap_or_default(), broker.unwrap_or_default())
    }

    /// Reads an address's part from `#` on; `None` if it does not ask for a broker's log.
    ///
    /// # Errors
    /// The part that is not understood.
    pub(crate) fn parse(hash: &str) -> Result<Option<Self>, String> {
        let mut parts =
            hash.trim_start_matches('#').split('&').map(|part| part.split_once('=').unwrap_or((part, "")));
        let Some(("live", place)) = parts.next() else { return Ok(None) };
        let mut address = Self::default();
        let place = decode(place)?;
        if !place.is_empty() {
            address.place = Some(Place::parse(&place).ok_or_else(|| text::no_place(&place))?);
        }
        for (name, value) in parts {
            match name {
                "broker" => address.broker = Broker::parse(&decode(value)?)?,
                _ => return Err(text::unknown_part(name)),
            }
        }
        Ok(Some(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(topic: &str, partition: u32) -> Option<Place> {
        Some(Place { topic: topic.to_owned(), partition })
    }

    #[test]
    fn addresses_read_back() {
        let elsewhere = Broker::parse("https://broker.lan:8443").unwrap();
        for (broker, place, hash) in [
            (Broker::default(), None, "#live"),
            (Broker::default(), place("orders", 0), "#live=orders/0"),
            (Broker::default(), place("a.b_c-", 12), "#live=a.b_c%2D/12"),
            (elsewhere, place("orders", 1), "#live=orders/1&broker=https://broker.lan:8443"),
        ] {
            let address = Address { broker, place };
            assert_eq!(address.hash(), hash);
            assert_eq!(Address::parse(hash), Ok(Some(address)));
        }
        assert_eq!(Address::parse("#v=1&step=3"), Ok(None));
        assert_eq!(Address::parse(""), Ok(None));
    }

    #[test]
    fn what_is_no_address_is_named() {
        for (hash, fragment) in [
            ("#live=orders", "orders"),
            ("#live=../x/0", "../x/0"),
            ("#live=../0", "../0"),
            ("#live=orders/-1", "orders/-1"),
            ("#live=orders/0&step=3", "step"),
            ("#live=orders/0&broker=ftp://a", "ftp://a"),
            ("#live=%zz", "%"),
        ] {
            let refused = Address::parse(hash).unwrap_err();
            assert!(refused.contains(fragment), "{hash}: {refused}");
        }
    }

    #[test]
    fn a_broker_is_typed_as_one_likes() {
        let base = |typed: &str| Broker::parse(typed).map(|broker| broker.base().to_owned());
        assert_eq!(base(" broker.lan:8080/ "), Ok("http://broker.lan:8080".to_owned()));
        assert_eq!(base("https://[::1]:80"), Ok("https://[::1]:80".to_owned()));
        assert_eq!(base(""), Ok(String::new()));
        for bad in
            ["a b", "http://", "javascript:alert(1)", "javascript://x", "//evil", "http://a?b", "http://a@b"]
        {
            assert!(base(bad).is_err(), "{bad}");
        }
    }
}
