//! What a statement may be: one, of the right kind, with a condition.

use crate::{
    action::kinds::Act,
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        source::Span,
    },
    check::{
        facts::is_opaque,
        scene::{Scene, Visit, sql_of},
    },
    connection::sql_rules::{Class, Verdict},
    template::Dialect,
};

/// Not in a playbook.
pub static REFUSED: Code = Code {
    id: "E0401",
    title: "SQL that may not stand in a playbook",
    explain: "A playbook holds single SELECT, INSERT, UPDATE and DELETE statements. Transaction control (`COMMIT`, `ROLLBACK`, …) would end \
        the transaction in which trueup previews and guards a change, and changes of the schema, of settings and of rights cannot be \
        previewed or taken back.",
};
/// A read that changes something.
pub static NOT_A_READ: Code = Code {
    id: "E0402",
    title: "a query that changes something",
    explain: "`query` only looks: it runs with the read role, in a read-only transaction, as often as one likes. Use `row` or `rows` to change \
        rows, `sql` when those cannot say it.",
};
/// A write that changes nothing.
pub static NOT_A_WRITE: Code = Code {
    id: "E0403",
    title: "a `sql` step that changes nothing",
    explain: "`sql` is for one INSERT, UPDATE or DELETE. Ask with `find` or `query`, whose result \
        has a name and an expected number of rows.",
};
/// All rows at once.
pub static NO_CONDITION: Code = Code {
    id: "E0404",
    title: "an UPDATE or DELETE without WHERE",
    explain: "The statement would change every row of the table. Add a condition; `touches:` then \
        says how many rows it may find.",
};
/// The parser does not know it.
pub static NOT_UNDERSTOOD: Code = Code {
    id: "E0405",
    title: "a statement that cannot be understood",
    explain: "What a statement does is found out by a parser, so that it can be refused before it runs. This one the parser does not know. \
        Write it in simpler SQL, or use `find`, `row` or `rows`. (A query on PostgreSQL is left to the database's read-only role.)",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&REFUSED, &NOT_A_READ, &NOT_A_WRITE, &NO_CONDITION, &NOT_UNDERSTOOD];

/// Looks at every statement.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        if let (Some(verdict), Some((connection, sql))) = (&visit.sql, sql_of(visit.step)) {
            judge(visit, verdict, scene.dialect(connection.as_str()), sql.scalar().span, problems);
        }
    }
}

fn judge(visit: &Visit<'_>, verdict: &Verdict, dialect: Dialect, at: Span, problems: &mut Diagnostics) {
    let mut push =
        |code, message: String, help: &str| problems.push(Diagnostic::error(code, at, message).help(help.to_owned()));
    if let Some(why) = &verdict.refused {
        return push(&REFUSED, why.clone(), "a playbook holds single SELECT, INSERT, UPDATE and DELETE statements");
    }
    if let Act::Query(_) = visit.step.act {
        if let Some(why) = &verdict.not_a_read {
            push(&NOT_A_READ, why.clone(), "change rows with `row`, `rows` or `sql`, under `steps`");
        } else if is_opaque(verdict) && dialect != Dialect::Postgres {
            // PostgreSQL has a second fence, its read-only role; SQLite has none, and that of MySQL holds no files.
            push(
                &NOT_UNDERSTOOD,
                "the parser does not understand this statement".into(),
                "write it in simpler SQL, or use `find`",
            );
        }
        return;
    }
    match verdict.class {
        _ if is_opaque(verdict) => push(
            &NOT_UNDERSTOOD,
            "the parser does not understand this statement".into(),
            "write it in simpler SQL, or use `row` or `rows`",
        ),
        Class::Read => push(&NOT_A_WRITE, "this statement changes nothing".into(), "ask with `find` or `query`"),
        Class::Insert | Class::Update | Class::Delete if verdict.without_where => {
            push(&NO_CONDITION, "this would change every row of the table".into(), "add `WHERE …`");
        }
        _ => {}
    }
}
