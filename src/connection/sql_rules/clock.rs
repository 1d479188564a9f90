//! Whether a statement sets a column, and whether it asks a clock.

use super::super::sql_lexer::{Kind, Token};

/// What asks the database's clock, or whatever has another value each time.
const CLOCKS: &[&str] = &[
    "clock_timestamp",
    "curdate",
    "current_date",
    "current_time",
    "current_timestamp",
    "curtime",
    "date",
    "datetime",
    "default",
    "julianday",
    "localtime",
    "localtimestamp",
    "now",
    "statement_timestamp",
    "strftime",
    "sysdate",
    "time",
    "timeofday",
    "transaction_timestamp",
    "unix_timestamp",
    "unixepoch",
    "utc_date",
    "utc_time",
    "utc_timestamp",
];

/// What needs no parentheses begins so.
const BARE: &[&str] = &["current_", "default", "localtime", "sysdate", "utc_"];

/// The statement names the column.
pub fn mentions(sql: &str, tokens: &[Token], column: &str) -> bool {
    let named = tokens.iter().filter(|token| matches!(token.kind, Kind::Word | Kind::Name));
    named.map(|token| sql[token.at.clone()].trim_matches(['"', '`', '[', ']'])).any(|n| n.eq_ignore_ascii_case(column))
}

/// What it sets may be another value each time: it asks a clock.
pub fn asks_clock(sql: &str, tokens: &[Token]) -> bool {
    tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Word).any(|(at, token)| {
        let word = sql[token.at.clone()].to_lowercase();
        let called = tokens.get(at + 1).is_some_and(|next| &sql[next.at.clone()] == "(");
        // A column may be called `date`.
        CLOCKS.binary_search(&word.as_str()).is_ok() && (called || BARE.iter().any(|start| word.starts_with(start)))
    })
}

#[cfg(test)]
mod tests {
    use crate::{connection::sql_rules::stamps_itself, template::sql::Dialect};

    #[test]
    fn a_clock_is_told_from_a_value() {
        assert!(super::CLOCKS.is_sorted());
        let of = |sql: &str| stamps_itself(sql, "updated_at", Dialect::Sqlite);
        assert_eq!(of("update t set a = 1, updated_at = current_timestamp where id = 1"), Some(true));
        assert_eq!(of("update t set \"UPDATED_AT\" = datetime('now') where id = 1"), Some(true));
        assert_eq!(of("update t set updated_at = '2025-01-01 now()' where id = 1"), Some(false));
        assert_eq!(of("update t set a = 'updated_at' where updated_at < datetime('now')"), None);
        assert_eq!(of("update t set updated_at = '2025-01-01' where updated_at < datetime('now')"), Some(false));
        assert_eq!(of("insert into t (id, updated_at) values (1, current_timestamp)"), Some(true));
        assert_eq!(of("insert into t (id, updated_at) values (1, null)"), Some(false));
        assert_eq!(of("insert into t (id) values (1)"), None);
        assert_eq!(of("update t set date = 'x', updated_at = '2025-01-01' where id = 1"), Some(false));
    }
}
