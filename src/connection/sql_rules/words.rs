//! Rules by the first word: transaction control, definitions, settings and files stay out of playbooks.

use super::super::sql_lexer::{Kind, Token};

const CONTROL: &[&str] =
    &["begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare", "set constraints"];
const DEFINITIONS: &[&str] = &[
    "create", "alter", "drop", "truncate", "comment", "grant", "revoke", "security", "reassign", "import", "refresh",
    "reindex", "cluster", "rename",
];
const SESSION: &[&str] = &["set", "reset", "discard", "pragma", "attach", "detach", "load", "use"];
const UPKEEP: &[&str] = &["vacuum", "analyze", "checkpoint", "explain"];
const HIDDEN: &[&str] = &["do", "call", "exec", "execute", "deallocate", "declare", "fetch", "move", "close"];

/// Why a statement may not run at all.
pub fn refused(sql: &str, tokens: &[Token]) -> Option<String> {
    let word = |i: usize| tokens.get(i).map(|t| sql[t.at.clone()].to_lowercase()).unwrap_or_default();
    // Unicode escapes would hide a function's name from the rules.
    for three in tokens.windows(3) {
        let touching = three[0].at.end == three[1].at.start && three[1].at.end == three[2].at.start;
        let word_and = sql[three[0].at.start..three[1].at.end].eq_ignore_ascii_case("u&");
        if touching && word_and && matches!(three[2].kind, Kind::Name | Kind::Text) {
            return Some("`U&` hides what is meant; write the characters themselves".into());
        }
    }
    let first = word(0);
    let upper = first.to_uppercase();
    let is = |list: &[&str]| list.contains(&first.as_str());
    Some(if is(CONTROL) {
        format!("{upper} would end or nest trueup's own transaction; a step or a block is one transaction already")
    } else if is(DEFINITIONS) {
        format!("{upper} changes the structure of the database, which belongs into a migration")
    } else if is(SESSION) {
        format!("{upper} changes the session that trueup relies on")
    } else if is(UPKEEP) {
        format!("{upper} is upkeep, not a change of rows")
    } else if is(HIDDEN) {
        format!("{upper} hides what is done, so that it cannot be previewed; write the statement itself")
    } else if first == "copy" {
        "COPY reads or writes files and programs on the server".into()
    } else if first == "lock" {
        "LOCK holds a whole table; rows are locked by trueup itself".into()
    } else if matches!(&*first, "listen" | "notify" | "unlisten") {
        format!("{upper} sends or awaits a message that no rollback of a dry-run would show")
    } else if first == "table" {
        "the short form TABLE is not understood; write SELECT * FROM".into()
    } else {
        return None;
    })
}

const UPKEEP_OF_MYSQL: &[&str] = &[
    "flush",
    "kill",
    "install",
    "uninstall",
    "optimize",
    "repair",
    "check",
    "checksum",
    "cache",
    "purge",
    "change",
    "stop",
    "shutdown",
    "binlog",
    "handler",
    "help",
    "signal",
    "resignal",
    "get",
    "delimiter",
    "unlock",
    "xa",
    "clone",
    "restart",
];

/// Why a statement may not run on MySQL or MariaDB, beyond what holds everywhere.
pub fn refused_by_mysql(sql: &str, tokens: &[Token]) -> Option<String> {
    let word = |i: usize| tokens.get(i).map(|t| sql[t.at.clone()].to_lowercase()).unwrap_or_default();
    let first = word(0);
    let is = |token: &Token, words: &[&str]| {
        token.kind == Kind::Word && words.contains(&&*sql[token.at.clone()].to_lowercase())
    };
    Some(if UPKEEP_OF_MYSQL.contains(&first.as_str()) {
        format!("{} is upkeep, or ends trueup's own transaction", first.to_uppercase())
    } else if first == "replace" {
        "REPLACE deletes rows that no image shows; write INSERT … ON DUPLICATE KEY UPDATE".into()
    } else if matches!(&*word(1), "ignore" | "low_priority" | "delayed" | "quick" | "high_priority") {
        format!("{} makes warnings of errors, or puts the change off", word(1).to_uppercase())
    } else if let Some(file) = tokens.iter().find(|t| is(t, &["outfile", "dumpfile", "infile"])) {
        format!("INTO {} reads or writes files of the server", sql[file.at.clone()].to_uppercase())
    } else if tokens.windows(2).any(|two| is(&two[0], &["share"]) && is(&two[1], &["mode"])) {
        "LOCK IN SHARE MODE locks rows; rows are locked by trueup itself".into()
    } else if tokens
        .windows(3)
        .any(|three| is(&three[0], &["next", "previous"]) && is(&three[1], &["value"]) && is(&three[2], &["for"]))
    {
        "NEXT VALUE FOR changes a sequence, which no rollback of a dry-run takes back".into()
    } else {
        return None;
    })
}

