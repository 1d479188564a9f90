//! What has to be granted where a database refuses for want of a right: from its message, and from the statement where the message
//! does not say what was to be done.

use super::{
    fault::{Fault, FaultKind},
    sql_rules::{self, Class},
};
use crate::template::sql::Dialect;

/// In PostgreSQL the message names the object and not what was to be done with it; that stands in the statement.
pub(super) fn by_postgres(fault: Fault, sql: &str, role: &str) -> Fault {
    if fault.kind != FaultKind::Denied || fault.advice.is_some() {
        return fault;
    }
    if fault.message.contains("row-level security policy") {
        return fault.advise(
            "a policy of the table keeps this row from the role of this connection; whoever looks after the table knows why",
        );
    }
    let Some((kind, object)) =
        fault.message.strip_prefix("permission denied for ").and_then(|rest| rest.split_once(' '))
    else {
        return fault;
    };
    let granted = match kind {
        "schema" => Some(format!("usage on schema {}", written(object))),
        "sequence" => Some(format!("usage on sequence {}", written(object))),
        "function" => Some(format!("execute on function {}", written(object))),
        "table" | "view" => of_table(sql, object),
        _ => None,
    };
    match granted {
        Some(granted) => fault.advise(format!("let its owner run `grant {granted} to {}`", written(role))),
        None => fault,
    }
}

/// Which rights a statement needs on a table; nothing where it does not name it (a trigger or a view comes to it).
fn of_table(sql: &str, table: &str) -> Option<String> {
    let verdict = sql_rules::judge(sql, Dialect::Postgres);
    let named = |name: &&String| name.rsplit('.').next() == Some(table);
    let whole = |name: &String| name.split('.').map(written).collect::<Vec<_>>().join(".");
    if let Some(name) = verdict.writes.iter().find(named) {
        // What is changed is found and read again by the same role.
        let rights = match verdict.class {
            Class::Insert if sql.to_lowercase().contains("on conflict") => "select, insert, update",
            Class::Insert => "select, insert",
            Class::Update => "select, update",
            Class::Delete => "select, delete",
            Class::Read | Class::Other | Class::NotUnderstood => return None,
        };
        return Some(format!("{rights} on {}", whole(name)));
    }
    let name = verdict.reads.iter().find(named)?;
    let locks = verdict.not_a_read.is_some_and(|why| why.contains("FOR UPDATE"));
    Some(format!("{} on {}", if locks { "select, update" } else { "select" }, whole(name)))
}

/// A name as it has to be written.
fn written(name: &str) -> String {
    let plain = |c: char| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// What MySQL and MariaDB name in their message: `SELECT command denied to user 'app'@'10.0.0.7' for table 'orders'`. The host is
/// that of the session and not that of the account, which may be another.
pub(super) fn by_mysql(message: &str) -> Option<String> {
    let (commands, rest) = message.split_once(" command denied to user '")?;
    let (user, _) = rest.split_once('\'')?;
    let rights: Vec<&str> = commands.split(", ").map(right).collect::<Option<_>>()?;
    let (_, object) = rest.split_once(" for ")?;
    let object = object.trim_end_matches('.');
    let (columns, table) = match object.strip_prefix("column ").and_then(|rest| rest.split_once(" in table ")) {
        Some((column, table)) => (format!(" ({})", bare(column)), table),
        None => (String::new(), object.strip_prefix("table ")?),
    };
    let rights = rights.iter().map(|right| format!("{right}{columns}")).collect::<Vec<_>>().join(", ");
    Some(format!(
        "let an administrator run `grant {rights} on {} to '{user}'@'%'`, with the host of the account in place of %",
        bare(table)
    ))
}

/// `` `shop`.`orders` `` and `'orders'` without their quotes.
fn bare(name: &str) -> String {
    name.replace(['`', '\''], "")
}

/// What allows a command; a row is locked by whoever may change it.
fn right(command: &str) -> Option<&'static str> {
    Some(match command {
        "SELECT" => "select",
        "INSERT" => "insert",
        "UPDATE" | "LOCK TABLES" => "update",
        "DELETE" => "delete",
        "SELECT with locking clause" => "select, update",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_be_granted_is_told_with_table_and_role() {
        let help = |message: &str, sql: &str| {
            by_postgres(Fault::new(FaultKind::Denied, message), sql, "app").advice.unwrap_or_default()
        };
        for (message, sql, granted) in [
            ("table things", "select * from things where id = $1", "select on things to app"),
            (
                "table things",
                "SELECT \"id\" FROM \"things\" WHERE \"id\" = $1 FOR UPDATE",
                "select, update on things to app",
            ),
            ("table events", "insert into audit.events (id) values ($1)", "select, insert on audit.events to app"),
            (
                "table t",
                "insert into t (id) values (1) on conflict (id) do nothing",
                "select, insert, update on t to app",
            ),
            ("table t", "delete from t where id in (select id from u)", "select, delete on t to app"),
            ("table u", "delete from t where id in (select id from u)", "select on u to app"),
            ("schema audit", "select * from audit.events", "usage on schema audit to app"),
            ("sequence t_id_seq", "insert into t (n) values (1)", "usage on sequence t_id_seq to app"),
            ("function f", "select f()", "execute on function f to app"),
        ] {
            let told = format!("let its owner run `grant {granted}`");
            assert_eq!(help(&format!("permission denied for {message}"), sql), told);
        }
        // What a trigger writes to does not stand in the statement: only the database knows.
        assert_eq!(help("permission denied for table notes", "update things set n = 1"), "");
        assert_eq!(help("must be owner of table things", "select 1"), "");
        assert!(help("new row violates row-level security policy for table \"things\"", "").starts_with("a policy"));
        let fault = Fault::new(FaultKind::NoTable, "permission denied for table t");
        assert_eq!(by_postgres(fault, "select * from t", "app").advice, None);
    }

    #[test]
    fn the_message_of_mysql_says_all_but_the_host_of_the_account() {
        let end = "to 'app'@'%'`, with the host of the account in place of %";
        for (commands, object, granted) in [
            ("SELECT", "table `shop`.`orders`", "select on shop.orders"),
            ("SELECT", "table 'orders'", "select on orders"),
            ("INSERT, UPDATE", "table 'orders'", "insert, update on orders"),
            ("SELECT with locking clause", "table 'orders'", "select, update on orders"),
            ("UPDATE", "column 'state' in table 'orders'", "update (state) on orders"),
        ] {
            let message = format!("{commands} command denied to user 'app'@'10.0.0.7' for {object}");
            assert_eq!(by_mysql(&message).unwrap(), format!("let an administrator run `grant {granted} {end}"));
        }
        for other in [
            "execute command denied to user 'app'@'10.0.0.7' for routine 'shop.f'",
            "Access denied; you need (at least one of) the SUPER privilege(s) for this operation",
        ] {
            assert_eq!(by_mysql(other), None, "{other}");
        }
    }
}
