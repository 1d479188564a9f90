//! Class and tables of a parsed statement. A name that a WITH gives is no table, but only where it can be seen.

use super::{Class, Verdict};
use crate::template::sql::Dialect;
use sqlparser::ast::{
    Delete, Expr, FromTable, Ident, ObjectName, Query, SelectItem, SetExpr, Statement, TableFactor, TableObject,
    TableWithJoins, Visit, Visitor,
};
use std::{
    collections::{BTreeSet, HashMap},
    ops::ControlFlow,
};

/// Fills class, tables and what makes it no read.
pub fn look(statement: &Statement, dialect: Dialect, verdict: &mut Verdict) {
    let mut walk = Walk::default();
    let _ = statement.visit(&mut walk);
    verdict.class = match statement {
        Statement::Query(query) => match &*query.body {
            SetExpr::Insert(_) => Class::Insert,
            SetExpr::Update(_) => Class::Update,
            SetExpr::Delete(_) => Class::Delete,
            SetExpr::Merge(_) => Class::Other,
            _ if walk.writes.is_empty() => Class::Read,
            _ => Class::Other,
        },
        Statement::Insert(_) => Class::Insert,
        Statement::Update(_) => Class::Update,
        Statement::Delete(_) => Class::Delete,
        Statement::Merge(_) => Class::Other,
        Statement::ShowVariable { .. } => Class::Read,
        _ => {
            verdict.refused = Some("only SELECT, INSERT, UPDATE, DELETE and MERGE may stand in a playbook".into());
            Class::NotUnderstood
        }
    };
    if let Statement::Query(query) = statement {
        verdict.columns = columns(&query.body);
    }
    if dialect == Dialect::Mysql && walk.several_at_once {
        verdict.refused = Some("a change of several tables at once; write one statement for each".into());
    }
    verdict.not_a_read = walk.not_a_read;
    verdict.without_where = walk.without_where;
    // A changed table was met once as the target; met again, it is read as well.
    for target in &walk.writes {
        if let Some(i) = walk.seen.iter().position(|name| name == target) {
            walk.seen.swap_remove(i);
        }
    }
    verdict.reads = walk.seen.into_iter().collect();
    verdict.writes = walk.writes.into_iter().collect();
}

/// The names that the first of several SELECTs gives its columns. What a name or an alias is called is the same on all databases, but for
/// capital letters.
fn columns(body: &SetExpr) -> Option<Vec<String>> {
    let select = match body {
        SetExpr::Select(select) => select,
        SetExpr::Query(query) => return columns(&query.body),
        SetExpr::SetOperation { left, .. } => return columns(left),
        _ => return None,
    };
    let name = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name.value.clone()),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => names.last().map(|name| name.value.clone()),
        _ => None,
    };
    select.projection.iter().map(name).collect()
}

#[derive(Default)]
struct Walk {
    seen: Vec<String>,
    writes: Vec<String>,
    without_where: bool,
    not_a_read: Option<String>,
    /// An UPDATE or DELETE whose target is a join: which of its tables it changes stands in its columns.
    several_at_once: bool,
    /// Names of WITH that can be seen, one set for each query that is open.
    scopes: Vec<BTreeSet<String>>,
    /// What the queries inside a WITH can see, by their address.
    inside: HashMap<usize, BTreeSet<String>>,
    /// The next relation is a function in FROM.
    function: bool,
}

impl Visitor for Walk {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let outer = self.inside.remove(&address(query)).or_else(|| self.scopes.last().cloned()).unwrap_or_default();
        let mut visible = outer.clone();
        if let Some(with) = &query.with {
            let all: BTreeSet<String> = with.cte_tables.iter().map(|cte| ident(&cte.alias.name)).collect();
            for cte in &with.cte_tables {
                let sees = if with.recursive { &outer | &all } else { visible.clone() };
                self.inside.insert(address(&cte.query), sees);
                visible.insert(ident(&cte.alias.name));
            }
        }
        self.scopes.push(visible);
        if !query.locks.is_empty() {
            self.not_a_read.get_or_insert_with(|| "it locks rows (FOR UPDATE or FOR SHARE)".into());
        }
        if let SetExpr::Table(table) = &*query.body
            && let Some(name) = &table.table_name
        {
            let schema = table.schema_name.as_ref().map_or(String::new(), |s| format!("{}.", s.to_lowercase()));
            self.seen.push(format!("{schema}{}", name.to_lowercase()));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &sqlparser::ast::Select) -> ControlFlow<()> {
        if select.into.is_some() {
            self.not_a_read.get_or_insert_with(|| "SELECT … INTO creates a table".into());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        self.function = matches!(factor, TableFactor::Table { args: Some(_), .. });
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        if std::mem::take(&mut self.function) {
            return ControlFlow::Continue(());
        }
        let name = name(relation);
        if !self.scopes.last().is_some_and(|visible| visible.contains(&name)) {
            self.seen.push(name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Insert(insert) => match &insert.table {
                TableObject::TableName(table) => self.writes.push(name(table)),
                _ => self.writes.push("?".into()),
            },
            Statement::Update(update) => {
                self.writes.push(target(&update.table));
                self.without_where |= update.selection.is_none();
                self.several_at_once |= !update.table.joins.is_empty();
            }
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.writes.push(factor(&merge.table)),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Walk {
    fn delete(&mut self, delete: &Delete) {
        self.without_where |= delete.selection.is_none();
        self.several_at_once |= !delete.tables.is_empty() || delete.using.is_some();
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        self.writes.extend(from.iter().map(target));
    }
}

fn address(query: &Query) -> usize {
    std::ptr::from_ref(query) as usize
}

fn target(table: &TableWithJoins) -> String {
    factor(&table.relation)
}

fn factor(factor: &TableFactor) -> String {
    match factor {
        TableFactor::Table { name: table, .. } => name(table),
        _ => "?".into(),
    }
}

/// A name as it counts: in small letters where it stands without quotes.
pub(super) fn ident(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// `schema.table`
pub(super) fn name(object: &ObjectName) -> String {
    let part = |part: &sqlparser::ast::ObjectNamePart| part.as_ident().map_or_else(|| part.to_string(), ident);
    object.0.iter().map(part).collect::<Vec<_>>().join(".")
}
