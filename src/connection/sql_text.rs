//! SQL that trueup writes itself: names quoted, values bound, one text for all databases where they agree.

use super::statement::{Select, SetTo, Statement};
use crate::{
    base::value::{Data, Map, Value},
    table::condition::{Condition, Order, Test},
    template::sql::Dialect,
};
use std::sync::Arc;

/// A statement being written.
#[derive(Clone, Debug)]
pub struct Text {
    dialect: Dialect,
    sql: String,
    binds: Vec<Value>,
    /// MySQL has no numbers on its placeholders: the values that [`Text::placeholder`] binds again at each use.
    numbered: Vec<Value>,
}

impl Text {
    /// Nothing yet.
    pub fn new(dialect: Dialect) -> Text {
        Text { dialect, sql: String::new(), binds: Vec::new(), numbered: Vec::new() }
    }

    /// Fixed words.
    pub fn raw(mut self, sql: &'static str) -> Text {
        self.sql.push_str(sql);
        self
    }

    /// One name. SQLite takes an unknown name in double quotes for a text, and MySQL any, so they get backticks.
    pub fn name(mut self, name: &str) -> Text {
        let quote = if self.dialect == Dialect::Postgres { '"' } else { '`' };
        self.sql.push(quote);
        for c in name.chars() {
            self.sql.push(c);
            if c == quote {
                self.sql.push(c);
            }
        }
        self.sql.push(quote);
        self
    }

    /// A table as the catalogue calls it: `trainees`, `audit.events`.
    pub fn table(self, table: &str) -> Text {
        match table.split_once('.') {
            Some((schema, table)) => self.name(schema).raw(".").name(table),
            None => self.name(table),
        }
    }

    /// A value, bound.
    pub fn value(mut self, value: &Value) -> Text {
        self.binds.push(value.clone());
        if self.dialect == Dialect::Mysql {
            return self.raw("?");
        }
        let number = self.binds.len();
        self.placeholder(number)
    }

    /// A value to be used by its number, perhaps several times; null has none.
    pub fn bound(&mut self, value: &Value) -> Option<usize> {
        let values = if self.dialect == Dialect::Mysql { &mut self.numbered } else { &mut self.binds };
        (!value.is_null()).then(|| {
            values.push(value.clone());
            values.len()
        })
    }

    /// The value with this number.
    pub fn placeholder(mut self, number: usize) -> Text {
        let sign = match self.dialect {
            Dialect::Mysql => {
                self.binds.extend(number.checked_sub(1).and_then(|n| self.numbered.get(n)).cloned());
                return self.raw("?");
            }
            Dialect::Sqlite => '?',
            Dialect::Postgres => '$',
        };
        self.sql.push_str(&format!("{sign}{number}"));
        self
    }

    /// Locks the rows until the transaction ends. SQLite holds the whole file already.
    pub fn for_update(self) -> Text {
        if self.dialect == Dialect::Sqlite { self } else { self.raw(" FOR UPDATE") }
    }

    /// A number of our own.
    pub fn number(mut self, number: usize) -> Text {
        self.sql.push_str(&number.to_string());
        self
    }

    /// Several parts with something between.
    pub fn list<T>(
        self,
        items: impl IntoIterator<Item = T>,
        between: &'static str,
        each: impl Fn(Text, T) -> Text,
    ) -> Text {
        let mut first = true;
        items.into_iter().fold(self, |text, item| {
            let text = if std::mem::take(&mut first) { text } else { text.raw(between) };
            each(text, item)
        })
    }

    /// The conditions, all of which must hold; `WHERE` included, nothing when there is none.
    pub fn conditions(self, conditions: &[Condition]) -> Text {
        if conditions.is_empty() {
            return self;
        }
        self.raw(" WHERE ").list(conditions, " AND ", Text::condition)
    }

    fn condition(self, condition: &Condition) -> Text {
        let column = &*condition.column;
        let compare = |text: Text, sign, value| text.name(column).raw(sign).value(value);
        match &condition.test {
            Test::Is(value) if value.is_null() => self.name(column).raw(" IS NULL"),
            Test::Is(value) if self.by_collation(value) => {
                compare(self, " = ", value).raw(" AND ").bytes_of(column).raw(" = ").bytes(value)
            }
            Test::Is(value) => compare(self, " = ", value),
            Test::IsNot(value) if value.is_null() => self.name(column).raw(" IS NOT NULL"),
            Test::IsNot(value) if self.by_collation(value) => {
                self.raw("NOT (").bytes_of(column).raw(" <=> ").bytes(value).raw(")")
            }
            Test::IsNot(value) => match self.dialect {
                Dialect::Sqlite => compare(self, " IS NOT ", value),
                Dialect::Mysql => compare(self.raw("NOT ("), " <=> ", value).raw(")"),
                Dialect::Postgres => compare(self, " IS DISTINCT FROM ", value),
            },
            Test::OneOf(values) => self.one_of(column, values),
            Test::NoneOf(values) => self.none_of(column, values),
            Test::AtMost(value) => compare(self, " <= ", value),
            Test::AtLeast(value) => compare(self, " >= ", value),
            Test::Before(value) => compare(self, " < ", value),
            Test::After(value) => compare(self, " > ", value),
        }
    }

