//! Rows of others that would go or change with a row that is taken back keep it where it is, also where the database does not say of which table they are.

use super::{
    servers::{block_on, dialect, mysql, said},
    undo::{applied, open, taken_back},
};
use trueup::{effect::left::LeftAlone, ops, trial::bench::On};

const SQLITE: &str = "
create table kin (id text primary key, file text, folder text, foreign key (folder, file) references files (folder, name) on delete set null) without rowid;
create table kids (id text primary key, file text) without rowid;
create trigger with_kids after delete on files begin delete from kids where file = old.name; end;";

const MYSQL: &str = "
create table kin (id varchar(20) primary key, file varchar(20), folder varchar(20));
create table kids (id varchar(20) primary key, file varchar(20));
create trigger with_kids after delete on files for each row begin
  update kids set file = null where file = old.name; update kin set file = null where file = old.name; end;";

fn are_not_touched(on: &On, tables: &str) {
    block_on(async {
        for others in
            ["insert into kids values ('k', 'kept');", "insert into kin (id, file, folder) values ('k', 'kept', 'n');"]
        {
            let shop = open(on).await;
            shop.sql(tables).await;
            let record = ops::record::open(&shop.here, &shop.opened).await.unwrap();
            let text = r#"{ trueup: v1, name: undo/playbook, version: 1, title: Some files,
                uses: { shop: { read: [files], write: [files] } },
                steps: [
                  { row: { table: shop.files, key: { folder: n, name: kept }, create: {} } },
                  { row: { table: shop.files, key: { folder: n, name: gone }, create: {} } } ] }"#;
            let (run, _) = applied(&shop, &record, &dialect(on, text)).await.unwrap();
            shop.sql(others).await;
            let undone = taken_back(&shop, &record, run).await.unwrap_or_else(|f| panic!("{}", said(&f)));
            let left: Vec<String> = undone.left.iter().map(LeftAlone::subject).collect();
            assert_eq!(left, ["shop.files folder n, name kept"], "{}: {others}", on.word());
            let now = shop.snapshot().await;
            let rows = |name: &str| &now.tables.iter().find(|(table, _)| &*table.table == name).unwrap().1.rows;
            assert!(rows("files").contains_key("n/kept") && !rows("files").contains_key("n/gone"), "{others}");
            record.journal.close().await.unwrap();
            if matches!(on, On::Mysql(_)) {
                shop.sql("drop trigger with_kids; drop table kids; drop table kin;").await;
            }
            shop.close().await;
        }
    });
}

#[test]
fn rows_of_tables_without_rowid_keep_a_row_where_it_is_on_sqlite() {
    are_not_touched(&On::Sqlite, SQLITE);
}

#[test]
fn rows_of_several_tables_of_a_trigger_keep_a_row_where_it_is_on_mariadb() {
    are_not_touched(&On::Mysql(mysql()), MYSQL);
}
