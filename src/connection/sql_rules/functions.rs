//! Functions that do more than compute. By name before `(`, quoted or not, so that a parser's gap hides none.
//!
//! The list names what the databases ship. Functions that a team wrote itself are held by the read-only transaction.

use super::super::sql_lexer::{Kind, Token};
use crate::template::sql::Dialect;

/// Effects that no rollback takes back, or ways around the session: nowhere. A trailing `*` stands for any ending.
const NEVER: &[(&str, &str)] = &[
    ("dblink*", "opens another connection, outside of this transaction"),
    ("pg_read_file", "reads files of the server"),
    ("pg_read_binary_file", "reads files of the server"),
    ("pg_file_*", "writes files of the server"),
    ("pg_ls_*", "reads folders of the server"),
    ("pg_stat_file", "reads files of the server"),
    ("pg_execute_*", "runs programs on the server"),
    ("lo_import*", "reads files of the server"),
    ("lo_export", "writes files of the server"),
    ("pg_sleep*", "only holds the connection"),
    ("set_config", "changes the session that trueup relies on"),
    ("pg_terminate_backend", "ends other sessions"),
    ("pg_cancel_backend", "interrupts other sessions"),
    ("pg_reload_conf", "changes the server"),
    ("pg_rotate_logfile", "changes the server"),
    ("pg_switch_wal", "changes the server"),
    ("pg_promote", "changes the server"),
    ("pg_create_*", "changes the server"),
    ("pg_drop_*", "changes the server"),
    ("pg_copy_*", "changes the server"),
    ("pg_logical_*", "changes the server"),
    ("pg_replication_*", "changes the server"),
    ("pg_wal_replay_*", "changes the server"),
    ("pg_start_backup", "changes the server"),
    ("pg_stop_backup", "changes the server"),
    ("pg_backup_*", "changes the server"),
    ("pg_stat_reset*", "changes the server"),
    ("pg_export_snapshot", "changes the session that trueup relies on"),
    ("pg_advisory_lock*", "takes a lock that outlives the transaction"),
    ("pg_advisory_unlock*", "releases a lock that is not trueup's"),
    ("pg_try_advisory_lock*", "takes a lock that outlives the transaction"),
    ("query_to_*", "runs SQL that is hidden in a text"),
    ("cursor_to_*", "runs SQL that is hidden in a text"),
    ("table_to_xml*", "runs SQL that is hidden in a text"),
    ("schema_to_xml*", "runs SQL that is hidden in a text"),
    ("database_to_xml*", "runs SQL that is hidden in a text"),
    ("ts_stat", "runs SQL that is hidden in a text"),
    ("load_extension", "loads program code"),
    ("writefile", "writes files"),
    ("readfile", "reads files"),
    ("edit", "runs a program"),
    ("fts3_tokenizer", "loads program code"),
];

/// The same for what only MySQL and MariaDB ship; other databases may have functions of these names that are harmless.
const NEVER_ON_MYSQL: &[(&str, &str)] = &[
    ("load_file", "reads files of the server"),
    ("sleep", "only holds the connection"),
    ("benchmark", "only holds the connection"),
    ("get_lock", "takes a lock that outlives the transaction"),
    ("release_lock", "releases a lock that is not trueup's"),
    ("release_all_locks", "releases locks that are not trueup's"),
    ("master_pos_wait", "only holds the connection"),
    ("master_gtid_wait", "only holds the connection"),
    ("source_pos_wait", "only holds the connection"),
    ("wait_*", "only holds the connection"),
    ("wsrep_sync_wait*", "only holds the connection"),
    ("sys_exec", "runs programs on the server"),
    ("sys_eval", "runs programs on the server"),
    ("sys_set", "changes the server"),
    ("spider_*", "opens another connection, outside of this transaction"),
    ("keyring_*", "changes the server"),
    ("group_replication_*", "changes the server"),
    ("asynchronous_connection_failover_*", "changes the server"),
    ("audit_log_*", "changes the server"),
    ("version_tokens_*", "changes the server"),
];

/// The same for what only SQLite ships.
const NEVER_ON_SQLITE: &[(&str, &str)] =
    &[("pragma_*", "looks at tables that need not be declared, and at the session that trueup relies on")];

/// The same for reads.
const NOT_READING_ON_MYSQL: &[(&str, &str)] = &[("last_insert_id", "may change what the session remembers")];

/// Effects inside the transaction: in a write they are the author's business, in a read they are a mistake.
const NOT_READING: &[(&str, &str)] = &[
    ("nextval", "changes a sequence"),
    ("setval", "changes a sequence"),
    ("pg_notify", "sends a message"),
    ("pg_advisory_*", "takes a lock"),
    ("pg_try_advisory_*", "takes a lock"),
    ("lo_*", "changes large objects"),
    ("lowrite", "changes large objects"),
    ("txid_current", "assigns a transaction id"),
    ("pg_current_xact_id", "assigns a transaction id"),
];

/// Why a statement may not run at all.
pub fn refused(sql: &str, tokens: &[Token], dialect: Dialect) -> Option<String> {
    let own = || match dialect {
        Dialect::Mysql => found(sql, tokens, NEVER_ON_MYSQL),
        Dialect::Sqlite => found(sql, tokens, NEVER_ON_SQLITE),
        Dialect::Postgres => None,
    };
    found(sql, tokens, NEVER).or_else(own)
}

