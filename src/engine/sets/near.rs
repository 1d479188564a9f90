//! Items whose keys differ here and may be the same for a database: `a` and `A` in a column that does not regard capitals, `1` and `01` in one of
//! numbers, lists with an element in common. They are not under way at the same time, so that the second finds what the first one left.

use std::{borrow::Cow, collections::HashSet};

/// The keys that are under way.
#[derive(Debug, Default)]
pub struct Near {
    keys: HashSet<Box<str>>,
    /// One that may be the same as any other.
    any: bool,
    /// Letters with accents may be the same as those without.
    accents: bool,
}

impl Near {
    /// None yet. `accents`: a database takes part for which `é` may be `e`.
    pub fn new(accents: bool) -> Near {
        Near { accents, ..Near::default() }
    }

    /// Takes this one in, unless it may be the same as one that is under way.
    pub fn takes(&mut self, key: &str) -> bool {
        match loose(key, self.accents) {
            None if self.keys.is_empty() && !self.any => {
                self.any = true;
                true
            }
            Some(loose) if !self.any => self.keys.insert(loose.into()),
            _ => false,
        }
    }

    /// It is over.
    pub fn ended(&mut self, key: &str) {
        match loose(key, self.accents) {
            None => self.any = false,
            Some(loose) => drop(self.keys.remove(&*loose)),
        }
    }
}

/// What the keys have in common that a database might take for one. Too coarse costs a little time, too fine a wrong end. Nothing where it may be any.
fn loose(key: &str, accents: bool) -> Option<Cow<'_, str>> {
    // The most common, and their own.
    if key.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = key.trim_start_matches('0');
        return Some(Cow::Borrowed(if number.is_empty() && !key.is_empty() { "0" } else { number }));
    }
    if key.contains('[') || accents && !key.is_ascii() {
        return None;
    }
    let trimmed = key.trim();
    let numeric = |c: u8| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'E' | b'+' | b'-');
    if trimmed.bytes().all(numeric)
        && let Ok(number) = trimmed.parse::<f64>()
    {
        return Some(Cow::Owned(format!("{number}")));
    }
    // A UUID, with hyphens or without.
    let hex: String = trimmed.chars().filter(|c| !matches!(c, '-' | '{' | '}')).collect();
    if hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(Cow::Owned(hex.to_ascii_lowercase()));
    }
    // Words and numbers, whatever stands between them.
    let mut out = String::with_capacity(trimmed.len());
    for word in trimmed.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push('-');
        }
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        let word = if digits { word.trim_start_matches('0') } else { word };
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    Some(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_a_database_may_take_for_one_are_not_under_way_together() {
        let together = |one: &str, other: &str, accents: bool| {
            let mut near = Near::new(accents);
            assert!(near.takes(one), "{one}");
            let both = near.takes(other);
            near.ended(one);
            assert!(both || near.takes(other), "{other} when {one} is over");
            both
        };
        for (one, other) in [
            ("a", "A"),
            ("1", "01"),
            ("0", "000"),
            ("1", "1.0"),
            ("10", "1e1"),
            (" x", "x "),
            ("É", "é"),
            ("2026-01-02", "2026-1-2"),
            ("0190C1F2-0000-7000-8000-00000000000A", "0190c1f2000070008000-00000000000a"),
            ("[1,2]", "[2,3]"),
            ("[1,2]", "7"),
            ("7", "[1,2]"),
        ] {
            assert!(!together(one, other, false), "{one} and {other}");
        }
        for (one, other) in
            [("1", "2"), ("1", "10"), ("9007199254740993", "9007199254740992"), ("a-1", "a-11"), ("e", "é")]
        {
            assert!(together(one, other, false), "{one} and {other}");
        }
        assert!(!together("e", "é", true) && !together("é", "e", true));
    }
}
