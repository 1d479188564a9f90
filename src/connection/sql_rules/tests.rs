//! What statements are, by example: reads, writes, and what is refused.

use super::*;

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

const BOTH: [Dialect; 2] = [Dialect::Postgres, Dialect::Sqlite];

#[test]
fn mysql_has_rules_of_its_own() {
    let refused = |sql: &str| judge(sql, Dialect::Mysql).refused;
    for (sql, word) in [
        ("with x as (select 1) update a set b = 1 where id = 1", "begins with"),
        ("replace into a values (1)", "REPLACE"),
        ("insert ignore into a values (1)", "IGNORE"),
        ("delete a from a join b on a.id = b.id where b.id = 1", "several tables"),
        ("update a join b on a.id = b.id set b.x = 1 where b.id = 1", "several tables"),
        ("select * from a where x = \"y\"", "as a text or as a name"),
        ("select * from a into outfile '/x'", "OUTFILE"),
        ("xa start 'x'", "XA"),
        ("select `sleep`(1)", "holds the connection"),
    ] {
        assert!(refused(sql).is_some_and(|why| why.contains(word)), "{sql}: {:?}", refused(sql));
    }
    let verdict = judge("update `A` x set x.b = ? where x.id in (?, ?) order by id limit 2", Dialect::Mysql);
    assert_eq!((verdict.class, verdict.writes, verdict.refused), (Class::Update, set(&["A"]), None));
    assert_eq!(judge("select sleep(1)", Dialect::Postgres).refused, None);
    assert!(allow_read("select a ??? b", Dialect::Mysql).is_err());
}

#[test]
fn the_columns_of_a_select_are_known_where_each_has_a_name() {
    let columns = |sql: &str, dialect| judge(sql, dialect).columns.map(|names| names.join(" "));
    for dialect in [Dialect::Postgres, Dialect::Sqlite, Dialect::Mysql] {
        for (sql, names) in [
            ("select a.id, a.Total as sum, count(*) as many, b from a", Some("id sum many b")),
            ("with t as (select x from a) select t.x as y from t order by 1", Some("y")),
            ("select a from x union all select b from y", Some("a")),
            ("select id, count(*) from a", None),
            ("select a.*, b as c from a", None),
            ("select * from a", None),
        ] {
            assert_eq!(columns(sql, dialect).as_deref(), names, "{sql}");
        }
    }
    assert_eq!(columns("update a set x = 1", Dialect::Postgres), None);
}

#[test]
fn plain_statements_have_their_class_and_tables() {
    let cases: &[(&str, Class, &[&str], &[&str])] = &[
        ("select 1", Class::Read, &[], &[]),
        (
            "select * from Trainees t join audit.events e on e.id = t.id;",
            Class::Read,
            &["trainees", "audit.events"],
            &[],
        ),
        ("values (1), (2)", Class::Read, &[], &[]),
        ("select (select max(x) from b) from a where exists (select 1 from c)", Class::Read, &["a", "b", "c"], &[]),
        ("with t as (select * from a) select * from t, b", Class::Read, &["a", "b"], &[]),
        ("with t as (select * from t) select * from t", Class::Read, &["t"], &[]),
        (
            "with recursive n as (select 1 as x union all select x + 1 from n where x < 5) select * from n",
            Class::Read,
            &[],
            &[],
        ),
        ("insert into a (x) select y from b", Class::Insert, &["b"], &["a"]),
        ("insert into a (x) values (1) on conflict do nothing", Class::Insert, &[], &["a"]),
        ("update a set x = (select max(y) from b) where id = 1", Class::Update, &["b"], &["a"]),
        ("update a set x = 1 from b where b.id = a.id", Class::Update, &["b"], &["a"]),
        ("delete from a where id in (select id from a where x = 1)", Class::Delete, &["a"], &["a"]),
        ("delete from \"We Are\" where id = 1", Class::Delete, &[], &["We Are"]),
    ];
    for (sql, class, reads, writes) in cases {
        for dialect in BOTH {
            let verdict = judge(sql, dialect);
            assert_eq!((verdict.class, &verdict.reads, &verdict.writes), (*class, &set(reads), &set(writes)), "{sql}");
            assert_eq!(verdict.refused, None, "{sql}");
            assert_eq!(verdict.not_a_read.is_none(), *class == Class::Read, "{sql}");
        }
    }
}

