//! What a change of a table may set off: its engine, its triggers and where they write, foreign keys that carry on.

use super::{
    super::{fault::Fault, sql_lexer::Kind},
    Link, is, text, words,
};
use crate::{base::value::Value, table::catalogue::Reference};
use std::{collections::BTreeSet, sync::Arc};

/// Inserts, updates or deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    Insert,
    Update,
    Delete,
}

/// A table, as far as a change of it is concerned.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// There is such a table or view.
    pub exists: bool,
    pub view: bool,
    /// MariaDB keeps what its rows were before (`WITH SYSTEM VERSIONING`).
    pub versioned: bool,
    /// Its engine, if no rollback takes its changes back.
    pub for_good: Option<String>,
    /// The event of each trigger, and the tables that it writes.
    pub triggers: Vec<(Event, Arc<Writes>)>,
}

/// What the text of a trigger writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Tables, as written.
    pub tables: BTreeSet<(Event, String)>,
    /// It calls a procedure or function: which of its rows are whose is not known.
    pub calls: bool,
    /// Names before a bracket, and behind CALL: perhaps of procedures and functions.
    pub routines: BTreeSet<String>,
    /// Procedures and functions whose text is not shown to this account, each with a table that they might write for good.
    pub hidden: BTreeSet<(String, Arc<str>)>,
}

/// A procedure or function.
#[derive(Clone, Debug)]
pub enum Routine {
    /// Nobody has asked for its text yet.
    Unread,
    /// What it writes.
    Writes(Arc<Writes>),
    /// Its text is not shown to this account; with a table of its database of which no rollback takes anything back, if there is one.
    Hidden(Option<Arc<str>>),
}

/// All that this account sees: so nobody has to know which words before a bracket are the server's own.
const ROUTINES: &str =
    "select distinct r.routine_schema as sch, r.routine_name as name from information_schema.routines r";

const ROUTINE: &str = "\
    select r.routine_definition as body from information_schema.routines r where r.routine_schema = ? and r.routine_name = ?";

/// A table of a database whose changes no rollback takes back.
pub(super) const FOR_GOOD: &str = "\
    select t.table_name as name from information_schema.tables t left join information_schema.engines e on e.engine = t.engine \
    where t.table_schema = ? and t.table_type = 'BASE TABLE' and not coalesce(e.transactions = 'YES' and e.savepoints = 'YES', 0) limit 1";

/// Rows that hang on a table's rows.
#[derive(Clone, Debug)]
pub struct Child {
    pub table: Arc<str>,
    /// Its columns and those that they point to.
    pub columns: Vec<(Arc<str>, Arc<str>)>,
    /// What becomes of them: `CASCADE` or `SET NULL`.
    pub on_delete: Arc<str>,
    pub on_update: Arc<str>,
}

pub(super) const ABOUT: &str = "\
    select 'table' as what, t.table_type as name, coalesce(t.engine, '') as body, \
           coalesce(e.transactions = 'YES' and e.savepoints = 'YES', 0) as safe \
    from information_schema.tables t left join information_schema.engines e on e.engine = t.engine \
    where t.table_schema = ? and t.table_name = ? \
    union all \
    select 'trigger', event_manipulation, action_statement, 1 from information_schema.triggers \
    where event_object_schema = ? and event_object_table = ?";

/// The schema in the words of each view, as in `standing.rs`.
pub(super) const CHILDREN: &str = "\
    select k.constraint_name as name, k.table_schema as sch, k.table_name as tab, k.column_name as col, \
           k.referenced_column_name as target, r.delete_rule as on_delete, r.update_rule as on_update \
    from information_schema.key_column_usage k join information_schema.referential_constraints r \
      on r.constraint_name = k.constraint_name and r.table_name = k.table_name \
    where r.constraint_schema = ? and k.table_schema = ? and k.referenced_table_schema = ? and k.referenced_table_name = ? \
      and (r.delete_rule in ('CASCADE', 'SET NULL') or r.update_rule in ('CASCADE', 'SET NULL')) \
    order by k.table_name, k.constraint_name, k.ordinal_position";

