//! How many there are of something, in words.

/// `1 row`, `2 rows`, `2 entries`.
pub fn counted(n: usize, thing: &str) -> String {
    let vowel = |c: char| "aeiou".contains(c);
    match thing.strip_suffix('y') {
        _ if n == 1 => format!("1 {thing}"),
        Some(stem) if !stem.ends_with(vowel) => format!("{n} {stem}ies"),
        _ => format!("{n} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_more_are_many() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "row")), ["0 rows", "1 row", "2 rows"]);
        assert_eq!([counted(2, "entry"), counted(2, "key"), counted(1, "entry")], ["2 entries", "2 keys", "1 entry"]);
    }
}
