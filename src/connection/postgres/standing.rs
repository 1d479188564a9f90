//! Which PostgreSQL database this is, and how its tables are built: one statement.

use super::{
    super::{
        fault::{Fault, FaultKind},
        rows::Identity,
        standing::{Standing, at},
    },
    Link,
    catalogue::{ask, is, names, strings, text},
};
use crate::base::value::{Map, Value};

/// One line for each thing that the meaning of a change may hang on, by name and not by number or order.
const STANDING: &str = "\
    with chosen as materialized ( \
      select t.n, t.name, to_regclass(t.name)::oid as oid from unnest(coalesce($1::text[], '{}')) with ordinality t(name, n)), \
    lines as ( \
      select c.n, coalesce(r.relkind::text || coalesce(pg_get_viewdef(case when r.relkind in ('v', 'm') then r.oid end), ''), 'missing') as line \
      from chosen c left join pg_class r on r.oid = c.oid \
      union all \
      select c.n, concat_ws(' ', 'column', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), \
             case when a.attnotnull then 'not null' end, nullif(a.attidentity, ''), nullif(a.attgenerated, ''), pg_get_expr(d.adbin, d.adrelid)) \
      from chosen c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum \
      union all \
      select c.n, concat_ws(' ', 'constraint', k.conrelid::regclass, pg_get_constraintdef(k.oid)) \
      from chosen c join pg_constraint k on c.oid in (k.conrelid, k.confrelid) \
      union all \
      select c.n, concat_ws(' ', 'unique', pg_get_indexdef(i.indexrelid)) \
      from chosen c join pg_index i on i.indrelid = c.oid and i.indisunique \
      union all \
      select c.n, concat_ws(' ', 'trigger', t.tgenabled, pg_get_triggerdef(t.oid), md5(f.prosrc)) \
      from chosen c join pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal join pg_proc f on f.oid = t.tgfoid) \
    select current_setting('server_version') as version, current_database()::text as database, current_user::text as role, \
           pg_is_in_recovery() as replica, to_regclass('trueup_ledger') is not null as has_ledger, \
           (select min(k.relname || ' ' || s.nspname) from chosen c join pg_class k on k.relname = replace(trim(both '\"' from c.name), '\"\"', '\"') \
            join pg_namespace s on s.oid = k.relnamespace where c.oid is null and not has_schema_privilege(s.oid, 'usage') \
            and s.nspname = any(string_to_array(replace(translate(current_setting('search_path'), '\" ', ''), '$user', current_user), ','))) as unusable, \
           (select system_identifier from pg_control_system())::text || '/' || \
           (select oid from pg_database where datname = current_database())::text as system, \
           (select array_agg(t.hash order by t.n) from ( \
             select n, encode(sha256(convert_to(string_agg(line, e'\\n' order by line collate \"C\"), 'UTF8')), 'hex') as hash \
             from lines group by n) t) as hashes, \
           (select array_agg(coalesce(s.nspname::text, '') order by c.n) from chosen c \
            left join pg_class k on k.oid = c.oid left join pg_namespace s on s.oid = k.relnamespace) as places";

/// Both at once.
pub async fn standing(link: &mut Link, tables: &[&str]) -> Result<Standing, Fault> {
    let row = ask(link, STANDING, names(Some(tables))?).await?.pop().unwrap_or_default();
    if let Some((table, schema)) = row.get("unusable").and_then(Value::as_str).and_then(|both| both.split_once(' ')) {
        // Such a table looks as if it were not there, and that would be called a change of its structure.
        let role = text(&row, "role");
        return Err(Fault::new(
            FaultKind::Denied,
            format!("`{role}` may not use the schema `{schema}`, in which the table `{table}` is"),
        )
        .advise(format!("let its owner run `grant usage on schema {schema} to {role}`")));
    }
    let built = strings(&row, "hashes").into_iter().zip(strings(&row, "places")).map(|(hash, place)| at(&hash, &place));
    let tables = tables.iter().map(|t| (*t).to_owned()).zip(built).collect();
    Ok(Standing { tables, has_ledger: is(&row, "has_ledger"), identity: of(&row) })
}

/// Which database this is.
pub async fn identity(link: &mut Link) -> Result<Identity, Fault> {
    standing(link, &[]).await.map(|standing| standing.identity)
}

fn of(row: &Map) -> Identity {
    Identity {
        server: format!("PostgreSQL {}", text(row, "version").split(' ').next().unwrap_or_default()),
        database: text(row, "database").to_string(),
        system: text(row, "system").to_string(),
        role: text(row, "role").to_string(),
        replica: is(row, "replica"),
        ledger: None,
    }
}
