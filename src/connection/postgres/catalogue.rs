//! What PostgreSQL says of its tables, of this transaction, and of itself.

use super::{
    super::{
        fault::{Fault, FaultKind},
        rows::Touched,
        sql_rules,
        statement::Limits,
    },
    Link,
};
use crate::{
    base::value::{Data, Map, Value},
    table::catalogue::{Catalogue, Column, Judge, Kind, Nature, Reference, Renewed, Table},
    template::sql::Dialect,
};
use sqlx::{Arguments, postgres::PgArguments};
use std::sync::Arc;

pub const ALL: Limits = Limits { rows: 1_000_000, bytes: 256 << 20 };

/// Tables by name, and those that are in the search path without their schema.
const TABLES: &str = "\
    with recursive chosen as (
      select c.oid, case when pg_table_is_visible(c.oid) then c.relname::text else n.nspname || '.' || c.relname end as name,
             c.relkind in ('v', 'm') as view, c.relkind = 'r' and exists (select 1 from pg_inherits h where h.inhparent = c.oid) as heirs
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'f')
        and case when $1::text[] is null
              then n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
              else c.oid in (select to_regclass(t) from unnest($1::text[]) t) end
    )";

/// One table by its name, which costs the server a third of [`TABLES`] to plan.
const TABLE: &str = "\
    with chosen as (
      select c.oid, $2::text as name, c.relkind in ('v', 'm') as view,
             c.relkind = 'r' and exists (select 1 from pg_inherits h where h.inhparent = c.oid) as heirs from pg_class c
      where c.oid = to_regclass($1::text) and c.relkind in ('r', 'p', 'v', 'm', 'f')
    )";

const COLUMNS: &str = "\
    select c.name, c.view, c.heirs, a.attname::text as column, a.atttypmod as modifier, not a.attnotnull as nullable,
           (a.atthasdef or a.attidentity <> '') and a.attgenerated = '' as has_default,
           a.attgenerated <> '' or a.attidentity = 'a' as generated, a.attidentity = 'a' as numbered,
           a.attgenerated = '' and (a.attidentity <> '' or exists (
             select 1 from pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum and (
               d.adbin::text ~ '(SQLVALUEFUNCTION|NEXTVALUEEXPR) ' or exists (
                 select 1 from regexp_matches(d.adbin::text, ':(?:funcid|opfuncid) ([0-9]+)', 'g') m
                 join pg_proc f on f.oid = m[1]::oid where f.provolatile <> 'i')))) as renewed,
           ty.typname::text as type, coalesce(base.typname, ty.typname)::text as base,
           coalesce(base.typtype, ty.typtype)::text as sort, format_type(a.atttypid, a.atttypmod) as shown,
           case when ty.typtypmod > 0 then ty.typtypmod end as domain_modifier,
           case when coalesce(base.typtype, ty.typtype) = 'e'
             then (select array_agg(e.enumlabel::text order by e.enumsortorder) from pg_enum e
                    where e.enumtypid = coalesce(base.oid, ty.oid)) end as labels
    from chosen c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type ty on ty.oid = a.atttypid
    left join pg_type base on base.oid = nullif(ty.typbasetype, 0)
    order by c.name, a.attnum";

/// Functions that come with the server, or are written in C, look at nothing else; a constraint of them leaves no dependency behind. `$of` is the object.
macro_rules! calls {
    ($class:literal, $of:literal, $but:literal) => {
        concat!(
            "exists (select 1 from pg_depend d join pg_proc f on f.oid = d.refobjid join pg_language l on l.oid = f.prolang where d.classid = '",
            $class,
            "'::regclass and d.objid = ",
            $of,
            " and d.refclassid = 'pg_proc'::regclass and l.lanname not in ('c', 'internal') ",
            $but,
            ")"
        )
    };
}

