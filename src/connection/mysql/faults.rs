//! Error numbers of MySQL and MariaDB and the driver's errors as faults. Cuts row data out of messages.

use super::super::{
    denied,
    fault::{Fault, FaultKind},
    sql_lexer,
};
use crate::template::sql::Dialect;
use sqlx::mysql::MySqlDatabaseError;

/// An error of a statement or of connecting; `sql` is the statement, empty when there is none.
pub fn fault(error: sqlx::Error, sql: &str) -> Fault {
    match error {
        sqlx::Error::Database(error) => match error.try_downcast::<MySqlDatabaseError>() {
            Ok(error) => of_server(error.number(), error.code().unwrap_or_default(), error.message(), sql),
            Err(error) => Fault::new(FaultKind::Other, error.to_string()),
        },
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Fault::new(FaultKind::Refused, "nobody listens there")
        }
        sqlx::Error::Io(error) => Fault::new(FaultKind::Lost, format!("the connection broke: {error}")),
        sqlx::Error::Tls(error) => Fault::new(FaultKind::TlsFailed, format!("no encrypted connection: {error}")),
        sqlx::Error::Configuration(error) => {
            Fault::new(FaultKind::Settings, format!("the address cannot be used: {error}"))
        }
        sqlx::Error::Encode(error) => Fault::new(FaultKind::Data, error.to_string()),
        // A protocol error leaves the session in an unknown state: it counts as lost.
        error => Fault::new(FaultKind::Lost, format!("the server's answer was not understood: {error}")),
    }
}

fn of_server(number: u16, state: &str, text: &str, sql: &str) -> Fault {
    let kind = match kind(number, state) {
        // The server names the option that forbids it.
        FaultKind::ReadOnly if number == 1290 && !text.contains("read") => FaultKind::Other,
        kind => kind,
    };
    let mut fault = Fault::new(kind, message(number, kind, text));
    fault.position = match kind {
        FaultKind::Syntax if number == 1064 => near(text).and_then(|rest| place_of(sql, rest)),
        FaultKind::NoColumn | FaultKind::NoTable | FaultKind::Syntax => {
            text.split('\'').nth(1).and_then(|word| position(sql, word.rsplit('.').next().unwrap_or(word)))
        }
        _ => None,
    };
    fault.constraint = constraint(number, text).map(Into::into);
    match number {
        1665 => fault.advise(
            "the server logs statements, which READ COMMITTED does not allow: set `binlog_format` to MIXED or ROW",
        ),
        1021 | 1114 => fault.advise("make space on the disk of the database server, then try again"),
        1267 | 1270 => fault.advise("the character set of the column does not have this character"),
        1290 if text.contains("mem-used") => fault.advise(
            "the server grants a session only so much memory: narrow the statement, or let an administrator raise `max_session_mem_used`",
        ),
        1142 | 1143 => denied::by_mysql(text).into_iter().fold(fault, Fault::advise),
        _ => fault,
    }
}

/// What a number means for us.
fn kind(number: u16, state: &str) -> FaultKind {
    match number {
        1045 | 1130 | 1251 | 1275 | 1698 | 1820 | 1862 | 3118 | 4151 => FaultKind::Auth,
        1046 | 1049 => FaultKind::NoDatabase,
        1051 | 1109 | 1146 => FaultKind::NoTable,
        1054 => FaultKind::NoColumn,
        1044 | 1142 | 1143 | 1227 | 1370 | 1410 => FaultKind::Denied,
        1022 | 1048 | 1062 | 1169 | 1216 | 1217 | 1364 | 1451 | 1452 | 1557 | 1586 | 1761 | 1762 | 3819 | 4025 => {
            FaultKind::Constraint
        }
        1205 => FaultKind::LockTimeout,
        1317 | 1969 | 3024 => FaultKind::StatementTimeout,
        // A deadlock, or (MariaDB) a row that changed after it was read.
        1020 | 1213 | 1614 => FaultKind::Serialization,
        1290 | 1792 | 1836 => FaultKind::ReadOnly,
        1040 | 1129 | 1203 | 1226 => FaultKind::Refused,
        // 1180 and 1181: COMMIT or ROLLBACK failed inside of the engine, so nobody knows.
        1053 | 1080 | 1152..=1161 | 1180 | 1181 | 1927 | 2006 | 2013 | 3169 | 4031 => FaultKind::Lost,
        1052 | 1055 | 1064 | 1066 | 1111 | 1136 | 1140 | 1149 | 1210 | 1222 | 1241 | 1248 | 1305 | 1318 => {
            FaultKind::Syntax
        }
        1242 | 1264 | 1265 | 1267 | 1270 | 1292 | 1365 | 1366 | 1367 | 1406 | 1411 | 1525 | 1690 | 3140 | 4038 => {
            FaultKind::Data
        }
        _ => match &state[..state.len().min(2)] {
            "08" => FaultKind::Lost,
            "22" => FaultKind::Data,
            "23" => FaultKind::Constraint,
            "40" => FaultKind::Serialization,
            _ => FaultKind::Other,
        },
    }
}