/// The same rule for views. Of one table, and of all.
pub(super) const REFERENCES: [&str; 2] = [
    "select k.constraint_name as name, k.table_schema as of_sch, k.table_name as of_tab, k.column_name as col, \
            k.referenced_table_schema as sch, k.referenced_table_name as tab, k.referenced_column_name as target from information_schema.key_column_usage k \
     where k.table_schema = ? and k.table_name = ? and k.referenced_table_name is not null \
     order by k.constraint_name, k.ordinal_position",
    "select k.constraint_name as name, k.table_schema as of_sch, k.table_name as of_tab, k.column_name as col, \
            k.referenced_table_schema as sch, k.referenced_table_name as tab, k.referenced_column_name as target from information_schema.key_column_usage k \
     where k.referenced_table_name is not null \
     order by k.table_schema, k.table_name, k.constraint_name, k.ordinal_position",
];

impl Link {
    /// The foreign keys between these tables, or all.
    pub async fn references(&mut self, tables: Option<&[&str]>) -> Result<Vec<Reference>, Fault> {
        let [of_one, of_all] = REFERENCES;
        let mut rows = Vec::new();
        for table in tables.unwrap_or_default() {
            let (schema, name) = self.place(table);
            rows.extend(self.ask(of_one, vec![schema, name]).await?);
        }
        if tables.is_none() {
            rows = self.ask(of_all, Vec::new()).await?;
        }
        let (mut found, mut last) = (Vec::<Reference>::new(), None);
        for row in rows {
            let called = |schema, table| self.short(&format!("{}.{}", text(&row, schema), text(&row, table)));
            let (from, to) = (called("of_sch", "of_tab"), called("sch", "tab"));
            let constraint = (from.clone(), text(&row, "name"));
            if last.as_ref() != Some(&constraint) {
                found.push(Reference { from, columns: Vec::new(), to, keys: Vec::new() });
            }
            if let Some(reference) = found.last_mut() {
                reference.columns.push(text(&row, "col"));
                reference.keys.push(text(&row, "target"));
            }
            last = Some(constraint);
        }
        found.retain(|reference| tables.is_none_or(|tables| tables.contains(&&*reference.to)));
        Ok(found)
    }

    /// What is known of a table; nothing is known of one that does not exist.
    pub(super) async fn about(&mut self, table: &str) -> Result<Arc<About>, Fault> {
        if let Some(known) = self.about.get(table) {
            return Ok(known.clone());
        }
        let (schema, name) = self.place(table);
        let mut about = About::default();
        for row in self.ask(ABOUT, vec![schema.clone(), name.clone(), schema, name]).await? {
            if &*text(&row, "what") == "table" {
                about.exists = true;
                about.view = text(&row, "name").contains("VIEW");
                about.versioned = text(&row, "name").contains("VERSIONED");
                about.for_good = (!about.view && !is(&row, "safe")).then(|| text(&row, "body").to_string());
            } else if let Some(event) = event(&text(&row, "name")) {
                about.triggers.push((event, Arc::new(writes(&text(&row, "body")))));
            }
        }
        let about = Arc::new(about);
        self.about.insert(table.into(), about.clone());
        Ok(about)
    }

    /// The tables of this schema whose rows a foreign key changes along with those of `table`.
    pub(super) async fn children(&mut self, table: &str) -> Result<Vec<Child>, Fault> {
        let (schema, name) = self.place(table);
        let mut children: Vec<(Arc<str>, Child)> = Vec::new();
        for row in self.ask(CHILDREN, vec![schema.clone(), schema.clone(), schema, name]).await? {
            let columns = (text(&row, "col"), text(&row, "target"));
            let (constraint, qualified) = (text(&row, "name"), format!("{}.{}", text(&row, "sch"), text(&row, "tab")));
            let table = self.short(&qualified);
            match children.last_mut() {
                Some((last, child)) if *last == constraint && child.table == table => child.columns.push(columns),
                _ => {
                    let (on_delete, on_update) = (text(&row, "on_delete"), text(&row, "on_update"));
                    children.push((constraint, Child { table, columns: vec![columns], on_delete, on_update }));
                }
            }
        }
        Ok(children.into_iter().map(|(_, child)| child).collect())
    }

