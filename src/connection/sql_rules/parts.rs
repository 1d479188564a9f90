//! The parts of an UPDATE or DELETE of one table, cut by its words: what MySQL needs to find the rows before it changes
//! them, because it gives none of them back.

use super::super::sql_lexer::{Kind, Token, tokens};
use crate::template::sql::Dialect;
use std::ops::Range;

/// The parts, as bytes of the statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The table with its alias, if it has one.
    pub target: Range<usize>,
    /// Columns that an UPDATE sets, as written but for their quotes and table; empty for a DELETE.
    pub columns: Vec<String>,
    /// `WHERE …`, `ORDER BY …`, `LIMIT …`: whatever picks the rows; may be empty.
    pub rest: Range<usize>,
    /// Placeholders before the rest, and in it.
    pub placeholders: (usize, usize),
}

/// The parts of a statement that the rules know as an UPDATE or DELETE of one table; nothing for any other.
pub fn parts(sql: &str, dialect: Dialect) -> Option<Parts> {
    let tokens: Vec<Token> = tokens(sql, dialect).into_iter().filter(|t| &sql[t.at.clone()] != ";").collect();
    let word = |i: usize| tokens.get(i).map_or("", |t| &sql[t.at.clone()]);
    let is = |i: usize, wanted: &str| {
        tokens.get(i).is_some_and(|t| t.kind == Kind::Word) && word(i).eq_ignore_ascii_case(wanted)
    };
    let update = is(0, "update");
    let mut from = if update { 1 } else { 2 };
    let delete = is(0, "delete") && is(1, "from");
    if !(update || delete) {
        return None;
    }
    if is(from, "only") {
        from += 1;
    }
    let depth = depths(sql, &tokens);
    let outer = |i: usize| depth.get(i) == Some(&0);
    let find = |from: usize, words: &[&str]| {
        (from..tokens.len()).find(|i| outer(*i) && words.iter().any(|w| is(*i, w))).unwrap_or(tokens.len())
    };
    let set = if update { find(from, &["set"]) } else { from };
    let rest = find(set, &["where", "order", "limit", "returning"]);
    let end_of_target = if update { set } else { rest };
    let byte = |i: usize| tokens.get(i).map_or_else(|| tokens.last().map_or(0, |t| t.at.end), |t| t.at.start);
    let last = |i: usize| i.checked_sub(1).and_then(|i| tokens.get(i)).map_or(0, |t| t.at.end);
    if end_of_target <= from || (update && set == tokens.len()) {
        return None;
    }
    let columns = if update { assigned(sql, &tokens[set + 1..rest], &depth[set + 1..rest]) } else { Vec::new() };
    let count = |range: Range<usize>| tokens[range].iter().filter(|t| t.kind == Kind::Placeholder).count();
    Some(Parts {
        target: byte(from)..last(end_of_target),
        columns,
        rest: byte(rest)..last(tokens.len()),
        placeholders: (count(0..rest), count(rest..tokens.len())),
    })
}

/// How many parentheses are open around each token.
fn depths(sql: &str, tokens: &[Token]) -> Vec<usize> {
    let mut depth = 0_usize;
    let one = |token: &Token| match &sql[token.at.clone()] {
        "(" => {
            depth += 1;
            depth
        }
        ")" => {
            depth = depth.saturating_sub(1);
            depth + 1
        }
        _ => depth,
    };
    tokens.iter().map(one).collect()
}

/// The names before each `=` that sets something.
fn assigned(sql: &str, tokens: &[Token], depth: &[usize]) -> Vec<String> {
    let mut found = Vec::new();
    let mut begins = true;
    for (i, token) in tokens.iter().enumerate() {
        let text = &sql[token.at.clone()];
        if depth.get(i) != Some(&0) {
            continue;
        }
        if text == "," {
            begins = true;
        } else if text == "=" && begins {
            begins = false;
            if let Some(name) = i.checked_sub(1).and_then(|i| tokens.get(i)) {
                found.push(sql[name.at.clone()].trim_matches(['`', '"', '[', ']']).to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(sql: &str) -> (String, String, String, (usize, usize)) {
        let parts = parts(sql, Dialect::Mysql).unwrap();
        (sql[parts.target].to_owned(), parts.columns.join(" "), sql[parts.rest].to_owned(), parts.placeholders)
    }

    #[test]
    fn the_rows_of_a_change_are_picked_by_its_last_part() {
        assert_eq!(
            cut("update `a` x set `b` = (select max(c) from d where e = ?), x.f = ? = 1 where id in (?, ?) limit 3;"),
            ("`a` x".into(), "b f".into(), "where id in (?, ?) limit 3".into(), (2, 2))
        );
        assert_eq!(cut("delete from a where id = ?"), ("a".into(), String::new(), "where id = ?".into(), (0, 1)));
        assert_eq!(cut("update a set b = 1"), ("a".into(), "b".into(), String::new(), (0, 0)));
        assert_eq!(cut("delete from a"), ("a".into(), String::new(), String::new(), (0, 0)));
        assert_eq!(parts("insert into a values (1)", Dialect::Mysql), None);
        assert_eq!(parts("delete a from a join b", Dialect::Mysql), None);
    }
}