/// Messages about bad data and double keys quote the data.
fn message(number: u16, kind: FaultKind, text: &str) -> String {
    match number {
        1205 => return "a lock that somebody else holds was not released in time".into(),
        1213 => return "another transaction waited for this one and this one for it (deadlock)".into(),
        1969 | 3024 => return "the statement ran into `statement_timeout`".into(),
        1317 => return "the statement was interrupted by an administrator".into(),
        1045 | 1698 => return "the password was not accepted".into(),
        1062 | 1586 => {
            let key = constraint(number, text).unwrap_or_default();
            return format!("a row with the same value of the unique key `{key}` is there already");
        }
        _ => {}
    }
    if kind == FaultKind::Data { without_values(text) } else { text.to_owned() }
}

/// `Incorrect date value: '…' for column …`: what is quoted after a colon is data, what is quoted after a word is a name.
fn without_values(text: &str) -> String {
    match text.split_once(": '") {
        None => text.to_owned(),
        Some((lead, rest)) => {
            let tail = ["' for column", "' for function", "' for key", "' in"];
            let end = tail.iter().filter_map(|t| rest.rfind(t)).max();
            format!("{lead}: '…{}", end.map_or("'", |end| &rest[end..]))
        }
    }
}

/// The key or constraint that a message names.
fn constraint(number: u16, text: &str) -> Option<&str> {
    let quoted = |lead: &str, quote: char| text.rsplit_once(lead).and_then(|(_, rest)| rest.split(quote).nth(1));
    let name = match number {
        1062 | 1586 => quoted("for key ", '\''),
        1451 | 1452 | 4025 => quoted("CONSTRAINT ", '`'),
        3819 => quoted("constraint ", '\''),
        1048 | 1364 => text.split('\'').nth(1),
        _ => None,
    }?;
    // MySQL 8 says `table.key`.
    Some(name.rsplit('.').next().unwrap_or(name))
}

/// What a syntax error quotes: the rest of the statement from the place on, up to 80 bytes of it.
fn near(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("near '")?;
    rest.rsplit_once("' at line").map(|(rest, _)| rest)
}

fn place_of(sql: &str, rest: &str) -> Option<usize> {
    if rest.is_empty() {
        return Some(sql.chars().count());
    }
    let mut found = sql.match_indices(rest);
    let (at, _) = found.next()?;
    found.next().is_none().then(|| sql[..at].chars().count() + 1)
}

/// The place of a name that stands in the statement once.
fn position(sql: &str, word: &str) -> Option<usize> {
    let bare = |text: &str| text.trim_matches('`').to_lowercase();
    let mut found =
        sql_lexer::tokens(sql, Dialect::Mysql).into_iter().filter(|t| bare(&sql[t.at.clone()]) == bare(word));
    let only = found.next()?;
    found.next().is_none().then(|| sql[..only.at.start].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_out_of_messages_and_constraints_are_named() {
        let fault = |number, text: &str| of_server(number, "", text, "");
        let double = fault(1062, "Duplicate entry 'anna@example.org' for key 'people.email'");
        assert_eq!(double.message, "a row with the same value of the unique key `email` is there already");
        assert_eq!(double.constraint.as_deref(), Some("email"));
        let child = "Cannot add or update a child row: a foreign key constraint fails (`db`.`t`, CONSTRAINT `fk_a` FOREIGN KEY (`a`) REFERENCES `b` (`id`))";
        assert_eq!(fault(1452, child).constraint.as_deref(), Some("fk_a"));
        assert_eq!(
            fault(1292, "Incorrect datetime value: 'it's se'cret' for column `db`.`t`.`at` at row 1").message,
            "Incorrect datetime value: '…' for column `db`.`t`.`at` at row 1"
        );
        assert_eq!(
            fault(1292, "Truncated incorrect DOUBLE value: 'secret'").message,
            "Truncated incorrect DOUBLE value: '…'"
        );
        assert_eq!(
            fault(1406, "Data too long for column 'name' at row 1").message,
            "Data too long for column 'name' at row 1"
        );
    }

    #[test]
    fn numbers_say_what_to_do_next() {
        assert_eq!(kind(1213, "40001"), FaultKind::Serialization);
        assert_eq!(kind(1451, "23000"), FaultKind::Constraint);
        assert_eq!(kind(2013, "HY000"), FaultKind::Lost);
        assert_eq!(kind(1180, "HY000"), FaultKind::Lost);
        assert_eq!(kind(9999, "22001"), FaultKind::Data);
        assert_eq!(kind(9999, ""), FaultKind::Other);
        let forbidden = |option: &str| {
            let text =
                format!("The MariaDB server is running with the {option} option so it cannot execute this statement");
            of_server(1290, "HY000", &text, "")
        };
        assert_eq!(forbidden("--read-only").kind, FaultKind::ReadOnly);
        let short = forbidden("--max-session-mem-used");
        assert!(short.kind == FaultKind::Other && short.help().contains("`max_session_mem_used`"), "{}", short.help());
    }

    #[test]
    fn the_place_of_a_mistake_is_found_in_the_statement() {
        let sql = "select é, t.idd from t";
        assert_eq!(of_server(1054, "", "Unknown column 't.idd' in 'field list'", sql).position, Some(13));
        let sql = "select a form t";
        let text = "You have an error in your SQL syntax; check the manual … near 't' at line 1";
        assert_eq!(of_server(1064, "", text, sql).position, None);
        let text = "You have an error in your SQL syntax; check the manual … near 'form t' at line 1";
        assert_eq!(of_server(1064, "", text, sql).position, Some(10));
    }
}
