//! Whether the text of a trigger looks at more than the row that sets it off.

use super::super::sql_lexer::{Kind, Token};
use super::functions;
use crate::template::sql::Dialect;

/// What reads tables, or runs what does not stand in the text.
const ANYWHERE: &[&str] = &["from", "join", "merge", "execute", "call"];

/// What stands before `(` in triggers besides: their own words, and functions that may not be called twice and get the same.
const OF_TRIGGERS: &[&str] = &[
    "clock_timestamp",
    "curdate",
    "current_setting",
    "curtime",
    "elseif",
    "elsif",
    "format",
    "gen_random_uuid",
    "jsonb_set",
    "nextval",
    "pg_notify",
    "pg_trigger_depth",
    "raise",
    "return",
    "row_to_json",
    "set",
    "setweight",
    "statement_timestamp",
    "sysdate",
    "timezone",
    "to_json",
    "to_jsonb",
    "to_tsvector",
    "transaction_timestamp",
    "unix_timestamp",
    "utc_timestamp",
    "uuid",
    "uuid_generate_v4",
    "while",
];

/// It reads rows, changes those of its own table, or calls what may. What it changes of other tables is seen when it is done.
pub fn looks_beyond(sql: &str, tokens: &[Token], own: &str, dialect: Dialect) -> bool {
    let word = |at: usize| -> &str {
        let token = tokens.get(at).filter(|token| matches!(token.kind, Kind::Word | Kind::Name));
        token.map_or("", |token| &sql[token.at.clone()])
    };
    let is = |at: usize, wanted: &str| word(at).eq_ignore_ascii_case(wanted);
    let of_own = |at: usize| {
        let dot = |at: usize| tokens.get(at).is_some_and(|token| &sql[token.at.clone()] == ".");
        let name = if dot(at + 1) { word(at + 2) } else { word(at) };
        let last = own.rsplit('.').next().unwrap_or(own);
        name.trim_matches(['"', '`', '[', ']']).eq_ignore_ascii_case(last)
    };
    let reads = |at: usize| {
        // `is distinct from`, `extract(year from …)`
        let compares = at > 0 && (is(at - 1, "distinct") || is(at - 1, "delete")) || at > 2 && is(at - 3, "extract");
        let said = ANYWHERE.iter().any(|wanted| is(at, wanted));
        let only = |at: usize| if is(at, "only") { at + 1 } else { at };
        said && !(is(at, "from") && compares)
            || is(at, "update") && of_own(only(at + 1))
            || is(at, "delete") && is(at + 1, "from") && of_own(only(at + 2))
    };
    // `insert into log(id, …)` calls nothing.
    let is_table = |at: usize| {
        let dot = at > 2 && &sql[tokens[at - 1].at.clone()] == ".";
        let before = if dot { at - 3 } else { at.wrapping_sub(1) };
        is(before, "into")
    };
    let calls = dialect != Dialect::Sqlite
        && functions::calls(sql, tokens)
            .any(|(at, name)| !functions::is_known(&name) && !OF_TRIGGERS.contains(&name.as_str()) && !is_table(at));
    calls
        || tokens.iter().any(|token| matches!(token.kind, Kind::Broken | Kind::Unclear))
        || (0..tokens.len()).any(reads)
}
