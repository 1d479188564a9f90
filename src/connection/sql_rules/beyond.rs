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

/// It reads rows, changes those of its own table, or calls what may. What it changes of other tables is seen when it is done, but for what REPLACE of
/// SQLite deletes, which nobody counts.
pub fn looks_beyond(sql: &str, tokens: &[Token], own: &str, dialect: Dialect) -> bool {
    let word = |at: usize| -> &str {
        // SQLite takes a text for a name where only a name can stand.
        let named = |kind| matches!(kind, Kind::Word | Kind::Name) || dialect == Dialect::Sqlite && kind == Kind::Text;
        let token = tokens.get(at).filter(|token| named(token.kind));
        token.map_or("", |token| &sql[token.at.clone()])
    };
    let symbol = |at: usize, wanted: &str| tokens.get(at).is_some_and(|token| &sql[token.at.clone()] == wanted);
    let is = |at: usize, wanted: &str| word(at).eq_ignore_ascii_case(wanted);
    let of_own = |at: usize| {
        let name = if symbol(at + 1, ".") { word(at + 2) } else { word(at) };
        let last = own.rsplit('.').next().unwrap_or(own);
        name.trim_matches(['"', '`', '[', ']', '\'']).eq_ignore_ascii_case(last)
    };
    // SQLite: `new.v in others` has no FROM. What is no list behind it is a table, or a function that gives rows.
    let in_a_table = |at: usize| is(at, "in") && !symbol(at + 1, "(");
    // `update or ignore t`
    let or_what = |at: usize| if is(at, "or") { at + 2 } else { at };
    let reads = |at: usize| {
        // `is distinct from`, `extract(year from …)`
        let compares = at > 0 && (is(at - 1, "distinct") || is(at - 1, "delete")) || at > 2 && is(at - 3, "extract");
        let said = ANYWHERE.iter().any(|wanted| is(at, wanted));
        let only = |at: usize| if is(at, "only") { at + 1 } else { at };
        // `delete from notes using others`, but not `raise … using errcode = '…'`
        let given = symbol(at + 2, "=") || symbol(at + 2, ":") && symbol(at + 3, "=");
        // `if exists (table others)`, which is all of it
        let whole = is(at, "table") || is(at, "using");
        said && !(is(at, "from") && compares)
            || dialect != Dialect::Sqlite && whole && !word(at + 1).is_empty() && !given
            || dialect == Dialect::Sqlite && (in_a_table(at) || is(at, "replace") && !symbol(at + 1, "("))
            || is(at, "update") && of_own(or_what(at + 1))
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