/// Why a statement may not run on SQLite, beyond what holds everywhere.
pub fn refused_by_sqlite(sql: &str, tokens: &[Token]) -> Option<String> {
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| is_word(sql, token, word));
    // In a WITH as well, which may stand before. `replace(…)` is a function.
    let replaces = (0..tokens.len()).any(|at| is(at, "replace") && is(at + 1, "into"));
    let or = says_or(sql, tokens);
    Some(match or {
        Some((verb, or)) if or == "replace" && verb == "insert" => {
            "INSERT OR REPLACE deletes rows that no image shows; write INSERT … ON CONFLICT (…) DO UPDATE".into()
        }
        Some((_, or)) if or == "replace" => {
            "UPDATE OR REPLACE deletes rows that no image shows; delete what is in the way by a step of its own".into()
        }
        Some((_, or)) if or == "rollback" => "OR ROLLBACK would end trueup's own transaction; write OR ABORT".into(),
        _ if replaces => "REPLACE deletes rows that no image shows; write INSERT … ON CONFLICT (…) DO UPDATE".into(),
        _ => return None,
    })
}

/// What a statement does about conflicts by its own words, and which statement it is: both in small letters.
pub fn says_or(sql: &str, tokens: &[Token]) -> Option<(String, String)> {
    let found = tokens.windows(3).find(|three| {
        let change = is_word(sql, &three[0], "insert") || is_word(sql, &three[0], "update");
        change && is_word(sql, &three[1], "or") && three[2].kind == Kind::Word
    })?;
    Some((sql[found[0].at.clone()].to_lowercase(), sql[found[2].at.clone()].to_lowercase()))
}

/// What follows on ON CONFLICT in the text of a table, but for what is an error.
pub fn on_conflict(sql: &str, tokens: &[Token]) -> Vec<String> {
    let clauses =
        tokens.windows(3).filter(|three| is_word(sql, &three[0], "on") && is_word(sql, &three[1], "conflict"));
    let words = clauses.map(|three| sql[three[2].at.clone()].to_lowercase());
    words.filter(|word| word != "abort").collect()
}

fn is_word(sql: &str, token: &Token, word: &str) -> bool {
    token.kind == Kind::Word && sql[token.at.clone()].eq_ignore_ascii_case(word)
}

/// What is wrong with a piece that MySQL reads in more than one way.
pub fn unclear(piece: &str) -> String {
    match piece.chars().next() {
        Some('"') => "MySQL reads \"…\" as a text or as a name, as it is set; write '…' or `…`",
        Some('\'' | '\\') => {
            "MySQL reads a backslash as it is set; bind the text as a value, or leave the backslash out"
        }
        Some('#') => "# begins a comment in MySQL alone; write -- and a blank",
        Some('-') => "-- without a blank after it is no comment in MySQL; write a blank",
        Some('@') => "a variable (@…) belongs to the session that trueup relies on",
        _ => "/*! … */ and /*+ … */ are executed by some servers and skipped by others; write the words themselves",
    }
    .into()
}

/// Words that betray a write where the parser understood nothing.
pub fn writing(sql: &str, tokens: &[Token]) -> Option<String> {
    const WORDS: &[&str] = &["insert", "update", "delete", "merge", "replace", "into", "share", "returning"];
    let found =
        tokens.iter().filter(|t| t.kind == Kind::Word).find(|t| WORDS.contains(&&*sql[t.at.clone()].to_lowercase()))?;
    Some(format!("it holds the word {}, and the parser does not understand it", sql[found.at.clone()].to_uppercase()))
}
