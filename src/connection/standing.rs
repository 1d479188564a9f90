//! What a plan rests on behind a connection: which database it is, and how the tables are built that it names.
//!
//! The text form is stored with plans and runs and compared with what is found before the first write.

use super::{fault::Fault, ledger, rows::Identity, session::Session};
use crate::base::value::hex;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// A database and its tables, as found through an open session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which database.
    pub identity: Identity,
    /// How each of the named tables is built, in the order of their names: SHA-256 over its columns, types, nullability,
    /// defaults, keys, foreign keys from and to it, and triggers with their functions, in hexadecimal digits; with [`at`] where a name may mean a
    /// table in one of several schemas.
    pub tables: Vec<(String, String)>,
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
        /// It stands where the one of the plan stood: a file that was put in the place of another one.
        exchanged: bool,
    },
    /// The same database, where these tables are built in another way, are gone, or are new.
    Schema(Vec<String>),
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
    /// `TABLES`, and the identity's text.
    pub fn text(&self) -> String {
        format!("{} {}", self.schema(), self.identity.text())
    }

    /// `trainees:5f0c…,audits:91ab…`: each table with the beginning of its hash; `-` for none.
    pub fn schema(&self) -> String {
        let one = |(name, built): &(String, String)| {
            let (hash, place) = parts(built);
            let hash = hash.get(..DIGITS).unwrap_or(hash);
            let place = place.map_or_else(String::new, |place| format!("{AT}{}", escaped(place)));
            format!("{}:{hash}{place}", escaped(name))
        };
        let all: Vec<String> = self.tables.iter().map(one).collect();
        if all.is_empty() { NOTHING.into() } else { all.join(",") }
    }
}

/// Between the hash of a table and its place.
const AT: char = '@';

/// How a table is built, and in which schema it was found by its name; nothing behind it where it was not found.
pub(super) fn at(hash: &str, schema: &str) -> String {
    if schema.is_empty() { hash.to_owned() } else { format!("{hash}{AT}{schema}") }
}

/// The hash, and the schema.
fn parts(built: &str) -> (&str, Option<&str>) {
    built.split_once(AT).map_or((built, None), |(hash, place)| (hash, Some(place)))
}

/// So many digits of a hash are kept: nobody forges the structure of his own tables to get past a comparison.
const DIGITS: usize = 24;

/// A name without the signs that separate.
fn escaped(name: &str) -> String {
    let special = |c: char| matches!(c, '%' | ',' | ':' | AT) || c.is_whitespace() || c.is_control();
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if special(c) {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| text.push_str(&format!("%{byte:02X}")));
        } else {
            text.push(c);
        }
    }
    text
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
        return (planned != found).then_some(Unlike::Database { planned, found, exchanged: false });
    };
    let ledgers = match (then.ledger, now.ledger) {
        (Some(then), Some(now)) => then == now,
        _ => true,
    };
    if (then.kind, then.database) != (now.kind, now.database) || !one_system(&then, &now) || !ledgers {
        let exchanged = then.kind == "sqlite" && now.kind == "sqlite" && then.database == now.database;
        return Some(Unlike::Database { planned: then.words(), found: now.words(), exchanged });
    }
    let tables = changed(then.schema, now.schema);
    (!tables.is_empty()).then_some(Unlike::Schema(tables))
}

/// The same server or file. What an older version wrote of a file does not say when it was made, and another file system may not either: then its number
/// decides.
fn one_system(then: &Parts<'_>, now: &Parts<'_>) -> bool {
    let part = |parts: &Parts<'_>, n: usize| parts.system.split('/').nth(n).map(str::to_owned);
    then.system == now.system
        || then.kind == "sqlite"
            && (0..2).all(|n| part(then, n) == part(now, n))
            && (part(then, 2).is_none() || part(now, 2).is_none())
}

/// The names of the tables that are not the same in both.
fn changed(then: &str, now: &str) -> Vec<String> {
    let (then, now) = (tables(then), tables(now));
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let unlike = |name: &&&String| match (then.get(**name), now.get(**name)) {
        (Some(then), Some(now)) => parts(then).0 != parts(now).0 || is_moved(then, now),
        (then, now) => then != now,
    };
    names.iter().filter(unlike).map(|name| (*name).clone()).collect()
}

/// Of two texts of [`Standing::text`] the tables whose names mean tables in other schemas than they did, with both.
pub fn moved(planned: &str, found: &str) -> Vec<(String, [String; 2])> {
    let (Some(then), Some(now)) = (Parts::of(planned), Parts::of(found)) else { return Vec::new() };
    let (then, mut now) = (tables(then.schema), tables(now.schema));
    let both = then.into_iter().filter_map(|(name, then)| Some((now.remove(&name)?, name, then)));
    let place = |built: &str| {
        let place = parts(built).1.unwrap_or_default();
        percent_encoding::percent_decode_str(place).decode_utf8_lossy().into_owned()
    };
    both.filter(|(now, _, then)| is_moved(then, now))
        .map(|(now, name, then)| (name, [place(&then), place(&now)]))
        .collect()
}

