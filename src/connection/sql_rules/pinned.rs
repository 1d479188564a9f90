//! Which columns of the rows that a SELECT looks at must be equal to one of its placeholders.

use super::{parse, tables};
use crate::template::sql::Dialect;
use sqlparser::ast::{
    BinaryOperator, Expr, Ident, JoinConstraint, JoinOperator, ObjectName, Query, Select, SetExpr, Statement,
    TableFactor, Value, Visit, Visitor,
};
use std::{collections::BTreeSet, ops::ControlFlow};

/// A column of a table that is equal to a placeholder in every row of it that a statement looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pinned {
    /// The table, as [`super::Verdict::reads`] calls it.
    pub table: String,
    /// The column.
    pub column: String,
    /// The placeholder, counted from 0.
    pub placeholder: usize,
}

/// What is pinned in this statement, which is written with `$1`: by its `WHERE`, and through the equalities of its joins. Nothing of a table that it
/// names twice, or where it cannot be read.
pub fn pinned(sql: &str) -> Vec<Pinned> {
    let Some(Statement::Query(query)) = parse(sql, Dialect::Postgres) else { return Vec::new() };
    let SetExpr::Select(select) = &*query.body else { return Vec::new() };
    let Some(relations) = relations(select).filter(|_| query.with.is_none()) else { return Vec::new() };
    let mut met = Met::default();
    let _ = query.visit(&mut met);
    if met.with {
        return Vec::new();
    }
    let mut equal =
        Equal { lone: relations.len() == 1, relations: &relations, values: BTreeSet::new(), pairs: Vec::new() };
    select.selection.iter().for_each(|all| equal.conjunct(all, None));
    for (number, join) in select.from.iter().flat_map(|from| &from.joins).enumerate() {
        // Of the joined table only rows count that fit; of the other one, behind LEFT JOIN, all.
        let (on, only) = match &join.join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) => (on, None),
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (on, Some(number + 1)),
            _ => continue,
        };
        if let JoinConstraint::On(on) = on
            && (only.is_none() || select.from.len() == 1)
        {
            equal.conjunct(on, only);
        }
    }
    equal.spread();
    // With or without its schema.
    let last = |table: &str| table.rsplit('.').next().unwrap_or(table).to_lowercase();
    let once = |table: &str| met.tables.iter().filter(|met| last(met) == last(table)).count() == 1;
    let values = equal.values.into_iter().map(|((relation, column), placeholder)| Pinned {
        table: relations[relation].table.clone(),
        column,
        placeholder,
    });
    values.filter(|pinned| once(&pinned.table)).collect()
}

/// A table in FROM, and what it is called there.
struct Relation {
    table: String,
    called: String,
}

/// All of them in their order; nothing where something else stands among them.
fn relations(select: &Select) -> Option<Vec<Relation>> {
    let factors = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
    factors
        .map(|factor| match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let table = tables::name(name);
                let last = table.rsplit('.').next().unwrap_or(&table).to_owned();
                let called = alias.as_ref().map_or(last, |alias| tables::ident(&alias.name));
                Some(Relation { table, called })
            }
            _ => None,
        })
        .collect()
}

/// Every table that is named anywhere, as often as it is.
#[derive(Default)]
struct Met {
    tables: Vec<String>,
    with: bool,
}

impl Visitor for Met {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.with |= query.with.is_some();
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.tables.push(tables::name(relation));
        ControlFlow::Continue(())
    }
}

/// A relation by its number, and a column of it.
type Column = (usize, String);

struct Equal<'a> {
    relations: &'a [Relation],
    /// A column without a table's name is one of its.
    lone: bool,
    values: BTreeSet<(Column, usize)>,
    /// The second column is equal to the first one, in every row that counts.
    pairs: Vec<(Column, Column)>,
}