/// Keys, triggers, and what else may judge a change: also of the partitions and heirs of a table, and of the tables behind a view. Of a trigger or a function
/// its text, where it can be read: what is written in C, or looked at when the transaction ends, is taken for one that may do anything (`call`), but for
/// what comes with the server. One that goes off for each statement (`tgtype`: not for each row, and for rows that come, change or go) would go off once for
/// many items. An operator or a cast may be a function as well, which its text does not show: where there is one that reads, a trigger's text says nothing. A function in a CHECK may read tables. All of them are looked at with every change of a row.
const KEYS: &str = concat!(
    ", parts as (
      select oid, name, oid as part from chosen
      union select p.oid, p.name, below.part from parts p cross join lateral (
        select h.inhrelid as part from pg_inherits h where h.inhparent = p.part
        union all select d.refobjid from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
          and d.refclassid = 'pg_class'::regclass where r.ev_class = p.part and r.rulename = '_RETURN') below)
    select c.name, i.indisprimary as primary, null::text as trigger, null::text as body, null::text as judge,
           (select array_agg(a.attname::text order by k.n) from unnest(i.indkey::int2[]) with ordinality k(attnum, n)
             join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum where k.n <= i.indnkeyatts) as columns
    from chosen c join pg_index i on i.indrelid = c.oid
    where i.indisunique and i.indpred is null and i.indexprs is null and i.indisvalid
    union all
    select p.name, false, case when p.part = p.oid then t.tgname::text end, case when t.tgenabled = 'D' then '' when t.tginitdeferred or t.tgtype & 1 = 0 and t.tgtype & 28 > 0 then 'call' when ",
    calls!("pg_trigger", "t.oid", "and f.oid <> t.tgfoid"),
    " then 'call' when l.lanname = 'plpgsql' and exists (select from (select oprcode as code from pg_operator union all select castfunc from pg_cast) w
               join pg_proc v on v.oid = w.code and v.provolatile <> 'i' and v.pronamespace <> 'pg_catalog'::regnamespace
               join pg_language x on x.oid = v.prolang and x.lanname not in ('c', 'internal')) then 'call' when l.lanname = 'plpgsql' then f.prosrc
             when f.pronamespace = 'pg_catalog'::regnamespace or f.proname = 'moddatetime' then '' else 'call' end,
           'the trigger `' || t.tgname || '`', null
    from parts p join pg_trigger t on t.tgrelid = p.part join pg_proc f on f.oid = t.tgfoid join pg_language l on l.oid = f.prolang
    where not t.tgisinternal
    union all
    select p.name, false, null, null, 'the constraint `' || k.conname || '`',
           (select array_agg(a.attname::text order by n.n) from unnest(case when k.contype <> 'c' then k.conkey end) with ordinality n(attnum, n)
             left join pg_attribute a on a.attrelid = p.part and a.attnum = n.attnum having bool_and(n.attnum > 0))
    from parts p join pg_constraint k on k.conrelid = p.part and (k.contype = 'x' or k.contype in ('p', 'u', 'f') and k.condeferred or k.contype = 'c' and ",
    calls!("pg_constraint", "k.oid", ""),
    ")
    union all
    select p.name, false, null, null, 'the constraint `' || k.conname || '`', array[a.attname::text]
    from parts p join pg_attribute a on a.attrelid = p.part and a.attnum > 0 join pg_constraint k on k.contypid = a.atttypid
    where k.contype = 'c' and ",
    calls!("pg_constraint", "k.oid", ""),
    "
    union all
    select p.name, false, null, case when f.provolatile = 'i' or l.lanname in ('c', 'internal') then ''
             when l.lanname in ('plpgsql', 'sql') and f.prosrc <> '' then f.prosrc else 'call' end,
           'the default of `' || a.attname || '`', array[a.attname::text]
    from parts p join pg_attrdef e on e.adrelid = p.part join pg_attribute a on a.attrelid = p.part and a.attnum = e.adnum
    join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = e.oid and d.refclassid = 'pg_proc'::regclass
    join pg_proc f on f.oid = d.refobjid join pg_language l on l.oid = f.prolang
    union all
    select p.name, false, null, coalesce(pg_get_expr(y.polqual, y.polrelid), '') || ' ' || coalesce(pg_get_expr(y.polwithcheck, y.polrelid), ''),
           'the policy `' || y.polname || '`', null
    from parts p join pg_class t on t.oid = p.part and t.relrowsecurity join pg_policy y on y.polrelid = p.part
    union all
    select p.name, false, null, null, 'the rule `' || r.rulename || '`', null
    from parts p join pg_rewrite r on r.ev_class = p.part and r.rulename <> '_RETURN' and r.ev_enabled <> 'D'
    union all
    select w.name, false, null, null, w.judge, null
    from (select p.name, c.name as other from parts p join chosen c on c.oid = p.part and c.oid <> p.oid) pairs
    cross join lateral (values (pairs.name, 'the part `' || pairs.other || '`'), (pairs.other, 'the whole `' || pairs.name || '`')) w(name, judge)
    order by 1, 3, 5, 6"
);

