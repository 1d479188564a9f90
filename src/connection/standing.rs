//! What a plan rests on behind a connection: which database it is, and how the tables are built that it names.
//!
//! The text form is stored with plans and runs and compared with what is found before the first write.

use super::{fault::Fault, ledger, rows::Identity, session::Session};

/// A database and its tables, as found through an open session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which database.
    pub identity: Identity,
    /// SHA-256 over the structure of the named tables, in hexadecimal digits: columns, types, nullability, defaults, keys,
    /// foreign keys from and to them, triggers with their functions.
    pub schema: String,
    /// The ledger's table is there.
    pub has_ledger: bool,
}

/// How what is found differs from what was planned against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unlike {
    /// Another database, both in words.
    Database {
        /// The one of the plan.
        planned: String,
        /// The one that is connected.
        found: String,
    },
    /// The same database with tables built in another way.
    Schema,
}

/// Stands where there is nothing: no text of a part is empty.
const NOTHING: &str = "-";

impl Identity {
    /// `postgres 7412…/16384 LEDGER register`: kind, system, the ledger's id (`-` without one), database. Not the version
    /// or the role: they may change under a plan.
    pub fn text(&self) -> String {
        let kind = self.server.split(' ').next().unwrap_or_default().to_lowercase();
        let ledger = self.ledger.as_deref().unwrap_or(NOTHING);
        format!("{kind} {} {ledger} {}", self.system, self.database)
    }
}

impl Standing {
    /// `SCHEMA`, and the identity's text.
    pub fn text(&self) -> String {
        format!("{} {}", self.schema, self.identity.text())
    }
}

/// The parts of a text.
struct Parts<'a> {
    schema: &'a str,
    kind: &'a str,
    system: &'a str,
    ledger: Option<&'a str>,
    database: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Parts<'a>> {
        let mut parts = text.splitn(5, ' ');
        let (schema, kind, system, ledger) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let ledger = Some(ledger).filter(|l| *l != NOTHING);
        Some(Parts { schema, kind, system, ledger, database: parts.next()? })
    }

    /// For people.
    fn words(&self) -> String {
        let ledger = self.ledger.map_or_else(String::new, |id| format!(", ledger {id}"));
        if self.kind == "sqlite" {
            format!("the file {} (inode {}{ledger})", self.database, self.system)
        } else {
            format!("the database `{}` on the server {}{ledger}", self.database, self.system)
        }
    }
}

/// How two texts of [`Standing::text`] differ; nothing when one may stand for the other. A ledger's id counts only where
/// both have one: it is looked up by the role that writes, and a plan may have seen the other role alone.
pub fn unlike(planned: &str, found: &str) -> Option<Unlike> {
    let (Some(then), Some(now)) = (Parts::of(planned), Parts::of(found)) else {
        let (planned, found) = (planned.to_owned(), found.to_owned());
        return (planned != found).then_some(Unlike::Database { planned, found });
    };
    let ledgers = match (then.ledger, now.ledger) {
        (Some(then), Some(now)) => then == now,
        _ => true,
    };
    if (then.kind, then.system, then.database) != (now.kind, now.system, now.database) || !ledgers {
        return Some(Unlike::Database { planned: then.words(), found: now.words() });
    }
    (then.schema != now.schema).then_some(Unlike::Schema)
}

/// The text names a ledger.
pub fn names_ledger(text: &str) -> bool {
    Parts::of(text).is_some_and(|parts| parts.ledger.is_some())
}

impl Session {
    /// Which database this is, and how these tables are built; with the id of the ledger where `ledger` says that it
    /// keeps one.
    pub async fn standing(&mut self, tables: &[&str], ledger: bool) -> Result<Standing, Fault> {
        let link = self.enter()?;
        let done = link.standing(tables).await;
        let done = match done {
            Ok(mut standing) if ledger && standing.has_ledger => link.ledger_id().await.map(|id| {
                standing.identity.ledger = Some(id);
                standing
            }),
            done => done,
        };
        let name = self.name().clone();
        let done = self.leave(done).map_err(|fault| ledger::named_for(fault, ledger, &name));
        self.recover(done).await
    }

    /// SHA-256 over the structure of these tables, in hexadecimal digits.
    pub async fn schema_of(&mut self, tables: &[&str]) -> Result<String, Fault> {
        self.standing(tables, false).await.map(|standing| standing.schema)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(system: &str, ledger: Option<&str>, schema: &str) -> String {
        let identity = Identity {
            server: "PostgreSQL 15.18".into(),
            database: "the register".into(),
            system: system.into(),
            role: "anna".into(),
            replica: false,
            ledger: ledger.map(str::to_owned),
        };
        Standing { identity, schema: schema.into(), has_ledger: ledger.is_some() }.text()
    }

    #[test]
    fn another_server_another_ledger_and_another_schema_are_told_apart() {
        let planned = standing("7/1", Some("a"), "s");
        assert_eq!(planned, "s postgresql 7/1 a the register");
        assert_eq!(unlike(&planned, &standing("7/1", Some("a"), "s")), None);
        assert_eq!(unlike(&planned, &standing("7/1", None, "s")), None);
        assert_eq!(unlike(&planned, &standing("7/1", Some("a"), "t")), Some(Unlike::Schema));
        let other = unlike(&planned, &standing("7/1", Some("b"), "t"));
        assert_eq!(
            other,
            Some(Unlike::Database {
                planned: "the database `the register` on the server 7/1, ledger a".into(),
                found: "the database `the register` on the server 7/1, ledger b".into(),
            })
        );
        assert!(matches!(unlike(&planned, &standing("8/1", Some("a"), "s")), Some(Unlike::Database { .. })));
        assert!(names_ledger(&planned) && !names_ledger(&standing("7/1", None, "s")));
    }

    #[test]
    fn a_text_of_another_form_is_only_equal_to_itself() {
        assert_eq!(unlike("x", "x"), None);
        assert!(matches!(unlike("x", &standing("7/1", None, "s")), Some(Unlike::Database { .. })));
    }
}