/// What an older version wrote does not say where a table was.
fn is_moved(then: &str, now: &str) -> bool {
    parts(then).1.zip(parts(now).1).is_some_and(|(then, now)| then != now)
}

/// Name and how it is built, of each table.
fn tables(schema: &str) -> BTreeMap<String, String> {
    let parts = schema.split(',').filter_map(|part| part.split_once(':'));
    let named = |name: &str| percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
    parts.map(|(name, built)| (named(name), built.to_owned())).collect()
}

/// What stands in a plan and a run for the service at an address that a reference gives: `http 5f0c…`. Not the address itself, which counts as a
/// secret; without users and passwords, which may change under a plan.
pub fn of_address(kind: &str, address: &str) -> String {
    format!("{kind} {}", short_hash(kind, address))
}

/// What stands for a text that counts as a secret; `kind` keeps equal texts of different meaning apart.
pub(super) fn short_hash(kind: &str, text: &str) -> String {
    let hash = Sha256::digest(format!("trueup {kind} {text}"));
    hex(&hash)[2..][..DIGITS].to_owned()
}

/// The text names a ledger.
pub fn names_ledger(text: &str) -> bool {
    Parts::of(text).is_some_and(|parts| parts.ledger.is_some())
}

impl Session {
    /// Which database this is, and how these tables are built; with the id of the ledger where `ledger` says that it
    /// keeps one.
    pub async fn standing(&mut self, tables: &[&str], ledger: bool) -> Result<Standing, Fault> {
        if let Some(seat) = self.seat() {
            return seat.standing(tables, ledger).await;
        }
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

    /// How these tables are built: [`Standing::schema`].
    pub async fn schema_of(&mut self, tables: &[&str]) -> Result<String, Fault> {
        self.standing(tables, false).await.map(|standing| standing.schema())
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
        let tables = [("a table", schema), ("b", "0123")].map(|(n, h)| (n.to_owned(), h.to_owned())).to_vec();
        Standing { identity, tables, has_ledger: ledger.is_some() }.text()
    }

    #[test]
    fn another_server_another_ledger_and_another_schema_are_told_apart() {
        let planned = standing("7/1", Some("a"), "s");
        assert_eq!(planned, "a%20table:s,b:0123 postgresql 7/1 a the register");
        assert_eq!(unlike(&planned, &standing("7/1", Some("a"), "s")), None);
        assert_eq!(unlike(&planned, &standing("7/1", None, "s")), None);
        assert_eq!(unlike(&planned, &standing("7/1", Some("a"), "t")), Some(Unlike::Schema(vec!["a table".into()])));
        // Where it was is compared where both say it.
        let (here, there) = (standing("7/1", None, &at("s", "my place")), standing("7/1", None, &at("s", "x")));
        assert!(here.starts_with("a%20table:s@my%20place,"), "{here}");
        assert_eq!((unlike(&planned, &here), moved(&planned, &here)), (None, Vec::new()));
        assert_eq!(unlike(&here, &there), Some(Unlike::Schema(vec!["a table".into()])));
        assert_eq!(moved(&here, &there), [("a table".to_owned(), ["my place".to_owned(), "x".to_owned()])]);
        let other = unlike(&planned, &standing("7/1", Some("b"), "t"));
        assert_eq!(
            other,
            Some(Unlike::Database {
                planned: "the database `the register` on the server 7/1, ledger a".into(),
                found: "the database `the register` on the server 7/1, ledger b".into(),
                exchanged: false,
            })
        );
        let file = |inode: u32, path: &str| format!("- sqlite {inode}/0 - {path}");
        let exchanged = |one: &str, other: &str| match unlike(one, other) {
            Some(Unlike::Database { exchanged, .. }) => Some(exchanged),
            _ => None,
        };
        assert_eq!(exchanged(&file(1, "/srv/my shop.db"), &file(2, "/srv/my shop.db")), Some(true));
        assert_eq!(exchanged(&file(1, "/srv/shop.db"), &file(2, "/srv/copy.db")), Some(false));
        // The number of a file that is gone is given to the next one. What was written before a file's time was looked at says nothing of it.
        let born = |born: &str| format!("- sqlite 1/0/{born} - /srv/shop.db");
        assert_eq!(exchanged(&born("17.5"), &born("17.6")), Some(true));
        assert_eq!(exchanged(&born("17.5"), &born("17.5")), None);
        assert_eq!(exchanged(&file(1, "/srv/shop.db"), &born("17.5")), None);
        assert_eq!(exchanged(&file(2, "/srv/shop.db"), &born("17.5")), Some(true));
        assert!(matches!(unlike(&planned, &standing("8/1", Some("a"), "s")), Some(Unlike::Database { .. })));
        assert!(names_ledger(&planned) && !names_ledger(&standing("7/1", None, "s")));
    }

    #[test]
    fn a_text_of_another_form_is_only_equal_to_itself() {
        assert_eq!(unlike("x", "x"), None);
        assert!(matches!(unlike("x", &standing("7/1", None, "s")), Some(Unlike::Database { .. })));
    }
}