const REFERENCES: &str = "\
    select c.name, p.name as target, k.conname::text as key,
           (select array_agg(a.attname::text order by n.n) from unnest(k.conkey) with ordinality n(attnum, n)
             join pg_attribute a on a.attrelid = c.oid and a.attnum = n.attnum) as columns,
           (select array_agg(a.attname::text order by n.n) from unnest(k.confkey) with ordinality n(attnum, n)
             join pg_attribute a on a.attrelid = p.oid and a.attnum = n.attnum) as keys
    from chosen c join pg_constraint k on k.conrelid = c.oid and k.contype = 'f' join chosen p on p.oid = k.confrelid
    order by 1, 3";

/// A function that came with the server leaves no dependency behind. The triggers of references that only look have these names.
const NATURE: &str = "\
    select p.plain, p.plain
      and not exists (select 1 from pg_trigger g join pg_proc f on f.oid = g.tgfoid where g.tgrelid = p.oid
        and (g.tgdeferrable or not g.tgisinternal or f.proname !~ '^RI_FKey_(check_(ins|upd)|(noaction|restrict)_(del|upd))$'))
      and not exists (select 1 from pg_depend d where d.refclassid = 'pg_proc'::regclass and (
        (d.classid = 'pg_attrdef'::regclass and d.objid in (select e.oid from pg_attrdef e where e.adrelid = p.oid))
        or (d.classid = 'pg_constraint'::regclass and d.objid in (select k.oid from pg_constraint k where k.conrelid = p.oid))
        or (d.classid = 'pg_class'::regclass and d.objid in (select i.indexrelid from pg_index i where i.indrelid = p.oid))))
      and not exists (select 1 from pg_attribute a join pg_type t on t.oid = a.atttypid
        where a.attrelid = p.oid and a.attnum > 0 and t.typtype = 'd') as alone
    from (select c.oid, c.relkind = 'r' and not c.relhasrules and not c.relrowsecurity and not c.relhassubclass
            and not c.relispartition as plain
          from pg_class c where c.oid = to_regclass($1::text)) p";

/// The server takes [`KEYS`] for dear, because it cannot know how few parts there are, and would compile it (200 ms; without that it takes 1 ms). Only for
/// this transaction; where it does not compile anyway, or is older than that, there is no row.
const NOT_COMPILED: &str =
    "select set_config(name, 'off', true) as now from pg_settings where name = 'jit' and setting = 'on'";
const COMPILED: &str = "select set_config('jit', 'on', true) as now";

/// Columns, types, keys and triggers of the named tables, or of all.
pub async fn read(link: &mut Link, tables: Option<&[&str]>) -> Result<Catalogue, Fault> {
    let mut catalogue = with_columns(link, tables).await?;
    let compiles = !ask(link, NOT_COMPILED, PgArguments::default()).await?.is_empty();
    let keys = ask(link, &format!("{TABLES}{KEYS}"), names(tables)?).await?;
    if compiles {
        ask(link, COMPILED, PgArguments::default()).await?;
    }
    for row in keys {
        let Some(table) = catalogue.get_mut(&text(&row, "name")) else { continue };
        let columns: Vec<Arc<str>> = strings(&row, "columns").into_iter().map(Into::into).collect();
        if let Some(trigger) = row.get("trigger").and_then(Value::as_str) {
            table.triggers.push(trigger.to_owned());
        }
        if let Some(judge) = row.get("judge").and_then(Value::as_str) {
            let body = row.get("body").and_then(Value::as_str);
            let looks = |body| sql_rules::looks_beyond(body, &text(&row, "name"), Dialect::Postgres);
            if body.is_none_or(looks) {
                table.judges.push(Judge { what: judge.to_owned(), columns });
            }
        } else if is(&row, "primary") {
            table.primary_key = columns;
        } else {
            table.unique.push(columns);
        }
    }
    Ok(catalogue)
}