impl Equal<'_> {
    /// What a condition says; with `only` of one relation alone.
    fn conjunct(&mut self, expr: &Expr, only: Option<usize>) {
        match expr {
            Expr::Nested(inner) => self.conjunct(inner, only),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.conjunct(left, only);
                self.conjunct(right, only);
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                for (one, other) in [(left, right), (right, left)] {
                    let counts = |column: &Column| only.is_none_or(|only| only == column.0);
                    let Some(column) = self.column(one).filter(counts) else { continue };
                    self.values.extend(placeholder(other).map(|n| (column.clone(), n)));
                    let pair = self.column(other).map(|from| (from, column));
                    self.pairs.extend(pair);
                }
            }
            _ => {}
        }
    }

    /// What is equal to something that is equal.
    fn spread(&mut self) {
        // Each turn pins a column more, or is the last one.
        loop {
            let before = self.values.len();
            for (from, to) in &self.pairs {
                let same: Vec<usize> = self.values.iter().filter(|(c, _)| c == from).map(|(_, n)| *n).collect();
                self.values.extend(same.into_iter().map(|n| (to.clone(), n)));
            }
            if self.values.len() == before {
                return;
            }
        }
    }

    fn column(&self, expr: &Expr) -> Option<Column> {
        let of = |names: &[Ident]| match names {
            [column] if self.lone => Some((0, tables::ident(column))),
            [table, column] => {
                let table = tables::ident(table);
                let mut fits = self.relations.iter().enumerate().filter(|(_, relation)| relation.called == table);
                match (fits.next(), fits.next()) {
                    (Some((number, _)), None) => Some((number, tables::ident(column))),
                    _ => None,
                }
            }
            _ => None,
        };
        match expr {
            Expr::Identifier(name) => of(std::slice::from_ref(name)),
            Expr::CompoundIdentifier(names) => of(names),
            _ => None,
        }
    }
}

fn placeholder(expr: &Expr) -> Option<usize> {
    let Expr::Value(value) = expr else { return None };
    let Value::Placeholder(text) = &value.value else { return None };
    text.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::pinned;

    #[test]
    fn what_every_row_of_a_select_must_be_equal_to_is_found() {
        let of = |sql: &str| {
            let said = |p: super::Pinned| format!("{}.{}={}", p.table, p.column, p.placeholder);
            pinned(sql).into_iter().map(said).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of("select count(*) from t where ID = $1 and (b > 3 and t.c = $2)"), "t.c=1 t.id=0");
        assert_eq!(of("select * from t where $1 = \"Id\" order by 1"), "t.Id=0");
        assert_eq!(of("select * from t where id = $1 or b = $2"), "");
        assert_eq!(of("select * from t, u where id = $1"), "", "of which table?");
        assert_eq!(of("select * from t, u where u.id = $1 and t.id = u.t"), "u.id=0");
        assert_eq!(of("select * from t, u where u.id = $1 and t.id = u.id"), "t.id=0 u.id=0");
        assert_eq!(of("select * from t join u on u.t = t.id where t.id = $1"), "t.id=0 u.t=0");
        assert_eq!(of("select * from s.t a join u b on b.t = a.id and b.x = 3 where b.t = $1"), "s.t.id=0 u.t=0");
        assert_eq!(of("select * from t left join u on u.t = t.id where t.id = $1"), "t.id=0 u.t=0");
        assert_eq!(of("select * from t left join u on u.t = t.id and u.t = $1"), "u.t=0", "all rows of t count");
        assert_eq!(of("select * from t right join u on u.t = t.id where u.t = $1"), "u.t=0");
        assert_eq!(of("select * from t full join u on u.t = $1"), "");
        assert_eq!(of("select * from t a join t b on b.boss = a.id where a.id = $1"), "", "twice");
        assert_eq!(of("select * from t where id = $1 and exists (select 1 from u where u.t = t.id)"), "t.id=0");
        assert_eq!(of("select (select max(a) from t) from t where id = $1"), "", "twice");
        assert_eq!(of("select (select max(a) from u) from t where id = $1"), "t.id=0");
        assert_eq!(of("select * from (select * from t) t where t.id = $1"), "");
        assert_eq!(of("select * from f($1) t where t.id = $1"), "");
        assert_eq!(of("select * from t where id = $1 union select * from t"), "");
        assert_eq!(of("select * from t where not (id = $1)"), "");
        assert_eq!(of("with t as (select 1) select * from t where id = $1"), "");
        assert_eq!(of("select * from t where id = $1 and a in (with t as (select 1) select * from t)"), "");
    }
}
