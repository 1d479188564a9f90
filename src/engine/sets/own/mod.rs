//! What an item reads, and whether another item of the run may change it: a pure function of what is declared and of what the database said of the
//! tables (`built.rs`).
//!
//! Items go together only if it makes no difference when each of them reads. That is so where nothing of what they read is written by any, and
//! where each of them keeps to rows of its own: all that it does to a table which items write is pinned to the same column by the same value,
//! that column is never changed, and no two items have the same value.

mod pins;
mod verdict;

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
        find::{FindSpec, Test},
        query::QuerySpec,
    },
    table::{
        catalogue::Table,
        facts::{AuditUse, Facts},
    },
    targets::model::Source,
    template::{Text, Tree, sql::Dialect},
};
use pins::{Loops, Pin, Pinned, pin};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use verdict::may_be_one;

/// Why it makes a difference in which order the items read and write, a fragment: "step `open` reads rows of `posts` that other items may change".
/// Nothing where it makes none.
pub fn sees_others(setting: &Setting) -> Option<String> {
    looked(setting)?.verdict()
}

/// Why it makes a difference which other items are taken back in the same transaction, a fragment.
pub fn judged_back(setting: &Setting) -> Option<String> {
    let mut look = looked(setting)?;
    // What a step reads does not matter on the way back: rows are put back by their keys.
    let unasked = if matches!(setting.built.get(), Some(Err(_))) { look.why.take() } else { None };
    unasked.or_else(|| look.unclear.take()).or_else(|| look.judged(true))
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

/// A step may take a row away of the tables that are built so, or set a column of one of their keys: rows that point to it may change or go along.
pub fn may_drag(setting: &Setting, built: &Built) -> bool {
    let Some(look) = looked_in(setting, Some(built), None) else { return false };
    look.touched.iter().any(|(table, touches)| {
        let facts = setting.facts_of(table).map(Facts::key_columns).unwrap_or_default();
        let known = look.table_of(table);
        let keys = known.iter().flat_map(|built| built.primary_key.iter().chain(built.unique.iter().flatten()));
        let keys: Vec<&Arc<str>> = facts.iter().chain(keys).collect();
        let drags = |touch: &Touch| matches!(&touch.does, Does::Writes { columns, removes, .. } if *removes || keys.iter().any(|key| columns.holds(key)));
        touches.iter().any(drags)
    })
}

fn looked(setting: &Setting) -> Option<Look<'_>> {
    match setting.built.get() {
        Some(Ok(built)) => looked_in(setting, Some(built), None),
        Some(Err(fault)) => {
            looked_in(setting, None, Some(format!("how its tables are built could not be asked ({fault})")))
        }
        None => looked_in(setting, None, None),
    }
}

fn looked_in<'a>(setting: &'a Setting, built: Option<&'a Built>, why: Option<String>) -> Option<Look<'a>> {
    let targets = setting.playbook.targets.as_ref()?;
    let each = setting.about(OneItem { part: Part::Each, ..OneItem::default() });
    let mut look = Look {
        setting,
        built,
        own: Vec::new(),
        touched: BTreeMap::new(),
        taken: BTreeSet::new(),
        more: false,
        loops: Loops::default(),
        looped: pins::looped(setting),
        repeats: false,
        why,
        unclear: None,
    };
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

struct Look<'a> {
    setting: &'a Setting,
    /// What the database says of the tables, where it was asked.
    built: Option<&'a Built>,
    /// What tells the items apart.
    own: Vec<Pin>,
    touched: BTreeMap<TableName, Vec<Touch>>,
    /// Tables of which a row may go away, or get another key: the database may change others that point there.
    taken: BTreeSet<Arc<str>>,
    /// More happens than what is declared: any table may change.
    more: bool,
    /// The loops around the step that is looked at.
    loops: Loops,
    /// The steps that stand in a loop.
    looped: BTreeSet<Arc<str>>,
    /// A step is done for each element of a list.
    repeats: bool,
    /// What cannot be told at all.
    why: Option<String>,
    /// Where it cannot be told which table a step changes.
    unclear: Option<String>,
}

