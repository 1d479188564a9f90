//! Attributes that the result of a step does not have.

use crate::{
    action::{kinds::Act, step::Step},
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Placed,
    },
    check::{
        columns::{self, Column},
        mentions::{Home, Meaning, Mention},
        scene::Scene,
        shape::{self, Misstep, Shape},
    },
    read::expect::Expect,
    template::{Step as Part, Tree, UseKind, builtin},
};

/// No such attribute.
pub static UNKNOWN_ATTRIBUTE: Code = Code {
    id: "E0235",
    title: "an attribute that the result does not have",
    explain: "The result of a step has known attributes: a found row the columns of its table (those under `columns:`, when that is \
        given), an `http` step `status`, `headers` and `body`, an `ask` step the parts of its `answer`. A `find` or `query` with \
        `expect: many`, `none` or a range gives a list: take `| first`, or loop.\n\n\
        Columns of tables are compared with the database's catalogue, which `trueup check --env NAME` reads.",
};

/// Hardly the name of a column.
pub static NO_COLUMN: Code = Code {
    id: "W0066",
    title: "a word that is hardly a column of the row",
    explain: "The result of a `row` step is the row as it is afterwards: its attributes are columns, and there is no `changed` beside them. That the \
        step was done says `reopen is ran`; whether it changed anything says a comparison with the row as it was found: \
        `order.state != reopen.state`. With `trueup check --env NAME`, which reads the columns, it is an error.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&UNKNOWN_ATTRIBUTE, &NO_COLUMN];

/// Looks at every attribute of every result and variable.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for mention in scene.mentions.iter().filter(|m| m.usage.kind == UseKind::Variable && m.usage.path.steps.len() > 1) {
        if let Meaning::Result(index) = mention.meaning
            && let Some(Part::Name(name)) = mention.usage.path.steps.get(1)
            && whole(name).is_none()
            && let Some(problem) = misused_list(scene, index)
        {
            // One mistake, however often its result is looked at.
            problems.push(problem);
            continue;
        }
        if let Some(problem) = not_again(scene, mention) {
            problems.push(problem);
            continue;
        }
        match mention.meaning {
            Meaning::Result(index) if hardly(scene, index, mention) => problems.push(no_column(scene, index, mention)),
            Meaning::Result(index) => {
                let home = if let Home::Step(home) = mention.home { Some(home) } else { None };
                judge(scene, mention, 0, &shape::seen(scene, index, home), problems)
            }
            Meaning::Params if mention.usage.path.steps.len() > 2 => {
                of_param(scene, mention).into_iter().for_each(|problem| problems.push(problem));
            }
            Meaning::Special if mention.usage.path.root() == "item" => {
                judge(scene, mention, 0, &shape::of_item(scene), problems);
            }
            Meaning::Vars if mention.usage.path.steps.len() > 2 => {
                let datum = mention.attribute().and_then(|name| scene.playbook.vars.get(name));
                if let Some(datum) = datum {
                    judge(scene, mention, 1, &shape::of_datum(datum), problems);
                }
            }
            _ => {}
        }
    }
}

/// So many places that take a list for a row are one mistake: that it is a list.
const SEVERAL: usize = 3;

/// A list that is taken for a row all over: `expect:` says something else than is meant.
pub(super) fn misused_list(scene: &Scene<'_>, index: usize) -> Option<Diagnostic> {
    if let Some(problem) = list_of_one(scene, index) {
        return Some(problem);
    }
    let step = scene.visits[index].step;
    let expect = written(step).filter(|expect| !expect.value.is_single())?;
    let of_row = |mention: &&Mention<'_>| {
        let name = mention.attribute();
        mention.meaning == Meaning::Result(index)
            && mention.usage.kind == UseKind::Variable
            && name.is_some_and(|name| whole(name).is_none())
            && expecting(scene, mention)
    };
    let asked: Vec<&Mention<'_>> = scene.mentions.iter().filter(of_row).collect();
    let first = asked.first().filter(|_| asked.len() >= SEVERAL)?;
    let (id, name) = (step.id()?, first.attribute()?);
    let message = format!("`{id}` is a list, and {} places below take it for one row", asked.len());
    let problem =
        Diagnostic::error(&UNKNOWN_ATTRIBUTE, expect.at, message).label(first.part(scene, 1), "the first of them");
    Some(problem.help(format!(
        "if one row is meant, write `expect: one`; else take one element (`({id} | first).{name}`), or all (`{id} | map(attribute='{name}')`)"
    )))
}

