//! Addresses of mails: plain ones only. What could end a header line, name a second one or hide a comment is refused.

use std::fmt;

/// `name@example.org`
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

/// A text that is no address. It may be a secret, so it is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAddress;

/// So many may stand in one text.
const MOST: usize = 20;
/// RFC 5321, 4.5.3.1.
const LONGEST: usize = 254;

impl Address {
    /// One address.
    pub fn parse(text: &str) -> Result<Address, BadAddress> {
        let text = text.trim();
        let (name, host) = text.rsplit_once('@').ok_or(BadAddress)?;
        let atoms = |text: &str, also: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
            !text.is_empty() && text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(plain))
        };
        let good = text.len() <= LONGEST && atoms(name, "!#$%&'*+-/=?^_`{|}~") && atoms(host, "-");
        if good { Ok(Address(text.to_owned())) } else { Err(BadAddress) }
    }

    /// One or several, with commas between them.
    pub fn list(text: &str) -> Result<Vec<Address>, BadAddress> {
        let all: Vec<Address> = text.split(',').map(Address::parse).collect::<Result<_, _>>()?;
        if all.len() <= MOST { Ok(all) } else { Err(BadAddress) }
    }

    /// The address.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`.
    pub fn host(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, host)| host)
    }
}

/// An address tells who somebody is.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_are_taken_and_whatever_could_become_a_header_is_not() {
        for good in ["dqt@education.gov.uk", "a.b+c@x.example", " team-1@localhost "] {
            assert_eq!(Address::parse(good).map(|a| a.text().to_owned()), Ok(good.trim().to_owned()));
        }
        assert_eq!(Address::list("a@b.c, d@e.f").unwrap().len(), 2);
        assert_eq!(Address::parse("a@b.c").unwrap().host(), "b.c");
        for bad in [
            "",
            "nobody",
            "@x.org",
            "a@",
            "a@b@c d",
            "a@b.c\nBcc: x@y.z",
            "a@b.c\r\nSubject: x",
            "Ann <a@b.c>",
            "a@b.c (comment)",
            "\"a b\"@c.d",
            "a..b@c.d",
            "ä@b.c",
            "a@b.c;d@e.f",
            "a@b.c,",
        ] {
            assert!(Address::list(bad).is_err(), "{bad:?}");
        }
        assert!(Address::list(&vec!["a@b.c"; 21].join(",")).is_err());
        assert!(Address::parse(&format!("{}@b.c", "a".repeat(260))).is_err());
    }
}
