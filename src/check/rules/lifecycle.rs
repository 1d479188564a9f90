//! `lifecycle:`: parts that do not fit together, and ways out of a stage that would leave its record behind.

use crate::{
    action::{
        ends::{Otherwise, Way},
        kinds::Act,
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        shape::Word,
        source::Span,
    },
    check::scene::{Role, Scene},
    effect::change::TableName,
    playbook::lifecycle::{Lifecycle, Line, PARTS, expression_of},
};

/// A step ends the item in the middle of a stage.
pub static LEFT_BEHIND: Code = Code {
    id: "E0871",
    title: "a way out of a stage that leaves the record in its working state",
    explain: "A stage that fails moves its record to the `failed` state; a stage whose steps are done moves it on. A step in a stage whose \
        `otherwise:` is `stop`, `skip`, `done` or `escalate`, or an `end:` with one of them, would end the item in between: the record stayed in the working \
        state, and looked as if somebody were at work on it. Write `otherwise: { fail: … }`, let the `errors` table decide, or ask before the \
        stage begins, under `preconditions` or in the stage's `when:`.",
};
/// Nobody could tell how old a state is.
pub static NO_AGE: Code = Code {
    id: "W0870",
    title: "a lifecycle of which nobody can tell since when a record is in its state",
    explain: "A record that stands in a working state is either worked on at this moment or was left there when a run died. How long it has stood there \
        tells which. Say which column knows: `since: COLUMN` in the lifecycle, or `updated_at: COLUMN` of the table in the project file. Without it `trueup lifecycle \
        rewind` takes every record that no run of this journal holds for one that was left behind.",
};
/// The items are told apart by something else than the records.
pub static OTHER_KEY: Code = Code {
    id: "E0872",
    title: "a lifecycle whose key is not that of its table",
    explain: "Every move changes one record by its key, the one that the project file declares for the table. `key:` of the lifecycle names the same \
        columns; it may be left out where that is `id`.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&PARTS, &LEFT_BEHIND, &NO_AGE, &OTHER_KEY];

/// Looks at the lifecycle of a playbook.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let Some(lifecycle) = &scene.playbook.lifecycle else { return };
    parts(scene, lifecycle, problems);
    table(scene, lifecycle, problems);
    ways_out(scene, lifecycle, problems);
}

fn parts(scene: &Scene<'_>, lifecycle: &Lifecycle, problems: &mut Diagnostics) {
    let mut wrong = |at: Span, message: String, help: &str| {
        problems.push(Diagnostic::error(&PARTS, at, message).help(help.to_owned()));
    };
    let states = lifecycle.states();
    for (index, state) in states.iter().enumerate() {
        if states[..index].iter().any(|other| other.as_str() == state.as_str()) {
            wrong(
                state.span,
                format!("the state `{}` stands here twice", state.as_str()),
                "every state of a lifecycle has one place: where a stage begins nobody could tell otherwise",
            );
        }
    }
    if lifecycle.stages.is_empty() {
        wrong(lifecycle.at, "a lifecycle without stages".into(), "write at least one: `{ id, working, done, steps }`");
    }
    let ids: Vec<&Word> = lifecycle.stages.iter().map(|stage| &stage.id).collect();
    for (index, id) in ids.iter().enumerate() {
        if ids[..index].iter().any(|other| other.as_str() == id.as_str()) {
            wrong(id.span, format!("another stage is called `{}` already", id.as_str()), "give it another `id`");
        }
    }
    if scene.playbook.targets.is_none() {
        wrong(
            lifecycle.at,
            "a lifecycle without `targets:`".into(),
            "say which records are meant: `targets: { from: { lifecycle: waiting } }`",
        );
    }
    if let Some(log) = lifecycle.log.as_ref().filter(|log| Line::of(&log.line.text).is_none()) {
        wrong(
            log.line.span,
            "no line of the log tells which state was left and which one was come to".into(),
            "write both on one line: `\"Moved from {{ move.from }} to {{ move.to }}: {{ move.text }}\\n\"`",
        );
    }
    for stage in &lifecycle.stages {
        if let Some(log) = stage.log.as_ref().filter(|log| expression_of(&log.text).is_none()) {
            wrong(
                log.span,
                "the text of a stage's log has only values in it".into(),
                "write `{{ a if … else b }}` instead of `{% if %}`",
            );
        }
    }
    if let Some(moves) = &lifecycle.moves
        && moves.methods() != 1
    {
        wrong(moves.at, "a move is one request".into(), "write one of `patch: /path`, `post`, `put`");
    }
    if let Some(cool_off) = scene.playbook.targets.as_ref().and_then(|targets| targets.cool_off.as_ref())
        && scene.playbook.targets.as_ref().is_some_and(|targets| !targets.from.waiting)
    {
        wrong(
            cool_off.at,
            "`cool_off` belongs to `from: { lifecycle: waiting }`".into(),
            "elsewhere write it under `where:`: `created: { before: \"{{ run.now - duration('7d') }}\" }`",
        );
    }
}

fn table(scene: &Scene<'_>, lifecycle: &Lifecycle, problems: &mut Diagnostics) {
    let Some(facts) = TableName::parse(lifecycle.table.as_str()).and_then(|table| scene.facts(&table)) else { return };
    let declared: Vec<&str> = facts.key.names().collect();
    if declared != lifecycle.key_columns() {
        let at = lifecycle.key.as_ref().and_then(|key| key.0.first()).map_or(lifecycle.table.span, |word| word.span);
        problems.push(
            Diagnostic::error(&OTHER_KEY, at, format!("the key of `{}` is another one", lifecycle.table.as_str()))
                .help(format!("write `key: [{}]`", declared.join(", "))),
        );
    }
    if lifecycle.since.is_none() && facts.stamp().is_none() {
        problems.push(
            Diagnostic::warning(&NO_AGE, lifecycle.table.span, "no column tells since when a record is in its state")
                .help("add `since: COLUMN`, or `updated_at: COLUMN` to the table in the project file"),
        );
    }
}

/// Every way out of a stage is a failure, or the stage goes on.
fn ways_out(scene: &Scene<'_>, lifecycle: &Lifecycle, problems: &mut Diagnostics) {
    let inside = |path: &str| {
        lifecycle.stages.iter().any(|stage| path.starts_with(&format!("steps/{0}/{0}_work/", stage.id.as_str())))
    };
    let leaves = |otherwise: &Otherwise| !matches!(otherwise.way, Way::Fail | Way::Warn);
    for visit in scene.visits.iter().filter(|visit| visit.role == Role::Listed && inside(&visit.path)) {
        let step = visit.step;
        let end = match &step.act {
            Act::End(otherwise) => Some(otherwise),
            _ => step.common.otherwise.as_ref(),
        };
        if let Some(otherwise) = end.filter(|otherwise| leaves(otherwise)) {
            let at = otherwise.say.as_ref().map_or(step.act_at, |say| say.scalar().span);
            problems.push(
                Diagnostic::error(
                    &LEFT_BEHIND,
                    at,
                    format!("`{}` would leave the record in its working state", otherwise.way.word()),
                )
                .help("write `otherwise: { fail: … }`: the record is moved to the failed state, and the text stands in its log"),
            );
        }
    }
}