fn written(step: &Step) -> Option<&Placed<Expect>> {
    match &step.act {
        Act::Find(find) => find.expect.as_ref(),
        Act::Query(query) => query.expect.as_ref(),
        _ => None,
    }
}

/// `expect: 1` (or `1..1`), where the row itself is used: the count is right, and the result is a list of it.
fn list_of_one(scene: &Scene<'_>, index: usize) -> Option<Diagnostic> {
    let step = scene.visits[index].step;
    let expect = written(step).filter(|expect| expect.value == Expect::Between(1, 1))?;
    let id = step.id()?;
    let message = format!("with a number `{id}` is a list, and the row itself is used below");
    Some(
        Diagnostic::error(&UNKNOWN_ATTRIBUTE, expect.at, message)
            .help("write `expect: one`: exactly one row, and no list"),
    )
}

/// What other programs tell of a change, asked of a row whose columns are not known.
fn hardly(scene: &Scene<'_>, index: usize, mention: &Mention<'_>) -> bool {
    const TOLD: [&str; 6] = ["changed", "unchanged", "success", "succeeded", "ran", "skipped"];
    let (Some(name), visit) = (mention.attribute(), &scene.visits[index]) else { return false };
    let Some(table) = scene.table(visit.step).filter(|table| scene.catalogue(table).is_none()) else { return false };
    let here = |columns: &[Column<'_>]| columns.iter().any(|column| *column.name == *name);
    let columns = || scene.visits.iter().filter_map(|visit| columns::of_step(scene, visit.step));
    matches!(visit.step.act, Act::Row(_))
        && TOLD.contains(&name)
        && !columns().any(|(other, columns)| other == table && here(&columns))
}

fn no_column(scene: &Scene<'_>, index: usize, mention: &Mention<'_>) -> Diagnostic {
    let (id, name) = (mention.usage.path.root(), mention.attribute().unwrap_or_default());
    let message = format!("`{id}` is the row that the step changed: `{name}` would be one of its columns");
    let step = scene.visits[index].step;
    let compare = match &step.act {
        Act::Row(row) => row.of.as_ref().zip(row.set.names().next()),
        _ => None,
    };
    let ran = format!("that the step was done says `{id} is ran`");
    let help = match compare {
        Some((of, column)) => {
            format!("{ran}; whether it changed anything says `{}.{column} != {id}.{column}`", of.as_str())
        }
        None => ran,
    };
    Diagnostic::warning(&NO_COLUMN, mention.part(scene, 1), message).help(help)
}

/// A parameter is a single value, or a list of them.
fn of_param(scene: &Scene<'_>, mention: &Mention<'_>) -> Option<Diagnostic> {
    let [_, Part::Name(param), Part::Name(name), ..] = mention.usage.path.steps.as_slice() else { return None };
    let declared = scene.playbook.params.get(param).filter(|param| param.kind.as_str() != "file")?;
    let message = format!("`params.{param}` has no attribute `{name}`: its type is `{}`", declared.kind.as_str());
    let problem = Diagnostic::error(&UNKNOWN_ATTRIBUTE, mention.part(scene, 2), message);
    let filter =
        whole(name).or_else(|| builtin::filter(name).filter(|known| known.name == &**name).map(|known| known.name));
    Some(match filter {
        Some(filter) => problem.help(format!("write `params.{param} | {filter}`")),
        None => problem.help(format!("write `params.{param}` alone")),
    })
}

/// `.now` where no row is read again: of one of many rows, and under `returns:`.
fn not_again(scene: &Scene<'_>, mention: &Mention<'_>) -> Option<Diagnostic> {
    let find = |index: usize| match &scene.visits[index].step.act {
        Act::Find(find) => Some(find),
        _ => None,
    };
    let now = |part: Option<&Part>| matches!(part, Some(Part::Name(name)) if &**name == "now");
    let parts = mention.usage.path.steps.as_slice();
    let root = mention.usage.path.root();
    let (at, message, help) = match (mention.meaning, parts) {
        (Meaning::Result(index), [_, Part::Index(_) | Part::Each, ..]) => {
            (!find(index)?.expects().is_single() && now(parts.get(2))).then_some(())?;
            (2, format!("the rows of `{root}` are not read again"), FIND_IT)
        }
        (Meaning::Result(index), _) if now(parts.get(1)) => {
            let single = find(index)?.expects().is_single();
            if mention.home == Home::Returns {
                (
                    1,
                    format!("`{root}` is not read again for `returns:`"),
                    "let the last step `find` it, and give that back",
                )
            } else if single {
                return None;
            } else {
                (1, format!("`{root}` is a list, and its rows are not read again"), FIND_IT)
            }
        }
        (Meaning::Element(index), _) if now(parts.get(1)) => {
            let list = &scene.visits[index].step.common.for_each.as_ref()?.list;
            let Tree::Scalar(text) = &list.tree else { return None };
            let of = text.path().filter(|path| path.steps.len() == 1)?;
            find(scene.visits.iter().position(|visit| visit.step.id() == Some(of.root()))?)?;
            (1, format!("`{root}` is one of several rows, which are not read again"), FIND_IT)
        }
        _ => return None,
    };
    Some(Diagnostic::error(&UNKNOWN_ATTRIBUTE, mention.part(scene, at), message).help(help))
}

const FIND_IT: &str = "`find` the one row by its key, in a step of its own with `expect: one`";

/// `root` is the index of the part that carries the value.
fn judge(scene: &Scene<'_>, mention: &Mention<'_>, root: usize, shape: &Shape, problems: &mut Diagnostics) {
    let parts = &mention.usage.path.steps[root..];
    let owner = crate::template::Path { steps: mention.usage.path.steps[..=root].to_vec() };
    let list = |index: usize| crate::template::Path { steps: mention.usage.path.steps[..root + index].to_vec() };
    let problem = match shape.walk(parts) {
        Ok(()) => return,
        Err(Misstep::NoSuch(index, known)) => {
            let name = part(mention, root + index);
            Diagnostic::error(
                &UNKNOWN_ATTRIBUTE,
                mention.part(scene, root + index),
                format!("`{owner}` has no attribute `{name}`"),
            )
            .suggest(&name, known.iter().map(String::as_str).filter(|k| *k != "now"))
        }
        // What is asked of a list as a whole is asked by a filter.
        Err(Misstep::OfList(index)) if whole(&part(mention, root + index)).is_some() => {
            let name = part(mention, root + index);
            let (filter, owner) = (whole(&name).unwrap_or_default(), list(index));
            Diagnostic::error(
                &UNKNOWN_ATTRIBUTE,
                mention.part(scene, root + index),
                format!("`{owner}` is a list and has no attribute `{name}`"),
            )
            .help(format!("write `{owner} | {filter}`"))
        }
        Err(Misstep::OfList(index)) => {
            let (name, owner) = (part(mention, root + index), list(index));
            Diagnostic::error(
                &UNKNOWN_ATTRIBUTE,
                mention.part(scene, root + index),
                format!("`{owner}` is a list and has no attribute `{name}`"),
            )
            .help(match expecting(scene, mention) {
                true => format!(
                    "take one element (`({owner} | first).{name}`), all of them (`{owner} | \
                        map(attribute='{name}')`), or let the step `expect: one`"
                ),
                false => format!(
                    "take one element (`({owner} | first).{name}`), or all of them (`{owner} | map(attribute='{name}')`)"
                ),
            })
        }
    };
    problems.push(problem);
}

/// It is a list because of what its step expects, and not because of a loop or a source.
fn expecting(scene: &Scene<'_>, mention: &Mention<'_>) -> bool {
    let Meaning::Result(index) = mention.meaning else { return false };
    let act = &scene.visits[index].step.act;
    let home = if let Home::Step(home) = mention.home { Some(home) } else { None };
    matches!(act, Act::Find(_) | Act::Query(_)) && scene.loops_between(index, home).is_empty()
}

/// The filter that tells of a list what is its attribute elsewhere.
fn whole(name: &str) -> Option<&'static str> {
    Some(match name {
        "length" | "size" | "count" | "len" => "length",
        "first" => "first",
        "last" => "last",
        _ => return None,
    })
}

fn part(mention: &Mention<'_>, index: usize) -> String {
    match mention.usage.path.steps.get(index) {
        Some(Part::Name(name)) => name.to_string(),
        _ => String::new(),
    }
}
