//! Texts that are a name of a value as it stands in an expression, without the braces that make one of it.

use crate::{
    action::{kinds::Act, resource::ResourceSpec},
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{columns, mentions::RUN, rules::unknown_name::environment, scene::Scene},
    read::http::HttpSpec,
    template::{Datum, Text},
};

/// Taken as it stands.
pub static NO_BRACES: Code = Code {
    id: "W0067",
    title: "a name that is taken as a text",
    explain: "A value is a text unless an expression stands in it: `where: { number: params.number }` looks for the order whose number is \
        `params.number`. For the value of that name write `\"{{ params.number }}\"`, in quotes, because YAML reads a brace as the beginning of a \
        map. No `$` stands before the braces: it would be a part of the text.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_BRACES];

/// Looks at what steps find, set and send.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        for column in columns::of_step(scene, visit.step).into_iter().flat_map(|(_, columns)| columns) {
            let texts = column.datum.map(|datum| datum.tree.texts()).unwrap_or_default();
            texts.into_iter().for_each(|text| judge(scene, text, Some(&column.name), problems));
        }
        let data = match &visit.step.act {
            Act::Call(call) => call.given.iter().map(|(_, datum)| datum).collect(),
            Act::Http(call) => sent(call),
            Act::Resource(spec) => declared(spec),
            Act::Let(datum) => vec![datum],
            _ => Vec::new(),
        };
        let texts = data.into_iter().flat_map(|datum| datum.tree.texts());
        texts.for_each(|text| judge(scene, text, None, problems));
    }
}

fn sent(call: &HttpSpec) -> Vec<&Datum> {
    let named = [&call.query, &call.form].into_iter().flat_map(|named| named.iter().map(|(_, datum)| datum));
    named.chain(&call.json).collect()
}

fn declared(spec: &ResourceSpec) -> Vec<&Datum> {
    let named = [&spec.key, &spec.only_if].into_iter().flat_map(|named| named.iter().map(|(_, datum)| datum));
    named.chain(&spec.state).chain(&spec.create).collect()
}

/// `column` is the one that the text stands beside.
fn judge(scene: &Scene<'_>, text: &Text, column: Option<&str>, problems: &mut Diagnostics) {
    let scalar = text.scalar();
    let written = scalar.text.trim();
    let mut report = |message: String, inner: &str| {
        let help = format!("for its value write `\"{{{{ {inner} }}}}\"`");
        problems.push(Diagnostic::warning(&NO_BRACES, scalar.span, message).help(help));
    };
    if let Some(inner) = written.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"))
        && !inner.contains("{{")
    {
        report("the `$` becomes a part of the text".into(), inner.trim());
    } else if text.is_literal() && is_name(scene, written, column) {
        report(format!("this is the text `{written}`, and not what that name stands for"), written);
    }
}

fn is_name(scene: &Scene<'_>, written: &str, column: Option<&str>) -> bool {
    let Some((root, rest)) = written.split_once('.') else { return false };
    let name = rest.split('.').next().unwrap_or_default();
    match root {
        "params" => scene.playbook.params.get(name).is_some(),
        "vars" => scene.playbook.vars.get(name).is_some(),
        "env" => environment(scene).contains(&name),
        "run" => RUN.contains(&name),
        // `order.created` may be the name of an event: only what is surely a column of the row.
        _ => scene.step(root).is_some_and(|index| {
            let table = scene.table(scene.visits[index].step);
            let known =
                table.and_then(|table| scene.catalogue(&table)).is_some_and(|known| known.column(name).is_some());
            let used = || scene.mentions.iter().any(|m| m.usage.path.root() == root && m.attribute() == Some(name));
            column.is_some_and(|column| column == name || known || used()) && rest == name
        }),
    }
}
