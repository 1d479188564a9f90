//! Names that last: of a run, of one effect inside it, and the idempotency key that follows from it.
//!
//! Holds no randomness: a run's id comes from [`super::world::World`], everything else is derived, so that a resumed
//! run names its effects as the crashed one did. Knows nothing of steps or items but their texts.

use sha2::{Digest, Sha256};
use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};
use uuid::Uuid;

/// The item of a run that has no targets: one record.
pub const SINGLE_ITEM: &str = "-";

/// A run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub Uuid);

impl RunId {
    /// The last eight hexadecimal digits: enough for people, and what lists print. (The first digits of a time-ordered
    /// id are the same for all runs of a minute.)
    pub fn short(self) -> String {
        let full = self.0.simple().to_string();
        full[24..].to_owned()
    }

    /// The id of the span that a trace of this run begins with: 16 hexadecimal digits.
    pub fn root_span(self) -> String {
        let digest = Sha256::digest(format!("trueup root span {self}").as_bytes());
        digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    /// The run as others see it in what reaches them: a W3C `traceparent`, whose trace is the run.
    pub fn traceparent(self) -> String {
        format!("00-{}-{}-01", self.0.simple(), self.root_span())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<RunId, NotAnId> {
        // One run has one text: the form without hyphens would be another name in a store.
        text.parse().ok().map(RunId).filter(|run| run.to_string() == text).ok_or(NotAnId)
    }
}

/// One effect: what ledger row, idempotency key and audit request id are derived from.
///
/// As text `run/item/step/generation`, with `%`, `/`, blanks and control characters of item and step written `%2F`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId {
    /// The run.
    pub run: RunId,
    /// Canonical text of the item's key; [`SINGLE_ITEM`] where there are no targets.
    pub item: Arc<str>,
    /// Path of the step, with loop index and call.
    pub step: Arc<str>,
    /// Grows only when a step that is done is deliberately done again, never while one is in doubt. Starts at 0.
    pub generation: u32,
}

impl EffectId {
    /// The item of an effect, from the effect's text: for those who look through many of them.
    pub fn item_of(text: &str) -> Option<Cow<'_, str>> {
        let item = text.split('/').nth(1)?;
        if item.contains('%') { unescaped(item).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(item)) }
    }

    /// The key that a repeated request carries: the same for every attempt at this effect, on any machine.
    pub fn idempotency_key(&self) -> Uuid {
        let mut hash = Sha256::new();
        for field in [b"trueup/effect/v1", self.run.0.as_bytes().as_slice(), self.item.as_bytes(), self.step.as_bytes()]
        {
            // With its length, so that no two lists of fields have the same bytes.
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        hash.update(self.generation.to_be_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        // Version 8: "custom", the one that RFC 9562 gives to ids made from other hashes than SHA-1.
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.run, escaped(&self.item), escaped(&self.step), self.generation)
    }
}

impl FromStr for EffectId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<EffectId, NotAnId> {
        let mut parts = text.split('/');
        let (Some(run), Some(item), Some(step), Some(generation), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotAnId);
        };
        let id = EffectId {
            run: run.parse()?,
            item: unescaped(item)?.into(),
            step: unescaped(step)?.into(),
            generation: generation.parse().map_err(|_| NotAnId)?,
        };
        // One effect has one text: `+1`, `%2f` or an upper-case run are other texts.
        if id.to_string() == text { Ok(id) } else { Err(NotAnId) }
    }
}

/// Not the text of a run or effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the id of a run or effect")
    }
}
impl std::error::Error for NotAnId {}

fn escaped(text: &str) -> Cow<'_, str> {
    use fmt::Write;
    let special = |c: char| matches!(c, '%' | '/') || c.is_whitespace() || c.is_control();
    if !text.contains(special) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if special(c) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(out, "%{byte:02X}");
            }
        } else {
            out.push(c);
        }
    }
    out.into()
}

fn unescaped(text: &str) -> Result<String, NotAnId> {
    percent_encoding::percent_decode_str(text).decode_utf8().map(Cow::into_owned).map_err(|_| NotAnId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KNOWN: &str = "a6cc72ee-b003-8c8e-9dd9-250d3b83f40f";

    fn effect(item: &str, step: &str, generation: u32) -> EffectId {
        EffectId { run: RunId(Uuid::from_u128(7)), item: item.into(), step: step.into(), generation }
    }

    #[test]
    fn an_effect_has_one_text_and_the_text_names_one_effect() {
        let id = effect("a/b %", "steps.clear[2]", 1);
        assert_eq!(id.to_string(), "00000000-0000-0000-0000-000000000007/a%2Fb%20%25/steps.clear[2]/1");
        for bad in
            ["", "x/-/s/0", "00000000-0000-0000-0000-000000000007/-/s", "00000000-0000-0000-0000-000000000007/-/s/+1"]
        {
            assert_eq!(bad.parse::<EffectId>(), Err(NotAnId), "{bad}");
        }
    }

    #[test]
    fn the_idempotency_key_is_fixed_for_ever_and_differs_in_every_part() {
        // The value is part of the stored format: a resumed run of an older release must send the same key.
        assert_eq!(effect("-", "s", 0).idempotency_key().to_string(), KNOWN);
        let keys = [effect("-", "s", 0), effect("-s", "", 0), effect("-", "s", 1), effect("", "-s", 0)]
            .map(|e| e.idempotency_key());
        for (i, key) in keys.iter().enumerate() {
            assert!(!keys[..i].contains(key));
        }
    }

    #[test]
    fn a_run_has_one_text_and_its_short_id_is_the_tail() {
        let text = "01900000-0000-7000-8000-00000000abcd";
        assert_eq!(text.parse::<RunId>().unwrap().to_string(), text);
        for other in [text.to_uppercase(), text.replace('-', ""), format!("{{{text}}}"), format!(" {text}")] {
            assert_eq!(other.parse::<RunId>(), Err(NotAnId), "{other}");
        }
        assert_eq!(RunId(Uuid::from_u128(0xabc)).short(), "00000abc");
    }

    proptest! {
        #[test]
        fn every_effect_reads_back_from_its_text(item in ".*", step in ".*", generation: u32) {
            let id = effect(&item, &step, generation);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
    }
}
