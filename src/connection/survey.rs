//! What a live database is like beyond its tables: asked by `check --env`, so that what is missing is found before anybody
//! is in a hurry.

use super::{
    database::{Database, Target},
    fault::{Fault, FaultKind},
    session::Session,
    statement::{Limits, Statement},
};
use crate::{
    base::value::{Map, Value},
    table::rights::Rights,
    template::sql::Dialect,
};
use std::{collections::HashMap, sync::Arc};

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The ledger's table is there.
    pub has_ledger: bool,
    /// It is a replica, which takes no writes.
    pub replica: bool,
    /// The role that writes; empty for SQLite.
    pub role: String,
    /// Its rights on the tables that were asked for and that exist. Empty where the database knows no rights.
    pub rights: HashMap<Arc<str>, Rights>,
    /// Why nothing can be written at all, a fragment.
    pub not_writable: Option<String>,
    /// What shows that a pooler hands each transaction to another session, a fragment.
    pub pooled: Option<String>,
}

const RIGHTS: &str = "\
    select t.name, has_any_column_privilege(c.oid, 'insert') as insert, has_table_privilege(c.oid, 'delete') as delete, \
           coalesce(array_agg(a.attname::text) filter (where has_column_privilege(c.oid, a.attnum, 'update')), '{}') as update, \
           bool_and(has_column_privilege(c.oid, a.attnum, 'select')) as select \
    from unnest($1::text[]) t(name) \
    join pg_class c on c.oid = to_regclass(case strpos(t.name, '.') when 0 then quote_ident(t.name) \
      else quote_ident(left(t.name, strpos(t.name, '.') - 1)) || '.' || quote_ident(substr(t.name, strpos(t.name, '.') + 1)) end) \
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
    group by t.name, c.oid";

impl Database {
    /// Looks at everything that does not depend on a playbook, and at the writing role's rights on these tables.
    pub async fn survey(&self, tables: &[&str]) -> Result<Survey, Fault> {
        let pooled = match &*self.target {
            Target::Postgres(target) => target.pooled().await?,
            Target::Sqlite(_) | Target::Mysql(_) => None,
        };
        let mut handle = match self.rehearsing().await {
            Ok(handle) => handle,
            Err(fault) if fault.kind == FaultKind::ReadOnly => {
                let has_ledger = self.has_ledger().await?;
                return Ok(Survey { has_ledger, not_writable: Some(fault.message), pooled, ..Survey::default() });
            }
            // Somebody writes to the file just now, so it can be written.
            Err(fault) if fault.kind == FaultKind::Busy => {
                return Ok(Survey { has_ledger: self.has_ledger().await?, pooled, ..Survey::default() });
            }
            Err(fault) => return Err(fault),
        };
        let standing = handle.standing(&[], false).await?;
        let rights = handle.rights(tables).await?;
        handle.rollback().await?;
        let (role, replica) = (standing.identity.role, standing.identity.replica);
        Ok(Survey { has_ledger: standing.has_ledger, replica, role, rights, not_writable: None, pooled })
    }
}

impl Session {
    async fn rights(&mut self, tables: &[&str]) -> Result<HashMap<Arc<str>, Rights>, Fault> {
        if self.dialect() == Dialect::Sqlite || tables.is_empty() {
            return Ok(HashMap::new());
        }
        if self.dialect() == Dialect::Mysql {
            let link = self.enter()?;
            let done = link.rights(tables).await;
            let done = self.leave(done);
            return self.recover(done).await;
        }
        let names = Value::list(tables.iter().map(|t| Value::from(*t)));
        let done =
            self.raw(&Statement::new(RIGHTS, vec![names]), Limits::USUAL).await.and_then(|answer| answer.named());
        let rows = self.recover(done).await?.rows;
        Ok(rows.iter().filter_map(|row| Some((row.get("name")?.as_str()?.into(), of(row)))).collect())
    }
}

fn of(row: &Map) -> Rights {
    let is = |name: &str| row.get(name).and_then(Value::as_bool).unwrap_or(false);
    let columns = row.get("update").and_then(Value::as_list).unwrap_or_default();
    Rights {
        insert: is("insert"),
        delete: is("delete"),
        update: columns.iter().filter_map(|c| c.as_str().map(Arc::from)).collect(),
        select: is("select"),
    }
}
