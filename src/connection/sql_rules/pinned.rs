//! Which columns a SELECT of one table compares with a value of its own, whatever else it asks for.

use super::parse;
use crate::template::sql::Dialect;
use sqlparser::ast::{BinaryOperator, Expr, SetExpr, Statement, TableFactor, Value};

/// The columns that must be equal to a placeholder (counted from 0) in every row that this statement looks at, which is written with `$1`. None
/// where it looks at more than one table, or cannot be read.
pub fn pinned(sql: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let Some(Statement::Query(query)) = parse(sql, Dialect::Postgres) else { return found };
    let SetExpr::Select(select) = &*query.body else { return found };
    let [from] = select.from.as_slice() else { return found };
    let plain = matches!(&from.relation, TableFactor::Table { args: None, .. }) && from.joins.is_empty();
    // A second SELECT inside looks at rows of its own.
    let lone = sql.to_lowercase().matches("select").count() == 1;
    if plain && lone && query.with.is_none() {
        select.selection.iter().for_each(|all| conjunct(all, &mut found));
    }
    found
}

fn conjunct(expr: &Expr, found: &mut Vec<(String, usize)>) {
    match expr {
        Expr::Nested(inner) => conjunct(inner, found),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            conjunct(left, found);
            conjunct(right, found);
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            let pair = (column(left).zip(placeholder(right))).or_else(|| column(right).zip(placeholder(left)));
            found.extend(pair);
        }
        _ => {}
    }
}

fn column(expr: &Expr) -> Option<String> {
    let name = match expr {
        Expr::Identifier(name) => name,
        Expr::CompoundIdentifier(names) => names.last()?,
        _ => return None,
    };
    Some(if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() })
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
        let of = |sql: &str| pinned(sql).into_iter().map(|(c, n)| format!("{c}={n}")).collect::<Vec<_>>().join(" ");
        assert_eq!(of("select count(*) from t where ID = $1 and (b > 3 and t.c = $2)"), "id=0 c=1");
        assert_eq!(of("select * from t where $1 = \"Id\" order by 1"), "Id=0");
        assert_eq!(of("select * from t where id = $1 or b = $2"), "");
        assert_eq!(of("select * from t, u where id = $1"), "");
        assert_eq!(of("select * from t join u on u.t = t.id where t.id = $1"), "");
        assert_eq!(of("select (select max(a) from t) from t where id = $1"), "");
        assert_eq!(of("select * from t where id = $1 union select * from t"), "");
        assert_eq!(of("select * from t where not (id = $1)"), "");
        assert_eq!(of("with t as (select 1) select * from t where id = $1"), "");
    }
}
