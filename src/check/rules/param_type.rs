//! Types of parameters and of answers, and the keys that belong to them.

use crate::{
    action::{ask, kinds::Act},
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
        source::Span,
        suggest,
    },
    check::scene::Scene,
    playbook::params::{self, Param, TYPES},
};

/// No such type.
pub static UNKNOWN_TYPE: Code = Code {
    id: "E0602",
    title: "unknown type",
    explain: "Types of parameters are `string`, `int`, `decimal`, `bool`, `date`, `timestamp`, `duration`, `uuid`, `enum` (with `values: [..]`), `email`, \
        `list` (with `of: TYPE`), `file` (with `format: csv`), or an enum column of a declared table: `register.trainees.training_route`. Parts of an answer take \
        the same, without `duration`, `enum`, `list` and `file`.",
};
/// A key that this type does not have.
pub static TYPE_KEYS: Code = Code {
    id: "E0603",
    title: "keys that do not fit the type",
    explain: "Some keys belong to some types only: `values` to `enum`, `of` to `list`, `min` and `max` to numbers, dates, timestamps, durations and \
        lists, `pattern`, `min_length` and `max_length` to texts. A key without effect would promise a check that nobody makes. \
        The smallest value must not be above the largest.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_TYPE, &TYPE_KEYS];

/// Looks at every parameter and every part of an answer.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for (_, param) in scene.playbook.params.iter() {
        if known(scene, &param.kind, problems) {
            keys(param, problems);
        }
        if let Some(of) = &param.of
            && !matches!(of.as_str(), "list" | "file")
        {
            known(scene, of, problems);
        }
    }
    for visit in &scene.visits {
        let Act::Ask(asked) = &visit.step.act else { continue };
        for (_, field) in asked.answer.iter().filter(|(_, f)| !ask::TYPES.contains(&f.kind.as_str())) {
            problems.push(
                Diagnostic::error(
                    &UNKNOWN_TYPE,
                    field.kind.span,
                    format!("`{}` is not a type of an answer", field.kind.as_str()),
                )
                .suggest(field.kind.as_str(), ask::TYPES.iter().copied()),
            );
        }
    }
}

/// The type that other programs call so.
pub(super) fn elsewhere(word: &str) -> Option<&'static str> {
    Some(match &*word.to_lowercase() {
        "text" | "str" | "varchar" | "char" => "string",
        "integer" | "number" | "bigint" | "long" => "int",
        "float" | "double" | "numeric" | "money" => "decimal",
        "boolean" => "bool",
        "datetime" | "time" | "instant" => "timestamp",
        "array" | "strings" | "ints" => "list",
        "guid" => "uuid",
        "mail" => "email",
        _ => return None,
    })
}

/// Whether the type exists; says so when not.
fn known(scene: &Scene<'_>, kind: &Word, problems: &mut Diagnostics) -> bool {
    let text = kind.as_str();
    if TYPES.contains(&text) {
        return true;
    }
    let Some((table, column)) = params::column(text) else {
        let problem = Diagnostic::error(&UNKNOWN_TYPE, kind.span, format!("`{text}` is not a type"));
        problems.push(match elsewhere(text) {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None => problem.suggest(text, TYPES.iter().copied()),
        });
        return false;
    };
    let Some(facts) = scene.facts(&table) else {
        let names: Vec<String> = scene
            .project
            .tables()
            .flat_map(|(t, f)| f.enums.names().map(move |c| format!("{t}.{c}")).collect::<Vec<_>>())
            .collect();
        let problem =
            Diagnostic::error(&UNKNOWN_TYPE, kind.span, format!("the project file declares no table `{table}`"));
        problems.push(match suggest::nearest(text, names.iter().map(String::as_str)) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help("as a type stands `connection.table.column`, of a declared table"),
        });
        return false;
    };
    if facts.enums.get(column).is_none_or(|names| names.is_unread()) {
        let problem =
            Diagnostic::error(&UNKNOWN_TYPE, kind.span, format!("`{column}` is not an enum column of `{table}`"));
        problems.push(match facts.enums.names().next() {
            Some(_) => problem.suggest(column, facts.enums.names()),
            None => problem.help("give its names in the project file under `enums:`, or use a plain type"),
        });
        return false;
    }
    true
}

fn keys(param: &Param, problems: &mut Diagnostics) {
    let kind = param.kind.as_str();
    let mut odd = |at: Option<Span>, message: String, help: &str| {
        let at = at.unwrap_or(param.kind.span);
        problems.push(Diagnostic::error(&TYPE_KEYS, at, message).help(help.to_owned()));
    };
    match param.values.first() {
        None if kind == "enum" => odd(None, "an enum without `values`".into(), "list its words: `values: [one, two]`"),
        Some(first) if kind != "enum" => odd(
            Some(first.span),
            format!("`values` does not belong to `{kind}`"),
            "write `type: enum`, or take `values` out",
        ),
        _ => {}
    }
    match &param.of {
        Some(of) if kind != "list" => {
            odd(Some(of.span), format!("`of` does not belong to `{kind}`"), "write `type: list`, or take `of` out")
        }
        Some(of) if matches!(of.as_str(), "list" | "file") => {
            odd(Some(of.span), format!("a list of {}s", of.as_str()), "lists hold single values: `of: string`")
        }
        _ => {}
    }
    if param.format.is_some() && kind != "file" {
        odd(None, format!("`format` does not belong to `{kind}`"), "write `type: file`, or take `format` out");
    }
    let (ordered, text) = (
        matches!(kind, "int" | "decimal" | "date" | "timestamp" | "duration" | "list"),
        matches!(kind, "string" | "email"),
    );
    if let Some(bound) = param.min.as_ref().or(param.max.as_ref()).filter(|_| !ordered) {
        odd(
            Some(bound.at),
            format!("`min` and `max` do not belong to `{kind}`"),
            "for the number of characters write `min_length` and `max_length`",
        );
    }
    if !text && (param.min_length.is_some() || param.max_length.is_some()) {
        odd(None, format!("`min_length` and `max_length` do not belong to `{kind}`"), "write `min` and `max`");
    }
    if let Some(pattern) = param.pattern.as_ref().filter(|_| !text) {
        odd(
            Some(pattern.span),
            format!("`pattern` does not belong to `{kind}`"),
            "a pattern is for texts: `type: string`",
        );
    }
    if param.min_length.zip(param.max_length).is_some_and(|(least, most)| least > most) {
        odd(None, "`min_length` is above `max_length`".into(), "exchange the two");
    }
    if let (Some(min), Some(max)) = (&param.min, &param.max)
        && params::order(kind, min, max) == Some(std::cmp::Ordering::Greater)
    {
        odd(
            Some(min.at),
            format!("the smallest value {} is above the largest {}", min.plain(), max.plain()),
            "exchange the two",
        );
    }
}
