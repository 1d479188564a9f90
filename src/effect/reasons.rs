//! Why items of many ended, told apart and yet on one page: a reason mostly names the record that it is about, so that each item has words of its
//! own. A few of a kind are named as they are; more of them are counted together under what they have in common.

/// So many reasons that differ only in names and numbers are named one by one.
const APIECE: usize = 3;
/// So many reasons are told apart by their own words.
const MOST: usize = 30;
/// What is counted together where there are too many kinds.
pub const OTHERS: &str = "other reasons";
/// Stands for what differs.
const DIFFERS: &str = "…";

/// Where one more reason is counted.
#[derive(Debug, PartialEq, Eq)]
pub enum Filed {
    /// With the one at this place.
    At(usize),
    /// As a new one, in these words.
    As(String),
}

/// `all`: the reasons so far, each with the key of one of its items; nothing for one of another end, which it is not to be compared with.
pub fn filed<'t>(all: impl Iterator<Item = Option<(&'t str, &'t str)>> + Clone, reason: &str, key: &str) -> Filed {
    let at = |words: &str| all.clone().position(|one| one.is_some_and(|(known, _)| known == words));
    if let Some(at) = at(reason) {
        return Filed::At(at);
    }
    let alike = likeness(reason, key);
    if let Some(at) = at(&alike) {
        return Filed::At(at);
    }
    let kind = all.clone().flatten().filter(|(known, key)| likeness(known, key) == alike).count();
    let words = match all.clone().count() {
        count if count < MOST && kind < APIECE => reason,
        count if count < 2 * MOST => &alike,
        _ => OTHERS,
    };
    at(words).map_or_else(|| Filed::As(words.to_owned()), Filed::At)
}

/// A reason without the key of its item, and without numbers and identifiers: `shop.things id 10.weight: planned 20.0` becomes
/// `shop.things id ….weight: planned …`.
pub fn likeness(reason: &str, key: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(reason.len()), reason);
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let inside = out.chars().next_back().is_some_and(is_of_word);
        let behind = rest.strip_prefix(key).filter(|_| !key.is_empty() && !inside);
        if let Some(behind) = behind.filter(|behind| !behind.starts_with(is_of_word)) {
            (rest, _) = (behind, out.push_str(DIFFERS));
        } else if word == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            differing(&rest[..word], &mut out);
            rest = &rest[word..];
        }
    }
    // A number with its decimals, a time, a key of several parts.
    for between in [".", ":", "-", ", ", " "] {
        let twice = [DIFFERS, between, DIFFERS].concat();
        while out.contains(&twice) {
            out = out.replace(&twice, DIFFERS);
        }
    }
    out
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_')
}

fn differing(word: &str, out: &mut String) {
    if !word.contains(|c: char| c.is_ascii_digit()) {
        return out.push_str(word);
    }
    if word.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return out.push_str(DIFFERS);
    }
    let mut within = false;
    for c in word.chars() {
        match (c.is_ascii_digit(), within) {
            (true, false) => out.push_str(DIFFERS),
            (true, true) => {}
            (false, _) => out.push(c),
        }
        within = c.is_ascii_digit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_and_numbers_leave_of_a_reason() {
        for (reason, key, alike) in [
            ("There is no loan 10.", "10", "There is no loan …."),
            ("shop.things id 10.weight: planned 20.0, found 30.5", "10", "shop.things id ….weight: planned …, found …"),
            ("The member M-0001 is blocked", "77", "The member M-… is blocked"),
            ("anna@here has 2 accounts", "anna@here", "… has … accounts"),
            ("ananas", "an", "ananas"),
            ("since 2026-11-28 04:31:19.479 UTC", "x", "since … UTC"),
            ("run 01a2206c-03b7-7638-98c4-d9d0371b387e has it", "x", "run … has it"),
            ("", "", ""),
            ("größer als 3 Stück", "ü", "größer als … Stück"),
            ("The trainee is withdrawn", "9", "The trainee is withdrawn"),
        ] {
            assert_eq!(likeness(reason, key), alike);
            assert_eq!(likeness(alike, key), alike, "once more");
        }
    }

    #[test]
    fn a_few_of_a_kind_are_named_and_a_frequent_one_that_comes_late_has_its_own_line() {
        let mut all: Vec<(String, String, usize)> = Vec::new();
        let add = |all: &mut Vec<(String, String, usize)>, reason: String, key: String| match filed(
            all.iter().map(|(reason, key, _)| Some((reason.as_str(), key.as_str()))),
            &reason,
            &key,
        ) {
            Filed::At(at) => all[at].2 += 1,
            Filed::As(words) => all.push((words, key, 1)),
        };
        (0..50).for_each(|n| add(&mut all, format!("There is no loan {n}"), n.to_string()));
        assert_eq!(all.len(), APIECE + 1);
        (0..90).for_each(|n| add(&mut all, "The branch is closed".into(), n.to_string()));
        ('a'..='z').for_each(|c| add(&mut all, format!("{c} says no"), "1".into()));
        assert_eq!(all[3], ("There is no loan …".to_owned(), "3".to_owned(), 47));
        assert_eq!(all[4].2, 90);
        // Of more kinds than fit, the rest is counted together.
        for a in 'a'..='z' {
            ('a'..='z').for_each(|b| add(&mut all, format!("{a}{b} says no"), "1".into()));
        }
        assert_eq!((all.len(), all[60].0.as_str()), (2 * MOST + 1, OTHERS));
        assert_eq!(all.iter().map(|one| one.2).sum::<usize>(), 50 + 90 + 26 + 26 * 26);
    }
}