    /// What the triggers of an event write, and what the triggers of those tables, and the procedures and functions that they call, write in turn.
    pub(super) async fn set_off(&mut self, table: &str, event: Event) -> Result<Writes, Fault> {
        self.all_of(vec![(event, table.to_owned())], BTreeSet::new()).await
    }

    /// What a statement writes through the functions that it names.
    pub(super) async fn through_functions(&mut self, sql: &str) -> Result<Writes, Fault> {
        let named = writes(sql).routines;
        if named.is_empty() { Ok(Writes::default()) } else { self.all_of(Vec::new(), named).await }
    }

    async fn all_of(&mut self, mut open: Vec<(Event, String)>, named: BTreeSet<String>) -> Result<Writes, Fault> {
        let mut all = Writes::default();
        let mut texts: Vec<Arc<Writes>> = Vec::new();
        let mut routines: Vec<String> = named.into_iter().collect();
        loop {
            if let Some((event, table)) = open.pop() {
                let about = self.about(&table).await?;
                texts
                    .extend(about.triggers.iter().filter(|(when, _)| *when == event).map(|(_, writes)| writes.clone()));
            } else if let Some(name) = routines.pop() {
                if !all.routines.insert(name.clone()) {
                    continue;
                }
                match self.routine(&name).await? {
                    None | Some(Routine::Unread) => continue,
                    Some(Routine::Writes(writes)) => texts.push(writes),
                    Some(Routine::Hidden(beside)) => all.hidden.extend(beside.map(|table| (name, table))),
                }
                all.calls = true;
            } else {
                return Ok(all);
            }
            for writes in texts.drain(..) {
                all.calls |= writes.calls;
                routines.extend(writes.routines.iter().cloned());
                for (event, written) in &writes.tables {
                    let written = self.short(written).to_string();
                    if all.tables.insert((*event, written.clone())) {
                        open.push((*event, written));
                    }
                }
            }
        }
    }

    /// The procedure or function of a name, if there is one.
    async fn routine(&mut self, name: &str) -> Result<Option<Routine>, Fault> {
        // Their names have no case.
        let place = |schema: &str, name: &str| format!("{schema}.{name}").to_lowercase();
        if self.routines.is_none() {
            let rows = self.ask(ROUTINES, Vec::new()).await?;
            let all = rows.iter().map(|row| (place(&text(row, "sch"), &text(row, "name")), Routine::Unread));
            self.routines = Some(all.collect());
        }
        let (schema, own) = self.place(name);
        let place = place(&schema.bare(), &own.bare());
        match self.routines.as_ref().and_then(|all| all.get(&place)) {
            Some(Routine::Unread) => {}
            known => return Ok(known.cloned()),
        }
        let rows = self.ask(ROUTINE, vec![schema.clone(), own]).await?;
        // A procedure and a function may have one name.
        let routine = if rows.iter().any(|row| row.get("body").is_none_or(Value::is_null)) {
            Routine::Hidden(self.ask(FOR_GOOD, vec![schema]).await?.first().map(|row| text(row, "name")))
        } else {
            let bodies: Vec<_> = rows.iter().map(|row| text(row, "body")).collect();
            Routine::Writes(Arc::new(writes(&bodies.join("; "))))
        };
        self.routines.get_or_insert_default().insert(place, routine.clone());
        Ok(Some(routine))
    }
}

fn event(word: &str) -> Option<Event> {
    match word {
        "INSERT" => Some(Event::Insert),
        "UPDATE" => Some(Event::Update),
        "DELETE" => Some(Event::Delete),
        _ => None,
    }
}

