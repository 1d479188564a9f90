//! Which SQLite file this is, and how its tables are built.

use super::{
    super::{fault::Fault, rows::Identity, standing::Standing},
    Link,
    catalogue::{ask, int, text},
};
use crate::base::value::Value;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, fs::Metadata, os::unix::fs::MetadataExt, sync::Arc, time::UNIX_EPOCH};

/// The statements that made a table, its unique indexes and triggers, and the tables whose foreign keys point to it.
const LINES: &str = "\
    SELECT t.value AS \"table\", m.type || ' ' || m.name || ' ' || m.sql AS line FROM json_each(?1) t JOIN sqlite_schema m \
    WHERE m.sql IS NOT NULL AND \
      (m.tbl_name = t.value COLLATE NOCASE AND (m.type <> 'index' OR m.sql LIKE 'CREATE UNIQUE%') \
       OR m.type = 'table' AND EXISTS ( \
         SELECT 1 FROM pragma_foreign_key_list(m.name) f WHERE f.\"table\" = t.value COLLATE NOCASE)) \
    ORDER BY t.key, line";

const FILE: &str = "\
    SELECT sqlite_version() AS version, (SELECT application_id FROM pragma_application_id) AS application, \
           (SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'trueup_ledger') AS has_ledger, ?1 AS tables";

/// The number of a file, and when it was made, where the file system keeps it: the number of one that is gone is given to the next.
fn told(known: &Metadata) -> (String, String) {
    let born = known.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
    let born = born.map_or_else(String::new, |born| format!("{}.{:09}", born.as_secs(), born.subsec_nanos()));
    (known.ino().to_string(), born)
}

/// The file is another one than that of this [`Identity::system`].
pub fn is_another(known: &Metadata, system: &str) -> bool {
    let mut parts = system.split('/');
    let (inode, born) = told(known);
    let (then, born_then) = (parts.next(), parts.nth(1).unwrap_or_default());
    then.is_some_and(|then| then != inode) || !born.is_empty() && !born_then.is_empty() && born != born_then
}

/// Both.
pub async fn standing(link: &mut Link, tables: &[&str]) -> Result<Standing, Fault> {
    let names = Value::list(tables.iter().map(|t| Value::from(*t)));
    let row = ask(link, FILE, &names).await?.pop().unwrap_or_default();
    let path = std::fs::canonicalize(&link.file).unwrap_or_else(|_| link.file.clone().into());
    let (inode, born) = std::fs::metadata(&path).as_ref().map(told).unwrap_or_default();
    let born = if born.is_empty() { born } else { format!("/{born}") };
    let mut hashes: HashMap<Arc<str>, Sha256> = HashMap::new();
    if !tables.is_empty() {
        for line in ask(link, LINES, &names).await? {
            let hash = hashes.entry(text(&line, "table")).or_default();
            hash.update(text(&line, "line").as_bytes());
            hash.update([0]);
        }
    }
    let identity = Identity {
        server: format!("SQLite {}", text(&row, "version")),
        database: path.display().to_string(),
        system: format!("{inode}/{}{born}", int(&row, "application")),
        role: String::new(),
        replica: false,
        ledger: None,
    };
    let mut hash = |table: &str| {
        let digest = hashes.remove(table).unwrap_or_default().finalize();
        (table.to_owned(), digest.iter().map(|b| format!("{b:02x}")).collect::<String>())
    };
    let tables = tables.iter().map(|table| hash(table)).collect();
    Ok(Standing { identity, tables, has_ledger: int(&row, "has_ledger") > 0 })
}

/// Which file this is.
pub async fn identity(link: &mut Link) -> Result<Identity, Fault> {
    standing(link, &[]).await.map(|standing| standing.identity)
}
