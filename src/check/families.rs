//! What kind of values a name stands for, as far as that is known before anything runs. Judges nothing.

use super::{
    mentions::{Home, Meaning, Mention},
    scene::Scene,
};
use crate::{
    action::kinds::Act,
    effect::change::TableName,
    table::catalogue::Kind,
    template::{
        Step as Part, Tree,
        compare::{Clock, Family},
    },
};

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is this column of a found row.
    Column(TableName, String),
    /// It is one of these words, or null.
    Words(Vec<String>),
    /// Its values are of this family, or null.
    Family(Family),
}

/// What a mention with its attributes stands for.
pub fn of_mention(scene: &Scene<'_>, mention: &Mention<'_>) -> Option<Known> {
    match (mention.meaning, mention.home) {
        (Meaning::Params, _) => of_param(scene, mention),
        (Meaning::Result(index), Home::Step(home)) if scene.loops_between(index, Some(home)).is_empty() => {
            match &scene.visits[index].step.act {
                Act::Find(find) if find.expects().is_single() => column(scene, index, mention),
                _ => of_result(scene, index, mention),
            }
        }
        (Meaning::Element(index), _) => column(scene, looped(scene, index)?, mention),
        (Meaning::Special, _) if mention.usage.path.root() == "item" => {
            let targets = scene.playbook.targets.as_ref().filter(|targets| targets.group_by.is_none())?;
            let step = targets.from.step.as_ref()?;
            let index = scene.visits.iter().position(|visit| std::ptr::eq(visit.step, step))?;
            matches!(step.act, Act::Find(_)).then(|| column(scene, index, mention))?
        }
        _ => None,
    }
}

/// The column that is meant by `trainee.state`, `trainee.now.state`: of the row that the `find` with this index gives.
fn column(scene: &Scene<'_>, index: usize, mention: &Mention<'_>) -> Option<Known> {
    let column = match mention.usage.path.steps.as_slice() {
        [_, Part::Name(name)] => name,
        [_, Part::Name(now), Part::Name(name)] if &**now == "now" => name,
        _ => return None,
    };
    Some(Known::Column(scene.table(scene.visits[index].step)?, column.to_string()))
}

/// The `find` whose rows a loop goes through as they are, when it stands in no loop of its own.
fn looped(scene: &Scene<'_>, index: usize) -> Option<usize> {
    let list = &scene.visits[index].step.common.for_each.as_ref()?.list;
    let Tree::Scalar(text) = &list.tree else { return None };
    let [usage] = text.names() else { return None };
    let whole = text.scalar().text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim() == usage.path.root();
    let found = scene.step(usage.path.root()).filter(|found| whole && scene.loops_between(*found, None).is_empty())?;
    matches!(scene.visits[found].step.act, Act::Find(_)).then_some(found)
}

/// A part of a result that is the same whatever the answer was.
fn of_result(scene: &Scene<'_>, index: usize, mention: &Mention<'_>) -> Option<Known> {
    let [_, Part::Name(name)] = mention.usage.path.steps.as_slice() else { return None };
    let family = match (&scene.visits[index].step.act, &**name) {
        (Act::Http(_), "status") | (Act::Command(_), "code") => Family::Number,
        (Act::Command(command), "output") if command.output.is_none() => Family::Text,
        (Act::Ask(ask), name) => of_type(ask.answer.get(name)?.kind.as_str())?,
        _ => return None,
    };
    Some(Known::Family(family))
}

fn of_param(scene: &Scene<'_>, mention: &Mention<'_>) -> Option<Known> {
    let [_, Part::Name(name)] = mention.usage.path.steps.as_slice() else { return None };
    let param = scene.playbook.params.get(name)?;
    match param.words(scene.project) {
        words if words.is_empty() => of_type(param.kind.as_str()).map(Known::Family),
        words => Some(Known::Words(words.into_iter().map(str::to_owned).collect())),
    }
}

/// What a parameter of this type is given as.
fn of_type(kind: &str) -> Option<Family> {
    Some(match kind {
        "string" | "email" => Family::Text,
        "int" | "decimal" => Family::Number,
        "bool" => Family::Truth,
        "date" | "timestamp" => Family::Time,
        "uuid" => Family::Uuid,
        "list" => Family::List,
        _ => return None,
    })
}

/// The kind of the time that a mention stands for, where it is known.
pub fn clock_of(scene: &Scene<'_>, mention: &Mention<'_>) -> Option<Clock> {
    match (mention.meaning, mention.usage.path.steps.as_slice()) {
        (Meaning::Run, [_, Part::Name(name)]) if &**name == "now" => Some(Clock::Instant),
        (Meaning::Params, [_, Part::Name(name)]) => {
            (scene.playbook.params.get(name)?.kind.as_str() == "date").then_some(Clock::Date)
        }
        _ => match of_mention(scene, mention)? {
            Known::Column(table, column) => match scene.catalogue(&table)?.column(&column)?.kind {
                Kind::Date => Some(Clock::Date),
                Kind::Time => Some(Clock::Time),
                Kind::Timestamp => Some(Clock::Timestamp),
                Kind::Instant => Some(Clock::Instant),
                _ => None,
            },
            _ => None,
        },
    }
}

/// The family of what a column holds.
pub fn of_kind(kind: &Kind) -> Option<Family> {
    Some(match kind {
        Kind::Bool => Family::Truth,
        Kind::Int { .. } | Kind::Decimal(_) | Kind::Float => Family::Number,
        Kind::Text(_) | Kind::Enum(_) => Family::Text,
        Kind::Bytes => Family::Bytes,
        Kind::Date | Kind::Time | Kind::Timestamp | Kind::Instant => Family::Time,
        Kind::Uuid => Family::Uuid,
        Kind::Json | Kind::Other => return None,
    })
}
