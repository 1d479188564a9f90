//! What an item reads, and whether another item of the run may change it: a pure function of what is declared and of what the database said of the
//! tables (`built.rs`).
//!
//! Items go together only if it makes no difference when each of them reads. That is so where nothing of what they read is written by any, and
//! where each of them keeps to rows of its own: all that it does to a table which items write is pinned to the same column by the same value,
//! that column is never changed, and no two items have the same value.

use super::{
    built::Built,
    columns::{Columns, joined, set_by},
};
use crate::{
    action::{
        kinds::Act,
        resolve::Known,
        row::{Ensure, RowSpec},
        rows::RowsSpec,
        step::Step,
    },
    base::shape::Named,
    connection::sql_rules,
    effect::change::TableName,
    engine::{
        outline::Node,
        setting::{OneItem, Part, Setting},
    },
    read::{
        expect::Expect,
        find::{FindSpec, Test},
        query::QuerySpec,
    },
    table::{
        catalogue::Table,
        facts::{AuditUse, Facts},
    },
    targets::model::Source,
    template::{Datum, Step as Dot, Text, Tree, sql::Dialect},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Why it makes a difference in which order the items read and write, a fragment: "step `open` reads rows of `posts` that other items may change".
/// Nothing where it makes none.
pub fn sees_others(setting: &Setting) -> Option<String> {
    looked(setting)?.verdict()
}

/// What the steps of an item do to a table, all together.
pub struct Written {
    /// The table.
    pub table: TableName,
    /// The columns that they set.
    pub columns: Columns,
    /// Rows may come.
    pub adds: bool,
    /// Rows may go.
    pub removes: bool,
}

/// The tables that the steps of an item write, without what is only added by rule.
pub fn written(setting: &Setting) -> Vec<Written> {
    let touched = looked(setting).map(|look| look.touched).unwrap_or_default();
    let mut all: Vec<Written> = Vec::new();
    for (table, touches) in touched {
        for touch in touches.into_iter().filter(|touch| !touch.is_only_added()) {
            let Does::Writes { columns, adds, removes } = touch.does else { continue };
            match all.last_mut().filter(|last| last.table == table) {
                Some(last) => {
                    last.columns = joined(std::mem::replace(&mut last.columns, Columns::Any), columns);
                    last.adds |= adds;
                    last.removes |= removes;
                }
                None => all.push(Written { table: table.clone(), columns, adds, removes }),
            }
        }
    }
    all
}

/// The tables that the steps of an item look at or change.
pub fn tables(setting: &Setting) -> Vec<TableName> {
    looked(setting).map(|look| look.touched.into_keys().collect()).unwrap_or_default()
}

fn looked(setting: &Setting) -> Option<Look<'_>> {
    let targets = setting.playbook.targets.as_ref()?;
    let each = setting.about(OneItem { part: Part::Each, ..OneItem::default() });
    let (built, why) = match setting.built.get() {
        Some(Ok(built)) => (Some(built), None),
        Some(Err(fault)) => (None, Some(format!("how its tables are built could not be asked ({fault})"))),
        None => (None, None),
    };
    let (own, touched) = (Vec::new(), BTreeMap::new());
    let mut look = Look { setting, built, own, touched, removes: false, loops: false, why };
    look.own = match (&targets.group_by, &targets.key, &targets.from.source) {
        (Some(_), ..) => vec![pin(["item", "key"])],
        (None, Some(key), _) => key.names().map(|column| pin(["item", column])).collect(),
        (None, None, Source::Find(find)) => {
            let table = TableName::parse(find.table.as_str());
            let key = table.and_then(|table| setting.facts_of(&table)).map(Facts::key_columns).unwrap_or_default();
            key.iter().map(|column| pin(["item", column])).collect()
        }
        // Of a difference between two sources `item.key` is the value that they are told apart by.
        (None, None, Source::Compare(comparing)) if comparing.key.left.0.len() == 1 => vec![pin(["item", "key"])],
        // Lists may have elements in common.
        (None, None, Source::List(list)) => match &list.tree {
            Tree::List(all) if all.iter().any(|one| matches!(one, Tree::List(_))) => Vec::new(),
            _ => vec![pin(["item"])],
        },
        _ => Vec::new(),
    };
    for node in each.outline.nodes.iter() {
        look.node(node);
    }
    Some(look)
}

