//! The `errors:` table: the form of its rows, and the shared tables that it uses.

use crate::{
    base::diagnostic::{Code, Diagnostic, Diagnostics},
    check::{
        Section,
        scene::{Role, Scene, System, Visit, calls_out, system},
    },
    playbook::{
        errors::{ErrorRow, FailureKind, Verdict},
        project::Project,
    },
};

/// A row that is not in the right form.
pub static ODD_ROW: Code = Code {
    id: "E0503",
    title: "a row of the errors table that does not fit",
    explain: "A row of `errors:` says when it applies (`step`, `api`, `status`, `code`, `body`, `message`, `attempt`, `kind`; at least one) \
        and what to do (`then:`). The last row may be `{ otherwise: … }`, without conditions, for everything else. `step:` names steps \
        that call an API or start a program, `api:` a connection with `http:` or `command:`. Of a program `code` is its exit code, and `body` what it \
        wrote to its error output. A shared table knows no steps: narrow its rows by `status`, `code` and `body`.",
};

/// A shared table that is not there.
pub static NO_TABLE: Code = Code {
    id: "E0507",
    title: "an errors table that does not exist",
    explain: "`errors: { use: register/dqt-errors }` reads the file `register/dqt-errors.errors.yaml` below the playbook folder. The file says \
        the same name in `table:`. Its rows stand between `before:` and `after:` of the playbook, and the run carries them.",
};

/// A repair that nobody asks for, or that is not there.
pub static ODD_REPAIR: Code = Code {
    id: "E0508",
    title: "a repair that does not fit",
    explain: "`then: { fix: open_record, retry: { attempts: 2 } }` does the step `open_record` before the call is tried again, at most once for an \
        item. That step stands under `steps`, before the call, with `repair: true`: it is skipped unless a row asks for it. A shared table \
        knows no steps, so it cannot ask for a repair.",
};

/// All codes of this file.
pub static CODES: &[&Code] = &[&ODD_ROW, &NO_TABLE, &ODD_REPAIR];

/// The row says when it applies.
pub fn has_conditions(row: &ErrorRow) -> bool {
    row.step.is_some()
        || row.api.is_some()
        || row.status.is_some()
        || row.code.is_some()
        || !row.body.entries.is_empty()
        || row.message.is_some()
        || row.attempt.is_some()
        || row.kind.is_some()
}

/// Looks at every row.
pub fn look(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let errors = &scene.playbook.errors;
    for word in &errors.missing {
        let file = format!("{}{}", word.as_str(), crate::playbook::error_table::SUFFIX);
        problems.push(
            Diagnostic::error(&NO_TABLE, word.span, format!("there is no errors table `{}`", word.as_str()))
                .help(format!("its file would be `{file}` below the playbook folder")),
        );
    }
    form(errors, problems);
    apis(errors, scene.project, problems);
    repairs(scene, problems);
    for word in errors.iter().filter_map(|row| row.step.as_ref()).flat_map(|steps| &steps.0) {
        let calls: Vec<&str> = scene.visits.iter().filter(|v| calls_out(v.step)).filter_map(|v| v.step.id()).collect();
        if calls.contains(&word.as_str()) {
            continue;
        }
        let message = match scene.step(word.as_str()) {
            Some(index) => format!(
                "`{}` is a step of the kind `{}` and neither calls an API nor starts a program",
                word.as_str(),
                scene.visits[index].step.act.word()
            ),
            None => format!("there is no step `{}`", word.as_str()),
        };
        problems.push(Diagnostic::error(&ODD_ROW, word.span, message).suggest(word.as_str(), calls));
    }
}

