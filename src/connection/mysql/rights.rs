//! What the role of a session may do with tables.

use super::{
    super::fault::{Fault, FaultKind},
    Link, text,
};
use crate::{base::value::Value, table::rights::Rights, template::sql::Dialect};
use std::{collections::HashMap, sync::Arc};

/// The server's own word on each column, from whatever level of grants it comes.
const COLUMNS: &str = "\
    select column_name as name, privileges as rights from information_schema.columns \
    where table_schema = ? and table_name = ?";

/// The rights on the tables that exist and can be seen.
pub async fn rights(link: &mut Link, tables: &[&str]) -> Result<HashMap<Arc<str>, Rights>, Fault> {
    let mut found = HashMap::new();
    for table in tables {
        let (schema, name) = link.place(table);
        let rows = link.ask(COLUMNS, vec![schema, name]).await?;
        if rows.is_empty() {
            continue;
        }
        let may = |row: &crate::base::value::Map, right: &str| text(row, "rights").split(',').any(|r| r == right);
        let rights = Rights {
            insert: rows.iter().any(|row| may(row, "insert")),
            delete: deletes(link, table).await?,
            update: rows.iter().filter(|row| may(row, "update")).map(|row| text(row, "name")).collect(),
            select: rows.iter().all(|row| may(row, "select")),
        };
        found.insert((*table).into(), rights);
    }
    Ok(found)
}

/// DELETE is a right on tables, which no view tells with roles and patterns counted in: the server is asked to prepare one.
async fn deletes(link: &mut Link, table: &str) -> Result<bool, Fault> {
    let text = super::super::sql_text::Text::new(Dialect::Mysql).raw("DELETE FROM ").table(table).raw(" WHERE 1 = 0");
    match link.prepare(&text.done().sql).await {
        Ok(_) => Ok(true),
        Err(fault) if fault.kind == FaultKind::Denied => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// What the role may do beyond what trueup needs, a fragment each.
pub async fn excess(link: &mut Link) -> Result<Vec<String>, Fault> {
    const MUCH: &[(&str, &str)] = &[
        ("SUPER", "it is an administrator (SUPER)"),
        ("FILE", "it may read and write files of the server (FILE)"),
        ("CREATE USER", "it may make users (CREATE USER)"),
        ("SHUTDOWN", "it may stop the server (SHUTDOWN)"),
        ("REPLICATION SLAVE", "it may replicate (REPLICATION SLAVE)"),
    ];
    // Another user's rights can be seen by an administrator: only our own lines count.
    let sql = "select privilege_type as word from information_schema.user_privileges \
               where grantee = concat('''', substring_index(current_user(), '@', 1), '''@''', \
                                      substring_index(current_user(), '@', -1), '''')";
    let words: Vec<Arc<str>> = link.ask(sql, Vec::new()).await?.iter().map(|row| text(row, "word")).collect();
    let has = |wanted: &str| words.iter().any(|word| &**word == wanted);
    Ok(MUCH.iter().filter(|(right, _)| has(right)).map(|(_, what)| (*what).to_owned()).collect())
}

impl Link {
    /// See [`excess`].
    pub(in super::super) async fn excess(&mut self) -> Result<Vec<String>, Fault> {
        excess(self).await
    }

    /// See [`super::ledger::holders`].
    pub(in super::super) async fn holders(&mut self) -> Result<Vec<i64>, Fault> {
        super::ledger::holders(self).await
    }

    /// The account as grants name it: user and host.
    pub(in super::super) async fn account(&mut self) -> Result<(String, String), Fault> {
        let row = self.ask("select current_user() as account", Vec::<Value>::new()).await?.pop().unwrap_or_default();
        let account = text(&row, "account");
        let (user, host) = account.rsplit_once('@').unwrap_or((&account, "%"));
        Ok((user.to_owned(), host.to_owned()))
    }
}
