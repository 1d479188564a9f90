//! Values that are written out, or whose form alone shows, and that are of another kind than their place takes.

use crate::{
    action::{
        kinds::Act,
        row::{Assign, RowSpec},
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::{Named, Word},
        source::Span,
        value::Value,
    },
    check::{listed, scene::Scene},
    effect::change::TableName,
    read::find::{self, Test},
    table::catalogue::Kind,
    template::{Datum, Tree},
};

/// Of another kind.
pub static WRONG_FORM: Code = Code {
    id: "E0418",
    title: "a value that its place does not take",
    explain: "What is written here can never be what this place needs, whatever the database holds: `clear:` and `remove:` take a list \
        (`clear: [closed_at]`), `between:` a list of two values, `at_most`, `at_least`, `before` and `after` one value that is not null, `append:` a \
        text, `merge:` a map.\n\n\
        `only_if:` names columns and the one value that each must still have. It is no condition: which states are right says an `assert`, and the \
        guard holds on to what was found there:\n\n\
        ```yaml sketch\n\
        preconditions:\n\
        \x20 - assert: order.state in ['open', 'paid']\n\
        …\n\
        steps:\n\
        \x20 - row: { of: order, only_if: { state: \"{{ order.state }}\" }, set: { state: closed } }\n\
        ```",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&WRONG_FORM];

/// Looks at every value of a `find`, a change of rows and a job.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        match &visit.step.act {
            Act::Find(find) => tests(&find.conditions, problems),
            Act::Tally(tally) => tests(&tally.conditions, problems),
            Act::Job(job) => {
                job.picked().iter().for_each(|picked| tests(&picked.conditions, problems));
                job.args.iter().for_each(|args| list(scene, "args", args, problems));
            }
            Act::Rows(rows) => {
                tests(&rows.conditions, problems);
                clear(scene, rows.clear.as_ref(), problems);
                assigns(scene, &rows.set, problems);
            }
            Act::Row(row) => {
                guard(scene, scene.table(visit.step).as_ref(), row, problems);
                let also = row.also.iter().map(|also| (&also.set, also.clear.as_ref()));
                for (set, cleared) in std::iter::once((&row.set, row.clear.as_ref())).chain(also) {
                    clear(scene, cleared, problems);
                    assigns(scene, set, problems);
                }
            }
            _ => {}
        }
    }
}

fn wrong(problems: &mut Diagnostics, at: Span, message: impl Into<String>, help: impl Into<String>) {
    problems.push(Diagnostic::error(&WRONG_FORM, at, message).help(help));
}

fn literal(tree: &Tree) -> Option<&Value> {
    if let Tree::Scalar(text) = tree { text.literal() } else { None }
}

fn tests(tests: &Named<Test>, problems: &mut Diagnostics) {
    for (column, test) in &tests.entries {
        test_of(column, test, problems);
    }
}

fn test_of(column: &Word, test: &Test, problems: &mut Diagnostics) {
    let (word, datum) = match test {
        Test::Is(_) | Test::Not(_) => return,
        Test::Between(datum) => return between(column, datum, problems),
        Test::AtMost(datum) => ("at_most", datum),
        Test::AtLeast(datum) => ("at_least", datum),
        Test::Before(datum) => ("before", datum),
        Test::After(datum) => ("after", datum),
    };
    match &datum.tree {
        Tree::List(_) => wrong(
            problems,
            datum.span(),
            format!("`{word}` takes one value, not a list"),
            "`between: [from, until]` takes two; a list by itself means one of these",
        ),
        tree => no_null(column, tree, datum.span(), problems),
    }
}

/// Null comes neither before nor after anything.
fn no_null(column: &Word, tree: &Tree, at: Span, problems: &mut Diagnostics) {
    if literal(tree).is_some_and(Value::is_null) {
        let name = column.as_str();
        let help = format!("empty ones are found by `{name}: null`, all others by `{name}: {{ not: null }}`");
        wrong(problems, at, "null comes neither before nor after anything: no row would ever fit", help);
    }
}

fn between(column: &Word, datum: &Datum, problems: &mut Diagnostics) {
    const HELP: &str = "write `between: [from, until]`: `from` or more, and less than `until`";
    match &datum.tree {
        Tree::List(bounds) if bounds.len() == 2 => {
            bounds.iter().for_each(|bound| no_null(column, bound, datum.span(), problems));
        }
        Tree::List(bounds) => {
            let message = format!("`between` takes two values, and here {}", told(bounds.len()));
            wrong(problems, datum.span(), message, HELP);
        }
        Tree::Scalar(text) if !text.is_literal() && !text.is_mixed() => {}
        _ => wrong(problems, datum.span(), "`between` takes a list of two values", HELP),
    }
}

fn told(count: usize) -> String {
    match count {
        0 => "is none".into(),
        1 => "is one".into(),
        n => format!("are {n}"),
    }
}

