//! `check --env`: judged by the database of that environment, its dialect, its ledger and its rights.

use super::servers::{Shop, block_on, mysql, postgres, root, said, surroundings};
use std::path::Path;
use trueup::{
    ops::{self, check::Found},
    report::diagnostics,
    trial::bench::On,
};

/// Only SQLite has the operator GLOB.
const PLAYBOOK: &str = "trueup: v1
name: playbook
version: 1
title: A change in the dialect of one environment
uses: { db: { write: [things] } }
steps:
  - sql: { db: db, sql: \"update things set name = 'a' where name glob 'a*'\", touches: 0..1 }
    irreversible: a test
    repeatable: the row has that name already the second time
";

const PROJECT: &str = "trueup: v1
project: dialects
playbooks: .
environments: { production: {}, sandbox: {} }
connections:
  db:
    postgres: { url: 'postgres://nobody@127.0.0.1:9/nothing' }
    tables: { things: { key: id, audit: false } }
    per_environment: { sandbox: { sqlite: { path: things.db } } }
";

fn drawn(found: &Found) -> String {
    found.problems.iter().map(|p| diagnostics::terminal(p, 120)).collect()
}

async fn checked(folder: &Path, environment: Option<&str>) -> Result<Found, ops::Failure> {
    let here = surroundings(folder, &[]);
    let opened = ops::project::open(&here, None)?;
    ops::check::check(&here, &opened, &[folder.join("playbook.yaml")], environment).await
}

#[test]
fn sql_is_judged_in_the_dialect_of_the_environment() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("trueup.yaml"), PROJECT).unwrap();
        std::fs::write(folder.path().join("playbook.yaml"), PLAYBOOK).unwrap();
        let tables = "create table things (id integer primary key, name text);";
        trueup::connection::sandbox::sqlite(&folder.path().join("things.db"), &[tables]).await.unwrap();
        let offline = checked(folder.path(), None).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert!(!offline.is_good(), "{}", drawn(&offline));
        let sandbox = checked(folder.path(), Some("sandbox")).await.unwrap_or_else(|f| panic!("{}", said(&f)));
        assert!(sandbox.is_good(), "{}", drawn(&sandbox));
    });
}

#[test]
fn a_missing_ledger_is_found_by_check_and_a_made_one_is_not() {
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let ledger = |text: String| text.replacen(r#""shop":{"#, r#""shop":{"ledger":true,"#, 1);
            let shop = Shop::open(&on, "http://127.0.0.1:9", ledger).await;
            let playbook = root().join("tests/cases/world");
            let check = async || {
                ops::check::check(&shop.here, &shop.opened, std::slice::from_ref(&playbook), Some("test")).await
            };
            let found = check().await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert!(drawn(&found).contains("`shop` has no table `trueup_ledger` yet"), "{}", drawn(&found));
            ops::prepare::prepare(&shop.here, &shop.opened, None, "shop").await.unwrap();
            let found = check().await.unwrap_or_else(|f| panic!("{}", said(&f)));
            assert!(!drawn(&found).contains("E0615"), "{}", drawn(&found));
            shop.close().await;
        }
    });
}

/// A text is appended to a text, a JSON document is merged into one, and the database knows which of them a column is.
#[test]
fn what_is_appended_to_needs_no_document_and_what_is_merged_into_does() {
    block_on(async {
        for on in [On::Sqlite, On::Postgres(postgres()), On::Mysql(mysql())] {
            let shop = Shop::open(&on, "http://127.0.0.1:9", |text| text).await;
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("playbook.yaml");
            for (set, says) in [("{ append: \"more\" }", false), ("{ merge: { a: 1 } }", true)] {
                let text = format!(
                    "trueup: v1\nname: playbook\nversion: 1\ntitle: A note\nuses: {{ shop: {{ read: [things], write: [things, audits] }} }}\nsteps:\n  \
                     - row: {{ table: shop.things, key: {{ id: 1 }}, set: {{ note: {set} }} }}\n"
                );
                std::fs::write(&path, text).unwrap();
                let found =
                    ops::check::check(&shop.here, &shop.opened, std::slice::from_ref(&path), Some("test")).await;
                let found = found.unwrap_or_else(|f| panic!("{}", said(&f)));
                assert_eq!(drawn(&found).contains("E0416"), says, "{} {set}: {}", on.word(), drawn(&found));
            }
            shop.close().await;
        }
    });
}
