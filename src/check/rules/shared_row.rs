//! `find: { shared }`: a row that several drivers take from each other, where nobody could leave it to another one.

use crate::{
    action::kinds::Act,
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        checked::Section,
        scene::{Role, Scene, Visit},
    },
};

/// What `shared` says has no effect here.
pub static SHARED: Code = Code {
    id: "E0910",
    title: "a shared row that could not be left to another driver",
    explain: "`shared` is for a row that several drivers take from each other, as workers do with a queue. What differs in its `columns` between plan and \
        apply is no drift then: another driver has the row, and the item ends as skipped, with the text under `say`. For that the plan must rest on \
        the row: the `find` has an `id`, gives one row (`expect: one` or `optional`), stands under `preconditions` or `steps`, and reads the columns that \
        `shared` names.\n\n\
        ```yaml step\n\
        id: job\n\
        find:\n\
        \x20 table: shop.things\n\
        \x20 where: { id: \"{{ params.id }}\" }\n\
        \x20 shared: { columns: [state], say: \"Somebody else has it: it is {{ job.state }}.\" }\n\
        ```",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&SHARED];

/// Looks at every shared row.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    for visit in &scene.visits {
        one(visit, problems);
    }
}

fn one(visit: &Visit<'_>, problems: &mut Diagnostics) {
    let Act::Find(find) = &visit.step.act else { return };
    let Some(shared) = &find.shared else { return };
    let mut wrong = |at, message: &str, help: &str| {
        problems.push(Diagnostic::error(&SHARED, at, message).help(help.to_owned()));
    };
    if visit.role != Role::Listed || !matches!(visit.section, Section::Preconditions | Section::Steps) {
        wrong(
            shared.at,
            "nothing is planned on this row",
            "write `shared` in a `find` under `preconditions` or `steps`",
        );
        return;
    }
    if visit.step.id().is_none() {
        wrong(visit.step.act_at, "a shared row needs a name", "give the step an `id`: the plan compares the row by it");
    }
    if !find.expects().is_single() {
        wrong(shared.at, "several rows are taken by nobody", "find one row: `expect: one` or `optional`");
    }
    if shared.columns.is_empty() {
        wrong(shared.at, "no column tells who has the row", "name the columns that whoever takes the row changes");
    }
    for column in &shared.columns {
        let read = find.columns.is_empty() || find.columns.iter().any(|one| one.text == column.text);
        if !read {
            wrong(column.span, &format!("`{}` is not read", column.as_str()), "add it to the `columns` of the `find`");
        }
    }
}
