//! Which column a placeholder of a statement stands for, so that a message can name it. Reads tokens, knows no grammar: what it does
//! not recognise has no name.

use super::super::sql_lexer::{Kind, Token, tokens};
use crate::template::sql::Dialect;

/// The column that `$number` is compared with or written to.
pub fn of_placeholder(sql: &str, number: usize) -> Option<String> {
    let tokens = tokens(sql, Dialect::Postgres);
    let reader = Tokens { sql, tokens: &tokens };
    let wanted = format!("${number}");
    let mut places = (0..tokens.len()).filter(|at| tokens[*at].kind == Kind::Placeholder && reader.text(*at) == wanted);
    places.find_map(|at| reader.compared(at).or_else(|| reader.listed(at)))
}

struct Tokens<'a> {
    sql: &'a str,
    tokens: &'a [Token],
}

impl<'a> Tokens<'a> {
    fn text(&self, at: usize) -> &'a str {
        &self.sql[self.tokens[at].at.clone()]
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.tokens[at].kind != Kind::Text && self.text(at).eq_ignore_ascii_case(word)
    }

    /// The name before `end`, if it stands alone: of `a + b = $1` no column has the value.
    fn name(&self, end: usize) -> Option<String> {
        let at = end.checked_sub(1)?;
        let alone = at.checked_sub(1).is_none_or(|before| {
            self.tokens[before].kind != Kind::Symbol || matches!(self.text(before), "(" | "," | ".")
        });
        match self.tokens[at].kind {
            Kind::Name if alone => Some(self.text(at).trim_matches('"').replace("\"\"", "\"")),
            Kind::Word if alone => Some(self.text(at).to_lowercase()),
            _ => None,
        }
    }

    /// `column = $1`, `column IS DISTINCT FROM $1`.
    fn compared(&self, at: usize) -> Option<String> {
        let sign = |at: usize| self.tokens[at].kind == Kind::Symbol && matches!(self.text(at), "=" | "<" | ">" | "!");
        let signs = (0..at).rev().take_while(|at| sign(*at)).count();
        if signs > 0 {
            return self.name(at - signs);
        }
        let words = ["FROM", "DISTINCT", "NOT", "IS"];
        let back = (0..at).rev().take_while(|at| words.iter().any(|word| self.is(*at, word))).count();
        let first = at - back;
        (back >= 3 && self.is(first, "IS")).then(|| self.name(first))?
    }

    /// `column IN ($1, $2)`, `(a, b) VALUES ($1, $2), ($3, $4)`.
    fn listed(&self, at: usize) -> Option<String> {
        let (mut open, mut commas) = (at, 0);
        loop {
            open = open.checked_sub(1)?;
            match self.text(open) {
                "(" => break,
                "," => commas += 1,
                _ => {}
            }
            // An expression among the values could hold commas of its own.
            if self.is(open, ")") {
                return None;
            }
        }
        let mut before = open.checked_sub(1)?;
        if self.is(before, "IN") {
            let not = before.checked_sub(1).is_some_and(|at| self.is(at, "NOT"));
            return self.name(if not { before - 1 } else { before });
        }
        while !self.is(before, "VALUES") {
            // Other rows of values stand between.
            let of_rows = matches!(self.text(before), "(" | ")" | ",") || self.tokens[before].kind == Kind::Placeholder;
            before = before.checked_sub(1).filter(|_| of_rows)?;
        }
        let close = before.checked_sub(1).filter(|at| self.is(*at, ")"))?;
        let start = (0..close).rev().find(|at| self.is(*at, "("))?;
        let names: Vec<usize> = (start + 1..close).filter(|at| self.tokens[*at].kind != Kind::Symbol).collect();
        names.get(commas).and_then(|at| self.name(at + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_name_of_the_column_that_it_is_written_to_or_compared_with() {
        let named = |sql: &str, number| of_placeholder(sql, number).unwrap_or_default();
        let set = r#"UPDATE "t" SET "a" = $1, "b c" = $2 WHERE "id" = $3 AND "d" IS DISTINCT FROM $4"#;
        assert_eq!([1, 2, 3, 4].map(|n| named(set, n)), ["a", "b c", "id", "d"]);
        let insert = r#"INSERT INTO "t" ("a", "b") VALUES ($1, $2), ($3, $4)"#;
        assert_eq!([1, 2, 3, 4].map(|n| named(insert, n)), ["a", "b", "a", "b"]);
        assert_eq!(named("select 1 from t where t.D >= $1 and e not in ($2, $3)", 1), "d");
        assert_eq!(named("select 1 from t where t.D >= $1 and e not in ($2, $3)", 3), "e");
    }

    #[test]
    fn what_is_not_recognised_has_no_name() {
        for sql in [
            "select $1",
            "select f(a, $1)",
            "select 1 from t where a + b = $1",
            "select 1 from t where a::text = $1",
            "insert into t (a, b) values (f(1, 2), $1)",
            "select '= $1'",
        ] {
            assert_eq!(of_placeholder(sql, 1), None, "{sql}");
        }
    }
}
