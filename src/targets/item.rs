//! One item: what the steps see as `item`, and the text that names it everywhere.

use crate::base::{
    identity::SINGLE_ITEM,
    seal::{SealError, Sealer},
    value::Value,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// One item of a run.
#[derive(Clone, Debug)]
pub struct Item {
    /// Canonical text of its key: unique within the run, stands in effect ids, plans, journals and on command lines. Holds
    /// nothing personal.
    pub key: Arc<str>,
    /// The row, the element of the list, or the group `{ key, rows, lines }`.
    pub value: Value,
    /// The subject whose items come one after the other; nothing where the playbook names none.
    pub lane: Option<Arc<str>>,
}

/// The longest key in full; a longer one is its beginning and a hash.
const LONGEST: usize = 120;
/// So many digits of a hash name a personal or long key.
const DIGITS: usize = 16;

/// The text of a key: `4711`, `2N2/2025`. A personal one is a fingerprint that only the holder of the journal's key can
/// make, `~3f2a…`: the same person has the same one in every run of the journal.
pub fn key_text(parts: &[Value], sealer: &Sealer) -> Result<Arc<str>, SealError> {
    if parts.iter().any(|part| part.all_marks().hidden()) {
        let print = sealer.fingerprint(&Value::list(parts.iter().cloned()))?;
        return Ok(format!("~{}", last(&print)).into());
    }
    let text = parts.iter().map(one).collect::<Vec<_>>().join("/");
    if text.chars().count() <= LONGEST {
        return Ok(text.into());
    }
    let start: String = text.chars().take(LONGEST - DIGITS - 1).collect();
    let hash: String = Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    Ok(format!("{start}~{}", last(&hash)).into())
}

/// The last digits of a fingerprint.
fn last(print: &str) -> &str {
    print.get(print.len().saturating_sub(DIGITS)..).unwrap_or(print)
}

/// A part without the signs that separate parts or could be mistaken for something else.
fn one(part: &Value) -> String {
    let text = part.bare();
    let odd = |c: char| matches!(c, '/' | '%' | '~') || c.is_control() || c.is_whitespace() && c != ' ';
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if odd(c) {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
        } else {
            out.push(c);
        }
    }
    // Alone it would be the name of a run without items, or no name at all.
    if out == SINGLE_ITEM || out.is_empty() { format!("%{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::value::Marks;

    #[test]
    fn a_key_is_a_text_without_separators_and_without_persons() {
        let nobody = Sealer::without_key(Default::default());
        let text = |parts: &[Value]| key_text(parts, &nobody).unwrap();
        assert_eq!(&*text(&[Value::from(4711)]), "4711");
        assert_eq!(&*text(&[Value::from("2N2"), Value::from(2025)]), "2N2/2025");
        assert_eq!(&*text(&[Value::from("a/b"), Value::from("-\n")]), "a%2Fb/-%0A");
        assert_eq!(&*text(&[Value::from("-")]), "%-");
        let long = text(&[Value::from("x".repeat(500))]);
        assert_eq!(long.chars().count(), LONGEST);
        assert_ne!(long, text(&[Value::from("x".repeat(501))]));
        // Without a key nobody can name a person.
        assert!(key_text(&[Value::from("a@b.c").marked(Marks::PERSONAL)], &nobody).is_err());
    }
}