/// A value that an expression gives which is nothing but a dotted path: `item.id`.
type Pin = Vec<Arc<str>>;
/// A column, and a value that it has.
type Pinned = BTreeSet<(Arc<str>, Pin)>;

fn pin<const N: usize>(path: [&str; N]) -> Pin {
    path.into_iter().map(Arc::from).collect()
}

/// How deep names may stand for names.
const DEEPEST: usize = 8;

struct Look<'a> {
    setting: &'a Setting,
    /// What the database says of the tables, where it was asked.
    built: Option<&'a Built>,
    /// What tells the items apart.
    own: Vec<Pin>,
    touched: BTreeMap<TableName, Vec<Touch>>,
    /// A row may go away, or get another key: the database may change other tables then.
    removes: bool,
    /// A step is done for each element of a list.
    loops: bool,
    /// What cannot be told at all.
    why: Option<String>,
}

/// What a step does to a table.
struct Touch {
    /// The step.
    label: String,
    /// What the rows have that it looks at or changes.
    pinned: Pinned,
    /// The columns by which it picks them.
    by: BTreeSet<Arc<str>>,
    does: Does,
}

impl Touch {
    /// Rows that are made by rule and never looked for: audit rows.
    fn is_only_added(&self) -> bool {
        self.by.is_empty()
            && matches!(&self.does, Does::Writes { columns: Columns::These(these), .. } if these.is_empty())
    }
}

enum Does {
    /// With SQL of the author's.
    Asks,
    Reads,
    Writes {
        columns: Columns,
        /// Rows may come.
        adds: bool,
        /// Rows may go.
        removes: bool,
    },
}