/// The foreign keys between these tables, or all.
pub async fn references(link: &mut Link, tables: Option<&[&str]>) -> Result<Vec<Reference>, Fault> {
    let found = ask(link, &format!("{TABLES} {REFERENCES}"), names(tables)?).await?;
    let columns = |row: &Map, name| strings(row, name).into_iter().map(Into::into).collect();
    Ok(found
        .iter()
        .map(|row| Reference {
            from: text(row, "name"),
            columns: columns(row, "columns"),
            to: text(row, "target"),
            keys: columns(row, "keys"),
        })
        .collect())
}

/// The columns of one table, without keys and triggers; nothing when there is no such table.
pub async fn columns(link: &mut Link, table: &str) -> Result<Option<Table>, Fault> {
    let mut arguments = PgArguments::default();
    let named = arguments.add(quoted(table)).and_then(|()| arguments.add(table));
    named.map_err(|e| Fault::new(FaultKind::Data, e.to_string()))?;
    Ok(of_rows(ask(link, &format!("{TABLE} {COLUMNS}"), arguments).await?).swap_remove(table))
}

/// What else may happen when rows of a table are read or changed.
pub async fn nature(link: &mut Link, table: &str) -> Result<Nature, Fault> {
    let mut arguments = PgArguments::default();
    arguments.add(quoted(table)).map_err(|e| Fault::new(FaultKind::Data, e.to_string()))?;
    let row = ask(link, NATURE, arguments).await?.pop().unwrap_or_default();
    Ok(Nature { plain: is(&row, "plain"), alone: is(&row, "alone") })
}

async fn with_columns(link: &mut Link, tables: Option<&[&str]>) -> Result<Catalogue, Fault> {
    Ok(of_rows(ask(link, &format!("{TABLES} {COLUMNS}"), names(tables)?).await?))
}

fn of_rows(rows: Vec<Map>) -> Catalogue {
    let mut catalogue = Catalogue::new();
    for row in rows {
        let table: &mut Table = catalogue.entry(text(&row, "name")).or_default();
        (table.view, table.heirs) = (is(&row, "view"), is(&row, "heirs"));
        let column = column(&row);
        table.columns.insert(column.name.clone(), column);
    }
    catalogue
}

/// The one argument of the statements above: names of tables, or null for all.
pub fn names(tables: Option<&[&str]>) -> Result<PgArguments, Fault> {
    let names: Option<Vec<String>> = tables.map(|names| names.iter().map(|n| quoted(n)).collect());
    let mut arguments = PgArguments::default();
    arguments.add(names).map_err(|e| Fault::new(FaultKind::Data, e.to_string()))?;
    Ok(arguments)
}

/// `audit.events` as `"audit"."events"`, for to_regclass.
fn quoted(name: &str) -> String {
    name.splitn(2, '.').map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect::<Vec<_>>().join(".")
}

/// Rows of a statement of our own.
pub async fn ask(link: &mut Link, sql: &str, arguments: PgArguments) -> Result<Vec<Map>, Fault> {
    Ok(link.ask(sql, arguments).await?.named()?.rows)
}

/// A text cell.
pub fn text(row: &Map, name: &str) -> Arc<str> {
    row.get(name).and_then(Value::as_str).unwrap_or_default().into()
}

