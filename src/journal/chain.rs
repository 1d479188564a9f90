//! The hash chain: every event carries the hash of the one before it, over the bytes as they are stored.
//!
//! `sha256(version, run, seq, prev, sha256(payload))`, each part with its length before it, so that no two lists of parts
//! have the same bytes. Pure: knows neither store nor clock.

use crate::base::{identity::RunId, value::hex};
use sha2::{Digest, Sha256};
use std::fmt;

/// Version of the rule by which hashes are made; a part of each.
pub const VERSION: u32 = 1;

/// 32 bytes of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// From stored bytes; nothing when they are not 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Hash> {
        bytes.try_into().ok().map(Hash)
    }

    /// Of the bytes of a payload.
    pub fn of_payload(payload: &[u8]) -> Hash {
        Hash(Sha256::digest(payload).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0)[2..])
    }
}
impl std::str::FromStr for Hash {
    type Err = ();
    /// 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Hash, ()> {
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(());
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| ())?;
        }
        Ok(Hash(bytes))
    }
}
impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// What stands before the first event of a run: bound to the journal, so that a run cannot be moved to another one.
pub fn genesis(journal: uuid::Uuid, run: RunId) -> Hash {
    framed(&[b"trueup.run", &VERSION.to_be_bytes(), journal.as_bytes(), run.0.as_bytes()])
}

/// The hash of one event. `seq` counts from 1.
pub fn link(run: RunId, seq: u64, prev: Hash, payload: Hash) -> Hash {
    framed(&[b"trueup.event", &VERSION.to_be_bytes(), run.0.as_bytes(), &seq.to_be_bytes(), &prev.0, &payload.0])
}

/// What stands before the first entry of the journal's own chain.
pub fn journal_genesis(journal: uuid::Uuid) -> Hash {
    framed(&[b"trueup.journal", &VERSION.to_be_bytes(), journal.as_bytes()])
}

/// The hash of one entry of the journal's own chain: the head of a run when it was made and when it was closed.
pub fn journal_link(number: u64, prev: Hash, run: RunId, seq: u64, head: Hash) -> Hash {
    framed(&[
        b"trueup.head",
        &VERSION.to_be_bytes(),
        &number.to_be_bytes(),
        &prev.0,
        run.0.as_bytes(),
        &seq.to_be_bytes(),
        &head.0,
    ])
}

fn framed(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Hash(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "4428b7eab3c0b1962f571a8339756ec8659bfa0f2acb81c5a6e50a061a819e1f";
    const HEAD: &str = "d8fe4868f928a5432b0cbef97aae5cb7aa6df582b8c78287a3597fbb385480b0";

    #[test]
    fn the_rule_is_a_format_and_stays_as_it_is() {
        let (journal, run) = (uuid::Uuid::from_u128(1), RunId(uuid::Uuid::from_u128(2)));
        let first = link(run, 1, genesis(journal, run), Hash::of_payload(b"{}"));
        assert_eq!(first.to_string(), FIRST);
        assert_eq!(journal_link(1, journal_genesis(journal), run, 1, first).to_string(), HEAD);
    }
}