/// What a step does to a table.
struct Touch {
    /// The step.
    label: String,
    /// What the rows have that it looks at or changes.
    pinned: Pinned,
    /// Of a step that makes a row where there is none, and changes none that is there: what the new one has.
    made: Option<Pinned>,
    /// What it sets, in a new row as well: the columns, each with its value where that has a name.
    gives: Vec<(Arc<str>, Option<Pin>)>,
    /// The columns by which it picks them.
    by: BTreeSet<Arc<str>>,
    does: Does,
}

impl Touch {
    fn new(label: &str, pinned: Pinned, by: BTreeSet<Arc<str>>, does: Does) -> Touch {
        Touch { label: label.to_owned(), pinned, made: None, gives: Vec::new(), by, does }
    }

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
        self.loops.enter(&node.step);
        self.step(&node.step, &node.label);
        for inner in node.parts.iter().flat_map(|part| &part.nodes) {
            self.node(inner);
        }
        // The steps of a transaction are no nodes.
        if node.parts.is_empty() {
            self.inner(&node.step);
        }
        self.loops.leave(&node.step);
    }

    fn inner(&mut self, step: &Step) {
        for (_, steps) in step.parts() {
            for (index, one) in steps.iter().enumerate() {
                self.loops.enter(one);
                self.step(one, &one.label(index));
                self.inner(one);
                self.loops.leave(one);
            }
        }
    }

    fn step(&mut self, step: &Step, label: &str) {
        self.repeats |= step.common.for_each.is_some();
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
                    let touch = Touch::new(label, Pinned::new(), BTreeSet::new(), does);
                    self.touched.entry(self.table(sql.db.as_str(), table)).or_default().push(touch);
                }
                self.more = true;
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
        self.touch(table, Touch::new(label, pinned, by, Does::Reads));
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
        let pins = sql_rules::pinned(&bound.sql);
        if let Some(function) = sql_rules::unknown_function(&native, dialect) {
            self.why.get_or_insert_with(|| format!("step `{label}` calls `{function}`, which may read anything"));
        }
        for name in &verdict.reads {
            let table = self.table(query.db.as_str(), name);
            if self.setting.facts_of(&table).is_none() {
                let why = || format!("step `{label}` reads `{name}`, of which the project file says nothing");
                self.why.get_or_insert_with(why);
            }
            let own = pins.iter().filter(|pin| pin.table == *name);
            let pinned =
                own.filter_map(|pin| Some((pin.column.as_str().into(), values.get(pin.placeholder)?.clone()?)));
            let pinned: Pinned = pinned.collect();
            let by = pinned.iter().map(|(column, _)| column.clone()).collect::<BTreeSet<_>>();
            self.touch(table, Touch::new(label, pinned, by, Does::Asks));
        }
    }

    fn is_unclear(&mut self, why: String) {
        self.why.get_or_insert_with(|| why.clone());
        self.unclear.get_or_insert(why);
    }

    fn row(&mut self, row: &RowSpec, label: &str) {
        let said = row.table.as_ref().and_then(|table| TableName::parse(table.as_str()));
        let found = row.of.as_ref().and_then(|of| self.setting.found_in(of.as_str()));
        let Some(table) = said.or(found) else {
            self.is_unclear(format!("step `{label}` changes a row of which nothing is known beforehand"));
            return;
        };
        let pinned = self.pinned_of(row, &table, 0);
        let key = self.setting.facts_of(&table).map(Facts::key_columns).unwrap_or_default();
        let by = match &row.of {
            Some(_) => key.iter().cloned().collect(),
            None => row.key.iter().map(|(column, _)| column.into()).collect(),
        };
        let set = set_of(row);
        let absent = matches!(row.ensure, Some(Ensure::Absent));
        // A row that is there is left as it is, and one that is not gets these. (Two items that make the same row are refused.)
        let only_makes = row.set.iter().next().is_none() && row.also.is_empty() && row.clear.is_none();
        let made = row.create.as_ref().filter(|_| only_makes).map(|new| self.pinned_new(&table, new));
        let does = Does::Writes { columns: set, adds: row.create.is_some(), removes: absent };
        let created = row.create.iter().flat_map(|new| self.given(new));
        let also = row.also.iter().flat_map(|also| self.given(&also.set));
        let gives = self.given(&row.set).into_iter().chain(created).chain(also).collect();
        let touch = Touch { made, gives, ..Touch::new(label, pinned, by, does) };
        self.write(table, touch, row.audit.is_none());
    }

    fn rows(&mut self, rows: &RowsSpec, label: &str) {
        let Some(table) = TableName::parse(rows.table.as_str()) else { return };
        let (pinned, by) = (self.pinned_by(&table, &rows.conditions, 0), columns(&rows.conditions));
        let absent = matches!(rows.ensure, Some(Ensure::Absent));
        let set = set_by(&rows.set, rows.clear.as_ref());
        let does = Does::Writes { columns: set, adds: false, removes: absent };
        let gives = self.given(&rows.set);
        self.write(table, Touch { gives, ..Touch::new(label, pinned, by, does) }, rows.audit.is_none());
    }

    fn write(&mut self, table: TableName, mut touch: Touch, audited: bool) {
        let facts = self.setting.facts_of(&table);
        if let (Some(facts), Does::Writes { columns: Columns::These(these), .. }) = (facts, &mut touch.does) {
            these.extend(facts.updated_at.iter().chain(&facts.generated).map(|word| word.text.clone()));
            let built = self.table_of(&table).into_iter().flat_map(|built| built.columns.values());
            these.extend(built.filter(|column| column.generated && !column.numbered).map(|column| column.name.clone()));
        }
        let key = facts.map(Facts::key_columns).unwrap_or_default();
        // Rows may point to a key beside the primary one, and go along with it (ON UPDATE CASCADE).
        let references = self.built.map_or(&[][..], |built| &built.references);
        let here = references.iter().filter(|reference| may_be_one(&reference.to, &table.table));
        let pointed_at = here.flat_map(|reference| &reference.keys);
        if let Does::Writes { columns, removes, .. } = &touch.does
            && (*removes || key.iter().chain(pointed_at).any(|key| columns.holds(key)))
        {
            self.taken.insert(table.table.clone());
        }
        self.more |= facts.is_some_and(|facts| facts.side_effects.is_some());
        if let Some(Facts { audit: Some(AuditUse::Rule(audit)), .. }) = facts.filter(|_| audited)
            && let Some(rule) = self.setting.project.audits.get(audit.rule.as_str())
        {
            // What the audit row takes over from the row has the same value there.
            let mut pinned = Pinned::new();
            for (column, recipe) in rule.row.iter() {
                let Some(Tree::Scalar(text)) = recipe.tree() else { continue };
                let Some([row, of]) = pins::dotted(text).and_then(|path| <[Arc<str>; 2]>::try_from(path).ok()) else {
                    continue;
                };
                // It is the row as the step leaves it.
                let set = matches!(&touch.does, Does::Writes { columns, .. } if columns.holds(&of));
                if &*row == "row" && !set {
                    let has = touch.pinned.iter().chain(touch.made.iter().flatten());
                    let same = has.filter(|(column, _)| *column == of);
                    pinned.extend(same.map(|(_, value)| (Arc::from(column), value.clone())));
                }
            }
            let does = Does::Writes { columns: Columns::These(BTreeSet::new()), adds: true, removes: false };
            let audits = TableName { connection: table.connection.clone(), table: rule.table.text.clone() };
            let audit = Touch::new(&touch.label, pinned, BTreeSet::new(), does);
            self.touch(audits, audit);
        }
        self.touch(table, touch);
    }

    fn touch(&mut self, table: TableName, mut touch: Touch) {
        if self.table_of(&table).is_some_and(|built| built.view) {
            self.is_unclear(format!("step `{}` is about `{}`, which is a view", touch.label, table.text()));
        }
        // Where names of columns are the same in capital letters, they are compared so.
        if self.dialect(&table.connection) != Dialect::Postgres {
            let small = |column: &Arc<str>| Arc::from(column.to_lowercase());
            for pinned in [Some(&mut touch.pinned), touch.made.as_mut()].into_iter().flatten() {
                *pinned = pinned.iter().map(|(column, value)| (small(column), value.clone())).collect();
            }
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
}

/// The columns that a step sets in its row.
fn set_of(row: &RowSpec) -> Columns {
    let of_parts = row.also.iter().map(|also| set_by(&also.set, also.clear.as_ref()));
    of_parts.fold(set_by(&row.set, row.clear.as_ref()), joined)
}

fn columns(conditions: &Named<Test>) -> BTreeSet<Arc<str>> {
    conditions.iter().map(|(column, _)| column.into()).collect()
}
