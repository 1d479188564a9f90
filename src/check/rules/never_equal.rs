//! Conditions that compare a column with something that it can never be.

use crate::{
    action::kinds::Act,
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        suggest,
        value::{Data, Value},
    },
    check::{
        mentions::{Home, Meaning, Mention},
        scene::{Scene, System},
    },
    effect::change::TableName,
    table::catalogue::Kind,
    template::{Expression, Step as Part},
};

/// The two are never equal.
pub static NEVER_EQUAL: Code = Code {
    id: "E0417",
    title: "a comparison with something that the column never is",
    explain: "An expression compares a column of a found row with a value that it can never have: a name that the project file does not \
        give to any of the column's values (`enums:`), a text where the database holds numbers, or a number where it holds texts. `==` \
        would never hold, and `!=` always. A number is written without quotes (`thing.code == 5`), a text with them (`thing.trn == '0234567'`). \
        What the database holds is compared with its catalogue, which `trueup check --env NAME` reads.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NEVER_EQUAL];

/// Looks at every expression that stands by itself.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for mention in &scene.mentions {
        let scalar = mention.spot.scalar;
        // In a text only what stands between braces would be one.
        let bare = !scalar.text.contains("{{") && !scalar.text.contains("{%");
        let Some((table, column)) = column(scene, mention).filter(|_| bare) else { continue };
        let Ok(expression) = Expression::compile(scalar) else { continue };
        for one in expression.comparisons().iter().filter(|one| one.name == mention.usage.range) {
            if let Some((message, help)) = never(scene, mention, &table, &column, &one.value) {
                let at = scalar.inner(scene.source, one.at.clone());
                problems.push(help.into_iter().fold(Diagnostic::error(&NEVER_EQUAL, at, message), Diagnostic::help));
            }
        }
    }
}

/// The column that is meant by `trainee.state`, `trainee.now.state`, `item.state`: of a single row that a `find` gives.
fn column(scene: &Scene<'_>, mention: &Mention<'_>) -> Option<(TableName, String)> {
    let index = match (mention.meaning, mention.home) {
        (Meaning::Result(index), Home::Step(home)) if scene.loops_between(index, Some(home)).is_empty() => index,
        (Meaning::Special, _) if mention.usage.path.root() == "item" => {
            let targets = scene.playbook.targets.as_ref().filter(|targets| targets.group_by.is_none())?;
            let step = targets.from.step.as_ref()?;
            let index = scene.visits.iter().position(|visit| std::ptr::eq(visit.step, step))?;
            let rows = matches!(scene.visits[index].step.act, Act::Find(_));
            return rows.then(|| named(scene, index, mention))?;
        }
        _ => return None,
    };
    let single = matches!(&scene.visits[index].step.act, Act::Find(find) if find.expects().is_single());
    single.then(|| named(scene, index, mention))?
}

fn named(scene: &Scene<'_>, index: usize, mention: &Mention<'_>) -> Option<(TableName, String)> {
    let column = match mention.usage.path.steps.as_slice() {
        [_, Part::Name(name)] => name,
        [_, Part::Name(now), Part::Name(name)] if &**now == "now" => name,
        _ => return None,
    };
    Some((scene.table(scene.visits[index].step)?, column.to_string()))
}

/// Why the column never has this value, and what to write.
fn never(
    scene: &Scene<'_>,
    mention: &Mention<'_>,
    table: &TableName,
    column: &str,
    value: &Value,
) -> Option<(String, Option<String>)> {
    let said = &mention.usage.path;
    if let Some(names) = scene.facts(table).and_then(|facts| facts.enums.get(column)) {
        let text = value.as_str()?;
        // A value without a name is seen as it is stored, which may be any text where texts are stored.
        let by_number = !names.is_unread() && names.iter().all(|(_, stored)| matches!(stored.data, Data::Int(_)));
        let known: Vec<&str> = names.names().collect();
        return (by_number && !known.contains(&text))
            .then(|| (format!("`{said}` is never `{text}`"), suggest::help(text, known)));
    }
    // A SQLite column holds what it is given, whatever its type.
    if !matches!(scene.system(&table.connection), Some(System::Postgres | System::Mysql)) {
        return None;
    }
    let known = scene.catalogue(table)?.columns.get(column)?;
    match (&known.kind, &value.data) {
        (Kind::Enum(labels), Data::Text(text)) if !labels.iter().any(|label| **label == **text) => {
            Some((format!("`{said}` is never `{text}`"), suggest::help(text, labels.iter().map(String::as_str))))
        }
        (Kind::Int { .. } | Kind::Decimal(_) | Kind::Float, Data::Text(text)) => {
            let number = text.trim().parse::<crate::base::decimal::Decimal>().is_ok();
            let help = number.then(|| format!("write the number without quotes: `{}`", text.trim()));
            Some((format!("`{said}` is a number, and never equal to a text"), help))
        }
        (Kind::Text(_), Data::Int(_) | Data::Decimal(_) | Data::Float(_)) => {
            let help = format!("put quotes around it: `'{}'`", value.plain());
            Some((format!("`{said}` is a text, and never equal to a number"), Some(help)))
        }
        _ => None,
    }
}