#[test]
fn placeholders_of_both_databases_are_understood() {
    assert_eq!(judge("select * from a where x = $1 and y in ($2, $3)", Dialect::Postgres).class, Class::Read);
    assert_eq!(judge("select * from a where x = ?1 and y in (?2, ?)", Dialect::Sqlite).class, Class::Read);
    assert!(judge("table plain", Dialect::Postgres).refused.is_some());
    assert_eq!(judge("select u&1 from a", Dialect::Postgres).refused, None);
    let sql = "update a set x = $1::jsonb #- '{a,b}', y = y || $2 where data ->> 'k' = any($3) and z @> '{}'::jsonb";
    assert_eq!(judge(sql, Dialect::Postgres).class, Class::Update);
}

#[test]
fn a_change_of_everything_is_seen() {
    for dialect in BOTH {
        assert!(judge("update a set x = 1", dialect).without_where);
        assert!(judge("delete from a", dialect).without_where);
        assert!(!judge("delete from a where 1 = 1", dialect).without_where);
    }
}

#[test]
fn a_write_inside_a_read_is_a_write() {
    let verdict = judge("with gone as (delete from a returning *) select * from gone", Dialect::Postgres);
    assert_eq!((verdict.class, verdict.writes.clone()), (Class::Other, set(&["a"])));
    assert!(verdict.not_a_read.is_some());
    let verdict = judge("with x as (select 1) update a set b = 1 where id = 1", Dialect::Postgres);
    assert_eq!(verdict.writes, set(&["a"]));
    assert!(verdict.not_a_read.is_some());
}

#[test]
fn what_the_parser_does_not_know_is_said_so() {
    let strange = "select * from a where x ??? %%% 1";
    assert_eq!(judge(strange, Dialect::Postgres).class, Class::NotUnderstood);
    assert!(allow_read(strange, Dialect::Postgres).is_ok());
    assert!(allow_read(strange, Dialect::Sqlite).unwrap_err().message.contains("does not understand"));
    assert!(allow_write("update a set x ??? 1", Dialect::Postgres).unwrap_err().message.contains("not understand"));
    assert!(allow_read("select ??? into b from a", Dialect::Postgres).unwrap_err().message.contains("INTO"));
}

#[test]
fn the_reasons_are_sentences() {
    let refused = |sql: &str| judge(sql, Dialect::Postgres).refused.unwrap();
    assert!(refused("commit").starts_with("COMMIT would end"));
    assert!(refused("select 1; select 2").contains("several"));
    assert!(refused("select 'a").contains("no end"));
    assert!(refused("").contains("empty"));
    assert!(refused("select U&\"\\006eextval\"('s')").contains("U&"));
    for sql in ["delete from trueup_ledger where run = 'x'", "update app.TRUEUP_ledger set fence = 0 where run = 'x'"] {
        assert!(refused(sql).contains("written by trueup alone"), "{sql}");
    }
    assert!(allow_read("select * from trueup_ledger", Dialect::Sqlite).is_ok());
    let read = |sql: &str| allow_read(sql, Dialect::Postgres).unwrap_err().message;
    assert_eq!(read("select nextval('s')"), "this statement may only read: nextval() changes a sequence");
    assert_eq!(
        read("select * from a for update"),
        "this statement may only read: it locks rows (FOR UPDATE or FOR SHARE)"
    );
}

