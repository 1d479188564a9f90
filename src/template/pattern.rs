//! `Moved from {from} to {to}`: a pattern that finds every place of a text that reads like it, in a time that grows with the text alone.

use std::{ops::Range, sync::Arc};

/// A pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: regex::Regex,
    names: Vec<Arc<str>>,
}

impl Pattern {
    /// Reads a pattern: a name in braces takes what stands there, up to the end of the line; `{_}` takes it and gives it no name; `{{` and `}}` are
    /// braces. Nothing where it names nothing, a name twice, or two without a text between them.
    pub fn of(text: &str) -> Option<Pattern> {
        let (mut written, mut names) = (String::new(), Vec::<Arc<str>>::new());
        let (mut rest, mut open, mut holes) = (text, false, 0);
        while let Some(c) = rest.chars().next() {
            if ["{{", "}}"].into_iter().any(|brace| rest.starts_with(brace)) {
                written.push_str(&regex::escape(&rest[..1]));
                (rest, open) = (&rest[2..], false);
            } else if c == '{' {
                let end = rest.find('}').filter(|_| !open)?;
                let name = &rest[1..end];
                let sound = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if name.is_empty() || !sound || name.starts_with(|c: char| c.is_ascii_digit()) {
                    return None;
                }
                let takes = if end + 1 == rest.len() { r"[^\n]*" } else { r"[^\n]*?" };
                if name == "_" {
                    written.push_str(takes);
                } else if names.iter().any(|known| **known == *name) {
                    return None;
                } else {
                    written.push_str(&format!("(?P<{name}>{takes})"));
                    names.push(name.into());
                }
                holes += 1;
                (rest, open) = (&rest[end + 1..], true);
            } else if c == '}' {
                return None;
            } else {
                written.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
                (rest, open) = (&rest[c.len_utf8()..], false);
            }
        }
        let regex = regex::Regex::new(&written).ok().filter(|_| holes > 0)?;
        Some(Pattern { regex, names })
    }

    /// Every place that reads like it, one after the other: its names with what stands there.
    pub fn places(&self, text: &str) -> Vec<Vec<(Arc<str>, String)>> {
        let all = self.regex.captures_iter(text);
        let parts = |captures: regex::Captures<'_>| {
            let part = |name: &Arc<str>| Some((name.clone(), captures.name(name)?.as_str().to_owned()));
            self.names.iter().filter_map(part).collect()
        };
        all.map(parts).collect()
    }

    /// Where each of those places stands.
    pub fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        self.regex.find_iter(text).map(|found| found.range()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_finds_every_place_and_does_not_cross_lines() {
        let pattern = Pattern::of("from {from} (step {_}) to {to}").unwrap();
        let text = "from A (step 1) to B\nfrom A\n(step 1) to C\nfrom B (step 2) to {D}";
        let found = pattern.places(text);
        let told: Vec<String> =
            found.iter().map(|p| p.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(told, ["from=A to=B", "from=B to={D}"]);
        assert_eq!(Pattern::of("{{{a}}}").unwrap().places("{x}")[0][0].1, "x");
        for odd in ["no name", "{a}{b}", "{a} {a}", "{}", "{1a} x", "a } b", "{a"] {
            assert!(Pattern::of(odd).is_none(), "{odd}");
        }
    }
}