/// Why a statement is no read.
pub fn not_a_read(sql: &str, tokens: &[Token], dialect: Dialect) -> Option<String> {
    let own = || if dialect == Dialect::Mysql { found(sql, tokens, NOT_READING_ON_MYSQL) } else { None };
    found(sql, tokens, NOT_READING).or_else(own)
}

fn found(sql: &str, tokens: &[Token], list: &[(&str, &str)]) -> Option<String> {
    let names = tokens
        .windows(2)
        .filter(|pair| matches!(pair[0].kind, Kind::Word | Kind::Name) && &sql[pair[1].at.clone()] == "(");
    names.map(|pair| name(&sql[pair[0].at.clone()])).find_map(|name| {
        let (_, why) = list.iter().find(|(pattern, _)| fits(&name, pattern))?;
        Some(format!("{name}() {why}"))
    })
}

/// As the database reads it: quotes off. Case is folded for quoted names too, which is stricter than the database.
fn name(token: &str) -> String {
    let bare = match token.chars().next() {
        Some('"') => token[1..token.len() - 1].replace("\"\"", "\""),
        Some('`') => token[1..token.len() - 1].replace("``", "`"),
        Some('[') => token[1..token.len() - 1].to_owned(),
        _ => token.to_owned(),
    };
    bare.to_lowercase()
}

fn fits(name: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |start| name.starts_with(start))
}

/// What may stand before `(`: words of SQL, types with a size, and functions that compute from what they are given.
const KNOWN: &[&str] = &[
    "abs",
    "all",
    "and",
    "any",
    "array_agg",
    "array_length",
    "array_to_string",
    "as",
    "avg",
    "between",
    "bit",
    "bool_and",
    "bool_or",
    "btrim",
    "by",
    "cardinality",
    "case",
    "cast",
    "ceil",
    "ceiling",
    "char",
    "char_length",
    "character",
    "character_length",
    "coalesce",
    "concat",
    "concat_ws",
    "convert",
    "count",
    "current_timestamp",
    "date",
    "date_add",
    "date_format",
    "date_part",
    "date_sub",
    "date_trunc",
    "datediff",
    "day",
    "decimal",
    "dense_rank",
    "distinct",
    "else",
    "every",
    "except",
    "exists",
    "extract",
    "filter",
    "first_value",
    "floor",
    "from",
    "generate_series",
    "greatest",
    "group_concat",
    "having",
    "hour",
    "if",
    "ifnull",
    "in",
    "instr",
    "intersect",
    "is",
    "join",
    "json_agg",
    "json_array_length",
    "json_build_object",
    "json_extract",
    "json_object",
    "json_unquote",
    "jsonb_agg",
    "jsonb_array_length",
    "jsonb_build_object",
    "lag",
    "last_value",
    "lead",
    "least",
    "left",
    "length",
    "lower",
    "lpad",
    "ltrim",
    "make_date",
    "max",
    "md5",
    "min",
    "minute",
    "mod",
    "month",
    "not",
    "now",
    "nullif",
    "numeric",
    "on",
    "or",
    "over",
    "partition",
    "position",
    "quarter",
    "rank",
    "regexp_replace",
    "replace",
    "reverse",
    "right",
    "round",
    "row_number",
    "rpad",
    "rtrim",
    "second",
    "select",
    "sign",
    "some",
    "split_part",
    "starts_with",
    "str_to_date",
    "string_agg",
    "strpos",
    "substr",
    "substring",
    "sum",
    "then",
    "time",
    "timestamp",
    "timestampdiff",
    "to_char",
    "to_date",
    "to_timestamp",
    "translate",
    "trim",
    "trunc",
    "truncate",
    "union",
    "unnest",
    "upper",
    "using",
    "values",
    "varchar",
    "when",
    "where",
    "with",
    "within",
    "year",
];

/// The first name before `(` that is none of [`KNOWN`].
pub fn unknown(sql: &str, tokens: &[Token]) -> Option<String> {
    calls(sql, tokens).map(|(_, name)| name).find(|name| !is_known(name))
}

/// What stands before each `(`, with the place of its token, in small letters.
pub fn calls<'t>(sql: &'t str, tokens: &'t [Token]) -> impl Iterator<Item = (usize, String)> + 't {
    let pairs = tokens.iter().zip(tokens.iter().skip(1)).enumerate();
    let called =
        pairs.filter(|(_, (name, next))| matches!(name.kind, Kind::Word | Kind::Name) && &sql[next.at.clone()] == "(");
    called.map(|(at, (name, _))| (at, sql[name.at.clone()].to_lowercase()))
}

/// It is one of [`KNOWN`].
pub fn is_known(name: &str) -> bool {
    KNOWN.binary_search(&name).is_ok()
}

#[cfg(test)]
mod known {
    use crate::{connection::sql_rules::unknown_function, template::sql::Dialect};

    #[test]
    fn a_function_of_somebodys_own_is_found_and_no_other() {
        assert!(super::KNOWN.is_sorted());
        let of = |sql: &str| unknown_function(sql, Dialect::Postgres);
        let plain = "select count(*) filter (where a in (1, 2)), coalesce(max(b)::numeric(5, 2), 0) from t where exists (select 1 from u) and c = $1";
        assert_eq!(of(plain), None);
        assert_eq!(of("select total() from t").as_deref(), Some("total"));
        assert_eq!(of("select 1 from t where sums.of_dept (dept) > 3").as_deref(), Some("of_dept"));
        assert_eq!(unknown_function("select total() from t", Dialect::Sqlite), None);
    }
}