fn list(scene: &Scene<'_>, key: &str, datum: &Datum, problems: &mut Diagnostics) {
    if let Some(never) = listed::never(scene, datum) {
        wrong(problems, datum.span(), format!("`{key}` takes a list: {}", never.message), never.help);
    }
}

fn clear(scene: &Scene<'_>, datum: Option<&Datum>, problems: &mut Diagnostics) {
    let Some(datum) = datum else { return };
    let names: Vec<&str> = match &datum.tree {
        Tree::List(trees) => {
            for value in trees.iter().filter_map(literal).filter(|value| value.as_str().is_none()) {
                let message = format!("{} is not a column", value.kind());
                wrong(problems, datum.span(), message, "`clear:` takes names of columns: `clear: [closed_at]`");
            }
            return;
        }
        // As under `set:`, with the null that `clear:` stands for.
        Tree::Map(entries) => entries.iter().map(|(name, _)| &**name).collect(),
        tree => match literal(tree).and_then(|value| value.as_str()) {
            Some(text) => text.split([',', ' ']).filter(|part| !part.is_empty()).collect(),
            None => return list(scene, "clear", datum, problems),
        },
    };
    let help = match names.as_slice() {
        [] => "write `clear: [closed_at]`".to_owned(),
        names => format!("write `clear: [{}]`", names.join(", ")),
    };
    wrong(problems, datum.span(), "`clear` takes a list of columns", help);
}

fn assigns(scene: &Scene<'_>, set: &Named<Assign>, problems: &mut Diagnostics) {
    for (word, assign) in &set.entries {
        let datum = assign.datum();
        let value = literal(&datum.tree);
        match assign {
            Assign::To(_) => {}
            Assign::Remove(_) => list(scene, "remove", datum, problems),
            Assign::Append(_) => {
                let odd = match &datum.tree {
                    Tree::List(_) => Some("a list"),
                    Tree::Map(_) => Some("a map"),
                    Tree::Scalar(_) => value.filter(|value| value.as_str().is_none()).map(Value::kind),
                };
                if let Some(kind) = odd {
                    let help = "put it into quotes if it is meant as text";
                    wrong(problems, datum.span(), format!("`append` takes a text, not {kind}"), help);
                }
            }
            Assign::Merge(_) => {
                let odd = match &datum.tree {
                    Tree::List(_) => Some("a list"),
                    Tree::Map(_) => None,
                    Tree::Scalar(_) => value.map(Value::kind),
                };
                if let Some(kind) = odd {
                    let help = format!("write `{}: {{ merge: {{ key: value }} }}`", word.as_str());
                    wrong(problems, datum.span(), format!("`merge` takes a map, not {kind}"), help);
                }
            }
        }
    }
}

/// `only_if:` holds a column to one value.
fn guard(scene: &Scene<'_>, table: Option<&TableName>, row: &RowSpec, problems: &mut Diagnostics) {
    for (word, datum) in &row.only_if.entries {
        let column = word.as_str();
        let kind = table.and_then(|table| scene.catalogue(table)).map(|known| known.column(column).map(|c| &c.kind));
        let facts = table.and_then(|table| scene.facts(table));
        // A document, or an array, is compared as a whole.
        let whole = matches!(kind, Some(Some(Kind::Json | Kind::Other)))
            || facts.is_some_and(|facts| facts.json.get(column).is_some());
        let found = row.of.as_ref().map_or("order", |of| of.as_str());
        let help = |column: &str| {
            format!(
                "say in an `assert` before it which values are right, and hold on to the one that was found: \
                 `only_if: {{ {column}: \"{{{{ {found}.{column} }}}}\" }}`"
            )
        };
        match &datum.tree {
            Tree::Map(entries) if !whole => {
                let [(only, _)] = entries.as_slice() else { continue };
                if find::is_comparison(only) {
                    let message =
                        format!("`only_if` takes the value that `{column}` must still have, not a comparison");
                    wrong(problems, datum.span(), message, help(column));
                }
            }
            // `only_if: { in: … }`, `only_if: { not: { state: … } }`
            Tree::List(_) | Tree::Map(_) if find::is_comparison(column) && !matches!(kind, Some(Some(_))) => {
                let message = format!("`only_if` takes columns and their values, and `{column}` is a comparison");
                wrong(problems, word.span, message, help("state"));
            }
            Tree::List(_) if !whole => {
                let message =
                    format!("`{column}` is never a list: `only_if` takes the one value that it must still have");
                let sure =
                    facts.is_some_and(|facts| facts.enums.get(column).is_some()) || matches!(kind, Some(Some(_)));
                // A column of which nothing is known may be an array.
                let problem = match sure {
                    true => Diagnostic::error(&WRONG_FORM, datum.span(), message),
                    false => {
                        let message =
                            format!("this holds only where `{column}` is itself a list, and exactly this one");
                        Diagnostic::warning(&WRONG_FORM, datum.span(), message)
                    }
                };
                problems.push(problem.help(help(column)));
            }
            _ => {}
        }
    }
}