    fn one_of(self, column: &str, values: &[Value]) -> Text {
        let known: Vec<&Value> = values.iter().filter(|v| !v.is_null()).collect();
        let exactly = known.iter().any(|v| self.by_collation(v));
        let some = |text: Text| {
            let text = text.name(column).raw(" IN (").list(known.iter().copied(), ", ", Text::value).raw(")");
            if !exactly {
                return text;
            }
            // The list by collation is what an index can be used for.
            text.raw(" AND ").bytes_of(column).raw(" IN (").list(known.iter().copied(), ", ", Text::bytes).raw(")")
        };
        match (known.is_empty(), known.len() < values.len()) {
            (true, false) => self.raw("1 = 0"),
            (true, true) => self.name(column).raw(" IS NULL"),
            (false, false) => some(self),
            (false, true) => some(self.raw("(")).raw(" OR ").name(column).raw(" IS NULL)"),
        }
    }

    /// MySQL compares texts by the column's collation: mostly without case, always without blanks at the end. What
    /// trueup asks for is that very text, as on the other databases.
    fn by_collation(&self, value: &Value) -> bool {
        self.dialect == Dialect::Mysql && matches!(value.data, Data::Text(_))
    }

    /// The bytes of a column of texts, in whatever character set it is stored.
    fn bytes_of(self, column: &str) -> Text {
        self.raw("CAST(CONVERT(").name(column).raw(" USING utf8mb4) AS BINARY)")
    }

    /// The bytes of a text.
    fn bytes(self, value: &Value) -> Text {
        self.raw("CAST(").value(value).raw(" AS BINARY)")
    }

    /// Null-safe, as `IsNot` is: a null is none of the values, unless null is one of them.
    fn none_of(self, column: &str, values: &[Value]) -> Text {
        let known: Vec<&Value> = values.iter().filter(|v| !v.is_null()).collect();
        let exactly = known.iter().any(|v| self.by_collation(v));
        let none = |text: Text| {
            if exactly {
                let text = text.bytes_of(column).raw(" NOT IN (");
                return text.list(known.iter().copied(), ", ", Text::bytes).raw(")");
            }
            text.name(column).raw(" NOT IN (").list(known.iter().copied(), ", ", Text::value).raw(")")
        };
        match (known.is_empty(), known.len() < values.len()) {
            (true, false) => self.raw("1 = 1"),
            (true, true) => self.name(column).raw(" IS NOT NULL"),
            (false, false) => none(self.raw("(")).raw(" OR ").name(column).raw(" IS NULL)"),
            (false, true) => none(self),
        }
    }

    /// ` ORDER BY …`.
    pub fn order(self, order: &[Order]) -> Text {
        if order.is_empty() {
            return self;
        }
        let one = |text: Text, o: &Order| text.name(&o.column).raw(if o.descending { " DESC" } else { "" });
        self.raw(" ORDER BY ").list(order, ", ", one)
    }

    /// What comes after the columns of a selection.
    pub fn selection(self, select: &Select<'_>) -> Text {
        let text = self.raw(" FROM ").table(select.table).conditions(select.conditions).order(select.order);
        match select.limit {
            Some(limit) => text.raw(" LIMIT ").number(limit),
            None => text,
        }
    }

    /// The columns of a selection: by name, or all.
    pub fn columns(self, columns: &[Arc<str>]) -> Text {
        if columns.is_empty() { self.raw("*") } else { self.list(columns, ", ", |text, column| text.name(column)) }
    }

    /// What a column is set to.
    pub fn set_to(self, table: &str, column: &str, to: &SetTo, update: bool) -> Text {
        match to {
            SetTo::Value(value) => self.value(value),
            SetTo::DatabaseNow => match self.dialect {
                Dialect::Postgres => self.raw("now()"),
                Dialect::Mysql => self.raw("now(6)"),
                Dialect::Sqlite => self.sqlite_now(table, column, update),
            },
        }
    }

    /// SQLite has no type for timestamps, only habits: the style is that of the row's own value, or of any row's.
    fn sqlite_now(self, table: &str, column: &str, update: bool) -> Text {
        let text = self.raw("(SELECT CASE WHEN typeof(v) IN ('integer', 'real') THEN ")
            .raw("CASE WHEN v > 100000000000 THEN CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) ELSE CAST(strftime('%s', 'now') AS INTEGER) END ")
            .raw("ELSE strftime('%Y-%m-%d', 'now') || CASE substr(v, 11, 1) WHEN 'T' THEN 'T' WHEN '' THEN CASE WHEN v IS NULL THEN ' ' ELSE '' END ELSE ' ' END || ")
            .raw("CASE WHEN length(v) = 10 THEN '' WHEN v GLOB '????-??-???[0-9][0-9]:[0-9][0-9]:[0-9][0-9]' OR v GLOB '*:[0-9][0-9][Z+]*' THEN strftime('%H:%M:%S', 'now') ")
            .raw("WHEN v GLOB '*.[0-9][0-9][0-9]' OR v GLOB '*.[0-9][0-9][0-9][Z+]*' THEN strftime('%H:%M:%f', 'now') ")
            .raw("ELSE strftime('%H:%M:%f', 'now') || '000' END || ")
            .raw("CASE WHEN v LIKE '%Z' THEN 'Z' WHEN v LIKE '%+00:00' THEN '+00:00' ELSE '' END END FROM (SELECT ");
        let text =
            if update { text.raw("coalesce(").table(table).raw(".").name(column).raw(", ") } else { text.raw("(") };
        let text = text.raw("(SELECT ").name(column).raw(" FROM ").table(table).raw(" WHERE ").name(column);
        text.raw(" IS NOT NULL LIMIT 1)) AS v))")
    }

    /// Done.
    pub fn done(self) -> Statement {
        Statement { sql: self.sql, binds: self.binds }
    }
}

/// The conditions that a key stands for.
pub fn key_conditions(key: &Map) -> Vec<Condition> {
    key.iter().map(|(column, value)| Condition::is(column.clone(), value.clone())).collect()
}
