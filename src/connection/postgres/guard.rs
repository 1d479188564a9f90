//! Rows that would not fit: the driver takes a row whole before anybody can look at it, so the server is asked to refuse one that is too large.

use super::{
    super::fault::{Fault, FaultKind},
    form::Form,
    shape::Shape,
};

/// Stands in the server's complaint about a row that is too large, before its size and the bound.
const MARK: &str = "trueup-row ";
/// What `pg_column_size` says of a value that was compressed: at most so many times less than it is.
const COMPRESSED: usize = 256;

/// A query of an author around which a bound of so many bytes stands for each of its rows. Nothing where every column has a bound of its own (numbers, dates), and for
/// what cannot stand inside of another query: SHOW, and a text with a `;` inside.
pub(super) fn bounded(sql: &str, shape: &Shape, most: usize) -> Option<String> {
    let inner = sql.trim().trim_end_matches(';').trim_end();
    let word: String = inner.chars().take_while(char::is_ascii_alphabetic).collect();
    let known = ["select", "with", "values", "table"].iter().any(|one| word.eq_ignore_ascii_case(one));
    if !known || inner.contains(';') {
        return None;
    }
    let lengths: Vec<String> = (1..)
        .zip(shape.forms())
        .filter_map(|(number, form)| length(&format!("trueup.c{number}"), form, most))
        .collect();
    if lengths.is_empty() {
        return None;
    }
    let names: Vec<String> = (1..=shape.columns.len()).map(|number| format!("c{number}")).collect();
    let whole = lengths.join(" + ");
    // The complaint is a number that is none. It stands where its value has no say in the type of the column.
    let list = (1..).zip(&shape.columns).map(|(number, name)| {
        let column = format!("trueup.c{number}");
        let value = match number {
            1 => format!("CASE WHEN {whole} <= {most} THEN {column} WHEN ('{MARK}' || ({whole}) || ' {most}')::int4 = 0 THEN {column} END"),
            _ => column,
        };
        format!("{value} AS \"{}\"", name.replace('"', "\"\""))
    });
    let list: Vec<String> = list.collect();
    // With OFFSET the server computes each column once, and not once for each place where it is spoken of.
    let inner = format!("SELECT * FROM (\n{inner}\n) AS trueup_inner OFFSET 0");
    Some(format!("SELECT {} FROM ({inner}) AS trueup({})", list.join(", "), names.join(", ")))
}

/// An expression for the bytes of a column, never null; nothing where they are few whatever it holds.
fn length(column: &str, form: &Form, most: usize) -> Option<String> {
    match form {
        // Of what is stored the length is known without reading it.
        Form::Text | Form::Bytes => {
            let cast = if *form == Form::Text { "::text" } else { "" };
            Some(format!("coalesce(octet_length({column}{cast}), 0)::int8"))
        }
        // Its text would have to be made to be measured: only where it could be long at all.
        Form::Json | Form::Jsonb | Form::Array(..) => Some(format!(
            "CASE WHEN {column} IS NULL OR pg_column_size({column}) < {} THEN 0 ELSE octet_length({column}::text) END::int8",
            most / COMPRESSED
        )),
        _ => None,
    }
}

/// The server's complaint about a row, if its message is that.
pub(super) fn refused(message: &str) -> Option<Fault> {
    let (size, most) = message.split_once(MARK)?.1.split_once('"')?.0.split_once(' ')?;
    let said = format!("the answer is larger than {most} bytes: one row of it has {size}");
    Some(Fault::new(FaultKind::TooMuch, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_complaint_of_the_server_is_told_as_what_it_is() {
        let said = refused("invalid input syntax for type integer: \"trueup-row 1000000000 16777216\"").unwrap();
        assert_eq!(said.kind, FaultKind::TooMuch);
        assert_eq!(said.message, "the answer is larger than 16777216 bytes: one row of it has 1000000000");
        assert!(refused("invalid input syntax for type integer: \"x\"").is_none());
    }
}
