//! "Did you mean": the nearest known word, or the short list of what is possible.

/// The known word that a person most likely meant, if one is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    let limit = (folded.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| {
            *distance <= limit
                || (word.len() >= 4
                    && (candidate.starts_with(word) || word.starts_with(*candidate) && candidate.len() >= 4))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A help sentence: ``did you mean `x`?`` or, when nothing is near and the list is short, what is possible.
pub fn help<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    among(word, &known.into_iter().collect::<Vec<_>>())
}

fn among(word: &str, known: &[&str]) -> Option<String> {
    if let Some(near) = nearest(word, known.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    // `salaried` for `school_direct_salaried`, `correct-award` for `register/correct-award`: a whole part of a longer name.
    let folded = fold(word);
    let holds = |known: &&str| {
        known.split('/').map(fold).any(|name| name == folded || name.split('_').any(|part| part == folded))
    };
    let holding: Vec<&str> = known.iter().copied().filter(|known| word.len() >= 3 && holds(known)).collect();
    match (holding.as_slice(), known.len()) {
        ([one], _) => Some(format!("did you mean `{one}`?")),
        ([_, .., _], _) if holding.len() <= 6 => Some(format!("did you mean one of {}?", list(&holding))),
        (_, 0) => None,
        (_, 1..=24) => Some(format!("possible here: {}", list(known))),
        (_, more) => Some(format!("possible here: {} and {} more", list(&known[..20]), more - 20)),
    }
}

/// `a`, `b`, `c` in the order given.
pub fn list(words: &[&str]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}

/// `a`, `a or b`, `a, b or c`.
pub fn any(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [many @ .., last] => format!("{} or {last}", many.join(", ")),
    }
}

fn fold(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

/// Damerau-Levenshtein (adjacent swaps count one), on characters.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 8 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_a_slip_and_a_dash_find_their_word_and_a_stranger_finds_none() {
        let known = ["only_if", "otherwise", "http", "steps"];
        assert_eq!(nearest("onyl_if", known), Some("only_if"));
        assert_eq!(nearest("otherwize", known), Some("otherwise"));
        assert_eq!(nearest("only-if", known), Some("only_if"));
        assert_eq!(nearest("htpp", known), Some("http"));
        assert_eq!(nearest("banana", known), None);
        assert_eq!(help("x", ["a1", "b2"]).unwrap(), "possible here: `a1`, `b2`");
        let routes = ["assessment_only", "school_direct_salaried", "early_years_salaried"];
        assert_eq!(
            help("salaried", routes).unwrap(),
            "did you mean one of `school_direct_salaried`, `early_years_salaried`?"
        );
        let playbooks = ["register/change-setting", "register/correct-award", "register/data-change"];
        assert_eq!(help("correct-award", playbooks).unwrap(), "did you mean `register/correct-award`?");
    }
}