#[test]
fn a_trigger_that_looks_at_more_than_its_row_is_told_from_one_that_does_not() {
    use Dialect::{Mysql, Postgres, Sqlite};
    let of_its_row = [
        (Postgres, "begin new.updated_at := now(); return new; end"),
        (
            Postgres,
            "declare n numeric(5, 2) := round(new.x, 2); begin if (new.a is distinct from old.a) then new.b := lower(new.a); elsif (n > 3) then raise exception 'no: from %', n; end if; return new; end",
        ),
        (
            Postgres,
            "begin insert into log(id, what) values (new.id, to_jsonb(new)); insert into app.log (id) values (extract(year from now())); return null; end",
        ),
        (
            Mysql,
            "begin set new.a = coalesce(new.b, 0); if (new.a < 0) then signal sqlstate '45000' set message_text = 'from'; end if; end",
        ),
        (Mysql, "set new.updated_at = current_timestamp()"),
        (Mysql, "insert into log (id) values (new.id)"),
        (Mysql, "update other set n = n + 1 where id = new.other_id"),
        (
            Postgres,
            "begin delete from notes where of = old.id; update only app.posts set n = n - 1 where id = old.post; return old; end",
        ),
        (Sqlite, "create trigger x before update on t when new.a < 0 begin select raise(abort, 'delete from'); end"),
        (Sqlite, "create trigger x after delete on t begin insert into log(id) values (old.id); end"),
        (
            Sqlite,
            "create trigger x after update on t when new.a in (1, 2) begin insert or ignore into log(what) values (replace(new.b, 'in', 'to')); end",
        ),
        (Postgres, "begin raise exception using errcode = '22000', table = tg_table_name; return new; end"),
        (Postgres, "begin raise exception using message := 'no', table := 't'; return new; end"),
    ];
    for (dialect, sql) in of_its_row {
        assert!(!looks_beyond(sql, "app.t", dialect), "{sql}");
    }
    let of_others = [
        (Postgres, "begin if (select sum(v) from acc) > 20 then raise exception 'x'; end if; return null; end"),
        (Postgres, "begin perform check_all(new.id); return null; end"),
        (Postgres, "begin execute 'update t set a = 1'; return null; end"),
        (Postgres, "begin update t set a = a + 1 where id = new.id; return null; end"),
        (Postgres, "begin raise 'it does not end; end"),
        (Mysql, "begin if total() > 3 then signal sqlstate '45000'; end if; end"),
        (Mysql, "call tell(new.id)"),
        (Mysql, "update other set n = n + (select max(n) from t)"),
        (Mysql, "update `app`.`t` set n = n + 1 where id = new.next"),
        (Postgres, "begin merge into other using new on true when matched then delete; return new; end"),
        (Sqlite, "create trigger x before update on t when (select count(*) from t) < 3 begin select 1; end"),
        (Sqlite, "create trigger x after insert on t begin delete from t where id < new.id; end"),
        (Sqlite, "create trigger x after update on t begin update t set n = 1; end"),
        (Sqlite, "create trigger x after update on t begin update or ignore T set n = 1; end"),
        (Sqlite, "create trigger x after update on t begin delete from 't' where id = 1; end"),
        (Sqlite, "create trigger x before update on t when new.v in many begin select 1; end"),
        (Sqlite, "create trigger x before update on t when new.v not in main.\"many\" begin select 1; end"),
        (Sqlite, "create trigger x before update on t when new.v IN 'many' begin select 1; end"),
        (Sqlite, "create trigger x before update on t when 'a' in pragma_table_info(new.v) begin select 1; end"),
        (Sqlite, "create trigger x after update on t begin replace into other values (new.id); end"),
        (Sqlite, "create trigger x after update on t begin insert or replace into other values (new.id); end"),
        (Postgres, "begin if exists (table many) then raise exception 'x'; end if; return new; end"),
        (Postgres, "begin if new.v = any (table only app.many) then raise exception 'x'; end if; return new; end"),
        (Mysql, "begin if exists (table many) then signal sqlstate '45000'; end if; end"),
        (Postgres, "begin delete from notes using many m where m.id = notes.id; return new; end"),
    ];
    for (dialect, sql) in of_others {
        assert!(looks_beyond(sql, "app.t", dialect), "{sql}");
    }
}