impl Look<'_> {
    fn node(&mut self, node: &Node) {
        self.step(&node.step, &node.label);
        for inner in node.parts.iter().flat_map(|part| &part.nodes) {
            self.node(inner);
        }
        // The steps of a transaction are no nodes.
        if let Act::Block(_) = &node.step.act {
            for (index, step) in node.step.inner().iter().enumerate() {
                step.each(&mut |one| self.step(one, &one.label(index)));
            }
        }
    }

    fn step(&mut self, step: &Step, label: &str) {
        self.loops |= step.common.for_each.is_some();
        match &step.act {
            Act::Find(find) => self.find(find, label),
            Act::Query(query) => self.query(query, label),
            Act::Row(row) => self.row(row, label),
            Act::Rows(rows) => self.rows(rows, label),
            Act::Sql(sql) => {
                let dialect = self.dialect(sql.db.as_str());
                let statement = sql.sql.outline(dialect).map(|bound| bound.sql).unwrap_or_default();
                let verdict = sql_rules::judge(&statement, dialect);
                let tables = verdict.reads.iter().map(|table| (table, false));
                for (table, writes) in tables.chain(verdict.writes.iter().map(|table| (table, true))) {
                    let does = match writes {
                        true => Does::Writes { columns: Columns::Any, adds: true, removes: true },
                        false => Does::Asks,
                    };
                    let touch = Touch { label: label.to_owned(), pinned: Pinned::new(), by: BTreeSet::new(), does };
                    self.touched.entry(self.table(sql.db.as_str(), table)).or_default().push(touch);
                }
                self.removes = true;
            }
            _ => {}
        }
    }

    fn dialect(&self, connection: &str) -> Dialect {
        self.setting.database(connection).map_or(Dialect::Postgres, |database| database.dialect())
    }

    /// The table that a statement calls so: as the project file calls it, with or without its schema.
    fn table(&self, connection: &str, said: &str) -> TableName {
        let whole = TableName { connection: connection.into(), table: said.into() };
        let short = TableName { connection: connection.into(), table: said.rsplit('.').next().unwrap_or(said).into() };
        if self.setting.facts_of(&whole).is_none() && self.setting.facts_of(&short).is_some() { short } else { whole }
    }

    fn find(&mut self, find: &FindSpec, label: &str) {
        let Some(table) = TableName::parse(find.table.as_str()) else { return };
        let (pinned, by) = (self.pinned_by(&table, &find.conditions, 0), columns(&find.conditions));
        self.touch(table, Touch { label: label.to_owned(), pinned, by, does: Does::Reads });
    }

    fn query(&mut self, query: &QuerySpec, label: &str) {
        let Ok(bound) = query.sql.outline(Dialect::Postgres) else { return };
        let dialect = self.dialect(query.db.as_str());
        let native = query.sql.outline(dialect).map_or_else(|_| bound.sql.clone(), |bound| bound.sql);
        let verdict = sql_rules::judge(&native, dialect);
        if verdict.class != sql_rules::Class::Read {
            self.why.get_or_insert_with(|| format!("step `{label}` may read what other items change"));
        }
        // What each placeholder stands for.
        let text = &query.sql.scalar().text;
        let values: Vec<Option<Pin>> = bound
            .pieces
            .iter()
            .filter(|piece| !piece.literal)
            .map(|piece| text.get(piece.source.clone()))
            .map(|said| Text::from_text(said?.trim()).ok().and_then(|text| self.value_of(&text, 0)))
            .collect();
        let mut pinned = Pinned::new();
        for (column, number) in sql_rules::pinned(&bound.sql) {
            if let Some(Some(value)) = values.get(number) {
                pinned.insert((column.into(), value.clone()));
            }
        }
        let by = pinned.iter().map(|(column, _)| column.clone()).collect::<BTreeSet<_>>();
        if let Some(function) = sql_rules::unknown_function(&native, dialect) {
            self.why.get_or_insert_with(|| format!("step `{label}` calls `{function}`, which may read anything"));
        }
        for name in &verdict.reads {
            let table = self.table(query.db.as_str(), name);
            if self.setting.facts_of(&table).is_none() {
                let why = || format!("step `{label}` reads `{name}`, of which the project file says nothing");
                self.why.get_or_insert_with(why);
            }
            let (pinned, by) = (pinned.clone(), by.clone());
            self.touch(table, Touch { label: label.to_owned(), pinned, by, does: Does::Asks });
        }
    }

    fn row(&mut self, row: &RowSpec, label: &str) {
        let said = row.table.as_ref().and_then(|table| TableName::parse(table.as_str()));
        let found = row.of.as_ref().and_then(|of| self.setting.found_in(of.as_str()));
        let Some(table) = said.or(found) else {
            self.why
                .get_or_insert_with(|| format!("step `{label}` changes a row of which nothing is known beforehand"));
            return;
        };
        let pinned = self.pinned_of(row, &table, 0);
        let key = self.setting.facts_of(&table).map(Facts::key_columns).unwrap_or_default();
        let by = match &row.of {
            Some(_) => key.iter().cloned().collect(),
            None => row.key.iter().map(|(column, _)| column.into()).collect(),
        };
        let mut set = set_by(&row.set, row.clear.as_ref());
        for also in &row.also {
            set = joined(set, set_by(&also.set, also.clear.as_ref()));
        }
        let absent = matches!(row.ensure, Some(Ensure::Absent));
        self.write(
            table,
            label,
            Touch {
                label: label.to_owned(),
                pinned,
                by,
                does: Does::Writes { columns: set, adds: row.create.is_some(), removes: absent },
            },
            absent,
            row.audit.is_none(),
        );
    }

    fn rows(&mut self, rows: &RowsSpec, label: &str) {
        let Some(table) = TableName::parse(rows.table.as_str()) else { return };
        let (pinned, by) = (self.pinned_by(&table, &rows.conditions, 0), columns(&rows.conditions));
        let absent = matches!(rows.ensure, Some(Ensure::Absent));
        let set = set_by(&rows.set, rows.clear.as_ref());
        let does = Does::Writes { columns: set, adds: false, removes: absent };
        self.write(table, label, Touch { label: label.to_owned(), pinned, by, does }, absent, rows.audit.is_none());
    }

    fn write(&mut self, table: TableName, label: &str, mut touch: Touch, absent: bool, audited: bool) {
        let facts = self.setting.facts_of(&table);
        if let (Some(facts), Does::Writes { columns: Columns::These(these), .. }) = (facts, &mut touch.does) {
            these.extend(facts.updated_at.iter().chain(&facts.generated).map(|word| word.text.clone()));
            let built = self.table_of(&table).into_iter().flat_map(|built| built.columns.values());
            these.extend(built.filter(|column| column.generated && !column.numbered).map(|column| column.name.clone()));
            self.removes |= facts.key_columns().iter().any(|key| these.iter().any(|one| one.eq_ignore_ascii_case(key)));
        }
        self.removes |= absent || facts.is_some_and(|facts| facts.side_effects.is_some());
        if let Some(Facts { audit: Some(AuditUse::Rule(audit)), .. }) = facts.filter(|_| audited)
            && let Some(rule) = self.setting.project.audits.get(audit.rule.as_str())
        {
            // What the audit row takes over from the row has the same value there.
            let mut pinned = Pinned::new();
            for (column, recipe) in rule.row.iter() {
                let Some(Tree::Scalar(text)) = recipe.tree() else { continue };
                let Some([row, of]) = dotted(text).and_then(|path| <[Arc<str>; 2]>::try_from(path).ok()) else {
                    continue;
                };
                if &*row == "row" {
                    let same = touch.pinned.iter().filter(|(column, _)| *column == of);
                    pinned.extend(same.map(|(_, value)| (Arc::from(column), value.clone())));
                }
            }
            let does = Does::Writes { columns: Columns::These(BTreeSet::new()), adds: true, removes: false };
            let audits = TableName { connection: table.connection.clone(), table: rule.table.text.clone() };
            self.touch(audits, Touch { label: label.to_owned(), pinned, by: BTreeSet::new(), does });
        }
        self.touch(table, touch);
    }

    fn touch(&mut self, table: TableName, mut touch: Touch) {
        if self.table_of(&table).is_some_and(|built| built.view) {
            let why = || format!("step `{}` is about `{}`, which is a view", touch.label, table.text());
            self.why.get_or_insert_with(why);
        }
        // Where names of columns are the same in capital letters, they are compared so.
        if self.dialect(&table.connection) != Dialect::Postgres {
            let small = |column: &Arc<str>| Arc::from(column.to_lowercase());
            touch.pinned = touch.pinned.iter().map(|(column, value)| (small(column), value.clone())).collect();
            touch.by = touch.by.iter().map(small).collect();
            if let Does::Writes { columns: Columns::These(these), .. } = &mut touch.does {
                *these = these.iter().map(small).collect();
            }
        }
        self.touched.entry(table).or_default().push(touch);
    }

    fn table_of(&self, table: &TableName) -> Option<&Table> {
        self.built?.tables.get(&table.table)
    }

    /// What the rows have that these conditions pick.
    fn pinned_by(&self, table: &TableName, conditions: &Named<Test>, depth: usize) -> Pinned {
        let is = conditions.iter().filter_map(|(column, test)| match test {
            Test::Is(datum) => Some((column, datum)),
            _ => None,
        });
        self.pinned(table, is, depth)
    }

    /// What a row has that a step changes.
    fn pinned_of(&self, row: &RowSpec, table: &TableName, depth: usize) -> Pinned {
        let Some(of) = &row.of else {
            return self.pinned(table, row.key.iter(), depth);
        };
        self.pinned_in(of.as_str(), table, depth)
    }

    /// What the row has that the step with this id found.
    fn pinned_in(&self, id: &str, table: &TableName, depth: usize) -> Pinned {
        let mut pinned = self.of_step(id, depth).filter(|(of, _)| of == table).map(|(_, p)| p).unwrap_or_default();
        let key = self.setting.facts_of(table).map(Facts::key_columns).unwrap_or_default();
        pinned.extend(key.into_iter().map(|column| (column.clone(), vec![id.into(), column])));
        pinned
    }

    fn pinned<'d>(&self, table: &TableName, said: impl Iterator<Item = (&'d str, &'d Datum)>, depth: usize) -> Pinned {
        let mut pinned = Pinned::new();
        for (column, datum) in said {
            let Tree::Scalar(text) = &datum.tree else { continue };
            pinned.extend(self.value_of(text, depth).map(|value| (column.into(), value)));
            // The key of a row that was found is that row.
            let key = self.setting.facts_of(table).map(Facts::key_columns).unwrap_or_default();
            if let Some([id, of]) = dotted(text).and_then(|path| <[Arc<str>; 2]>::try_from(path).ok())
                && depth < DEEPEST
                && *key == [of]
                && *key[0] == *column
                && self.setting.found_in(&id).as_ref() == Some(table)
            {
                pinned.extend(self.pinned_in(&id, table, depth + 1));
            }
        }
        pinned
    }

    /// The one row that a step finds or changes: its table, and what it has.
    fn of_step(&self, id: &str, depth: usize) -> Option<(TableName, Pinned)> {
        let step = self.setting.step(id).filter(|step| step.common.for_each.is_none() && depth < DEEPEST)?;
        let table = self.setting.found_in(id)?;
        let pinned = match &step.act {
            Act::Find(find) if matches!(find.expects(), Expect::One | Expect::Optional) => {
                self.pinned_by(&table, &find.conditions, depth + 1)
            }
            Act::Row(row) => self.pinned_of(row, &table, depth + 1),
            _ => return None,
        };
        Some((table, pinned))
    }

    /// What a text stands for, if that is one value by a name: in the shortest way, so that two ways to say the same are the same.
    fn value_of(&self, text: &Text, depth: usize) -> Option<Pin> {
        let path = dotted(text)?;
        let [root, column] = path.as_slice() else { return Some(path) };
        if depth >= DEEPEST {
            return Some(path);
        }
        if &**root == "vars" {
            let said = self.setting.playbook.vars.get(column);
            let Some(Tree::Scalar(text)) = said.map(|datum| &datum.tree) else { return Some(path) };
            return self.value_of(text, depth + 1).or(Some(path));
        }
        let same = self.of_step(root, depth + 1).and_then(|(_, pinned)| {
            pinned.into_iter().find(|(of, value)| of == column && value.first() != Some(root)).map(|(_, value)| value)
        });
        same.or(Some(path))
    }

    /// No two items have all of these values.
    fn tell_apart(&self, values: &BTreeSet<&Pin>, depth: usize) -> bool {
        if !self.own.is_empty() && self.own.iter().all(|own| values.contains(own)) {
            return true;
        }
        // The key of a row that was found by what no two items have.
        let steps: BTreeSet<&Arc<str>> =
            values.iter().filter(|value| value.len() == 2).filter_map(|value| value.first()).collect();
        depth < DEEPEST
            && steps.into_iter().any(|id| {
                let Some((table, pinned)) = self.of_step(id, depth) else { return false };
                let key = self.setting.facts_of(&table).map(Facts::key_columns).unwrap_or_default();
                let of_row = |column: &Arc<str>| values.contains(&vec![id.clone(), column.clone()]);
                !key.is_empty() && key.iter().all(of_row) && self.tell_apart(&self.lasting(&table, &pinned), depth + 1)
            })
    }

    /// The values in columns that no step changes.
    fn lasting<'p>(&self, table: &TableName, pinned: &'p Pinned) -> BTreeSet<&'p Pin> {
        let touches = self.touched.get(table).map_or(&[][..], Vec::as_slice);
        pinned.iter().filter(|(column, _)| lasts(touches, column)).map(|(_, value)| value).collect()
    }

    fn verdict(mut self) -> Option<String> {
        if !self.touched.values().flatten().any(|touch| matches!(touch.does, Does::Writes { .. })) {
            return None;
        }
        let why = self.why.take();
        why.or_else(|| {
            let (table, touches) =
                self.touched.iter().find(|(table, touches)| !self.keeps_to_its_own(table, touches))?;
            // The step that is not about the item's own row alone, if one of them is not.
            let reads = |touch: &&Touch| !matches!(touch.does, Does::Writes { .. });
            let of_others = |touch: &&Touch| !self.tell_apart(&self.lasting(table, &touch.pinned), 0);
            let told = touches.iter().find(|touch| reads(touch) && of_others(touch));
            let told = told.or_else(|| touches.iter().find(of_others)).or(touches.last())?;
            Some(format!("step `{}` reads rows of `{}` that other items may change", told.label, table.text()))
        })
    }

    /// Rows of it may change, or go, with rows of another one that a step takes away.
    fn is_dragged(&self, table: &TableName) -> bool {
        let taken = |name: &str| {
            let mut touches = self.touched.iter().filter(|(table, _)| *table.table == *name).flat_map(|(_, all)| all);
            touches.any(|touch| matches!(touch.does, Does::Writes { removes: true, .. }))
        };
        let references = self.built.into_iter().flat_map(|built| &built.references);
        references.into_iter().any(|reference| reference.from == table.table && taken(&reference.to))
    }

    fn keeps_to_its_own(&self, table: &TableName, touches: &[Touch]) -> bool {
        let writes = |touch: &Touch| matches!(touch.does, Does::Writes { .. });
        if !self.removes && !touches.iter().any(writes) {
            return true;
        }
        if touches.iter().all(Touch::is_only_added) {
            return true;
        }
        if self.is_dragged(table) {
            return false;
        }
        let Some((first, rest)) = touches.split_first() else { return true };
        let mut common = first.pinned.clone();
        rest.iter().for_each(|touch| common.retain(|pinned| touch.pinned.contains(pinned)));
        if self.tell_apart(&self.lasting(table, &common), 0) {
            return true;
        }
        // The only change of an item, which looks at rows under their locks: who comes second finds what the first one left, in a set as outside.
        // With changes before it, others might come to it first.
        let all = self.touched.values().flatten();
        let changes = all.filter(|touch| writes(touch) && !touch.is_only_added()).count();
        if changes > 1 || self.loops {
            return false;
        }
        let key = self.setting.facts_of(table).map(Facts::key_columns).unwrap_or_default();
        let by_key =
            !key.is_empty() && key.iter().all(|column| first.by.iter().any(|by| by.eq_ignore_ascii_case(column)));
        let picks_the_same = first.by.iter().all(|column| lasts(touches, column))
            && !touches.iter().any(|touch| matches!(touch.does, Does::Writes { adds, removes, .. } if adds || removes));
        rest.is_empty() && writes(first) && !self.removes && (by_key || picks_the_same)
    }
}

/// No step changes the column.
fn lasts(touches: &[Touch], column: &str) -> bool {
    !touches.iter().any(|touch| matches!(&touch.does, Does::Writes { columns, .. } if columns.holds(column)))
}

/// `item.id`, when the text is nothing else.
fn dotted(text: &Text) -> Option<Pin> {
    let path = text.path()?;
    path.steps.iter().map(|step| if let Dot::Name(name) = step { Some(name.clone()) } else { None }).collect()
}

fn columns(conditions: &Named<Test>) -> BTreeSet<Arc<str>> {
    conditions.iter().map(|(column, _)| column.into()).collect()
}