/// The form of the rows, whoever they belong to.
pub fn form(rows: &[ErrorRow], problems: &mut Diagnostics) {
    for (index, row) in rows.iter().enumerate() {
        let mut odd =
            |message: &str, help: &str| problems.push(Diagnostic::error(&ODD_ROW, row.at, message).help(help));
        match (&row.then, &row.otherwise) {
            (None, None) => odd(
                "a row without `then`",
                "add what to do: `then: stop`, `then: { retry: … }`, `then: { escalate: …, say: … }`",
            ),
            (Some(_), Some(_)) => {
                odd("a row with `then` and `otherwise`", "make two rows of it; `otherwise` is the last one")
            }
            (None, Some(_)) if has_conditions(row) => {
                odd("`otherwise` has no conditions", "write `then:` instead, or take the conditions out")
            }
            (None, Some(_)) if index + 1 < rows.len() => {
                odd("`otherwise` is not the last row", "move it to the end: no row after it is ever looked at")
            }
            (Some(_), None) if !has_conditions(row) => odd(
                "a row without conditions fits every failure",
                "add `status:`, `code:`, `body:`, `kind:` or `step:`, or write `otherwise:` as the last row",
            ),
            _ => {}
        }
        let refused = row.kind.as_ref().is_some_and(|kinds| kinds.0.iter().all(|k| *k == FailureKind::NotGranted));
        let again = row.then.iter().any(|then| matches!(then.verdict, Verdict::Retry(_) | Verdict::Accept));
        if refused && again {
            odd(
                "what `uses` does not declare is neither tried again nor accepted",
                "say who is told: `then: { escalate: …, say: … }`, or `then: stop`; and declare it under `uses:`",
            );
        }
        if row.attempt == Some(0) {
            odd("attempts are counted from 1", "write `attempt: 3` for the third attempt and later ones");
        }
        for (path, _) in row.body.iter().filter(|(path, _)| path.split('.').any(str::is_empty)) {
            odd(&format!("`{path}` is not a path of a body"), "write names with dots between them: `errors.outcome`");
        }
        for word in row.message.iter().flat_map(|parts| &parts.0).filter(|word| word.as_str().trim().is_empty()) {
            problems.push(
                Diagnostic::error(&ODD_ROW, word.span, "every message contains this")
                    .help("write words of the message"),
            );
        }
    }
}

/// Every `fix:` names a repair that stands before the calls it is for, and every repair is named.
fn repairs(scene: &Scene<'_>, problems: &mut Diagnostics) {
    let repairs: Vec<(usize, &str)> = scene
        .visits
        .iter()
        .enumerate()
        .filter(|(_, visit)| visit.step.common.repair == Some(true))
        .map(|(index, visit)| (index, visit.step.id().unwrap_or("")))
        .collect();
    let mut named: Vec<&str> = Vec::new();
    for row in &scene.playbook.errors {
        let Some(fix) = row.then.iter().chain(&row.otherwise).find_map(|then| then.fix.as_ref()) else { continue };
        named.push(fix.as_str());
        let Some((at, _)) = repairs.iter().find(|(_, id)| *id == fix.as_str()) else {
            problems.push(
                Diagnostic::error(&ODD_REPAIR, fix.span, format!("there is no repair step `{}`", fix.as_str()))
                    .suggest(fix.as_str(), repairs.iter().map(|(_, id)| *id))
                    .help("a repair is a step under `steps` with `repair: true`"),
            );
            continue;
        };
        let fits = |visit: &Visit<'_>| {
            row.step.as_ref().is_none_or(|words| words.0.iter().any(|word| Some(word.as_str()) == visit.step.id()))
        };
        let calls = scene.visits.iter().enumerate().filter(|(_, visit)| {
            calls_out(visit.step) && visit.section == Section::Steps && visit.role == Role::Listed && fits(visit)
        });
        let calls: Vec<usize> = calls.map(|(index, _)| index).filter(|index| index != at).collect();
        if row.step.is_some() && calls.iter().any(|call| call < at) || !calls.iter().any(|call| call > at) {
            problems.push(
                Diagnostic::error(
                    &ODD_REPAIR,
                    fix.span,
                    format!("`{}` stands after the call that it is for", fix.as_str()),
                )
                .label(scene.visits[*at].step.act_at, "the repair")
                .help("move the repair step before that call, in `steps`"),
            );
        }
    }
    for (index, id) in repairs {
        let visit = &scene.visits[index];
        if visit.section != Section::Steps || visit.role != Role::Listed || visit.owner.is_some() {
            problems.push(Diagnostic::error(
                &ODD_REPAIR,
                visit.step.act_at,
                "a repair stands among `steps`, in no block",
            ));
        } else if !named.contains(&id) {
            problems.push(
                Diagnostic::error(&ODD_REPAIR, visit.step.act_at, "no row of `errors` asks for this repair").help(
                    "write `then: { fix: ID, retry: { … } }` in a row, with this step's `id`, or take `repair:` out",
                ),
            );
        }
    }
}

/// Every `api:` is an API or a program of the project.
pub fn apis(rows: &[ErrorRow], project: &Project, problems: &mut Diagnostics) {
    let known = || {
        let all = project
            .connections
            .iter()
            .filter(|(_, connection)| matches!(system(connection), System::Http | System::Program));
        all.map(|(name, _)| name).collect::<Vec<_>>()
    };
    for word in rows.iter().filter_map(|row| row.api.as_ref()).flat_map(|apis| &apis.0) {
        if !known().contains(&word.as_str()) {
            problems.push(
                Diagnostic::error(
                    &ODD_ROW,
                    word.span,
                    format!("the project has no API and no program `{}`", word.as_str()),
                )
                .suggest(word.as_str(), known()),
            );
        }
    }
}