/// A boolean cell.
pub fn is(row: &Map, name: &str) -> bool {
    row.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn int(row: &Map, name: &str) -> i64 {
    row.get(name).and_then(Value::as_int).unwrap_or(-1)
}

/// A cell with a list of texts.
pub fn strings(row: &Map, name: &str) -> Vec<String> {
    let values = row.get(name).and_then(Value::as_list).unwrap_or_default();
    values.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

fn column(row: &Map) -> Column {
    let modifier = match row.get("domain_modifier").map(|v| &v.data) {
        Some(Data::Int(n)) => *n,
        _ => int(row, "modifier"),
    };
    let (base, labels) = (text(row, "base"), strings(row, "labels"));
    let kind = if labels.is_empty() { kind(&base, modifier) } else { Kind::Enum(labels) };
    let type_name = match (&*text(row, "type"), &kind) {
        ("varchar", Kind::Text(Some(most))) => format!("varchar({most})"),
        ("bpchar", Kind::Text(Some(most))) => format!("char({most})"),
        ("numeric", Kind::Decimal(Some((precision, scale)))) => format!("numeric({precision},{scale})"),
        (array, _) if array.starts_with('_') => text(row, "shown").to_string(),
        (other, _) => other.to_owned(),
    };
    let (nullable, has_default, generated) = (is(row, "nullable"), is(row, "has_default"), is(row, "generated"));
    let numbered = is(row, "numbered");
    let renewed = if is(row, "renewed") { Renewed::Made } else { Renewed::Never };
    Column {
        name: text(row, "column"),
        type_name,
        kind,
        nullable,
        has_default,
        generated,
        numbered,
        renewed,
        invisible: false,
    }
}

/// What a base type holds. `modifier` is the catalogue's atttypmod, -1 for none.
fn kind(base: &str, modifier: i64) -> Kind {
    let length = u32::try_from(modifier - 4).ok().filter(|_| modifier > 4);
    match base {
        "bool" => Kind::Bool,
        "int2" => Kind::Int { min: i16::MIN.into(), max: i16::MAX.into() },
        "int4" => Kind::Int { min: i32::MIN.into(), max: i32::MAX.into() },
        "int8" => Kind::Int { min: i64::MIN, max: i64::MAX },
        "oid" => Kind::Int { min: 0, max: u32::MAX.into() },
        "numeric" => Kind::Decimal(length.map(|m| (m >> 16, m & 0x7ff))),
        "float4" | "float8" => Kind::Float,
        "varchar" | "bpchar" => Kind::Text(length),
        "text" | "citext" | "name" => Kind::Text(None),
        "bytea" => Kind::Bytes,
        "date" => Kind::Date,
        "time" => Kind::Time,
        "timestamp" => Kind::Timestamp,
        "timestamptz" => Kind::Instant,
        "uuid" => Kind::Uuid,
        "json" | "jsonb" => Kind::Json,
        _ => Kind::Other,
    }
}

/// Rows touched in this transaction, from the session's own statistics; other sessions do not count in. Asked of the
/// functions behind `pg_stat_xact_user_tables`: planning that view costs more than all other statements of a change.
/// Below the first oid of a user's object are only the system's tables.
pub async fn touched(link: &mut Link) -> Result<Vec<Touched>, Fault> {
    let sql = "select case when pg_table_is_visible(c.oid) then c.relname::text \
                      else c.relnamespace::regnamespace::text || '.' || c.relname end as name, \
               pg_stat_get_xact_tuples_inserted(c.oid) as n_tup_ins, pg_stat_get_xact_tuples_updated(c.oid) as n_tup_upd, \
               pg_stat_get_xact_tuples_deleted(c.oid) as n_tup_del from pg_class c \
               where c.oid >= 16384 and c.relkind in ('r', 'p', 'm') \
                 and pg_stat_get_xact_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_updated(c.oid) \
                     + pg_stat_get_xact_tuples_deleted(c.oid) > 0 order by 1";
    let count = |row: &Map, name: &str| u64::try_from(int(row, name)).unwrap_or(0);
    let one = |row: Map| Touched {
        table: text(&row, "name"),
        inserted: count(&row, "n_tup_ins"),
        updated: count(&row, "n_tup_upd"),
        deleted: count(&row, "n_tup_del"),
    };
    Ok(ask(link, sql, PgArguments::default()).await?.into_iter().map(one).collect())
}
