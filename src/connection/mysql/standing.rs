//! Which MySQL or MariaDB database this is, and how its tables are built.

use super::{
    super::{fault::Fault, rows::Identity, standing::Standing},
    Flavour, Link, is, text,
};
use crate::base::value::{Map, Value};
use sha2::{Digest, Sha256};

/// One line for each thing that the meaning of a change may hang on, by name and not by number or order.
///
/// Each view is told its schema in its own words, never through a join: MariaDB opens the tables of all databases of the server
/// otherwise, and waits for whoever alters one of them.
pub(super) const LINES: &str = "\
    select concat_ws(' ', 'table', t.table_type, t.engine) as line \
    from information_schema.tables t where t.table_schema = ? and t.table_name = ? \
    union all \
    select concat_ws(' ', 'column', c.column_name, c.column_type, c.collation_name, c.is_nullable, c.extra, \
           quote(c.column_default), c.generation_expression) \
    from information_schema.columns c where c.table_schema = ? and c.table_name = ? \
    union all \
    select concat_ws(' ', 'unique', s.index_name, s.seq_in_index, s.column_name, s.sub_part) \
    from information_schema.statistics s where s.table_schema = ? and s.table_name = ? and s.non_unique = 0 \
    union all \
    select concat_ws(' ', 'foreign key', k.table_name, k.constraint_name, k.ordinal_position, k.column_name, \
           k.referenced_table_name, k.referenced_column_name, r.delete_rule, r.update_rule) \
    from information_schema.key_column_usage k join information_schema.referential_constraints r \
      on r.constraint_name = k.constraint_name and r.table_name = k.table_name \
    where k.table_schema = ? and ? in (k.table_name, k.referenced_table_name) \
      and r.constraint_schema = ? and ? in (r.table_name, r.referenced_table_name) \
    union all \
    select concat_ws(' ', 'trigger', g.trigger_name, g.action_timing, g.event_manipulation, md5(g.action_statement)) \
    from information_schema.triggers g where g.event_object_schema = ? and g.event_object_table = ?";

pub(super) const CHECKS: &str = " union all \
    select concat_ws(' ', 'check', c.constraint_name, c.check_clause) from information_schema.check_constraints c \
    where c.constraint_schema = ? and c.table_name = ?";

const WHO: &str = "\
    select version() as version, database() as db, current_user() as role, @@global.read_only as replica, \
           exists (select 1 from information_schema.tables where table_schema = ? and table_name = 'trueup_ledger') as has_ledger, ";

/// Both.
pub async fn standing(link: &mut Link, tables: &[&str]) -> Result<Standing, Fault> {
    let id = match link.flavour {
        Flavour::MariaDb => "@@global.server_uid",
        Flavour::MySql => "@@global.server_uuid",
    };
    let database = Value::text(link.database.clone());
    let row = link.ask(&format!("{WHO}{id} as id"), vec![database]).await?.pop().unwrap_or_default();
    let mut hashes = Vec::new();
    for table in tables {
        hashes.push(((*table).to_owned(), hash(link, table).await?));
    }
    Ok(Standing { tables: hashes, has_ledger: is(&row, "has_ledger"), identity: of(link, &row) })
}

async fn hash(link: &mut Link, table: &str) -> Result<String, Fault> {
    let (schema, name) = link.place(table);
    // MySQL tells the table of a rule only through another view; there its columns and keys must do.
    let checks = if link.flavour == Flavour::MariaDb { CHECKS } else { "" };
    let pairs = if checks.is_empty() { 6 } else { 7 };
    let binds = (0..pairs).flat_map(|_| [schema.clone(), name.clone()]).collect();
    let rows = link.ask(&format!("{LINES}{checks}"), binds).await?;
    let mut lines: Vec<String> = rows.iter().map(|row| text(row, "line").to_string()).collect();
    lines.sort();
    let mut hash = Sha256::new();
    for line in &lines {
        hash.update(line.as_bytes());
        hash.update([0]);
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// Which database this is.
pub async fn identity(link: &mut Link) -> Result<Identity, Fault> {
    standing(link, &[]).await.map(|standing| standing.identity)
}

fn of(link: &Link, row: &Map) -> Identity {
    let version = text(row, "version");
    let number = version.split('-').next().unwrap_or_default();
    let server = match link.flavour {
        Flavour::MariaDb => format!("MariaDB {number}"),
        Flavour::MySql => format!("MySQL {number}"),
    };
    Identity {
        server,
        database: text(row, "db").to_string(),
        system: text(row, "id").to_string(),
        role: text(row, "role").to_string(),
        replica: is(row, "replica"),
        ledger: None,
    }
}