/// The tables that the text of a trigger names after INSERT, REPLACE, UPDATE and DELETE.
fn writes(body: &str) -> Writes {
    let tokens = words(body);
    let word = |i: usize| {
        let token = tokens.get(i).filter(|t| matches!(t.kind, Kind::Word | Kind::Name));
        token.map_or("", |t| &body[t.at.clone()])
    };
    let is = |i: usize, wanted: &str| word(i).eq_ignore_ascii_case(wanted);
    let is_bracket = |i: usize| tokens.get(i).is_some_and(|t| &body[t.at.clone()] == "(");
    let mut found = Writes::default();
    let mut named = 0;
    for i in 0..tokens.len() {
        let event = match word(i).to_lowercase().as_str() {
            "insert" | "replace" => Event::Insert,
            "update" => Event::Update,
            "delete" => Event::Delete,
            "call" => {
                found.calls = true;
                found.routines.extend(name_at(body, &tokens, i + 1).map(|(name, _)| name));
                continue;
            }
            _ => {
                let called = name_at(body, &tokens, i).filter(|(_, next)| *next > named && is_bracket(*next));
                // Of `db.f(` the first part is the place.
                let is_part = i > 0 && tokens.get(i - 1).is_some_and(|t| &body[t.at.clone()] == ".");
                found.routines.extend(called.filter(|_| !is_part).map(|(name, _)| name));
                continue;
            }
        };
        let mut at = i + 1;
        while ["ignore", "into", "from", "low_priority", "delayed", "quick"].iter().any(|w| is(at, w)) {
            at += 1;
        }
        // `on duplicate key update a = 1` and the function insert() name no table.
        let duplicate = i > 0 && is(i - 1, "key");
        if let (Some((name, next)), false) = (name_at(body, &tokens, at), duplicate) {
            found.tables.insert((event, name));
            // `insert into t (a)` calls nobody.
            named = next;
        }
    }
    found
}

/// The name of a table that begins at a token, and the token after it.
pub fn name_at(sql: &str, tokens: &[super::super::sql_lexer::Token], at: usize) -> Option<(String, usize)> {
    let part = |i: usize| {
        let token = tokens.get(i).filter(|t| matches!(t.kind, Kind::Word | Kind::Name))?;
        let written = &sql[token.at.clone()];
        Some(
            written
                .strip_prefix('`')
                .map_or_else(|| written.to_owned(), |rest| rest.trim_end_matches('`').replace("``", "`")),
        )
    };
    let first = part(at)?;
    if tokens.get(at + 1).is_some_and(|t| &sql[t.at.clone()] == ".")
        && let Some(second) = part(at + 2)
    {
        return Some((format!("{first}.{second}"), at + 3));
    }
    Some((first, at + 1))
}

/// A value for each placeholder of a statement's part.
pub fn binds_of(values: &[Value], skipped: usize, count: usize) -> Vec<Value> {
    values.iter().skip(skipped).take(count).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_a_trigger_are_read_from_its_text() {
        let body = "begin insert into `log` (a) values (concat('delete from x', new.id)) on duplicate key update a = 1; \
                    if new.a > 1 then update app.users set b = 1; delete from t where id = old.id; end if; end";
        let found = writes(body);
        let tables: Vec<_> = found.tables.iter().map(|(event, table)| (*event, table.as_str())).collect();
        assert_eq!(tables, [(Event::Insert, "log"), (Event::Update, "app.users"), (Event::Delete, "t")]);
        assert!(!found.calls);
        assert!(writes("call p(new.id)").calls);
        let named = writes(
            "begin set new.a = f(`g h` (new.b), app.k(1), coalesce(1, 2)); call app.p; insert into log (a) values (f(1)); if (x) then call q(); end if; end",
        );
        assert_eq!(Vec::from_iter(named.routines), ["app.k", "app.p", "coalesce", "f", "g h", "if", "q", "values"]);
    }
}
