//! Every write says how it is taken back.

use crate::{
    action::{
        kinds::Act,
        step::{Step, Undo},
    },
    base::{
        diagnostic::{Code, Diagnostic, Diagnostics},
        source::Span,
    },
    check::scene::{Role, Scene, Visit, sql_of, writes},
    connection::sql_rules::Class,
    effect::change::TableName,
};

/// It says nothing.
pub static NO_WAY_BACK: Code = Code {
    id: "E0303",
    title: "a change that does not say how it is taken back",
    explain: "Changes by `row` and `rows` are taken back by themselves, from the images of the rows; those by `resource` where its kind says `undo: same_way`. Every other change says one of\n\n\
        - `undo:` with a step that takes it back\n\
        - `undo: automatic`, for a `sql` statement that changes rows of one declared table: by the images of those rows\n\
        - `irreversible: \"why\"`\n\
        - `undo: none_needed` with `because: \"why\"`\n\n\
        The answer stands in every plan, before anybody approves it. Silence is refused because it is always found out too late.",
};
/// It says too much, or something that does not fit.
pub static ODD_WAY_BACK: Code = Code {
    id: "E0304",
    title: "a way back that does not fit the step",
    explain: "`undo:` and `irreversible:` belong to steps that change something, and exclude each other. `undo: automatic` belongs to `row`, \
        `rows`, and `sql` statements of one declared table, `undo: none_needed` needs a reason under `because:`, and the step under `undo:` must itself change something \
        (and has no `undo:` of its own: undoing an undo runs the step again).\n\n\
        All rows of a `block: { transaction }` are taken back together, by their images. So `undo: none_needed` is refused for `row`, `rows` and `sql` inside it, \
        and an `undo:` step for `row` and `rows`: neither would be kept. An `undo:` step of a `sql` statement is used only where its rows cannot be told by \
        their keys. A change that goes another way back stands before the block or after it.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&NO_WAY_BACK, &ODD_WAY_BACK];

/// Looks at every step.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        let step = visit.step;
        fits(scene, visit, problems);
        let rows = matches!(step.act, Act::Row(_) | Act::Rows(_) | Act::Job(_)) || says_so(scene, step);
        let silent = step.common.undo.is_none() && step.common.irreversible.is_none();
        if visit.role == Role::Listed && writes(step) && !rows && silent {
            let name = step.id().map_or_else(|| format!("this `{}` step", step.act.word()), |id| format!("`{id}`"));
            let problem = Diagnostic::error(
                &NO_WAY_BACK,
                step.act_at,
                format!("{name} changes something and does not say how that is taken back"),
            );
            let problem = if matches!(step.act, Act::Resource(_)) {
                problem.help("let its kind say `undo: same_way`: by writing the old values")
            } else {
                problem
            };
            problems.push(
                problem
                    .help("add `undo:` with a step that takes it back, or `irreversible: \"why\"`")
                    .help("or, when there is nothing to take back, `undo: none_needed` and `because: \"why\"`"),
            );
        }
    }
}

/// The kind of a resource says how it is taken back, or why it cannot be.
fn says_so<'a>(scene: &Scene<'a>, step: &'a Step) -> bool {
    scene.resource(step).is_some_and(|(_, kind, _)| kind.undo.is_some() || kind.irreversible.is_some())
}

fn comes_back<'a>(scene: &Scene<'a>, step: &'a Step) -> bool {
    scene.resource(step).is_some_and(|(_, kind, _)| kind.undo.is_some())
}

/// A statement that writes one declared table and gives nothing back: the engine locks and reads its rows by their keys.
fn leaves_images(scene: &Scene<'_>, visit: &Visit<'_>) -> bool {
    let (Some((connection, sql)), Some(verdict)) = (sql_of(visit.step), &visit.sql) else { return false };
    let one = matches!(verdict.class, Class::Insert | Class::Update | Class::Delete) && verdict.writes.len() == 1;
    let declared = verdict.writes.iter().any(|table| {
        let table = TableName { connection: connection.text.clone(), table: table.as_str().into() };
        scene.facts(&table).is_some()
    });
    let outline = sql.outline(scene.dialect(connection.as_str()));
    one && declared && outline.is_ok_and(|bound| !bound.sql.to_lowercase().contains("returning"))
}

fn why(step: &Step) -> &'static str {
    match step.act {
        Act::Sql(_) => ": only an INSERT, UPDATE or DELETE of one declared table without RETURNING shows its rows",
        _ => "",
    }
}

fn fits(scene: &Scene<'_>, visit: &Visit<'_>, problems: &mut Diagnostics) {
    let (step, role) = (visit.step, visit.role);
    let common = &step.common;
    let at = match &common.undo {
        Some(Undo::Automatic(at) | Undo::NoneNeeded(at)) => *at,
        Some(Undo::Step(undo)) => undo.act_at,
        None => match &common.irreversible {
            Some(why) => why.scalar().span,
            None => return,
        },
    };
    let mut odd = |message: &str, help: &str| problems.push(Diagnostic::error(&ODD_WAY_BACK, at, message).help(help));
    let rows = matches!(step.act, Act::Row(_) | Act::Rows(_) | Act::Job(_)) || comes_back(scene, step);
    if !writes(step) {
        return odd(
            &format!("`{}` changes nothing here, so there is nothing to take back", step.act.word()),
            "take `undo:` and `irreversible:` out",
        );
    }
    if role == Role::Undo {
        return odd(
            "the step under `undo:` has no way back of its own",
            "take it out: undoing an undo runs the step itself again",
        );
    }
    if common.undo.is_some() && common.irreversible.is_some() {
        odd("`undo:` and `irreversible:` exclude each other", "keep the one that is true");
    }
    if let Some(problem) = apart(scene, visit, at) {
        return problems.push(problem);
    }
    match &common.undo {
        Some(Undo::Automatic(_)) if !rows && !leaves_images(scene, visit) => odd(
            &format!("`{}` cannot be taken back automatically{}", step.act.word(), why(step)),
            "give `undo:` a step, or write `irreversible: \"why\"`",
        ),
        Some(Undo::NoneNeeded(_)) if common.because.is_none() => {
            odd("`undo: none_needed` without a reason", "add `because: \"why nothing need be taken back\"`")
        }
        Some(Undo::Step(undo)) if !writes(undo) => odd(
            &format!("`{}` changes nothing, so it takes nothing back", undo.act.word()),
            "use `row`, `rows`, `sql` or an `http` step that writes",
        ),
        _ => {}
    }
}

/// A part of a transaction would go another way back than the whole, which the engine does not do.
fn apart(scene: &Scene<'_>, visit: &Visit<'_>, at: Span) -> Option<Diagnostic> {
    let transaction = visit.transaction.filter(|_| !scene.knowledge.carried)?;
    let step = visit.step;
    let said = match (&step.common.undo, &step.act) {
        (Some(Undo::NoneNeeded(_)), Act::Row(_) | Act::Rows(_) | Act::Sql(_)) => "`undo: none_needed` of a part",
        (Some(Undo::Step(_)), Act::Row(_) | Act::Rows(_)) => "an `undo:` of a part",
        _ => return None,
    };
    let instead = match &step.act {
        Act::Sql(_) if leaves_images(scene, visit) => "write `undo: automatic`",
        Act::Sql(_) => "give `undo:` a step that takes it back",
        _ => "take it out",
    };
    let message =
        format!("a transaction is taken back as a whole, by the images of its rows: {said} would not be kept");
    let problem = Diagnostic::error(&ODD_WAY_BACK, at, message).label(transaction.span, "the transaction");
    Some(problem.help(format!("{instead}, or put the step before or behind the block")))
}
